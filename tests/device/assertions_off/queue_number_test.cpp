// SPDX-License-Identifier: MIT
#include <virtq/device/block.hpp>

#include <device/disk_machine.hpp>

/// A queue that a disk does not have, with the assertions compiled out (faults B7).
namespace virtq::test {
namespace {

struct FourQueueTraits : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 4;
};

template <class Traits>
void expect_no_queue_beyond() {
    DiskMachine<64, Traits> machine;
    machine.bring_up();
    for (std::uint16_t const queue : {Traits::queue_count_max, std::uint16_t{200}, std::uint16_t{0xffff}}) {
        EXPECT_EQ(machine.driver.in_flight(queue), 0);
        machine.driver.disable_used_notifications(queue);
        EXPECT_EQ(machine.driver.enable_used_notifications(queue), MaySleep::yes);
        EXPECT_FALSE(machine.driver.fault(queue));
        EXPECT_EQ(machine.driver.take_completed(queue).state, CompletionState::none);
        EXPECT_EQ(machine.driver.for_each_completed([](BlockCompletion const&) {}, queue), CompletionState::none);
        EXPECT_EQ(machine.driver.submit({BlockOperation::flush, 0, 0, {}, Token{}}, queue).error(),
                  Error::no_such_queue);
    }
}

TEST(BlockDeviceWithoutAssertions, StaysInsideItsQueue) {
    expect_no_queue_beyond<BlockTraits>();
}

TEST(BlockDeviceWithoutAssertions, StaysInsideItsQueues) {
    expect_no_queue_beyond<FourQueueTraits>();
}

}  // namespace
}  // namespace virtq::test
