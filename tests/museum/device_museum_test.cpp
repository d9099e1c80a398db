// SPDX-License-Identifier: MIT
#include <device/disk_machine.hpp>
#include <virtq/device/detail/block/block_part.hpp>
#include <virtq/diag/diagnose.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

/// Bugs that drivers in the field had in their initialisation and their disks. queue_museum_test.cpp
/// explains the form of the comments.
namespace virtq::test {

using namespace virtq::detail;

namespace {

// Was: the loop that waits for the reset tested a bit that is never set, so it never waited.
// Hit: Zephyr, https://github.com/zephyrproject-rtos/zephyr/pull/115151
// Here: impossible: one function resets, and polls until the status reads 0, up to a poll limit
TEST(Museum, reset_not_polled) {
    DiskMachine<> slow;
    slow.device.reset_takes(7);  // the device reports each access before the reset has ended
    slow.bring_up();
    DiskMachine<> stuck;
    stuck.device.reset_takes(sim::MmioDevice::never);
    EXPECT_EQ(stuck.init().error(), Error::reset_timed_out);
    stuck.device.reset_takes(0);
}

// Was: the driver read, changed and wrote DriverFeatures, which cannot be read, so it dropped VERSION_1.
// Hit: Zephyr, https://github.com/zephyrproject-rtos/zephyr/issues/115150
// Here: impossible: a read of a write-only register does not compile
TEST(Museum, write_only_rmw_drops_version1) {
    DiskMachine<> machine;  // the device reports each read of such a register
    machine.bring_up();
    EXPECT_EQ(machine.device.accepted_features()[1] & 1u, 1u);
    EXPECT_TRUE(machine.memory.violations().empty());
}

// Was: the driver did not read QueueNumMax; QEMU 11.1 rejects the larger queue that it used to accept.
// Hit: sDDF, https://github.com/au-ts/sddf/pull/769
// Here: impossible: the size is the smaller of the device's maximum and the N of the queue
TEST(Museum, queue_bigger_than_max) {
    DiskMachine<64> machine;
    machine.device.set_queue_size_max(8);
    machine.bring_up();
    EXPECT_EQ(machine.driver.queue_size(), 8u);
    EXPECT_EQ(machine.device.ring()->config().size, 8u);
}

// Was: the driver shifted the upper half of a queue's address the wrong way, so rings above 4 GiB were elsewhere.
// Hit: Onyx, https://github.com/heatd/Onyx/commit/3f666e7f
// Here: impossible: an address is a 64-bit type, and one function writes its two halves
TEST(Museum, addr_high_shifted_left) {
    DiskMachine<> machine;
    machine.memory.place_next_run(PhysAddr{0x12'3456'7000});
    machine.bring_up();
    sim::SplitQueueConfig const& told = machine.device.ring()->config();
    EXPECT_EQ(told.descriptor_area, PhysAddr{0x12'3456'7000});
    EXPECT_EQ(told.driver_area.value >> 32, 0x12u);
    EXPECT_EQ(told.device_area.value >> 32, 0x12u);
}

// Was: the driver acknowledged the interrupt after it had processed the queue, and so lost the next one.
// Hit: Asterinas, https://github.com/asterinas/asterinas/pull/2493
// Here: impossible: on_interrupt() acknowledges before it reports the cause
TEST(Museum, irq_ack_after_processing) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
    ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{std::uintptr_t{1}}).ok());
    machine.driver.kick_device();
    machine.device.step();
    ASSERT_TRUE(machine.device.interrupt_line());
    ASSERT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_FALSE(machine.device.interrupt_line());
    // The device continues while the driver processes the first completion.
    ASSERT_TRUE(machine.driver.submit_read(2, segments, Token{std::uintptr_t{2}}).ok());
    machine.driver.kick_device();
    EXPECT_EQ(machine.driver.take_completed().token.value(), 1u);
    machine.device.step();
    EXPECT_TRUE(machine.device.interrupt_line());
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_EQ(machine.driver.take_completed().token.value(), 2u);
}

