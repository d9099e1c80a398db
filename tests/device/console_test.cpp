// SPDX-License-Identifier: MIT
#include <virtq/device/console.hpp>

#include <virtq/transport/mmio.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>

namespace virtq::test {
namespace {

struct TwoPorts : ConsoleTraits {
    static constexpr uint32_t port_max = 2;
};

TEST(Console, IsAllZeroAtFirst) {
    using Driver = ConsoleDevice<MmioTransport<>, 4, TwoPorts>;
    alignas(Driver) std::array<unsigned char, sizeof(Driver)> memory{};
    new (memory.data()) Driver;
    EXPECT_EQ(memory, (std::array<unsigned char, sizeof(Driver)>{}));
}

}  // namespace
}  // namespace virtq::test
