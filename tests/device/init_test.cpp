// SPDX-License-Identifier: MIT
#include <virtq/device/init.hpp>

#include <device/disk_machine.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// Device initialisation (§3.1.1), as the simulated registers see it.
namespace virtq::test {
namespace {

TEST(DeviceInit, FollowsTheModernSequence) {
    DiskMachine<> machine;
    machine.bring_up();
    EXPECT_EQ(machine.device.status_history(), (std::vector<std::uint32_t>{0, 1, 3, 11, 15}));
}

// nuta#119: a driver set FEATURES_OK on a legacy device, which has no such bit (§3.1.2).
TEST(DeviceInit, OmitsFeaturesOkForLegacyDevices) {
    DiskMachine<> machine({.version = sim::MmioVersion::legacy});
    machine.bring_up();
    EXPECT_EQ(machine.device.status_history(), (std::vector<std::uint32_t>{0, 1, 3, 7}));
}

// rcore-os/virtio-drivers#196: a driver did not accept VERSION_1.
TEST(DeviceInit, AcceptsVersion1) {
    DiskMachine<> machine;
    machine.bring_up();
    EXPECT_TRUE(machine.driver.negotiation().negotiated.has(spec::Feature::version_1));
    EXPECT_EQ(machine.device.accepted_features()[1], 1u);
}

TEST(DeviceInit, AcceptsAnyLayoutOnLegacyDevices) {
    DiskMachine<> machine({.disk = {.any_layout = true}, .version = sim::MmioVersion::legacy});
    machine.bring_up();
    EXPECT_TRUE(machine.driver.negotiation().negotiated.has(spec::Feature::any_layout));
}

TEST(DeviceInit, AcceptsOnlyOfferedWantedImplementedFeatures) {
    DiskMachine<> machine({.disk = {.blk_size = 4096, .event_idx = true, .indirect = true, .ring_reset = true}});
    // ACCESS_PLATFORM (there is no mapper), RING_PACKED (the queue is split), SUSPEND (the driver does not use it), and
    // bits that no standard defines.
    for (unsigned const bit : {33u, 34u, 36u, 43u, 44u, 49u, 60u}) {
        machine.device.offer(bit);
    }
    machine.bring_up();
    Negotiation const& seen = machine.driver.negotiation();
    EXPECT_EQ(seen.negotiated,
              Features::of(spec::Feature::version_1, spec::Feature::event_idx, spec::Feature::indirect_desc,
                           spec::Feature::order_platform, spec::block::Feature::flush, spec::block::Feature::blk_size,
                           spec::block::Feature::seg_max));
    EXPECT_TRUE(seen.offered.has(spec::Feature::ring_packed));
    EXPECT_EQ(machine.device.accepted_features()[0], seen.negotiated.word(0));
    EXPECT_EQ(machine.device.accepted_features()[1], seen.negotiated.word(1));
}

TEST(DeviceInit, TouchesNoUnwantedFeatureWords) {
    DiskMachine<> machine;
    std::vector<std::uint16_t> selected;
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        if (is_write && (offset == 0x014 || offset == 0x024)) {
            selected.push_back(offset);
        }
    });
    machine.bring_up();
    machine.device.before_access(nullptr);
    EXPECT_EQ(selected, (std::vector<std::uint16_t>{0x014, 0x014, 0x024, 0x024}));  // QEMU reads word 2 as word 1
}

// Solo5#483: firmware had used the disk, and the driver did not reset it. https://github.com/Solo5/solo5/issues/483
TEST(DeviceInit, ResetsADeviceLeftLive) {
    DiskMachine<> machine;
    machine.bring_up();
    Transport second;
    ASSERT_TRUE(second.probe(machine.device.registers()).ok());
    BlockDevice<Transport, 64> driver;
    machine.hostile = true;  // the first driver loses its queue
    EXPECT_TRUE(driver.init(second, machine.memory, {.reset_limit = PollLimit{10}}).ok());
    EXPECT_TRUE(driver.release(machine.memory).ok());
}

