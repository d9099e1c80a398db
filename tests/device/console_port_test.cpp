// SPDX-License-Identifier: MIT
#include <device/console_machine.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

/// `ConsoleDevice` with several ports, and what a device may say about them, or must not.
namespace virtq::test {
namespace {

using PortMachine = ConsoleMachine<ThreePorts>;
using PortEvents = PortMachine::Events;
namespace console_wire = sim::wire::console;

/// Ports 0, 1 and 2 are there, and open on both sides.
void open_all(PortMachine& machine) {
    machine.console.add_port(1);
    machine.console.add_port(2);
    machine.bring_up();
    machine.settle();
    for (std::uint32_t port = 0; port < 3; ++port) {
        EXPECT_TRUE(machine.driver.open(port).ok());
        machine.console.open_port(port);
    }
    machine.settle();
}

/// What the driver said about a port.
std::vector<std::pair<std::uint16_t, std::uint16_t>> said_about(PortMachine const& machine, std::uint32_t port) {
    std::vector<std::pair<std::uint16_t, std::uint16_t>> found;
    for (sim::ConsoleMessage const& message : machine.console.messages()) {
        if (message.port == port && message.event != console_wire::device_ready) {
            found.emplace_back(message.event, message.value);
        }
    }
    return found;
}

void send_raw(PortMachine& machine, std::uint32_t port, std::uint16_t event, std::string_view behind = {}) {
    machine.console.send_raw({sim::ConsoleMessage{port, event, 1}.encoded(sim::ByteOrder::little, behind)});
}

TEST(ConsolePorts, ComeGoOpenAndClose) {
    PortMachine machine{{.ports = 3}};
    machine.bring_up();
    EXPECT_EQ(machine.driver.port_count(), 3u);
    EXPECT_FALSE(machine.driver.port(0).is_present);
    EXPECT_EQ(machine.settle(), (PortEvents{{0, ConsoleEvent::added}, {0, ConsoleEvent::console}}));
    EXPECT_TRUE(machine.driver.port(0).is_console);
    EXPECT_EQ(said_about(machine, 0),
              (decltype(said_about(machine, 0)){{console_wire::port_ready, 1}, {console_wire::port_open, 1}}));

    machine.console.add_port(2);
    EXPECT_EQ(machine.settle(), (PortEvents{{2, ConsoleEvent::added}}));
    machine.console.name_port(2, "org.virtq.test");
    machine.console.resize_port(2, {80, 25});
    machine.console.open_port(2);
    EXPECT_EQ(machine.settle(),
              (PortEvents{{2, ConsoleEvent::named}, {2, ConsoleEvent::resized}, {2, ConsoleEvent::opened}}));
    ConsolePort const port = machine.driver.port(2);
    EXPECT_EQ(std::string_view{port.name}, "org.virt");  // name_bytes is 8
    EXPECT_EQ(port.size, (ConsoleSize{80, 25}));
    EXPECT_EQ(machine.driver.size(2), port.size);
    EXPECT_TRUE(port.is_present && port.is_open && !port.is_console);

    machine.console.close_port(2);
    EXPECT_EQ(machine.settle(), (PortEvents{{2, ConsoleEvent::closed}}));
    EXPECT_FALSE(machine.driver.port(2).is_open);
    machine.console.remove_port(2);
    EXPECT_EQ(machine.settle(), (PortEvents{{2, ConsoleEvent::removed}}));
    EXPECT_FALSE(machine.driver.port(2).is_present);
    EXPECT_EQ(std::string_view{machine.driver.port(2).name}, "");
    EXPECT_FALSE(machine.driver.driver_fault());
}

TEST(ConsolePorts, MoveBytesIndependently) {
    PortMachine machine{{.ports = 3}};
    open_all(machine);
    machine.console.hold(1);
    EXPECT_EQ(machine.taken(std::string(70, 'x'), 1), 64u);
    EXPECT_EQ(machine.taken("two", 2), 3u);
    machine.console.type(0, "zero");
    machine.console.type(2, "for two");
    machine.device.step();
    EXPECT_EQ(machine.console.printed(2), "two");
    EXPECT_EQ(machine.read(0), "zero");
    EXPECT_EQ(machine.read(1), "");
    EXPECT_EQ(machine.read(2), "for two");
    EXPECT_FALSE(machine.driver.is_drained(1));
    EXPECT_TRUE(machine.driver.is_drained(2));
}

TEST(ConsolePorts, NeedTheHostToTakeOutput) {
    PortMachine machine{{.ports = 3}};
    machine.console.add_port(1);
    machine.bring_up();
    EXPECT_EQ(machine.write("x", 1).error(), Error::port_absent);
    EXPECT_EQ(machine.driver.open(1).error(), Error::port_absent);
    machine.settle();
    EXPECT_EQ(machine.write("x", 1).error(), Error::port_closed);
    EXPECT_EQ(machine.taken("x", 0), 1u);  // a console
    machine.console.open_port(1);
    machine.settle();
    EXPECT_EQ(machine.taken("x", 1), 1u);
}

TEST(ConsolePorts, KeepInputOfARemovedPort) {
    PortMachine machine{{.ports = 3}};
    open_all(machine);
    machine.console.type(1, "last words");
    machine.device.step();
    machine.console.remove_port(1);
    machine.settle();
    EXPECT_EQ(machine.write("x", 1).error(), Error::port_absent);
    std::array<std::uint8_t, 16> bytes{};
    EXPECT_EQ(*machine.driver.read(bytes, 1), 10u);
    EXPECT_EQ(machine.driver.read(bytes, 1).error(), Error::port_absent);
}

TEST(ConsolePorts, MayBeUsedInTheHandler) {
    PortMachine machine{{.ports = 3}};
    machine.console.add_port(1);
    machine.bring_up();
    machine.console.type(1, "input");
    for (int round = 0; round < 8; ++round) {
        machine.device.step();
        Status const handled = machine.driver.on_events([&](std::uint32_t port, ConsoleEvent event) {
            EXPECT_TRUE(event != ConsoleEvent::added || machine.driver.open(port).ok());
            EXPECT_TRUE(event != ConsoleEvent::console || machine.taken("login: ", port) == 7u);
        });
        EXPECT_TRUE(handled.ok());
    }
    EXPECT_EQ(machine.read(1), "input");
    EXPECT_EQ(machine.console.printed(0), "login: ");
}

/// With two slots for messages, both in use until the next step of the device.
class BusyPorts : public testing::Test {
protected:
    void SetUp() override {
        machine.bring_up();
        machine.settle();
    }
    /// The device sends what waits, and then gets no further.
    void fill_slots() {
        machine.device.step();
        EXPECT_TRUE(machine.driver.open(0).ok());
        EXPECT_TRUE(machine.driver.open(0).ok());
    }
    PortEvents handle() {
        PortEvents events;
        Status const handled = machine.driver.on_events(
            [&](std::uint32_t port, ConsoleEvent event) { events.emplace_back(port, event); });
        EXPECT_TRUE(handled.ok());
        return events;
    }