// Was: the boot firmware had used the disk, and the driver did not reset it: the firmware's queues stayed.
// Hit: Solo5, https://github.com/Solo5/solo5/issues/483
// Here: impossible: initialisation begins with a verified reset
TEST(Museum, firmware_left_device_live) {
    DiskMachine<> machine;
    machine.bring_up();
    machine.hostile = true;  // the firmware loses its queue
    Transport second;
    ASSERT_TRUE(second.probe(machine.device.registers()).ok());
    BlockDevice<Transport, 64> driver;
    ASSERT_TRUE(driver.init(second, machine.memory, {.reset_limit = PollLimit{10}}).ok());
    sim::Buffer const data = machine.buffer(512);
    EXPECT_TRUE(driver.read(3, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 3));
    EXPECT_TRUE(driver.release(machine.memory).ok());
}

// Was: the driver notified a queue before DRIVER_OK, which only KVM did not tolerate.
// Hit: Nanos, https://github.com/nanovms/nanos/pull/587
// Here: impossible: only a live disk notifies, and init() sets DRIVER_OK last
TEST(Museum, notify_before_driver_ok) {
    unsigned early = 0;  // declared before the machine, whose destructor writes registers too
    DiskMachine<> machine;
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        early += is_write && offset == 0x050 && (machine.device.status() & 4u) == 0 ? 1 : 0;
    });
    EXPECT_FALSE(machine.driver.kick_device());
    machine.bring_up();
    EXPECT_EQ(machine.device.notifications(), 0u);
    sim::Buffer const data = machine.buffer(512);
    EXPECT_TRUE(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_EQ(machine.device.notifications(), 1u);
    EXPECT_EQ(early, 0u);
}

// Was: after a refused negotiation a user saw only "could not be initialized".
// Hit: Hermit, https://github.com/hermit-os/kernel/pull/2207
// Here: diagnosed: features_refused has a sentence, and the offered, wanted and accepted features are kept
TEST(Museum, features_refused_message) {
    DiskMachine<> machine;
    machine.device.refuse_features_ok();
    EXPECT_EQ(machine.init().error(), Error::features_refused);
    EXPECT_GT(std::string{describe(Error::features_refused)}.size(), 40u);
    Negotiation const& negotiation = machine.driver.negotiation();
    EXPECT_TRUE(negotiation.offered.has(spec::Feature::version_1));
    EXPECT_TRUE(negotiation.wanted.has(spec::Feature::version_1));
    EXPECT_TRUE(negotiation.negotiated.has(spec::Feature::version_1));
    EXPECT_EQ(machine.driver.last_error(), Error::features_refused);
}

// Was: the driver did not accept VERSION_1, so a strict hypervisor refused FEATURES_OK.
// Hit: virtio-drivers, https://github.com/rcore-os/virtio-drivers/pull/196
// Here: impossible: VERSION_1 is required of each modern device, and an error names a device without it
TEST(Museum, version1_not_accepted) {
    DiskMachine<> machine;
    machine.bring_up();
    EXPECT_TRUE(machine.driver.negotiation().negotiated.has(spec::Feature::version_1));
    EXPECT_EQ(machine.device.accepted_features()[1] & 1u, 1u);
    DiskMachine<> without;
    without.device.offer(32, false);
    EXPECT_EQ(without.init().error(), Error::feature_required_not_offered);
}

// Was: a queue of size 0, which a device may have, was set up like any other.
// Hit: Zephyr, https://github.com/zephyrproject-rtos/zephyr/pull/112757
// Here: diagnosed: queue_absent, and no pages are kept
TEST(Museum, zero_size_queue) {
    DiskMachine<> machine;
    machine.device.set_queue_size_max(0);
    EXPECT_EQ(machine.init().error(), Error::queue_absent);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    VirtQueue<8> queue;
    EXPECT_EQ(queue.init(machine.memory, 0, modern_features()).error(), Error::queue_size_zero);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
}

