// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <sim/net_device.hpp>

#include <cstdint>
#include <vector>

/// The README's network card.
namespace network {
#include <blocks/README/a_network_card.inc>

std::vector<std::vector<std::uint8_t>> received;
std::vector<virtq::Token> freed;
std::uint32_t missing = 0;

void stack_begin_packet(std::uint32_t bytes) {
    received.emplace_back();
    missing = bytes;
}
void stack_add_bytes(std::uint8_t const* bytes, std::uint32_t count) {
    received.back().insert(received.back().end(), bytes, bytes + count);
    missing -= count;
}
void stack_end_packet() {
    EXPECT_EQ(missing, 0u);
}
void stack_free(virtq::Token packet) {
    freed.push_back(packet);
}
}  // namespace network

namespace virtq::readme {
namespace {

TEST(ReadmeNetwork, ReceivesAndSends) {
    sim::ViolationLog log;
    sim::NetDevice host{log};
    MmioMachine machine({.pace = Pace::while_asleep, .disk = {}, .instead = &host});
    MachinePages pages;
    AnyTransport<> transport;
    ASSERT_TRUE(
        transport.probe_mmio(MmioSpace{MmioMachine::slots + MmioMachine::mapping + 7 * MmioMachine::stride}).ok());
    Status const up = network::card.init(transport, pages);
    ASSERT_TRUE(up.ok()) << describe(up.error());

    std::vector<std::vector<std::uint8_t>> frames;
    for (std::uint8_t i = 0; i < 10; ++i) {
        frames.emplace_back(60u + i * 100u, i);
        host.inject({frames.back()});
    }
    machine.device.step();
    EXPECT_TRUE(network::take_packets());
    EXPECT_EQ(network::received, frames);

    sim::Buffer const frame = machine.buffer(64);
    Status status;
    std::uintptr_t submitted = 0;
    while ((status = network::send_packet(Machine::segment(frame), Token{submitted})).ok()) {
        ++submitted;
    }
    EXPECT_EQ(status.error(), Error::queue_full);
    machine.device.step();
    EXPECT_TRUE(network::take_packets());
    EXPECT_GT(submitted, 0u);
    EXPECT_EQ(network::freed.size(), submitted);
    EXPECT_EQ(host.sent().size(), submitted);

    EXPECT_TRUE(network::may_sleep());
    host.inject({frames.back()});
    machine.device.step();
    EXPECT_FALSE(network::may_sleep());  // one has come
    EXPECT_TRUE(network::take_packets());
    EXPECT_EQ(network::received.size(), frames.size() + 1);

    ASSERT_TRUE(network::send_packet(Machine::segment(frame), Token{12345}).ok());
    machine.break_down();
    EXPECT_EQ(network::card.check_alive().error(), Error::reset_needed);
    EXPECT_FALSE(network::take_packets());
    EXPECT_TRUE(network::give_up().ok());
    ASSERT_EQ(network::freed.size(), submitted + 1);
    EXPECT_EQ(network::freed.back(), Token{12345});
    EXPECT_TRUE(network::take_packets());  // the card is up again
    EXPECT_TRUE(network::card.release(pages).ok());
    EXPECT_TRUE(log.empty()) << log;
}

}  // namespace
}  // namespace virtq::readme
