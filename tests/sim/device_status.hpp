// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <vector>

#include <sim/rule.hpp>
#include <sim/violation.hpp>
#include <sim/wire.hpp>

/// The status field (§2.1). Checks that the driver follows the order of §3.1.1 (§3.1.2 for legacy).
namespace virtq::sim {

class DeviceStatus {
public:
    DeviceStatus(ViolationLog& log, bool legacy) : log_(log), legacy_(legacy) {}

    /// Tells a transitional device which interface its driver uses.
    void set_legacy(bool legacy) { legacy_ = legacy; }

    [[nodiscard]] uint32_t value() const { return value_; }
    [[nodiscard]] bool has(uint32_t bits) const { return (value_ & bits) == bits; }
    /// All values that the driver ever wrote, with resets as 0.
    [[nodiscard]] std::vector<uint32_t> const& history() const { return history_; }
    [[nodiscard]] bool refused() const { return refused_; }
    void set_needs_reset() { value_ |= wire::status::needs_reset; }
    /// §3.4: the device itself changes these two bits.
    void set_suspended() { value_ = (value_ & ~wire::status::driver_ok) | wire::status::suspend; }
    void set_running() { value_ = (value_ & ~wire::status::suspend) | wire::status::driver_ok; }
    /// Makes the status register plain memory: a bit that the driver leaves out of a write is cleared. That includes
    /// DEVICE_NEEDS_RESET, which only a reset may clear (§2.1.1).
    void keep_as_written(bool on) { is_memory_ = on; }
    /// Answers a reset with FAILED, alone or added to the present status.
    void answer_failed(bool alone) { value_ = (alone ? 0 : value_) | wire::status::failed; }
    /// Ignores a write of SUSPEND.
    void ignore_suspend() { value_ &= ~wire::status::suspend; }

    uint32_t read() {
        reread_ = true;
        seen_needs_reset_ = has(wire::status::needs_reset);
        return value_;
    }

    /// The driver writes 0.
    void begin_reset() {
        history_.push_back(0);
        was_reset_ = true;
    }

    void complete_reset() {
        value_ = 0;
        refused_ = reread_ = setup_reported_ = seen_needs_reset_ = false;
    }

    /// The driver writes a value other than 0. Returns the new bits; the caller decides about FEATURES_OK.
    [[nodiscard]] uint32_t write(uint32_t written) {
        history_.push_back(written);
        uint32_t const added = written & ~value_;
        check_step(written, added);
        uint32_t kept = written & wire::status::defined & ~wire::status::needs_reset;
        if (legacy_) {
            kept &= ~wire::status::features_ok;
        }
        if (is_memory_) {
            value_ &= written;
        }
        value_ |= kept;
        if ((added & wire::status::features_ok) != 0) {
            reread_ = false;
        }
        return added;
    }

    /// §2.2.2: a device that cannot work with the features leaves the bit clear.
    void refuse_features() {
        value_ &= ~wire::status::features_ok;
        refused_ = true;
    }

    /// Queues are set up in step 7 (§3.1.1), after negotiation. Reports once between two resets.
    void check_setup() {
        if (setup_reported_) {
            return;
        }
        Rule const* const broken = setup_too_early();
        if (broken != nullptr) {
            setup_reported_ = true;
            log_.report(*broken, value_);
        }
    }

    /// Selecting a queue, reading whether it is enabled, and disabling it are not set-up while the status is 0. So a
    /// driver can see that a reset has disabled the queue.
    void check_look() {
        if (value_ != 0) {
            check_setup();
        }
    }

    /// Queues are enabled before step 8, DRIVER_OK. Later, only a queue that was enabled before is enabled again
    /// (§2.6.1, §4.2.2.2).
    void check_enable(uint32_t queue, bool was_enabled) {
        if (has(wire::status::driver_ok) && !was_enabled) {
            log_.report(rule::setup_after_live, queue);
        }
    }

private:
    [[nodiscard]] Rule const* setup_too_early() const {
        if (!has(wire::status::driver)) {
            return &rule::init_driver;
        }
        if (legacy_ || has(wire::status::features_ok)) {
            return legacy_ || reread_ ? nullptr : &rule::features_reread;
        }
        return refused_ ? &rule::init_after_failure : &rule::init_features_ok;
    }

    void check_step(uint32_t written, uint32_t added) {
        using namespace wire::status;
        if ((value_ & failed) != 0) {
            log_.report(rule::after_failed, written);
            return;
        }
        if (!was_reset_) {
            log_.report(rule::init_reset, written);
        }
        // The device itself sets NEEDS_RESET, and the driver may not have seen it yet.
        uint32_t const unseen = seen_needs_reset_ ? 0 : needs_reset;
        if ((value_ & ~written & ~unseen) != 0) {
            log_.report(rule::status_clear, written);
        }
        if (refused_ && (written & failed) == 0) {
            log_.report(rule::init_after_failure, written);
            return;
        }
        uint32_t const steps = added & (acknowledge | driver | features_ok | driver_ok);
        bool const several = (steps & (steps - 1)) != 0;
        if (several || (added & ~(defined & ~needs_reset)) != 0) {
            log_.report(rule::status_step, written);
            return;
        }
        check_order(written, steps);
    }

    void check_order(uint32_t written, uint32_t step) {
        using namespace wire::status;
        if (step == driver && (written & acknowledge) == 0) {
            log_.report(rule::init_acknowledge, written);
        }
        if (step == features_ok && legacy_) {
            log_.report(rule::legacy_features_ok, written);
        }
        if ((step == features_ok || step == driver_ok) && (written & driver) == 0) {
            log_.report(rule::init_driver, written);
        }
        if (step == driver_ok && !legacy_) {
            if ((written & features_ok) == 0) {
                log_.report(rule::init_features_ok, written);
            } else if (!reread_) {
                log_.report(rule::features_reread, written);
            }
        }
    }

    ViolationLog& log_;
    bool legacy_;
    uint32_t value_ = 0;
    bool was_reset_ = false;  ///< since power-on
    bool reread_ = false;     ///< read since FEATURES_OK was written
    bool refused_ = false;    ///< FEATURES_OK
    bool setup_reported_ = false;
    bool seen_needs_reset_ = false;
    bool is_memory_ = false;
    std::vector<uint32_t> history_;
};

}  // namespace virtq::sim
