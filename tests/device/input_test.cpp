// SPDX-License-Identifier: MIT
#include <virtq/device/input.hpp>

#include <device/input_machine.hpp>
#include <device/measured_transport.hpp>
#include <virtq/diag/diagnose.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// What the input driver does beyond the contract of all drivers (`driver_contract_test`).
namespace virtq::test {
namespace {

namespace input_wire = sim::wire::input;
using Packet = std::pair<std::vector<InputEvent>, bool>;

constexpr InputEvent syn{EventType::syn, code::syn_report, 0};

[[nodiscard]] InputEvent key(std::uint16_t number, std::int32_t value = 1) {
    return {EventType::key, number, value};
}
[[nodiscard]] InputEvent rel(std::uint16_t axis, std::int32_t value) {
    return {EventType::rel, axis, value};
}

// --- events ---

TEST(Input, TakesEvents) {
    for (auto const version : {sim::MmioVersion::modern, sim::MmioVersion::legacy}) {
        InputMachine<> machine{{}, version};
        machine.bring_up();
        EXPECT_TRUE(machine.take().empty());
        machine.input.press(30);
        machine.input.move(5, -3);
        machine.device.step();
        EXPECT_EQ(machine.take(), (std::vector{key(30), syn, rel(0, 5), rel(1, -3), syn}));
        EXPECT_TRUE(machine.take().empty());
        EXPECT_EQ(machine.driver.dropped(), 0u);
    }
}

TEST(Input, KeepsExtremeNumbers) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.send_raw({{0xffff, 0xfffe, 0x80000000}, {0x1234, 0x5678, 0x12345678}});
    machine.device.step();
    EXPECT_EQ(machine.take(), (std::vector{InputEvent{EventType{0xffff}, 0xfffe, INT32_MIN},
                                           InputEvent{EventType{0x1234}, 0x5678, 0x12345678}}));
}

// More than the queue has buffers, again and again: each is given back.
TEST(Input, LosesNothingOverManyRounds) {
    for (bool const is_packed : {false, true}) {
        sim::InputOptions options;
        options.features = {sim::wire::feature::event_idx};
        if (is_packed) {
            options.features.push_back(sim::wire::feature::ring_packed);
        }
        InputMachine<> machine{options};
        machine.bring_up();
        std::vector<InputEvent> expected;
        for (std::uint16_t number = 0; number < 1000; ++number) {
            machine.input.press(number);
            expected.push_back(key(number));
            expected.push_back(syn);
        }
        EXPECT_EQ(machine.take_all(), expected);
        EXPECT_EQ(machine.input.untaken(), 0u);
    }
}

TEST(Input, HasABufferForEachDescriptor) {
    InputMachine<SmallInput, 16> machine;
    machine.input.drop_when_full();
    machine.bring_up();
    for (std::uint16_t number = 0; number < 9; ++number) {
        machine.input.press(number);
    }
    machine.device.step();
    EXPECT_EQ(machine.input.lost(), 1u);
    EXPECT_EQ(machine.take(CompletionState::ready).size(), 16u);
    EXPECT_TRUE(machine.take().empty());
}

TEST(Input, StopsAtTheMost) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.press(1);
    machine.input.press(2);
    machine.device.step();
    EXPECT_EQ(machine.take(CompletionState::ready, 3), (std::vector{key(1), syn, key(2)}));
    EXPECT_EQ(machine.take(CompletionState::ready, 0), std::vector<InputEvent>{});
    EXPECT_EQ(machine.take(CompletionState::none, 3), std::vector{syn});
}

// A slow handler keeps no buffer from the device.
TEST(Input, GivesBuffersBackBeforeTheHandlerRuns) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.drop_when_full();
    for (std::uint16_t number = 0; number < 4; ++number) {
        machine.input.press(number);
    }
    machine.device.step();
    bool is_first = true;
    auto const slow = [&](InputEvent) {
        if (std::exchange(is_first, false)) {
            for (std::uint16_t number = 4; number < 8; ++number) {
                machine.input.press(number);
            }
            machine.device.step();
        }
    };
    EXPECT_EQ(machine.driver.take_each(slow), CompletionState::ready);
    EXPECT_EQ(machine.input.lost(), 0u);
    EXPECT_EQ(machine.take(CompletionState::ready).size(), 8u);
}

