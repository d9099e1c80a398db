// SPDX-License-Identifier: MIT
#include <diag/queue_machine.hpp>

#include <cstdint>
#include <cstring>
#include <string>

/// Each cause, produced on a simulated disk with packed queues, and named.
namespace virtq::test {
namespace {

using PackedMachine = QueueMachineOf<Packed>;

constexpr std::uint64_t low_memory =
    0x4000'0000;  ///< below 4 GiB a lost notification is more likely than a cut address

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

bool names(Diagnosis const& diagnosis, Cause cause) {
    for (Finding const& finding : diagnosis.findings()) {
        if (finding.cause == cause) {
            return true;
        }
    }
    return false;
}

/// A request whose three segments are descriptors of the ring, also where there are tables for such chains: all in
/// use.
template <class Machine>
void add_two(Machine& machine, Segment const& data) {
    Segment const readable[] = {machine.buffer(16)};
    Segment const writable[] = {data};
    ASSERT_TRUE(machine.queue.add(readable, writable, Token{++machine.token}).ok());
}

// --- who waits for whom -------------------------------------------------------------------------------------------

class DiagnosisOfAPackedQueue : public testing::TestWithParam<QueueSetup> {};

TEST_P(DiagnosisOfAPackedQueue, FindsNothingWhenItIsIdle) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(machine.cause(), Cause::nothing_in_flight) << explained(machine.look());
        machine.submit_read();
        EXPECT_EQ(machine.cause({.symptom = Symptom::none}), Cause::none);
        machine.work();
        EXPECT_EQ(machine.cause({.symptom = Symptom::none}), Cause::none);
        ASSERT_TRUE(machine.queue.take_used());
    }
}

TEST_P(DiagnosisOfAPackedQueue, SeesThatNothingWasPublished) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    machine.add_read();
    EXPECT_EQ(machine.cause(), Cause::not_published);
    machine.add_read();
    EXPECT_EQ(machine.look().first().value, 2u);
}

TEST_P(DiagnosisOfAPackedQueue, SeesThatTheDeviceWasNeverNotified) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    machine.add_read();
    ASSERT_TRUE(machine.queue.publish());
    machine.work();
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::never_notified) << explained(found);
    EXPECT_TRUE(names(found, Cause::ring_told_elsewhere));
}

TEST_P(DiagnosisOfAPackedQueue, SeesThatTheDeviceTookARequestAndDoesNotAnswer) {
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

TEST_P(DiagnosisOfAPackedQueue, DoesNotBlameTheNotificationOfAPollingDevice) {
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

TEST_P(DiagnosisOfAPackedQueue, SeesAnAnswerThatNobodyTook) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    machine.submit_read();
    machine.work();
    EXPECT_EQ(machine.cause(), Cause::interrupts_off);
    ASSERT_TRUE(machine.queue.take_used());
    ASSERT_EQ(machine.queue.enable_used_notifications(), UsedPending::nothing_there);
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.device.interrupt_line());
    EXPECT_EQ(machine.cause(), Cause::interrupt_not_handled);
    ASSERT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_EQ(machine.cause(), Cause::completions_not_taken);
}

// --- the memory of the ring ---------------------------------------------------------------------------------------

TEST_P(DiagnosisOfAPackedQueue, SeesTheDriversEventStructureOverwritten) {
    PackedMachine machine(GetParam());
    machine.hostile = true;
    machine.bring_up();
    auto const expect_overwritten = [&](sim::EventSuppression const& event) {
        std::uint32_t word = 0;
        std::memcpy(&word, ring_bytes(machine) + layout.driver_event_offset(), 4);
        machine.device.packed_ring()->scribble_driver_event(event);
        Diagnosis const found = machine.look();
        EXPECT_EQ(found.cause(), Cause::driver_event_overwritten) << explained(found);
        EXPECT_NE(explained(found).find("and not 0x"), std::string::npos) << explained(found);
        std::memcpy(ring_bytes(machine) + layout.driver_event_offset(), &word, 4);
        EXPECT_EQ(machine.cause(), Cause::nothing_in_flight);
    };
    expect_overwritten({0, 0});
    expect_overwritten({0, 2});
    expect_overwritten({0, 5});
    expect_overwritten({9, 1});
    ASSERT_EQ(machine.queue.enable_used_notifications(), UsedPending::nothing_there);
    expect_overwritten({0, 1});
    expect_overwritten({0, GetParam().event_idx ? std::uint16_t{0} : std::uint16_t{2}});
}

TEST_P(DiagnosisOfAPackedQueue, SeesSomethingBehindTheQueue) {
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

TEST_P(DiagnosisOfAPackedQueue, SeesThatTheQueueIsBroken) {
    PackedMachine machine(GetParam());
    machine.hostile = true;
    machine.bring_up();
    machine.disk.swallow_next();
    machine.submit_read();
    machine.work();
    machine.add_read();
    machine.device.packed_ring()->put_used_raw(77, 0);
    machine.device.packed_ring()->flush_used();
    EXPECT_EQ(machine.cause(), Cause::interrupts_off);  // so far nobody has looked
    EXPECT_NE(printed([&](auto sink) { dump(machine.queue, sink); }).find("id 77, which is not in flight"),
              std::string::npos)
        << printed([&](auto sink) { dump(machine.queue, sink); });
    ASSERT_EQ(machine.queue.take_used().state, TakeState::broken);
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::queue_broken) << explained(found);
    EXPECT_EQ(found.findings().size(), 1u) << explained(found);
    EXPECT_NE(explained(found).find("77: The device used a descriptor number"), std::string::npos);
}

TEST_P(DiagnosisOfAPackedQueue, SeesADescriptorThatTheDriverDidNotWrite) {
    PackedMachine machine(GetParam());
    machine.bring_up();
    for (int lap = 0; lap < 20; ++lap) {  // on both laps
        auto const at = static_cast<std::uint16_t>(take_snapshot(machine.queue).packed.next.offset());
        auto const second = static_cast<std::uint16_t>((at + 1) % PackedMachine::size);
        add_two(machine, machine.buffer(512 + 1));
        // Flags, id, and lengths of what is writable; AVAIL and USED; before it is published, and then.
        for (int published = 0; published < 2; ++published) {
            for (unsigned const offset : {at * 16u + 12u, at * 16u + 14u, at * 16u + 15u, second * 16u + 8u,
                                          second * 16u + 12u, second * 16u + 14u, second * 16u + 15u}) {
                unsigned char const flip = offset % 16 == 15 ? 0x80 : offset % 16 == 14 ? 0x81 : 1;
                ring_bytes(machine)[offset] ^= flip;
                Diagnosis const found = machine.look();
                // The id alone says which chain a published descriptor belongs to, if not the order; and the first
                // descriptor looks like a used one.
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

}  // namespace
}  // namespace virtq::test
