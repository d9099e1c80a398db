// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/transport/transport.hpp>

#include "device.hpp"

namespace bench {

/// The registers of any device, in memory. It offers what the driver of the case wants. Each number in its configuration
/// is 1.
class AnyRegisters : public virtq::TransportDefaults {
public:
    static constexpr uint16_t queue_max = 4;

    AnyRegisters(virtq::spec::DeviceId type, virtq::Features const& offered) : type_(type), offered_(offered) {}

    void offer(virtq::Features const& offered) { offered_ = offered; }
    /// Where the parts of a queue are, as the device of the bench wants them.
    [[__nodiscard__]] Areas areas(uint16_t queue) const {
        virtq::QueueAddresses const& one = addresses_[queue];
        return {one.descriptor_area.value, one.driver_area.value, one.device_area.value};
    }

    [[__nodiscard__]] virtq::spec::DeviceId device_id() const { return type_; }
    [[__nodiscard__]] bool is_legacy() const { return false; }
    [[__nodiscard__]] virtq::DeviceStatus status() const { return status_; }
    void set_status(virtq::DeviceStatus status) { status_ = status; }
    [[__nodiscard__]] uint32_t offered_features(unsigned word) const { return offered_.word(word); }
    void accept_features(unsigned, uint32_t) {}
    [[__nodiscard__]] uint32_t queue_size_max(uint16_t queue) const { return queue < queue_max ? 256 : 0; }
    [[__nodiscard__]] bool is_queue_in_use(uint16_t) const { return false; }
    [[__nodiscard__]] virtq::Status enable_queue(uint16_t queue, virtq::QueueAddresses const& addresses) {
        addresses_[queue] = addresses;
        return {};
    }
    void notify(uint16_t, uint16_t) {}
    [[__nodiscard__]] virtq::InterruptCause on_interrupt() { return {}; }
    [[__nodiscard__]] uint8_t read_config8(uint16_t) const { return 1; }
    [[__nodiscard__]] uint16_t read_config16(uint16_t) const { return 1; }
    [[__nodiscard__]] uint32_t read_config32(uint16_t) const { return 1; }
    void write_config8(uint16_t, uint8_t) {}
    void write_config16(uint16_t, uint16_t) {}
    void write_config32(uint16_t, uint32_t) {}
    [[__nodiscard__]] uint32_t config_generation() const { return 0; }

private:
    virtq::spec::DeviceId type_;
    virtq::Features offered_;
    virtq::DeviceStatus status_{};
    virtq::QueueAddresses addresses_[queue_max]{};
};

}  // namespace bench
