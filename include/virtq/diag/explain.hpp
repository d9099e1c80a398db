// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/explanation.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/diag/text_sink.hpp>

namespace virtq {

/// Prints what `diagnose` read and what follows from it to any callable `void(char)`: some twenty lines of at most 79
/// columns. `sink` is called in the caller's context.
template <class Sink>
    requires TextSink<Sink>
void explain(Diagnosis const& diagnosis, Sink&& sink) {
    detail::Explanation{diagnosis, sink}.print_all();
}

}  // namespace virtq
