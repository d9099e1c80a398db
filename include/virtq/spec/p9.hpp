// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>

#include <stdint.h>

/// 9P transport. The standard lists it as device type 9 (§5 Device Types) and describes no more. These numbers are
/// those of QEMU and Linux.
namespace virtq::spec::p9 {

/// Each chain is one request of 9P, device-readable, and the place for its answer, device-writable.
inline constexpr uint16_t request_queue = 0;

/// Feature bits.
enum class Feature : uint8_t {
    mount_tag = 0,  ///< VIRTIO_9P_MOUNT_TAG
};

/// Offsets in the configuration space.
namespace config {
inline constexpr detail::ReadOnly<uint16_t> tag_len{0};  ///< MOUNT_TAG: length of the name of this file tree, in bytes
inline constexpr uint16_t tag = 2;                       ///< MOUNT_TAG: the name, without a NUL
}  // namespace config

}  // namespace virtq::spec::p9
