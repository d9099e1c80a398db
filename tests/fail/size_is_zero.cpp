// SPDX-License-Identifier: MIT
// EXPECT: VirtQueue<N>: N must be a power of two
#include <virtq/virtq.hpp>

virtq::VirtQueue<0> queue;
