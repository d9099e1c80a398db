// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include <sim/console_device.hpp>
#include <sim/raw_machine.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;
namespace console = virtq::sim::wire::console;

namespace {

/// A driver of a console that writes everything by hand.
class ConsoleMachine : public ::testing::TestWithParam<RawKind> {
protected:
    explicit ConsoleMachine(ConsoleOptions options) : device(log, std::move(options)) {}

    void SetUp() override { machine.bring_up(); }
    /// Posts one buffer, and keeps it for `input`.
    void receive(uint16_t queue, uint32_t bytes = 16) {
        Buffer const& buffer = buffers.emplace_back(memory.allocate_buffer(64));
        order.push_back(queue);
        static_cast<void>(machine.post(queue, buffer, bytes));
    }
    /// The content of the oldest used buffer of a queue whose buffers are used in order.
    [[nodiscard]] std::optional<std::string> input(uint16_t queue) {
        static_cast<void>(machine.step());
        auto const used = machine.take(queue);
        if (!used) {
            return std::nullopt;
        }
        size_t post = used->post;
        for (size_t i = 0; i < buffers.size(); ++i) {
            if (order[i] == queue && post-- == 0) {
                return std::string(buffers[i].virt, buffers[i].virt + used->length);
            }
        }
        return std::nullopt;
    }
    size_t print(uint16_t queue, std::string_view text) {
        Buffer const buffer = memory.allocate_buffer(64);
        std::memcpy(buffer.virt, text.data(), text.size());
        return machine.post(queue, buffer, static_cast<uint32_t>(text.size()), 0);
    }
    void expect_only(char const* id) {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
    }
    [[nodiscard]] uint32_t read_config(uint16_t offset, unsigned bytes) {
        if (machine.mmio()) {
            return machine.mmio()->read(static_cast<uint16_t>(wire::mmio::config + offset), bytes);
        }
        BarSpace const config = pci_config();
        return bytes == 2 ? config.read16(offset) : config.read32(offset);
    }
    void write_emergency(uint32_t value) {
        if (machine.mmio()) {
            machine.mmio()->write(wire::mmio::config + console::config_emerg_wr, value, 4);
        } else {
            pci_config().write32(console::config_emerg_wr, value);
        }
    }
    [[nodiscard]] BarSpace pci_config() {
        RawPciDriver& driver = machine.pci_driver();
        return is_legacy(GetParam()) ? driver.legacy.at(wire::pci::legacy::bytes) : driver.config;
    }

    GuestMemory memory;
    ViolationLog& log = memory.violations();
    ConsoleDevice device;
    RawMachine machine{memory, device, GetParam()};
    std::vector<Buffer> buffers;
    std::vector<uint16_t> order;
};

class Console : public ConsoleMachine {
protected:
    Console() : ConsoleMachine({.size = ConsoleSize{80, 25}, .emergency_write = true}) {}
};

TEST_P(Console, PrintsInOrder) {
    print(1, "one ");
    print(1, "two ");
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(device.printed(0), "one two ");
    EXPECT_EQ(machine.take(1), (RawUsed{0, 0}));
    EXPECT_EQ(device.take(0), "one two ");
    print(1, "three");
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(device.printed(0), "three");
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Console, PrintsInOrderWhateverTheSchedule) {
    machine.on_device([](auto& one) { one.set_schedule(Schedule::reversed()); });
    machine.bring_up();
    print(1, "one ");
    print(1, "two ");
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(machine.take(1)->post, 1u);
    EXPECT_EQ(machine.take(1)->post, 0u);
    EXPECT_EQ(device.printed(0), "one two ");
    device.let_pass(0, 1);
    print(1, "three ");
    print(1, "four");
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.take(1)->post, 2u);
    EXPECT_EQ(device.printed(0), "one two three ");
}

TEST_P(Console, KeepsInputUntilItHasBuffers) {
    device.type(0, "hello, world");
    EXPECT_EQ(device.untaken(0), 12u);
    receive(0, 5);
    EXPECT_EQ(input(0), "hello");
    EXPECT_EQ(device.untaken(0), 7u);
    receive(0);
    EXPECT_EQ(input(0), ", world");
    receive(0);
    EXPECT_EQ(input(0), std::nullopt);
    device.type(0, "!");
    EXPECT_EQ(input(0), "!");
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Console, FillsInputShortly) {
    device.fill_at_most(2);
    device.type(0, "abc");
    receive(0);
    receive(0);
    EXPECT_EQ(input(0), "ab");
    EXPECT_EQ(input(0), "c");
}

