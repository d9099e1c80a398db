// SPDX-License-Identifier: MIT
#include <virtq/diag/diagnose.hpp>

#include <diag/queue_machine.hpp>

#include <cstdint>
#include <iterator>
#include <string>

/// Produces each cause on the simulated device, and checks that it is named.
namespace virtq::test {

using namespace virtq::detail;

namespace {

constexpr auto event_idx = QueueSetup{.event_idx = true};
constexpr auto legacy_disk = QueueSetup{.version = sim::MmioVersion::legacy};

/// The queue's memory, for tests that overwrite it.
unsigned char* ring_bytes(QueueMachine& machine) {
    return static_cast<unsigned char*>(machine.queue.pages().virt);
}
unsigned char* avail_bytes(QueueMachine& machine) {
    return ring_bytes(machine) + SplitLayout{QueueMachine::size}.available_ring_offset();
}

// --- no fault -------------------------------------------------------------------------------------------------------

class DiagnosisOfASoundQueue : public ::testing::TestWithParam<QueueSetup> {};

TEST_P(DiagnosisOfASoundQueue, FindsNothingWhenItIsIdle) {
    QueueMachine machine(GetParam());
    machine.bring_up();
    EXPECT_EQ(machine.cause(), Cause::nothing_asked);
    EXPECT_TRUE(machine.look().is_healthy());
    for (int i = 0; i < 20; ++i) {
        machine.submit_read();
        machine.work();
        ASSERT_TRUE(machine.queue.take_used());
        EXPECT_EQ(machine.cause(), Cause::nothing_in_flight) << explained(machine.look());
    }
}

TEST_P(DiagnosisOfASoundQueue, AcceptsRequestsInFlight) {
    constexpr DiagnoseOption in_passing{.symptom = Symptom::none};
    QueueMachine machine(GetParam());
    machine.bring_up();
    for (int i = 0; i < 20; ++i) {
        machine.submit_read();
        EXPECT_EQ(machine.cause(in_passing), Cause::none) << explained(machine.look(in_passing));
        machine.submit_read();
        machine.device.step();
        EXPECT_EQ(machine.cause(in_passing), Cause::none) << explained(machine.look(in_passing));
        machine.work();
        EXPECT_EQ(machine.queue.enable_used_notifications(), MaySleep::no);
        EXPECT_EQ(machine.cause(in_passing), Cause::none) << explained(machine.look(in_passing));
        EXPECT_TRUE(machine.look(in_passing).is_healthy());
        while (machine.queue.take_used()) {
        }
        machine.queue.disable_used_notifications();
    }
}

TEST_P(DiagnosisOfASoundQueue, ChangesNeitherRingNorDevice) {
    QueueMachine machine(GetParam());
    machine.bring_up();
    machine.submit_read();
    machine.work();
    machine.submit_read();
    Pages const& pages = machine.queue.pages();
    std::vector<unsigned char> const before(ring_bytes(machine), ring_bytes(machine) + pages.count * page_bytes);
    std::vector<std::uint32_t> const history = machine.device.status_history();
    std::vector<std::uint16_t> written;
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        if (is_write) {
            written.push_back(offset);
        }
    });
    static_cast<void>(explained(machine.look()));
    static_cast<void>(printed([&](auto sink) { dump(machine.queue, sink); }));
    machine.device.before_access(nullptr);
    EXPECT_EQ(std::memcmp(before.data(), ring_bytes(machine), before.size()), 0);
    EXPECT_EQ(machine.device.status_history(), history);
    for (std::uint16_t const offset : written) {
        EXPECT_TRUE(offset == spec::mmio::queue_sel.offset || offset == spec::mmio::device_features_sel.offset)
            << offset;
    }
    EXPECT_FALSE(written.empty());  // the selectors: otherwise the test watched nothing
}

INSTANTIATE_TEST_SUITE_P(OnBoth, DiagnosisOfASoundQueue,
                         ::testing::Values(QueueSetup{}, event_idx, legacy_disk,
                                           QueueSetup{sim::MmioVersion::legacy, true}));

// --- the registers ------------------------------------------------------------------------------------------------

TEST(DiagnosisOfRegisters, DetectsUnmappedRegisters) {
    QueueMachine machine;
    machine.bring_up();
    machine.device.vanish();
    EXPECT_EQ(machine.cause(), Cause::registers_all_ones);
    EXPECT_EQ(diagnose(machine.transport).cause(), Cause::registers_all_ones);
}

TEST(DiagnosisOfRegisters, DetectsOrdinaryMemory) {
    QueueMachine machine;
    machine.device.set_magic(0);
    auto registers = machine.device.registers();
    EXPECT_EQ(diagnose(registers).cause(), Cause::registers_all_zero);
    machine.device.set_magic(0x12345678);
    EXPECT_EQ(diagnose(registers).cause(), Cause::not_virtio);
    machine.hostile = true;  // the destructor resets a device with a wrong magic value
}

TEST(DiagnosisOfRegisters, DetectsUnknownVersionAndEmptySlot) {
    QueueMachine machine;
    machine.hostile = true;
    auto registers = machine.device.registers();
    machine.device.set_version(3);
    EXPECT_EQ(diagnose(registers).cause(), Cause::version_unknown);
    machine.device.set_version(2);
    machine.device.set_device_id(0);
    EXPECT_EQ(diagnose(registers).cause(), Cause::slot_empty);
    machine.device.set_version(1);  // QEMU's slots are legacy by default
    EXPECT_EQ(diagnose(registers).cause(), Cause::slot_empty);
    EXPECT_TRUE(machine.memory.violations().empty()) << machine.memory.violations();
}

TEST(DiagnosisOfRegisters, DetectsADeviceUnpluggedMeanwhile) {
    QueueMachine machine;
    machine.bring_up();
    machine.device.before_access([&](std::uint16_t offset, bool) {
        if (offset == spec::mmio::status.offset) {
            machine.device.vanish();
        }
    });
    Diagnosis const found = machine.look();
    machine.device.before_access(nullptr);
    EXPECT_EQ(found.cause(), Cause::device_gone);
    EXPECT_EQ(found.findings().size(), 1u);
    EXPECT_FALSE(found.device.offered.has_value());  // the diagnosis did not read the features
}

