// SPDX-License-Identifier: MIT
#pragma once

#include <order/guest.hpp>

#include <cstdint>

namespace virtq::order {

/// The device's side of a split ring, as §2.7 describes it. It contains only memory order and arithmetic.
class SplitDevice {
public:
    SplitDevice(Guest& guest, std::uint64_t table, std::uint64_t avail, std::uint64_t used, std::uint16_t size,
                bool event_idx)
        : guest_(guest), table_(table), avail_(avail), used_(used), size_(size), event_idx_(event_idx) {}

    /// Whether more chains are available. Acquire: entries and descriptors are read after the index.
    bool look() {
        seen_ = wire(platform::load_acquire(guest_.at<std::uint16_t>(avail_ + 2)));
        return has();
    }
    [[nodiscard]] bool has() const { return seen_ != taken_; }
    /// As above after a `take`.
    bool has_more() { return has(); }

    [[nodiscard]] Request take() {
        Request request;
        request.descriptors = 1;
        request.id = load<std::uint16_t>(avail_ + 4 + 2 * slot(taken_));
        ++taken_;
        follow(request, table_, request.id, size_);
        return request;
    }

    /// Writes a used entry for the last of `chains` chains (§2.7.9: one for all of them). It is not visible before
    /// `publish`.
    void use(Request const& request, std::uint32_t written, unsigned chains = 1) {
        std::uint64_t const entry = used_ + 4 + 8 * slot(used_index_);
        platform::store_plain(guest_.at<std::uint32_t>(entry), wire(std::uint32_t{request.id}));
        platform::store_plain(guest_.at<std::uint32_t>(entry + 4), wire(written));
        used_index_ = static_cast<std::uint16_t>(used_index_ + chains);
    }

    /// Release: the entries and the buffer contents are visible before the index.
    void publish() { platform::store_release(guest_.at<std::uint16_t>(used_ + 2), wire(used_index_)); }

    /// §2.7.7.2: whether the driver wants a notification for what was published since the last call.
    [[nodiscard]] bool wants_interrupt() {
        platform::full_fence();
        std::uint16_t const from = asked_;
        asked_ = used_index_;
        if (!event_idx_) {
            return (load<std::uint16_t>(avail_) & 1) == 0;
        }
        auto const event = load<std::uint16_t>(avail_ + 4 + 2 * size_);
        return static_cast<std::uint16_t>(used_index_ - event - 1) < static_cast<std::uint16_t>(used_index_ - from);
    }

    /// §2.7.10: the device does not want notifications now.
    void suppress_notifications() {
        if (!event_idx_) {
            store<std::uint16_t>(used_, 1);
        }
    }
    /// Requests a notification for the next chain. True if one is already available.
    [[nodiscard]] bool ask_for_notification() {
        if (event_idx_) {
            store<std::uint16_t>(used_ + 4 + 8 * size_, taken_);
        } else {
            store<std::uint16_t>(used_, 0);
        }
        platform::full_fence();
        return look();
    }

private:
    [[nodiscard]] std::uint64_t slot(std::uint16_t index) const { return index & (size_ - 1u); }
    template <class Word>
    [[nodiscard]] Word load(std::uint64_t phys) {
        return wire(platform::load_relaxed(guest_.at<Word>(phys)));
    }
    template <class Word>
    void store(std::uint64_t phys, Word word) {
        platform::store_relaxed(guest_.at<Word>(phys), wire(word));
    }

    void follow(Request& request, std::uint64_t table, std::uint16_t first, std::uint32_t length) {
        std::uint16_t index = first;
        for (;;) {
            if (index >= length) {
                throw std::runtime_error("the device was given a descriptor that is none");
            }
            std::uint64_t const at = table + 16u * index;
            std::uint64_t const addr = wire(platform::load_torn(guest_.at<std::uint64_t>(at)));
            auto const bytes = load<std::uint32_t>(at + 8);
            auto const flags = load<std::uint16_t>(at + 12);
            if ((flags & 4) != 0) {
                follow(request, addr, 0, bytes / 16);
                return;
            }
            request.add({addr, bytes, (flags & 2) != 0});
            if ((flags & 1) == 0) {
                return;
            }
            index = load<std::uint16_t>(at + 14);
        }
    }

    Guest& guest_;
    std::uint64_t table_;
    std::uint64_t avail_;
    std::uint64_t used_;
    std::uint16_t size_;
    bool event_idx_;
    std::uint16_t seen_ = 0;        ///< the driver's index, as last read
    std::uint16_t taken_ = 0;       ///< chains taken
    std::uint16_t used_index_ = 0;  ///< chains used
    std::uint16_t asked_ = 0;       ///< `used_index_` when the driver's setting was last read
};

}  // namespace virtq::order
