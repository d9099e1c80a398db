// SPDX-License-Identifier: MIT
// EXPECT: (u?int64_t|long( long)?( unsigned int)?).*PhysAddr
#include <virtq/virtq.hpp>

virtq::PhysAddr translate(uint64_t number) {
    return number;
}
