// SPDX-License-Identifier: MIT
#include <virtq/device/net.hpp>

#include <device/net_machine.hpp>

#include <set>
#include <type_traits>

namespace virtq::test {
namespace {

using namespace sim::wire::net;
using Frames = std::vector<std::vector<std::uint8_t>>;

static_assert(std::is_trivially_destructible_v<NetDevice<MmioTransport<>, 16>>);

struct PackedNetTraits : NetTraits {
    using Format = Packed;
};
struct PairTraits : NetTraits {
    using Format = AnyFormat;
    static constexpr std::uint16_t pair_max = 4;
    static constexpr bool large_packets = true;
};

TEST(NetDevice, SaysWhatItIs) {
    NetMachine<> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    EXPECT_EQ(machine.driver.mac(), (MacAddress{{0x02, 0x56, 0x51, 0x00, 0x00, 0x01}}));
    EXPECT_EQ(machine.driver.mtu(), 1500u);
    EXPECT_TRUE(machine.driver.is_link_up());
    EXPECT_EQ(machine.driver.speed().megabits, 10'000u);
    EXPECT_EQ(machine.driver.speed().duplex, spec::net::Duplex::full_duplex);
    EXPECT_EQ(machine.driver.pair_count(), 1u);
    EXPECT_TRUE(machine.driver.can_checksum());
    EXPECT_TRUE(machine.driver.can_split(spec::net::Gso::tcpv4));
    EXPECT_FALSE(machine.driver.can_split(spec::net::Gso::udp));
}

// §5.1.4.2: a card without STATUS is up; one without an address leaves the choice to the kernel.
TEST(NetDevice, AssumesWhatAPlainCardDoesNotSay) {
    NetMachine<> machine({.card = {.features = {}}});
    machine.bring_up();
    EXPECT_TRUE(machine.driver.is_link_up());
    EXPECT_EQ(machine.driver.mac(), MacAddress{});
    EXPECT_EQ(machine.driver.mtu(), 0u);
    EXPECT_EQ(machine.driver.speed().megabits, 0u);
    EXPECT_FALSE(machine.driver.can_checksum());
}

TEST(NetDevice, TreatsOddSpeedsAsUnknown) {
    NetMachine<> machine({.card = {.features = all_net_features(), .speed = 0x8000'0000, .duplex = 7}});
    machine.bring_up();
    EXPECT_EQ(machine.driver.speed().megabits, 0u);
    EXPECT_EQ(machine.driver.speed().duplex, spec::net::Duplex::unknown);
}

TEST(NetDevice, ReceivesEachLengthInOneBuffer) {
    NetMachine<> machine;
    machine.bring_up();
    for (std::size_t bytes = 14; bytes <= 1514; ++bytes) {
        machine.card.inject({machine.frame(bytes)});
        EXPECT_EQ(machine.receive(), Frames{machine.frame(bytes)});
    }
}

TEST(NetDevice, KeepsTheRingFull) {
    NetMachine<> machine;
    machine.bring_up();
    for (std::uint8_t number = 0; number < 200; ++number) {  // many more than buffers
        machine.card.inject({machine.frame(60, number)});
    }
    Frames all;
    for (int i = 0; i < 100 && all.size() < 200; ++i) {
        for (auto& one : machine.receive()) {
            all.push_back(std::move(one));
        }
    }
    ASSERT_EQ(all.size(), 200u);
    for (std::uint8_t number = 0; number < 200; ++number) {
        EXPECT_EQ(all[number], machine.frame(60, number));
    }
}

TEST(NetDevice, PutsMergedPacketsTogether) {
    NetMachine<64, PairTraits> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    machine.card.fill_at_most(700);  // also less than a buffer holds
    machine.card.inject({.bytes = machine.frame(14'000),
                         .flags = needs_csum,
                         .gso_type = gso_tcpv4,
                         .hdr_len = 54,
                         .gso_size = 1460,
                         .csum_start = 34,
                         .csum_offset = 16});
    machine.card.inject({machine.frame(60, 9)});
    Frames const packets = machine.receive();
    ASSERT_EQ(packets.size(), 2u);
    EXPECT_EQ(packets[0], machine.frame(14'000));
    EXPECT_EQ(packets[1], machine.frame(60, 9));
}

TEST(NetDevice, HandsOffloadsToTheKernel) {
    NetMachine<64, PairTraits> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    machine.card.inject({.bytes = machine.frame(100), .flags = data_valid});
    machine.card.inject({.bytes = machine.frame(100), .flags = needs_csum, .csum_start = 34, .csum_offset = 16});
    machine.card.inject({.bytes = machine.frame(3000),
                         .flags = needs_csum,
                         .gso_type = gso_tcpv6,
                         .hdr_len = 74,
                         .gso_size = 1440,
                         .csum_start = 54,
                         .csum_offset = 16});
    std::vector<NetOffload> offloads;
    machine.device.step();
    machine.driver.receive_each([&](NetPacket const& packet) { offloads.push_back(packet.offload); });
    ASSERT_EQ(offloads.size(), 3u);
    EXPECT_EQ(offloads[0].checksum, NetChecksum::valid);
    EXPECT_EQ(offloads[1].checksum, NetChecksum::partial);
    EXPECT_EQ(offloads[1].csum_start, 34u);
    EXPECT_EQ(offloads[1].csum_offset, 16u);
    EXPECT_EQ(offloads[2].gso, spec::net::Gso::tcpv6);
    EXPECT_EQ(offloads[2].segment_bytes, 1440u);
}

TEST(NetDevice, LetsTheKernelKeepBuffers) {
    NetMachine<> machine;
    machine.bring_up();
    std::vector<NetPart> kept;
    for (std::uint8_t number = 0; number < 40; ++number) {
        machine.card.inject({machine.frame(60, number)});
    }
    for (int i = 0; i < 10; ++i) {
        machine.device.step();
        machine.driver.receive_each([&](NetPacket const& packet) {
            kept.insert(kept.end(), packet.parts.begin(), packet.parts.end());
            return NetUse::kept;
        });
    }
    EXPECT_EQ(kept.size(), 16u);  // all of them; the rest waits
    EXPECT_EQ(machine.driver.buffers_kept(), 16u);
    EXPECT_EQ(machine.card.waiting(), 24u);
    for (std::size_t i = 0; i < kept.size(); ++i) {
        EXPECT_EQ(std::vector<std::uint8_t>(kept[i].data, kept[i].data + kept[i].bytes),
                  machine.frame(60, static_cast<std::uint8_t>(i)));
    }
    for (NetPart const& part : kept) {
        machine.driver.give_back(part);
    }
    EXPECT_EQ(machine.driver.buffers_kept(), 0u);
    EXPECT_EQ(machine.receive().size(), 24u);
    EXPECT_BREACH(machine.driver.give_back(kept[0]), "does not hold");
}

TEST(NetDevice, StopsAfterAsManyAsAsked) {
    NetMachine<> machine;
    machine.bring_up();
    for (int i = 0; i < 5; ++i) {
        machine.card.inject({machine.frame(60)});
    }
    machine.device.step();
    unsigned count = 0;
    auto const handler = [&](NetPacket const&) { ++count; };
    EXPECT_EQ(machine.driver.receive_each(handler, 3), CompletionState::ready);
    EXPECT_EQ(count, 3u);
    EXPECT_EQ(machine.driver.receive_each(handler, 0), CompletionState::ready);
    EXPECT_EQ(machine.driver.receive_each(handler), CompletionState::none);
    EXPECT_EQ(count, 5u);
}

// --- what the card may not say ---

void expect_dropped(sim::NetFrame const& frame, DriverReason reason, std::vector<unsigned> const& features) {
    NetMachine<64, PairTraits> machine({.card = {.features = features}});
    machine.bring_up();
    machine.card.inject(frame);
    machine.card.inject({machine.frame(60, 7)});  // still arrives
    EXPECT_EQ(machine.receive(), Frames{machine.frame(60, 7)});
    EXPECT_EQ(machine.driver.driver_fault().reason, reason) << describe(machine.driver.driver_fault().reason);
    EXPECT_EQ(machine.driver.dropped(), 1u);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::none);
}

TEST(NetDevice, DropsWhatIsNoPacket) {
    auto const all = all_net_features();
    auto const frame = NetMachine<>::frame(100);
    expect_dropped({.bytes = frame, .used_length = 11}, DriverReason::net_header_short, all);
    expect_dropped({.bytes = frame, .used_length = 0}, DriverReason::net_header_short, all);
    expect_dropped({.bytes = frame, .num_buffers = 0}, DriverReason::net_buffer_count, all);
    expect_dropped({.bytes = {}}, DriverReason::net_packet_short, all);
    expect_dropped({.bytes = NetMachine<>::frame(13)}, DriverReason::net_packet_short, all);
    expect_dropped({.bytes = NetMachine<>::frame(1523)}, DriverReason::net_packet_above_mtu, all);
    expect_dropped({.bytes = frame, .flags = needs_csum, .csum_start = 97, .csum_offset = 2},
                   DriverReason::net_checksum_outside, all);
    expect_dropped({.bytes = frame, .flags = needs_csum, .csum_start = 0xffff, .csum_offset = 0xffff},
                   DriverReason::net_checksum_outside, all);
    expect_dropped({.bytes = frame, .flags = data_valid}, DriverReason::net_checksum_not_negotiated, {mac});
    expect_dropped({.bytes = frame, .flags = needs_csum}, DriverReason::net_checksum_not_negotiated, {mac});
    expect_dropped({.bytes = frame, .gso_type = gso_udp_l4, .gso_size = 10}, DriverReason::net_gso_not_negotiated,
                   all);
    expect_dropped({.bytes = frame, .gso_type = gso_tcpv4, .gso_size = 10}, DriverReason::net_gso_not_negotiated,
                   {mac});
    expect_dropped({.bytes = frame, .gso_type = 77, .gso_size = 10}, DriverReason::net_gso_not_negotiated, all);
    expect_dropped({.bytes = frame, .gso_type = gso_tcpv4}, DriverReason::net_gso_without_size, all);
}

// A count above what there is: the announced buffers are dropped, at most as many as the ring has.
TEST(NetDevice, ReceivesAgainAfterAnImpossibleCount) {
    for (std::uint16_t const count : {std::uint16_t{17}, std::uint16_t{65'535}}) {
        NetMachine<> machine({.card = {.features = {mac, mrg_rxbuf}}});
        machine.bring_up();
        machine.card.inject({.bytes = machine.frame(100), .num_buffers = count});
        for (int i = 0; i < 15; ++i) {
            machine.card.inject({machine.frame(60)});
        }
        machine.card.inject({machine.frame(60, 7)});
        EXPECT_EQ(machine.receive(), Frames{machine.frame(60, 7)});
        EXPECT_EQ(machine.driver.dropped(), 1u);
        EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::net_buffer_count);
    }
}

// A packet that never ends holds its buffers until a reset.
TEST(NetDevice, SurvivesAPacketThatNeverEnds) {
    NetMachine<64, PairTraits> large({.card = {.features = {mrg_rxbuf}}});
    large.bring_up();
    large.card.inject({.bytes = large.frame(100), .num_buffers = 3});
    EXPECT_TRUE(large.receive().empty());
    ASSERT_TRUE(large.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
    large.device.step();
    large.card.inject({large.frame(60)});
    EXPECT_EQ(large.receive(), Frames{large.frame(60)});
}

// --- sending ---

TEST(NetDevice, SendsFromManySegments) {
    NetMachine<64> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    auto const frame = machine.frame(1514);
    Segment const whole = machine.packet(frame);
    std::vector<Segment> parts;
    for (std::uint32_t at = 0; at < 60; ++at) {
        parts.push_back({whole.addr + at, 1});
    }
    parts.push_back({whole.addr + 60, 1454});
    ASSERT_TRUE(machine.driver.submit(parts, Token{1}).ok());
    EXPECT_TRUE(machine.driver.kick_device());
    machine.device.step();
    ASSERT_EQ(machine.card.sent().size(), 1u);
    EXPECT_EQ(machine.card.sent()[0].bytes, frame);
    RequestCompletion const done = machine.driver.take_sent();
    EXPECT_EQ(done.state, CompletionState::ready);
    EXPECT_EQ(done.token, Token{1});
    EXPECT_EQ(machine.driver.take_sent().state, CompletionState::none);
    std::vector<Segment> const too_many(65, Segment{whole.addr, 1});
    EXPECT_EQ(machine.driver.submit(too_many, Token{2}).error(), Error::chain_longer_than_queue);
}

TEST(NetDevice, PushesBackWhenTheRingIsFull) {
    NetMachine<> machine;
    machine.bring_up();
    machine.card.hold();
    Segment const packet = machine.packet(machine.frame(60));
    std::uintptr_t submitted = 0;
    Status status;
    while ((status = machine.driver.submit(packet, Token{submitted + 1})).ok()) {
        ++submitted;
    }
    EXPECT_EQ(status.error(), Error::queue_full);
    EXPECT_EQ(machine.driver.in_flight(), submitted);
    EXPECT_TRUE(machine.driver.kick_device());
    machine.device.step();
    EXPECT_EQ(machine.driver.take_sent().state, CompletionState::none);
    EXPECT_EQ(machine.driver.enable_send_notifications(), MaySleep::yes);
    machine.card.let_pass(0, 1);
    machine.device.step();
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);  // there is room again
    EXPECT_EQ(machine.driver.take_sent().token, Token{1});
    EXPECT_TRUE(machine.driver.submit(packet, Token{99}).ok());
}

/// Frames of 60 bytes, each with its number as the token.
std::vector<NetFrame> numbered_frames(NetMachine<>& machine, std::uint8_t count) {
    std::vector<NetFrame> frames;
    for (std::uint8_t number = 0; number < count; ++number) {
        frames.push_back({machine.packet(machine.frame(60, number)), Token{std::uintptr_t{number}}});
    }
    return frames;
}

TEST(NetDevice, SendsABurstWithOneNotification) {
    NetMachine<> machine;
    machine.bring_up();
    std::vector<NetFrame> frames = numbered_frames(machine, 12);
    SubmittedBurst const first = machine.driver.submit_burst(frames);
    EXPECT_EQ(first.count, 8u);  // a header and a frame each, in a ring of 16
    EXPECT_EQ(first.error, Error::queue_full);
    EXPECT_TRUE(first.notification);
    machine.device.step();
    std::vector<std::uintptr_t> sent;
    EXPECT_EQ(machine.driver.for_each_sent([&](Token token) { sent.push_back(token.value()); }),
              CompletionState::none);
    EXPECT_EQ(sent, (std::vector<std::uintptr_t>{0, 1, 2, 3, 4, 5, 6, 7}));
    EXPECT_EQ(machine.driver.submit_burst({frames.data() + 8, 4}).count, 4u);
    machine.device.step();
    EXPECT_EQ(machine.driver.for_each_sent([](Token) {}), CompletionState::none);
    EXPECT_EQ(machine.driver.in_flight(), 0u);
    ASSERT_EQ(machine.card.sent().size(), 12u);
    for (std::uint8_t number = 0; number < 12; ++number) {
        EXPECT_EQ(machine.card.sent()[number].bytes, machine.frame(60, number));
    }
    frames[1].data.bytes = 13;
    SubmittedBurst const bad = machine.driver.submit_burst({frames.data(), 3});
    EXPECT_EQ(bad.count, 1u);
    EXPECT_EQ(bad.error, Error::packet_length_invalid);
    EXPECT_EQ(machine.driver.submit_burst({}).error, Error::none);
}

// There are slots left, but no descriptors: the packet that the ring refuses keeps no slot.
TEST(NetDevice, KeepsNoSlotOfARefusedPacket) {
    NetMachine<> machine;
    machine.bring_up();
    std::vector<NetFrame> frames = numbered_frames(machine, 8);
    std::vector<Segment> const pieces(11, frames[0].data);
    ASSERT_TRUE(machine.driver.submit(pieces, Token{100}).ok());
    SubmittedBurst const first = machine.driver.submit_burst(frames);
    EXPECT_EQ(first.count, 2u);  // 12 of the 16 descriptors are in use
    EXPECT_EQ(first.error, Error::queue_full);
    EXPECT_EQ(machine.driver.in_flight(), 3u);
    for (std::vector<std::uintptr_t> const& expected :
         {std::vector<std::uintptr_t>{100, 0, 1}, std::vector<std::uintptr_t>{0, 1, 2, 3, 4, 5, 6, 7}}) {
        machine.device.step();
        std::vector<std::uintptr_t> sent;
        EXPECT_EQ(machine.driver.for_each_sent([&](Token token) { sent.push_back(token.value()); }),
                  CompletionState::none);
        EXPECT_EQ(sent, expected);
        EXPECT_EQ(machine.driver.submit_burst(frames).count, 8u);  // all slots are free again
    }
}

TEST(NetDevice, TakesTokensBackInAnyOrder) {
    NetMachine<> machine;
    machine.bring_up();
    machine.card.use_newest_first();
    Segment const packet = machine.packet(machine.frame(60));
    for (std::uintptr_t i = 1; i <= 4; ++i) {
        ASSERT_TRUE(machine.driver.submit(packet, Token{i}).ok());
    }
    machine.driver.kick_device();
    machine.device.step();
    for (std::uintptr_t i = 4; i >= 1; --i) {
        EXPECT_EQ(machine.driver.take_sent().token, Token{i});
    }
}

TEST(NetDevice, SendsWithOffloads) {
    NetMachine<> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    Segment const packet = machine.packet(machine.frame(9000));
    NetOffload const offload{.checksum = NetChecksum::partial,
                             .gso = spec::net::Gso::tcpv4,
                             .header_bytes = 54,
                             .segment_bytes = 1460,
                             .csum_start = 34,
                             .csum_offset = 16};
    ASSERT_TRUE(machine.driver.submit(packet, Token{1}, offload).ok());
    machine.driver.kick_device();
    machine.device.step();
    ASSERT_EQ(machine.card.sent().size(), 1u);
    sim::NetFrame const sent = machine.card.sent()[0];
    EXPECT_EQ(sent.flags, needs_csum);
    EXPECT_EQ(sent.gso_type, gso_tcpv4);
    EXPECT_EQ(sent.hdr_len, 54u);
    EXPECT_EQ(sent.gso_size, 1460u);
    EXPECT_EQ(sent.csum_start, 34u);
    EXPECT_EQ(sent.csum_offset, 16u);
}

TEST(NetDevice, RefusesPacketsThatTheDeviceCannotSend) {
    NetMachine<> machine({.card = {.features = {mac, sim::wire::net::mtu}}});
    machine.bring_up();
    auto const refuses = [&](std::size_t bytes, NetOffload const& offload) {
        return machine.submit(machine.frame(bytes), Token{}, offload).error();
    };
    EXPECT_EQ(machine.driver.submit({}, Token{}).error(), Error::packet_length_invalid);
    EXPECT_EQ(refuses(13, {}), Error::packet_length_invalid);
    EXPECT_EQ(refuses(1519, {}), Error::packet_length_invalid);
    EXPECT_EQ(refuses(60, {.checksum = NetChecksum::partial, .csum_start = 34}), Error::not_supported);
    EXPECT_EQ(refuses(60, {.gso = spec::net::Gso::tcpv4}), Error::not_supported);
    NetMachine<> able({.card = {.features = all_net_features()}});
    able.bring_up();
    auto const rejects = [&](NetOffload const& offload) {
        return able.submit(able.frame(60), Token{}, offload).error();
    };
    NetOffload const good{.checksum = NetChecksum::partial,
                          .gso = spec::net::Gso::tcpv4,
                          .header_bytes = 54,
                          .segment_bytes = 1,
                          .csum_start = 34,
                          .csum_offset = 16};
    EXPECT_EQ(rejects(good), Error::none);
    for (auto const& change :
         {+[](NetOffload& one) { one.checksum = NetChecksum::unknown; },
          +[](NetOffload& one) { one.segment_bytes = 0; }, +[](NetOffload& one) { one.header_bytes = 13; },
          +[](NetOffload& one) { one.header_bytes = 61; }, +[](NetOffload& one) { one.csum_start = 45; }}) {
        NetOffload bad = good;
        change(bad);
        EXPECT_EQ(rejects(bad), Error::offload_invalid);
    }
    NetOffload ecn = good;
    ecn.has_ecn = true;
    EXPECT_EQ(rejects(ecn), Error::not_supported);  // HOST_ECN is not offered
}

// --- the control queue ---

TEST(NetDevice, UsesSeveralPairs) {
    auto features = all_net_features();
    features.push_back(mq);
    NetMachine<64, PairTraits> machine({.card = {.features = features, .pairs = 3}});
    machine.bring_up();
    EXPECT_EQ(machine.driver.pair_count(), 3u);
    ASSERT_TRUE(machine.driver.use_pairs(3, PollLimit{10}, machine.stepping()).ok());
    EXPECT_EQ(machine.card.pairs_in_use(), 3u);
    EXPECT_EQ(machine.driver.use_pairs(4, PollLimit{10}).error(), Error::no_such_pair);
    EXPECT_EQ(machine.driver.use_pairs(0, PollLimit{10}).error(), Error::no_such_pair);
    for (std::uint16_t pair = 0; pair < 3; ++pair) {
        auto const number = static_cast<std::uint8_t>(pair * 16);
        machine.card.inject({machine.frame(60, number)}, pair);
        EXPECT_EQ(machine.receive(pair), Frames{machine.frame(60, number)});
        ASSERT_TRUE(machine.submit(machine.frame(70, number), Token{1}, {}, pair).ok());
        machine.driver.kick_device(pair);
        machine.device.step();
        EXPECT_EQ(machine.card.sent(pair).size(), 1u);
        EXPECT_EQ(machine.driver.take_sent(pair).token, Token{1});
    }
    EXPECT_EQ(machine.submit(machine.frame(70), Token{1}, {}, 3).error(), Error::no_such_pair);
    EXPECT_EQ(machine.driver.take_sent(3).error, Error::no_such_pair);
}

// Its queues have pages since init, and the control queue is behind all of them.
TEST(NetDevice, RefusesOtherPairsAfterReset) {
    auto features = all_net_features();
    features.push_back(mq);
    NetMachine<64, PairTraits> machine({.card = {.features = features, .pairs = 3}});
    machine.bring_up();
    auto const reset = [&] { return machine.driver.reset([](RequestCompletion const&) {}).error(); };
    for (std::uint16_t const pairs : {std::uint16_t{1}, std::uint16_t{4}, std::uint16_t{0x2000}}) {
        machine.card.set_pairs(pairs);
        EXPECT_EQ(reset(), Error::config_unstable) << pairs;
        EXPECT_EQ(machine.submit(machine.frame(60), Token{1}, {}, 2).error(), Error::reset_needed);
    }
    machine.card.set_pairs(3);
    EXPECT_EQ(reset(), Error::none);
    machine.device.step();
    ASSERT_TRUE(machine.driver.use_pairs(3, PollLimit{10}, machine.stepping()).ok());
    EXPECT_TRUE(machine.submit(machine.frame(60), Token{1}, {}, 2).ok());
}

// --- the link ---

TEST(NetDevice, FollowsALinkThatFlaps) {
    NetMachine<> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    for (int i = 0; i < 10'000; ++i) {
        machine.device.change_config([&] { machine.card.set_link(i % 2 != 0); });
        Result<bool> const changed = machine.driver.on_config_change();
        ASSERT_TRUE(changed.ok());
        EXPECT_TRUE(*changed);
        EXPECT_EQ(machine.driver.is_link_up(), i % 2 != 0);
    }
    EXPECT_FALSE(*machine.driver.on_config_change());
}

// --- recovery, interfaces and formats ---

TEST(NetDevice, HandsEachUnsentTokenBackOnce) {
    NetMachine<> machine;
    machine.bring_up();
    machine.card.hold();
    Segment const packet = machine.packet(machine.frame(60));
    for (std::uintptr_t i = 1; i <= 5; ++i) {
        ASSERT_TRUE(machine.driver.submit(packet, Token{i}).ok());
    }
    machine.driver.kick_device();
    machine.card.inject({machine.frame(60)});
    machine.device.step();
    machine.driver.receive_each([](NetPacket const&) { return NetUse::kept; });
    EXPECT_EQ(machine.driver.buffers_kept(), 1u);
    std::set<std::uintptr_t> back;
    ASSERT_TRUE(machine.driver
                    .reset([&](RequestCompletion const& ended) {
                        EXPECT_EQ(ended.error, Error::request_cancelled);
                        EXPECT_TRUE(back.insert(ended.token.value()).second);
                    })
                    .ok());
    EXPECT_EQ(back, (std::set<std::uintptr_t>{1, 2, 3, 4, 5}));
    EXPECT_EQ(machine.driver.buffers_kept(), 0u);
    machine.card.release();
    machine.device.step();
    machine.card.inject({machine.frame(80)});
    EXPECT_EQ(machine.receive(), Frames{machine.frame(80)});
}

template <class Traits>
void expect_traffic(NetSetup const& setup) {
    NetMachine<64, Traits> machine(setup);
    machine.bring_up();
    for (std::uint8_t number = 0; number < 100; ++number) {
        machine.card.inject({machine.frame(600, number)});
        EXPECT_EQ(machine.receive(), Frames{machine.frame(600, number)});
        ASSERT_TRUE(machine.submit(machine.frame(600, number), Token{number + 1u}).ok());
        machine.driver.kick_device();
        machine.device.step();
        EXPECT_EQ(machine.driver.take_sent().token, Token{number + 1u});
        ASSERT_EQ(machine.card.take_sent().at(0).bytes, machine.frame(600, number));
    }
}

// cheribsd#468, virtio-win#1529: the header has 10 or 12 bytes, and on some legacy devices a descriptor of its own.
TEST(NetDevice, WorksOverEachInterfaceAndFormat) {
    auto const all = all_net_features();
    auto packed = all;
    packed.push_back(sim::wire::feature::ring_packed);
    expect_traffic<NetTraits>({.card = {.features = all}});
    expect_traffic<NetTraits>({.card = {.features = {mac}}});
    expect_traffic<PackedNetTraits>({.card = {.features = packed}});
    expect_traffic<PairTraits>({.card = {.features = packed}});
    for (auto const& features : {std::vector<unsigned>{mac}, std::vector<unsigned>{mac, mrg_rxbuf},
                                 std::vector<unsigned>{mac, sim::wire::feature::any_layout},
                                 std::vector<unsigned>{mac, mrg_rxbuf, sim::wire::feature::any_layout}}) {
        expect_traffic<NetTraits>(
            {.card = {.features = features, .transmit_length = true}, .version = sim::MmioVersion::legacy});
    }
}

}  // namespace
}  // namespace virtq::test
