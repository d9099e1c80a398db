// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/platform/detail/word.hpp>

#include <stddef.h>
#include <stdint.h>

/// All accesses to memory that is shared with the device. No other file touches such memory. So a test that explores
/// memory orders can replace this file through the include path.
///
/// Each word is accessed in its declared width. Accessing several words at once would break strict aliasing, and
/// kernels build with it on and off.
namespace virtq::platform {

/// Stores a word that becomes visible with the next `store_release` to another word.
template <class Word>
VIRTQ_ALWAYS_INLINE inline void store_plain(Word* target, Word value) {
    *target = value;
}

/// Stores a word that the device may see at any time, but always whole. Every architecture stores 16 bits at once.
VIRTQ_ALWAYS_INLINE inline void store_relaxed(uint16_t* target, uint16_t value) {
    store_word(target, value);
}

/// As above for 32 bits, which every architecture that the library supports also stores at once.
VIRTQ_ALWAYS_INLINE inline void store_relaxed(uint32_t* target, uint32_t value) {
    store_word(target, value);
}

/// Publishes: a reader that loads `value` with acquire sees every earlier store.
VIRTQ_ALWAYS_INLINE inline void store_release(uint16_t* target, uint16_t value) {
    __atomic_store_n(target, value, __ATOMIC_RELEASE);
}

/// Reads a word that the device writes, exactly once: the compiler may not repeat the read.
template <class Word>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE inline Word load_relaxed(Word const* source) {
    static_assert(sizeof(Word) <= 4, "Not every architecture can read a 64-bit word whole: use load_torn()");
    return __atomic_load_n(source, __ATOMIC_RELAXED);
}

/// Reads a 64-bit word that the driver wrote, for inspection only: a 32-bit target reads it in two halves.
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE inline uint64_t load_torn(uint64_t const* source) {
    return *static_cast<uint64_t const volatile*>(source);
}

/// Reads a word once. Afterwards every store is visible that precedes the device's release of this value.
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE inline uint16_t load_acquire(uint16_t const* source) {
    return __atomic_load_n(source, __ATOMIC_ACQUIRE);
}

/// Whether a word is memory: it keeps what is written to it. The test value is the inverse of the old one, so that an
/// address that always reads the same does not pass. The old value is lost.
[[__nodiscard__]] inline bool keeps_what_is_written(void* word) {
    auto* const target = static_cast<uint32_t volatile*>(word);
    uint32_t const written = ~*target;
    *target = written;
    return *target == written;
}

/// Copies bytes that the device wrote, and may still write. After this call the compiler uses the copy, and does not read
/// the source again in its place.
inline void copy_out(void* to, void const* from, size_t bytes) {
    __builtin_memcpy(to, from, bytes);
    asm volatile("" ::: "memory");
}

/// Copies bytes for the device into memory of the driver's own. They become visible with the next `store_release`.
inline void copy_in(void* to, void const* from, size_t bytes) {
    __builtin_memcpy(to, from, bytes);
}

/// Fills memory with zeroes, before the device gets its address.
inline void zero(void* memory, size_t bytes) {
    __builtin_memset(memory, 0, bytes);
}

}  // namespace virtq::platform
