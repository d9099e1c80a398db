// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/detail/endian.hpp>
#include <virtq/base/detail/same_as.hpp>
#include <virtq/device/detail/gpu/gpu_picture_table.hpp>
#include <virtq/device/driver_fault.hpp>
#include <virtq/device/slot_queue.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/spec/gpu.hpp>

#include <stdint.h>

namespace virtq::detail {

/// A command of a GPU, and the answer that it must get.
struct GpuCommand {
    spec::gpu::Command type;
    void const* body = nullptr;  ///< begins with a `Header`, which is filled in here
    uint32_t body_bytes = sizeof(spec::gpu::Header);
    spec::gpu::Response answer = spec::gpu::Response::ok_nodata;
    uint32_t answer_bytes = sizeof(spec::gpu::Header);  ///< at least
    uint32_t answer_room = sizeof(spec::gpu::Header);
    uint8_t picture = gpu_none;  ///< which picture it flushes or shows
    uint8_t display = gpu_none;  ///< which display shows `picture` afterwards
};

/// How a command ended. With a reason, the device violated the standard by `value`.
struct GpuVerdict {
    Error error = Error::none;
    DriverReason reason = DriverReason::none;
    uint32_t value = 0;
};

/// What an answer that reports an error means. It is never `no_such_picture`: the kernel would free the picture's memory,
/// and the device may still have that.
[[__nodiscard__]] constexpr Error gpu_error(spec::gpu::Response type) {
    return type == spec::gpu::Response::err_out_of_memory ? Error::device_out_of_memory : Error::command_refused;
}

[[__nodiscard__]] constexpr spec::gpu::Rect gpu_rect(GpuRect const& rect) {
    return {little_endian(rect.x), little_endian(rect.y), little_endian(rect.width), little_endian(rect.height)};
}

/// Nothing of the kernel's is in a chain, so nothing has to be mapped for one.
template <class Traits>
struct GpuQueueTraits {
    using Mapper = NoMapper;
    using Format = typename Traits::Format;
};

/// The longest command, which attaches memory to a picture.
template <class Traits>
inline constexpr uint32_t gpu_attach_bytes =
    sizeof(spec::gpu::ResourceAttachBacking) + Traits::segment_max * sizeof(spec::gpu::MemoryEntry);

template <uint32_t N, class Traits>
using GpuControlSlots =
    SlotQueue<N, GpuQueueTraits<Traits>,
              WithLongCommand<SlotShape<sizeof(spec::gpu::TransferToHost2d), sizeof(spec::gpu::Edid)>,
                              gpu_attach_bytes<Traits>>>;

/// The control queue of a GPU (§5.7.6.8), and the pictures that its commands are about.
///
/// Each command has a fence of its own: so its answer comes when the work is done (§5.7.6.5), and an answer that belongs to
/// another command is recognised.
///
/// **Invariant** Each chain has two segments, and there is a slot for each two descriptors. So if a slot is free, the ring
/// has room, and no command is refused: the driver adds none after a violation of the device.
template <uint32_t N, class Traits>
class GpuControl : public GpuControlSlots<N, Traits> {
    using Base = GpuControlSlots<N, Traits>;
    using Header = spec::gpu::Header;

public:
    using Mapper = typename Traits::Mapper;
    using Pictures = GpuPictureTable<Traits>;

    // --- for `DriverCore`, in the place of those of `SlotQueue` ---

    template <class M>
    void set_mapper([[__maybe_unused__]] M* mapper) {
        if constexpr (SameAs<M, Mapper>) {
            pictures.set_mapper(mapper);
        }
    }
    /// A flush takes two slots.
    template <class T, PageAllocator Allocator>
    [[__nodiscard__]] Status set_up(DeviceInit<T>& init, uint16_t index, Allocator& allocator,
                                    Features const& negotiated, QueueOption const& option) {
        Status const made = Base::set_up(init, index, allocator, negotiated, option);
        return made && this->ring().size() < 4 ? Status{init.fail(Error::queue_too_small)} : made;
    }
    /// The device has stopped, and has forgotten all pictures.
    void stop_with(Error error) {
        Base::stop_with(error);
        pictures.drop_all();
        attaching_ = 0;
    }

