// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <sim/input_device.hpp>

#include <vector>

/// The example of `InputDevice`.
namespace virtq::readme {
namespace {

std::vector<InputEvent> seen;
void kernel_input(InputEvent event) {
    seen.push_back(event);
}

TEST(HeaderExampleInput, InputDevice) {
    sim::ViolationLog log;
    sim::InputDevice host{log};
    MmioMachine machine({.instead = &host});
    MachinePages pages;
    MmioTransport<> transport;
    auto const registers = machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, 0);
    ASSERT_TRUE(transport.probe(MmioSpace{registers}).ok());
#include <blocks/device/input.inc>
    EXPECT_TRUE(up.ok()) << describe(up.error());
    EXPECT_EQ(state, CompletionState::none);
    host.press(30);
    machine.device.step();
    EXPECT_EQ(keyboard.take_each([](InputEvent event) { kernel_input(event); }), CompletionState::none);
    EXPECT_EQ(seen.front(), (InputEvent{spec::input::EventType::key, 30, 1}));
    EXPECT_EQ(seen.size(), 2u);
    EXPECT_TRUE(keyboard.release(pages).ok());
    EXPECT_TRUE(log.empty()) << log;
}

}  // namespace
}  // namespace virtq::readme
