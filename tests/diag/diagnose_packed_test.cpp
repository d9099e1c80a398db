// SPDX-License-Identifier: MIT
#include <diag/queue_machine.hpp>

#include <cstdint>
#include <cstring>
#include <string>

/// Produces each cause on a simulated disk with packed queues, and checks that it is named.
namespace virtq::test {
namespace {

using PackedMachine = QueueMachineOf<Packed>;

constexpr std::uint64_t low_memory =
    0x4000'0000;  ///< below 4 GiB a lost notification is likelier than a truncated address

constexpr auto plain = QueueSetup{.phys_base = low_memory, .packed = true};
constexpr auto with_event_idx = QueueSetup{.event_idx = true, .phys_base = low_memory, .packed = true};
constexpr auto with_tables = QueueSetup{.phys_base = low_memory, .packed = true, .indirect = true};
constexpr auto in_order = QueueSetup{.phys_base = low_memory, .packed = true, .in_order = true};
constexpr auto with_all =
    QueueSetup{.event_idx = true, .phys_base = low_memory, .packed = true, .indirect = true, .in_order = true};

constexpr PackedLayout layout{PackedMachine::size};

template <class Machine>
unsigned char* ring_bytes(Machine& machine) {
    return static_cast<unsigned char*>(machine.queue.pages().virt);
}
template <class Machine>
unsigned char* table_bytes(Machine& machine) {
    return static_cast<unsigned char*>(machine.queue.table_pages().virt);
}

/// Adds a request of two descriptors in the ring, even if the queue has tables: it is too short for one.
template <class Machine>
void add_two(Machine& machine, Segment const& data) {
    Segment const readable[] = {machine.buffer(16)};
    Segment const writable[] = {data};
    ASSERT_TRUE(machine.queue.add(readable, writable, Token{++machine.token}).ok());
}

// --- which side waits -----------------------------------------------------------------------------------------------

class DiagnosisOfAPackedQueue : public testing::TestWithParam<QueueSetup> {};

TEST_P(DiagnosisOfAPackedQueue, FindsNothingWhenItIsIdle) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    for (int i = 0; i < 20; ++i) {
        // The third lap has the same flags as the first one.
        Cause const expected = i == 0 ? Cause::nothing_asked : Cause::nothing_in_flight;
        EXPECT_EQ(machine.cause(), expected) << explained(machine.look());
        machine.submit_read();
        EXPECT_EQ(machine.cause({.symptom = Symptom::none}), Cause::none);
        machine.work();
        EXPECT_EQ(machine.cause({.symptom = Symptom::none}), Cause::none);
        ASSERT_TRUE(machine.queue.take_used());
    }
}

TEST_P(DiagnosisOfAPackedQueue, DetectsAMissingPublish) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    machine.add_read();
    EXPECT_EQ(machine.cause(), Cause::not_published);
    machine.add_read();
    EXPECT_EQ(machine.look().first().value, 2u);
}

TEST_P(DiagnosisOfAPackedQueue, DetectsAMissingNotification) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    machine.add_read();
    ASSERT_TRUE(machine.queue.publish());
    machine.work();
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::never_notified) << explained(found);
    EXPECT_TRUE(names(found, Cause::ring_configured_elsewhere));
}

TEST_P(DiagnosisOfAPackedQueue, DetectsAnUnansweredRequest) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.queue.take_used());
    machine.disk.swallow_next();
    machine.submit_read();
    machine.work();
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::not_answered) << explained(found);
    EXPECT_NE(explained(found).find("answered others before"), std::string::npos) << explained(found);
}

TEST_P(DiagnosisOfAPackedQueue, ExpectsNoNotificationOfPollingDevices) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    machine.device.packed_ring()->set_no_notify(true);
    machine.add_read();
    EXPECT_FALSE(machine.queue.publish());
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::not_answered);
    EXPECT_FALSE(names(found, Cause::never_notified)) << explained(found);
    EXPECT_NE(explained(found).find(", disabled\n"), std::string::npos);
}

