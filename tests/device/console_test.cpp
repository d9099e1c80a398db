// SPDX-License-Identifier: MIT
#include <virtq/device/console.hpp>

#include <device/console_machine.hpp>
#include <device/measured_transport.hpp>

#include <array>
#include <cstddef>

/// `ConsoleDevice` with one port: bytes, back-pressure, size, emergency write, sleeping and recovery.
namespace virtq::test {
namespace {

std::string text_of(std::size_t bytes) {
    std::string text;
    for (std::size_t i = 0; i < bytes; ++i) {
        text += static_cast<char>('a' + (i * 7 + i / 26) % 26);
    }
    return text;
}

TEST(Console, MovesBytesBothWays) {
    ConsoleMachine machine;
    machine.bring_up();
    EXPECT_EQ(machine.driver.port_count(), 1u);
    EXPECT_TRUE(machine.driver.port(0).is_present && machine.driver.port(0).is_open);
    EXPECT_EQ(machine.taken("hello"), 5u);
    machine.console.type(0, "good morning, machine");
    machine.device.step();
    EXPECT_EQ(machine.console.printed(0), "hello");
    EXPECT_EQ(machine.read(), "good morning, machine");
    EXPECT_EQ(machine.read(), "");
}

TEST(Console, KeepsAPartlyReadBuffer) {
    ConsoleMachine machine;
    machine.bring_up();
    machine.console.type(0, "0123456789");
    machine.device.step();
    std::array<std::uint8_t, 4> some{};
    EXPECT_EQ(*machine.driver.read(some), 4u);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::no);
    machine.console.type(0, "abc");
    machine.device.step();
    EXPECT_EQ(*machine.driver.read(some), 4u);
    EXPECT_EQ(some, (std::array<std::uint8_t, 4>{'4', '5', '6', '7'}));
    EXPECT_EQ(machine.read(), "89abc");
}

TEST(Console, GoesOnBehindEmptyInput) {
    ConsoleMachine machine;
    machine.bring_up();
    machine.console.report_next_input(0);
    machine.console.type(0, "sixteen are lostarrives");
    machine.device.step();
    EXPECT_EQ(machine.read(), "arrives");
}

TEST(Console, TakesNothingOfNothing) {
    ConsoleMachine machine;
    machine.bring_up();
    machine.console.type(0, "x");
    machine.device.step();
    EXPECT_EQ(*machine.driver.read(Span<std::uint8_t>{}), 0u);
    EXPECT_EQ(machine.taken(""), 0u);
    EXPECT_TRUE(machine.driver.is_drained());
    EXPECT_EQ(machine.read(), "x");
}

TEST(Console, TakesAsMuchAsFits) {
    ConsoleMachine machine;
    machine.bring_up();
    machine.console.hold(0);
    std::string const text = text_of(100);
    EXPECT_EQ(machine.taken(text), 64u);  // four buffers of 16 bytes
    machine.device.step();
    EXPECT_EQ(machine.taken(text.substr(64)), 0u);
    EXPECT_FALSE(machine.driver.is_drained());
    machine.console.let_pass(0, 2);
    machine.device.step();
    EXPECT_EQ(machine.taken(text.substr(64)), 32u);
    machine.console.release(0);
    machine.device.step();
    EXPECT_EQ(machine.taken(text.substr(96)), 4u);
    machine.device.step();
    EXPECT_TRUE(machine.driver.is_drained());
    EXPECT_EQ(machine.console.printed(0), text);
}

TEST(Console, SleepsUntilThereIsInputOrRoom) {
    ConsoleMachine machine;
    machine.bring_up();
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
    machine.console.type(0, "x");
    machine.device.step();
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::no);
    EXPECT_EQ(machine.read(), "x");
    machine.driver.disable_used_notifications();

