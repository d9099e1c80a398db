// SPDX-License-Identifier: MIT
#pragma once

#include <order/guest.hpp>

#include <cstdint>

namespace virtq::order {

using namespace virtq::detail;

/// The device's side of a packed ring, as §2.8 describes it. It contains only memory order and arithmetic.
class PackedDevice {
public:
    PackedDevice(Guest& guest, std::uint64_t ring, std::uint64_t driver_event, std::uint64_t device_event,
                 std::uint16_t size, bool event_idx)
        : guest_(guest),
          ring_(ring),
          driver_event_(driver_event),
          device_event_(device_event),
          size_(size),
          event_idx_(event_idx) {}

    /// Whether the next descriptor is available (§2.8.1). Acquire: the rest of its chain is read after it.
    bool look() {
        flags_ = wire(platform::load_acquire(guest_.at<std::uint16_t>(descriptor(next_.offset) + 14)));
        has_ = ((flags_ & avail) != 0) == next_.wrap && ((flags_ & used) != 0) != next_.wrap;
        return has_;
    }
    [[nodiscard]] bool has() const { return has_; }
    /// As above after a `take`: checks each descriptor.
    bool has_more() { return look(); }

    [[nodiscard]] Request take() {
        Request request;
        std::uint16_t flags = flags_;
        for (;;) {
            std::uint64_t const at = descriptor(next_.offset);
            ++request.descriptors;
            if ((flags & indirect) != 0) {
                follow_table(request, at);
            } else {
                request.add(piece(at, flags));
            }
            request.id = load<std::uint16_t>(at + 12);  // the id of the last descriptor (§2.8.6)
            next_.advance(1, size_);
            if ((flags & next) == 0) {
                break;
            }
            // §2.8.6: the whole chain is available once its first descriptor is.
            flags = load<std::uint16_t>(descriptor(next_.offset) + 14);
            bool const is_there = ((flags & avail) != 0) == next_.wrap && ((flags & used) != 0) != next_.wrap;
            if (!is_there) {
                throw std::runtime_error("the device was given half of a chain");
            }
        }
        has_ = false;
        return request;
    }

    /// Writes a used descriptor for the last of some chains (§2.8.8: one for all of them), which together have
    /// `descriptors` descriptors. Release: id, length and buffer contents are visible before the flags.
    void use(Request const& request, std::uint32_t written, unsigned descriptors) {
        std::uint64_t const at = descriptor(used_.offset);
        platform::store_plain(guest_.at<std::uint16_t>(at + 12), wire(request.id));
        platform::store_plain(guest_.at<std::uint32_t>(at + 8), wire(written));
        auto const flags = static_cast<std::uint16_t>((used_.wrap ? avail | used : 0) | write);
        platform::store_release(guest_.at<std::uint16_t>(at + 14), wire(flags));
        used_.advance(descriptors, size_);
    }

    /// §2.8.10: whether the driver wants a notification for what was used since the last call.
    [[nodiscard]] bool wants_interrupt() {
        platform::full_fence();
        Place const from = asked_;
        asked_ = used_;
        auto const event = load<std::uint32_t>(driver_event_);
        unsigned const wanted = event >> 16 & 3;
        if (wanted != 2 || !event_idx_) {
            return wanted == 0;
        }
        // Positions counted over two laps, starting at `from`.
        unsigned const laps = 2u * size_;
        unsigned const place = (event & 0x7fff) + ((event & 0x8000) != 0 ? 0 : size_);
        return (place + laps - from.on_two_laps(size_)) % laps <
               (used_.on_two_laps(size_) + laps - from.on_two_laps(size_)) % laps;
    }

    void suppress_notifications() { platform::store_relaxed(guest_.at<std::uint32_t>(device_event_), wire(1u << 16)); }

    /// Requests a notification for the next chain. True if one is already available.
    [[nodiscard]] bool ask_for_notification() {
        std::uint32_t const place = next_.offset | (next_.wrap ? 0x8000u : 0u);
        platform::store_relaxed(guest_.at<std::uint32_t>(device_event_), wire(event_idx_ ? 2u << 16 | place : 0u));
        platform::full_fence();
        return look();
    }

private:
    static constexpr unsigned next = 1, write = 2, indirect = 4, avail = 1u << 7, used = 1u << 15;

    struct Place {
        std::uint16_t offset = 0;
        bool wrap = true;

        void advance(unsigned count, std::uint16_t size) {
            unsigned const sum = offset + count;
            wrap ^= sum >= size;
            offset = static_cast<std::uint16_t>(sum >= size ? sum - size : sum);
        }
        [[nodiscard]] unsigned on_two_laps(std::uint16_t size) const { return offset + (wrap ? 0u : size); }
    };

    [[nodiscard]] std::uint64_t descriptor(std::uint16_t offset) const { return ring_ + 16u * offset; }
    template <class Word>
    [[nodiscard]] Word load(std::uint64_t phys) {
        return wire(platform::load_relaxed(guest_.at<Word>(phys)));
    }
    [[nodiscard]] Request::Piece piece(std::uint64_t at, unsigned flags) {
        std::uint64_t const addr = wire(platform::load_torn(guest_.at<std::uint64_t>(at)));
        return {addr, load<std::uint32_t>(at + 8), (flags & write) != 0};
    }
    void follow_table(Request& request, std::uint64_t at) {
        Request::Piece const table = piece(at, 0);
        for (std::uint32_t offset = 0; offset < table.bytes; offset += 16) {
            request.add(piece(table.addr + offset, load<std::uint16_t>(table.addr + offset + 14)));
        }
    }

    Guest& guest_;
    std::uint64_t ring_;
    std::uint64_t driver_event_;
    std::uint64_t device_event_;
    std::uint16_t size_;
    bool event_idx_;
    bool has_ = false;
    std::uint16_t flags_ = 0;  ///< flags of the next descriptor, as last read
    Place next_;               ///< where the driver makes the next chain available
    Place used_;               ///< where the device writes the next used descriptor
    Place asked_;              ///< `used_` when the driver's event structure was last read
};

}  // namespace virtq::order