// nuta/operating-system-in-1000-lines#93
TEST(DiagnosisOfRegisters, DetectsLegacyDevicesDrivenAsModern) {
    QueueMachine machine(legacy_disk);
    machine.hostile = true;
    auto registers = machine.device.registers();
    machine.probe();
    for (std::uint8_t const status :
         {std::uint8_t{0}, std::uint8_t{1}, std::uint8_t{3}, std::uint8_t{11}, std::uint8_t{15}}) {
        machine.transport.set_status(DeviceStatus{status});
    }
    Features const believed = Features::of(spec::Feature::version_1);
    ASSERT_TRUE(machine.queue.init(machine.memory, 8, believed).ok());
    registers.write32(spec::mmio::queue_ready.offset, 1);
    Diagnosis const found = diagnose(registers, 0, machine.queue, believed);
    EXPECT_EQ(found.cause(), Cause::legacy_driven_as_modern);
    EXPECT_NE(explained(found).find("force-legacy=false"), std::string::npos);
}

// --- the device status --------------------------------------------------------------------------------------------

TEST(DiagnosisOfStatus, DetectsAnUninitialisedDevice) {
    QueueMachine machine;
    machine.probe();
    EXPECT_EQ(diagnose(machine.transport).cause(), Cause::device_not_initialised);
    machine.hostile = true;
    machine.transport.set_status(DeviceStatus{2});  // DRIVER without ACKNOWLEDGE
    EXPECT_EQ(diagnose(machine.transport).cause(), Cause::device_not_initialised);
}

TEST(DiagnosisOfStatus, DetectsAForeignReset) {
    QueueMachine machine;
    machine.bring_up();
    machine.submit_read();
    machine.hostile = true;
    machine.device.write(spec::mmio::status.offset, 0, 4);
    EXPECT_EQ(machine.cause(), Cause::device_was_reset);
}

TEST(DiagnosisOfStatus, DetectsRefusedFeatures) {
    QueueMachine machine;
    machine.probe();
    machine.device.refuse_features_ok();
    SpinRelax relax;
    ASSERT_EQ(machine.init.negotiate(machine.negotiation, PollLimit{100}, relax).error(), Error::features_refused);
    Diagnosis const found = diagnose(machine.transport);
    EXPECT_EQ(found.cause(), Cause::features_refused);
    ASSERT_GE(found.findings().size(), 2u);
    EXPECT_EQ(found.findings()[1].cause, Cause::driver_gave_up);
}

// A kernel that continues after init() failed. Much is wrong, and the first cause explains the others.
TEST(DiagnosisOfStatus, KeepsTheMostProbableCauses) {
    QueueMachine machine;
    machine.probe();
    machine.device.refuse_features_ok();
    SpinRelax relax;
    ASSERT_FALSE(machine.init.negotiate(machine.negotiation, PollLimit{100}, relax).ok());
    auto const believed = Features::of(spec::Feature::version_1, spec::Feature::event_idx);
    ASSERT_TRUE(machine.queue.init(machine.memory, QueueMachine::size, believed).ok());
    Diagnosis const found = diagnose(machine.transport, 0, machine.queue, {});
    Cause const expected[] = {Cause::features_refused, Cause::driver_gave_up, Cause::version_1_missing,
                              Cause::event_idx_not_negotiated};  // the fifth would be driver_ok_missing
    ASSERT_EQ(found.findings().size(), std::size(expected));
    for (std::size_t i = 0; i < std::size(expected); ++i) {
        EXPECT_EQ(found.findings()[i].cause, expected[i]);
    }
    EXPECT_FALSE(found.is_healthy());
    // Before FEATURES_OK nobody may read the queue registers, so the diagnosis does not report the set-up.
    EXPECT_FALSE(found.device.queue_size_max.has_value());
    EXPECT_FALSE(names(diagnose(machine.transport, 0, machine.queue, believed), Cause::queue_not_enabled));
    std::string const text = explained(found);
    EXPECT_NE(text.find("size 8, 8 free\n"), std::string::npos) << text;
}

TEST(DiagnosisOfStatus, DetectsADriverThatGaveUp) {
    QueueMachine machine;
    machine.bring_up();
    static_cast<void>(machine.init.fail(Error::io_error));
    EXPECT_EQ(machine.cause(), Cause::driver_gave_up);
}

TEST(DiagnosisOfStatus, DetectsAMissingDriverOk) {
    for (QueueSetup const& setup : {QueueSetup{}, legacy_disk}) {
        QueueMachine machine(setup);
        machine.negotiate();
        machine.make_queue();
        machine.enable_queue();
        machine.add_read();
        static_cast<void>(machine.queue.publish());
        EXPECT_EQ(machine.cause(), Cause::driver_ok_missing);
    }
}

TEST(DiagnosisOfStatus, DetectsDeviceNeedsReset) {
    QueueMachine machine;
    machine.bring_up();
    machine.device.need_reset();
    EXPECT_EQ(machine.cause(), Cause::device_needs_reset);
    EXPECT_EQ(diagnose(machine.transport).cause(), Cause::device_needs_reset);
}

// --- features -----------------------------------------------------------------------------------------------------

TEST(DiagnosisOfFeatures, DetectsEventIdxMissingInQueue) {
    QueueMachine machine(event_idx);
    machine.negotiate();
    ASSERT_TRUE(machine.queue.init(machine.memory, 8, Features::of(spec::Feature::version_1)).ok());
    machine.enable_queue();
    machine.go_live();
    machine.submit_read();
    EXPECT_EQ(machine.cause(), Cause::event_idx_not_given_to_queue);
}

TEST(DiagnosisOfFeatures, DetectsEventIdxNotNegotiated) {
    QueueMachine machine;
    machine.negotiate();
    auto const both = Features::of(spec::Feature::version_1, spec::Feature::event_idx);
    ASSERT_TRUE(machine.queue.init(machine.memory, 8, both).ok());
    machine.enable_queue();
    machine.go_live();
    machine.submit_read();
    EXPECT_EQ(machine.cause(), Cause::event_idx_not_negotiated);
    EXPECT_EQ(diagnose(machine.transport, 0, machine.queue, both).cause(), Cause::feature_not_offered);
}

TEST(DiagnosisOfFeatures, DetectsFeaturesLegacyDoesNotOffer) {
    QueueMachine machine(legacy_disk);
    machine.bring_up();
    Features believed = machine.negotiation.negotiated;
    believed.set(spec::Feature::indirect_desc);
    Diagnosis const found = diagnose(machine.transport, 0, machine.queue, believed);
    EXPECT_EQ(found.cause(), Cause::feature_not_offered);
    EXPECT_EQ(found.first().value, 28u);
    EXPECT_NE(flattened(found).find("28, VIRTIO_F_INDIRECT_DESC."), std::string::npos) << explained(found);
}

