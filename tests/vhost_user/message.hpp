// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

/// The messages of vhost-user between a front end, which has the memory and the queues, and a back end, which is the
/// device. Numbers and layouts are those of QEMU's specification, docs/interop/vhost-user.rst. All words are in the
/// byte order of the machine, because both ends are on it.
namespace virtq::vhost_user {

enum class Request : std::uint32_t {
    get_features = 1,
    set_features = 2,
    set_owner = 3,
    set_mem_table = 5,
    set_vring_num = 8,
    set_vring_addr = 9,
    set_vring_base = 10,
    get_vring_base = 11,
    set_vring_kick = 12,
    set_vring_call = 13,
    get_protocol_features = 15,
    set_protocol_features = 16,
    set_vring_enable = 18,
    get_config = 24,
    set_config = 25,
};

/// VHOST_USER_F_PROTOCOL_FEATURES, a bit among the features that the device offers. The driver must not see it.
inline constexpr unsigned protocol_features_bit = 30;
/// VHOST_F_LOG_ALL, for migration. The driver must not see it either.
inline constexpr unsigned log_all_bit = 26;

/// Protocol features, as bits.
enum class Protocol : unsigned { reply_ack = 3, config = 9 };

struct Header {
    static constexpr std::uint32_t version = 1;
    static constexpr std::uint32_t needs_reply = 1u << 3;

    std::uint32_t request = 0;
    std::uint32_t flags = version;
    std::uint32_t bytes = 0;  ///< of what follows
};
static_assert(sizeof(Header) == 12);

struct QueueState {
    std::uint32_t queue = 0;
    std::uint32_t value = 0;
};

struct QueueAddress {
    std::uint32_t queue = 0;
    std::uint32_t flags = 0;
    std::uint64_t descriptors = 0;  ///< addresses of this process, not of the guest
    std::uint64_t used = 0;
    std::uint64_t available = 0;
    std::uint64_t log = 0;
};
static_assert(sizeof(QueueAddress) == 40);

/// The table of one region.
struct MemoryTable {
    std::uint32_t regions = 1;
    std::uint32_t padding = 0;
    std::uint64_t guest_base = 0;
    std::uint64_t bytes = 0;
    std::uint64_t user_base = 0;  ///< where this process has it
    std::uint64_t offset = 0;     ///< in the file
};
static_assert(sizeof(MemoryTable) == 40);

/// A part of the configuration space. Only the first `bytes` bytes of `data` are sent.
struct Config {
    static constexpr std::size_t most = 256;

    std::uint32_t offset = 0;
    std::uint32_t bytes = 0;
    std::uint32_t flags = 0;
    std::uint8_t data[most] = {};
};

}  // namespace virtq::vhost_user
