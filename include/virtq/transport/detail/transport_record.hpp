// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/word.hpp>
#include <virtq/spec/device_status.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Whether an object was prepared, and is where it was then: drivers keep the address of a transport. A copy of the mark
/// at another place is none, and neither is what is left of it when its memory is used for something else. All zero at
/// first.
class ProbeMark {
public:
    void set() { word_ = here(); }
    [[__nodiscard__]] bool is_set() const { return word_ == here(); }

private:
    /// Odd, and so never 0, since an object of this type has an even address; and no address that memory may hold.
    [[__nodiscard__]] uintptr_t here() const { return reinterpret_cast<uintptr_t>(this) ^ pattern; }

    static constexpr uintptr_t pattern = 0x5a17c0d1;

    uintptr_t word_ = 0;
};

/// The last call of a transport's `notify`.
struct LastNotify {
    bool any = false;
    uint16_t queue = 0;  ///< its number, if there was one
};

/// What a transport remembers of its own calls: what drivers and diag/ ask, and the device does not say. Any CPU may
/// notify a queue and count an interrupt at any time: each of these is one word, stored and read whole. All else
/// belongs to initialisation. All zero at first.
class TransportRecord {
public:
    // --- what happens

    /// An earlier device had other queues and features.
    void begin_probe() {
        queue_end_ = 0;
        asked_features_ok_ = false;
        platform::store_word(&notified_, 0);
    }
    /// There are registers to look at.
    void set_probed() { probed_.set(); }
    /// Before the device hears of a queue.
    void add_queue(uint16_t queue) {
        in_use_ = true;
        queue_end_ = queue < queue_end_ ? queue_end_ : uint32_t{queue} + 1;
    }
    /// Before a status is written. A reset ends what was; the queues that there were may still have to be looked at.
    void set_status(DeviceStatus status) {
        if (status.is_reset()) {
            in_use_ = asked_features_ok_ = false;
            platform::store_word(&notified_, 0);
        } else if (status.has(spec::StatusBit::features_ok)) {
            asked_features_ok_ = true;
        }
    }
    void add_notify(uint16_t queue) { platform::store_word(&notified_, uint32_t{queue} + 1); }
    void add_interrupt() { count(interrupts_); }
    void add_vector() { count(vectors_); }

    // --- what there was

    [[__nodiscard__]] bool is_probed() const { return probed_.is_set(); }
    /// Whether the device was told of a queue, and not reset since.
    [[__nodiscard__]] bool is_in_use() const { return in_use_; }
    /// One above the highest queue that was enabled since `probe`.
    [[__nodiscard__]] uint32_t enabled_queue_end() const { return queue_end_; }
    /// Whether FEATURES_OK was written since the last reset: one that was refused does not read back.
    [[__nodiscard__]] bool has_asked_features_ok() const { return asked_features_ok_; }
    /// Since the last reset: to the device a wrong number is as good as no call.
    [[__nodiscard__]] LastNotify last_notify() const {
        uint32_t const word = platform::load_word(&notified_);
        return word == 0 ? LastNotify{} : LastNotify{true, static_cast<uint16_t>(word - 1)};
    }
    /// How often `on_interrupt` and `on_vector` were called, up to 65535. Two CPUs that count at once may lose an
    /// increment, since that takes no atomic read-modify-write; the count is never 0 after a call.
    [[__nodiscard__]] uint16_t interrupt_calls() const {
        return static_cast<uint16_t>(platform::load_word(&interrupts_));
    }
    [[__nodiscard__]] uint16_t vector_calls() const { return static_cast<uint16_t>(platform::load_word(&vectors_)); }

private:
    static void count(uint32_t& calls) {
        uint32_t const before = platform::load_word(&calls);
        if (before != UINT16_MAX) {
            platform::store_word(&calls, before + 1);
        }
    }

    ProbeMark probed_;
    uint32_t notified_ = 0;  ///< the number of the queue + 1
    uint32_t interrupts_ = 0;
    uint32_t vectors_ = 0;
    uint32_t queue_end_ = 0;
    bool in_use_ = false;
    bool asked_features_ok_ = false;
};

}  // namespace virtq::detail