    machine.console.hold(0);
    EXPECT_EQ(machine.taken(text_of(64)), 64u);
    EXPECT_EQ(machine.driver.enable_used_notifications(ConsoleQueue::output), MaySleep::yes);
    machine.console.let_pass(0, 1);
    machine.device.step();
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_EQ(machine.driver.enable_used_notifications(ConsoleQueue::output), MaySleep::no);
    machine.driver.disable_used_notifications(ConsoleQueue::output);

    EXPECT_EQ(machine.driver.enable_used_notifications(ConsoleQueue::events), MaySleep::yes);
    machine.driver.disable_used_notifications(ConsoleQueue::events);
    EXPECT_EQ(machine.driver.enable_used_notifications(ConsoleQueue::input, 1), MaySleep::broken);
    machine.driver.disable_used_notifications(ConsoleQueue::input, 1);
}

TEST(Console, HasOnePortWithoutMessages) {
    ConsoleMachine machine;
    machine.bring_up();
    EXPECT_TRUE(machine.settle().empty());
    EXPECT_TRUE(machine.driver.open(0).ok());
    EXPECT_TRUE(machine.driver.close(0).ok());
    EXPECT_EQ(machine.driver.open(1).error(), Error::port_absent);
    EXPECT_EQ(machine.write("x", 1).error(), Error::port_absent);
    EXPECT_EQ(machine.driver.read(Span<std::uint8_t>{}, 1).error(), Error::port_absent);
    EXPECT_TRUE(machine.driver.is_drained(1));
    EXPECT_FALSE(machine.driver.port(1).is_present);
}

TEST(Console, KnowsItsSize) {
    ConsoleMachine machine{{.size = sim::ConsoleSize{80, 25}}};
    machine.bring_up();
    EXPECT_EQ(machine.driver.size(), (ConsoleSize{80, 25}));
    EXPECT_FALSE(*machine.driver.on_config_change());
    machine.device.change_config([&] { machine.console.resize({132, 50}); });
    EXPECT_TRUE(machine.transport.on_interrupt().config_change);
    EXPECT_TRUE(*machine.driver.on_config_change());
    EXPECT_EQ(machine.driver.size(), (ConsoleSize{132, 50}));
    for (sim::ConsoleSize const unknown : {sim::ConsoleSize{0, 0}, {80, 0}, {0, 25}}) {
        machine.device.change_config([&] { machine.console.resize(unknown); });
        EXPECT_TRUE(machine.driver.on_config_change().ok());
        EXPECT_EQ(machine.driver.size(), ConsoleSize{});
    }
    machine.device.unsettle_config(sim::ConfigSpace::never);
    EXPECT_EQ(machine.driver.on_config_change().error(), Error::config_unstable);
}

TEST(Console, ReportsAnUnstableSize) {
    ConsoleMachine machine{{.size = sim::ConsoleSize{80, 25}}};
    machine.device.unsettle_config(sim::ConfigSpace::never);
    EXPECT_EQ(machine.init().error(), Error::config_unstable);
    EXPECT_EQ(machine.driver.on_config_change().error(), Error::not_initialised);
}

TEST(Console, ReadsALegacySizeTwice) {
    ConsoleMachine machine{{.size = sim::ConsoleSize{80, 25}}, sim::MmioVersion::legacy};
    int reads = 0;
    machine.device.before_access([&](uint16_t offset, bool) {
        if (offset >= sim::wire::mmio::config && ++reads == 3) {
            machine.console.resize({132, 50});
        }
    });
    machine.bring_up();
    machine.device.before_access({});
    EXPECT_EQ(machine.driver.size(), (ConsoleSize{132, 50}));
}