TEST(DiagnosisOfFeatures, ReadsOneWordOfLegacyFeatures) {
    QueueMachine machine(legacy_disk);
    machine.bring_up();
    Features believed = machine.negotiation.negotiated;
    believed.set(spec::Feature::version_1);
    Diagnosis const found = diagnose(machine.transport, 0, machine.queue, believed);
    EXPECT_EQ(found.cause(), Cause::legacy_driven_as_modern);
    EXPECT_FALSE(names(found, Cause::feature_not_offered)) << explained(found);
}

TEST(DiagnosisOfFeatures, DetectsEventIdxTheKernelForgot) {
    QueueMachine machine(event_idx);
    machine.negotiate();
    machine.negotiation.negotiated.clear(spec::Feature::event_idx);  // the device has it, the kernel forgot it
    machine.make_queue();
    machine.enable_queue();
    machine.go_live();
    machine.hostile = true;
    machine.disk.swallow_next();
    machine.submit_read();
    machine.work();
    EXPECT_EQ(machine.cause(), Cause::device_uses_event_idx);
}

// The device sends no interrupt then, and its answers wait. That nobody takes them is not the cause.
TEST(DiagnosisOfFeatures, ForgottenEventIdxPrecedesWaitingAnswers) {
    QueueMachine machine(event_idx);
    machine.negotiate();
    machine.negotiation.negotiated.clear(spec::Feature::event_idx);
    machine.make_queue();
    machine.enable_queue();
    machine.go_live();
    machine.hostile = true;
    ASSERT_EQ(machine.queue.enable_used_notifications(), MaySleep::yes);
    machine.submit_read();
    machine.work();
    static_cast<void>(machine.transport.on_interrupt());
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::device_uses_event_idx) << explained(found);
    EXPECT_TRUE(names(found, Cause::completions_not_taken)) << explained(found);
}

TEST(DiagnosisOfFeatures, DetectsEventIdxNeverAccepted) {
    QueueMachine machine(event_idx);
    machine.probe();
    SpinRelax relax;
    ASSERT_TRUE(machine.init.negotiate(machine.negotiation, PollLimit{100}, relax).ok());
    machine.negotiation.negotiated.set(spec::Feature::event_idx);  // in the queue only, not in the device
    machine.make_queue();
    machine.enable_queue();
    machine.go_live();
    machine.hostile = true;
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.queue.take_used());
    machine.submit_read();
    machine.work();
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::event_idx_not_accepted) << explained(found);
}

TEST(DiagnosisOfFeatures, DetectsAMissingVersion1) {
    QueueMachine machine;
    machine.bring_up();
    EXPECT_EQ(diagnose(machine.transport, 0, machine.queue, {}).cause(), Cause::version_1_missing);
}

// --- the set-up of the queue --------------------------------------------------------------------------------------

TEST(DiagnosisOfSetUp, DetectsAQueueWithoutMemory) {
    QueueMachine machine;
    machine.negotiate();
    machine.go_live();
    EXPECT_EQ(machine.cause(), Cause::queue_not_initialised);
}

TEST(DiagnosisOfSetUp, DetectsADisabledQueue) {
    for (QueueSetup const& setup : {QueueSetup{}, legacy_disk}) {
        QueueMachine machine(setup);
        machine.negotiate();
        machine.make_queue();
        machine.go_live();
        EXPECT_EQ(machine.cause(), Cause::queue_not_enabled);
    }
}

TEST(DiagnosisOfSetUp, DetectsAnAbsentQueue) {
    QueueMachine machine;
    machine.bring_up();
    EXPECT_EQ(diagnose(machine.transport, 5, machine.queue, machine.negotiation.negotiated).cause(),
              Cause::queue_absent);
}

TEST(DiagnosisOfSetUp, DetectsAnotherPageNumber) {
    QueueMachine machine(legacy_disk);
    machine.bring_up();
    VirtQueue<8> second;
    ASSERT_TRUE(second.init(machine.memory, 8, {}).ok());
    second.attach();
    EXPECT_EQ(diagnose(machine.transport, 0, second, {}).cause(), Cause::queue_elsewhere);
    second.detach();
    ASSERT_TRUE(second.release(machine.memory).ok());
}

// au-ts/sddf#769
TEST(DiagnosisOfSetUp, DetectsATooLargeQueue) {
    QueueMachine machine;
    machine.bring_up();
    machine.device.set_queue_size_max(4);
    EXPECT_EQ(machine.cause(), Cause::queue_size_above_maximum);
}

TEST(DiagnosisOfSetUp, DetectsWrongPhysicalAddressesOfPages) {
    for (std::uint64_t const phys :
         {std::uint64_t{0}, std::uint64_t{0xffff'8000'0010'0000}, std::uint64_t{0x7000'0000}}) {
        QueueMachine machine;
        machine.hostile = true;
        machine.negotiate();
        machine.memory.place_next_run(PhysAddr{phys});
        machine.make_queue();
        machine.enable_queue();
        machine.go_live();
        AddressRange const ram[] = {{PhysAddr{sim::GuestMemory::default_phys_base}, sim::GuestMemory::default_bytes}};
        Cause const expected = phys == 0              ? Cause::ring_address_zero
                               : phys == 0x7000'0000u ? Cause::ring_outside_ram
                                                      : Cause::ring_address_virtual;
        EXPECT_EQ(machine.cause({.ram = ram}), expected);
    }
}

// --- the memory of the ring ---------------------------------------------------------------------------------------

TEST(DiagnosisOfRingMemory, DetectsEachOverwrittenWord) {
    for (QueueSetup const& setup : {QueueSetup{}, event_idx}) {
        QueueMachine machine(setup);
        machine.hostile = true;
        machine.bring_up();
        machine.add_read();
        static_cast<void>(machine.queue.publish());

        avail_bytes(machine)[2] ^= 0x40;
        EXPECT_EQ(machine.cause(), Cause::avail_index_overwritten);
        avail_bytes(machine)[2] ^= 0x40;
        avail_bytes(machine)[0] ^= 2;
        EXPECT_EQ(machine.cause(), Cause::avail_flags_overwritten);
        avail_bytes(machine)[0] ^= 2;
        avail_bytes(machine)[4] ^= 0x80;
        EXPECT_EQ(machine.cause(), Cause::avail_entry_overwritten);
        avail_bytes(machine)[4] ^= 0x80;
        EXPECT_TRUE(names(machine.look(), Cause::never_notified));
    }
}

