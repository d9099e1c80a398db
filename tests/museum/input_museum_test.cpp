// SPDX-License-Identifier: MIT
#include <device/input_machine.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

/// Bugs that drivers of input devices had in the field. queue_museum_test.cpp explains the form of the comments.
namespace virtq::test {
namespace {

// Was: the handler took one event an interrupt, although several had come; after 30 keys the queue was full, and the keyboard dead.
// Hit: virtio-drivers, https://github.com/rcore-os/virtio-drivers/issues/99
// Here: impossible: take_each() takes all that has come, and the driver gives each buffer back
TEST(Museum, input_one_event_an_interrupt) {
    InputMachine<SmallInput, 32> machine;
    machine.input.drop_when_full();
    machine.bring_up();
    ASSERT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
    for (std::uint16_t number = 1; number <= 100; ++number) {
        std::size_t const before = machine.device.interrupts();
        machine.input.press(number);
        machine.input.release(number);
        machine.device.step();
        ASSERT_GT(machine.device.interrupts(), before);
        EXPECT_EQ(machine.take().size(), 4u);  // one call for each interrupt
        ASSERT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
    }
    EXPECT_EQ(machine.input.lost(), 0u);
}

// Was: whoever asks for EV_KEY first takes a tablet or a mouse for a second keyboard: their buttons are keys.
// Hit: pTOS, https://github.com/kelihlodversson/pTOS/pull/44 (avoided there)
// Here: impossible: kind() asks for fingers, positions and movements before keys
TEST(Museum, input_tablet_is_a_keyboard) {
    namespace wire = sim::wire::input;
    InputMachine<> tablet{
        {.codes = {{wire::ev_key, {0x110, 0x111, 0x112}}, {wire::ev_rel, {8}}, {wire::ev_abs, {0, 1}}}}};
    tablet.bring_up();
    EXPECT_EQ(tablet.driver.kind(), InputKind::tablet);
    InputMachine<> mouse{{.codes = {{wire::ev_key, {0x110, 0x111, 0x112}}, {wire::ev_rel, {0, 1, 8}}}}};
    mouse.bring_up();
    EXPECT_EQ(mouse.driver.kind(), InputKind::mouse);
}

// Was: the driver took its buffers back while the device still filled them, and reset it only afterwards.
// Hit: virtio-win, https://github.com/virtio-win/kvm-guest-drivers-windows/pull/214
// Here: impossible: release() frees pages only after a verified reset, and keeps them if that fails
TEST(Museum, input_buffers_taken_back_before_reset) {
    InputMachine<> machine;
    machine.bring_up();
    std::size_t const pages = machine.memory.pages_outstanding();
    machine.device.reset_takes(sim::MmioDevice::never);
    EXPECT_EQ(machine.driver.release(machine.memory, PollLimit{10}).error(), Error::reset_timed_out);
    EXPECT_EQ(machine.memory.pages_outstanding(), pages);
    machine.device.reset_takes(0);
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
}

}  // namespace
}  // namespace virtq::test
