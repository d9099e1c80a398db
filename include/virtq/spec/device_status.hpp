// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq::spec {

/// §2.1 (Device Status Field): how far the initialisation has come, and whether it has failed.
enum class StatusBit : uint8_t {
    acknowledge = 1,          ///< ACKNOWLEDGE
    driver = 2,               ///< DRIVER
    driver_ok = 4,            ///< DRIVER_OK
    features_ok = 8,          ///< FEATURES_OK
    suspend = 16,             ///< SUSPEND
    device_needs_reset = 64,  ///< DEVICE_NEEDS_RESET
    failed = 128,             ///< FAILED
};

}  // namespace virtq::spec

namespace virtq {

/// The value of the device status field: a set of `StatusBit`s.
class DeviceStatus {
public:
    constexpr DeviceStatus() = default;
    /// The status with these bits, as read from the device.
    explicit constexpr DeviceStatus(uint8_t bits) : bits_(bits) {}

    /// Whether `bit` is set.
    [[__nodiscard__]] constexpr bool has(spec::StatusBit bit) const {
        return (bits_ & static_cast<uint8_t>(bit)) != 0;
    }
    /// This status with `bit` set too, to write it to the device: no bit may be cleared except by a reset (§2.1.1).
    [[__nodiscard__]] constexpr DeviceStatus with(spec::StatusBit bit) const {
        return DeviceStatus{static_cast<uint8_t>(bits_ | static_cast<uint8_t>(bit))};
    }
    /// Whether no bit is set: a reset is complete when the device reports this.
    [[__nodiscard__]] constexpr bool is_reset() const { return bits_ == 0; }
    /// Whether the device has vanished: its registers then read as all ones. A present device never sets all bits,
    /// because some are reserved.
    [[__nodiscard__]] constexpr bool is_gone() const { return bits_ == 0xff; }
    /// The bits as one byte, for the register.
    [[__nodiscard__]] constexpr uint8_t bits() const { return bits_; }

    /// Whether the same bits are set.
    friend constexpr bool operator==(DeviceStatus, DeviceStatus) = default;

private:
    uint8_t bits_ = 0;
};

}  // namespace virtq