TEST(DiagnosisOfRingMemory, DetectsAnOverwrittenDescriptor) {
    QueueMachine machine;
    machine.bring_up();
    machine.add_read();
    ASSERT_TRUE(machine.queue.publish());
    // Length of a writable descriptor, flags, next. Descriptor 0 is the header, 1 the data, 2 the status.
    for (unsigned const offset : {16u + 8u, 12u, 16u + 12u, 32u + 12u, 14u, 16u + 14u}) {
        ring_bytes(machine)[offset] ^= 1;
        Diagnosis const found = machine.look();
        EXPECT_EQ(found.cause(), Cause::descriptor_overwritten) << offset;
        ring_bytes(machine)[offset] ^= 1;
    }
    EXPECT_TRUE(names(machine.look(), Cause::never_notified));
}

TEST(DiagnosisOfRingMemory, NamesTheFirstOverwrittenDescriptor) {
    QueueMachine machine;
    machine.bring_up();
    machine.add_read();
    ASSERT_TRUE(machine.queue.publish());
    for (unsigned const desc : {1u, 2u}) {
        ring_bytes(machine)[16 * desc + 12] ^= 4;
    }
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.findings().size(), 1u);
    EXPECT_EQ(found.cause(), Cause::descriptor_overwritten);
    EXPECT_EQ(found.first().descriptor, 1);
    EXPECT_EQ(found.first().value, 7u);  // NEXT and WRITE, and INDIRECT, which the driver did not write
    EXPECT_EQ(found.first().expected, 3u);
}

TEST(DiagnosisOfRingMemory, DetectsOverwritesInTheDescriptorTier) {
    QueueMachine machine;
    machine.bring_up();
    DescIndex const head = *machine.queue.alloc_desc();
    DescIndex const tail = *machine.queue.alloc_desc();
    machine.queue.write_desc(head, machine.buffer(16).addr, 16, 1, tail);
    machine.queue.write_desc(tail, machine.buffer(16).addr, 16, 2);
    ASSERT_TRUE(machine.queue.push_avail(head).ok());
    ASSERT_TRUE(machine.queue.publish());
    EXPECT_TRUE(names(machine.look(), Cause::never_notified));
    for (unsigned const offset : {8u, 12u, 14u, 16u + 8u, 16u + 12u, 16u + 14u}) {
        ring_bytes(machine)[offset] ^= 1;
        EXPECT_EQ(machine.cause(), Cause::descriptor_overwritten) << offset;
        ring_bytes(machine)[offset] ^= 1;
    }
}

TEST(DiagnosisOfRingMemory, DetectsAnotherUsedRingAddress) {
    QueueMachine machine;
    machine.negotiate();
    machine.make_queue();
    QueueAddresses wrong = machine.queue.addresses();
    wrong.device_area = wrong.driver_area + 64;  // as without the alignment between the rings
    machine.queue.attach();
    ASSERT_TRUE(machine.transport.enable_queue(0, wrong).ok());
    machine.go_live();
    machine.submit_read();
    machine.work();
    EXPECT_EQ(machine.cause(), Cause::padding_overwritten);
}

// QEMU clears NO_NOTIFY in its used ring, and finds nothing in its available ring.
TEST(DiagnosisOfRingMemory, DetectsSwappedRings) {
    for (QueueSetup const& setup : {QueueSetup{}, event_idx}) {
        QueueMachine machine(setup);
        machine.bring_up();
        machine.add_read();
        ASSERT_TRUE(machine.queue.publish());
        avail_bytes(machine)[0] ^= 1;
        Diagnosis const found = machine.look();
        EXPECT_EQ(found.cause(), Cause::rings_swapped);
        EXPECT_TRUE(names(found, Cause::avail_flags_overwritten));
        avail_bytes(machine)[0] ^= 1;
    }
}

TEST(DiagnosisOfRingMemory, DistinguishesOverwrittenFromSwappedRings) {
    QueueMachine machine;
    machine.hostile = true;
    machine.bring_up();
    avail_bytes(machine)[0] ^= 1;
    EXPECT_EQ(machine.cause(), Cause::avail_flags_overwritten);  // nothing was published yet
    avail_bytes(machine)[0] ^= 1;
    machine.submit_read();
    avail_bytes(machine)[0] ^= 1;
    machine.work();
    EXPECT_EQ(machine.cause(), Cause::avail_flags_overwritten);  // the device has answered
    ASSERT_TRUE(machine.queue.take_used());
    EXPECT_EQ(machine.cause(), Cause::avail_flags_overwritten);
    avail_bytes(machine)[2] ^= 0x40;
    EXPECT_EQ(machine.cause(), Cause::avail_index_overwritten);
}

TEST(DiagnosisOfRingMemory, DetectsPagesOffByOne) {
    for (QueueSetup const& setup : {QueueSetup{}, event_idx}) {
        QueueMachine machine(setup);
        machine.hostile = true;
        machine.negotiate();
        VirtQueue<256> queue;
        ASSERT_TRUE(queue.init(machine.memory, 256, machine.negotiation.negotiated).ok());
        queue.attach();
        ASSERT_TRUE(machine.transport.enable_queue(0, queue.addresses()).ok());
        machine.go_live();
        SplitLayout const layout{256};
        std::uint32_t const avail_event = layout.used_ring_offset() + layout.avail_event_offset();
        auto* const bytes = static_cast<unsigned char*>(queue.pages().virt);
        bytes[avail_event - 4096] = 1;  // like a device with an address that is 4096 too low
        Diagnosis const found = diagnose(machine.transport, 0, queue, machine.negotiation.negotiated);
        EXPECT_EQ(found.cause(), setup.event_idx ? Cause::pages_shifted : Cause::padding_overwritten);
        if (setup.event_idx) {
            EXPECT_NE(flattened(found).find("0x1804 of the pages has what belongs to byte 0x2804."), std::string::npos)
                << explained(found);
        }
        bytes[avail_event - 4096] = 0;
        bytes[avail_event - 4096 + 2] = 1;
        EXPECT_EQ(diagnose(machine.transport, 0, queue, machine.negotiation.negotiated).cause(),
                  Cause::padding_overwritten);
        machine.transport.set_status(DeviceStatus{});
        queue.detach();
        ASSERT_TRUE(queue.release(machine.memory).ok());
    }
}

TEST(DiagnosisOfRingMemory, DetectsADeviceCountingFromZero) {
    QueueMachine machine;
    machine.bring_up();
    for (int i = 0; i < 3; ++i) {
        machine.submit_read();
        machine.work();
        ASSERT_TRUE(machine.queue.take_used());
    }
    machine.submit_read();
    machine.hostile = true;
    machine.device.ring()->write_used_idx_raw(1);
    EXPECT_EQ(machine.cause(), Cause::used_index_restarted);
    EXPECT_EQ(machine.queue.take_used().state, CompletionState::broken);
    machine.device.ring()->write_used_idx_raw(4);  // as it continues
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::used_index_restarted);
    EXPECT_EQ(found.first().value, 1u);
    EXPECT_NE(explained(found).find("Found 0x1, expected 0x3."), std::string::npos) << explained(found);
}

