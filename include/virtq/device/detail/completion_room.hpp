// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/queue/completion.hpp>

#include <stddef.h>

namespace virtq::detail {

/// A local array for `take_burst`, which writes each completion before it is read. An array of `Completion` would be
/// initialised first, at five instructions a packet. Bytes are not, and trivial objects may be made in them.
template <size_t Count>
class CompletionRoom {
public:
    [[__nodiscard__]] Completion* begin() { return reinterpret_cast<Completion*>(bytes_); }
    [[__nodiscard__]] Span<Completion> first(size_t most) { return {begin(), most < Count ? most : Count}; }

private:
    alignas(Completion) unsigned char bytes_[Count * sizeof(Completion)];
};

}  // namespace virtq::detail