    ConsoleMachine<ThreePorts, 2> machine{{.ports = 6}};
};

TEST_F(BusyPorts, RememberAnswers) {
    machine.console.add_port(1);
    machine.console.add_port(2);
    fill_slots();
    EXPECT_TRUE(machine.driver.close(0).ok());
    EXPECT_EQ(handle(), (PortEvents{{1, ConsoleEvent::added}, {2, ConsoleEvent::added}}));
    EXPECT_TRUE(machine.driver.open(1).ok());
    EXPECT_TRUE(machine.driver.open(2).ok());
    EXPECT_TRUE(machine.driver.close(2).ok());
    EXPECT_EQ(machine.driver.enable_used_notifications(ConsoleQueue::events), MaySleep::yes);
    machine.device.step();
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_EQ(machine.driver.enable_used_notifications(ConsoleQueue::events), MaySleep::no);
    machine.driver.disable_used_notifications(ConsoleQueue::events);
    machine.settle();
    EXPECT_FALSE(machine.console.driver_of(0).open);
    EXPECT_TRUE(machine.console.driver_of(1).open);
    EXPECT_TRUE(machine.console.driver_of(2).ready);
    EXPECT_FALSE(machine.console.driver_of(2).open);
}

TEST_F(BusyPorts, AreRefusedWhenThereIsASlot) {
    machine.console.add_port(3);
    machine.console.add_port(4);
    fill_slots();
    EXPECT_TRUE(handle().empty());
    machine.device.step();
    EXPECT_TRUE(handle().empty());
    machine.device.step();
    std::vector<sim::ConsoleMessage> const messages = machine.console.messages();
    for (std::uint32_t port = 3; port < 5; ++port) {
        EXPECT_EQ(std::count(messages.begin(), messages.end(), sim::ConsoleMessage{port, console_wire::port_ready, 0}),
                  1);
    }
    machine.console.remove_port(3);
    EXPECT_TRUE(machine.settle().empty());
    EXPECT_FALSE(machine.driver.driver_fault());
}

TEST_F(BusyPorts, StartAgainWithoutOldMessages) {
    machine.console.add_port(3);
    fill_slots();
    EXPECT_TRUE(handle().empty());  // the message waits for a slot
    ASSERT_TRUE(machine.reset().ok());
    EXPECT_EQ(machine.settle(), (PortEvents{{0, ConsoleEvent::added}, {0, ConsoleEvent::console}}));
    EXPECT_FALSE(machine.driver.driver_fault());
}

TEST_F(BusyPorts, AreNotAnsweredWhenGone) {
    machine.console.add_port(1);
    machine.console.remove_port(1);
    EXPECT_EQ(machine.settle(), (PortEvents{{1, ConsoleEvent::added}, {1, ConsoleEvent::removed}}));
    std::vector<sim::ConsoleMessage> const messages = machine.console.messages();
    EXPECT_EQ(std::count(messages.begin(), messages.end(), sim::ConsoleMessage{1, console_wire::port_ready, 1}), 0);
}

TEST(ConsolePorts, BeginWithoutNameAndSize) {
    PortMachine machine{{.ports = 3}};
    open_all(machine);
    machine.console.name_port(2, "abcdefgh");
    machine.console.resize_port(2, {80, 25});
    machine.settle();
    machine.console.name_port(2, "xy");
    machine.settle();
    EXPECT_EQ(std::string_view{machine.driver.port(2).name}, "xy");
    machine.console.remove_port(2);
    machine.console.add_port(2);
    machine.settle();
    EXPECT_TRUE(machine.driver.port(2).is_present);
    EXPECT_EQ(std::string_view{machine.driver.port(2).name}, "");
    EXPECT_EQ(machine.driver.port(2).size, ConsoleSize{});
}

TEST(ConsolePorts, WakeForEvents) {
    PortMachine machine{{.ports = 3}};
    machine.bring_up();
    machine.settle();
    EXPECT_EQ(machine.driver.enable_used_notifications(ConsoleQueue::events), MaySleep::yes);
    static_cast<void>(machine.transport.on_interrupt());
    machine.console.add_port(1);
    machine.device.step();
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_EQ(machine.driver.enable_used_notifications(ConsoleQueue::events), MaySleep::no);
    machine.driver.disable_used_notifications(ConsoleQueue::events);
    EXPECT_EQ(machine.settle(), (PortEvents{{1, ConsoleEvent::added}}));
}

TEST(ConsolePorts, ComeAgainAfterAReset) {
    PortMachine machine{{.ports = 3}};
    open_all(machine);
    machine.console.name_port(1, "data");
    machine.settle();
    ASSERT_TRUE(machine.reset().ok());
    EXPECT_FALSE(machine.driver.port(1).is_present);
    EXPECT_EQ(machine.write("x", 1).error(), Error::port_absent);
    EXPECT_EQ(machine.settle().size(), 8u);  // three times added and opened, once a console, once a name
    EXPECT_TRUE(machine.driver.open(1).ok());
    machine.console.type(1, "again");
    machine.settle();
    EXPECT_EQ(machine.read(1), "again");
    EXPECT_EQ(std::string_view{machine.driver.port(1).name}, "data");
}

TEST(ConsolePorts, AreOneWithoutMultiport) {
    PortMachine machine;
    machine.bring_up();
    EXPECT_EQ(machine.driver.port_count(), 1u);
    EXPECT_TRUE(machine.settle().empty());
    EXPECT_TRUE(machine.driver.open(0).ok());
    EXPECT_EQ(machine.taken("x"), 1u);
    EXPECT_EQ(machine.driver.enable_used_notifications(ConsoleQueue::events), MaySleep::yes);
    machine.driver.disable_used_notifications(ConsoleQueue::events);
    machine.device.offer(console_wire::multiport);  // there are no pages for its queues
    ASSERT_TRUE(machine.reset().ok());
    EXPECT_FALSE(machine.driver.negotiation().negotiated.has(spec::console::Feature::multiport));
    EXPECT_EQ(machine.taken("y"), 1u);
    machine.device.step();
}

TEST(ConsolePorts, AreNotMoreThanBeforeAReset) {
    PortMachine machine{{.ports = 2}};
    machine.bring_up();
    EXPECT_EQ(machine.driver.port_count(), 2u);
    machine.device.offer(console_wire::multiport, false);
    ASSERT_TRUE(machine.reset().ok());
    EXPECT_EQ(machine.driver.port_count(), 1u);
    EXPECT_EQ(machine.taken("x"), 1u);
    machine.device.offer(console_wire::multiport);
    ASSERT_TRUE(machine.reset().ok());
    EXPECT_EQ(machine.driver.port_count(), 2u);
    EXPECT_EQ(machine.settle().size(), 2u);
}

/// A message that the device must not send, and what the driver finds.
struct BadMessage {
    char const* name;
    std::vector<std::uint8_t> bytes;
    DriverReason reason;
    std::uint32_t value;
};

std::vector<std::uint8_t> bytes_of_message(std::uint32_t port, std::uint16_t event, std::string_view behind = {}) {
    return sim::ConsoleMessage{port, event, 1}.encoded(sim::ByteOrder::little, behind);
}

class BadConsoleMessage : public testing::TestWithParam<BadMessage> {};

TEST_P(BadConsoleMessage, IsIgnoredAndNamed) {
    PortMachine machine{{.ports = 5}};
    open_all(machine);
    machine.console.remove_port(1);
    machine.settle();
    machine.console.send_raw({GetParam().bytes});
    EXPECT_TRUE(machine.settle().empty());
    EXPECT_EQ(machine.driver.driver_fault().reason, GetParam().reason);
    EXPECT_EQ(machine.driver.driver_fault().value, GetParam().value);
    EXPECT_EQ(machine.driver.driver_fault().queue, spec::console::control_receive_queue);
    EXPECT_NE(std::string_view{describe(GetParam().reason)}.find("console"), std::string_view::npos);
    EXPECT_EQ(machine.taken("still works", 2), 11u);
    machine.console.add_port(1);
    EXPECT_EQ(machine.settle(), (PortEvents{{1, ConsoleEvent::added}}));
}

INSTANTIATE_TEST_SUITE_P(
    Messages, BadConsoleMessage,
    testing::Values(
        BadMessage{"Empty", {}, DriverReason::console_message_short, 0},
        BadMessage{"Short", {1, 0, 0, 0, 5, 0, 0}, DriverReason::console_message_short, 7},
        BadMessage{"ShortResize", bytes_of_message(2, console_wire::event_resize, "abc"),
                   DriverReason::console_message_short, 11},
        BadMessage{"NoColumns", bytes_of_message(2, console_wire::event_resize, std::string_view{"\0\0\x19\0", 4}),
                   DriverReason::console_size_zero, 25u << 16},
        BadMessage{"NoRows", bytes_of_message(2, console_wire::event_resize, std::string_view{"\x50\0\0\0", 4}),
                   DriverReason::console_size_zero, 80},
        BadMessage{"UnknownEvent", bytes_of_message(2, 8), DriverReason::console_event_unknown, 8},
        BadMessage{"OfADriver", bytes_of_message(2, console_wire::device_ready), DriverReason::console_event_unknown,
                   0},
        BadMessage{"PortBehindTheLast", bytes_of_message(5, console_wire::device_add),
                   DriverReason::console_port_unknown, 5},
        BadMessage{"PortOfAllOnes", bytes_of_message(UINT32_MAX, console_wire::port_open),
                   DriverReason::console_port_unknown, UINT32_MAX},
        BadMessage{"AddedTwice", bytes_of_message(2, console_wire::device_add), DriverReason::console_port_twice, 2},
        BadMessage{"RemovedTwice", bytes_of_message(1, console_wire::device_remove), DriverReason::console_port_absent,
                   1},
        BadMessage{"OpenedWhenGone", bytes_of_message(1, console_wire::port_open), DriverReason::console_port_absent,
                   1}),
    [](auto const& message) { return std::string{message.param.name}; });

TEST(ConsolePorts, TakeANameWithoutEnd) {
    PortMachine machine{{.ports = 3}};
    open_all(machine);
    send_raw(machine, 1, console_wire::port_name, std::string(5000, 'n'));
    send_raw(machine, 2, console_wire::port_name);
    EXPECT_EQ(machine.settle(), (PortEvents{{1, ConsoleEvent::named}, {2, ConsoleEvent::named}}));
    EXPECT_EQ(std::string_view{machine.driver.port(1).name}, "nnnnnnnn");
    EXPECT_EQ(std::string_view{machine.driver.port(2).name}, "");
}

TEST(ConsolePorts, SurviveAFloodOfMessages) {
    PortMachine machine{{.ports = 3}};
    open_all(machine);
    for (int i = 0; i < 200; ++i) {
        send_raw(machine, 1, console_wire::device_remove);
        send_raw(machine, 1, console_wire::device_add);
    }
    std::ptrdiff_t removed = 0;
    for (int round = 0; removed < 200 && round < 100; ++round) {
        PortEvents const events = machine.settle();
        removed += std::count(events.begin(), events.end(), PortEvents::value_type{1, ConsoleEvent::removed});
    }
    EXPECT_EQ(removed, 200);
    EXPECT_TRUE(machine.driver.port(1).is_present);
}

TEST(ConsolePorts, ReportABrokenControlQueue) {
    PortMachine machine{{.ports = 3}};
    machine.hostile = true;
    open_all(machine);
    machine.console.send_raw({bytes_of_message(1, console_wire::port_open), 17});
    machine.device.step();
    EXPECT_EQ(machine.driver.on_events([](std::uint32_t, ConsoleEvent) {}).error(), Error::queue_broken);
    EXPECT_EQ(machine.driver.on_events([](std::uint32_t, ConsoleEvent) {}).error(), Error::reset_needed);
    ASSERT_TRUE(machine.reset().ok());
    EXPECT_FALSE(machine.settle().empty());
}

TEST(ConsolePorts, ReportBrokenControlOutput) {
    PortMachine machine{{.ports = 3, .transmit_length = true}};
    machine.hostile = true;
    machine.bring_up();
    machine.device.step();
    EXPECT_EQ(machine.driver.on_events([](std::uint32_t, ConsoleEvent) {}).error(), Error::queue_broken);
    EXPECT_EQ(machine.driver.open(0).error(), Error::reset_needed);
}

/// A console that says how many ports it has, and nothing else.
class SilentConsole : public sim::DeviceBackend {
public:
    explicit SilentConsole(std::uint32_t count) : ports(count) {}
    [[nodiscard]] uint32_t device_id() const override { return console_wire::device_id; }
    [[nodiscard]] sim::FeatureWords features() const override { return sim::feature_words({console_wire::multiport}); }
    [[nodiscard]] uint16_t queue_count() const override { return 8; }
    [[nodiscard]] uint16_t queue_size_max(uint16_t) const override { return 8; }
    [[nodiscard]] std::vector<sim::ConfigField> config_fields() const override {
        return {{console_wire::config_max_nr_ports, 4, console_wire::multiport}};
    }
    [[nodiscard]] uint8_t read_config(size_t offset) override {
        if (changes != 0 && offset == console_wire::config_max_nr_ports) {
            --changes;
            ++ports;
        }
        return static_cast<uint8_t>(ports >> (8 * (offset - console_wire::config_max_nr_ports)));
    }
    [[nodiscard]] sim::Completion process(uint16_t, sim::Chain const&) override { return {}; }