// zephyr#115151: a driver did not wait for the reset. https://github.com/zephyrproject-rtos/zephyr/pull/115151
TEST(DeviceInit, WaitsForASlowReset) {
    DiskMachine<> machine;
    machine.device.reset_takes(50);
    machine.bring_up();
}

TEST(DeviceInit, GivesUpOnAnEndlessReset) {
    DiskMachine<> machine;
    machine.device.reset_takes(sim::MmioDevice::never);
    unsigned relaxed = 0;
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_EQ(
        machine.driver.init(machine.transport, machine.memory, {.reset_limit = PollLimit{100}}, [&] { ++relaxed; })
            .error(),
        Error::reset_timed_out);
    EXPECT_EQ(relaxed,
              99u);  // between a hundred polls; a device that got no queue is not reset again
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    machine.device.reset_takes(0);
    machine.bring_up();
}

TEST(DeviceInit, ReportsAGoneDevice) {
    DiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    machine.device.vanish();
    EXPECT_EQ(machine.driver.init(machine.transport, machine.memory, {.reset_limit = PollLimit{100}}).error(),
              Error::device_gone);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
}

// hermit#2207: the error of a refused negotiation gave no reason. https://github.com/hermit-os/kernel/pull/2207
TEST(DeviceInit, ReportsWhatWasRefused) {
    DiskMachine<> machine({.disk = {.event_idx = true}});
    machine.device.refuse_features_ok();
    EXPECT_EQ(machine.init().error(), Error::features_refused);
    Negotiation const& seen = machine.driver.negotiation();
    EXPECT_TRUE(seen.offered.has(spec::Feature::event_idx));
    EXPECT_TRUE(seen.negotiated.has(spec::Feature::event_idx));
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    EXPECT_EQ(machine.device.status(), 0x83u);  // the driver set FAILED and then did nothing more
}

TEST(DeviceInit, ReportsTheMissingRequiredFeature) {
    DiskMachine<> machine;
    machine.device.offer(32, false);
    machine.hostile = true;  // a version 2 device must offer VERSION_1
    EXPECT_EQ(machine.init().error(), Error::feature_required_not_offered);
    EXPECT_EQ(machine.driver.negotiation().missing, Features::of(spec::Feature::version_1));
}

TEST(DeviceInit, RejectsAnUnprobedTransport) {
    DiskMachine<> machine;
    EXPECT_EQ(machine.driver.init(machine.transport, machine.memory).error(), Error::transport_not_probed);
    EXPECT_EQ(machine.device.accesses(), 0u);
}

TEST(DeviceInit, RejectsADeviceOfAnotherType) {
    DiskMachine<> machine;
    machine.device.set_device_id(1);
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_EQ(machine.driver.init(machine.transport, machine.memory).error(), Error::wrong_device_type);
    EXPECT_EQ(machine.device.accesses(), 3u);
}

TEST(DeviceInit, RejectsAnAbsentQueue) {
    DiskMachine<> machine;
    machine.device.set_queue_size_max(0);
    EXPECT_EQ(machine.init().error(), Error::queue_absent);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
}

TEST(DeviceInit, TakesTheSmallerOfBothSizes) {
    DiskMachine<64> small({.disk = {.queue_size_max = 16}});
    small.bring_up();
    EXPECT_EQ(small.driver.queue_size(), 16);
    DiskMachine<64> large({.disk = {.queue_size_max = 1024}});
    large.bring_up();
    EXPECT_EQ(large.driver.queue_size(), 64);
    DiskMachine<64> odd;
    odd.device.set_queue_size_max(48);
    odd.bring_up();
    EXPECT_EQ(odd.driver.queue_size(), 32);
    DiskMachine<64> old({.disk = {.queue_size_max = 1024}, .version = sim::MmioVersion::legacy});
    old.bring_up();
    EXPECT_EQ(old.driver.queue_size(), 64);
}

