// SPDX-License-Identifier: MIT
#include <virtq/virtq.hpp>

char const* described_elsewhere(virtq::Error error);
char const* described_elsewhere(virtq::Error error) {
    return virtq::describe(error);
}