TEST(Console, ReportsAShortConfiguration) {
    sim::GuestMemory memory;
    sim::ConsoleDevice console{memory.violations(),
                               {.size = sim::ConsoleSize{80, 25}, .ports = 2, .emergency_write = true}};
    sim::MmioDevice device{memory, console};
    MeasuredTransport transport;
    ASSERT_TRUE(transport.probe(device.registers()).ok());
    ConsoleDevice<MeasuredTransport, 4> one;
    ConsoleDevice<MeasuredTransport, 4, ThreePorts> many;
    DriverOption const option{.reset_limit = PollLimit{100}};
    transport.config_bytes = 3;
    EXPECT_EQ(one.init(transport, memory, option).error(), Error::config_too_short);
    transport.config_bytes = 4;
    EXPECT_TRUE(one.init(transport, memory, option).ok());
    EXPECT_TRUE(one.release(memory).ok());
    transport.config_bytes = 7;
    EXPECT_EQ(many.init(transport, memory, option).error(), Error::config_too_short);
    transport.config_bytes = 11;
    EXPECT_EQ(one.emergency_write(transport, '!').error(), Error::config_too_short);
    transport.config_bytes = 12;
    EXPECT_TRUE(one.emergency_write(transport, '!').ok());
}

TEST(Console, PrintsInAnEmergency) {
    ConsoleMachine machine{{.emergency_write = true}};
    using Driver = decltype(machine.driver);
    EXPECT_EQ(Driver::emergency_write(machine.transport, '!').error(), Error::transport_not_probed);
    ASSERT_TRUE(machine.transport.probe(machine.device.registers()).ok());
    EXPECT_TRUE(Driver::emergency_write(machine.transport, '!').ok());
    machine.bring_up();
    EXPECT_TRUE(Driver::emergency_write(machine.transport, static_cast<char>(0xe4)).ok());
    EXPECT_EQ(machine.console.emergency(), "!\xe4");
}

TEST(Console, RefusesAnEmergencyThatNobodyHears) {
    ConsoleMachine machine;
    ASSERT_TRUE(machine.transport.probe(machine.device.registers()).ok());
    EXPECT_EQ(machine.driver.emergency_write(machine.transport, '!').error(), Error::not_supported);
    machine.device.set_device_id(4);
    ASSERT_TRUE(machine.transport.probe(machine.device.registers()).ok());
    EXPECT_EQ(machine.driver.emergency_write(machine.transport, '!').error(), Error::wrong_device_type);
}

TEST(Console, IsOfNoUseBeforeInit) {
    ConsoleMachine machine;
    EXPECT_EQ(machine.write("x").error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.read(Span<std::uint8_t>{}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.on_events([](std::uint32_t, ConsoleEvent) {}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.open(0).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::broken);
    machine.driver.disable_used_notifications();
    EXPECT_TRUE(machine.driver.is_drained());
    EXPECT_EQ(machine.driver.port_count(), 0u);
    EXPECT_FALSE(machine.driver.port(0).is_present);
    machine.bring_up();
    ASSERT_TRUE(machine.driver.release(machine.memory).ok());
    EXPECT_EQ(machine.driver.port_count(), 0u);
    EXPECT_FALSE(machine.driver.port(0).is_present);
}

TEST(Console, ReportsABrokenInput) {
    ConsoleMachine machine;
    machine.hostile = true;
    machine.bring_up();
    machine.console.report_next_input(17);
    machine.console.type(0, "0123456789");
    machine.device.step();
    std::array<std::uint8_t, 4> some{};
    EXPECT_EQ(machine.driver.read(some).error(), Error::queue_broken);
    EXPECT_EQ(machine.driver.read(some).error(), Error::reset_needed);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::broken);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::queue_broken);
    ASSERT_TRUE(machine.reset().ok());
    machine.console.type(0, "again");
    machine.device.step();
    EXPECT_EQ(machine.read(), "again");
}

TEST(Console, ReportsABrokenOutput) {
    ConsoleMachine machine{{.transmit_length = true}};
    machine.hostile = true;
    machine.bring_up();
    EXPECT_EQ(machine.taken("x"), 1u);
    machine.device.step();
    EXPECT_EQ(machine.write("y").error(), Error::queue_broken);
    EXPECT_EQ(machine.write("y").error(), Error::reset_needed);
    EXPECT_FALSE(machine.driver.is_drained());
    ASSERT_TRUE(machine.reset().ok());
    EXPECT_TRUE(machine.driver.is_drained());
    EXPECT_EQ(machine.taken("z"), 1u);
}

