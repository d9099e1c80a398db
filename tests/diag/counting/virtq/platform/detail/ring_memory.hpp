// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>

/// Replaces the library's header by include path. Does the same, and counts how often each byte is read.
namespace virtq::platform {

/// A test asserts this marker. Without it the library's own header was found first.
inline constexpr bool ring_memory_is_replaced = true;

struct Accesses {
    std::map<unsigned char const*, unsigned> reads;  ///< number of reads of each byte
    std::size_t stores = 0;
};

inline Accesses accesses;

template <class Word>
[[nodiscard]] Word counted_load(Word const* source) {
    auto const* const bytes = reinterpret_cast<unsigned char const*>(source);
    for (std::size_t i = 0; i < sizeof(Word); ++i) {
        ++accesses.reads[bytes + i];
    }
    return *source;
}

template <class Word>
void store_plain(Word* target, Word value) {
    ++accesses.stores;
    *target = value;
}

template <class Word>
void store_relaxed(Word* target, Word value) {
    store_plain(target, value);
}

inline void store_release(std::uint16_t* target, std::uint16_t value) {
    store_plain(target, value);
}

template <class Word>
[[nodiscard]] Word load_relaxed(Word const* source) {
    return counted_load(source);
}

[[nodiscard]] inline std::uint64_t load_torn(std::uint64_t const* source) {
    return counted_load(source);
}

[[nodiscard]] inline std::uint16_t load_acquire(std::uint16_t const* source) {
    return counted_load(source);
}

/// For pages that the device does not know yet, so it is not counted. A test sets whether there is memory.
inline bool memory_is_there = true;
inline bool keeps_what_is_written(void*) {
    return memory_is_there;
}

inline void zero(void* memory, std::size_t bytes) {
    ++accesses.stores;
    std::memset(memory, 0, bytes);
}

}  // namespace virtq::platform
