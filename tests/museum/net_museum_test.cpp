// SPDX-License-Identifier: MIT
#include <device/net_machine.hpp>

#include <cstdint>
#include <set>
#include <vector>

/// Bugs that drivers of network cards had in the field. queue_museum_test.cpp explains the form of the comments.
namespace virtq::test {
namespace {

using Frames = std::vector<std::vector<std::uint8_t>>;

// Was: the driver believed num_buffers, also 0 or more than there were, and ran past its own array.
// Hit: virtio-win, https://github.com/virtio-win/kvm-guest-drivers-windows/pull/1624
// Here: diagnosed: net_buffer_count; the announced buffers go back, at most a ring of them, then packets come through
TEST(Museum, net_num_buffers_believed) {
    NetMachine<64, LargePackets> machine({.card = {.features = all_net_features(), .queue_size_max = 16}});
    machine.bring_up();
    for (std::uint16_t const count : {std::uint16_t{0}, std::uint16_t{17}, std::uint16_t{0xffff}}) {
        machine.card.inject({.bytes = machine.frame(100), .num_buffers = count});
        for (int i = 0; count != 0 && i < 15; ++i) {
            machine.card.inject({machine.frame(60)});
        }
        machine.card.inject({machine.frame(70)});
        EXPECT_EQ(machine.receive(), Frames{machine.frame(70)});
        EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::net_buffer_count);
    }
    EXPECT_EQ(machine.driver.dropped(), 3u);
}

// Was: the list of a merged packet's pages was shared with the next packet, which overwrote it.
// Hit: virtio-win, https://github.com/virtio-win/kvm-guest-drivers-windows/pull/1641
// Here: impossible: a packet is shown before the next is put together, and kept buffers have numbers of their own
TEST(Museum, net_merge_state_shared) {
    NetMachine<64, LargePackets> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    machine.card.fill_at_most(500);
    for (std::uint8_t number = 0; number < 4; ++number) {
        machine.card.inject({machine.frame(1500, number)});
    }
    std::vector<std::vector<NetPart>> kept;
    machine.device.step();
    machine.driver.receive_each([&](NetPacket const& packet) {
        kept.emplace_back(packet.parts.begin(), packet.parts.end());
        return NetUse::kept;
    });
    ASSERT_EQ(kept.size(), 4u);
    std::set<std::uint16_t> numbers;
    for (std::uint8_t number = 0; number < 4; ++number) {
        std::vector<std::uint8_t> bytes;
        for (NetPart const& part : kept[number]) {
            bytes.insert(bytes.end(), part.data, part.data + part.bytes);
            EXPECT_TRUE(numbers.insert(part.buffer).second);
            machine.driver.give_back(part);
        }
        EXPECT_EQ(bytes, machine.frame(1500, number));
    }
}

// Was: the driver gave the header a descriptor of its own, and a device without MRG_RXBUF that wants one buffer lost packets.
// Hit: virtio-win, https://github.com/virtio-win/kvm-guest-drivers-windows/issues/1090
// Here: impossible: only a legacy device without ANY_LAYOUT gets two descriptors, as §5.1.11 has it
TEST(Museum, net_header_in_another_descriptor) {
    for (bool const merges : {false, true}) {
        NetMachine<> machine({.card = {.features = merges ? std::vector<unsigned>{sim::wire::net::mrg_rxbuf}
                                                          : std::vector<unsigned>{}}});
        machine.bring_up();
        for (sim::ParkedChain const& buffer : machine.card.parked(0)) {
            EXPECT_EQ(buffer.chain.writable.size(), 1u);
        }
        EXPECT_EQ(machine.card.parked(0).size(), 16u);
    }
}

// Was: the header has 10 or 12 bytes, and the driver took 10 of a modern device: each packet was shifted by two.
// Hit: CheriBSD, https://github.com/CTSRD-CHERI/cheribsd/issues/468
// Here: impossible: one function says how long the header is, from what was negotiated
TEST(Museum, net_header_of_ten_or_twelve) {
    std::vector<unsigned> const plain;
    std::vector<unsigned> const merges{sim::wire::net::mrg_rxbuf};
    for (NetSetup const& setup : {NetSetup{{.features = plain}, sim::MmioVersion::modern},
                                  NetSetup{{.features = merges}, sim::MmioVersion::modern},
                                  NetSetup{{.features = plain}, sim::MmioVersion::legacy},
                                  NetSetup{{.features = merges}, sim::MmioVersion::legacy}}) {
        NetMachine<> machine(setup);
        machine.bring_up();
        machine.card.inject({machine.frame(60)});
        EXPECT_EQ(machine.receive(), Frames{machine.frame(60)});
        ASSERT_TRUE(machine.submit(machine.frame(70), Token{1}).ok());
        machine.driver.kick_device();
        machine.device.step();
        EXPECT_EQ(machine.card.sent().at(0).bytes, machine.frame(70));
    }
}

// Was: the receive ring ran empty under load, was never filled again, and all traffic stopped.
// Hit: IncludeOS, https://github.com/includeos/IncludeOS/issues/1968
// Here: impossible: the driver fills the ring itself, and buffers that the kernel keeps are counted
TEST(Museum, net_receive_ring_ran_empty) {
    NetMachine<> machine;
    machine.bring_up();
    std::size_t received = 0;
    for (int round = 0; round < 50; ++round) {
        for (int i = 0; i < 20; ++i) {  // more than the ring has buffers
            machine.card.inject({machine.frame(60)});
        }
        received += machine.receive().size();
    }
    EXPECT_EQ(received, 1000u);
    EXPECT_EQ(machine.driver.buffers_kept(), 0u);
}

// Was: a full transmit ring was a panic, in place of back-pressure.
// Hit: Nanos, https://github.com/nanovms/nanos/issues/41; IncludeOS, https://github.com/includeos/IncludeOS/issues/57
// Here: diagnosed: queue_full, nothing changes, and the next packet that was sent makes room
TEST(Museum, net_transmit_full_panics) {
    NetMachine<> machine;
    machine.bring_up();
    machine.card.hold();
    unsigned submitted = 0;
    while (machine.submit(machine.frame(60), Token{1}).ok()) {
        ++submitted;
    }
    EXPECT_EQ(machine.submit(machine.frame(60), Token{1}).error(), Error::queue_full);
    machine.driver.kick_device();
    machine.card.let_pass(0, 1);
    machine.device.step();
    EXPECT_EQ(machine.driver.take_sent().state, CompletionState::ready);
    EXPECT_TRUE(machine.submit(machine.frame(60), Token{1}).ok());
    EXPECT_EQ(submitted, 8u);
}

// Was: the driver accepted TSO without mergeable buffers, whose packets of 64 KiB did not fit its buffers of a page.
// Hit: OSv, https://github.com/cloudius-systems/osv/issues/1058
// Here: impossible: TSO and USO on receive need MRG_RXBUF
TEST(Museum, net_tso_without_merged_buffers) {
    using namespace sim::wire::net;
    NetMachine<64, LargePackets> machine({.card = {.features = {guest_csum, guest_tso4, guest_tso6}}});
    machine.bring_up();
    Features const& negotiated = machine.driver.negotiation().negotiated;
    EXPECT_FALSE(negotiated.has(spec::net::Feature::guest_tso4));
    EXPECT_FALSE(negotiated.has(spec::net::Feature::guest_tso6));
    EXPECT_TRUE(negotiated.has(spec::net::Feature::guest_csum));
}

// Was: interrupts were switched off and on faster than packets came; once one was missed, the ring filled, and nothing more came.
// Hit: Toro, https://github.com/torokernel/torokernel/issues/178
// Here: impossible: only the answer `yes` of enable_receive_notifications() permits to sleep, and it looks once more
TEST(Museum, net_enable_disable_race) {
    NetMachine<> machine;
    machine.bring_up();
    std::size_t received = 0;
    for (int round = 0; round < 300; ++round) {
        machine.card.inject({machine.frame(60)});
        if (round % 2 == 0) {
            machine.device.step();  // comes before the driver asks for interrupts, or after
        }
        bool const sleeps = machine.driver.enable_receive_notifications() == MaySleep::yes;
        EXPECT_EQ(sleeps, round % 2 != 0);
        machine.device.step();
        EXPECT_TRUE(!sleeps || machine.transport.on_interrupt().used_buffer);
        machine.driver.disable_receive_notifications();
        machine.driver.receive_each([&](NetPacket const&) { ++received; });
    }
    EXPECT_EQ(received, 300u);
}

// Was: a slice was made with the length that the device wrote, and a hostile host crashed the guest.
// Hit: virtio-drivers, https://github.com/rcore-os/virtio-drivers/pull/245; SVSM, https://github.com/coconut-svsm/svsm/pull/1072; RT-Thread, https://github.com/RT-Thread/rt-thread/issues/11327
// Here: diagnosed: the ring refuses a length above the buffer's, and net_header_short one below the header's
TEST(Museum, net_length_of_the_device) {
    NetMachine<> below;
    below.bring_up();
    below.card.inject({.bytes = below.frame(60), .used_length = 3});
    EXPECT_TRUE(below.receive().empty());
    EXPECT_EQ(below.driver.driver_fault().reason, DriverReason::net_header_short);
    NetMachine<> above;
    above.hostile = true;  // the ring is broken, and its pages stay with the device
    above.bring_up();
    above.card.inject({.bytes = above.frame(60), .used_length = 2049});
    above.device.step();
    EXPECT_EQ(above.driver.receive_each([](NetPacket const&) { ADD_FAILURE(); }), CompletionState::broken);
    EXPECT_EQ(above.driver.check_alive().error(), Error::queue_broken);
    EXPECT_TRUE(above.driver.reset([](RequestCompletion const&) {}).ok());
}

// Was: the flag that a checksum is partial did not reach the stack, which dropped each such packet as damaged.
// Hit: outsiders who tried virtq
// Here: impossible: each packet is handed out with its NetOffload, which the driver has checked
TEST(Museum, net_checksum_flag_lost) {
    NetMachine<> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    machine.card.inject(
        {.bytes = machine.frame(60), .flags = sim::wire::net::needs_csum, .csum_start = 34, .csum_offset = 6});
    machine.device.step();
    NetOffload seen;
    machine.driver.receive_each([&](NetPacket const& packet) { seen = packet.offload; });
    EXPECT_EQ(seen.checksum, NetChecksum::partial);
    EXPECT_EQ(seen.csum_start, 34u);
}

}  // namespace
}  // namespace virtq::test
