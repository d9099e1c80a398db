// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <sim/balloon_device.hpp>

/// The example of `BalloonDevice`.
namespace virtq::readme {
namespace {

TEST(HeaderExampleBalloon, BalloonDevice) {
    sim::ViolationLog log;
    sim::BalloonDevice host{log, {.num_pages = 1}};
    MmioMachine machine({.instead = &host});
    MachinePages pages;
    MmioTransport<> transport;
    auto const registers = machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, 0);
    ASSERT_TRUE(transport.probe(MmioSpace{registers}).ok());
    PhysAddr const unused_page{0x8000'0000};
#include <blocks/device/balloon.inc>
    EXPECT_TRUE(up.ok()) << describe(up.error());
    EXPECT_TRUE(gave.ok()) << describe(gave.error());
    EXPECT_EQ(balloon.held_pages(), 1u);
    EXPECT_EQ(host.actual(), 1u);
    EXPECT_TRUE(balloon.release(pages).ok());
    EXPECT_TRUE(log.empty()) << log;
}

}  // namespace
}  // namespace virtq::readme