// Was: a buffer that crosses a page was one descriptor, and its second page belonged to somebody else.
// Hit: virtio-drivers, https://github.com/rcore-os/virtio-drivers/issues/8
// Here: impossible: no call takes a pointer; a segment is a physical address, and there may be many
TEST(Museum, buffer_crosses_page) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const first = machine.buffer(512);
    sim::Buffer const stranger = machine.buffer(4096);  // memory that follows the first buffer
    sim::Buffer const second = machine.buffer(512);
    std::vector<std::uint8_t> const before(stranger.virt, stranger.virt + stranger.bytes);
    Segment const segments[] = {machine.segment(first), machine.segment(second)};
    BlockRequest const request{BlockOperation::read, 4, 0, segments, Token{}};
    ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(first, 4));
    EXPECT_TRUE(machine.holds(second, 5));
    EXPECT_EQ(before, std::vector<std::uint8_t>(stranger.virt, stranger.virt + stranger.bytes));
}

// Was: a full queue failed an assertion, and the kernel stopped under load.
// Hit: SerenityOS, https://github.com/SerenityOS/serenity/pull/6442
// Here: diagnosed: queue_full, nothing changes, and the next completion makes room
TEST(Museum, queue_full_backpressure) {
    DiskMachine<8> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    std::uintptr_t submitted = 0;
    while (machine.driver.submit_read(submitted, segments, Token{submitted}).ok()) {
        ASSERT_LT(++submitted, 9u);
    }
    EXPECT_GE(submitted, 2u);
    EXPECT_EQ(machine.driver.last_error(), Error::queue_full);
    machine.driver.kick_device();
    machine.device.step();
    std::uintptr_t taken = 0;
    machine.driver.for_each_completed([&](BlockCompletion const& done) { EXPECT_EQ(done.token.value(), taken++); });
    EXPECT_EQ(taken, submitted);
    EXPECT_TRUE(machine.driver.submit_read(0, segments, Token{}).ok());
}

