// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/virtqueue.hpp>

#include <cstdint>

namespace virtq::test {

using namespace virtq::detail;

/// `Split` as it is where size is preferred (-Os), in a program that is not compiled so.
struct SmallSplit : Split {
    template <std::uint32_t N>
    using Ring = SplitRing<N, SmallSplit>;
    static constexpr bool is_small = true;
};

}  // namespace virtq::test
