// SPDX-License-Identifier: MIT
// EXPECT: VirtQueue<N>: N must be a power of two, as a split queue's size is \(§2\.7\)
#include <virtq/virtq.hpp>

virtq::VirtQueue<100> queue;
