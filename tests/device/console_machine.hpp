// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/console.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/console_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// A simulated machine with one console on virtio-mmio, and a driver for it.
namespace virtq::test {

using ConsoleTransport = MmioTransport<sim::MmioRegisters>;

/// One port, and small buffers, so that a short text fills several.
struct SmallConsole : ConsoleTraits {
    using Format = AnyFormat;
    static constexpr uint32_t buffer_bytes = 16;
};
/// Three ports with short names.
struct ThreePorts : SmallConsole {
    static constexpr uint32_t port_max = 3;
    static constexpr uint32_t name_bytes = 8;
};

template <class Traits = SmallConsole, std::uint32_t N = 4>
class ConsoleMachine {
public:
    using Events = std::vector<std::pair<std::uint32_t, ConsoleEvent>>;

    explicit ConsoleMachine(sim::ConsoleOptions options = {}, sim::MmioVersion version = sim::MmioVersion::modern)
        : console(memory.violations(), std::move(options)), device(memory, console, version) {}

    ~ConsoleMachine() {
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
    }

    /// Lets device and driver exchange control messages, and returns the events.
    Events settle() {
        Events events;
        for (int round = 0; round < 8; ++round) {
            device.step();
            Status const handled =
                driver.on_events([&](std::uint32_t port, ConsoleEvent event) { events.emplace_back(port, event); });
            EXPECT_TRUE(handled.ok()) << describe(handled.error());
        }
        console.check_answers();
        return events;
    }

    /// All that a port has now, read in pieces of `piece` bytes.
    [[nodiscard]] std::string read(std::uint32_t port = 0, std::size_t piece = 7) {
        std::string all;
        for (;;) {
            std::vector<std::uint8_t> bytes(piece);
            Result<std::uint32_t> const have = driver.read(bytes, port);
            EXPECT_TRUE(have.ok()) << describe(have.error());
            if (!have || *have == 0) {
                return all;
            }
            all.append(bytes.begin(), bytes.begin() + *have);
        }
    }
    [[nodiscard]] Result<std::uint32_t> write(std::string_view text, std::uint32_t port = 0) {
        return driver.write({reinterpret_cast<std::uint8_t const*>(text.data()), text.size()}, port);
    }
    [[nodiscard]] std::uint32_t taken(std::string_view text, std::uint32_t port = 0) {
        Result<std::uint32_t> const count = write(text, port);
        EXPECT_TRUE(count.ok()) << describe(count.error());
        return count ? *count : 0;
    }
    [[nodiscard]] Status reset() {
        return driver.reset([](RequestCompletion const&) { ADD_FAILURE() << "a console has no requests"; });
    }

    sim::GuestMemory memory;
    sim::ConsoleDevice console;
    sim::MmioDevice device;
    ConsoleTransport transport;
    ConsoleDevice<ConsoleTransport, N, Traits> driver;
    DriverOption option{.reset_limit = PollLimit{100}};
    bool hostile = false;  ///< the test breaks rules on purpose
};

}  // namespace virtq::test
