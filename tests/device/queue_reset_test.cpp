// SPDX-License-Identifier: MIT
#include <virtq/device/queue_reset.hpp>
#include <virtq/queue/any_format.hpp>

#include <device/disk_machine.hpp>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>

/// VIRTIO_F_RING_RESET with requests in flight (§2.6.1), for both formats.
namespace virtq::test {
namespace {

class QueueReset : public testing::TestWithParam<bool> {
protected:
    static sim::BlockOptions options() {
        sim::BlockOptions options;
        options.packed = GetParam();
        options.ring_reset = true;
        return options;
    }

    QueueReset() : disk(memory.violations(), options()), device(memory, disk, sim::MmioVersion::modern) {
        EXPECT_TRUE(transport.probe(device.registers()).ok());
        negotiation.wanted = AnyFormat::wanted | Features::of(spec::Feature::ring_reset);
        EXPECT_TRUE(init.negotiate(negotiation, PollLimit{100}, relax).ok());
        EXPECT_TRUE(negotiation.negotiated.has(spec::Feature::ring_reset));
        EXPECT_TRUE(init.set_up_queue(0, queue, memory, negotiation.negotiated).ok());
        EXPECT_TRUE(init.go_live().ok());
    }

    ~QueueReset() override {
        transport.set_status(DeviceStatus{});
        queue.detach();
        EXPECT_TRUE(queue.release(memory).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }

    /// Adds a read of sector 0.
    sim::Buffer add_read(std::uintptr_t token) {
        sim::Buffer const header = memory.allocate_buffer(16);
        sim::Buffer const data = memory.allocate_buffer(512);
        sim::Buffer const status = memory.allocate_buffer(1);
        std::memset(header.virt, 0, 16);
        Segment const readable[] = {{header.phys, 16}};
        Segment const writable[] = {{data.phys, 512}, {status.phys, 1}};
        EXPECT_TRUE(queue.add(readable, writable, Token{token}).ok());
        return data;
    }
    void publish() {
        if (Notification const notification = queue.publish()) {
            transport.notify(0, notification.next);
        }
    }
    std::multiset<std::uintptr_t> drain() {
        std::multiset<std::uintptr_t> tokens;
        EXPECT_TRUE(queue.drain([&](Token token) { tokens.insert(token.value()); }).ok());
        return tokens;
    }
    void expect_works() {
        add_read(99);
        publish();
        for (int i = 0; i < 4; ++i) {
            device.step();
        }
        Completion const done = queue.take_used();
        EXPECT_EQ(done.token.value(), 99u);
        EXPECT_EQ(done.written, 513u);
    }

    sim::GuestMemory memory;
    sim::BlockDevice disk;
    sim::MmioDevice device;
    Transport transport;
    DeviceInit<Transport> init{transport};
    Negotiation negotiation;
    VirtQueue<16, AnyFormat> queue;
    SpinRelax relax;
};

TEST_P(QueueReset, ReturnsRequestsAndRestarts) {
    for (std::size_t const takes : {std::size_t{0}, std::size_t{3}}) {
        device.queue_reset_takes(takes);
        for (std::uintptr_t token = 1; token <= 3; ++token) {
            add_read(token);
        }
        publish();
        ASSERT_TRUE(reset_queue(transport, 0, queue, PollLimit{10}, relax).ok());
        EXPECT_FALSE(queue.is_live());
        EXPECT_EQ(drain(), (std::multiset<std::uintptr_t>{1, 2, 3}));
        ASSERT_TRUE(enable_queue_again(transport, 0, queue, queue.size(), negotiation.negotiated).ok());
        expect_works();
    }
}

TEST_P(QueueReset, MayRestartInAnotherSize) {
    ASSERT_TRUE(reset_queue(transport, 0, queue, PollLimit{10}, relax).ok());
    EXPECT_EQ(enable_queue_again(transport, 0, queue, 2048, negotiation.negotiated).error(),
              Error::queue_size_above_maximum);
    EXPECT_EQ(enable_queue_again(transport, 0, queue, 3, negotiation.negotiated).error(),
              GetParam() ? Error::none : Error::queue_size_not_power_of_two);
    if (GetParam()) {
        ASSERT_TRUE(reset_queue(transport, 0, queue, PollLimit{10}, relax).ok());
    }
    ASSERT_TRUE(enable_queue_again(transport, 0, queue, 4, negotiation.negotiated).ok());
    EXPECT_EQ(queue.size(), 4u);
    expect_works();
}

// QEMU 7.2 offers RING_RESET on virtio-mmio without the register: reads give 0, and the queue stays enabled.
TEST_P(QueueReset, FailsWithoutTheRegister) {
    device.set_queue_reset(sim::QueueReset::ignored);
    add_read(1);
    publish();
    EXPECT_EQ(reset_queue(transport, 0, queue, PollLimit{10}, relax).error(), Error::queue_reset_failed);
    EXPECT_TRUE(queue.is_live());
    EXPECT_EQ(queue.drain([](Token) { ADD_FAILURE(); }).error(), Error::queue_still_live);
    // Recovery: reset the device, then drain the queue once.
    ASSERT_TRUE(reset_device(transport, PollLimit{10}, relax).ok());
    queue.detach();
    EXPECT_EQ(drain(), (std::multiset<std::uintptr_t>{1}));
}

TEST_P(QueueReset, FailsWhenItNeverEnds) {
    device.queue_reset_takes(sim::MmioDevice::never);
    add_read(1);
    publish();
    unsigned relaxed = 0;
    auto count = [&] { ++relaxed; };
    EXPECT_EQ(reset_queue(transport, 0, queue, PollLimit{7}, count).error(), Error::queue_reset_failed);
    EXPECT_EQ(relaxed, 6u);
    EXPECT_TRUE(queue.is_live());
}

TEST_P(QueueReset, ReportsAGoneDevice) {
    device.vanish();
    EXPECT_EQ(reset_queue(transport, 0, queue, PollLimit{3}, relax).error(), Error::device_gone);
    EXPECT_TRUE(queue.is_live());
    device.vanish(false);
}

std::string name_of_format(testing::TestParamInfo<bool> const& format) {
    return format.param ? "Packed" : "Split";
}
INSTANTIATE_TEST_SUITE_P(Format, QueueReset, testing::Bool(), name_of_format);

}  // namespace
}  // namespace virtq::test