// A device that fills each buffer at once would otherwise keep a call busy for ever.
TEST(Input, EndsWhileTheDeviceGoesOn) {
    InputMachine<SmallInput, 32> machine;
    machine.bring_up();
    unsigned count = 0;
    auto const refill = [&](InputEvent) {
        ASSERT_LT(++count, 200u);
        machine.input.send_raw({{1, 1, 1}});
        machine.device.step();
    };
    machine.input.send_raw(std::vector<sim::InputEvent>(20));
    machine.device.step();
    EXPECT_EQ(machine.driver.take_each(refill), CompletionState::ready);
    EXPECT_EQ(count, 32u);
}

TEST(Input, LetsTheHandlerSend) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.press(58);
    machine.device.step();
    auto const answer = [&](InputEvent event) {
        if (event.type == EventType::key) {
            EXPECT_TRUE(machine.driver.send({EventType::led, code::led_caps_lock, 1}).ok());
        }
    };
    EXPECT_EQ(machine.driver.take_each(answer), CompletionState::none);
    machine.device.step();
    EXPECT_EQ(machine.input.status(), (std::vector<sim::InputEvent>{{input_wire::ev_led, code::led_caps_lock, 1}}));
}

TEST(Input, DropsShortEvents) {
    for (std::uint32_t const length : {0u, 1u, 4u, 7u}) {
        InputMachine<> machine;
        machine.bring_up();
        machine.input.report_next_length(length);
        machine.input.press(30);
        machine.device.step();
        EXPECT_EQ(machine.take(), std::vector{syn}) << length;
        EXPECT_EQ(machine.driver.dropped(), 1u);
        EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::input_event_short);
        EXPECT_EQ(machine.driver.driver_fault().queue, spec::input::event_queue);
        EXPECT_EQ(machine.driver.driver_fault().value, length);
        EXPECT_EQ(diagnose(machine.driver).cause(), Cause::device_type_violated);
        machine.input.press(31);
        machine.device.step();
        EXPECT_EQ(machine.take(), (std::vector{key(31), syn}));  // the buffer went back
        EXPECT_TRUE(machine.reset().ok());
        EXPECT_EQ(machine.driver.dropped(), 0u);
        EXPECT_FALSE(machine.driver.driver_fault());
    }
}

// The ring knows the length of the buffer.
TEST(Input, BreaksOnLongEvents) {
    InputMachine<> machine;
    machine.hostile = true;
    machine.bring_up();
    machine.input.press(29);
    machine.device.step();
    EXPECT_EQ(machine.take(), (std::vector{key(29), syn}));
    machine.input.report_next_length(9);
    machine.input.press(30);
    machine.device.step();
    EXPECT_TRUE(machine.take(CompletionState::broken).empty());
    EXPECT_EQ(machine.driver.send({EventType::led, 0, 1}).error(), Error::reset_needed);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::broken);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::queue_broken);
    EXPECT_TRUE(machine.reset().ok());
    machine.input.press(31);
    EXPECT_EQ(machine.take_all(), (std::vector{key(31), syn}));
}

TEST(Input, DropsEventsAtReset) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.press(30);
    machine.device.step();
    EXPECT_TRUE(machine.reset().ok());
    EXPECT_TRUE(machine.take().empty());
    machine.input.press(31);
    EXPECT_EQ(machine.take_all(), (std::vector{key(31), syn}));
}

// The device writes to its buffers until it is reset. So they are freed after that.
TEST(Input, ResetsBeforeItFreesBuffers) {
    InputMachine<> machine;
    machine.bring_up();
    machine.device.reset_takes(sim::MmioDevice::never);
    EXPECT_EQ(machine.driver.release(machine.memory, PollLimit{10}).error(), Error::reset_timed_out);
    EXPECT_NE(machine.memory.pages_outstanding(), 0u);
    machine.input.press(30);
    machine.device.step();
    machine.device.reset_takes(0);
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
}

