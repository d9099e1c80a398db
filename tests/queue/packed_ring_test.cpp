// SPDX-License-Identifier: MIT
#include <queue/contract_machine.hpp>

#include <cstdint>

/// What only a packed ring has (§2.8); what it has in common with a split one is in contract_test.cpp.
namespace virtq::test {
namespace {

/// With and without IN_ORDER.
class PackedLength : public testing::TestWithParam<bool> {
protected:
    struct Machine : ContractMachine {
        Machine() : ContractMachine({.kind = QueueKind::packed, .in_order = GetParam()}, 8) {
            hostile = true;  // used descriptors are written by hand
        }
        /// One chain of 16 writable bytes, used with these flags and this length.
        Completion use(std::uint16_t flags, std::uint32_t length) {
            EXPECT_TRUE(add(1, 1, 7).ok());
            static_cast<void>(queue->publish());
            std::uint16_t const id = device->fetch()->head;
            std::uint16_t const used = packed_ring->flags_here(sim::Marks::used);
            packed_ring->put_used_raw(id, length, static_cast<std::uint16_t>(used | flags), 2);
            packed_ring->flush_used();
            return queue->take_used();
        }
    };
    static constexpr auto write = static_cast<std::uint16_t>(spec::DescFlag::write);
};

TEST_P(PackedLength, IsWhatTheDeviceSays) {
    Machine machine;
    EXPECT_EQ(machine.use(write, 16).written, 16u);
    EXPECT_EQ(machine.use(write, 0).written, 0u);
}

// QEMU 7.2 sets WRITE in no used descriptor, and means the length all the same.
TEST_P(PackedLength, IsTakenWithoutWriteIfItCanBeTrue) {
    Machine machine;
    EXPECT_EQ(machine.use(0, 16).written, 16u);
    EXPECT_EQ(machine.use(0, 1).written, 1u);
}

TEST_P(PackedLength, MeansNothingWithoutWriteIfItCannotBeTrue) {
    Machine machine;
    for (std::uint32_t const length : {17u, UINT32_MAX}) {
        Completion const done = machine.use(0, length);
        EXPECT_EQ(done.state, TakeState::completion);
        EXPECT_EQ(done.written, 0u);
    }
}

TEST_P(PackedLength, BreaksTheQueueWithWriteIfItCannotBeTrue) {
    Machine machine;
    EXPECT_EQ(machine.use(write, 17).state, TakeState::broken);
    EXPECT_EQ(machine.queue->fault().reason, FaultReason::used_length_above_writable);
    EXPECT_EQ(machine.queue->fault().value, 17u);
}

std::string name_of(testing::TestParamInfo<bool> const& in_order) {
    return in_order.param ? "InOrder" : "AnyOrder";
}
INSTANTIATE_TEST_SUITE_P(Packed, PackedLength, testing::Bool(), name_of);

}  // namespace
}  // namespace virtq::test
