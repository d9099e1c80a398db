// SPDX-License-Identifier: MIT
// EXPECT: This access to PCI configuration space lacks one of
#include <virtq/virtq.hpp>

struct Nothing {};

auto number(Nothing& nothing) {
    return virtq::number_buses(nothing, {0, 15});
}
