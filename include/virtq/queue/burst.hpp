// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/base/span.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/segment.hpp>
#include <virtq/queue/token.hpp>

#include <stddef.h>

/// What the burst calls of `VirtQueue` take and return. A burst does as much as it can, as DPDK's `rx_burst` and
/// `tx_burst` do. A *bulk* call, in DPDK's words, does all or nothing; virtq has none.
namespace virtq {

/// One chain of a burst, of any shape: the arguments of `add`. The segments must live until `submit_burst` returns.
struct Chain {
    Span<Segment const> readable{};  ///< the device-readable segments
    Span<Segment const> writable{};  ///< the device-writable segments
    Token token{};                   ///< comes back with the completion
};

/// One chain of a burst whose shape the compiler knows. It has its segments in itself, the device-readable ones first.
/// List all of them when you make one: a loop over them keeps the compiler from using registers.
template <size_t Readable, size_t Writable>
struct FixedChain {
    static_assert(Readable + Writable != 0, "FixedChain<Readable, Writable>: a chain has at least one segment");

    Segment segments[Readable + Writable]{};  ///< first `Readable` device-readable ones, then `Writable` writable ones
    Token token{};                            ///< comes back with the completion
};

/// A buffer of one segment that the device reads, as of a driver that sends.
using ReadableBuffer = FixedChain<1, 0>;
/// A buffer of one segment that the device writes, as of a driver that refills a receive queue.
using WritableBuffer = FixedChain<0, 1>;

/// What `submit_burst` did. Chains before `count` were submitted; the queue kept nothing of the others.
struct [[__nodiscard__]] SubmittedBurst {
    size_t count = 0;             ///< how many chains were submitted
    Error error = Error::none;    ///< why chain `count` was rejected; `none` if all were submitted
    Notification notification{};  ///< as `publish` returns it, for these chains and those that `add` left pending
};

/// What `take_burst` did.
struct [[__nodiscard__]] TakenBurst {
    size_t count = 0;  ///< how many completions were written, each of them `ready`
    /// Why there are not more. `ready`: the room is full. `none`: the device had not used more when last read.
    /// `broken`: as with `take_used`; the completions before the violation are valid.
    CompletionState state = CompletionState::none;
};

namespace detail {

// The sides of a chain, in the types that `add` of a ring takes.

[[__nodiscard__]] constexpr Span<Segment const> readable_of(Chain const& chain) {
    return chain.readable;
}
[[__nodiscard__]] constexpr Span<Segment const> writable_of(Chain const& chain) {
    return chain.writable;
}
template <size_t Readable, size_t Writable>
[[__nodiscard__]] constexpr auto readable_of(FixedChain<Readable, Writable> const& chain) {
    return side_of<Readable + Writable, Readable>(chain.segments);
}
template <size_t Readable, size_t Writable>
[[__nodiscard__]] constexpr auto writable_of(FixedChain<Readable, Writable> const& chain) {
    return side_of<Readable + Writable, Writable>(chain.segments + Readable);
}

/// The callable of `submit_burst`.
template <class Get>
concept GetsChain = requires(Get& chain_at, size_t i) {
    readable_of(chain_at(i));
    writable_of(chain_at(i));
};

}  // namespace detail

}  // namespace virtq
