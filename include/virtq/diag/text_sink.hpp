// SPDX-License-Identifier: MIT
#pragma once

namespace virtq {

/// Where text goes, a character at a time: a kernel's serial line, usually. Text is UTF-8, and lines end with '\n'.
template <class Sink>
concept TextSink = requires(Sink& sink, char character) {
    /// Takes one character. Called in the context in which `dump` or `explain` was called.
    sink(character);
};

}  // namespace virtq
