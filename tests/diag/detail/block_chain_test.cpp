// SPDX-License-Identifier: MIT
#include <virtq/diag/detail/block_chain.hpp>

#include <diag/queue_machine.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>

/// Which chains can be a block request, and what `diagnose` reports for a chain that cannot.
namespace virtq::test {

using namespace virtq::detail;

namespace {

constexpr std::uint16_t write_flag = 2;
constexpr std::uint16_t indirect_flag = 4;

struct Part {
    std::uint32_t bytes;
    std::uint16_t flags;
};

ChainShape shape_of(std::initializer_list<Part> parts) {
    ChainShape shape{DescIndex{3}};
    for (Part const& part : parts) {
        shape.add({0x1000, part.bytes, part.flags, 0});
    }
    return shape;
}

TEST(BlockChain, AcceptsEachRequestOfTheStandard) {
    for (ChainShape const& shape : {
             shape_of({{16, 0}, {512, 2}, {1, 2}}),                   // read
             shape_of({{16, 0}, {513, 2}}),                           // the status follows the data
             shape_of({{8, 0}, {8, 0}, {100, 2}, {412, 2}, {1, 2}}),  // split at any byte (§2.7.4)
             shape_of({{528, 0}, {1, 2}}),                            // write
             shape_of({{16, 0}, {1, 2}}),                             // flush
             shape_of({{16, 0}, {32, 0}, {1, 2}}),                    // discard
             shape_of({{16, 0}, {20, 2}, {1, 2}}),                    // device ID
             shape_of({{16, 0}, {8, 2}, {1, 2}}),                     // zone append
             shape_of({{16, 0}, {0x8000'0000, 2}, {0x7fff'fe00, 2}, {1, 2}}),
             shape_of({{160, indirect_flag}}),  // contents unknown
         }) {
        EXPECT_EQ(judge_block_chain(shape), Cause::none) << shape.readable() << ", " << shape.writable();
    }
}

TEST(BlockChain, NeedsHeaderAndStatusByte) {
    for (ChainShape const& shape : {
             shape_of({{8, 0}, {512, 2}, {1, 2}}),
             shape_of({{16, 2}, {512, 2}, {1, 2}}),
             shape_of({{16, 0}, {512, 0}, {1, 0}}),
         }) {
        EXPECT_EQ(judge_block_chain(shape), Cause::not_a_block_request)
            << shape.readable() << ", " << shape.writable();
    }
}

// A device writes the status to the last writable byte, whatever the driver intended.
TEST(BlockChain, NeedsTheStatusByteLast) {
    for (ChainShape const& shape : {
             shape_of({{16, 0}, {512, 2}}),  // no status byte
             shape_of({{16, 0}, {100, 2}, {412, 2}}), shape_of({{16, 0}, {0x8000'0000, 2}, {0x8000'0000, 2}}),
             shape_of({{16, 0}, {1, 2}, {512, 2}}),  // before the data
         }) {
        EXPECT_EQ(judge_block_chain(shape), Cause::block_status_in_data)
            << shape.readable() << ", " << shape.writable();
    }
}

TEST(BlockChain, NeedsWholeSectors) {
    for (ChainShape const& shape : {
             shape_of({{16, 0}, {511, 2}, {1, 2}}),  // whole sectors only with the status byte
             shape_of({{16, 0}, {100, 2}, {1, 2}}), shape_of({{16, 0}, {1000, 2}, {1, 2}}),
             shape_of({{16, 0}, {511, 0}, {1, 2}}), shape_of({{16, 0}, {100, 0}, {1, 2}}),  // nor ranges of 16 bytes
         }) {
        EXPECT_EQ(judge_block_chain(shape), Cause::block_data_not_sectors)
            << shape.readable() << ", " << shape.writable();
    }
}

class DiagnosisOfABlockChain : public ::testing::Test {
protected:
    void SetUp() override {
        machine.hostile = true;
        machine.bring_up();
    }

    /// Pushes a chain through the descriptor tier, which accepts any contents.
    void push(std::initializer_list<Part> parts) {
        DescIndex next{};
        std::uint16_t linked = 0;
        for (auto part = parts.end(); part != parts.begin();) {
            --part;
            DescIndex const desc = *machine.queue.alloc_desc();
            machine.queue.write_desc(desc, machine.buffer(part->bytes).addr, part->bytes,
                                     static_cast<std::uint16_t>(part->flags | linked), next);
            next = desc;
            linked = 1;
        }
        head = next;
        ASSERT_TRUE(machine.queue.push_avail(head).ok());
        static_cast<void>(machine.queue.publish());
    }
    void need_reset() { machine.device.need_reset(); }
    /// The device answers the chain that was pushed last, and nobody takes the answer.
    void answer() {
        machine.device.ring()->put_used_raw(number(head), 1);
        machine.device.ring()->flush_used();
    }

