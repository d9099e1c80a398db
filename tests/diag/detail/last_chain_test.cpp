// SPDX-License-Identifier: MIT
#include <virtq/diag/detail/last_chain.hpp>

#include <diag/queue_machine.hpp>

#include <cstdint>
#include <string>

/// A completed request with a wrong result: what its chain still shows.
namespace virtq::test {

using namespace virtq::detail;

namespace {

class DiagnosisOfTheLastChain : public ::testing::Test {
protected:
    static constexpr AddressRange memory[] = {
        {PhysAddr{sim::GuestMemory::default_phys_base}, sim::GuestMemory::default_bytes}};
    static constexpr DiagnoseOption with_ram{.ram = memory};

    explicit DiagnosisOfTheLastChain(QueueSetup const& setup = {}) : machine(setup) {}

    void SetUp() override {
        machine.hostile = true;
        machine.bring_up();
    }
    /// Adds and publishes a chain, which the device completes whatever it contains.
    void answer(Span<Segment const> readable, Span<Segment const> writable) {
        ASSERT_TRUE(machine.queue.add(readable, writable, Token{1}).ok());
        static_cast<void>(machine.queue.publish());
        machine.device.ring()->put_used_raw(0, 0);  // the chain reuses the descriptor freed last
        machine.device.ring()->flush_used();
        ASSERT_TRUE(machine.queue.take_used());
    }
    [[nodiscard]] spec::Descriptor* table() { return static_cast<spec::Descriptor*>(machine.queue.pages().virt); }

    QueueMachine machine;
};

TEST_F(DiagnosisOfTheLastChain, DescribesTheChain) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data_in[] = {machine.buffer(512), machine.buffer(1)};
    answer(header, data_in);
    Diagnosis found = machine.look(with_ram);
    EXPECT_EQ(found.cause(), Cause::nothing_in_flight);
    EXPECT_TRUE(found.is_healthy());
    EXPECT_NE(flattened(found).find("a read: The"), std::string::npos) << explained(found);
    EXPECT_NE(flattened(found).find("little-endian"), std::string::npos) << explained(found);

    Segment const data_out[] = {machine.buffer(16), machine.buffer(512)};
    Segment const status[] = {machine.buffer(1)};
    answer(data_out, status);
    EXPECT_NE(flattened(machine.look()).find("a write: The"), std::string::npos) << explained(machine.look());
    EXPECT_NE(flattened(machine.look()).find("1 device-writable bytes. If it was to be a read, its data lacks WRITE."),
              std::string::npos)
        << explained(machine.look());
    answer(header, status);
    EXPECT_NE(flattened(machine.look()).find("a flush: The"), std::string::npos) << explained(machine.look());
    EXPECT_TRUE(machine.look().is_healthy());
}

TEST_F(DiagnosisOfTheLastChain, DetectsAWrongAddress) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data[] = {{PhysAddr{0x7000'0000}, 512}, {PhysAddr{0}, 1}};
    answer(header, data);
    Diagnosis const found = machine.look(with_ram);
    ASSERT_EQ(found.findings().size(), 1u);
    EXPECT_EQ(found.cause(), Cause::buffer_outside_ram);
    EXPECT_EQ(found.first().descriptor, 1);
    EXPECT_NE(flattened(found).find("the last request, which was answered."), std::string::npos) << explained(found);
    EXPECT_FALSE(found.is_healthy());
    EXPECT_EQ(machine.cause({.symptom = Symptom::none, .ram = memory}), Cause::buffer_outside_ram);
}

TEST_F(DiagnosisOfTheLastChain, DetectsAMissingStatus) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data[] = {machine.buffer(512)};
    answer(header, data);
    Diagnosis const found = machine.look();
    ASSERT_EQ(found.findings().size(), 1u);
    EXPECT_EQ(found.cause(), Cause::block_status_in_data);
    EXPECT_NE(flattened(found).find("512 device-writable bytes. It belongs to the last request"), std::string::npos)
        << explained(found);
    machine.device.set_device_id(16);  // a GPU may do this
    EXPECT_EQ(machine.cause(), Cause::nothing_in_flight);
    EXPECT_EQ(explained(machine.look()).find("last answer"), std::string::npos);
    machine.device.set_device_id(2);
}

TEST_F(DiagnosisOfTheLastChain, IsSilentOnAnUnknownTable) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data[] = {machine.buffer(1)};
    answer(header, data);
    table()[0].flags = little_endian(std::uint16_t{4});  // INDIRECT
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::nothing_in_flight);
    EXPECT_EQ(flattened(found).find("last answer"), std::string::npos) << explained(found);
}

