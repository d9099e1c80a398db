// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/base/span.hpp>
#include <virtq/device/gpu_types.hpp>
#include <virtq/platform/dma_mapper.hpp>
#include <virtq/queue/segment.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The number of no picture, and of no display.
inline constexpr uint8_t gpu_none = 255;

/// Where the mapper put the memory of each picture: mapped from `create` to `destroy`, and unmapped once.
///
/// **Invariant** `count_[i]` segments of picture `i` are mapped, and no others.
template <class Traits, class Mapper>
class GpuMemory {
public:
    void set_mapper(Mapper* mapper) { mapper_ = mapper; }

    /// Maps all of `memory`, or nothing. Errors: those of the mapper.
    [[__nodiscard__]] Error map(uint32_t number, Span<Segment const> memory) {
        count_[number] = 0;
        for (Segment const& segment : memory) {
            Result<PhysAddr> const bus = mapper_->map(segment.addr, segment.bytes, DmaDirection::device_reads);
            if (!bus) {
                unmap(number);
                return bus.error();
            }
            segments_[number][count_[number]++] = Segment{*bus, segment.bytes};
        }
        return Error::none;
    }
    void unmap(uint32_t number) {
        while (count_[number] != 0) {
            Segment const& segment = segments_[number][--count_[number]];
            mapper_->unmap(segment.addr, segment.bytes, DmaDirection::device_reads);
        }
    }
    /// The memory with device addresses.
    [[__nodiscard__]] Span<Segment const> where(uint32_t number, Span<Segment const>) const {
        return {segments_[number], count_[number]};
    }

private:
    Mapper* mapper_ = nullptr;
    Segment segments_[Traits::picture_max][Traits::segment_max] = {};
    uint32_t count_[Traits::picture_max] = {};
};

/// Without a mapper nothing has to be remembered: the device uses the kernel's addresses.
template <class Traits>
class GpuMemory<Traits, NoMapper> {
public:
    void set_mapper(NoMapper*) {}
    [[__nodiscard__]] Error map(uint32_t, Span<Segment const>) { return Error::none; }
    void unmap(uint32_t) {}
    [[__nodiscard__]] Span<Segment const> where(uint32_t, Span<Segment const> memory) const { return memory; }
};

/// The pictures that the device knows: its 2D resources, with the `resource_id` of each (§5.7.6.8). An id that is in use
/// is not given again, and any other one only after 2^32 pictures. So a picture of before a reset is not taken for
/// another one.
template <class Traits>
class GpuPictureTable {
    static_assert(Traits::picture_max >= 1 && Traits::picture_max <= 255,
                  "GpuTraits: use a picture_max from 1 to 255.");
    static_assert(Traits::segment_max >= 1 && Traits::segment_max <= 65535,
                  "GpuTraits: use a segment_max from 1 to 65535.");

public:
    using Mapper = typename Traits::Mapper;

    struct Record {
        uint32_t id = 0;  ///< 0: this record is free
        uint32_t width = 0;
        uint32_t height = 0;
        uint16_t displays = 0;    ///< bit n: display n shows it
        uint16_t in_flight = 0;   ///< commands that flush or show it, and that the device has
        bool has_memory = false;  ///< the device may read its memory
        bool is_leaving = false;  ///< a `destroy` of it has begun, and has not ended
        bool is_filled = false;   ///< a transfer of its memory has ended
    };

    void set_mapper(Mapper* mapper) { memory_.set_mapper(mapper); }

    /// Whether a picture can be of this shape, in this memory.
    [[__nodiscard__]] static bool fits(GpuShape const& shape, Span<Segment const> memory) {
        if (shape.width == 0 || shape.width > gpu_side_max || shape.height == 0 || shape.height > gpu_side_max ||
            memory.size() > Traits::segment_max) {
            return false;
        }
        uint64_t bytes = 0;  // at most 65535 pieces of 4 GiB
        for (Segment const& segment : memory) {
            if (segment.bytes == 0) {
                return false;
            }
            bytes += segment.bytes;
        }
        return bytes >= uint64_t{shape.width} * shape.height * gpu_pixel_bytes;
    }

    /// Takes a record, and maps the memory. Errors: `pictures_used_up`, those of the mapper.
    [[__nodiscard__]] Result<GpuPicture> add(GpuShape const& shape, Span<Segment const> memory) {
        uint8_t const number = find(0);
        if (number == gpu_none) {
            return Error::pictures_used_up;
        }
        if (Error const error = memory_.map(number, memory); error != Error::none) {
            return error;
        }
        do {
            ++last_id_;
        } while (find(last_id_) != gpu_none);  // 0 is found, too: it is the id of this record, which is free
        records_[number] = {last_id_, shape.width, shape.height};
        return GpuPicture{last_id_, shape.width, shape.height};
    }
    /// Unmaps the memory of a picture, which the device does not read any more.
    void drop_memory(uint8_t number) {
        records_[number].has_memory = false;
        memory_.unmap(number);
    }
    void drop(uint8_t number) {
        drop_memory(number);
        records_[number] = {};
    }
    /// The device was reset: it knows no picture any more.
    void drop_all() {
        for (uint32_t number = 0; number < Traits::picture_max; ++number) {
            drop(static_cast<uint8_t>(number));
        }
    }

    /// The number of a picture; `gpu_none` if no picture has this id. The id 0 finds a free record.
    [[__nodiscard__]] uint8_t find(uint32_t id) const {
        for (uint32_t number = 0; number < Traits::picture_max; ++number) {
            if (records_[number].id == id) {
                return static_cast<uint8_t>(number);
            }
        }
        return gpu_none;
    }
    /// The number of a picture of the kernel's.
    [[__nodiscard__]] uint8_t find(GpuPicture const& picture) const {
        return picture.id != 0 ? find(picture.id) : gpu_none;
    }
    [[__nodiscard__]] Record& at(uint8_t number) { return records_[number]; }
    [[__nodiscard__]] Span<Segment const> where(uint8_t number, Span<Segment const> memory) const {
        return memory_.where(number, memory);
    }

    /// Whether a rectangle is inside a picture, and not empty.
    [[__nodiscard__]] bool has(uint8_t number, GpuRect const& rect) const {
        Record const& record = records_[number];
        return !rect.empty() && clipped(rect, record.width, record.height) == rect;
    }
    /// Whether this is a picture that the kernel may flush and show: the device has its memory, and keeps it.
    [[__nodiscard__]] bool is_usable(uint8_t number) const {
        return number != gpu_none && records_[number].has_memory && !records_[number].is_leaving;
    }
    /// A display shows this picture, and no other one; `gpu_none`: it is off.
    void set_shown(uint8_t number, uint32_t display) {
        auto const bit = static_cast<uint16_t>(1u << display);
        for (Record& record : records_) {
            record.displays = static_cast<uint16_t>(record.displays & ~bit);
        }
        if (number != gpu_none) {
            records_[number].displays = static_cast<uint16_t>(records_[number].displays | bit);
        }
    }

protected:
    uint32_t last_id_ = 0;  ///< a test sets it, because it cannot count to 2^32

private:
    Record records_[Traits::picture_max] = {};
    [[__no_unique_address__]] GpuMemory<Traits, Mapper> memory_;
};

}  // namespace virtq::detail
