// SPDX-License-Identifier: MIT
#include <device/gpu_machine.hpp>
#include <virtq/device/framebuffer.hpp>

#include <cstdint>
#include <utility>

/// Bugs that drivers in the field had in their screens. queue_museum_test.cpp explains the form of the comments.
namespace virtq::test {
namespace {

// Was: a timer transferred and flushed the whole screen, 60 times a second, also if nothing had changed.
// Hit: Scarlet, https://github.com/petitstrawberry/Scarlet/issues/439; MyOS2026, https://github.com/mohnkhan/MyOS2026/issues/2435
// Here: impossible: a Framebuffer flushes the rectangle around what has changed, and nothing if nothing has
TEST(Museum, whole_screen_flushed) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(64, 48);
    Framebuffer frame{machine.pixels.virt, 64, 48};
    frame.fill({8, 16, 8, 16}, 0xffffff);  // a letter
    EXPECT_TRUE(frame.flush(machine.driver, picture, machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.gpu.take_pixels(), (std::pair<std::uint64_t, std::uint64_t>{128, 128}));
    EXPECT_EQ(machine.gpu.pixel(0, 15, 31), 0xffffffu);
    EXPECT_TRUE(frame.flush(machine.driver, picture, machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.gpu.take_pixels(), (std::pair<std::uint64_t, std::uint64_t>{0, 0}));
}

// Was: the console kept the width of its first mode, so after a mode change each row was drawn at a wrong place.
// Hit: SerenityOS, https://github.com/SerenityOS/serenity/pull/16587
// Here: impossible: a picture has its own size; a rectangle outside it and a Framebuffer of another size are errors
TEST(Museum, console_keeps_the_old_mode) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const before = machine.shown(32, 16);
    machine.device.change_config([&] { machine.gpu.resize(0, {{0, 0, 16, 16}}); });
    ASSERT_TRUE(machine.driver.on_config_change().value());
    Result<GpuDisplay> const now = machine.driver.display(0, machine.patience, machine.stepping());
    ASSERT_TRUE(now.ok());
    GpuPicture const after = machine.shown(now->rect.width, now->rect.height);
    EXPECT_EQ(machine.flush(after, before.whole()), Error::rectangle_outside);
    Framebuffer console{machine.pixels.virt, before.width, before.height};
    console.set(1, 1, 0xffffff);
    EXPECT_EQ(console.flush(machine.driver, after, machine.patience, machine.stepping()).error(),
              Error::picture_invalid);
    EXPECT_EQ(machine.flush(after, after.whole()), Error::none);
    EXPECT_EQ(machine.gpu.pixel(0, 15, 15), machine.colour_of(15, 15));
    EXPECT_EQ(machine.destroy(before), Error::none);
}

// Was: a flush that was due while another one was in flight had to wait, for a tick of the timer more than needed.
// Hit: pTOS, https://github.com/kelihlodversson/pTOS/pull/299 (found in a review)
// Here: impossible: several flushes are in flight, each with its token, and a full queue is an error
TEST(Museum, flush_waits_for_the_one_before) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    machine.gpu.hold();
    EXPECT_TRUE(machine.driver.submit_flush(picture, {0, 0, 1, 1}, Token{1}).ok());
    EXPECT_TRUE(machine.driver.kick_device());
    EXPECT_TRUE(machine.driver.submit_flush(picture, {1, 0, 1, 1}, Token{2}).ok());
    EXPECT_TRUE(machine.driver.kick_device());
    machine.device.step();
    EXPECT_EQ(machine.gpu.parked(0).size(), 4u);  // the device has both
    machine.gpu.release();
    machine.device.step();
    machine.expect_ended(1);
    machine.expect_ended(2);
}

// Was: a device took the second descriptor of a cursor command for the answer's, and drivers send none: it wrote elsewhere.
// Hit: semu, https://github.com/sysprog21/semu/pull/121
// Here: impossible: cursor commands have one readable segment, and the driver expects a used length of 0
TEST(Museum, cursor_command_without_an_answer) {
    GpuMachine<> machine;
    machine.bring_up();
    machine.gpu.hold(sim::GpuDevice::cursor_queue);
    EXPECT_TRUE(machine.driver.move_cursor(0, {7, 8}).ok());
    machine.device.step();
    ASSERT_EQ(machine.gpu.parked(1).size(), 1u);
    EXPECT_EQ(machine.gpu.parked(1)[0].chain.readable_bytes(), 56u);
    EXPECT_TRUE(machine.gpu.parked(1)[0].chain.writable.empty());
    machine.gpu.release(sim::GpuDevice::cursor_queue);
    machine.device.step();
    EXPECT_EQ(machine.gpu.cursor().y, 8u);
}

// Was: the cursor was set while its picture was still in the other queue, so the old picture was shown.
// Hit: virtio-win, https://github.com/virtio-win/kvm-guest-drivers-windows/issues/977
// Here: impossible: transfer() waits for the fence of the picture, and set_cursor() takes only pictures that it has sent
TEST(Museum, cursor_before_its_picture) {
    GpuMachine<> machine;  // the device reports a cursor that was not transferred before
    machine.bring_up();
    Result<GpuPicture> const arrow = machine.create(64, 64);
    ASSERT_TRUE(arrow.ok());
    EXPECT_EQ(machine.driver.set_cursor(0, *arrow, {1, 2}).error(), Error::picture_invalid);
    machine.gpu.hold();
    unsigned turns = 0;
    auto const late = [&] {
        ++turns == 5 ? machine.gpu.release() : void();
        machine.device.step();
    };
    EXPECT_TRUE(machine.driver.transfer(*arrow, arrow->whole(), machine.patience, late).ok());
    EXPECT_GE(turns, 5u);
    EXPECT_TRUE(machine.driver.set_cursor(0, *arrow, {1, 2}).ok());
    machine.device.step();
    EXPECT_EQ(machine.gpu.cursor().resource, arrow->id);
}

}  // namespace
}  // namespace virtq::test
