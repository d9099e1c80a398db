// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>

/// Replaces the library's header by include path. Does the same, and checks each access before it happens. Unlike that
/// of tests/hostile it calls nothing for most accesses: a fuzzer makes thousands of them an execution.
/// The macro marks functions that run thousands of times an execution, and whose branches tell nothing about the
/// library.
#define VIRTQ_FUZZ_UNCOUNTED __attribute__((noinline, no_sanitize("coverage", "address")))

namespace virtq::platform {

/// A test asserts this marker. Without it the library's own header was found first.
inline constexpr bool ring_memory_is_replaced = true;

struct Watch {
    struct Run {
        unsigned char const* begin = nullptr;
        std::size_t bytes = 0;
    };

    [[nodiscard]] __attribute__((always_inline)) bool has(void const* at, std::size_t bytes) const {
        for (Run const& run : runs) {
            auto const offset = static_cast<std::size_t>(static_cast<unsigned char const*>(at) - run.begin);
            if (offset < run.bytes && bytes <= run.bytes - offset) {
                return true;
            }
        }
        return false;
    }
    VIRTQ_FUZZ_UNCOUNTED void check(void const* at, std::size_t bytes, bool is_store) {
        if (!has(at, bytes) || (is_store && !may_store) || ++made > most) {
            std::abort();
        }
        if (made == stop_at) {
            reach();
        }
    }

    Run runs[2];                     ///< the queue's memory: nothing else may be accessed
    bool may_store = true;           ///< a diagnosis may not
    std::size_t made = 0;            ///< accesses since it was set to 0
    std::size_t most = SIZE_MAX;     ///< number of accesses allowed
    std::size_t stop_at = SIZE_MAX;  ///< `reach` is called before this access
    void (*reach)() = nullptr;
};

inline Watch watch;

template <class Word>
void store_plain(Word* target, Word value) {
    watch.check(target, sizeof(Word), true);
    *target = value;
}
template <class Word>
void store_relaxed(Word* target, Word value) {
    watch.check(target, sizeof(Word), true);
    __atomic_store_n(target, value, __ATOMIC_RELAXED);
}
inline void store_release(std::uint16_t* target, std::uint16_t value) {
    watch.check(target, sizeof(value), true);
    __atomic_store_n(target, value, __ATOMIC_RELEASE);
}

template <class Word>
[[nodiscard]] Word load_relaxed(Word const* source) {
    watch.check(source, sizeof(Word), false);
    return __atomic_load_n(source, __ATOMIC_RELAXED);
}
[[nodiscard]] inline std::uint64_t load_torn(std::uint64_t const* source) {
    watch.check(source, sizeof(*source), false);
    return *static_cast<std::uint64_t const volatile*>(source);
}
[[nodiscard]] inline std::uint16_t load_acquire(std::uint16_t const* source) {
    watch.check(source, sizeof(*source), false);
    return __atomic_load_n(source, __ATOMIC_ACQUIRE);
}

inline bool keeps_what_is_written(void*) {
    return true;
}
inline void zero(void* memory, std::size_t bytes) {
    std::memset(memory, 0, bytes);
}

}  // namespace virtq::platform
