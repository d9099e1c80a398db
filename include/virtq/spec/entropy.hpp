// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// Entropy device, §5.4 (Entropy Device). It has no feature bits (§5.4.3) and no configuration (§5.4.4).
namespace virtq::spec::entropy {

/// §5.4.2 (Virtqueues): takes device-writable buffers, which the device fills with random bytes.
inline constexpr uint16_t request_queue = 0;

/// §5.4.6 (Device Operation): the device writes at least this many bytes to a buffer. It may fill only a part, so the
/// driver reads the used length.
inline constexpr uint32_t used_bytes_min = 1;

}  // namespace virtq::spec::entropy