// --- packets ---

TEST(InputPacket, EndsAtTheReport) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.move(5, -3);
    machine.input.press(30);
    EXPECT_EQ(machine.take_packets(), (std::vector<Packet>{{{rel(0, 5), rel(1, -3)}, true}, {{key(30)}, true}}));
}

TEST(InputPacket, WaitsForItsEnd) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.send_raw({{input_wire::ev_rel, 0, 5}});
    EXPECT_TRUE(machine.take_packets().empty());
    machine.input.send({{input_wire::ev_rel, 1, 6}});
    EXPECT_EQ(machine.take_packets(), (std::vector<Packet>{{{rel(0, 5), rel(1, 6)}, true}}));
}

TEST(InputPacket, SkipsEmptyOnes) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.send({});
    machine.input.press(1);
    EXPECT_EQ(machine.take_packets(), (std::vector<Packet>{{{key(1)}, true}}));
}

TEST(InputPacket, KeepsReportsOfFingers) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.send({{input_wire::ev_abs, code::abs_mt_position_x, 7}, {input_wire::ev_syn, 2, 0}});
    InputEvent const finger{EventType::syn, 2, 0};  // SYN_MT_REPORT
    EXPECT_EQ(machine.take_packets(),
              (std::vector<Packet>{{{{EventType::abs, code::abs_mt_position_x, 7}, finger}, true}}));
}

TEST(InputPacket, TellsOfMissingEvents) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.report_next_length(3);
    machine.input.move(5, 6);
    machine.input.send({{input_wire::ev_syn, input_wire::syn_dropped, 0}});
    machine.input.press(1);
    EXPECT_EQ(machine.take_packets(), (std::vector<Packet>{{{rel(1, 6)}, false}, {{}, false}, {{key(1)}, true}}));
}

// As many events as fit are handed out, and the end of the packet is found.
TEST(InputPacket, TellsOfTooManyEvents) {
    InputMachine<> machine;
    machine.bring_up();
    std::vector<sim::InputEvent> many;
    std::vector<InputEvent> first;
    for (std::uint16_t number = 0; number < 6; ++number) {
        many.push_back({input_wire::ev_key, number, 1});
        first.push_back(key(number));
    }
    first.resize(4);
    machine.input.send(many);
    machine.input.send({many.begin(), many.begin() + 4});
    EXPECT_EQ(machine.take_packets(), (std::vector<Packet>{{first, false}, {first, true}}));
}

TEST(InputPacket, StartsAnewAfterReset) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.report_next_length(0);
    machine.input.send_raw({{input_wire::ev_rel, 0, 5}, {input_wire::ev_rel, 1, 5}});
    EXPECT_TRUE(machine.take_packets().empty());
    EXPECT_TRUE(machine.reset().ok());
    machine.input.press(30);
    EXPECT_EQ(machine.take_packets(), (std::vector<Packet>{{{key(30)}, true}}));
}

// --- status ---

TEST(InputStatus, SendsInOrder) {
    for (auto const version : {sim::MmioVersion::modern, sim::MmioVersion::legacy}) {
        InputMachine<> machine{{}, version};
        machine.bring_up();
        EXPECT_TRUE(machine.driver.send({EventType::led, code::led_num_lock, 1}).ok());
        EXPECT_TRUE(machine.driver.send({EventType{0x1234}, 0x5678, -2}).ok());
        EXPECT_EQ(machine.driver.in_flight(), 2u);
        machine.device.step();
        EXPECT_EQ(machine.driver.in_flight(), 0u);
        EXPECT_EQ(machine.input.status(),
                  (std::vector<sim::InputEvent>{{input_wire::ev_led, 0, 1}, {0x1234, 0x5678, 0xfffffffe}}));
    }
}

