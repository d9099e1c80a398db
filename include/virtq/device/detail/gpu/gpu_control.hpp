// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/base/detail/same_as.hpp>
#include <virtq/device/detail/gpu/gpu_picture_table.hpp>
#include <virtq/device/driver_fault.hpp>
#include <virtq/device/slot_queue.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/spec/gpu.hpp>

#include <stdint.h>

namespace virtq::detail {

/// A command of a GPU, and the answer to it that is right.
struct GpuCommand {
    spec::gpu::Command type;
    void const* body = nullptr;  ///< begins with a `Header`, which is filled in here
    uint32_t body_bytes = sizeof(spec::gpu::Header);
    spec::gpu::Response answer = spec::gpu::Response::ok_nodata;
    uint32_t answer_bytes = sizeof(spec::gpu::Header);  ///< at least
    uint32_t answer_room = sizeof(spec::gpu::Header);
};

/// How a command ended. With a reason, the device violated the standard by `value`.
struct GpuVerdict {
    Error error = Error::none;
    DriverReason reason = DriverReason::none;
    uint32_t value = 0;
};

/// What an answer that reports an error means. Never that there is no such picture or display: the driver has looked
/// itself, and the picture's memory may still be the device's.
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
/// has room, and the second command of a flush is not refused.
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

    /// Adds a command. Returns its slot. Errors: `queue_full`, those of the ring.
    [[__nodiscard__]] Result<uint16_t> ask(GpuCommand const& command) {
        uint16_t const slot = this->take_slot(Token{});
        if (slot == Base::no_slot) {
            return refuse(Error::queue_full);
        }
        write(slot, command, Pictures::none);
        if (Error const error = add(slot, this->command_part(slot, 0, command.body_bytes), command.answer_room);
            error != Error::none) {
            this->pool().give_back(slot);
            return refuse(error);
        }
        return slot;
    }

    /// Whether the device has the long command, so that no other one can be written.
    [[__nodiscard__]] bool is_attaching() const { return attaching_ != 0; }
    /// Attaches the memory of a picture. Not while `is_attaching`. Errors: those of `ask`.
    [[__nodiscard__]] Result<uint16_t> attach(uint8_t number, Span<Segment const> memory) {
        if (number == Pictures::none) {
            return refuse(Error::no_such_picture);
        }
        uint16_t const slot = this->take_slot(Token{});
        if (slot == Base::no_slot) {
            return refuse(Error::queue_full);
        }
        Span<Segment const> const where = pictures.where(number, memory);
        auto const count = static_cast<uint32_t>(where.size());
        spec::gpu::ResourceAttachBacking head{
            stamp(slot, spec::gpu::Command::resource_attach_backing, {}, Pictures::none),
            little_endian(pictures.at(number).id), little_endian(count)};
        uint8_t* to = this->long_command();
        platform::copy_in(to, &head, sizeof head);
        to += sizeof head;
        for (Segment const& segment : where) {
            spec::gpu::MemoryEntry const entry{little_endian(segment.addr.value), little_endian(segment.bytes), 0};
            platform::copy_in(to, &entry, sizeof entry);
            to += sizeof entry;
        }
        uint32_t const bytes = static_cast<uint32_t>(sizeof head) + count * uint32_t{sizeof(spec::gpu::MemoryEntry)};
        if (Error const error = add(slot, this->long_part(bytes), sizeof(Header)); error != Error::none) {
            this->pool().give_back(slot);
            return refuse(error);
        }
        pictures.at(number).has_memory = true;
        attaching_ = static_cast<uint16_t>(slot + 1);
        return slot;
    }