    std::uint32_t ports;
    unsigned changes = 0;  ///< how many of the next reads find another number
};

void expect_ports(std::uint32_t said, std::uint32_t used, DriverReason reason) {
    sim::GuestMemory memory;
    SilentConsole console{said};
    sim::MmioDevice device{memory, console};
    ConsoleTransport transport;
    ASSERT_TRUE(transport.probe(device.registers()).ok());
    ConsoleDevice<ConsoleTransport, 4, ThreePorts> driver;
    ASSERT_TRUE(driver.init(transport, memory, {.reset_limit = PollLimit{100}}).ok());
    EXPECT_EQ(driver.port_count(), used);
    EXPECT_EQ(driver.driver_fault().reason, reason);
    EXPECT_EQ(driver.driver_fault().value, reason == DriverReason::none ? 0 : said);
    ASSERT_TRUE(driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_EQ(driver.port_count(), used);
    EXPECT_TRUE(driver.release(memory).ok());
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

TEST(ConsolePorts, AreAsManyAsBothSidesHave) {
    expect_ports(0, 1, DriverReason::console_port_count);
    expect_ports(1, 1, DriverReason::none);
    expect_ports(2, 2, DriverReason::none);
    expect_ports(3, 3, DriverReason::none);
    expect_ports(32767, 3, DriverReason::none);
    expect_ports(32768, 3, DriverReason::console_port_count);
    expect_ports(65536, 3, DriverReason::console_port_count);
    expect_ports(UINT32_MAX, 3, DriverReason::console_port_count);
}

TEST(ConsolePorts, AreCountedTwiceOnALegacyDevice) {
    sim::GuestMemory memory;
    SilentConsole console{1};
    console.changes = 2;
    sim::MmioDevice device{memory, console, sim::MmioVersion::legacy};
    ConsoleTransport transport;
    ASSERT_TRUE(transport.probe(device.registers()).ok());
    ConsoleDevice<ConsoleTransport, 8, ThreePorts> driver;
    ASSERT_TRUE(driver.init(transport, memory, {.reset_limit = PollLimit{100}}).ok());
    EXPECT_EQ(driver.port_count(), 3u);
    EXPECT_TRUE(driver.release(memory).ok());
}

}  // namespace
}  // namespace virtq::test