TEST_P(DiagnosisOfAPackedQueue, DetectsAnUntakenAnswer) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    machine.submit_read();
    machine.work();
    EXPECT_EQ(machine.cause(), Cause::interrupts_off);
    ASSERT_TRUE(machine.queue.take_used());
    ASSERT_EQ(machine.queue.enable_used_notifications(), MaySleep::yes);
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.device.interrupt_line());
    EXPECT_EQ(machine.cause(), Cause::interrupt_not_handled);
    ASSERT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_EQ(machine.cause(), Cause::completions_not_taken);
}

// --- the memory of the ring ---------------------------------------------------------------------------------------

TEST_P(DiagnosisOfAPackedQueue, DetectsAnOverwrittenEventStructure) {
    PackedMachine machine(GetParam());
    machine.hostile = true;
    machine.bring_up();
    auto const expect_overwritten = [&](sim::EventSuppression const& event) {
        std::uint32_t word = 0;
        std::memcpy(&word, ring_bytes(machine) + layout.driver_event_offset(), 4);
        machine.device.packed_ring()->scribble_driver_event(event);
        Diagnosis const found = machine.look();
        EXPECT_EQ(found.cause(), Cause::driver_event_overwritten) << explained(found);
        EXPECT_NE(explained(found).find(", expected 0x"), std::string::npos) << explained(found);
        std::memcpy(ring_bytes(machine) + layout.driver_event_offset(), &word, 4);
        EXPECT_EQ(machine.cause(), Cause::nothing_asked);
    };
    expect_overwritten({0, 0});
    expect_overwritten({0, 2});
    expect_overwritten({0, 5});
    expect_overwritten({9, 1});
    ASSERT_EQ(machine.queue.enable_used_notifications(), MaySleep::yes);
    expect_overwritten({0, 1});
    expect_overwritten({0, GetParam().event_idx ? std::uint16_t{0} : std::uint16_t{2}});
}

TEST_P(DiagnosisOfAPackedQueue, DetectsWritesBeyondTheQueue) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    for (std::uint32_t const offset : {layout.total_bytes(), 4094u}) {
        ring_bytes(machine)[offset] = 1;
        Diagnosis const found = machine.look();
        EXPECT_EQ(found.cause(), Cause::padding_overwritten);
        EXPECT_EQ(found.first().value, offset);
        ring_bytes(machine)[offset] = 0;
    }
}

TEST_P(DiagnosisOfAPackedQueue, DetectsABrokenQueue) {
    PackedMachine machine(GetParam());
    machine.hostile = true;
    machine.bring_up();
    machine.disk.swallow_next();
    machine.submit_read();
    machine.work();
    machine.add_read();
    machine.device.packed_ring()->put_used_raw(77, 0);
    machine.device.packed_ring()->flush_used();
    EXPECT_EQ(machine.cause(), Cause::interrupts_off);  // the driver has not looked at the ring yet
    EXPECT_NE(printed([&](auto sink) { dump(machine.queue, sink); }).find("id 77, which is not in flight"),
              std::string::npos)
        << printed([&](auto sink) { dump(machine.queue, sink); });
    ASSERT_EQ(machine.queue.take_used().state, CompletionState::broken);
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::queue_broken) << explained(found);
    EXPECT_EQ(found.findings().size(), 1u) << explained(found);
    EXPECT_NE(explained(found).find("77: The device used a descriptor number"), std::string::npos);
}

