// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/word.hpp>
#include <virtq/spec/device_status.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Remembers that the object was probed *at this address*: drivers keep the address of a transport. A copied or
/// overwritten object reads as unprobed. All zero at first.
class ProbeMark {
public:
    void set() { word_ = here(); }
    [[__nodiscard__]] bool is_set() const { return word_ == here(); }

private:
    /// Never 0: the pattern is odd, and the object's address is even. Nor is it the address itself, which overwritten
    /// memory may contain.
    [[__nodiscard__]] uintptr_t here() const { return reinterpret_cast<uintptr_t>(this) ^ pattern; }

    static constexpr uintptr_t pattern = 0x5a17c0d1;

    uintptr_t word_ = 0;
};

/// The last call of a transport's `notify`.
struct LastNotify {
    bool any = false;
    uint16_t queue = 0;  ///< valid if `any`
};

/// Records the calls of a transport, for drivers and diag/: the device does not report them. Any CPU may notify a
/// queue or count an interrupt at any time, so each of these is one word, stored and read whole. All other calls
/// belong to initialisation. All zero at first.
class TransportRecord {
public:
    // --- recording

    /// Discards what belongs to an earlier device.
    void begin_probe() {
        queue_end_ = 0;
        asked_features_ok_ = false;
        platform::store_word(&notified_, 0);
    }
    /// Called as soon as there are registers to access.
    void set_probed() { probed_.set(); }
    /// Called before a queue is configured.
    void add_queue(uint16_t queue) {
        in_use_ = true;
        queue_end_ = queue < queue_end_ ? queue_end_ : uint32_t{queue} + 1;
    }
    /// Called before a status is written. A reset keeps `enabled_queue_end`: `reset_device` checks these queues
    /// afterwards.
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

    // --- reading

    [[__nodiscard__]] bool is_probed() const { return probed_.is_set(); }
    /// Whether a queue was configured, and the device not reset since.
    [[__nodiscard__]] bool is_in_use() const { return in_use_; }
    /// One above the highest queue that was enabled since `probe`.
    [[__nodiscard__]] uint32_t enabled_queue_end() const { return queue_end_; }
    /// Whether FEATURES_OK was written since the last reset. The status does not show it if the device refused it.
    [[__nodiscard__]] bool has_asked_features_ok() const { return asked_features_ok_; }
    /// The last notification since the last reset. Its queue number may be wrong: then the device ignores the call.
    [[__nodiscard__]] LastNotify last_notify() const {
        uint32_t const word = platform::load_word(&notified_);
        return word == 0 ? LastNotify{} : LastNotify{true, static_cast<uint16_t>(word - 1)};
    }
    /// How often `on_interrupt` and `on_vector` were called, at most 65535. Two CPUs that count at once may lose an
    /// increment, because the library uses no atomic read-modify-write. The count is never 0 after a call.
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
    uint32_t notified_ = 0;  ///< queue number of the last `notify` + 1; 0: none
    uint32_t interrupts_ = 0;
    uint32_t vectors_ = 0;
    uint32_t queue_end_ = 0;
    bool in_use_ = false;
    bool asked_features_ok_ = false;
};

}  // namespace virtq::detail
