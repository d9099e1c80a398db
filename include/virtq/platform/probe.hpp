// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// One access each, made as it stands: for asking memory whether it is there. Not for memory that a device knows.
namespace virtq::platform {

inline void probe_write(uint32_t* word, uint32_t value) {
    *static_cast<uint32_t volatile*>(word) = value;
}

/// Reads the memory, and not what the compiler remembers to have written there, also under another address.
[[__nodiscard__]] inline uint32_t probe_read(uint32_t const* word) {
    return *static_cast<uint32_t const volatile*>(word);
}

}  // namespace virtq::platform