// As QEMU does, although it may only read them. This also holds after a reset.
TEST(InputStatus, ToleratesALength) {
    InputMachine<> machine{{.status_length = 8}};
    machine.bring_up();
    for (int round = 0; round < 2; ++round) {
        for (std::int32_t i = 0; i < 20; ++i) {
            EXPECT_TRUE(machine.driver.send({EventType::led, 0, i}).ok());
            machine.device.step();
        }
        EXPECT_EQ(machine.driver.in_flight(), 0u);
        EXPECT_TRUE(machine.driver.check_alive().ok());
        EXPECT_TRUE(machine.reset().ok());
    }
    EXPECT_EQ(machine.input.status().size(), 40u);
}

TEST(InputStatus, ReportsAFullQueue) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.hold_status();
    for (std::int32_t i = 0; i < 8; ++i) {
        EXPECT_TRUE(machine.driver.send({EventType::led, 0, i}).ok());
    }
    EXPECT_EQ(machine.driver.send({EventType::led, 0, 8}).error(), Error::queue_full);
    EXPECT_EQ(machine.driver.last_error(1), Error::queue_full);
    EXPECT_EQ(machine.driver.in_flight(), 8u);
    machine.device.step();
    EXPECT_EQ(machine.driver.send({EventType::led, 0, 8}).error(), Error::queue_full);
    machine.input.let_status_pass();
    machine.device.step();
    EXPECT_TRUE(machine.driver.send({EventType::led, 0, 8}).ok());
    machine.device.step();
    EXPECT_EQ(machine.input.status().size(), 9u);
    EXPECT_EQ(machine.input.status().back(), (sim::InputEvent{input_wire::ev_led, 0, 8}));
}

TEST(InputStatus, IsDroppedByReset) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.hold_status();
    EXPECT_TRUE(machine.driver.send({EventType::led, 0, 1}).ok());
    EXPECT_TRUE(machine.reset().ok());
    EXPECT_EQ(machine.driver.in_flight(), 0u);
    machine.input.let_status_pass();
    machine.device.step();
    EXPECT_TRUE(machine.input.status().empty());
}

TEST(InputStatus, BreaksOnInvalidIds) {
    InputMachine<> machine;
    machine.hostile = true;
    machine.bring_up();
    EXPECT_TRUE(machine.driver.send({EventType::led, 0, 1}).ok());
    machine.device.step();
    machine.device.ring(1)->put_used_raw(77, 0);
    machine.device.ring(1)->flush_used();
    EXPECT_EQ(machine.driver.send({EventType::led, 0, 1}).error(), Error::queue_broken);
    EXPECT_EQ(machine.driver.send({EventType::led, 0, 1}).error(), Error::reset_needed);
    EXPECT_TRUE(machine.take(CompletionState::broken).empty());
    EXPECT_TRUE(machine.reset().ok());
    EXPECT_TRUE(machine.driver.send({EventType::led, 0, 1}).ok());
}

// --- sleeping ---

TEST(InputSleep, InterruptsForEvents) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.press(1);
    machine.device.step();
    std::size_t const before = machine.device.interrupts();
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::no);
    EXPECT_EQ(machine.take().size(), 2u);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
    machine.input.press(2);
    machine.device.step();
    EXPECT_GT(machine.device.interrupts(), before);
    EXPECT_EQ(machine.take().size(), 2u);
    machine.driver.disable_used_notifications();
    std::size_t const now = machine.device.interrupts();
    machine.input.press(3);
    machine.device.step();
    EXPECT_EQ(machine.device.interrupts(), now);
}

TEST(InputSleep, InterruptsForStatus) {
    InputMachine<> machine;
    machine.bring_up();
    EXPECT_EQ(machine.driver.enable_used_notifications(InputQueue::status), MaySleep::yes);
    EXPECT_TRUE(machine.driver.send({EventType::led, 0, 1}).ok());
    machine.device.step();
    EXPECT_EQ(machine.device.interrupts(), 1u);
    EXPECT_EQ(machine.driver.enable_used_notifications(InputQueue::status), MaySleep::no);
    EXPECT_EQ(machine.driver.in_flight(), 0u);
    machine.driver.disable_used_notifications(InputQueue::status);
    EXPECT_TRUE(machine.driver.send({EventType::led, 0, 1}).ok());
    machine.device.step();
    EXPECT_EQ(machine.device.interrupts(), 1u);
}