TEST_P(Console, MisreportsInput) {
    device.report_next_input(17);
    device.type(0, "ab");
    receive(0, 1);
    receive(0);
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(machine.take(0), (RawUsed{0, 17}));
    EXPECT_EQ(machine.take(0), (RawUsed{1, 1}));
}

TEST_P(Console, HoldsOutputBack) {
    device.hold(0);
    for (auto const* const text : {"a", "b", "c"}) {
        print(1, text);
    }
    EXPECT_EQ(machine.step(), 0u);
    EXPECT_EQ(device.printed(0), "");
    device.let_pass(0, 2);
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(machine.step(), 0u);
    EXPECT_EQ(device.printed(0), "ab");
    device.release(0);
    print(1, "d");
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(device.printed(0), "abcd");
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Console, ReportsBuffersInTheWrongDirection) {
    print(0, "out");
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.take(0), (RawUsed{0, 0}));
    expect_only("D-5.3.6.1-1");
    log.clear();
    receive(1);
    EXPECT_EQ(machine.step(), 1u);
    expect_only("D-5.3.6.1-2");
    EXPECT_EQ(device.printed(0), "");
}

TEST_P(Console, HasASize) {
    EXPECT_EQ(read_config(0, 2), 80u);
    EXPECT_EQ(read_config(2, 2), 25u);
    machine.on_device([&](auto& one) { one.change_config([&] { device.resize({132, 50}); }); });
    EXPECT_EQ(read_config(0, 2), 132u);
    EXPECT_EQ(read_config(2, 2), 50u);
    EXPECT_TRUE(log.empty()) << log;
    static_cast<void>(read_config(4, 4));  // MULTIPORT is not offered
    expect_only("D-2.5.1-4");
}