TEST(DeviceInit, RejectsATooSmallQueue) {
    for (std::uint16_t const size : {std::uint16_t{1}, std::uint16_t{2}, std::uint16_t{3}}) {
        DiskMachine<> machine;
        machine.device.set_queue_size_max(size);
        EXPECT_EQ(machine.init().error(), Error::queue_too_small) << size;
        EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    }
    DiskMachine<> machine;
    machine.device.set_queue_size_max(4);
    machine.bring_up();
}

TEST(DeviceInit, RejectsALegacyQueueAtZero) {
    DiskMachine<> machine({.version = sim::MmioVersion::legacy});
    machine.memory.place_next_run(PhysAddr{0});
    EXPECT_EQ(machine.init().error(), Error::pfn_zero);
    machine.bring_up();
}

TEST(DeviceInit, OmitsFeaturesWithoutTheirPrerequisite) {
    DiskMachine<> machine({.disk = {.config_wce = true}});
    machine.bring_up({.unwanted = Features::of(spec::block::Feature::flush)});
    EXPECT_TRUE(machine.driver.negotiation().offered.has(spec::block::Feature::config_wce));
    EXPECT_TRUE(machine.driver.negotiation().wanted.has(spec::block::Feature::config_wce));
    EXPECT_FALSE(machine.driver.negotiation().negotiated.has(spec::block::Feature::config_wce));
}

TEST(DeviceInit, RejectsRequiredFeatureWithoutPrerequisite) {
    DiskMachine<> machine({.disk = {.config_wce = true}});
    ASSERT_TRUE(machine.probe().ok());
    Negotiation negotiation;
    negotiation.required = Features::of(spec::block::Feature::config_wce);
    negotiation.needs = spec::block::feature_needs;
    SpinRelax relax;
    DeviceInit<Transport> init{machine.transport};
    EXPECT_EQ(init.negotiate(negotiation, PollLimit{10}, relax).error(), Error::feature_prerequisite_missing);
    EXPECT_EQ(machine.device.status(), 0x83u);
}

TEST(DeviceInit, ReportsUnimplementedRequiredFeatures) {
    DiskMachine<> machine;
    machine.device.offer(41);
    ASSERT_TRUE(machine.probe().ok());
    Negotiation negotiation;
    negotiation.required = Features::of(spec::Feature::admin_vq);
    SpinRelax relax;
    DeviceInit<Transport> init{machine.transport};
    EXPECT_EQ(init.negotiate(negotiation, PollLimit{10}, relax).error(), Error::feature_required_not_offered);
    EXPECT_TRUE(negotiation.offered.has(spec::Feature::admin_vq));
    EXPECT_EQ(negotiation.missing, Features::of(spec::Feature::admin_vq));
}

// After a refusal QEMU accepts no status with FEATURES_OK, not even one that adds FAILED.
TEST(DeviceInit, SetsFailedWithoutFeaturesOk) {
    DiskMachine<> machine;
    machine.device.refuse_features_ok();
    ASSERT_EQ(machine.init().error(), Error::features_refused);
    EXPECT_EQ(machine.device.status_history(), (std::vector<std::uint32_t>{0, 1, 3, 11, 0x83}));
}

TEST(DeviceInit, RejectsAQueueInUse) {
    DiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    unsigned reads = 0;
    machine.device.before_access(
        [&](std::uint16_t offset, bool is_write) { reads += offset == 0x034 && !is_write ? 1 : 0; });
    machine.bring_up();
    EXPECT_EQ(reads, 1u);
    machine.transport.set_status(DeviceStatus{});
    static VirtQueue<64> first;
    static VirtQueue<64> second;
    DeviceInit<Transport> init{machine.transport};
    Negotiation negotiation;
    SpinRelax relax;
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{10}, relax).ok());
    ASSERT_TRUE(init.set_up_queue(0, first, machine.memory, negotiation.negotiated).ok());
    EXPECT_EQ(reads, 2u);
    EXPECT_EQ(init.set_up_queue(0, second, machine.memory, negotiation.negotiated).error(), Error::queue_in_use);
    machine.device.before_access(nullptr);
    EXPECT_EQ(reads, 2u);  // the driver does not read the size of a queue in use (§4.2.4)
    EXPECT_EQ(second.size(), 0);
    machine.transport.set_status(DeviceStatus{});
    first.detach();
    ASSERT_TRUE(first.release(machine.memory).ok());
}