    /// Whether a picture is only transferred, or also shown.
    enum class Flush : uint8_t { transfers, shows };
    /// Adds a transfer of `rect`, which is inside the picture, and if it `shows`, a flush behind it. Both are one request,
    /// which ends when both have ended. Returns the slot of the first. Errors: those of `ask`.
    [[__nodiscard__]] Result<uint16_t> flush(uint8_t number, GpuRect const& rect, Flush how, Token token) {
        uint16_t const first = this->take_slot(token);
        uint16_t second = Base::no_slot;
        if (first != Base::no_slot && how == Flush::shows) {
            second = this->pool().take_part(first, first, 0);
        }
        if (first == Base::no_slot || (how == Flush::shows && second == Base::no_slot)) {
            return give_back(first, second, Error::queue_full);
        }
        typename Pictures::Record const& picture = pictures.at(number);
        // At most 2^14 - 1 rows of 2^14 pixels of 4 bytes.
        uint32_t const offset = (rect.y * picture.width + rect.x) * gpu_pixel_bytes;
        spec::gpu::TransferToHost2d const transfer{
            {}, gpu_rect(rect), little_endian(uint64_t{offset}), little_endian(picture.id), 0};
        spec::gpu::ResourceFlush const shown{{}, gpu_rect(rect), little_endian(picture.id), 0};
        write(first, {spec::gpu::Command::transfer_to_host_2d, &transfer, sizeof transfer}, number);
        Error error = add(first, this->command_part(first, 0, sizeof transfer), sizeof(Header));
        if (error == Error::none && how == Flush::shows) {
            write(second, {spec::gpu::Command::resource_flush, &shown, sizeof shown}, number);
            // Cannot fail after the first: see the invariant.
            error = add(second, this->command_part(second, 0, sizeof shown), sizeof(Header));
        }
        if (error != Error::none) {
            return give_back(first, second, error);
        }
        pictures.at(number).in_flight = static_cast<uint16_t>(picture.in_flight + (how == Flush::shows ? 2 : 1));
        this->note_refusal(Error::none);
        return first;
    }

    /// The device has used the chain of this slot: how did the command end?
    [[__nodiscard__]] GpuVerdict judge(uint16_t slot, uint32_t written) {
        Expected const& expected = expected_[slot];
        if (expected.picture != Pictures::none) {
            --pictures.at(expected.picture).in_flight;
        }
        if (slot + 1 == attaching_) {
            attaching_ = 0;
        }
        if (written < sizeof(Header)) {
            return {Error::answer_invalid, DriverReason::gpu_answer_short, written};
        }
        Header header;
        this->copy_answer(slot, 0, &header, sizeof header);
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
        uint64_t const fence = little_endian(header.fence_id);
        if ((little_endian(header.flags) & spec::gpu::flag_fence) == 0 || fence != expected.fence) {
            return {Error::answer_invalid, DriverReason::gpu_fence_unknown, static_cast<uint32_t>(fence)};
        }
        if (expected.type != spec::gpu::Response::ok_nodata) {
            this->keep_bytes(slot, written);
        }
        return {};
    }

private:
    /// What the answer of a slot has to be.
    struct Expected {
        uint64_t fence = 0;
        spec::gpu::Response type{};
        uint16_t bytes = 0;
        uint8_t picture = 0;
    };

    [[__nodiscard__]] Error refuse(Error error) {
        this->note_refusal(error);
        return error;
    }
    [[__nodiscard__]] Error give_back(uint16_t first, uint16_t second, Error error) {
        if (second != Base::no_slot) {
            this->pool().give_back(second);
        }
        if (first != Base::no_slot) {
            this->pool().give_back(first);
        }
        return refuse(error);
    }

    /// The header of a command, with a fence that no other command has.
    [[__nodiscard__]] Header stamp(uint16_t slot, spec::gpu::Command type, GpuCommand const& answer, uint8_t picture) {
        expected_[slot] = {++last_fence_, answer.answer, static_cast<uint16_t>(answer.answer_bytes), picture};
        return {little_endian(static_cast<uint32_t>(type)),
                little_endian(spec::gpu::flag_fence),
                little_endian(last_fence_),
                0,
                0,
                {}};
    }
    void write(uint16_t slot, GpuCommand const& command, uint8_t picture) {
        Header const header = stamp(slot, command.type, command, picture);
        this->put(slot, 0, &header, sizeof header);
        if (command.body_bytes > sizeof header) {
            this->put(slot, sizeof header, static_cast<uint8_t const*>(command.body) + sizeof header,
                      command.body_bytes - uint32_t{sizeof header});
        }
    }
    [[__nodiscard__]] Error add(uint16_t slot, Segment const& command, uint32_t answer_room) {
        platform::zero(this->answer(slot), answer_room);
        Segment const answer = this->answer_part(slot, answer_room);
        Gather const readable{
            Span<Segment const>{command}};  // as the cursor's queue does, so that both share one copy
        Gather const writable{Span<Segment const>{answer}};
        return this->ring().add_gathered(readable, writable, Token{uintptr_t{slot}}).error();
    }

    uint64_t last_fence_ = 0;
    uint16_t attaching_ = 0;  ///< one above the slot of the request that uses the long command
    Expected expected_[N] = {};
};

}  // namespace virtq::detail
