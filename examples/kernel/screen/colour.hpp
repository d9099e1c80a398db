// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

/// What is drawn, as 0x00RRGGBB.
namespace colour {

inline constexpr uint32_t background = 0x101820;
inline constexpr uint32_t bar = 0x24476b;
inline constexpr uint32_t panel = 0x182430;
inline constexpr uint32_t text = 0xd8dee9;
inline constexpr uint32_t typed = 0xffd479;
inline constexpr uint32_t caret = 0x88c0d0;
inline constexpr uint32_t dim = 0x7b8a9a;

// Of a place in a ring, and of a bar.
inline constexpr uint32_t free_place = 0x2c3e50;
inline constexpr uint32_t pending = 0x5e9cff;
inline constexpr uint32_t at_device = 0xf0a030;
inline constexpr uint32_t used = 0x60c060;

}  // namespace colour