    // --- commands ---

    Pictures pictures;

    /// Adds a command. Returns its slot. Error: `queue_full`.
    [[__nodiscard__]] Result<uint16_t> ask(GpuCommand const& command) {
        return take_for([&](uint16_t slot) { add_short(slot, command); });
    }
    /// Notes why a command was refused, for `last_error`.
    [[__nodiscard__]] Error refuse(Error error) {
        this->note_refusal(error);
        return error;
    }

    /// Whether the device has the long command, so that no other one can be written.
    [[__nodiscard__]] bool is_attaching() const { return attaching_ != 0; }
    /// Attaches the memory of a picture. Not while `is_attaching`. Error: `queue_full`.
    [[__nodiscard__]] Result<uint16_t> attach(uint8_t number, Span<Segment const> memory) {
        VIRTQ_ASSERT(!is_attaching(),
                     "A driver attaches memory while the device has the list of another picture's. "
                     "Wait until is_attaching() is false.");
        return take_for([&](uint16_t slot) {
            pictures.at(number).has_memory = true;
            attaching_ = static_cast<uint16_t>(slot + 1);
            add_long(slot, number, pictures.where(number, memory));
        });
    }

    /// Whether a picture is only transferred, or also shown.
    enum class Flush : uint8_t { transfers, shows };
    /// Adds a transfer of `rect`, which is inside the picture, and if it `shows`, a flush behind it. Both are one request,
    /// which ends when both have ended. Returns the slot of the first. Error: `queue_full`.
    [[__nodiscard__]] Result<uint16_t> flush(uint8_t number, GpuRect const& rect, Flush how, Token token) {
        uint16_t const first = this->take_slot(token);
        if (first == Base::no_slot) {
            return refuse(Error::queue_full);
        }
        uint16_t const second = how == Flush::shows ? this->pool().take_part(first, first, 0) : first;
        if (second == Base::no_slot) {
            this->pool().give_back(first);
            return refuse(Error::queue_full);
        }
        auto const& picture = pictures.at(number);
        // At most 2^14 - 1 rows of 2^14 pixels of 4 bytes.
        uint32_t const offset = (rect.y * picture.width + rect.x) * gpu_pixel_bytes;
        spec::gpu::TransferToHost2d const transfer{
            {}, gpu_rect(rect), little_endian(uint64_t{offset}), little_endian(picture.id), 0};
        GpuCommand command{spec::gpu::Command::transfer_to_host_2d, &transfer, sizeof transfer};
        command.picture = number;
        add_short(first, command);
        if (how == Flush::shows) {
            spec::gpu::ResourceFlush const shown{{}, gpu_rect(rect), little_endian(picture.id), 0};
            command.type = spec::gpu::Command::resource_flush;
            command.body = &shown;
            command.body_bytes = sizeof shown;
            add_short(second, command);
        }
        this->note_refusal(Error::none);
        return first;
    }

    /// The device has used the chain of this slot: how did the command end?
    [[__nodiscard__]] GpuVerdict judge(uint16_t slot, uint32_t written) {
        Expected const& expected = expected_[slot];
        count_in(expected.picture, -1);
        if (slot + 1 == attaching_) {
            attaching_ = 0;
        }
        if (written < sizeof(Header)) {
            return {Error::answer_invalid, DriverReason::gpu_answer_short, written};
        }
        Header header;
        this->copy_answer(slot, 0, &header, sizeof header);
        uint64_t const fence = little_endian(header.fence_id);
        if ((little_endian(header.flags) & spec::gpu::flag_fence) == 0 || fence != expected.fence) {
            return {Error::answer_invalid, DriverReason::gpu_fence_unknown, static_cast<uint32_t>(fence)};
        }
        auto const type = static_cast<spec::gpu::Response>(little_endian(header.type));
        if (type >= spec::gpu::Response::err_unspec && type <= spec::gpu::Response::err_invalid_parameter) {
            return {gpu_error(type)};
        }
        if (type != expected.type) {
            return {Error::answer_invalid, DriverReason::gpu_answer_unexpected, little_endian(header.type)};
        }
        if (written < expected.bytes) {
            return {Error::answer_invalid, DriverReason::gpu_answer_short, written};
        }
        if (expected.type != spec::gpu::Response::ok_nodata) {
            this->keep_bytes(slot, written);
        }
        if (expected.display != gpu_none) {  // here, and so in the order in which the device did it
            pictures.set_shown(expected.picture, expected.display);
        } else if (expected.picture != gpu_none) {
            pictures.at(expected.picture).is_filled = true;
        }
        return {};
    }

private:
    /// The answer that the command of a slot must get.
    struct Expected {
        uint64_t fence = 0;
        spec::gpu::Response type{};
        uint16_t bytes = 0;
        uint8_t picture = 0;
        uint8_t display = 0;
    };

