// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <sim/console_device.hpp>

#include <string_view>

/// The example of `ConsoleDevice`.
namespace virtq::readme {
namespace {

TEST(HeaderExampleConsole, ConsoleDevice) {
    sim::ViolationLog log;
    sim::ConsoleDevice host{log};
    MmioMachine machine({.instead = &host});
    MachinePages pages;
    MmioTransport<> transport;
    auto const registers = machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, 0);
    ASSERT_TRUE(transport.probe(MmioSpace{registers}).ok());
    uint8_t const text[] = {'h', 'e', 'l', 'l', 'o'};
#include <blocks/device/console.inc>
    EXPECT_TRUE(up.ok()) << describe(up.error());
    EXPECT_EQ(*taken, 5u);
    machine.device.step();
    EXPECT_EQ(host.printed(0), "hello");
    EXPECT_TRUE(console.release(pages).ok());
    EXPECT_TRUE(log.empty()) << log;
}

}  // namespace
}  // namespace virtq::readme
