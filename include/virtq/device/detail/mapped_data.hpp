// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/device/detail/segment_splitter.hpp>
#include <virtq/platform/dma_mapper.hpp>
#include <virtq/queue/segment.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Remembers what is mapped for each of `S` requests, so that it is unmapped exactly once: when the request has ended,
/// when its submission fails half way, or after a reset.
///
/// **Invariant** `count_[i]` segments of request `i` are mapped, and no others.
template <uint32_t S, DmaMapper Mapper>
class MappedData {
public:
    /// Most segments of one part, because each of them has to be remembered.
    static constexpr uint32_t segments_max = SegmentSplitter::part_segments;

    /// Maps all of `data`, or nothing. Errors: those of the mapper.
    [[__nodiscard__]] Error map(Mapper* mapper, uint16_t number, Span<Segment const> data, DmaDirection direction) {
        direction_[number] = direction;
        count_[number] = 0;
        for (Segment const& segment : data) {
            Result<PhysAddr> const bus = mapper->map(segment.addr, segment.bytes, direction);
            if (!bus) {
                unmap(mapper, number);
                return bus.error();
            }
            segment_[number][count_[number]++] = Segment{*bus, segment.bytes};
        }
        return Error::none;
    }

    void unmap(Mapper* mapper, uint16_t number) {
        while (count_[number] != 0) {
            Segment const& segment = segment_[number][--count_[number]];
            mapper->unmap(segment.addr, segment.bytes, direction_[number]);
        }
    }

    /// The mapped segments of a request, with device addresses.
    [[__nodiscard__]] Span<Segment const> where(uint16_t number, Span<Segment const>) const {
        return {segment_[number], count_[number]};
    }

private:
    Segment segment_[S][segments_max] = {};
    uint8_t count_[S] = {};
    DmaDirection direction_[S] = {};
};

/// Without a mapper nothing has to be remembered: the device uses the caller's addresses.
template <uint32_t S>
class MappedData<S, NoMapper> {
public:
    static constexpr uint32_t segments_max = UINT32_MAX;

    [[__nodiscard__]] Error map(NoMapper*, uint16_t, Span<Segment const>, DmaDirection) { return Error::none; }
    void unmap(NoMapper*, uint16_t) {}
    [[__nodiscard__]] Span<Segment const> where(uint16_t, Span<Segment const> data) const { return data; }
};

}  // namespace virtq::detail