    static constexpr AddressRange memory[] = {
        {PhysAddr{sim::GuestMemory::default_phys_base}, sim::GuestMemory::default_bytes}};
    static constexpr DiagnoseOption with_ram{.ram = memory};
    QueueMachine machine;
    DescIndex head{};  ///< head of the chain that was pushed last
};

TEST_F(DiagnosisOfABlockChain, NamesWhatTheDeviceRejected) {
    push({{8, 0}, {512, write_flag}, {1, write_flag}});
    need_reset();
    Diagnosis const found = machine.look();
    ASSERT_EQ(found.cause(), Cause::not_a_block_request) << explained(found);
    EXPECT_EQ(found.findings()[1].cause, Cause::device_needs_reset);
    EXPECT_EQ(found.first().descriptor, 2);  // descriptors were allocated from the highest down
    EXPECT_EQ(found.first().value, 8u);
    EXPECT_EQ(found.first().expected, 513u);
    EXPECT_NE(flattened(found).find(
                  "descriptor 2 has 8 device-readable and 513 device-writable bytes. The header is too short"),
              std::string::npos)
        << explained(found);
}

TEST_F(DiagnosisOfABlockChain, NamesItOnASilentDevice) {
    machine.device.ring()->set_no_notify(true);
    push({{16, write_flag}, {512, write_flag}, {1, write_flag}});
    Diagnosis const found = machine.look();
    ASSERT_EQ(found.findings().size(), 2u) << explained(found);
    EXPECT_EQ(found.cause(), Cause::not_a_block_request);
    EXPECT_EQ(found.findings()[1].cause, Cause::not_answered);
}

TEST_F(DiagnosisOfABlockChain, NamesItInAnUntakenAnswer) {
    push({{16, 0}, {512, write_flag}});
    answer();
    for (Symptom const symptom : {Symptom::hang, Symptom::none}) {
        Diagnosis const found = machine.look({.symptom = symptom});
        ASSERT_EQ(found.cause(), Cause::block_status_in_data) << explained(found);
        EXPECT_NE(flattened(found).find("has 16 device-readable and 512 device-writable bytes."), std::string::npos)
            << explained(found);
    }
    EXPECT_EQ(machine.look().findings()[1].cause, Cause::interrupts_off) << explained(machine.look());
    machine.device.set_device_id(1);
    EXPECT_EQ(machine.cause(), Cause::interrupts_off);
    machine.device.set_device_id(2);
}

TEST_F(DiagnosisOfABlockChain, NamesAnAnsweredPartialSector) {
    push({{16, 0}, {511, write_flag}, {1, write_flag}});
    answer();
    Diagnosis const found = machine.look();
    ASSERT_EQ(found.cause(), Cause::block_data_not_sectors) << explained(found);
    EXPECT_NE(flattened(found).find("multiple of 512"), std::string::npos) << explained(found);
}

TEST_F(DiagnosisOfABlockChain, NamesTheFirstOfTwo) {
    machine.add_read();
    push({{8, 0}, {1, write_flag}});
    push({{4, 0}, {1, write_flag}});
    need_reset();
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::not_a_block_request) << explained(found);
    EXPECT_EQ(found.first().value, 8u);
}

// The device has another queue size, or swapped areas. Its complaint is not about the chain.
TEST_F(DiagnosisOfABlockChain, AcquitsAValidChain) {
    machine.submit_read();
    need_reset();
    Diagnosis found = machine.look(with_ram);
    ASSERT_EQ(found.findings().size(), 2u) << explained(found);
    EXPECT_EQ(found.cause(), Cause::device_reads_elsewhere);
    EXPECT_EQ(found.findings()[1].cause, Cause::device_needs_reset);
    found = machine.look();
    ASSERT_EQ(found.findings().size(), 2u) << explained(found);
    EXPECT_EQ(found.cause(), Cause::device_needs_reset);  // without the memory map an address may be wrong
    EXPECT_EQ(found.findings()[1].cause, Cause::device_reads_elsewhere);
}

TEST_F(DiagnosisOfABlockChain, IsSilentWithNothingInFlight) {
    need_reset();
    Diagnosis const found = machine.look(with_ram);
    EXPECT_EQ(found.cause(), Cause::device_needs_reset);
    EXPECT_EQ(found.findings().size(), 1u);
}

TEST_F(DiagnosisOfABlockChain, IsForDisksOnly) {
    push({{8, 0}, {512, write_flag}, {1, write_flag}});
    need_reset();
    machine.device.set_device_id(1);
    EXPECT_EQ(machine.cause(with_ram), Cause::device_needs_reset);
    machine.device.set_device_id(2);
    ASSERT_EQ(machine.cause(with_ram), Cause::not_a_block_request);
}

TEST_F(DiagnosisOfABlockChain, IsForDisksOnlyWhenSilent) {
    machine.device.ring()->set_no_notify(true);
    push({{8, 0}, {512, write_flag}, {1, write_flag}});
    machine.device.set_device_id(1);
    EXPECT_EQ(machine.cause(with_ram), Cause::not_answered);
    machine.device.set_device_id(2);
}

// The total is 2^32 (§2.7.5.2), which the driver stores truncated to 32 bits.
TEST_F(DiagnosisOfABlockChain, AcceptsAChainOf4GiB) {
    PhysAddr const start{sim::GuestMemory::default_phys_base};
    Segment const all[] = {{start, 0x8000'0000}, {start, 0x8000'0000}};
    ASSERT_TRUE(machine.queue.add({}, all, Token{1}).ok());
    Diagnosis const found = machine.look({.symptom = Symptom::none});
    for (Finding const& finding : found.findings()) {
        EXPECT_NE(finding.cause, Cause::descriptor_overwritten);
    }
}

// A kernel that frees a chain in flight, with assertions off, may make it circular.
TEST_F(DiagnosisOfABlockChain, EndsOnACircularChain) {
    push({{16, 0}, {1, write_flag}});
    using Inspector = SplitInspector<QueueMachine::size, Split>;
    auto& shadow = const_cast<SplitShadow<QueueMachine::size>&>(Inspector{Inspector::ring_of(machine.queue)}.shadow());
    DescIndex const tail{0};
    shadow.set_mark(tail, Mark::held_by(Mark::Holder::pushed_body, write_flag | 1));
    EXPECT_EQ(machine.cause(), Cause::descriptor_overwritten);
}

}  // namespace
}  // namespace virtq::test