// Was: one request had 2 GiB, a length that hosts read as negative.
// Hit: virtio-drivers, https://github.com/rcore-os/virtio-drivers/issues/135
// Here: impossible: a part has at most 1 GiB, and its caller sees one request
TEST(Museum, blk_2GiB) {
    BlockConfig config;
    config.block_bytes = 512;
    config.segment_bytes = UINT32_MAX;
    Segment const data[] = {{PhysAddr{0x1'0000'0000}, 0x8000'0000}};
    BlockRequest const request{BlockOperation::read, 0, 0, data, Token{}};
    BlockLimit const limit = block_limit(config, BlockOperation::read, 62);
    BlockParts parts{request, limit};
    BlockParts::Pieces pieces;
    std::uint64_t bytes = 0;
    while (!parts.at_end()) {
        BlockPart const part = parts.next(pieces);
        ASSERT_NE(part.length, 0u);
        EXPECT_LE(part.length, 0x4000'0000u);
        EXPECT_EQ(part.sector * 512, bytes);
        bytes += part.length;
    }
    EXPECT_EQ(bytes, 0x8000'0000u);
}

// Was: requests had more and larger segments than the device allows.
// Hit: virtio-win, https://github.com/virtio-win/kvm-guest-drivers-windows/issues/692
// Here: impossible: a request above seg_max or size_max is split into parts
TEST(Museum, seg_max) {
    DiskMachine<> machine({.disk = {.seg_max = 2, .size_max = 1024}});  // the device reports larger requests
    machine.bring_up();
    sim::Buffer const data = machine.buffer(8192);
    ASSERT_TRUE(machine.driver.read(3, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 3));
    EXPECT_EQ(machine.disk.requests().size(), 4u);
}

// Was: without SEG_MAX a request had as many segments as the queue; Firecracker accepts one, and did not boot.
// Hit: Nanos, https://github.com/nanovms/nanos/pull/1730
// Here: impossible: without SEG_MAX a request has one data segment, and the rest goes in further requests
TEST(Museum, seg_max_not_offered) {  // faults A1
    DiskMachine<> machine({.disk = {.seg_max = 0, .one_data_segment = true}});
    machine.bring_up();
    sim::Buffer const first = machine.buffer(512);
    sim::Buffer const second = machine.buffer(512);
    Segment const segments[] = {machine.segment(first), machine.segment(second)};
    BlockRequest const request{BlockOperation::read, 4, 0, segments, Token{}};
    ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(first, 4));
    EXPECT_TRUE(machine.holds(second, 5));
}

// Was: a device reported a used length of 0 for every request, even for a read.
// Hit: libvmm, https://github.com/au-ts/libvmm/pull/28; libkrun, https://github.com/libkrun/libkrun/pull/701
// Here: impossible: a length that covers no data is ignored, and the status decides
TEST(Museum, used_length_zero) {  // faults A2
    DiskMachine<> machine({.disk = {.used_length = sim::BlockUsedLength::is_zero}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(4096);
    ASSERT_TRUE(machine.driver.read(6, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 6));
}

// Was: a live device answered a reset with FAILED and continued, and the driver did not notice.
// Hit: Firecracker, https://github.com/firecracker-microvm/firecracker/issues/3074
// Here: diagnosed: reset_refused, at once, and the pages are kept
TEST(Museum, reset_answered_with_failed) {  // faults A8
    DiskMachine<> machine;
    machine.bring_up();
    machine.device.set_device_reset(sim::DeviceReset::adds_failed);
    std::size_t const pages = machine.memory.pages_outstanding();
    EXPECT_EQ(machine.driver.release(machine.memory, PollLimit{1}).error(), Error::reset_refused);
    EXPECT_EQ(machine.memory.pages_outstanding(), pages);
    machine.device.set_device_reset(sim::DeviceReset::honest);
}

// Was: the device stored whatever status the driver wrote, so a driver could clear DEVICE_NEEDS_RESET.
// Hit: Propolis, https://github.com/oxidecomputer/propolis/pull/1064
// Here: impossible: init() reads the status before each step, and DEVICE_NEEDS_RESET ends it
TEST(Museum, needs_reset_overwritten) {  // faults B4
    DiskMachine<> machine;
    machine.device.keep_status_as_written();
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        if (offset == 0x044 && is_write) {
            machine.device.need_reset();  // when the queue is enabled
        }
    });
    EXPECT_EQ(machine.init().error(), Error::init_needs_reset);
    machine.device.before_access(nullptr);
}

// Was: the device reaches 32 bits of address, the pages were above 4 GiB, and the error spoke of time-outs.
// Hit: outsiders who tried virtq
// Here: diagnosed: init_needs_reset, whose sentence names the addresses
TEST(Museum, pages_above_4_gib) {  // faults A15
    DiskMachine<> machine;
    machine.memory.place_next_run(PhysAddr{std::uint64_t{1} << 32});
    machine.device.set_address_end(std::uint64_t{1} << 32);
    EXPECT_EQ(machine.init().error(), Error::init_needs_reset);
    std::string const sentence = describe(Error::init_needs_reset);
    EXPECT_NE(sentence.find("4 GiB"), std::string::npos) << sentence;
}

// Was: a driver set up its second queue after DRIVER_OK (§3.1.1: step 7 before step 8), and nothing complained.
// Hit: outsiders who tried virtq
// Here: impossible: the disk sets up all queues first, and set_up_queue() after go_live() fails an assertion
TEST(Museum, queue_set_up_when_live) {  // faults A17
    DiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    VirtQueue<8> queue;
    Negotiation negotiation;
    SpinRelax relax;
    DeviceInit<Transport> init{machine.transport};
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{10}, relax).ok());
    ASSERT_TRUE(init.go_live().ok());
    EXPECT_BREACH(init.set_up_queue(0, queue, machine.memory, negotiation.negotiated), "after go_live()");
    EXPECT_EQ(queue.size(), 0u);
}

// Was: a loop slept until an interrupt after the last completion, and without a timer it never woke.
// Hit: outsiders who tried virtq
// Here: diagnosed: diagnose() returns nothing_in_flight; the README's loop asks in_flight() before it sleeps
TEST(Museum, sleep_with_nothing_in_flight) {  // faults C1
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{}).ok());
    machine.driver.kick_device();
    unsigned sleeps = 0;
    while (machine.driver.for_each_completed([](BlockCompletion const&) {}) != CompletionState::broken &&
           machine.driver.in_flight() != 0 && sleeps < 2) {
        if (machine.driver.enable_used_notifications() == MaySleep::yes) {
            ++sleeps;
            machine.device.step();
            EXPECT_TRUE(machine.transport.on_interrupt().used_buffer) << "nothing ends this sleep";
        }
    }
    EXPECT_EQ(sleeps, 1u);
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::nothing_in_flight);
}