TEST(DiagnosisOfRingMemory, DetectsAUsedIndexAhead) {
    QueueMachine machine;
    machine.bring_up();
    machine.submit_read();
    machine.hostile = true;
    machine.device.ring()->write_used_idx_raw(7);
    EXPECT_EQ(machine.cause(), Cause::used_index_ahead);
    EXPECT_EQ(machine.queue.take_used().state, CompletionState::broken);
    EXPECT_EQ(machine.cause(), Cause::used_index_ahead);
}

TEST(DiagnosisOfRingMemory, DetectsABrokenQueue) {
    QueueMachine machine;
    machine.bring_up();
    machine.submit_read();
    machine.hostile = true;
    machine.device.ring()->put_used_raw(100, 0);
    machine.device.ring()->flush_used();
    EXPECT_EQ(machine.queue.take_used().state, CompletionState::broken);
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::queue_broken);
    EXPECT_NE(explained(found).find("fault       100: "), std::string::npos);
}

// --- the buffers --------------------------------------------------------------------------------------------------

class DiagnosisOfBuffers : public ::testing::Test {
protected:
    Cause cause_with(PhysAddr address, DiagnoseOption const& option = {}) {
        QueueMachine machine;
        machine.hostile = true;
        machine.bring_up();
        machine.add_read({address.value == inside_ring ? machine.queue.phys_used() : address, 512});
        EXPECT_TRUE(machine.queue.publish());
        machine.notify();
        machine.work();
        return machine.cause(option);
    }
    static constexpr std::uint64_t inside_ring = 1;
};

TEST_F(DiagnosisOfBuffers, DetectsAddressZero) {
    EXPECT_EQ(cause_with(PhysAddr{0}), Cause::buffer_address_zero);
}