// A reset would disable the queues of the other driver, whose requests would never end.
TEST(DeviceInit, AssertsThatTheTransportIsFree) {
    DiskMachine<> machine;
    machine.bring_up();
    static BlockDevice<Transport, 64> second;
    EXPECT_BREACH(second.init(machine.transport, machine.memory), "Another driver");
    EXPECT_TRUE(machine.driver.check_alive().ok());
    ASSERT_TRUE(machine.driver.reset([](BlockCompletion) {}).ok());
    ASSERT_TRUE(machine.driver.release(machine.memory).ok());
    machine.bring_up();
}

// hermit-os/kernel#1729: a driver set up queues before it negotiated features.
TEST(DeviceInit, AssertsNegotiationBeforeQueueSetUp) {
    DiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    static VirtQueue<64> queue;
    Negotiation negotiation;
    DeviceInit<Transport> init{machine.transport};
    EXPECT_BREACH(init.set_up_queue(0, queue, machine.memory, negotiation.negotiated), "negotiate() was not called");
    EXPECT_BREACH(init.set_up_queue(0, queue, machine.memory, modern_features()), "negotiate() was not called");
}

TEST(DeviceInit, AssertsThatQueueFeaturesWereAccepted) {
    DiskMachine<> machine({.disk = {.event_idx = true}});
    ASSERT_TRUE(machine.probe().ok());
    Negotiation negotiation;
    negotiation.wanted.set(spec::Feature::event_idx);
    SpinRelax relax;
    DeviceInit<Transport> init{machine.transport};
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{10}, relax).ok());
    static VirtQueue<64> queue;
    EXPECT_BREACH(init.set_up_queue(0, queue, machine.memory, negotiation.offered), "Negotiation::negotiated");
    ASSERT_TRUE(init.set_up_queue(0, queue, machine.memory, negotiation.negotiated).ok());
    machine.transport.set_status(DeviceStatus{});
    queue.detach();
    ASSERT_TRUE(queue.release(machine.memory).ok());
}

TEST(DeviceInit, ReportsAQueueNotAccepted) {
    DiskMachine<> machine;
    machine.device.refuse_queue_ready();
    EXPECT_EQ(machine.init().error(), Error::queue_not_accepted);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
}

TEST(DeviceInit, ReleasesAllIfAnAllocationFails) {
    for (std::size_t n = 0; n < 2; ++n) {
        DiskMachine<> machine;
        machine.memory.fail_allocation(n);
        EXPECT_EQ(machine.init().error(), Error::no_pages) << n;
        EXPECT_EQ(machine.memory.pages_outstanding(), 0u) << n;
        machine.bring_up();
    }
}

TEST(DeviceInit, KeepsPagesIfTheResetFails) {
    DiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    machine.memory.fail_allocation(1);
    bool first_reset = true;
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        if (offset == 0x044 && is_write) {
            first_reset = false;  // the queue is enabled; the device hangs from here on
        }
    });
    unsigned looks = 0;
    auto const relax = [&] { ++looks; };
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        if (offset == 0x044 && is_write) {
            machine.device.reset_takes(sim::MmioDevice::never);
        }
    });
    EXPECT_EQ(machine.driver.init(machine.transport, machine.memory, {.reset_limit = PollLimit{10}}, relax).error(),
              Error::no_pages);
    EXPECT_EQ(machine.memory.pages_outstanding(), SplitLayout{64}.page_count());
    EXPECT_EQ(machine.driver.release(machine.memory, PollLimit{10}).error(), Error::reset_timed_out);
    // Only the ring is left of the disk. Only release() may follow.
    EXPECT_EQ(machine.driver.reset([](BlockCompletion const&) {}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.submit_flush(Token{}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.take_completed().error, Error::not_initialised);
    machine.device.before_access(nullptr);
    machine.device.reset_takes(0);
    EXPECT_TRUE(machine.driver.release(machine.memory, PollLimit{10}).ok());
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    EXPECT_FALSE(first_reset && looks == 0);
}

TEST(DeviceInit, DetectsDeviceNeedsReset) {
    DiskMachine<> machine;
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        if (offset == 0x044 && is_write) {
            machine.device.need_reset();
        }
    });
    Status const up = machine.init();
    EXPECT_EQ(up.error(), Error::init_needs_reset);
    machine.device.before_access(nullptr);
    machine.bring_up();
}

