// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <sim/p9_device.hpp>

#include <string>

/// The example of `P9Device`.
namespace virtq::readme {
namespace {

TEST(HeaderExampleP9, P9Device) {
    sim::ViolationLog log;
    sim::P9Device host{log};
    MmioMachine machine({.instead = &host});
    MachinePages pages;
    MmioTransport<> transport;
    auto const registers = machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, 0);
    ASSERT_TRUE(transport.probe(MmioSpace{registers}).ok());
#include <blocks/device/p9.inc>
    EXPECT_TRUE(up.ok()) << describe(up.error());
    ASSERT_TRUE(size.ok()) << describe(size.error());
    EXPECT_EQ(*size, 21u);
    EXPECT_EQ(answer[4], 101);
    EXPECT_EQ((std::string{answer + 13, answer + 21}), "9P2000.L");
    EXPECT_TRUE(server.release(pages).ok());
    EXPECT_TRUE(log.empty()) << log;
}

}  // namespace
}  // namespace virtq::readme