TEST_F(DiagnosisOfBuffers, DetectsAVirtualAddress) {
    EXPECT_EQ(cause_with(PhysAddr{0xffff'8000'1234'5000}), Cause::buffer_address_virtual);
    EXPECT_EQ(cause_with(PhysAddr{0xffff'ffff'8010'0000}), Cause::buffer_address_virtual);
    int on_the_stack = 0;
    std::uint64_t const stack = reinterpret_cast<std::uintptr_t>(&on_the_stack);
    if (stack >> 40 != 0) {  // otherwise, as with 32 bits, it may be memory
        EXPECT_EQ(cause_with(PhysAddr{stack}), Cause::buffer_address_virtual);
    }
}

TEST_F(DiagnosisOfBuffers, DetectsABufferInsideTheQueue) {
    EXPECT_EQ(cause_with(PhysAddr{inside_ring}), Cause::buffer_inside_ring);
}

TEST_F(DiagnosisOfBuffers, DetectsAnAddressOutsideMemory) {
    AddressRange const ram[] = {{PhysAddr{sim::GuestMemory::default_phys_base}, sim::GuestMemory::default_bytes}};
    PhysAddr const above{sim::GuestMemory::default_phys_base + sim::GuestMemory::default_bytes};
    EXPECT_EQ(cause_with(above, {.ram = ram}), Cause::buffer_outside_ram);
    EXPECT_EQ(cause_with(above), Cause::device_needs_reset);
}

TEST_F(DiagnosisOfBuffers, DetectsATruncatedAddress) {
    EXPECT_EQ(cause_with(PhysAddr{0x4000'1000}), Cause::buffer_address_truncated);
}

TEST_F(DiagnosisOfBuffers, NamesTheFirstTruncatedAddress) {
    QueueMachine machine;
    machine.hostile = true;
    machine.bring_up();
    machine.add_read({PhysAddr{0x4000'1000}, 512});  // descriptor 1
    machine.add_read({PhysAddr{0x4000'2000}, 512});
    ASSERT_TRUE(machine.queue.publish());
    machine.notify();
    machine.work();
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::buffer_address_truncated);
    EXPECT_EQ(found.first().descriptor, 1);
    EXPECT_EQ(found.first().value, 0x4000'1000u);
}

TEST_F(DiagnosisOfBuffers, SuspectsNoTruncationBelow4GiB) {
    QueueMachine machine({.phys_base = 0x4000'0000});
    machine.hostile = true;
    machine.bring_up();
    machine.add_read({PhysAddr{0x8000'0000}, 512});
    ASSERT_TRUE(machine.queue.publish());
    machine.notify();
    machine.work();
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::device_needs_reset);
    EXPECT_FALSE(names(found, Cause::buffer_address_truncated)) << explained(found);
}

// Four requests with one status byte: each completes, but nobody can tell which one failed.
TEST_F(DiagnosisOfBuffers, DetectsOverlappingWritableBuffers) {
    for (QueueSetup const& setup : {QueueSetup{}, event_idx, QueueSetup{.indirect = true}}) {
        QueueMachine machine(setup);
        machine.bring_up();
        Segment const shared = machine.buffer(512);
        machine.add_read();
        machine.add_read(shared);
        EXPECT_NE(machine.cause(), Cause::buffer_shared);
        if (setup.indirect) {
            machine.add_read({shared.addr + 500, 512});
        } else {
            DescIndex const desc = *machine.queue.alloc_desc();
            machine.queue.write_desc(desc, shared.addr + 511, 1, 2);
            ASSERT_TRUE(machine.queue.push_avail(desc).ok());
        }
        for (Symptom const symptom : {Symptom::hang, Symptom::none}) {
            Diagnosis const found = machine.look({.symptom = symptom});
            EXPECT_EQ(found.cause(), Cause::buffer_shared) << explained(found);
            EXPECT_EQ(found.first().value, shared.addr.value + (setup.indirect ? 500 : 511));
            EXPECT_NE(flattened(found).find("a status byte and a buffer of its own"), std::string::npos)
                << explained(found);
        }
    }
}

TEST_F(DiagnosisOfBuffers, ComparesALimitedNumber) {
    QueueMachine machine;
    machine.negotiate();
    VirtQueue<256> queue;
    ASSERT_TRUE(queue.init(machine.memory, 256, machine.negotiation.negotiated).ok());
    queue.attach();
    ASSERT_TRUE(machine.transport.enable_queue(0, queue.addresses()).ok());
    machine.go_live();
    auto const add = [&](Segment const& segment) {
        Segment const writable[] = {segment};
        ASSERT_TRUE(queue.add(NoSegments{}, writable, Token{}).ok());
    };
    auto const cause = [&] {
        return diagnose(machine.transport, 0, queue, machine.negotiation.negotiated, {.symptom = Symptom::none})
            .cause();
    };
    Segment const first = machine.buffer(1);
    add(first);
    for (int i = 0; i < 40; ++i) {
        add(machine.buffer(1));
    }
    Segment const late = machine.buffer(1);
    add(late);
    add(late);
    EXPECT_NE(cause(), Cause::buffer_shared);
    add(first);
    EXPECT_EQ(cause(), Cause::buffer_shared);
    machine.hostile = true;
    machine.transport.set_status(DeviceStatus{});
    queue.detach();
    ASSERT_TRUE(queue.release(machine.memory).ok());
}

// --- which side waits -----------------------------------------------------------------------------------------------

class DiagnosisOfWaiting : public ::testing::TestWithParam<QueueSetup> {};

TEST_P(DiagnosisOfWaiting, DetectsAMissingPublish) {
    QueueMachine machine(GetParam());
    machine.bring_up();
    machine.add_read();
    EXPECT_EQ(machine.cause(), Cause::not_published);
}

TEST_P(DiagnosisOfWaiting, DetectsAnUnpublishedPush) {
    QueueMachine machine(GetParam());
    machine.bring_up();
    DescIndex const desc = *machine.queue.alloc_desc();
    machine.queue.write_desc(desc, machine.buffer(16).addr, 16, 2);
    ASSERT_TRUE(machine.queue.push_avail(desc).ok());
    EXPECT_EQ(machine.cause(), Cause::not_published);
}

TEST_P(DiagnosisOfWaiting, DetectsAMissingNotification) {
    QueueMachine machine(GetParam());
    machine.bring_up();
    machine.add_read();
    ASSERT_TRUE(machine.queue.publish());
    machine.work();
    EXPECT_TRUE(names(machine.look(), Cause::never_notified));
}

TEST_P(DiagnosisOfWaiting, DetectsANotificationOfAnotherQueue) {
    QueueMachine machine(GetParam());
    machine.bring_up();
    machine.add_read();
    ASSERT_TRUE(machine.queue.publish());
    EXPECT_NE(flattened(machine.look()).find("notify() of this transport was not called"), std::string::npos);
    machine.transport.notify(1);
    machine.work();
    machine.hostile = true;
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::other_queue_notified) << explained(found);
    EXPECT_NE(flattened(found).find("It was for queue 1 and not 0."), std::string::npos) << explained(found);
    EXPECT_EQ(flattened(found).find("was not called"), std::string::npos) << explained(found);
}

TEST_P(DiagnosisOfWaiting, DetectsAnUnansweredRequest) {
    QueueMachine machine(GetParam());
    machine.bring_up();
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.queue.take_used());
    machine.disk.swallow_next();
    machine.submit_read();
    machine.work();
    ASSERT_EQ(machine.device.backlog(), 0u);
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::not_answered) << explained(found);
    EXPECT_NE(explained(found).find("answered others before"), std::string::npos) << explained(found);
}

TEST_P(DiagnosisOfWaiting, DetectsAnAnswerWithNotificationsOff) {
    QueueMachine machine(GetParam());
    machine.bring_up();
    machine.submit_read();
    machine.work();
    EXPECT_EQ(machine.device.interrupts(), 0u);
    EXPECT_EQ(machine.cause(), Cause::interrupts_off);
}

TEST_P(DiagnosisOfWaiting, DetectsAnUnhandledInterrupt) {
    QueueMachine machine(GetParam());
    machine.bring_up();
    ASSERT_EQ(machine.queue.enable_used_notifications(), MaySleep::yes);
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.device.interrupt_line());
    EXPECT_EQ(machine.cause(), Cause::interrupt_not_handled);
    EXPECT_TRUE(machine.device.interrupt_line());  // it was not acknowledged
    std::string const never = "on_interrupt() was never called";
    EXPECT_NE(flattened(machine.look()).find(never), std::string::npos) << explained(machine.look());
    static_cast<void>(machine.transport.on_interrupt());
    ASSERT_TRUE(machine.queue.take_used());
    machine.submit_read();
    ASSERT_EQ(machine.queue.enable_used_notifications(), MaySleep::yes);
    machine.work();
    EXPECT_EQ(machine.cause(), Cause::interrupt_not_handled);
    std::string const later = flattened(machine.look());
    EXPECT_EQ(later.find(never), std::string::npos) << later;
    // First advice: the interrupt controller may still wait for the end of the last interrupt.
    std::size_t const end =
        later.find("Interrupts came 1 time(s), and then no more. End each one at the interrupt controller");
    EXPECT_LT(end, later.find("Check the line or vector")) << later;
    // The registers alone do not count interrupts.
    Diagnosis const bare = diagnose(machine.transport.mmio_space(), 0, machine.queue, machine.negotiation.negotiated);
    EXPECT_EQ(bare.cause(), Cause::interrupt_not_handled);
    EXPECT_EQ(flattened(bare).find("Interrupts came"), std::string::npos) << explained(bare);
}

TEST_P(DiagnosisOfWaiting, DetectsAnAnswerTheHandlerLeft) {
    QueueMachine machine(GetParam());
    machine.bring_up();
    ASSERT_EQ(machine.queue.enable_used_notifications(), MaySleep::yes);
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.transport.on_interrupt().used_buffer);
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::completions_not_taken);
    EXPECT_NE(flattened(found).find("called on_interrupt() 1 time(s)"), std::string::npos) << explained(found);
    EXPECT_TRUE(names(found, Cause::slept_on_completions));
}

INSTANTIATE_TEST_SUITE_P(OnBoth, DiagnosisOfWaiting,
                         ::testing::Values(QueueSetup{}, event_idx, legacy_disk,
                                           QueueSetup{sim::MmioVersion::legacy, true}));

// A polling device wants no notification, so a missing one is not the cause.
TEST(DiagnosisOfWaitingForAPollingDevice, ExpectsNoNotification) {
    QueueMachine machine;
    machine.bring_up();
    machine.device.ring()->set_no_notify(true);
    machine.add_read();
    EXPECT_FALSE(machine.queue.publish());
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::not_answered);
    EXPECT_FALSE(names(found, Cause::never_notified)) << explained(found);
    EXPECT_EQ(explained(found).find("answered others before"), std::string::npos) << explained(found);
}

TEST(DiagnosisOfWaitingForEventIdx, DetectsAnUnansweredFirstRequest) {
    QueueMachine machine(event_idx);
    machine.bring_up();
    machine.disk.swallow_next();
    machine.submit_read();
    machine.work();
    EXPECT_EQ(machine.cause(), Cause::not_answered);
}

// Onyx 3f666e7f: a driver wrote a wrong high half of an address.
TEST(DiagnosisOfWaitingForAUsedRing, DetectsAUsedRingElsewhere) {
    QueueMachine machine;
    machine.negotiate();
    machine.make_queue();
    sim::Buffer const elsewhere = machine.memory.allocate_buffer(4096, 4096);
    std::memset(elsewhere.virt, 0, elsewhere.bytes);
    QueueAddresses wrong = machine.queue.addresses();
    wrong.device_area = elsewhere.phys;
    machine.queue.attach();
    ASSERT_TRUE(machine.transport.enable_queue(0, wrong).ok());
    machine.go_live();
    ASSERT_EQ(machine.queue.enable_used_notifications(), MaySleep::yes);
    machine.submit_read();
    machine.work();
    EXPECT_EQ(machine.cause(), Cause::used_ring_elsewhere);
}

TEST(DiagnosisOfWaitingForARing, SuspectsADeviceReadingElsewhere) {
    QueueMachine machine;
    machine.negotiate();
    machine.make_queue();
    sim::Buffer const elsewhere = machine.memory.allocate_buffer(8192 + 4096, 4096);
    std::memset(elsewhere.virt, 0, elsewhere.bytes);
    machine.queue.attach();
    ASSERT_TRUE(machine.transport.enable_queue(0, SplitLayout{8}.addresses(elsewhere.phys)).ok());
    machine.go_live();
    machine.submit_read();
    machine.work();
    Diagnosis const found = machine.look();
    ASSERT_GE(found.findings().size(), 2u);
    EXPECT_TRUE(names(found, Cause::ring_configured_elsewhere));
    EXPECT_TRUE(names(found, Cause::never_notified));
}

// If a kernel loses the high half of the addresses, the device does not find a queue above 4 GiB.
TEST(DiagnosisOfWaitingForARing, SuspectsAddressesFirstAbove4GiB) {
    for (std::uint64_t const base : {std::uint64_t{0x4000'0000}, std::uint64_t{0x1'0000'0000}}) {
        QueueMachine machine({.phys_base = base});
        machine.bring_up();
        machine.add_read();
        ASSERT_TRUE(machine.queue.publish());
        EXPECT_EQ(machine.cause(), Cause::never_notified);  // the transport knows that
        auto registers = machine.device.registers();
        Diagnosis const found = diagnose(registers, 0, machine.queue, machine.negotiation.negotiated);
        ASSERT_EQ(found.findings().size(), 3u);
        bool const above = base > UINT32_MAX;
        EXPECT_EQ(found.cause(), above ? Cause::ring_configured_elsewhere : Cause::never_notified);
        EXPECT_EQ(found.findings()[1].cause, above ? Cause::never_notified : Cause::ring_configured_elsewhere);
    }
}

TEST(DiagnosisOfWaitingForARing, ShowsTheSupposedDirectMap) {
    Diagnosis diagnosis;
    diagnosis.has_queue = true;
    diagnosis.device.reach = DeviceSnapshot::Reach::queue;
    diagnosis.queue.size = 8;
    diagnosis.queue.pages = {reinterpret_cast<void*>(std::uintptr_t{0x4000'1000}), PhysAddr{0x1000}, 1};
    diagnosis.add({Cause::ring_not_seen});
    EXPECT_NE(flattened(diagnosis).find("is 0x40000000: is your direct map there?"), std::string::npos)
        << explained(diagnosis);
    diagnosis.queue.pages.phys = PhysAddr{0x4000'1000};
    EXPECT_EQ(explained(diagnosis).find("direct map"), std::string::npos) << explained(diagnosis);
}

TEST(DiagnosisOfWaitingForARing, SuspectsASecondDriverAfterAnswers) {
    QueueMachine machine{{.event_idx = true}};
    machine.bring_up();
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.queue.take_used());
    // A second driver resets the device, and configures a queue of its own.
    VirtQueue<QueueMachine::size> second;
    SpinRelax relax;
    MmioTransport<sim::MmioRegisters> same_slot;
    ASSERT_TRUE(same_slot.probe(machine.device.registers()).ok());
    DeviceInit<MmioTransport<sim::MmioRegisters>> init{same_slot};
    Negotiation negotiation = machine.negotiation;
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{100}, relax).ok());
    ASSERT_TRUE(init.set_up_queue(0, second, machine.memory, negotiation.negotiated).ok());
    ASSERT_TRUE(init.go_live().ok());
    machine.submit_read();
    machine.work();
    EXPECT_TRUE(names(machine.look(), Cause::second_driver));
    EXPECT_FALSE(names(machine.look(), Cause::ring_configured_elsewhere));
    for (Cause const cause : {Cause::ring_not_seen, Cause::ring_configured_elsewhere}) {
        EXPECT_NE(std::string{advise(cause)}.find("second driver"), std::string::npos);
    }
    machine.transport.set_status(DeviceStatus{});
    second.detach();
    ASSERT_TRUE(second.release(machine.memory).ok());
}

TEST(DiagnosisOfWaitingForDescriptors, DetectsDescriptorsNeverFreed) {
    QueueMachine machine;
    machine.bring_up();
    while (machine.queue.alloc_desc()) {
    }
    EXPECT_EQ(machine.cause(), Cause::descriptors_not_freed);
}

// --- other sources ------------------------------------------------------------------------------------------------

/// A transport that hides its registers.
class Opaque {
public:
    explicit Opaque(MmioTransport<sim::MmioRegisters>& transport) : transport_(transport) {}
    [[nodiscard]] spec::DeviceId device_id() const { return transport_.device_id(); }
    [[nodiscard]] bool is_legacy() const { return transport_.is_legacy(); }
    [[nodiscard]] DeviceStatus status() { return transport_.status(); }
    [[nodiscard]] std::uint32_t offered_features(unsigned word) { return transport_.offered_features(word); }
    [[nodiscard]] std::uint32_t queue_size_max(std::uint16_t queue) { return transport_.queue_size_max(queue); }
    [[nodiscard]] bool is_queue_in_use(std::uint16_t queue) { return transport_.is_queue_in_use(queue); }

private:
    MmioTransport<sim::MmioRegisters>& transport_;
};

TEST(DiagnosisThroughATransport, NeedsNoRegisters) {
    for (QueueSetup const& setup : {QueueSetup{}, legacy_disk}) {
        QueueMachine machine(setup);
        machine.negotiate();
        Opaque transport{machine.transport};
        machine.make_queue();
        Features const& negotiated = machine.negotiation.negotiated;
        EXPECT_EQ(diagnose(transport, 0, machine.queue, negotiated).cause(), Cause::queue_not_enabled);
        machine.enable_queue();
        EXPECT_EQ(diagnose(transport, 0, machine.queue, negotiated).cause(), Cause::driver_ok_missing);
        machine.go_live();
        EXPECT_EQ(diagnose(transport, 0, machine.queue, negotiated).cause(), Cause::nothing_asked);
        EXPECT_EQ(diagnose(transport).cause(), Cause::none);
    }
}

TEST(DiagnosisThroughATransport, ReadsNoQueueBeforeFeaturesOk) {
    QueueMachine machine;
    machine.probe();
    Opaque transport{machine.transport};
    machine.transport.set_status(DeviceStatus{});
    machine.transport.set_status(DeviceStatus{1});
    EXPECT_EQ(diagnose(transport).cause(), Cause::device_not_initialised);
    EXPECT_FALSE(diagnose(transport).device.offered.has_value());
    machine.transport.set_status(DeviceStatus{3});
    Diagnosis const found = diagnose(transport);
    EXPECT_EQ(found.cause(), Cause::features_not_accepted);
    EXPECT_TRUE(found.device.offered.has_value());
    EXPECT_FALSE(found.device.queue_size_max.has_value());
}

/// A suspended device: SUSPEND replaces DRIVER_OK (§3.4).
class Suspended : public Opaque {
public:
    using Opaque::Opaque;
    [[nodiscard]] DeviceStatus status() { return DeviceStatus{1 + 2 + 8 + 16}; }
};

TEST(DiagnosisThroughATransport, DetectsASuspendedDevice) {
    QueueMachine machine;
    machine.bring_up();
    Suspended transport{machine.transport};
    EXPECT_EQ(diagnose(transport).cause(), Cause::device_suspended);
    EXPECT_EQ(diagnose(transport, 0, machine.queue, machine.negotiation.negotiated).cause(), Cause::device_suspended);
}

/// A legacy device that keeps FEATURES_OK, as QEMU's does.
class KeepsFeaturesOk : public Opaque {
public:
    using Opaque::Opaque;
    [[nodiscard]] DeviceStatus status() { return DeviceStatus{1 + 2 + 4 + 8}; }
};

TEST(DiagnosisThroughATransport, DetectsFeaturesOkOnLegacyDevices) {
    QueueMachine machine(legacy_disk);
    machine.bring_up();
    KeepsFeaturesOk transport{machine.transport};
    EXPECT_EQ(diagnose(transport).cause(), Cause::legacy_driven_as_modern);
}

TEST(DiagnosisThroughATransport, DetectsAGoneDevice) {
    QueueMachine machine;
    machine.bring_up();
    Opaque transport{machine.transport};
    machine.device.vanish();
    EXPECT_EQ(diagnose(transport).cause(), Cause::device_gone);
}

TEST(DiagnosisThroughATransport, FindsNothingOnALiveDevice) {
    QueueMachine machine;
    machine.bring_up();
    EXPECT_EQ(diagnose(machine.transport).cause(), Cause::none);
}

// A handler that takes the completions and never acknowledges. The end of the interrupt then works by luck (faults C7).
TEST(DiagnosisOfWaiting, DetectsAnUnacknowledgedInterrupt) {
    QueueMachine machine;
    machine.bring_up();
    ASSERT_EQ(machine.queue.enable_used_notifications(), MaySleep::yes);
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.device.interrupt_line());
    ASSERT_TRUE(machine.queue.take_used());  // without on_interrupt()
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::interrupt_not_acknowledged) << explained(found);
    EXPECT_EQ(found.first().value, 1u);
    EXPECT_FALSE(found.is_healthy());
    EXPECT_NE(explained(found).find("on_interrupt()"), std::string::npos) << explained(found);
    EXPECT_TRUE(machine.look({.symptom = Symptom::none}).is_healthy());  // a short delay is normal
    // If the next request is not answered, that comes first.
    machine.disk.swallow_next();
    machine.submit_read();
    machine.work();
    EXPECT_EQ(machine.cause(), Cause::not_answered);
    EXPECT_TRUE(names(machine.look(), Cause::interrupt_not_acknowledged)) << explained(machine.look());
    static_cast<void>(machine.transport.on_interrupt());
    EXPECT_FALSE(names(machine.look(), Cause::interrupt_not_acknowledged));
}

// A polling kernel acknowledges nothing, and need not.
TEST(DiagnosisOfWaiting, AsksNoPollingKernelToAcknowledge) {
    QueueMachine machine;
    machine.bring_up();
    ASSERT_EQ(machine.queue.enable_used_notifications(), MaySleep::yes);
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.queue.take_used());
    machine.queue.disable_used_notifications();
    EXPECT_EQ(machine.cause(), Cause::nothing_in_flight);
}

// A device that continues after it reported a reset as complete (faults B12).
TEST(DiagnosisOfRingMemory, DetectsADeviceThatIgnoresReset) {
    QueueMachine machine;
    machine.bring_up();
    machine.hostile = true;
    for (int i = 0; i < 3; ++i) {
        machine.submit_read();
        machine.work();
        ASSERT_TRUE(machine.queue.take_used());
    }
    machine.queue.detach();
    machine.transport.set_status(DeviceStatus{});
    SpinRelax relax;
    ASSERT_TRUE(machine.init.negotiate(machine.negotiation, PollLimit{100}, relax).ok());
    ASSERT_TRUE(machine.queue.restart(machine.negotiation.negotiated).ok());
    machine.enable_queue();
    machine.go_live();
    machine.add_read();
    static_cast<void>(machine.queue.publish());
    ring_bytes(machine)[SplitLayout{QueueMachine::size}.used_ring_offset() + 2] = 4;  // as if it had not been reset
    Diagnosis found = machine.look();
    EXPECT_EQ(found.cause(), Cause::used_index_ahead) << explained(found);
    EXPECT_NE(flattened(found).find("continues with its old state"), std::string::npos) << explained(found);
    EXPECT_NE(flattened(found).find("QEMU 7.2"), std::string::npos) << explained(found);
    ASSERT_EQ(machine.queue.take_used().state, CompletionState::broken);
    EXPECT_EQ(machine.queue.fault().reason, FaultReason::used_index_ahead);
    found = machine.look();
    EXPECT_EQ(found.cause(), Cause::used_index_ahead) << explained(found);
    EXPECT_NE(std::string{describe(machine.queue.fault().reason)}.find("after a reset"), std::string::npos);
}

}  // namespace
}  // namespace virtq::test
