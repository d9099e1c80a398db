// SPDX-License-Identifier: MIT
#include <virtq/diag/diagnosis_record.hpp>

#include <device/disk_machine.hpp>
#include <diag/queue_machine.hpp>

#include <cstring>

/// `diagnose` with a record that the caller provides (faults C5).
namespace virtq::test {
namespace {

static_assert(sizeof(DiagnosisRecord) <= 2048, "README and diagnosis_record.hpp say about 2 KiB");

/// Static, as in a kernel: no constructor runs.
constinit DiagnosisRecord record;

TEST(DiagnosisRecord, IsZeroAtFirst) {
    static DiagnosisRecord const fresh;
    unsigned char const zeroes[sizeof(DiagnosisRecord)] = {};
    EXPECT_EQ(std::memcmp(static_cast<void const*>(&fresh), zeroes, sizeof zeroes), 0);
}

TEST(DiagnosisRecord, HoldsTheDiagnosis) {
    QueueMachine machine;
    machine.bring_up();
    machine.add_read();
    static_cast<void>(machine.queue.publish());
    Features const& negotiated = machine.negotiation.negotiated;
    Diagnosis const& found = diagnose(record, machine.transport, 0, machine.queue, negotiated);
    EXPECT_EQ(&found, &record.diagnosis);
    EXPECT_EQ(explained(found), explained(machine.look()));
    EXPECT_EQ(found.cause(), machine.cause());
}

TEST(DiagnosisRecord, DropsThePreviousDiagnosis) {
    QueueMachine machine;
    machine.bring_up();
    machine.submit_read();
    machine.work();
    Features const& negotiated = machine.negotiation.negotiated;
    EXPECT_EQ(diagnose(record, machine.transport, 0, machine.queue, negotiated).cause(), Cause::interrupts_off);
    ASSERT_TRUE(machine.queue.take_used());
    Diagnosis const& found = diagnose(record, machine.transport, 0, machine.queue, negotiated);
    EXPECT_EQ(found.cause(), Cause::nothing_in_flight);
    EXPECT_EQ(found.findings().size(), 1u);
    EXPECT_EQ(diagnose(record, machine.transport).findings().size(), 0u);
    EXPECT_FALSE(record.diagnosis.has_queue);
}

TEST(DiagnosisRecord, DropsThePreviousChains) {
    QueueMachine machine;
    machine.bring_up();
    Segment const data = machine.buffer(512);
    machine.add_read(data);
    machine.add_read(data);
    static_cast<void>(machine.queue.publish());
    DiagnoseOption const in_passing{.symptom = Symptom::none};
    Features const& negotiated = machine.negotiation.negotiated;
    EXPECT_EQ(diagnose(record, machine.transport, 0, machine.queue, negotiated, in_passing).cause(),
              Cause::buffer_shared);
    machine.notify();
    machine.work();
    while (machine.queue.take_used()) {
    }
    machine.submit_read();
    EXPECT_EQ(diagnose(record, machine.transport, 0, machine.queue, negotiated, in_passing).cause(), Cause::none);
}

TEST(DiagnosisRecord, AcceptsADriver) {
    BlockDevice<MmioTransport<sim::MmioRegisters>, 16> disk;
    EXPECT_EQ(diagnose(record, disk).cause(), Cause::driver_not_initialised);
    EXPECT_EQ(diagnose(record, disk, {.symptom = Symptom::none}).cause(), Cause::driver_not_initialised);
}

}  // namespace
}  // namespace virtq::test