TEST(InputSleep, NeverSleepsWithoutADevice) {
    InputMachine<> machine;
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::broken);
    EXPECT_EQ(machine.driver.enable_used_notifications(InputQueue::status), MaySleep::broken);
    machine.driver.disable_used_notifications();
    EXPECT_EQ(machine.driver.in_flight(), 0u);
}

// --- description ---

[[nodiscard]] sim::InputOptions pen() {
    return {.name = "pen",
            .serial = "42",
            .ids = {{3, 0x1234, 0x5678, 2}},
            .properties = {1, 9},
            .codes = {{input_wire::ev_key, {0x14a}}, {input_wire::ev_abs, {0, 1}}, {input_wire::ev_led, {1}}},
            .axes = {{0, {0xffffffff, 1000, 2, 3, 4}}, {1, {7, 7, 0, 0, 0}}}};
}

TEST(InputDescription, IsComplete) {
    for (auto const version : {sim::MmioVersion::modern, sim::MmioVersion::legacy}) {
        InputMachine<> machine{pen(), version};
        machine.bring_up();
        EXPECT_EQ(std::string_view{machine.driver.name()->text}, "pen");
        EXPECT_EQ(machine.driver.name()->bytes, 3u);
        EXPECT_EQ(std::string_view{machine.driver.serial()->text}, "42");
        spec::input::DeviceIds const ids = *machine.driver.device_ids();
        EXPECT_EQ(ids.bustype, 3u);
        EXPECT_EQ(ids.vendor_id, 0x1234u);
        EXPECT_EQ(ids.product_id, 0x5678u);
        EXPECT_EQ(ids.version, 2u);
        EXPECT_TRUE(machine.driver.properties()->has(1));
        EXPECT_TRUE(machine.driver.properties()->has(9));
        EXPECT_FALSE(machine.driver.properties()->has(0));
        EXPECT_TRUE(machine.driver.codes(EventType::key)->has(0x14a));
        EXPECT_FALSE(machine.driver.codes(EventType::key)->has(0x149));
        EXPECT_TRUE(machine.driver.codes(EventType::led)->has(1));
        InputRange const range = *machine.driver.range(0);
        EXPECT_EQ(range.min, -1);
        EXPECT_EQ(range.max, 1000);
        EXPECT_EQ(range.fuzz, 2);
        EXPECT_EQ(range.flat, 3);
        EXPECT_EQ(range.resolution, 4);
        EXPECT_EQ(machine.driver.range(1)->min, 7);
        EXPECT_EQ(machine.driver.range(1)->max, 7);
        EXPECT_FALSE(machine.driver.driver_fault());
    }
}

TEST(InputDescription, NamesWhatIsAbsent) {
    InputMachine<> machine{{.name = "", .codes = {}}};
    machine.bring_up();
    EXPECT_EQ(machine.driver.name().error(), Error::not_supported);
    EXPECT_EQ(machine.driver.serial().error(), Error::not_supported);
    EXPECT_EQ(machine.driver.device_ids().error(), Error::not_supported);
    EXPECT_EQ(machine.driver.properties().error(), Error::not_supported);
    EXPECT_EQ(machine.driver.codes(EventType::key).error(), Error::not_supported);
    EXPECT_EQ(machine.driver.range(0).error(), Error::not_supported);
    EXPECT_EQ(machine.driver.kind(), InputKind::other);
    EXPECT_FALSE(machine.driver.driver_fault());
}

TEST(InputDescription, HasNoTypeAboveAByte) {
    InputMachine<> machine;
    machine.bring_up();
    EXPECT_TRUE(machine.driver.codes(EventType{0x01}).ok());
    EXPECT_EQ(machine.driver.codes(EventType{0x101}).error(), Error::not_supported);
}