// Was: a thread slept until its request's interrupt, which nobody had asked for: notifications are off at first.
// Hit: outsiders who tried virtq
// Here: diagnosed: diagnose() returns interrupts_off, and the README shows where to ask
TEST(Museum, interrupt_nobody_asked_for) {  // faults C2
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{}).ok());
    machine.driver.kick_device();
    machine.device.step();
    EXPECT_FALSE(machine.device.interrupt_line());
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::interrupts_off);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::ready);
    EXPECT_EQ(machine.driver.enable_used_notifications(),
              MaySleep::yes);  // once, after init(): the handler keeps it on
    ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{}).ok());
    machine.driver.kick_device();
    machine.device.step();
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::ready);
}

/// `if (done)`, which means success to its author.
template <class Completed>
concept CanBeTakenForSuccess = requires(Completed const& done) {
    static_cast<bool>(done);
};

// Was: `if (!done) panic()` lost each error of the disk: the completion was true because there was one.
// Hit: outsiders who tried virtq
// Here: impossible: a completion of a disk does not convert to bool; it has a state, and an error
TEST(Museum, error_taken_for_success) {  // faults C3
    EXPECT_FALSE(CanBeTakenForSuccess<BlockCompletion>);
    DiskMachine<> machine;
    machine.bring_up();
    machine.disk.answer_next_with(1);
    sim::Buffer const data = machine.buffer(512);
    EXPECT_EQ(machine.driver.read(1, machine.segment(data), patience, machine.stepping()).error(), Error::io_error);
}

/// An allocator that has single pages, and calls one a run of any count.
struct PagesCalledRuns {
    Pages allocate_pages(std::size_t count) {
        std::size_t const offset = taken++ * page_bytes;
        return {static_cast<unsigned char*>(all.virt) + offset, all.phys + offset, count};
    }
    void free_pages(Pages) { --taken; }

    Pages all;
    std::size_t taken = 0;
};

// Was: the page allocator handed out one page for any count, and a ring reached into somebody else's page.
// Hit: outsiders who tried virtq
// Here: diagnosed: pages_handed_out_twice if two runs overlap; CheckedPages looks for pages that were not taken
TEST(Museum, one_page_for_any_count) {  // faults C6
    DiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    PagesCalledRuns pages{machine.memory.allocate_pages(16)};
    Status const up = machine.driver.init(machine.transport, pages, {.reset_limit = PollLimit{100}});
    EXPECT_EQ(up.error(), Error::pages_handed_out_twice);
    EXPECT_NE(std::string{describe(up.error())}.find("single pages"), std::string::npos);
    machine.memory.free_pages(pages.all);
    machine.hostile = true;  // the device may have read headers as its ring
}

}  // namespace
}  // namespace virtq::test
