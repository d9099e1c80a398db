// SPDX-License-Identifier: MIT
#pragma once

#include <rapidcheck.h>

#include <cstdint>
#include <utility>

#include "operation.hpp"

/// Makes a failing sequence as small as possible: first fewer operations, then plainer ones. RapidCheck searches.
namespace virtq::property {

inline rc::Seq<Operation> plainer(Operation const& op) {
    auto const with = [op](uint32_t Operation::*part) {
        return rc::seq::map(rc::shrink::towards<uint32_t>(op.*part, 0), [op, part](uint32_t value) {
            Operation changed = op;
            changed.*part = value;
            return changed;
        });
    };
    return rc::seq::concat(with(&Operation::a), with(&Operation::b), with(&Operation::c), with(&Operation::d));
}

/// A small sequence that still `fails`, and from which no operation can be removed.
template <class Fails>
Sequence shrink(Sequence const& sequence, Fails fails) {
    auto const smaller = [](Sequence const& whole) {
        return rc::seq::concat(rc::shrink::removeChunks(whole), rc::shrink::eachElement(whole, plainer));
    };
    return rc::shrinkable::findLocalMin(rc::shrinkable::shrinkRecur(sequence, smaller), fails).first;
}

}  // namespace virtq::property
