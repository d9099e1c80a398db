// SPDX-License-Identifier: MIT
#include <transport/transport_setting.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <map>
#include <vector>

/// What a driver may rely on with any transport. A new transport is added to the list in transport_setting.hpp.
namespace virtq::test {

using namespace virtq::detail;

namespace {

template <class Setting>
class EveryTransport : public testing::Test {
protected:
    using Transport = typename Setting::Transport;

    explicit EveryTransport(sim::BlockOptions const& options = {.config_wce = true, .queues = 4})
        : disk(memory.violations(), options), setting(memory, disk) {}
    ~EveryTransport() override {
        EXPECT_TRUE(driver.release(memory, PollLimit{100}).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }

    void bring_up() {
        ASSERT_TRUE(setting.probe(transport).ok());
        Status const up = driver.init(transport, memory, {.reset_limit = PollLimit{100}});
        ASSERT_TRUE(up.ok()) << describe(up.error());
    }
    [[nodiscard]] auto stepping() {
        return [this] { setting.device.step(); };
    }
    Status read(sim::Buffer const& data, std::uint64_t sector, std::uint16_t queue = 0) {
        Segment const segment{data.phys, static_cast<std::uint32_t>(data.bytes)};
        return driver.perform({BlockOperation::read, sector, 0, {&segment, 1}, {}}, PollLimit{1000}, stepping(),
                              queue);
    }
    [[nodiscard]] bool holds(sim::Buffer const& data, std::uint64_t sector) {
        return std::memcmp(data.virt, disk.current().data() + sector * 512, data.bytes) == 0;
    }

    sim::GuestMemory memory;
    sim::BlockDevice disk;
    Setting setting;
    Transport transport;
    BlockDevice<Transport, 256, FourQueues> driver;
};
TYPED_TEST_SUITE(EveryTransport, Transports);

TYPED_TEST(EveryTransport, IsZeroAtFirst) {
    EXPECT_FALSE(this->transport.is_probed());
    EXPECT_FALSE(this->transport.is_in_use());
    EXPECT_EQ(this->transport.device_id(), spec::DeviceId::none);
    EXPECT_EQ(this->driver.init(this->transport, this->memory).error(), Error::transport_not_probed);
}

TYPED_TEST(EveryTransport, ReportsTheDeviceType) {
    ASSERT_TRUE(this->setting.probe(this->transport).ok());
    EXPECT_EQ(this->transport.device_id(), spec::DeviceId::block);
    constexpr bool by_legacy = SameAs<typename TypeParam::Transport, LegacyPorts>;
    EXPECT_EQ(this->transport.is_legacy(), TypeParam::legacy || by_legacy);
    EXPECT_TRUE(this->transport.is_probed());
}

TYPED_TEST(EveryTransport, ReadsWritesAndFlushes) {
    this->bring_up();
    EXPECT_EQ(this->driver.capacity_sectors(), 2048u);
    sim::Buffer const data = this->memory.allocate_buffer(4096, 512);
    for (std::uint64_t sector = 0; sector < 600; sector += 2) {  // around the ring
        ASSERT_TRUE(this->read(data, sector).ok());
        ASSERT_TRUE(this->holds(data, sector));
    }
    std::memset(data.virt, 0x5a, data.bytes);
    Segment const segment{data.phys, 4096};
    ASSERT_TRUE(this->driver.write(9, segment, PollLimit{100}, this->stepping()).ok());
    ASSERT_TRUE(this->driver.flush(PollLimit{100}, this->stepping()).ok());
    EXPECT_EQ(this->disk.durable()[9 * 512], 0x5a);
    EXPECT_TRUE(this->holds(data, 9));
}

TYPED_TEST(EveryTransport, DrivesSeveralQueues) {
    this->bring_up();
    ASSERT_EQ(this->driver.queue_count(), 4);
    sim::Buffer const data = this->memory.allocate_buffer(512, 512);
    for (std::uint16_t queue = 0; queue < 4; ++queue) {
        EXPECT_TRUE(this->transport.is_queue_in_use(queue));
        ASSERT_TRUE(this->read(data, queue + 20u, queue).ok());
        EXPECT_TRUE(this->holds(data, queue + 20u));
        EXPECT_EQ(this->setting.device.notifications(queue), 1u);  // no other queue was notified
    }
    EXPECT_EQ(this->transport.queue_size_max(4), 0u);
}

TYPED_TEST(EveryTransport, KeepsManyRequestsInFlight) {
    this->bring_up();
    this->setting.device.set_schedule(sim::Schedule::shuffled(7));
    std::vector<sim::Buffer> data;
    for (std::uintptr_t i = 0; i < 30; ++i) {
        data.push_back(this->memory.allocate_buffer(512, 512));
        Segment const segment{data.back().phys, 512};
        ASSERT_TRUE(this->driver.submit_read(i, {&segment, 1}, Token{i}).ok());
    }
    EXPECT_TRUE(this->driver.kick_device());
    unsigned ended = 0;
    for (int look = 0; look < 1000 && ended < 30; ++look) {
        this->setting.device.step();
        this->driver.for_each_completed([&](BlockCompletion const& completion) {
            EXPECT_EQ(completion.error, Error::none);
            EXPECT_TRUE(this->holds(data[completion.token.value()], completion.token.value()));
            ++ended;
        });
    }
    EXPECT_EQ(ended, 30u);
}

TYPED_TEST(EveryTransport, Interrupts) {
    this->bring_up();
    EXPECT_FALSE(this->transport.on_interrupt().used_buffer);
    EXPECT_EQ(this->driver.enable_used_notifications(), MaySleep::yes);
    sim::Buffer const data = this->memory.allocate_buffer(512, 512);
    Segment const segment{data.phys, 512};
    ASSERT_TRUE(this->driver.submit_read(1, {&segment, 1}, Token{1}).ok());
    this->driver.kick_device();
    this->setting.device.step();
    ASSERT_TRUE(this->setting.device.interrupt_line());
    InterruptCause cause = this->transport.on_interrupt();
    EXPECT_TRUE(cause.used_buffer);
    EXPECT_FALSE(cause.config_change);
    EXPECT_FALSE(this->setting.device.interrupt_line());
    EXPECT_EQ(this->driver.take_completed().state, CompletionState::ready);

    this->setting.device.change_config([&] { this->disk.set_sectors(4096); });
    cause = this->transport.on_interrupt();
    EXPECT_FALSE(cause.used_buffer);
    EXPECT_TRUE(cause.config_change);
    EXPECT_TRUE(*this->driver.on_config_change());
    EXPECT_EQ(this->driver.capacity_sectors(), 4096u);
}

TYPED_TEST(EveryTransport, WritesTheConfiguration) {
    this->bring_up();
    ASSERT_TRUE(this->driver.set_cache_mode(BlockCacheMode::writethrough).ok());
    EXPECT_EQ(this->driver.cache_mode(), BlockCacheMode::writethrough);
}

TYPED_TEST(EveryTransport, RecoversAfterATimeOut) {
    this->bring_up();
    sim::Buffer const data = this->memory.allocate_buffer(512, 512);
    this->disk.swallow_next();
    EXPECT_EQ(this->read(data, 0).error(), Error::timed_out);
    EXPECT_EQ(this->read(data, 0).error(), Error::reset_needed);
    EXPECT_TRUE(this->transport.is_in_use());
    ASSERT_TRUE(this->driver.reset([](BlockCompletion const&) {}).ok());
    ASSERT_TRUE(this->read(data, 5).ok());
    EXPECT_TRUE(this->holds(data, 5));
    ASSERT_TRUE(this->driver.release(this->memory, PollLimit{100}).ok());
    EXPECT_FALSE(this->transport.is_in_use());
    this->bring_up();  // probes and starts it once more
    ASSERT_TRUE(this->read(data, 6).ok());
}

TYPED_TEST(EveryTransport, DetectsDeviceNeedsReset) {
    this->bring_up();
    this->setting.device.need_reset();
    EXPECT_EQ(this->driver.check_alive().error(), Error::reset_needed);
    ASSERT_TRUE(this->driver.reset([](BlockCompletion const&) {}).ok());
    sim::Buffer const data = this->memory.allocate_buffer(512, 512);
    ASSERT_TRUE(this->read(data, 7).ok());
}

TYPED_TEST(EveryTransport, DetectsAGoneDevice) {
    this->bring_up();
    this->setting.device.vanish();
    EXPECT_EQ(this->driver.check_alive().error(), Error::device_gone);
    this->setting.device.vanish(false);
}

TYPED_TEST(EveryTransport, GivesUpOnAnEndlessReset) {
    ASSERT_TRUE(this->setting.probe(this->transport).ok());
    this->setting.device.reset_takes(TypeParam::Device::never);
    EXPECT_EQ(this->driver.init(this->transport, this->memory, {.reset_limit = PollLimit{50}}).error(),
              Error::reset_timed_out);
    this->setting.device.reset_takes(3);
    this->bring_up();
}

// A refused reset ends at once, and the queue stays with the device (faults A8).
TYPED_TEST(EveryTransport, KeepsPagesIfResetIsRefused) {
    for (sim::DeviceReset const how : {sim::DeviceReset::fails_alone, sim::DeviceReset::adds_failed}) {
        this->bring_up();
        this->setting.device.set_device_reset(how);
        std::size_t const pages = this->memory.pages_outstanding();
        unsigned relaxed = 0;
        EXPECT_EQ(this->driver.release(this->memory, PollLimit{1000}, [&] { ++relaxed; }).error(),
                  Error::reset_refused);
        EXPECT_EQ(relaxed, 0u);
        EXPECT_EQ(this->memory.pages_outstanding(), pages);
        this->setting.device.set_device_reset(sim::DeviceReset::honest);
        EXPECT_TRUE(this->driver.release(this->memory).ok());
    }
}

// The status reads 0, but the queues are still enabled (faults A9).
TYPED_TEST(EveryTransport, KeepsPagesOfSurvivingQueues) {
    this->bring_up();
    this->setting.device.set_device_reset(sim::DeviceReset::keeps_queues);
    if constexpr (requires { this->setting.device.refuse_queue_stop(); }) {
        this->setting.device.refuse_queue_stop();
    }
    std::size_t const pages = this->memory.pages_outstanding();
    EXPECT_EQ(this->driver.release(this->memory).error(), Error::queue_survived_reset);
    SpinRelax relax;  // the same error for a driver that resets the device itself
    EXPECT_EQ(reset_device(this->transport, PollLimit{10}, relax).error(), Error::queue_survived_reset);
    EXPECT_EQ(this->memory.pages_outstanding(), pages);
    this->setting.device.set_device_reset(sim::DeviceReset::honest);
    EXPECT_TRUE(this->driver.release(this->memory).ok());
}

/// The device fails while the driver allocates a queue: between FEATURES_OK and DRIVER_OK.
template <class Device>
struct BreakingPages {
    Pages allocate_pages(std::size_t count) {
        device.need_reset();
        return memory.allocate_pages(count);
    }
    void free_pages(Pages pages) { memory.free_pages(pages); }

    sim::GuestMemory& memory;
    Device& device;
};

// §2.1.1: the driver must not overwrite DEVICE_NEEDS_RESET (faults B4).
TYPED_TEST(EveryTransport, DetectsFailureBeforeGoingLive) {
    ASSERT_TRUE(this->setting.probe(this->transport).ok());
    this->setting.device.keep_status_as_written();
    BreakingPages<typename TypeParam::Device> pages{this->memory, this->setting.device};
    EXPECT_EQ(this->driver.init(this->transport, pages, {.reset_limit = PollLimit{100}}).error(),
              Error::init_needs_reset);
    EXPECT_EQ(this->memory.pages_outstanding(), 0u);
    this->bring_up();
}

TYPED_TEST(EveryTransport, AssertsThatItIsUnused) {
    this->bring_up();
    EXPECT_BREACH(this->setting.probe(this->transport), "Give each device a transport of its own");
}

}  // namespace
}  // namespace virtq::test
