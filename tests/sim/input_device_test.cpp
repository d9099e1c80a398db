// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sim/input_device.hpp>
#include <sim/raw_machine.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;
namespace input = virtq::sim::wire::input;

namespace {

constexpr uint16_t mt_report = 2;

/// A driver of an input device that does everything by hand.
class Input : public ::testing::TestWithParam<RawKind> {
protected:
    void SetUp() override { machine.bring_up(); }

    void post_event(uint32_t bytes = 8) {
        buffers.push_back(memory.allocate_buffer(64));
        static_cast<void>(machine.post(0, buffers.back(), bytes));
    }
    /// The next event that the device wrote. The queue's buffers are used in order.
    [[nodiscard]] std::optional<InputEvent> event() {
        auto const used = machine.take(0);
        if (!used) {
            return std::nullopt;
        }
        EXPECT_EQ(used->length, 8u);
        return InputEvent::decoded(buffers.at(used->post).virt, ByteOrder::little);
    }
    void send_status(InputEvent const& sent, uint32_t bytes = 8, uint16_t flags = 0) {
        Buffer const buffer = memory.allocate_buffer(64);
        auto const encoded = sent.encoded(ByteOrder::little);
        std::memcpy(buffer.virt, encoded.data(), encoded.size());
        static_cast<void>(machine.post(1, buffer, bytes, flags));
    }
    void expect_only(char const* id) {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
    }

    [[nodiscard]] uint32_t read_config(size_t offset, unsigned bytes) {
        auto const at = static_cast<uint16_t>(offset);
        if (machine.mmio()) {
            return machine.mmio()->read(static_cast<uint16_t>(wire::mmio::config + at), bytes);
        }
        BarSpace const config = pci_config();
        return bytes == 1 ? config.read8(at) : bytes == 2 ? config.read16(at) : config.read32(at);
    }
    void write_config(size_t offset, uint8_t value) {
        auto const at = static_cast<uint16_t>(offset);
        if (machine.mmio()) {
            machine.mmio()->write(static_cast<uint16_t>(wire::mmio::config + at), value, 1);
        } else {
            pci_config().write8(at, value);
        }
    }
    [[nodiscard]] BarSpace pci_config() {
        RawPciDriver& driver = machine.pci_driver();
        return is_legacy(GetParam()) ? driver.legacy.at(wire::pci::legacy::bytes) : driver.config;
    }
    [[nodiscard]] uint32_t select(uint8_t what, uint8_t sub = 0) {
        write_config(input::config_select, what);
        write_config(input::config_subsel, sub);
        return read_config(input::config_size, 1);
    }
    [[nodiscard]] std::string text(uint8_t what, uint8_t sub = 0) {
        std::string found(select(what, sub), '\0');
        for (size_t i = 0; i < found.size(); ++i) {
            found[i] = static_cast<char>(read_config(input::config_data + i, 1));
        }
        return found;
    }