TEST_P(DiagnosisOfAPackedQueue, DetectsAnOverwrittenDescriptor) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    for (int lap = 0; lap < 20; ++lap) {  // covers both values of the wrap counter
        auto const at = static_cast<std::uint16_t>(take_snapshot(machine.queue).packed_ring.next.offset());
        auto const second = static_cast<std::uint16_t>((at + 1) % PackedMachine::size);
        add_two(machine, machine.buffer(512 + 1));
        // Flags, id, writable lengths, AVAIL and USED, before and after the publish.
        for (int published = 0; published < 2; ++published) {
            for (unsigned const offset : {at * 16u + 12u, at * 16u + 14u, at * 16u + 15u, second * 16u + 8u,
                                          second * 16u + 12u, second * 16u + 14u, second * 16u + 15u}) {
                unsigned char const flip = offset % 16 == 15 ? 0x80 : offset % 16 == 14 ? 0x81 : 1;
                ring_bytes(machine)[offset] ^= flip;
                Diagnosis const found = machine.look();
                // Out of order, only the id assigns a published descriptor to a chain. The first descriptor then looks
                // like a used one.
                bool const is_known = published == 0 || GetParam().in_order || offset != second * 16u + 12u;
                EXPECT_TRUE(found.cause() == Cause::descriptor_overwritten || offset == at * 16u + 15u || !is_known)
                    << explained(found) << offset;
                ring_bytes(machine)[offset] ^= flip;
            }
            EXPECT_FALSE(names(machine.look(), Cause::descriptor_overwritten)) << explained(machine.look());
            static_cast<void>(machine.queue.publish());
        }
        machine.notify();
        machine.work();
        ASSERT_TRUE(machine.queue.take_used());
    }
}

INSTANTIATE_TEST_SUITE_P(OfEachKind, DiagnosisOfAPackedQueue,
                         testing::Values(plain, with_event_idx, with_tables, in_order, with_all));

// The descriptors of chains completed out of order stay in place, and their ids are used again.
TEST(DiagnosisOfAPackedQueueOutOfOrder, KnowsWhichChainsWereAnswered) {
    PackedMachine machine(plain);
    machine.hostile = true;
    machine.bring_up();
    for (int i = 0; i < 3; ++i) {
        add_two(machine, machine.buffer(513));  // ids 0, 1, 2
    }
    static_cast<void>(machine.queue.publish());
    sim::PackedQueue& ring = *machine.device.packed_ring();
    ring.put_used_raw(1, 0, 0x8080, 2);  // at the position of the first chain
    ring.flush_used();
    ASSERT_TRUE(machine.queue.take_used());
    add_two(machine, machine.buffer(513));  // id 1 again
    static_cast<void>(machine.queue.publish());
    EXPECT_EQ(machine.cause({.symptom = Symptom::none}), Cause::none) << explained(machine.look());
    std::string const text = printed([&](auto sink) { dump(machine.queue, sink); });
    // The later chain with id 1 is in flight. The earlier one has the flags of its own lap.
    EXPECT_NE(text.find("  id          1    in flight 2 descriptors, writable 0x201\n"), std::string::npos) << text;
    // The device has overwritten the descriptors of the first chain. Of the earlier id 1 only the flags are checked.
    ring_bytes(machine)[2 * 16 + 8] ^= 1;
    EXPECT_EQ(machine.cause({.symptom = Symptom::none}), Cause::none) << explained(machine.look());
    ring_bytes(machine)[2 * 16 + 14] ^= 0x80;
    EXPECT_EQ(machine.cause(), Cause::descriptor_overwritten);
    EXPECT_EQ(machine.look().first().descriptor, 2);
    ring_bytes(machine)[2 * 16 + 14] ^= 0x80;
    ring_bytes(machine)[7 * 16 + 13] ^= 0x80;
    EXPECT_EQ(machine.look().first().descriptor, 7);
}

TEST(DiagnosisOfAPackedQueueOutOfOrder, RejectsATooLongUsedDescriptor) {
    PackedMachine machine(plain);
    machine.hostile = true;
    machine.bring_up();
    Segment const one[] = {machine.buffer(1)};
    ASSERT_TRUE(machine.queue.add({}, one, Token{1}).ok());
    add_two(machine, machine.buffer(513));
    static_cast<void>(machine.queue.publish());
    sim::PackedQueue& ring = *machine.device.packed_ring();
    ring.put_used_raw(1, 0, 0x8080, 2);
    ring.put_used_raw(1, 0, 0x8080, 1);  // the second time
    ring.flush_used();
    EXPECT_EQ(machine.cause(), Cause::interrupts_off);
    EXPECT_FALSE(printed([&](auto sink) { dump(machine.queue, sink); }).empty());
}