TEST_P(Console, TakesEmergencyWritesAnyTime) {
    write_emergency('a');
    machine.reset();
    write_emergency('b');
    write_emergency(0x4563);  // only the lower byte counts
    EXPECT_EQ(device.emergency(), "abc");
    EXPECT_EQ(read_config(8, 4), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Console, WorksFromAnotherThread) {
    std::thread worker([&] {
        for (size_t used = 0; used < 40;) {
            used += machine.step();
        }
    });
    for (int i = 0; i < 20; ++i) {
        device.type(0, "in");
        receive(0, 2);
        print(1, "out ");
        device.hold(0);
        device.release(0);
    }
    worker.join();
    EXPECT_EQ(device.untaken(0), 0u);
    EXPECT_EQ(device.printed(0).size(), 80u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Console, ForgetsBuffersAtReset) {
    receive(0);
    EXPECT_EQ(machine.step(), 0u);
    machine.reset();
    machine.bring_up();
    device.type(0, "late");
    EXPECT_EQ(machine.step(), 0u);
    EXPECT_EQ(device.untaken(0), 4u);
    EXPECT_TRUE(log.empty()) << log;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Console, ::testing::ValuesIn(raw_kinds),
                         [](auto const& one) { return name_of(one.param); });

class ConsolePorts : public ConsoleMachine {
protected:
    ConsolePorts() : ConsoleMachine({.ports = 3}) {}

    void SetUp() override {
        machine.bring_up();
        for (int i = 0; i < 12; ++i) {
            receive(control, 32);
        }
    }
    void say(uint16_t event, uint32_t port, uint16_t value = 1) {
        auto const bytes = ConsoleMessage{port, event, value}.encoded(guest_order);
        print(control + 1, {reinterpret_cast<char const*>(bytes.data()), bytes.size()});
        static_cast<void>(machine.step());
    }
    /// Expects the device's next message.
    void expect_message(ConsoleMessage message, std::string_view behind = {}) {
        auto const bytes = message.encoded(guest_order, behind);
        EXPECT_EQ(input(control), std::string(bytes.begin(), bytes.end()));
    }
    void expect_silence() { EXPECT_EQ(input(control), std::nullopt); }
    /// Up to and including an open port 0.
    void open_console() {
        say(console::device_ready, 0);
        expect_message({0, console::device_add, 0});
        say(console::port_ready, 0);
        expect_message({0, console::console_port, 1});
        say(console::port_open, 0);
        expect_silence();
        EXPECT_TRUE(log.empty()) << log;
    }
    void open_port(uint32_t port) {
        device.add_port(port);
        expect_message({port, console::device_add, 0});
        say(console::port_ready, port);
        say(console::port_open, port);
    }

    static constexpr uint16_t control = 2;
};

TEST_P(ConsolePorts, SetsUpTheConsole) {
    EXPECT_EQ(read_config(4, 4), 3u);
    expect_silence();
    EXPECT_FALSE(device.is_driver_ready());
    open_console();
    EXPECT_TRUE(device.is_driver_ready());
    EXPECT_EQ(device.messages(), (std::vector<ConsoleMessage>{{0, 0, 1}, {0, 3, 1}, {0, 6, 1}}));
    device.check_answers();
    EXPECT_TRUE(device.driver_of(0).open);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(ConsolePorts, DescribesReadyPorts) {
    device.add_port(2);
    device.make_console(2);
    device.name_port(2, "org.virtq");
    device.open_port(2);
    device.resize_port(2, {4, 3});
    say(console::device_ready, 0);
    expect_message({0, console::device_add, 0});
    expect_message({2, console::device_add, 0});
    say(console::port_ready, 2);
    expect_message({2, console::console_port, 1});
    expect_message({2, console::event_resize, 0}, {"\4\0\3\0", 4});
    expect_message({2, console::port_name, 1}, "org.virtq");
    expect_message({2, console::port_open, 1});
    expect_silence();
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(ConsolePorts, SaysNothingBeforePortReady) {
    say(console::device_ready, 0);
    expect_message({0, console::device_add, 0});
    device.name_port(0, "tty");
    expect_silence();
    say(console::port_ready, 0);
    expect_message({0, console::console_port, 1});
    expect_message({0, console::port_name, 1}, "tty");
    expect_silence();
}

TEST_P(ConsolePorts, TakesMessagesInOrder) {
    machine.on_device([](auto& one) { one.set_schedule(Schedule::reversed()); });
    machine.bring_up();
    for (uint16_t const event : {console::device_ready, console::port_ready}) {
        auto const bytes = ConsoleMessage{0, event, 0}.encoded(guest_order);
        print(control + 1, {reinterpret_cast<char const*>(bytes.data()), bytes.size()});
    }
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(device.messages(), (std::vector<ConsoleMessage>{{0, 0, 0}, {0, 3, 0}}));
}

TEST_P(ConsolePorts, TellsReadyPortsOfChanges) {
    open_console();
    open_port(1);
    device.name_port(1, "x");
    device.open_port(1);
    device.close_port(1);
    device.make_console(1);
    device.resize_port(1, {258, 1});
    expect_message({1, console::port_name, 1}, "x");
    expect_message({1, console::port_open, 1});
    expect_message({1, console::port_open, 0});
    expect_message({1, console::console_port, 1});
    expect_message({1, console::event_resize, 0}, {"\2\1\1\0", 4});
    EXPECT_TRUE(device.driver_of(1).owes_open);
    say(console::port_open, 1, 0);
    EXPECT_TRUE(device.driver_of(1).owes_open);
    say(console::port_open, 1);
    EXPECT_FALSE(device.driver_of(1).owes_open);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(ConsolePorts, CarriesEachPortsBytes) {
    open_console();
    open_port(2);
    device.type(0, "zero");
    device.type(2, "two");
    receive(6);
    receive(0);
    EXPECT_EQ(input(6), "two");
    EXPECT_EQ(input(0), "zero");
    print(7, "to two");
    print(1, "to zero");
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(device.printed(2), "to two");
    EXPECT_EQ(device.printed(0), "to zero");
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(ConsolePorts, KeepsInputUntilPortOpens) {
    open_console();
    device.type(1, "early");
    receive(4);
    EXPECT_EQ(input(4), std::nullopt);
    open_port(1);
    EXPECT_EQ(input(4), "early");
    say(console::port_open, 1, 0);
    device.type(1, "closed");
    receive(4);
    EXPECT_EQ(input(4), std::nullopt);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(ConsolePorts, RemovesPorts) {
    open_console();
    open_port(1);
    print(5, "last words");
    EXPECT_EQ(machine.step(), 1u);
    device.type(1, "lost");
    device.remove_port(1);
    expect_message({1, console::device_remove, 0});
    EXPECT_EQ(device.printed(1), "last words");
    EXPECT_EQ(device.untaken(1), 0u);
    say(console::port_open, 1, 0);  // sent before the driver saw it
    print(5, "more");
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_TRUE(log.empty()) << log;
    device.add_port(1);
    expect_message({1, console::device_add, 0});
    say(console::port_ready, 1);
    expect_silence();
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(ConsolePorts, AnnouncesPortsAgainAfterReset) {
    open_console();
    open_port(1);
    device.close_port(1);  // not delivered
    machine.reset();
    EXPECT_FALSE(device.is_driver_ready());
    EXPECT_FALSE(device.driver_of(1).announced);
    buffers.clear();
    order.clear();
    SetUp();
    expect_silence();
    say(console::device_ready, 0);
    say(console::device_ready, 0);  // once is enough
    expect_message({0, console::device_add, 0});
    expect_message({1, console::device_add, 0});
    expect_silence();
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(ConsolePorts, StaysSilentAfterFailure) {
    device.open_port(0);
    say(console::device_ready, 0, 0);
    expect_silence();
    say(console::device_ready, 0);
    expect_message({0, console::device_add, 0});
    say(console::port_ready, 0, 0);
    expect_silence();
    EXPECT_FALSE(device.driver_of(0).ready);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(ConsolePorts, SendsInvalidMessages) {
    using Bytes = std::vector<uint8_t>;
    Bytes const unknown = ConsoleMessage{0, 77, 0}.encoded(guest_order);
    Bytes const beyond = ConsoleMessage{3, console::device_add, 0}.encoded(guest_order);
    Bytes const endless = ConsoleMessage{0, console::port_name, 1}.encoded(guest_order, std::string(60, 'n'));
    device.send_raw({Bytes{1, 2, 3}});
    device.send_raw({unknown});
    device.send_raw({beyond});
    device.send_raw({endless});
    device.send_raw({unknown, 4000});
    device.send_raw({ConsoleMessage{0, console::console_port, 1}.encoded(guest_order)});  // before PORT_READY
    EXPECT_EQ(input(control), "\1\2\3");
    EXPECT_EQ(input(control), std::string(unknown.begin(), unknown.end()));
    EXPECT_EQ(input(control), std::string(beyond.begin(), beyond.end()));
    EXPECT_EQ(input(control), std::string(endless.begin(), endless.begin() + 32));
    EXPECT_EQ(machine.take(control), (RawUsed{4, 4000}));
    EXPECT_FALSE(device.driver_of(0).owes_open);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(ConsolePorts, ThrowsForItsOwnMistakes) {
    EXPECT_THROW(device.add_port(0), std::logic_error);
    EXPECT_THROW(device.add_port(3), std::logic_error);
    EXPECT_THROW(device.remove_port(1), std::logic_error);
    EXPECT_THROW(device.open_port(3), std::logic_error);
    EXPECT_THROW(device.type(3, ""), std::out_of_range);
}

TEST_P(ConsolePorts, ReportsMissingDeviceReady) {
    device.check_answers();
    expect_only("D-5.3.6.2.2-1");
    log.clear();
    say(console::port_ready, 0);
    expect_only("D-5.3.6.2.2-1");
}

TEST_P(ConsolePorts, ReportsMissingPortReady) {
    say(console::device_ready, 0);
    expect_message({0, console::device_add, 0});
    say(console::port_open, 0);
    expect_only("S-5.3.6.2-ready");
    EXPECT_FALSE(device.driver_of(0).open);
    log.clear();
    print(1, "early");
    EXPECT_EQ(machine.step(), 1u);
    expect_only("S-5.3.6.2-ready");
}

TEST_P(ConsolePorts, ReportsMissingAnswerToConsolePort) {
    say(console::device_ready, 0);
    expect_message({0, console::device_add, 0});
    say(console::port_ready, 0);
    device.check_answers();  // CONSOLE_PORT is not delivered yet
    EXPECT_TRUE(log.empty()) << log;
    expect_message({0, console::console_port, 1});
    device.check_answers();
    expect_only("D-5.3.6.2.2-3");
}

TEST_P(ConsolePorts, ReportsUnannouncedPorts) {
    open_console();
    say(console::port_ready, 1);
    expect_only("S-5.3.6.2-port");
    log.clear();
    say(console::port_open, 3);
    expect_only("S-5.3.6.2-port");
    log.clear();
    print(5, "to port 1");
    EXPECT_EQ(machine.step(), 1u);
    expect_only("S-5.3.6.2-port");
}

TEST_P(ConsolePorts, ReportsInvalidMessages) {
    open_console();
    say(console::device_add, 1);
    expect_only("S-5.3.6.2-event");
    log.clear();
    say(console::port_open, 0, 2);
    expect_only("S-5.3.6.2-value");
    log.clear();
    print(control + 1, "short");
    EXPECT_EQ(machine.step(), 1u);
    expect_only("S-5.3.6.2-length");
    log.clear();
    print(control + 1, std::string_view("\0\0\0\0\6\0\1\0 and more", 17));
    EXPECT_EQ(machine.step(), 1u);
    expect_only("S-5.3.6.2-length");
}

TEST_P(ConsolePorts, ReportsControlBuffersInTheWrongDirection) {
    print(control, "out");
    static_cast<void>(machine.step());
    expect_only("D-5.3.6.1-1");
    log.clear();
    receive(control + 1);
    static_cast<void>(machine.step());
    EXPECT_TRUE(log.contains("D-5.3.6.1-2")) << log;
}

TEST_P(ConsolePorts, ReportsSplitControlBuffersOnLegacy) {
    Buffer const buffer = memory.allocate_buffer(16);
    std::memset(buffer.virt, 0, 16);
    machine.post(control + 1, {{buffer.phys, 4}, {buffer.phys + 4, 4}});
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(log.contains("L-5.3.4.1-4"), is_legacy(GetParam())) << log;
    EXPECT_EQ(log.entries().size(), is_legacy(GetParam()) ? 1u : 0u) << log;
    log.clear();
    open_console();
    machine.post(1, {{buffer.phys, 4}, {buffer.phys + 4, 4}});  // data may be split
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

INSTANTIATE_TEST_SUITE_P(Kinds, ConsolePorts, ::testing::ValuesIn(raw_kinds),
                         [](auto const& one) { return name_of(one.param); });

TEST(ConsoleFeatures, FollowTheOptions) {
    ViolationLog log;
    ConsoleDevice const plain(log);
    EXPECT_EQ(plain.features(), FeatureWords{});
    EXPECT_EQ(plain.queue_count(), 2);
    EXPECT_EQ(plain.device_id(), 3u);
    ConsoleDevice const full(log, {.size = ConsoleSize{1, 1},
                                   .ports = 4,
                                   .emergency_write = true,
                                   .queue_size_max = 8,
                                   .features = {wire::feature::event_idx}});
    EXPECT_EQ(full.features(), (FeatureWords{7u | 1u << 29, 0, 0, 0}));
    EXPECT_EQ(full.queue_count(), 10);
    EXPECT_EQ(full.queue_size_max(9), 8);
}

class ConsoleLegacy : public ConsoleMachine {
protected:
    ConsoleLegacy() : ConsoleMachine({.ports = 1, .transmit_length = true}) {}
};

TEST_P(ConsoleLegacy, ReportsTransmittedLengths) {
    auto const ready = ConsoleMessage{0, console::device_ready, 1}.encoded(guest_order);
    print(3, {reinterpret_cast<char const*>(ready.data()), ready.size()});
    print(1, "abc");
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(machine.take(1), (RawUsed{0, 3}));
    EXPECT_EQ(machine.take(3), (RawUsed{0, 8}));
}

INSTANTIATE_TEST_SUITE_P(Kinds, ConsoleLegacy, ::testing::Values(RawKind::mmio_legacy, RawKind::pci_legacy),
                         [](auto const& one) { return name_of(one.param); });

TEST(ConsoleMultiport, NeedsNegotiation) {
    GuestMemory memory;
    ConsoleDevice device(memory.violations(), {.ports = 2});
    RawMachine machine(memory, device, RawKind::mmio_split);
    machine.offer(console::multiport, false);
    machine.bring_up();
    Buffer const buffer = memory.allocate_buffer(8);
    auto const ready = ConsoleMessage{0, console::device_ready, 1}.encoded(guest_order);
    std::memcpy(buffer.virt, ready.data(), ready.size());
    machine.post(3, buffer, 8, 0);
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_TRUE(memory.violations().contains("S-5.3.2-multiport"));
    EXPECT_FALSE(device.is_driver_ready());
}

}  // namespace
}  // namespace virtq::sim_test