/// Each register of a virtio-mmio device that init() writes between DRIVER and DRIVER_OK, and the configuration, which
/// it reads.
struct Moment {
    std::uint16_t offset;
    bool is_write;
};

// §2.1.1: the driver overwrote DEVICE_NEEDS_RESET with its own status, and continued (faults B4).
TEST(DeviceInit, NeverClearsDeviceNeedsReset) {
    for (Moment const moment :
         {Moment{0x070, true}, Moment{0x014, true}, Moment{0x010, false}, Moment{0x020, true}, Moment{0x100, false},
          Moment{0x030, true}, Moment{0x038, true}, Moment{0x080, true}, Moment{0x044, true}, Moment{0x044, false}}) {
        for (unsigned before = 1; before < 5; ++before) {  // which access to the register sets the bit
            DiskMachine<> machine;
            machine.device.keep_status_as_written();
            unsigned touched = 0;
            bool failed = false;
            machine.device.before_access([&](std::uint16_t offset, bool is_write) {
                bool const driving = (machine.device.status() & 2u) != 0;
                if (driving && !failed && offset == moment.offset && is_write == moment.is_write &&
                    ++touched == before) {
                    failed = true;
                    machine.device.need_reset();
                }
            });
            Status const up = machine.init();
            machine.device.before_access(nullptr);
            if (!failed) {
                EXPECT_TRUE(up.ok());
                continue;
            }
            // Nobody can see the bit between the read of the status and the write that follows.
            bool const unseen = moment.offset == 0x070 && (machine.device.status() & 0x40u) == 0;
            EXPECT_TRUE(up.error() == Error::init_needs_reset || unseen) << moment.offset << ' ' << before;
            EXPECT_TRUE(unseen || machine.memory.violations().count("D-2.1.1-2") == 0) << moment.offset << before;
        }
    }
}

// A device such as semu reaches only 32 bits. The sentence spoke of time-outs (faults A15).
TEST(DeviceInit, ReportsAddressesOutOfReach) {
    for (sim::MmioVersion const version : {sim::MmioVersion::modern}) {
        DiskMachine<> machine({.version = version});
        machine.device.set_address_end(std::uint64_t{1} << 32);
        EXPECT_EQ(machine.init().error(), Error::init_needs_reset);
        EXPECT_EQ(machine.device.status() & 0x40u, 0u);  // the driver reset the device
        EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
        EXPECT_NE(std::string{describe(Error::init_needs_reset)}.find("4 GiB"), std::string::npos);
    }
}

// §3.1.1: step 7 precedes step 8 (faults A17).
TEST(DeviceInit, AssertsQueuesBeforeGoLive) {
    DiskMachine<> machine({.disk = {.queues = 2}});
    ASSERT_TRUE(machine.probe().ok());
    static VirtQueue<64> first;
    static VirtQueue<64> second;
    Negotiation negotiation;
    SpinRelax relax;
    DeviceInit<Transport> init{machine.transport};
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{10}, relax).ok());
    ASSERT_TRUE(init.set_up_queue(0, first, machine.memory, negotiation.negotiated).ok());
    ASSERT_TRUE(init.go_live().ok());
    EXPECT_BREACH(init.set_up_queue(1, second, machine.memory, negotiation.negotiated), "after go_live()");
    EXPECT_BREACH(init.resume_queue(1, second, negotiation.negotiated), "after go_live()");
    ASSERT_TRUE(reset_device(machine.transport, PollLimit{10}, relax).ok());
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{10}, relax).ok());  // negotiates again with the same object
    ASSERT_TRUE(init.set_up_queue(1, second, machine.memory, negotiation.negotiated).ok());
    ASSERT_TRUE(reset_device(machine.transport, PollLimit{10}, relax).ok());
    for (VirtQueue<64>* const queue : {&first, &second}) {
        queue->detach();
        ASSERT_TRUE(queue->release(machine.memory).ok());
    }
}