TEST(InputDescription, ReportsAShortConfiguration) {
    sim::GuestMemory memory;
    sim::InputDevice input{memory.violations(), {.name = "pen", .codes = {{input_wire::ev_key, {8}}}}};
    sim::MmioDevice device{memory, input};
    MeasuredTransport transport;
    ASSERT_TRUE(transport.probe(device.registers()).ok());
    InputDevice<MeasuredTransport, 4> driver;
    std::uint16_t highest = 0;
    device.before_access([&](std::uint16_t offset, bool) { highest = std::max(highest, offset); });
    transport.config_bytes = 7;
    EXPECT_EQ(driver.init(transport, memory).error(), Error::config_too_short);
    EXPECT_LT(highest, sim::wire::mmio::config);
    transport.config_bytes = 9;
    EXPECT_EQ(driver.init(transport, memory).error(), Error::config_too_short);
    EXPECT_EQ(highest, sim::wire::mmio::config + input_wire::config_size);
    transport.config_bytes = 10;
    EXPECT_TRUE(driver.init(transport, memory).ok());
    EXPECT_EQ(driver.kind(), InputKind::keyboard);
    EXPECT_EQ(driver.name().error(), Error::config_too_short);
    transport.config_bytes = 11;
    EXPECT_EQ(std::string_view{driver.name()->text}, "pen");
    EXPECT_TRUE(driver.release(memory).ok());
}

// The first attempt reads more than the second one, which counts.
TEST(InputDescription, KeepsNothingOfAFailedRead) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.set_answer(input_wire::prop_bits, 0, {1, 1, 1});
    machine.device.unsettle_config(2);
    unsigned generations = 0;
    machine.device.before_access([&](std::uint16_t offset, bool) {
        if (offset == sim::wire::mmio::config_generation && ++generations == 3) {
            machine.input.set_answer(input_wire::prop_bits, 0, {1});
        }
    });
    InputBitmap const found = *machine.driver.properties();
    EXPECT_EQ(generations, 4u);
    EXPECT_TRUE(found.has(0));
    EXPECT_FALSE(found.has(8));
    machine.device.before_access(nullptr);
}

TEST(InputDescription, TakesTheLongest) {
    InputMachine<> machine;
    machine.bring_up();
    std::vector<std::uint8_t> longest(128, 'x');
    machine.input.set_answer(input_wire::id_name, 0, longest);
    EXPECT_EQ(machine.driver.name()->bytes, 128u);
    EXPECT_EQ(std::string_view{machine.driver.name()->text}, std::string(128, 'x'));
    EXPECT_FALSE(machine.driver.driver_fault());
}

TEST(InputDescription, RejectsInvalidSizes) {
    struct Case {
        std::uint8_t select;
        std::uint8_t size;
    };
    for (Case const one :
         {Case{input_wire::id_name, 129}, Case{input_wire::id_name, 255}, Case{input_wire::id_devids, 7},
          Case{input_wire::id_devids, 1}, Case{input_wire::abs_info, 19}, Case{input_wire::abs_info, 200}}) {
        InputMachine<> machine;
        machine.bring_up();
        machine.input.set_answer(one.select, 0, std::vector<std::uint8_t>(128, 1), one.size);
        Error const error = one.select == input_wire::id_name     ? machine.driver.name().error()
                            : one.select == input_wire::id_devids ? machine.driver.device_ids().error()
                                                                  : machine.driver.range(0).error();
        EXPECT_EQ(error, Error::answer_invalid);
        EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::input_size);
        EXPECT_EQ(machine.driver.driver_fault().value, one.size);
        machine.input.press(1);
        EXPECT_EQ(machine.take_all().size(), 2u);  // events come as before
    }
}

TEST(InputDescription, AcceptsLongerStructures) {
    InputMachine<> machine;
    machine.bring_up();
    machine.input.set_answer(input_wire::id_devids, 0, {1, 0, 2, 0, 3, 0, 4, 0, 5, 0});
    EXPECT_EQ(machine.driver.device_ids()->version, 4u);
    EXPECT_FALSE(machine.driver.driver_fault());
}

