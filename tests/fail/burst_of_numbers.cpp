// SPDX-License-Identifier: MIT
// EXPECT: chain_at\(size_t\) returns a virtq::Chain or a virtq::FixedChain
#include <virtq/virtq.hpp>

virtq::SubmittedBurst submit(virtq::VirtQueue<8>& queue) {
    return queue.submit_burst(4, [](size_t i) { return i; });
}
