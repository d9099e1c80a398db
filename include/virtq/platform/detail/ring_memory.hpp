// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/platform/detail/word.hpp>

#include <stddef.h>
#include <stdint.h>

/// Every access to memory that is shared with the device. Nothing else in the library touches such memory, so
/// that an explorer of memory orders can take this file's place by include path.
///
/// Words are accessed in the width in which they are declared: packing several into one access would break
/// strict aliasing, and kernels build with it on and off.
namespace virtq::platform {

/// A store that becomes visible with the next `store_release` to another word.
template <class Word>
VIRTQ_ALWAYS_INLINE inline void store_plain(Word* target, Word value) {
    *target = value;
}

/// A store that the device may see at any time, whole: 16 bits on every architecture.
VIRTQ_ALWAYS_INLINE inline void store_relaxed(uint16_t* target, uint16_t value) {
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
}

/// The same of 32 bits, which every architecture that the library runs on stores whole too.
VIRTQ_ALWAYS_INLINE inline void store_relaxed(uint32_t* target, uint32_t value) {
    store_word(target, value);
}

/// Publishes: whoever reads `value` with acquire sees every earlier store.
VIRTQ_ALWAYS_INLINE inline void store_release(uint16_t* target, uint16_t value) {
    __atomic_store_n(target, value, __ATOMIC_RELEASE);
}

/// One read of a word that the device writes; the compiler may not read it again.
template <class Word>
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE inline Word load_relaxed(Word const* source) {
    static_assert(sizeof(Word) <= 4, "A 64-bit word cannot be read whole everywhere: use load_torn()");
    return __atomic_load_n(source, __ATOMIC_RELAXED);
}

/// One read of a 64-bit word that the driver wrote, for a look at it; a 32-bit target reads it in two halves.
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE inline uint64_t load_torn(uint64_t const* source) {
    return *static_cast<uint64_t const volatile*>(source);
}

/// One read; every store that precedes the device's release of this value is visible afterwards.
[[__nodiscard__]] VIRTQ_ALWAYS_INLINE inline uint16_t load_acquire(uint16_t const* source) {
    return __atomic_load_n(source, __ATOMIC_ACQUIRE);
}

/// Whether a word keeps what is written to it, as memory does and an address without any does not: the opposite of
/// what it had, so that nothing that always reads the same passes for memory.
[[__nodiscard__]] inline bool keeps_what_is_written(void* word) {
    auto* const target = static_cast<uint32_t volatile*>(word);
    uint32_t const written = ~*target;
    *target = written;
    return *target == written;
}

/// Fills memory with zeroes before the device knows of it.
inline void zero(void* memory, size_t bytes) {
    __builtin_memset(memory, 0, bytes);
}

}  // namespace virtq::platform