// After a reset Firecracker reports 0x80 or 0x8f for ever. The driver polled a million times (faults A8).
TEST(DeviceInit, ReportsARefusedResetAtOnce) {
    for (sim::DeviceReset const how : {sim::DeviceReset::fails_alone, sim::DeviceReset::adds_failed}) {
        DiskMachine<> machine;
        machine.bring_up();
        machine.device.set_device_reset(how);
        unsigned relaxed = 0;
        auto const count = [&] { ++relaxed; };
        std::size_t const pages = machine.memory.pages_outstanding();
        EXPECT_EQ(machine.driver.release(machine.memory, patience, count).error(), Error::reset_refused);
        EXPECT_EQ(relaxed, 0u);
        EXPECT_EQ(machine.memory.pages_outstanding(), pages);
        machine.device.set_device_reset(sim::DeviceReset::honest);
    }
    DiskMachine<> machine;  // reset() hands nothing back either
    machine.bring_up();
    machine.device.set_device_reset(sim::DeviceReset::fails_alone);
    EXPECT_EQ(machine.driver.reset([](BlockCompletion const&) { ADD_FAILURE(); }).error(), Error::reset_refused);
    machine.device.set_device_reset(sim::DeviceReset::honest);
}

// The first reset was refused, by a boot loader or by release(): FAILED stands there alone already (faults A8).
TEST(DeviceInit, EndsSoonAfterARefusedReset) {
    DiskMachine<> machine;
    machine.bring_up();
    machine.device.set_device_reset(sim::DeviceReset::fails_alone);
    EXPECT_EQ(machine.driver.release(machine.memory).error(), Error::reset_refused);
    ASSERT_EQ(machine.device.status(), 0x80u);
    unsigned relaxed = 0;
    auto const count = [&] { ++relaxed; };
    EXPECT_EQ(machine.driver.release(machine.memory, PollLimit{1'000'000}, count).error(), Error::reset_refused);
    Transport transport;
    ASSERT_TRUE(transport.probe(machine.device.registers()).ok());
    BlockDevice<Transport, 64> another;
    EXPECT_EQ(another.init(transport, machine.memory, {.reset_limit = PollLimit{1'000'000}}, count).error(),
              Error::reset_refused);
    EXPECT_LE(relaxed, 2 * 1000u) << "of two resets, each with a million polls to spend";
    machine.device.set_device_reset(sim::DeviceReset::honest);
}

// The driver has set FAILED, and the bit stays until a slow reset ends.
TEST(DeviceInit, WaitsThoughTheDriverSetFailed) {
    DiskMachine<> machine;
    machine.device.refuse_features_ok();
    ASSERT_EQ(machine.init().error(), Error::features_refused);
    ASSERT_EQ(machine.device.status(), 0x83u);
    machine.device.refuse_features_ok(false);
    machine.device.reset_takes(20);
    EXPECT_TRUE(machine.driver.init(machine.transport, machine.memory, {.reset_limit = PollLimit{100}}).ok());
}

// A boot loader abandoned the device. Its reset is slow, but not refused.
TEST(DeviceInit, WaitsThoughFirmwareSetFailed) {
    DiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    machine.transport.set_status(DeviceStatus{}.with(spec::StatusBit::failed));
    machine.memory.violations().clear();  // the boot loader did not reset the device first
    machine.device.reset_takes(5);
    SpinRelax relax;
    EXPECT_TRUE(reset_device(machine.transport, PollLimit{100}, relax).ok());
}

