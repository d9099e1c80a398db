// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>

#include <stdint.h>

/// 9P transport. The standard lists it as device type 9 (§5 Device Types) and describes no more. These numbers are
/// those of QEMU and Linux. They are called p9, because an identifier of C++ does not begin with a digit.
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

/// Offsets in the header of each message of 9P, requests and answers. All words are little-endian, also on a legacy
/// device.
namespace header {
inline constexpr uint32_t size = 0;   ///< 4 bytes: the length of the message, with this header
inline constexpr uint32_t type = 4;   ///< 1 byte; an answer has the type of its request + 1, or is an error
inline constexpr uint32_t tag = 5;    ///< 2 bytes: the client's number of a request, which its answer has, too
inline constexpr uint32_t bytes = 7;  ///< of the header
}  // namespace header

/// The types of an answer that may follow any request.
enum class ErrorType : uint8_t {
    rlerror = 7,   ///< 9P2000.L: a number, as Linux numbers errors
    rerror = 107,  ///< other versions: a text
};

inline constexpr uint32_t rlerror_bytes = 11;  ///< of a whole Rlerror

}  // namespace virtq::spec::p9