TEST(DiagnosisOfAPackedQueueOutOfOrder, RejectsAFreeId) {
    PackedMachine machine(plain);
    machine.hostile = true;
    machine.bring_up();
    add_two(machine, machine.buffer(513));
    static_cast<void>(machine.queue.publish());
    machine.device.packed_ring()->put_used_raw(5, 0, 0x8080, 2);
    machine.device.packed_ring()->flush_used();
    EXPECT_EQ(machine.cause(), Cause::interrupts_off);
    EXPECT_NE(printed([&](auto sink) { dump(machine.queue, sink); }).find("id 5, which is not"), std::string::npos);
}

TEST(DiagnosisOfAPackedQueueInOrder, RejectsATooLargeBatch) {
    PackedMachine machine(in_order);
    machine.hostile = true;
    machine.bring_up();
    add_two(machine, machine.buffer(513));
    static_cast<void>(machine.queue.publish());
    machine.device.packed_ring()->put_used_raw(5, 0, 0x8080, 2);
    machine.device.packed_ring()->flush_used();
    EXPECT_EQ(machine.cause(), Cause::interrupts_off);
    EXPECT_NE(printed([&](auto sink) { dump(machine.queue, sink); }).find("not in flight"), std::string::npos);
}

/// Publishes one chain, adds another, and lets the device use a wrong id. The unpublished chain is not checked.
TEST(DiagnosisOfABrokenPackedQueue, IgnoresUnpublishedChains) {
    for (QueueSetup const& setup : {plain, in_order}) {
        PackedMachine machine(setup);
        machine.hostile = true;
        machine.bring_up();
        Segment const one[] = {machine.buffer(1)};
        ASSERT_TRUE(machine.queue.add({}, one, Token{1}).ok());
        static_cast<void>(machine.queue.publish());
        add_two(machine, machine.buffer(513));
        sim::PackedDescriptor const honest = machine.device.packed_ring()->descriptor(0);
        machine.device.packed_ring()->put_used_raw(6, 0);
        machine.device.packed_ring()->flush_used();
        ASSERT_EQ(machine.queue.take_used().state, CompletionState::broken);
        machine.device.packed_ring()->scribble_descriptor(0, honest);
        Diagnosis const found = machine.look();
        EXPECT_EQ(found.cause(), Cause::queue_broken) << explained(found);
        EXPECT_EQ(found.findings().size(), 1u) << explained(found);
        EXPECT_FALSE(printed([&](auto sink) { dump(machine.queue, sink); }).empty());
    }
}

// An id out of range, an invalid table, a reserved event value: the picture is complete nevertheless.
TEST(DiagnosisOfAnOverwrittenPackedQueue, StillShowsTheRing) {
    for (QueueSetup const& setup : {plain, with_tables, in_order}) {
        PackedMachine machine(setup);
        machine.hostile = true;
        machine.bring_up();
        Segment const one[] = {machine.buffer(1)};
        ASSERT_TRUE(machine.queue.add({}, one, Token{1}).ok());
        static_cast<void>(machine.queue.publish());
        ASSERT_TRUE(machine.queue.add({}, one, Token{2}).ok());
        ASSERT_TRUE(machine.queue.add({}, one, Token{3}).ok());
        machine.device.packed_ring()->write_device_event_raw({0, 3});
        for (unsigned const offset : {12u, 13u, 14u, 16u + 12u, 16u + 13u}) {
            ring_bytes(machine)[offset] ^= 0x44;
            EXPECT_FALSE(machine.look().findings().empty());
            EXPECT_NE(explained(machine.look()).find(", reserved\n"), std::string::npos);
            EXPECT_LE(columns(printed([&](auto sink) { dump(machine.queue, sink); })), 79u);
            ring_bytes(machine)[offset] ^= 0x44;
        }
        ring_bytes(machine)[14] ^= 0x04;  // INDIRECT
        EXPECT_NE(printed([&](auto sink) { dump(machine.queue, sink, Lines{4}); }).find("more entries"),
                  std::string::npos);
        EXPECT_NE(printed([&](auto sink) { dump(machine.queue, sink); }).find("indirect, id 0"), std::string::npos);
        ring_bytes(machine)[13] ^= 0x44;
        EXPECT_NE(printed([&](auto sink) { dump(machine.queue, sink); }).find("indirect, id 17408"),
                  std::string::npos);
    }
}

