// SPDX-License-Identifier: MIT
// EXPECT: VirtQueue<N>: N is above 32768, the largest queue size \(§2\.7\)
#include <virtq/virtq.hpp>

virtq::VirtQueue<65536> queue;
