// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

/// Replaces the library's header by include path. Does the same, and calls a test before each access. So a device can
/// misbehave at every step of a call, and an access outside the queue is detected.
namespace virtq::platform {

/// A test asserts this marker. Without it the library's own header was found first.
inline constexpr bool ring_memory_is_replaced = true;

struct Access {
    void const* at;
    std::size_t bytes;
    bool is_store;
};

inline std::function<void(Access const&)> before_access;

template <class Word>
void announce(Word const* at, bool is_store, std::size_t bytes = sizeof(Word)) {
    if (before_access) {
        before_access({at, bytes, is_store});
    }
}

template <class Word>
void store_plain(Word* target, Word value) {
    announce(target, true);
    *target = value;
}

inline void store_relaxed(std::uint16_t* target, std::uint16_t value) {
    announce(target, true);
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
}
inline void store_relaxed(std::uint32_t* target, std::uint32_t value) {
    announce(target, true);
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
}

inline void store_release(std::uint16_t* target, std::uint16_t value) {
    announce(target, true);
    __atomic_store_n(target, value, __ATOMIC_RELEASE);
}

template <class Word>
[[nodiscard]] Word load_relaxed(Word const* source) {
    announce(source, false);
    return __atomic_load_n(source, __ATOMIC_RELAXED);
}

[[nodiscard]] inline std::uint64_t load_torn(std::uint64_t const* source) {
    announce(source, false);
    return *static_cast<std::uint64_t const volatile*>(source);
}

[[nodiscard]] inline std::uint16_t load_acquire(std::uint16_t const* source) {
    announce(source, false);
    return __atomic_load_n(source, __ATOMIC_ACQUIRE);
}

/// For pages that the device does not know yet, so it is not announced. A test decides what is not memory.
inline std::function<bool(void*)> is_memory;
inline bool keeps_what_is_written(void* word) {
    return !is_memory || is_memory(word);
}

inline void copy_out(void* to, void const* from, std::size_t bytes) {
    announce(static_cast<unsigned char const*>(from), false, bytes);
    std::memcpy(to, from, bytes);
}
inline void copy_in(void* to, void const* from, std::size_t bytes) {
    announce(static_cast<unsigned char const*>(to), true, bytes);
    std::memcpy(to, from, bytes);
}

inline void zero(void* memory, std::size_t bytes) {
    announce(static_cast<unsigned char const*>(memory), true, bytes);
    std::memset(memory, 0, bytes);
}

}  // namespace virtq::platform