    /// Takes a slot, and calls `add_to(slot)`.
    template <class Add>
    [[__nodiscard__]] Result<uint16_t> take_for(Add add_to) {
        uint16_t const slot = this->take_slot(Token{});
        if (slot == Base::no_slot) {
            return refuse(Error::queue_full);
        }
        add_to(slot);
        this->note_refusal(Error::none);
        return slot;
    }

    /// The header of a command, with a fence that no other command has.
    [[__nodiscard__]] Header stamp(uint16_t slot, GpuCommand const& command) {
        expected_[slot] = {++last_fence_, command.answer, static_cast<uint16_t>(command.answer_bytes), command.picture,
                           command.display};
        return {little_endian(static_cast<uint32_t>(command.type)),
                little_endian(spec::gpu::flag_fence),
                little_endian(last_fence_),
                0,
                0,
                {}};
    }
    /// The device has `count` commands more that flush or show a picture.
    void count_in(uint8_t picture, int32_t count) {
        if (picture != gpu_none) {
            pictures.at(picture).in_flight = static_cast<uint16_t>(pictures.at(picture).in_flight + count);
        }
    }

    void add_short(uint16_t slot, GpuCommand const& command) {
        Header const header = stamp(slot, command);
        this->put(slot, 0, &header, sizeof header);
        if (command.body_bytes > sizeof header) {
            this->put(slot, sizeof header, static_cast<uint8_t const*>(command.body) + sizeof header,
                      command.body_bytes - uint32_t{sizeof header});
        }
        add(slot, this->command_part(slot, 0, command.body_bytes), command.answer_room);
        count_in(command.picture, 1);
    }
    /// Adds the long command, which attaches memory.
    void add_long(uint16_t slot, uint8_t number, Span<Segment const> memory) {
        auto const count = static_cast<uint32_t>(memory.size());
        spec::gpu::ResourceAttachBacking const head{stamp(slot, {spec::gpu::Command::resource_attach_backing}),
                                                    little_endian(pictures.at(number).id), little_endian(count)};
        uint8_t* to = this->long_command();
        platform::copy_in(to, &head, sizeof head);
        to += sizeof head;
        for (Segment const& segment : memory) {
            spec::gpu::MemoryEntry const entry{little_endian(segment.addr.value), little_endian(segment.bytes), 0};
            platform::copy_in(to, &entry, sizeof entry);
            to += sizeof entry;
        }
        uint32_t const bytes = static_cast<uint32_t>(sizeof head) + count * uint32_t{sizeof(spec::gpu::MemoryEntry)};
        add(slot, this->long_part(bytes), sizeof(Header));
    }
    void add(uint16_t slot, Segment const& command, uint32_t answer_room) {
        platform::zero(this->answer(slot), answer_room);
        Segment const answer = this->answer_part(slot, answer_room);
        Gather const readable{
            Span<Segment const>{command}};  // as the cursor's queue does, so that both share one copy
        Gather const writable{Span<Segment const>{answer}};
        [[__maybe_unused__]] Error const error =
            this->ring().add_gathered(readable, writable, Token{uintptr_t{slot}}).error();
        VIRTQ_ASSERT(error == Error::none,
                     "A driver sends a GPU's command into a queue that cannot be used. Check "
                     "check_usable() before: a broken queue gives the device up.");
    }

    uint64_t last_fence_ = 0;
    uint16_t attaching_ = 0;  ///< one above the slot of the request that uses the long command
    Expected expected_[N] = {};
};

}  // namespace virtq::detail
