// SPDX-License-Identifier: MIT
// EXPECT: This transport has no public `virtq::spec::DeviceId device_id\(\) const`
// EXPECT: This transport has no public `bool is_legacy\(\) const`
// EXPECT: This transport has no public `virtq::Features possible_features\(\) const`
// EXPECT: This transport has no public `virtq::DeviceStatus status\(\)`
// EXPECT: This transport has no public `void set_status\(virtq::DeviceStatus status\)`
// EXPECT: This transport has no public `uint32_t offered_features\(unsigned word\)`
// EXPECT: This transport has no public `void accept_features\(unsigned word, uint32_t bits\)`
// EXPECT: This transport has no public `uint32_t queue_size_max\(uint16_t queue\)`
// EXPECT: This transport has no public `bool is_queue_size_fixed\(\) const`
// EXPECT: This transport has no public `uint32_t choose_queue_size\(uint16_t queue, uint32_t size\)`
// EXPECT: This transport has no public `bool is_queue_in_use\(uint16_t queue\)`
// EXPECT: This transport has no public `virtq::Status enable_queue\(uint16_t queue, virtq::QueueAddresses const& addresses\)`
// EXPECT: This transport has no public `void notify\(uint16_t queue, uint16_t next\)`
// EXPECT: This transport has no public `void reset_queue\(uint16_t queue\)`
// EXPECT: This transport has no public `bool is_queue_reset\(uint16_t queue\)`
// EXPECT: This transport has no public `virtq::InterruptCause on_interrupt\(\)`
// EXPECT: This transport has no public `uint8_t read_config8\(uint16_t offset\)`
// EXPECT: This transport has no public `uint16_t read_config16\(uint16_t offset\)`
// EXPECT: This transport has no public `uint32_t read_config32\(uint16_t offset\)`
// EXPECT: This transport has no public `void write_config8\(uint16_t offset, uint8_t value\)`
// EXPECT: This transport has no public `void write_config16\(uint16_t offset, uint16_t value\)`
// EXPECT: This transport has no public `void write_config32\(uint16_t offset, uint32_t value\)`
// EXPECT: This transport has no public `uint32_t config_generation\(\)`
#include <virtq/virtq.hpp>

struct Mailbox {};

static_assert(virtq::check_transport<Mailbox>());