// kvm-host: the status reads 0, but the queue is still enabled and in use (faults A9).
TEST(DeviceInit, KeepsPagesOfASurvivingQueue) {
    DiskMachine<> machine;
    machine.bring_up();
    machine.device.refuse_queue_stop();
    machine.device.set_device_reset(sim::DeviceReset::keeps_queues);
    std::size_t const pages = machine.memory.pages_outstanding();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(0, segments, Token{}).ok());
    EXPECT_EQ(machine.driver.reset([](BlockCompletion const&) { ADD_FAILURE(); }).error(),
              Error::queue_survived_reset);
    EXPECT_EQ(machine.driver.release(machine.memory).error(), Error::queue_survived_reset);
    EXPECT_EQ(machine.memory.pages_outstanding(), pages);
    machine.device.set_device_reset(sim::DeviceReset::honest);
    unsigned handed_back = 0;
    EXPECT_TRUE(machine.driver.reset([&](BlockCompletion const&) { ++handed_back; }).ok());
    EXPECT_EQ(handed_back, 1u);
}

// §4.2.2.2: to stop a queue the driver writes 0 to QueueReady and reads it back (faults B9).
TEST(DeviceInit, StopsTheQueuesBeforeTheReset) {
    DiskMachine<> machine;
    machine.bring_up();
    std::vector<unsigned> steps;
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        if (offset == 0x044 || (offset == 0x070 && is_write)) {
            steps.push_back(offset | (is_write ? 0x1000u : 0u));
        }
    });
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    machine.device.before_access(nullptr);
    EXPECT_EQ(steps, (std::vector<unsigned>{0x0044, 0x1044, 0x0044, 0x1070, 0x0044}));
}

TEST(DeviceInit, DetectsRemovalWhileGoingLive) {
    DiskMachine<> machine;
    bool queue_enabled = false;
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        queue_enabled |= offset == 0x044 && is_write;
        if (queue_enabled && offset == 0x070 && is_write) {
            machine.device.vanish();
        }
    });
    EXPECT_EQ(machine.init().error(), Error::device_gone);
    EXPECT_EQ(machine.driver.queue_size(), 0);  // its pages were released
    EXPECT_EQ(machine.driver.submit_flush(Token{}).error(), Error::not_initialised);
    machine.device.before_access(nullptr);
    machine.device.vanish(false);
    machine.hostile = true;  // the simulated device still owns the queue
}

/// A transport on which the driver cannot choose the queue size, like legacy PCI (§4.1.5.1.3.1).
struct FixedSizeTransport : Transport {
    [[nodiscard]] static bool is_queue_size_fixed() { return true; }
    [[nodiscard]] static std::uint32_t choose_queue_size(std::uint16_t, std::uint32_t size) { return size; }
};

TEST(DeviceInit, NeverClampsAFixedQueueSize) {
    struct {
        std::uint16_t size;
        Error error;
    } const cases[] = {{32, Error::none},
                       {64, Error::none},
                       {128, Error::queue_size_above_capacity},
                       {48, Error::queue_size_fixed_no_power_of_two}};
    for (auto const& [size, error] : cases) {
        DiskMachine<> machine;
        machine.device.set_queue_size_max(size);
        FixedSizeTransport transport;
        ASSERT_TRUE(transport.probe(machine.device.registers()).ok());
        BlockDevice<FixedSizeTransport, 64> driver;
        EXPECT_EQ(driver.init(transport, machine.memory, {.reset_limit = PollLimit{10}}).error(), error) << size;
        EXPECT_EQ(driver.queue_size(), error == Error::none ? size : 0);
        EXPECT_EQ(driver.required_queue_size(), error == Error::queue_size_above_capacity ? size : 0u);
        EXPECT_TRUE(driver.release(machine.memory).ok());
    }
}

/// A BAR that maps RAM: it keeps the status, and offers no feature.
struct MemoryTransport : Transport {
    [[nodiscard]] std::uint32_t offered_features(unsigned) { return 0; }
};

