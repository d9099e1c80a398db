// SPDX-License-Identifier: MIT
#pragma once

#include "machine.hpp"

/// For a lambda. Otherwise clang does not inline it, and keeps the locals in memory.
#define INLINED __attribute__((always_inline))

/// Parts that the drivers without checks share.
namespace bench {

struct Buffer {
    uint64_t addr;
    uint32_t len;
};

/// The requests. `Segments` is their number of segments, or 0 if only the case knows it.
template <unsigned Segments>
class Buffers {
public:
    void open(Case const& which) {
        segments_ = which.segments;
        all_ = static_cast<Buffer*>(allocate(sizeof(Buffer) * segments_ * which.batch, request_offset));
    }
    void prepare(unsigned slot) {
        for (unsigned i = 0; i < segments_; ++i) {
            all_[slot * segments_ + i] = {segment_address(slot, i), segment_bytes};
        }
    }
    [[nodiscard]] Buffer const* of(unsigned slot) const { return all_ + slot * count(); }
    [[nodiscard]] unsigned count() const { return Segments == 0 ? segments_ : Segments; }

    /// Calls `write(buffer, direction)` for each segment, in straight-line code if the compiler knows their number.
    template <class Write>
    [[gnu::always_inline]] void each(unsigned slot, Write const& write) const {
        Buffer const* const first = of(slot);
        write(first[0], uint16_t{0});
        if constexpr (Segments == 0) {
            for (unsigned i = 1; i < segments_; ++i) {
                write(first[i], flag_write);
            }
        } else {
            unroll<1>(first, write);
        }
    }

private:
    template <unsigned I, class Write>
    [[gnu::always_inline]] static void unroll(Buffer const* first, Write const& write) {
        if constexpr (I < Segments) {
            write(first[I], flag_write);
            unroll<I + 1>(first, write);
        }
    }

    Buffer* all_ = nullptr;
    unsigned segments_ = 0;
};

/// Offset of private memory in its page. Rings and requests have other offsets, so that stores to one do not delay loads
/// of another (`request_offset`).
inline constexpr size_t tokens_offset = 1088;

[[nodiscard]] constexpr unsigned whole_lines(unsigned bytes) {
    constexpr unsigned line = 128;
    return (bytes + line - 1) / line * line;
}

inline void full_fence() {
#ifdef __x86_64__
    asm volatile("lock addl $0, -4(%%rsp)" ::: "memory", "cc");  // half the time of mfence
#else
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

/// Makes a contender for the case's number of segments. In the style `span` the compiler does not know that number.
template <class Kind>
Contender* make_of_style(Case const& which) {
    if (which.style == Case::Style::span) {
        return Kind::template make<0>(which);
    }
    switch (which.segments) {
        case 1: return Kind::template make<1>(which);
        case 2: return Kind::template make<2>(which);
        case 3: return Kind::template make<3>(which);
        case 8: return Kind::template make<8>(which);
        default: return nullptr;
    }
}

}  // namespace bench