TEST(DiagnosisOfAPackedQueueInOrder, LimitsTheLinesOfADump) {
    PackedMachine machine(plain);
    machine.bring_up();
    machine.submit_read();
    machine.work();
    EXPECT_NE(printed([&](auto sink) { dump(machine.queue, sink, Lines{1}); }).find("and 1 more entries"),
              std::string::npos);
}

// --- buffers and tables -------------------------------------------------------------------------------------------

/// The diagnosis of a request with `data` that is added but not published.
template <class Format>
Cause cause_with(QueueSetup const& setup, PhysAddr data, DiagnoseOption const& option = {}) {
    QueueMachineOf<Format> machine(setup);
    machine.bring_up();
    machine.add_read({data, 512});
    std::string const text = explained(machine.look(option));
    EXPECT_LE(columns(text), 79u) << text;
    return machine.cause(option);
}

template <class Format>
void expect_bad_addresses(QueueSetup const& setup) {
    AddressRange const ram[] = {{PhysAddr{low_memory}, 64u << 20}};
    EXPECT_EQ(cause_with<Format>(setup, PhysAddr{0}), Cause::buffer_address_zero);
    EXPECT_EQ(cause_with<Format>(setup, PhysAddr{0xffff'8000'0000'0000}), Cause::buffer_address_virtual);
    EXPECT_EQ(cause_with<Format>(setup, PhysAddr{low_memory + 64}), Cause::buffer_inside_ring);
    EXPECT_EQ(cause_with<Format>(setup, PhysAddr{0x9000'0000}, {.ram = ram}), Cause::buffer_outside_ram);
    EXPECT_EQ(cause_with<Format>(setup, PhysAddr{low_memory + 0x10'0000}, {.ram = ram}), Cause::not_published);
}

TEST(DiagnosisOfPackedBuffers, DetectsBadAddresses) {
    expect_bad_addresses<Packed>(plain);
    expect_bad_addresses<Packed>(in_order);
}
TEST(DiagnosisOfPackedBuffers, DetectsBadAddressesInTables) {
    expect_bad_addresses<Packed>(with_tables);
    expect_bad_addresses<Packed>(with_all);
    expect_bad_addresses<Split>({.phys_base = low_memory, .indirect = true});
    expect_bad_addresses<Split>({.phys_base = low_memory, .indirect = true, .in_order = true});
    expect_bad_addresses<AnyFormat>(with_all);
}

TEST(DiagnosisOfPackedBuffers, DetectsABufferInTheTables) {
    PackedMachine machine(with_tables);
    machine.bring_up();
    machine.add_read({machine.queue.table_pages().phys + 512, 512});
    EXPECT_EQ(machine.cause(), Cause::buffer_inside_ring);
}

template <class Format>
void expect_tables_checked(QueueSetup const& setup, bool has_links) {
    QueueMachineOf<Format> machine(setup);
    machine.bring_up();
    machine.add_read();
    static_cast<void>(machine.queue.publish());
    EXPECT_TRUE(names(machine.look(), Cause::never_notified)) << explained(machine.look());
    // In the ring: address, length (no whole entry, 0, too long), flags. In the table: direction, length, flags, link.
    constexpr unsigned flags_in_ring[] = {12, 14};
    for (unsigned const offset : {1u, 8u, 9u, 10u, flags_in_ring[setup.packed ? 1 : 0]}) {
        ring_bytes(machine)[offset] ^= 4;
        EXPECT_EQ(machine.cause(), Cause::descriptor_overwritten) << offset;
        ring_bytes(machine)[offset] ^= 4;
    }
    ring_bytes(machine)[8] ^= 3 * 16;  // a length of 0
    EXPECT_EQ(machine.cause(), Cause::descriptor_overwritten);
    ring_bytes(machine)[8] ^= 3 * 16;
    ring_bytes(machine)[9] ^= 0x10;  // many entries
    EXPECT_EQ(printed([&](auto sink) { dump(machine.queue, sink); }).find("[8] in table"), std::string::npos);
    ring_bytes(machine)[9] ^= 0x10;
    unsigned const flags = setup.packed ? 14 : 12;
    for (unsigned const offset : {16u + 8u, flags, 16u + flags, 32u + flags}) {
        table_bytes(machine)[offset] ^= 2 | 4;
        EXPECT_EQ(machine.cause(), Cause::descriptor_overwritten) << offset;
        table_bytes(machine)[offset] ^= 2 | 4;
    }
    table_bytes(machine)[14] ^= 8;
    EXPECT_EQ(machine.cause() == Cause::descriptor_overwritten, has_links || setup.packed)
        << explained(machine.look());
    table_bytes(machine)[14] ^= 8;
    EXPECT_TRUE(names(machine.look(), Cause::never_notified)) << explained(machine.look());
}

TEST(DiagnosisOfTables, DetectsOverwrittenEntries) {
    expect_tables_checked<Packed>(with_tables, false);
    expect_tables_checked<Packed>(with_all, false);
    expect_tables_checked<Split>({.phys_base = low_memory, .indirect = true}, true);
    expect_tables_checked<Split>({.phys_base = low_memory, .indirect = true, .in_order = true}, true);
}

TEST(DiagnosisOfTables, RecognisesBlockRequests) {
    PackedMachine machine(with_tables);
    machine.bring_up();
    Segment const readable[] = {machine.buffer(8)};
    Segment const writable[] = {machine.buffer(512), machine.buffer(1)};
    ASSERT_TRUE(machine.queue.add(readable, writable, Token{1}).ok());
    static_cast<void>(machine.queue.publish());
    Diagnosis const found = machine.look();
    EXPECT_TRUE(names(found, Cause::not_a_block_request)) << explained(found);
}

TEST(DiagnosisOfInOrder, DetectsAnOverwrittenSplitDescriptor) {
    QueueMachine machine({.phys_base = low_memory, .in_order = true});
    machine.bring_up();
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.queue.take_used());
    EXPECT_EQ(machine.cause(), Cause::nothing_in_flight) << explained(machine.look());
    machine.add_read();  // 3, 4, 5
    for (unsigned const offset : {3 * 16u + 12u, 4 * 16u + 8u, 4 * 16u + 14u, 5 * 16u + 12u}) {
        ring_bytes(machine)[offset] ^= 1;
        EXPECT_EQ(machine.cause(), Cause::descriptor_overwritten) << offset;
        EXPECT_EQ(machine.look().first().descriptor, offset == 4 * 16u + 8u ? 3 : offset / 16);
        ring_bytes(machine)[offset] ^= 1;
    }
    EXPECT_EQ(machine.cause(), Cause::not_published);
}

// --- features and set-up ------------------------------------------------------------------------------------------

template <class Format>
Diagnosis with_other_features(QueueSetup const& setup, spec::Feature feature, Cause expected) {
    QueueMachineOf<Format> machine(setup);
    machine.hostile = true;
    machine.bring_up();
    Features other = machine.negotiation.negotiated;
    other.has(feature) ? other.clear(feature) : other.set(feature);
    Diagnosis const found = diagnose(machine.transport, 0, machine.queue, other);
    EXPECT_TRUE(names(found, expected)) << explained(found);
    EXPECT_EQ(names(found, Cause::feature_not_offered), other.has(feature));
    EXPECT_NE(explained(found).find("VIRTIO_F_"), std::string::npos);
    return found;
}

TEST(DiagnosisOfFormats, DetectsAnotherFormat) {
    with_other_features<Packed>(plain, spec::Feature::ring_packed, Cause::queue_feature_not_negotiated);
    with_other_features<AnyFormat>(plain, spec::Feature::ring_packed, Cause::queue_feature_not_negotiated);
    with_other_features<Split>({}, spec::Feature::ring_packed, Cause::feature_not_given_to_queue);
    with_other_features<AnyFormat>({}, spec::Feature::ring_packed, Cause::feature_not_given_to_queue);
}
TEST(DiagnosisOfFormats, DetectsFeaturesOfOneSideOnly) {
    with_other_features<Packed>(plain, spec::Feature::in_order, Cause::feature_not_given_to_queue);
    with_other_features<Packed>(in_order, spec::Feature::in_order, Cause::queue_feature_not_negotiated);
    with_other_features<Split>({.in_order = true}, spec::Feature::in_order, Cause::queue_feature_not_negotiated);
    with_other_features<Packed>(with_tables, spec::Feature::indirect_desc, Cause::queue_feature_not_negotiated);
    with_other_features<Packed>(plain, spec::Feature::event_idx, Cause::event_idx_not_given_to_queue);
    with_other_features<Packed>(with_event_idx, spec::Feature::event_idx, Cause::event_idx_not_negotiated);
}

TEST(DiagnosisOfFormats, DetectsADeviceUsingEventIdx) {
    PackedMachine machine(plain);
    machine.hostile = true;
    machine.bring_up();
    machine.device.packed_ring()->write_device_event_raw({3, 2});
    machine.add_read();
    static_cast<void>(machine.queue.publish());
    EXPECT_EQ(machine.cause(), Cause::device_uses_event_idx);
}

TEST(DiagnosisOfFormats, DetectsARestartedDevice) {
    PackedMachine machine{{.event_idx = true, .packed = true}};
    machine.bring_up();
    for (int i = 0; i < 2; ++i) {
        machine.submit_read();
        machine.work();
        ASSERT_TRUE(machine.queue.take_used());
    }
    machine.submit_read();
    // As after a reset that the queue does not know of: the device waits for the first descriptor of the first lap.
    machine.device.packed_ring()->write_device_event_raw(sim::EventSuppression::at({0, true}));
    EXPECT_EQ(machine.cause(), Cause::used_index_restarted) << explained(machine.look());
    machine.work();
    ASSERT_TRUE(machine.queue.take_used());
}

TEST(DiagnosisOfPackedSetUp, DetectsWhatIsMissing) {
    PackedMachine machine(plain);
    machine.negotiate();
    EXPECT_EQ(machine.cause(), Cause::queue_not_initialised);
    EXPECT_EQ(printed([&](auto sink) { dump(machine.queue, sink); }),
              "virtq: packed queue of 0, 0 free, 0 outstanding\n");
    machine.make_queue();
    EXPECT_EQ(machine.cause(), Cause::queue_not_enabled);
    machine.enable_queue();
    EXPECT_EQ(machine.cause(), Cause::driver_ok_missing);
    machine.go_live();
    EXPECT_EQ(machine.cause(), Cause::nothing_asked);
}

TEST(DiagnosisOfPackedSetUp, DetectsADrainedQueue) {
    for (QueueSetup const& setup : {plain, in_order}) {
        PackedMachine machine(setup);
        machine.bring_up();
        machine.submit_read();
        machine.add_read();
        machine.queue.detach();
        ASSERT_TRUE(machine.queue.drain([](Token) {}).ok());
        Diagnosis const found = machine.look();
        EXPECT_EQ(found.cause(), Cause::queue_broken) << explained(found);
        EXPECT_FALSE(printed([&](auto sink) { dump(machine.queue, sink); }).empty());
    }
}

}  // namespace
}  // namespace virtq::test
