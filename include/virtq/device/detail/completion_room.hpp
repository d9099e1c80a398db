// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/queue/completion.hpp>

#include <stddef.h>

namespace virtq::detail {

/// A local array for `take_burst`, which writes each completion before it is read. An array of `Completion` would first be
/// initialised, which costs five instructions for each. An array of bytes is not, and may hold trivial objects.
template <size_t Count>
class CompletionRoom {
public:
    [[__nodiscard__]] Completion* begin() { return reinterpret_cast<Completion*>(bytes_); }
    [[__nodiscard__]] Completion& operator[](size_t i) { return begin()[i]; }
    /// Room for at most `most` completions.
    [[__nodiscard__]] Span<Completion> first(size_t most) { return {begin(), most < Count ? most : Count}; }

private:
    alignas(Completion) unsigned char bytes_[Count * sizeof(Completion)];
};

}  // namespace virtq::detail
