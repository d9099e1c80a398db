// SPDX-License-Identifier: MIT
#pragma once

#include <order/model.hpp>

/// Replaces the library's header by include path: the fences go to the model.
namespace virtq::platform {

/// A test asserts this marker. Without it the library's own header was found first.
inline constexpr bool fence_is_replaced = true;

inline void full_fence(char const* function = __builtin_FUNCTION(), char const* file = __builtin_FILE(),
                       int line = __builtin_LINE()) {
    order::fence(order::Fence::full, {function, file, line});
}

inline void memory_before_register_write(char const* function = __builtin_FUNCTION(),
                                         char const* file = __builtin_FILE(), int line = __builtin_LINE()) {
    order::fence(order::Fence::register_write, {function, file, line});
}

inline void register_read_before_memory(char const* function = __builtin_FUNCTION(),
                                        char const* file = __builtin_FILE(), int line = __builtin_LINE()) {
    order::fence(order::Fence::register_read, {function, file, line});
}

}  // namespace virtq::platform