    GuestMemory memory;
    ViolationLog& log = memory.violations();
    InputDevice device{log,
                       {.name = "pen",
                        .serial = "7",
                        .ids = {{3, 0x1234, 0x5678, 2}},
                        .properties = {1},
                        .codes = {{input::ev_key, {0, 9}}, {input::ev_abs, {0, 1}}, {input::ev_led, {1}}},
                        .axes = {{1, {0xffffffff, 1000, 2, 3, 4}}}}};
    RawMachine machine{memory, device, GetParam()};
    std::vector<Buffer> buffers;
};

TEST_P(Input, DescribesItself) {
    EXPECT_EQ(text(input::id_name), "pen");
    EXPECT_EQ(text(input::id_serial), "7");
    EXPECT_EQ(text(input::prop_bits), std::string(1, '\x02'));
    EXPECT_EQ(text(input::ev_bits, input::ev_key), std::string("\x01\x02", 2));
    EXPECT_EQ(text(input::ev_bits, input::ev_abs), std::string(1, '\x03'));
    EXPECT_EQ(select(input::id_devids), 8u);
    EXPECT_EQ(read_config(8, 2), 3u);
    EXPECT_EQ(read_config(10, 2), 0x1234u);
    EXPECT_EQ(read_config(12, 2), 0x5678u);
    EXPECT_EQ(read_config(14, 2), 2u);
    EXPECT_EQ(select(input::abs_info, 1), 20u);
    EXPECT_EQ(read_config(8, 4), 0xffffffffu);
    EXPECT_EQ(read_config(12, 4), 1000u);
    EXPECT_EQ(read_config(24, 4), 4u);
    EXPECT_EQ(read_config(input::config_select, 1), input::abs_info);
    EXPECT_EQ(read_config(input::config_subsel, 1), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Input, HasNothingElse) {
    EXPECT_EQ(select(0), 0u);
    EXPECT_EQ(select(input::id_name, 1), 0u);
    EXPECT_EQ(select(input::id_devids, 1), 0u);
    EXPECT_EQ(select(input::ev_bits, 2), 0u);
    EXPECT_EQ(select(input::abs_info, 0), 0u);
    EXPECT_EQ(select(255, 255), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Input, AnswersWhatItIsTold) {
    device.set_answer(input::id_name, 0, {65, 66});
    device.set_answer(input::id_serial, 0, {}, 200);
    EXPECT_EQ(text(input::id_name), "AB");
    EXPECT_EQ(select(input::id_serial), 200u);
    EXPECT_EQ(read_config(8, 1), 0u);
}

TEST_P(Input, WantsBothSelectors) {
    write_config(input::config_select, input::id_name);
    EXPECT_EQ(read_config(input::config_size, 1), 3u);
    expect_only("D-5.8.5.1-1");
}

TEST_P(Input, WantsTheSizeRead) {
    write_config(input::config_select, input::id_name);
    write_config(input::config_subsel, 0);
    EXPECT_EQ(read_config(input::config_data, 1), 'p');
    expect_only("D-5.8.5.1-3");
}

TEST_P(Input, WantsOtherFieldsUnwritten) {
    write_config(input::config_size, 1);
    EXPECT_EQ(log.entries().size(), 1u) << log;
    EXPECT_EQ(select(input::id_name), 3u);
}

TEST_P(Input, SendsUpdates) {
    for (int i = 0; i < 7; ++i) {
        post_event();
    }
    device.press(30);
    device.move(5, -3);
    EXPECT_EQ(device.untaken(), 5u);
    EXPECT_EQ(machine.step(), 5u);
    EXPECT_EQ(device.untaken(), 0u);
    EXPECT_EQ(event(), (InputEvent{input::ev_key, 30, 1}));
    EXPECT_EQ(event(), (InputEvent{input::ev_syn, input::syn_report, 0}));
    EXPECT_EQ(event(), (InputEvent{input::ev_rel, 0, 5}));
    EXPECT_EQ(event(), (InputEvent{input::ev_rel, 1, 0xfffffffd}));
    EXPECT_EQ(event(), (InputEvent{input::ev_syn, input::syn_report, 0}));
    EXPECT_EQ(event(), std::nullopt);
    device.send_raw({{input::ev_syn, mt_report, 0}});
    device.release(30);
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(event(), (InputEvent{input::ev_syn, mt_report, 0}));
    EXPECT_EQ(event(), (InputEvent{input::ev_key, 30, 0}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Input, WaitsForBuffers) {
    device.point(7, 8);
    EXPECT_EQ(machine.step(), 0u);
    post_event();
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(device.untaken(), 2u);
    post_event();
    post_event();
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(event(), (InputEvent{input::ev_abs, 0, 7}));
    EXPECT_EQ(event(), (InputEvent{input::ev_abs, 1, 8}));
    EXPECT_EQ(device.lost(), 0u);
}

TEST_P(Input, DropsWholeUpdates) {
    device.drop_when_full();
    post_event();
    post_event();
    device.press(1);
    device.move(1, 1);
    device.press(2);
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(device.lost(), 2u);
    EXPECT_EQ(device.untaken(), 0u);
    EXPECT_EQ(event(), (InputEvent{input::ev_key, 1, 1}));
}

TEST_P(Input, TakesStatusEvents) {
    send_status({input::ev_led, 1, 1});
    send_status({input::ev_led, 1, 0});
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(machine.take(1), (RawUsed{0, 0}));
    EXPECT_EQ(machine.take(1), (RawUsed{1, 0}));
    EXPECT_EQ(device.status(), (std::vector<InputEvent>{{input::ev_led, 1, 1}, {input::ev_led, 1, 0}}));
    device.hold_status();
    send_status({input::ev_led, 0, 1});
    EXPECT_EQ(machine.step(), 0u);
    device.let_status_pass();
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(device.status().size(), 3u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST(InputOptions, ChooseTheLengthOfStatusEvents) {
    GuestMemory memory;
    InputDevice device{memory.violations(), {.status_length = 8}};
    RawMachine machine{memory, device, RawKind::mmio_split};
    machine.bring_up();
    machine.post(1, memory.allocate_buffer(64), 8, 0);
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.take(1), (RawUsed{0, 8}));
}

TEST_P(Input, ReportsInvalidLengths) {
    for (uint32_t const length : {0u, 7u, 9u}) {
        post_event();
        device.report_next_length(length);
        device.send_raw({{1, 2, 3}});
        EXPECT_EQ(machine.step(), 1u);
        EXPECT_EQ(machine.take(0)->length, length);
    }
}

TEST_P(Input, ReportsShortBuffers) {
    post_event(7);
    EXPECT_EQ(machine.step(), 1u);
    expect_only("D-5.8.6.1-3");
}

TEST_P(Input, ReportsReadableEventBuffers) {
    Buffer const buffer = memory.allocate_buffer(64);
    machine.post(0, {{buffer.phys, 8, 0}, {buffer.phys + 8, 8, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 0u);
    expect_only("D-5.8.6.1-2");
}

TEST_P(Input, ReportsShortStatusBuffers) {
    send_status({}, 7);
    EXPECT_EQ(machine.step(), 1u);
    expect_only("D-5.8.6.1-4");
    EXPECT_TRUE(device.status().empty());
}

TEST_P(Input, ReportsWritableStatusBuffers) {
    Buffer const buffer = memory.allocate_buffer(64);
    machine.post(1, {{buffer.phys, 8, 0}, {buffer.phys + 8, 8, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 1u);
    expect_only("S-5.8.6-status");
}

TEST_P(Input, SendsAnUpdateAgainAfterReset) {
    post_event();
    device.press(3);
    EXPECT_EQ(machine.step(), 1u);
    machine.reset();
    machine.bring_up();
    buffers.clear();
    post_event();
    post_event();
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(event(), (InputEvent{input::ev_key, 3, 1}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Input, TypesWhileTheDeviceWorks) {
    for (int i = 0; i < 40; ++i) {
        post_event();
    }
    std::thread typist([&] {
        for (uint16_t key = 0; key < 20; ++key) {
            device.press(key);
        }
    });
    size_t count = 0;
    while (count != 40) {
        count += machine.step();
    }
    typist.join();
    EXPECT_EQ(event(), (InputEvent{input::ev_key, 0, 1}));
}

INSTANTIATE_TEST_SUITE_P(Kinds, Input, ::testing::ValuesIn(raw_kinds),
                         [](auto const& one) { return name_of(one.param); });

}  // namespace
}  // namespace virtq::sim_test
