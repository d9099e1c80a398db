// SPDX-License-Identifier: MIT
// EXPECT: a chain has at least one segment
#include <virtq/virtq.hpp>

virtq::FixedChain<0, 0> nothing() {
    return {};
}
