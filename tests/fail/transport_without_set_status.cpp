// SPDX-License-Identifier: MIT
// EXPECT: This transport has no public `void set_status\(virtq::DeviceStatus status\)`: add it
// EXPECT: virtq/transport/transport\.hpp
#include <virtq/virtq.hpp>

struct Mailbox {
    virtq::spec::DeviceId device_id() const { return virtq::spec::DeviceId::block; }
    bool is_legacy() const { return false; }
    virtq::Features possible_features() const { return {}; }
    virtq::DeviceStatus status() { return {}; }
    uint32_t offered_features(unsigned) { return 0; }
    void accept_features(unsigned, uint32_t) {}
    uint32_t queue_size_max(uint16_t) { return 8; }
    bool is_queue_size_fixed() const { return false; }
    uint32_t choose_queue_size(uint16_t, uint32_t size) { return size; }
    bool is_queue_in_use(uint16_t) { return false; }
    virtq::Status enable_queue(uint16_t, virtq::QueueAddresses const&) { return {}; }
    void notify(uint16_t, uint16_t) {}
    void reset_queue(uint16_t) {}
    bool is_queue_reset(uint16_t) { return false; }
    virtq::InterruptCause on_interrupt() { return {}; }
    uint8_t read_config8(uint16_t) { return 0; }
    uint16_t read_config16(uint16_t) { return 0; }
    uint32_t read_config32(uint16_t) { return 0; }
    void write_config8(uint16_t, uint8_t) {}
    void write_config16(uint16_t, uint16_t) {}
    void write_config32(uint16_t, uint32_t) {}
    uint32_t config_generation() { return 0; }
};

static virtq::BlockDevice<Mailbox, 64> disk;

bool is_read_only() {
    return disk.is_read_only();
}
