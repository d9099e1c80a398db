// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// Receives text, one character at a time; usually a kernel's serial line. Text is UTF-8, and lines end with '\n'.
template <class Sink>
concept TextSink = requires(Sink& sink, char character) {
    /// Takes one character. Called in the context in which `dump` or `explain` was called.
    sink(character);
};

/// How many lines `dump` may print: a queue can have 32768 descriptors, and a serial line is slow.
struct Lines {
    uint32_t count;  ///< the most lines to print
};

}  // namespace virtq
