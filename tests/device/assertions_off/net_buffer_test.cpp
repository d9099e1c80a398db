// SPDX-License-Identifier: MIT
#include <virtq/device/net.hpp>

#include <device/net_machine.hpp>

/// A receive buffer that is too small, with the assertions compiled out.
namespace virtq::test {
namespace {

struct OwnTraits : NetTraits {
    static constexpr bool own_buffers = true;
};

TEST(NetDeviceWithoutAssertions, StopsAtASmallBuffer) {
    NetMachine<16, OwnTraits> machine;
    machine.bring_up();
    std::vector<NetBuffer> buffers;
    for (std::uintptr_t i = 0; i < 4; ++i) {
        auto const made = machine.memory.allocate_buffer(2048, 64);
        buffers.push_back({static_cast<std::uint8_t*>(made.virt), made.phys, i == 2 ? 2047u : 2048u, Token{i}});
    }
    SubmittedBurst const burst = machine.driver.submit_receive(buffers);
    EXPECT_EQ(burst.count, 2u);
    EXPECT_EQ(burst.error, Error::segment_empty);
}

TEST(NetDeviceWithoutAssertions, IgnoresABufferThatTheKernelDoesNotHold) {
    NetMachine<16> machine;
    machine.bring_up();
    machine.driver.give_back({.buffer = 3});
    machine.driver.give_back({.buffer = 999});
    EXPECT_EQ(machine.driver.buffers_kept(), 0u);
    machine.card.inject({machine.frame(60)});
    EXPECT_EQ(machine.receive().size(), 1u);
}

}  // namespace
}  // namespace virtq::test