// A truncated address is below all memory, or in other memory.
TEST_F(DiagnosisOfTheLastChain, SuspectsATruncatedAddress) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data[] = {{PhysAddr{0x7000'0000}, 512}, machine.buffer(1)};
    answer(header, data);
    Diagnosis const found = machine.look();  // without the memory map it may be right
    ASSERT_EQ(found.findings().size(), 2u) << explained(found);
    EXPECT_EQ(found.cause(), Cause::nothing_in_flight);
    EXPECT_EQ(found.findings()[1].cause, Cause::buffer_address_truncated);
    EXPECT_EQ(found.findings()[1].descriptor, 1);
    EXPECT_TRUE(found.is_healthy());
    EXPECT_EQ(machine.look({.symptom = Symptom::none}).findings().size(), 1u);
}

class DiagnosisOfTheLastTable : public DiagnosisOfTheLastChain {
protected:
    DiagnosisOfTheLastTable() : DiagnosisOfTheLastChain({.indirect = true}) {}
};

class DiagnosisOfTheLastChainBelow4GiB : public DiagnosisOfTheLastChain {
protected:
    DiagnosisOfTheLastChainBelow4GiB() : DiagnosisOfTheLastChain({.phys_base = 0x4000'0000}) {}
};

TEST_F(DiagnosisOfTheLastChainBelow4GiB, SuspectsNoTruncation) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data[] = {machine.buffer(512), machine.buffer(1)};
    answer(header, data);
    EXPECT_EQ(machine.look().findings().size(), 1u) << explained(machine.look());
}

// With INDIRECT_DESC a read is in a table, which is not overwritten either.
TEST_F(DiagnosisOfTheLastTable, DetectsAWrongAddress) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data[] = {{PhysAddr{0x7000'0000}, 512}, machine.buffer(1)};
    answer(header, data);
    Diagnosis const found = machine.look(with_ram);
    ASSERT_EQ(found.findings().size(), 1u) << explained(found);
    EXPECT_EQ(found.cause(), Cause::buffer_outside_ram);
    EXPECT_EQ(found.first().value, 0x7000'0000u);
    EXPECT_EQ(found.first().descriptor, 0);
}

TEST_F(DiagnosisOfTheLastTable, DescribesTheChain) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data[] = {machine.buffer(512), machine.buffer(1)};
    answer(header, data);
    Diagnosis const found = machine.look(with_ram);
    EXPECT_EQ(found.cause(), Cause::nothing_in_flight) << explained(found);
    EXPECT_NE(flattened(found).find("a read: The"), std::string::npos) << explained(found);
}

TEST_F(DiagnosisOfTheLastTable, DetectsABufferInTheTables) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data[] = {{machine.queue.table_pages().phys, 512}, machine.buffer(1)};
    answer(header, data);
    EXPECT_EQ(machine.cause(with_ram), Cause::buffer_inside_ring);
}

TEST_F(DiagnosisOfTheLastTable, IgnoresWhatIsNoTable) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data[] = {machine.buffer(512), machine.buffer(1)};
    answer(header, data);
    spec::Descriptor const sound = table()[0];
    auto const expect_unknown = [&](std::uint64_t addr, std::uint32_t bytes) {
        table()[0].addr = little_endian(addr);
        table()[0].len = little_endian(bytes);
        Diagnosis const found = machine.look();
        EXPECT_EQ(flattened(found).find("last answer"), std::string::npos) << explained(found);
        table()[0] = sound;
    };
    std::uint64_t const first = machine.queue.table_pages().phys.value;
    expect_unknown(first - 4096, 48);
    expect_unknown(first + machine.queue.table_pages().count * page_bytes, 48);
    expect_unknown(first + 8, 48);
    expect_unknown(first, 47);
    expect_unknown(first, 0);
    expect_unknown(first, 0x1000);
    EXPECT_NE(flattened(machine.look()).find("last answer"), std::string::npos);
}

// Descriptors that the caller holds may have belonged to the chain.
TEST_F(DiagnosisOfTheLastChain, IsIgnoredWhileDescriptorsAreHeld) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data[] = {machine.buffer(512)};
    answer(header, data);
    DescIndex const desc = *machine.queue.alloc_desc();
    EXPECT_EQ(machine.cause(), Cause::nothing_in_flight);
    machine.queue.free_desc(desc);
    EXPECT_EQ(machine.cause(), Cause::block_status_in_data);
}

TEST_F(DiagnosisOfTheLastChain, EndsWithAnyTableContents) {
    Segment const header[] = {machine.buffer(16)};
    Segment const data[] = {machine.buffer(512), machine.buffer(1)};
    answer(header, data);
    table()[2].flags = little_endian(std::uint16_t{3});
    table()[2].next = 0;  // a circular chain
    EXPECT_FALSE(explained(machine.look()).empty());
    table()[2].next = little_endian(std::uint16_t{100});  // beyond the table
    EXPECT_EQ(machine.cause(), Cause::nothing_in_flight);
    machine.device.ring()->write_used_raw(0, 100, 0);
    EXPECT_EQ(machine.cause(), Cause::nothing_in_flight);
    EXPECT_EQ(explained(machine.look()).find("last answer"), std::string::npos);
}

}  // namespace
}  // namespace virtq::test
