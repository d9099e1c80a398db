// SPDX-License-Identifier: MIT
#pragma once

#include <order/model.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>

/// Replaces the library's header by include path: each access goes to the model.
namespace virtq::platform {

/// A test asserts this marker. Without it the library's own header was found first.
inline constexpr bool ring_memory_is_replaced = true;

template <class Word>
inline void store_plain(Word* target, Word value, char const* function = __builtin_FUNCTION(),
                        char const* file = __builtin_FILE(), int line = __builtin_LINE()) {
    order::store(target, sizeof(Word), value, order::Access::plain, {function, file, line});
}

template <class Word>
inline void store_relaxed(Word* target, Word value, char const* function = __builtin_FUNCTION(),
                          char const* file = __builtin_FILE(), int line = __builtin_LINE()) {
    order::store(target, sizeof(Word), value, order::Access::relaxed, {function, file, line});
}

inline void store_release(std::uint16_t* target, std::uint16_t value, char const* function = __builtin_FUNCTION(),
                          char const* file = __builtin_FILE(), int line = __builtin_LINE()) {
    order::store(target, sizeof(value), value, order::Access::ordered, {function, file, line});
}

template <class Word>
[[nodiscard]] inline Word load_relaxed(Word const* source, char const* function = __builtin_FUNCTION(),
                                       char const* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return static_cast<Word>(order::load(source, sizeof(Word), order::Access::relaxed, {function, file, line}));
}

[[nodiscard]] inline std::uint64_t load_torn(std::uint64_t const* source, char const* function = __builtin_FUNCTION(),
                                             char const* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return order::load(source, sizeof(*source), order::Access::relaxed, {function, file, line});
}

[[nodiscard]] inline std::uint16_t load_acquire(std::uint16_t const* source,
                                                char const* function = __builtin_FUNCTION(),
                                                char const* file = __builtin_FILE(), int line = __builtin_LINE()) {
    return static_cast<std::uint16_t>(
        order::load(source, sizeof(*source), order::Access::ordered, {function, file, line}));
}

/// For pages that the device does not know yet.
[[nodiscard]] inline bool keeps_what_is_written(void*) {
    return true;
}

inline void zero(void* memory, std::size_t bytes) {
    std::memset(memory, 0, bytes);
}

inline void copy_out(void* to, void const* from, std::size_t bytes) {
    __builtin_memcpy(to, from, bytes);
}
inline void copy_in(void* to, void const* from, std::size_t bytes) {
    __builtin_memcpy(to, from, bytes);
}

}  // namespace virtq::platform