TEST(DeviceInit, DetectsMemoryInsteadOfRegisters) {
    for (sim::MmioVersion const version : {sim::MmioVersion::modern, sim::MmioVersion::legacy}) {
        DiskMachine<> machine{{.version = version}};
        MemoryTransport transport;
        ASSERT_TRUE(transport.probe(machine.device.registers()).ok());
        Negotiation negotiation;
        negotiation.required = Features::of(spec::Feature::event_idx);
        SpinRelax relax;
        DeviceInit<MemoryTransport> init{transport};
        bool const legacy = version == sim::MmioVersion::legacy;  // some legacy devices offer nothing
        EXPECT_EQ(init.negotiate(negotiation, PollLimit{10}, relax).error(),
                  legacy ? Error::feature_required_not_offered : Error::nothing_offered);
        EXPECT_TRUE(negotiation.missing.has(spec::Feature::event_idx));
    }
}

/// Registers that lose what is written, since they are not the device's.
struct DeafTransport : Transport {
    void set_status(DeviceStatus status) {
        written = status;
        if (status.is_reset()) {
            Transport::set_status(status);
        }
    }
    DeviceStatus written;
};

TEST(DeviceInit, DetectsRegistersThatKeepNothing) {
    DiskMachine<> machine;
    DeafTransport transport;
    ASSERT_TRUE(transport.probe(machine.device.registers()).ok());
    BlockDevice<DeafTransport, 64> driver;
    EXPECT_EQ(driver.init(transport, machine.memory, {.reset_limit = PollLimit{10}}).error(), Error::status_not_kept);
    EXPECT_TRUE(transport.written.has(spec::StatusBit::failed));  // §3.1.1 (faults B9)
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
}

TEST(DeviceInit, RejectsAnAbsentQueueAfterReset) {
    DiskMachine<> machine;
    machine.bring_up();
    machine.device.set_queue_size_max(0);
    EXPECT_EQ(machine.driver.reset([](BlockCompletion const&) {}).error(), Error::queue_absent);
    machine.device.set_queue_size_max(64);
    EXPECT_TRUE(machine.driver.reset([](BlockCompletion const&) {}).ok());
}

TEST(DeviceInit, RejectsPagesTooHighForLegacy) {
    DiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    static VirtQueue<64> queue;
    machine.memory.place_next_run(PhysAddr{std::uint64_t{1} << 44});
    ASSERT_TRUE(queue.init(machine.memory, 64, modern_features()).ok());
    Negotiation negotiation;
    SpinRelax relax;
    DeviceInit<Transport> init{machine.transport};
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{10}, relax).ok());
    EXPECT_EQ(init.resume_queue(0, queue, Features{}).error(), Error::pfn_above_32_bits);
    EXPECT_EQ(machine.device.status() & 0x80u, 0x80u);  // FAILED
    EXPECT_FALSE(queue.is_live());                      // the device did not get the queue
    EXPECT_TRUE(queue.release(machine.memory).ok());
}

TEST(DeviceInit, NegotiatesBitsAbove63) {
    constexpr unsigned bit = 70;
    Features wanted;
    wanted.set_word(bit / 32, 1u << bit % 32);
    DiskMachine<> machine;
    machine.device.offer(bit);
    ASSERT_TRUE(machine.probe().ok());
    Negotiation negotiation;
    negotiation.wanted = wanted;
    SpinRelax relax;
    DeviceInit<Transport> init{machine.transport};
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{10}, relax).ok());
    EXPECT_TRUE(negotiation.negotiated.has_bit(bit));
    EXPECT_EQ(machine.device.accepted_features()[2], wanted.word(2));
    machine.hostile = true;  // disks have no such bit
}

// zephyr#115150: a driver read, changed and wrote a write-only register. The simulated registers report such a read.
TEST(DeviceInit, BreaksNoRegisterRule) {
    for (auto const version : {sim::MmioVersion::modern, sim::MmioVersion::legacy}) {
        DiskMachine<> machine({.disk = {.event_idx = true}, .version = version});
        machine.bring_up();
        EXPECT_TRUE(machine.driver.release(machine.memory).ok());
        EXPECT_TRUE(machine.memory.violations().empty()) << machine.memory.violations();
    }
}

}  // namespace
}  // namespace virtq::test
