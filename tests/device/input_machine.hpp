// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/input.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/guest_memory.hpp>
#include <sim/input_device.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

/// A simulated machine with one input device on virtio-mmio, and a driver for it.
namespace virtq::test {

using InputTransport = MmioTransport<sim::MmioRegisters>;
using spec::input::EventType;
namespace code = spec::input::code;

/// Packets of few events.
struct SmallInput : InputTraits {
    using Format = AnyFormat;
    static constexpr std::uint32_t packet_events = 4;
};

template <class Traits = SmallInput, std::uint32_t N = 8>
class InputMachine {
public:
    explicit InputMachine(sim::InputOptions options = {}, sim::MmioVersion version = sim::MmioVersion::modern)
        : input(memory.violations(), std::move(options)), device(memory, input, version) {}

    ~InputMachine() {
        static_cast<void>(driver.release(memory));
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        EXPECT_TRUE(hostile || memory.violations().empty()) << memory.violations();
    }

    [[nodiscard]] Status init() {
        Status const found = transport.probe(device.registers());
        EXPECT_TRUE(found.ok()) << describe(found.error());
        return driver.init(transport, memory, option);
    }
    void bring_up() {
        Status const up = init();
        ASSERT_TRUE(up.ok()) << describe(up.error());
        EXPECT_LE(memory.pages_outstanding(), driver.page_count());
    }
    [[nodiscard]] Status reset() {
        return driver.reset([](RequestCompletion const&) { ADD_FAILURE() << "an input device has no requests"; });
    }

    /// What one call takes.
    std::vector<InputEvent> take(CompletionState expected = CompletionState::none, std::uint32_t most = UINT32_MAX) {
        std::vector<InputEvent> events;
        EXPECT_EQ(driver.take_each([&](InputEvent event) { events.push_back(event); }, most), expected);
        return events;
    }
    /// Lets the device send and the driver take, until nothing comes any more.
    std::vector<InputEvent> take_all() {
        std::vector<InputEvent> events;
        for (std::vector<InputEvent> some = step_and_take(); !some.empty(); some = step_and_take()) {
            events.insert(events.end(), some.begin(), some.end());
        }
        return events;
    }
    /// The same in packets: their events, and whether they are whole.
    std::vector<std::pair<std::vector<InputEvent>, bool>> take_packets() {
        std::vector<std::pair<std::vector<InputEvent>, bool>> packets;
        auto const keep = [&](InputPacket const& packet) {
            packets.emplace_back(std::vector<InputEvent>(packet.events.begin(), packet.events.end()), packet.is_whole);
        };
        for (int turn = 0; turn < 8; ++turn) {
            device.step();
            EXPECT_NE(driver.take_packets(keep), CompletionState::broken);
        }
        return packets;
    }

    sim::GuestMemory memory;
    sim::InputDevice input;
    sim::MmioDevice device;
    InputTransport transport;
    InputDevice<InputTransport, N, Traits> driver;
    DriverOption option{.reset_limit = PollLimit{100}};
    bool hostile = false;  ///< the test breaks rules on purpose

private:
    std::vector<InputEvent> step_and_take() {
        device.step();
        std::vector<InputEvent> events;
        EXPECT_NE(driver.take_each([&](InputEvent event) { events.push_back(event); }), CompletionState::broken);
        return events;
    }
};

}  // namespace virtq::test