TEST(Console, IgnoresLengthsOfALegacyDevice) {
    ConsoleMachine machine{{.size = sim::ConsoleSize{80, 25}, .transmit_length = true}, sim::MmioVersion::legacy};
    machine.bring_up();
    EXPECT_EQ(machine.driver.size(), (ConsoleSize{80, 25}));
    EXPECT_EQ(machine.taken("x"), 1u);
    machine.device.step();
    EXPECT_EQ(machine.taken("y"), 1u);
    machine.device.step();
    EXPECT_TRUE(machine.driver.is_drained());
    EXPECT_EQ(machine.console.printed(0), "xy");
}

struct UnusedMapper {
    [[nodiscard]] Result<PhysAddr> map(PhysAddr address, uint32_t, DmaDirection) {
        ADD_FAILURE() << "data of a console is copied";
        return address;
    }
    void unmap(PhysAddr, uint32_t, DmaDirection) {}
};
struct MappedConsole : SmallConsole {
    using Mapper = UnusedMapper;
};

TEST(Console, MapsNothing) {
    sim::GuestMemory memory;
    sim::ConsoleDevice console{memory.violations()};
    sim::MmioDevice device{memory, console};
    ConsoleTransport transport;
    ASSERT_TRUE(transport.probe(device.registers()).ok());
    UnusedMapper mapper;
    ConsoleDevice<ConsoleTransport, 4, MappedConsole> driver;
    ASSERT_TRUE(driver.init(transport, memory, mapper, {.reset_limit = PollLimit{100}}).ok());
    std::array<std::uint8_t, 2> const text{'h', 'i'};
    EXPECT_EQ(*driver.write(text), 2u);
    device.step();
    EXPECT_EQ(console.printed(0), "hi");
    EXPECT_TRUE(driver.release(memory).ok());
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

TEST(Console, DropsWhatAResetInterrupts) {
    ConsoleMachine machine;
    machine.bring_up();
    machine.console.type(0, "0123456789");
    machine.device.step();
    std::array<std::uint8_t, 4> some{};
    EXPECT_EQ(*machine.driver.read(some), 4u);
    machine.console.hold(0);
    EXPECT_EQ(machine.taken(text_of(64)), 64u);
    ASSERT_TRUE(machine.reset().ok());
    EXPECT_EQ(machine.read(), "");
    EXPECT_TRUE(machine.driver.is_drained());
    EXPECT_EQ(machine.taken(text_of(64)), 64u);
}

TEST(Console, GivesPagesBackWhereverInitFails) {
    for (std::size_t failing = 0;; ++failing) {
        ConsoleMachine<ThreePorts> machine{{.ports = 3}};
        machine.memory.fail_allocation(failing);
        Status const up = machine.init();
        if (up.ok()) {
            EXPECT_GE(failing, 16u);  // a ring and its buffers for each of eight queues
            EXPECT_LE(machine.memory.pages_outstanding(), machine.driver.page_count());
            return;
        }
        EXPECT_EQ(up.error(), Error::no_pages);
        EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    }
}

TEST(Console, GoesUpAndDownAtAnyMoment) {
    ConsoleMachine<ThreePorts> machine{{.ports = 3}};
    for (int steps = 0; steps < 12; ++steps) {
        machine.bring_up();
        for (int i = 0; i < steps; ++i) {
            machine.device.step();
            if (i % 2 != 0) {
                ASSERT_TRUE(machine.driver.on_events([](std::uint32_t, ConsoleEvent) {}).ok());
            }
        }
        static_cast<void>(machine.write("some output"));
        ASSERT_TRUE(machine.driver.release(machine.memory).ok());
        EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    }
}

}  // namespace
}  // namespace virtq::test