TEST(InputDescription, RejectsInvertedRanges) {
    sim::InputOptions options = pen();
    options.axes[0] = {5, 4, 0, 0, 0};
    InputMachine<> machine{options};
    machine.bring_up();
    EXPECT_EQ(machine.driver.range(0).error(), Error::answer_invalid);
    EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::input_range);
    EXPECT_EQ(machine.driver.driver_fault().value, 0u);
}

TEST(InputDescription, ComesUpWithoutAValidOne) {
    InputMachine<> machine;
    machine.input.set_answer(input_wire::ev_bits, input_wire::ev_key, {}, 200);
    machine.bring_up();
    EXPECT_EQ(machine.driver.kind(), InputKind::other);
    EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::input_size);
    machine.input.press(1);
    EXPECT_EQ(machine.take_all().size(), 2u);
}

TEST(InputDescription, NeedsADriverThatIsUp) {
    InputMachine<> machine;
    EXPECT_EQ(machine.driver.name().error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.range(0).error(), Error::not_initialised);
    machine.bring_up();
    machine.device.need_reset();
    EXPECT_EQ(machine.driver.check_alive().error(), Error::reset_needed);
    EXPECT_EQ(machine.driver.device_ids().error(), Error::reset_needed);
    EXPECT_TRUE(machine.reset().ok());
    EXPECT_TRUE(machine.driver.name().ok());
}

TEST(InputDescription, NamesAnUnstableConfiguration) {
    InputMachine<> machine;
    machine.bring_up();
    machine.device.unsettle_config();
    EXPECT_EQ(machine.driver.name().error(), Error::config_unstable);
}

/// Keyboard, mouse, and so on: by the codes that each has in QEMU or in Linux.
TEST(InputDescription, KnowsWhatItIs) {
    struct Case {
        InputKind kind;
        std::map<std::uint8_t, std::vector<std::uint16_t>> codes;
    };
    constexpr std::uint8_t ev_key = input_wire::ev_key;
    constexpr std::uint8_t ev_rel = input_wire::ev_rel;
    constexpr std::uint8_t ev_abs = input_wire::ev_abs;
    Case const cases[] = {
        {InputKind::other, {}},
        {InputKind::other, {{ev_rel, {8}}}},
        {InputKind::other, {{ev_rel, {0}}}},  // one direction is no position
        {InputKind::other, {{ev_abs, {0}}}},
        {InputKind::other, {{ev_abs, {0x35}}}},
        {InputKind::keyboard, {{ev_key, {1, 30}}, {input_wire::ev_led, {0, 1, 2}}}},
        {InputKind::keyboard, {{ev_key, {30, 115}}, {ev_rel, {6, 8}}}},  // with a wheel
        {InputKind::keyboard, {{ev_key, {30, 115}}, {ev_abs, {0x20}}}},  // with a volume knob
        {InputKind::mouse, {{ev_key, {0x110, 0x111}}, {ev_rel, {0, 1, 8}}}},
        {InputKind::tablet, {{ev_key, {0x110, 0x111}}, {ev_abs, {0, 1}}, {ev_rel, {8}}}},
        {InputKind::tablet, {{ev_key, {0x140, 0x14a}}, {ev_abs, {0, 1}}, {ev_rel, {0, 1}}}},
        {InputKind::touch, {{ev_key, {0x14a}}, {ev_abs, {0, 1, 0x2f, 0x35, 0x36, 0x39}}}},
        {InputKind::joystick, {{ev_key, {0x130, 0x131}}, {ev_abs, {0, 1, 2, 5}}}},
        {InputKind::joystick, {{ev_key, {0x120}}, {ev_abs, {0, 1}}}},
    };
    for (Case const& one : cases) {
        InputMachine<> machine{{.codes = one.codes}};
        EXPECT_EQ(machine.driver.kind(), InputKind::other);
        machine.bring_up();
        EXPECT_EQ(machine.driver.kind(), one.kind);
        EXPECT_TRUE(machine.driver.release(machine.memory).ok());
        EXPECT_EQ(machine.driver.kind(), InputKind::other);
    }
}

}  // namespace
}  // namespace virtq::test
