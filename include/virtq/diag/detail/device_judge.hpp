// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/device_snapshot.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/spec/mmio.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The causes that are visible in the device alone.
class DeviceJudge {
public:
    explicit DeviceJudge(Diagnosis& diagnosis) : diagnosis_(diagnosis), device_(diagnosis.device) {}

    /// Whether there is a device with a meaningful status.
    [[__nodiscard__]] bool judge_identity() {
        if (device_.reach == DeviceSnapshot::Reach::nothing) {
            add(Cause::transport_not_probed);
            return false;
        }
        if (device_.reach != DeviceSnapshot::Reach::identity) {
            return true;
        }
        if (device_.magic == UINT32_MAX) {
            add(Cause::registers_all_ones, device_.magic, spec::mmio::magic);
        } else if (device_.magic == 0) {
            add(Cause::registers_all_zero, 0, spec::mmio::magic);
        } else if (device_.magic != spec::mmio::magic) {
            add(Cause::not_virtio, device_.magic, spec::mmio::magic);
        } else if (device_.version != spec::mmio::version_modern && device_.version != spec::mmio::version_legacy) {
            add(Cause::version_unknown, device_.version, spec::mmio::version_modern);
        } else {
            add(Cause::slot_empty);
        }
        return false;
    }

    /// Whether the device has been initialised at all.
    [[__nodiscard__]] bool judge_status() {
        bool const live = diagnosis_.queue.size != 0 && diagnosis_.queue.live;  // the device knows the queue
        DeviceStatus const status = device_.status;
        if (status.is_gone()) {
            add(Cause::device_gone, status.bits());
            return false;
        }
        // A legacy device (version 1) that was driven with what only version 2 has.
        if (device_.legacy &&
            (diagnosis_.negotiated.has(spec::Feature::version_1) || has(spec::StatusBit::features_ok))) {
            add(Cause::legacy_driven_as_modern, device_.version, spec::mmio::version_modern);
        }
        if (status.is_reset() && live) {
            add(Cause::device_was_reset);
            return false;
        }
        if (!has(spec::StatusBit::driver) || !has(spec::StatusBit::acknowledge)) {
            add(Cause::device_not_initialised, status.bits());
            return false;
        }
        bool const failed = has(spec::StatusBit::failed);
        bool const lacks_features = !device_.legacy && !has(spec::StatusBit::features_ok);
        if (!device_.legacy && device_.offered.value_or({}).empty()) {
            add(Cause::registers_are_memory, status.bits());
        } else if (lacks_features) {
            judge_offer(failed);
        }
        if (failed) {
            add(Cause::driver_gave_up, status.bits());
        }
        if (lacks_features && failed && !device_.asked_features_ok.has_value()) {
            add(Cause::features_not_accepted, status.bits());
        }
        return true;
    }

    /// Checks that are meaningful only if nothing else is wrong.
    void judge_life(Cause without_driver_ok) {
        if (has(spec::StatusBit::suspend)) {
            add(Cause::device_suspended, device_.status.bits());
        } else if (!has(spec::StatusBit::driver_ok)) {
            add(without_driver_ok, device_.status.bits());
        }
    }
    void judge_need() {
        if (has(spec::StatusBit::device_needs_reset)) {
            add(Cause::device_needs_reset, device_.status.bits());
        }
    }

    /// Compares the negotiated with the offered features. DRIVER must be set: only then were the offered ones read.
    void judge_features() {
        Features const& negotiated = diagnosis_.negotiated;
        for (unsigned word = 0; word < 2; ++word) {
            if (uint32_t const extra = negotiated.word(word) & ~device_.offered.value_or({}).word(word);
                extra != 0 && !(device_.legacy && word == 1)) {
                add(Cause::feature_not_offered, lowest_bit(extra) + 32 * word);
                break;
            }
        }
        if (!device_.legacy && !negotiated.has(spec::Feature::version_1)) {
            add(Cause::version_1_missing);
        }
    }

private:
    /// For a modern device with DRIVER and without FEATURES_OK. A driver that sets FAILED before it writes FEATURES_OK
    /// has rejected the offered features itself.
    void judge_offer(bool failed) {
        if (!device_.offered.value_or({}).has(spec::Feature::version_1)) {
            add(Cause::version_1_not_offered);
        }
        if (device_.asked_features_ok.value_or(false)) {
            add(Cause::features_refused, device_.status.bits());
        } else if (!failed) {
            add(Cause::features_not_accepted, device_.status.bits());
        }
    }
    [[__nodiscard__]] bool has(spec::StatusBit bit) const { return device_.status.has(bit); }
    [[__nodiscard__]] static unsigned lowest_bit(uint32_t bits) {
        unsigned bit = 0;
        for (; (bits & 1) == 0; bits >>= 1) {
            ++bit;
        }
        return bit;
    }
    void add(Cause cause, uint64_t value = 0, uint64_t expected = 0) { diagnosis_.add({cause, 0, value, expected}); }

    Diagnosis& diagnosis_;
    DeviceSnapshot const& device_;
};

}  // namespace virtq::detail
