// SPDX-License-Identifier: MIT
#include <virtq/device/suspend.hpp>

#include <device/disk_machine.hpp>

#include <cstdint>

/// VIRTIO_F_SUSPEND (§3.4): the device stops, and later resumes where it was.
namespace virtq::test {
namespace {

class Suspend : public testing::Test {
protected:
    Suspend() : disk(memory.violations(), {}), device(memory, disk, sim::MmioVersion::modern) {
        device.offer(static_cast<unsigned>(spec::Feature::suspend));
        EXPECT_TRUE(transport.probe(device.registers()).ok());
        negotiation.wanted = Features::of(spec::Feature::suspend);
    }
    ~Suspend() override {
        transport.set_status(DeviceStatus{});
        queue.detach();
        EXPECT_TRUE(queue.release(memory).ok());
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }

    void go_live() {
        DeviceInit<Transport> init{transport};
        ASSERT_TRUE(init.negotiate(negotiation, PollLimit{100}, relax).ok());
        ASSERT_TRUE(negotiation.negotiated.has(spec::Feature::suspend));
        ASSERT_TRUE(init.set_up_queue(0, queue, memory, negotiation.negotiated).ok());
        ASSERT_TRUE(init.go_live().ok());
    }
    [[nodiscard]] bool device_answers() {
        sim::Buffer const header = memory.allocate_buffer(16);
        sim::Buffer const status = memory.allocate_buffer(513);
        std::memset(header.virt, 0, 16);
        Segment const readable[] = {{header.phys, 16}};
        Segment const writable[] = {{status.phys, 513}};
        EXPECT_TRUE(queue.add(readable, writable, Token{}).ok());
        if (queue.publish()) {
            transport.notify(0);
        }
        for (int i = 0; i < 4; ++i) {
            device.step();
        }
        return static_cast<bool>(queue.take_used());
    }

    sim::GuestMemory memory;
    sim::BlockDevice disk;
    sim::MmioDevice device;
    Transport transport;
    Negotiation negotiation;
    VirtQueue<16> queue;
    SpinRelax relax;
};

TEST_F(Suspend, SuspendsAndResumes) {
    go_live();
    for (std::size_t const reads : {std::size_t{0}, std::size_t{3}}) {
        device.suspend_takes(reads);
        EXPECT_TRUE(device_answers());
        ASSERT_TRUE(suspend_device(transport, negotiation.negotiated, PollLimit{10}, relax).ok());
        EXPECT_TRUE(transport.status().has(spec::StatusBit::suspend));
        EXPECT_FALSE(transport.status().has(spec::StatusBit::driver_ok));
        ASSERT_TRUE(resume_device(transport, negotiation.negotiated, PollLimit{10}, relax).ok());
        EXPECT_FALSE(transport.status().has(spec::StatusBit::suspend));
        EXPECT_TRUE(transport.status().has(spec::StatusBit::driver_ok));
        EXPECT_TRUE(device_answers());
    }
}

TEST_F(Suspend, NeedsALiveDevice) {
    EXPECT_EQ(suspend_device(transport, Features::of(spec::Feature::suspend), PollLimit{10}, relax).error(),
              Error::not_live);
    go_live();
    ASSERT_TRUE(suspend_device(transport, negotiation.negotiated, PollLimit{10}, relax).ok());
    EXPECT_EQ(suspend_device(transport, negotiation.negotiated, PollLimit{10}, relax).error(), Error::not_live);
}

// A status of DRIVER_OK alone counted as a success (faults B5).
TEST_F(Suspend, RejectsADeviceThatWasReset) {
    go_live();
    ASSERT_TRUE(suspend_device(transport, negotiation.negotiated, PollLimit{10}, relax).ok());
    transport.set_status(DeviceStatus{});
    EXPECT_EQ(resume_device(transport, negotiation.negotiated, PollLimit{10}, relax).error(), Error::device_was_reset);
    EXPECT_EQ(device.status(), 0u);
}

// Any other state is an error (faults B5).
TEST_F(Suspend, ResumesOnlyASuspendedDevice) {
    go_live();
    EXPECT_EQ(resume_device(transport, negotiation.negotiated, PollLimit{10}, relax).error(), Error::not_suspended);
    device.need_reset();
    EXPECT_EQ(resume_device(transport, negotiation.negotiated, PollLimit{10}, relax).error(), Error::reset_needed);
}

// §3.4.1: the driver sets SUSPEND only if the feature was negotiated (faults B5).
TEST_F(Suspend, NeedsTheFeature) {
    negotiation.wanted = Features{};
    DeviceInit<Transport> init{transport};
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{100}, relax).ok());
    ASSERT_TRUE(init.set_up_queue(0, queue, memory, negotiation.negotiated).ok());
    ASSERT_TRUE(init.go_live().ok());
    std::size_t const written = device.status_history().size();
    EXPECT_EQ(suspend_device(transport, negotiation.negotiated, PollLimit{10}, relax).error(),
              Error::suspend_not_negotiated);
    EXPECT_EQ(resume_device(transport, negotiation.negotiated, PollLimit{10}, relax).error(),
              Error::suspend_not_negotiated);
    EXPECT_EQ(device.status_history().size(), written);
}

TEST_F(Suspend, EndsInBoundedTime) {
    go_live();
    device.suspend_takes(sim::MmioDevice::never);
    unsigned relaxed = 0;
    auto count = [&] { ++relaxed; };
    EXPECT_EQ(suspend_device(transport, negotiation.negotiated, PollLimit{5}, count).error(),
              Error::suspend_timed_out);
    EXPECT_EQ(relaxed, 4u);
}

TEST_F(Suspend, ReportsAFailedSuspend) {
    go_live();
    device.fail_suspend();
    EXPECT_EQ(suspend_device(transport, negotiation.negotiated, PollLimit{5}, relax).error(), Error::reset_needed);
}

TEST_F(Suspend, ReportsAGoneDevice) {
    go_live();
    device.vanish();
    EXPECT_EQ(suspend_device(transport, negotiation.negotiated, PollLimit{5}, relax).error(), Error::device_gone);
    EXPECT_EQ(resume_device(transport, negotiation.negotiated, PollLimit{5}, relax).error(), Error::device_gone);
    device.vanish(false);
}

TEST_F(Suspend, ReportsADeviceGoneWhileWaiting) {
    go_live();
    device.suspend_takes(sim::MmioDevice::never);
    auto unplug = [&] { device.vanish(); };
    EXPECT_EQ(suspend_device(transport, negotiation.negotiated, PollLimit{5}, unplug).error(), Error::device_gone);
    device.vanish(false);
}

}  // namespace
}  // namespace virtq::test
