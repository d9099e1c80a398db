// SPDX-License-Identifier: MIT
#include <qtest/qemu_device.hpp>
#include <virtq/device/input.hpp>

#include <cstdint>
#include <string>
#include <vector>

namespace virtq::test {
namespace {

class QemuKeyboard : public QemuDevice {
protected:
    /// A key that the machine's owner presses or lets go.
    void move_key(std::string const& key, bool down) {
        machine.monitor.run("input-send-event", "{\"events\": [{\"type\": \"key\", \"data\": {\"down\": " +
                                                    std::string{down ? "true" : "false"} +
                                                    ", \"key\": {\"type\": \"qcode\", \"data\": \"" + key + "\"}}}]}");
    }
    /// The next packet: a key, and the end of the update.
    void expect_key(std::uint16_t code, std::int32_t value) {
        std::vector<InputEvent> events;
        CompletionState state = CompletionState::none;
        static_cast<void>(wait_until([&] {
            state = keyboard.take_packets([&](InputPacket const& packet) {
                EXPECT_TRUE(packet.is_whole);
                events.insert(events.end(), packet.events.begin(), packet.events.end());
            });
            return !events.empty() || state == CompletionState::broken;
        }));
        ASSERT_NE(state, CompletionState::broken);
        std::vector<InputEvent> const expected{{spec::input::EventType::key, code, value}};
        ASSERT_EQ(events, expected);
    }

    InputDevice<qtest::Transport, 64, OnQemu<InputTraits>> keyboard;
};

TEST_P(QemuKeyboard, SendsEachKey) {
    ASSERT_NO_FATAL_FAILURE(bring_up(keyboard, "virtio-keyboard"));
    EXPECT_EQ(keyboard.kind(), InputKind::keyboard);
    struct {
        char const* name;
        std::uint16_t code;
    } const keys[] = {{"a", 30}, {"b", 48}, {"shift", 42}, {"ret", 28}, {"up", 103}};
    for (int round = 0; round < 20; ++round) {
        for (auto const& key : keys) {
            move_key(key.name, true);
            ASSERT_NO_FATAL_FAILURE(expect_key(key.code, 1));
            move_key(key.name, false);
            ASSERT_NO_FATAL_FAILURE(expect_key(key.code, 0));
        }
    }
    EXPECT_EQ(keyboard.dropped(), 0u);
    check_unbroken();
    shut_down(keyboard);
}

TEST_P(QemuKeyboard, LightsItsLights) {
    ASSERT_NO_FATAL_FAILURE(bring_up(keyboard, "virtio-keyboard"));
    for (std::int32_t round = 0; round < 200; ++round) {  // more than its queue has places
        ASSERT_TRUE(wait_until([&] { return keyboard.send({spec::input::EventType::led, 1, round % 2}).ok(); }));
    }
    ASSERT_TRUE(wait_until([&] { return keyboard.in_flight() == 0; }));
    check_idle(1);
    shut_down(keyboard);
}

INSTANTIATE_TEST_SUITE_P(Qemu, QemuKeyboard, ::testing::ValuesIn(modern_on_pci), choice_name);

}  // namespace
}  // namespace virtq::test
