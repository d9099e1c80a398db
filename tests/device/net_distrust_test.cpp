// SPDX-License-Identifier: MIT
//
// A card that offers, says or does what it must not.
#include <device/bounce_mapper.hpp>
#include <device/measured_transport.hpp>
#include <device/net_machine.hpp>
#include <transport/transport_setting.hpp>

#include <algorithm>
#include <set>
#include <vector>

namespace virtq::test {
namespace {

using namespace sim::wire::net;
using Frames = std::vector<std::vector<std::uint8_t>>;

struct FourPairs : NetTraits {
    static constexpr std::uint16_t pair_max = 4;
};

struct MappedTraits : NetTraits {
    using Mapper = BounceMapper;
};

auto take_nothing_back() {
    return [](RequestCompletion const&) {};
}

// --- features and the control queue ---

TEST(NetDistrust, RefusesCommandsWithoutAControlQueue) {
    for (unsigned const feature : {ctrl_guest_offloads, ctrl_rx_extra}) {
        NetMachine<> machine({.card = {.features = {mac, guest_csum, feature}}});
        machine.bring_up();
        PollLimit const limit{10};
        EXPECT_EQ(machine.driver.set_receive_offloads(Features{}, limit).error(), Error::not_supported);
        EXPECT_EQ(machine.driver.set_receive_mode(spec::net::RxCommand::all_uni, NetSwitch::on, limit).error(),
                  Error::not_supported);
    }
}

TEST(NetDistrust, IgnoresAControlQueueOfferedLate) {
    NetMachine<> machine({.card = {.features = {mac, ctrl_vq, ctrl_rx}}});
    machine.device.offer(ctrl_vq, false);
    machine.bring_up();
    machine.device.offer(ctrl_vq);
    ASSERT_TRUE(machine.driver.reset(take_nothing_back()).ok());
    EXPECT_FALSE(machine.driver.negotiation().negotiated.has(spec::net::Feature::ctrl_vq));
    EXPECT_EQ(machine.driver.set_receive_mode(spec::net::RxCommand::promisc, NetSwitch::on, PollLimit{10}).error(),
              Error::not_supported);
}

// 32768 pairs are permitted (§5.1.4.1), but the number of the control queue behind them would be 65536.
TEST(NetDistrust, GivesUpAControlQueueWithoutANumber) {
    for (unsigned const number : {0u, 0x8000u, 0x8001u, 0xffffu}) {
        auto const pairs = static_cast<std::uint16_t>(number);
        NetMachine<16, FourPairs> machine({.card = {.features = {mac, mq, ctrl_vq, ctrl_rx}, .pairs = 4}});
        machine.card.set_pairs(pairs);
        machine.bring_up();
        EXPECT_EQ(machine.driver.pair_count(), 1u);
        EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::net_pairs_zero);
        EXPECT_EQ(machine.driver.driver_fault().value, pairs);
        EXPECT_EQ(machine.driver.use_pairs(1, PollLimit{10}).error(), Error::not_supported);
        machine.card.inject({machine.frame(60)});
        EXPECT_EQ(machine.receive(), Frames{machine.frame(60)});
    }
}

TEST(NetDistrust, TakesAMissingAnswerForNone) {
    for (bool const is_legacy : {false, true}) {
        NetMachine<> machine({.card = {.features = {mac, ctrl_vq, ctrl_rx}},
                              .version = is_legacy ? sim::MmioVersion::legacy : sim::MmioVersion::modern});
        machine.bring_up();
        for (std::uint32_t const length : {0u, 1u}) {
            machine.card.leave_out_answers(length);
            EXPECT_EQ(
                machine.driver
                    .set_receive_mode(spec::net::RxCommand::promisc, NetSwitch::on, PollLimit{10}, machine.stepping())
                    .error(),
                Error::answer_invalid);
            EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::net_answer_unknown);
            EXPECT_EQ(machine.driver.driver_fault().value, 0xffu);
        }
    }
}

// A legacy PCI device fixes the size of its queues; QEMU's control queue has 64.
TEST(NetDistrust, TakesTheControlQueueOfLegacyPci) {
    using Place = OnPci<LegacyPorts, Layout::legacy>;
    sim::GuestMemory memory;
    sim::NetDevice card{memory.violations(), {.features = {mac, ctrl_vq, ctrl_rx}, .queue_size_max = 64}};
    Place place{memory, card};
    Place::Transport transport;
    ASSERT_TRUE(place.probe(transport).ok());
    NetDevice<Place::Transport, 64> driver;
    EXPECT_EQ(driver.init(transport, memory).error(), Error::none);
    EXPECT_TRUE(driver.release(memory).ok());
}

// --- pairs ---

TEST(NetDistrust, SendsOnlyOnPairsInUse) {
    NetMachine<16, FourPairs> machine({.card = {.features = {mac, mq, ctrl_vq}, .pairs = 4}});
    machine.bring_up();
    PollLimit const limit{10};
    auto const submit = [&](std::uint16_t pair) {
        return machine.submit(machine.frame(60), Token{1}, {}, pair).error();
    };
    NetFrame const frame{machine.packet(machine.frame(60)), Token{2}};
    EXPECT_EQ(submit(3), Error::pair_not_in_use);
    EXPECT_EQ(machine.driver.submit_burst({&frame, 1}, 3).error, Error::pair_not_in_use);
    EXPECT_EQ(submit(4), Error::no_such_pair);
    ASSERT_TRUE(machine.driver.use_pairs(4, limit, machine.stepping()).ok());
    EXPECT_EQ(submit(3), Error::none);
    machine.driver.kick_device(3);
    machine.device.step();
    machine.card.answer_with(err);
    EXPECT_EQ(machine.driver.use_pairs(2, limit, machine.stepping()).error(), Error::command_refused);
    EXPECT_EQ(submit(3), Error::none);  // as before
    machine.driver.kick_device(3);
    machine.device.step();
    machine.card.answer_with({});
    ASSERT_TRUE(machine.driver.use_pairs(2, limit, machine.stepping()).ok());
    EXPECT_EQ(submit(2), Error::pair_not_in_use);
    EXPECT_EQ(submit(1), Error::none);
    EXPECT_EQ(machine.driver.take_sent(3).token, Token{1});  // what was sent before still comes back
    ASSERT_TRUE(machine.driver.reset(take_nothing_back()).ok());
    EXPECT_EQ(submit(1), Error::pair_not_in_use);
}

// --- received packets ---

// Otherwise a peer could put a header where the second buffer of a dropped packet begins.
TEST(NetDistrust, DropsAllBuffersOfABadPacket) {
    NetMachine<> machine({.card = {.features = {mac, mrg_rxbuf}}});
    machine.bring_up();
    machine.card.fill_at_most(100);
    auto frame = machine.frame(1700);  // 18 buffers would be needed; 16 have come
    frame.resize(1500);
    for (std::size_t at = 100 - 12; at + 12 < frame.size(); at += 100) {
        std::memset(frame.data() + at, 0, 12);
        frame[at + 10] = 1;
    }
    machine.card.inject({.bytes = frame, .num_buffers = 17});
    machine.device.step();
    EXPECT_TRUE(machine.receive().empty());
    EXPECT_EQ(machine.driver.dropped(), 1u);
    EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::net_buffer_count);
    machine.card.inject({machine.frame(60)});
    EXPECT_EQ(machine.receive(), Frames{machine.frame(60)});
}

TEST(NetDistrust, ReceivesPacketsOfALargeMtu) {
    NetMachine<> machine({.card = {.features = {mac, mtu, mrg_rxbuf}, .mtu = 9000}});
    machine.bring_up();
    machine.card.inject({machine.frame(9014)});
    EXPECT_EQ(machine.receive(), Frames{machine.frame(9014)});
    EXPECT_EQ(machine.driver.dropped(), 0u);
}

// §5.1.4.2: a driver that accepts MTU has buffers for packets of that size.
TEST(NetDistrust, RejectsAnMtuAboveItsBuffers) {
    struct Row {
        std::vector<unsigned> features;
        std::uint16_t mtu;
        Error error;
    };
    for (Row const& row : {Row{{mac, mtu}, 9000, Error::mtu_above_buffers}, Row{{mac, mtu}, 2014, Error::none},
                           Row{{mac, mtu}, 2015, Error::mtu_above_buffers}, Row{{mac}, 9000, Error::none},
                           Row{{mac, mtu, mrg_rxbuf}, 32'734, Error::none},
                           Row{{mac, mtu, mrg_rxbuf}, 65'535, Error::mtu_above_buffers}}) {
        NetMachine<> machine({.card = {.features = row.features, .mtu = row.mtu}});
        EXPECT_EQ(machine.init().error(), row.error) << row.mtu;
    }
}

TEST(NetDistrust, AcceptsTwoVlanTags) {
    NetMachine<> machine({.card = {.features = {mac, mtu}}});
    machine.bring_up();
    machine.card.inject({machine.frame(1522)});
    EXPECT_EQ(machine.receive(), Frames{machine.frame(1522)});
    machine.card.inject({machine.frame(1523)});
    EXPECT_TRUE(machine.receive().empty());
    EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::net_packet_above_mtu);
}

/// A card that delivers as soon as it is notified.
struct EagerTransport : MmioTransport<sim::MmioRegisters> {
    void notify(std::uint16_t queue, std::uint16_t next) {
        MmioTransport::notify(queue, next);
        if (device != nullptr) {
            device->step();
        }
    }
    sim::MmioDevice* device = nullptr;
};

TEST(NetDistrust, BoundsReceivingByPackets) {
    sim::GuestMemory memory;
    sim::NetDevice card{memory.violations(), {.features = {mac}}};
    sim::MmioDevice device{memory, card};
    EagerTransport transport;
    ASSERT_TRUE(transport.probe(device.registers()).ok());
    NetDevice<EagerTransport, 16> driver;
    ASSERT_TRUE(driver.init(transport, memory).ok());
    for (int i = 0; i < 200; ++i) {
        card.inject({.bytes = NetMachine<>::frame(60), .used_length = 3});
    }
    device.step();
    transport.device = &device;
    EXPECT_EQ(driver.receive_each([](NetPacket const&) {}, 1), CompletionState::ready);
    EXPECT_EQ(driver.dropped(), 1u);
    EXPECT_TRUE(driver.release(memory).ok());
}

TEST(NetDistrust, ChecksOffloadsOfReceivedPackets) {
    struct Row {
        sim::NetFrame frame;
        std::vector<unsigned> features;
        DriverReason reason;
    };
    auto const frame = NetMachine<>::frame(100);
    std::vector<unsigned> const tso{mac, mrg_rxbuf, guest_csum, guest_tso4};
    for (Row const& row :
         {Row{{.bytes = frame, .gso_type = gso_tcpv4, .gso_size = 10}, tso, DriverReason::net_gso_without_checksum},
          Row{{.bytes = frame, .flags = data_valid, .gso_type = gso_tcpv4, .gso_size = 10},
              tso,
              DriverReason::net_gso_without_checksum},
          Row{{.bytes = frame, .flags = needs_csum, .gso_type = gso_tcpv4 | gso_ecn, .gso_size = 10},
              tso,
              DriverReason::net_ecn_unexpected},
          Row{{.bytes = frame, .gso_type = gso_ecn}, tso, DriverReason::net_ecn_unexpected},
          Row{{.bytes = frame, .gso_type = gso_ecn}, {mac}, DriverReason::net_ecn_unexpected}}) {
        NetMachine<64, LargePackets> machine({.card = {.features = row.features}});
        machine.bring_up();
        machine.card.inject(row.frame);
        EXPECT_TRUE(machine.receive().empty());
        EXPECT_EQ(machine.driver.driver_fault().reason, row.reason) << describe(machine.driver.driver_fault().reason);
    }
}

TEST(NetDistrust, IgnoresAHeaderLengthAboveThePacket) {
    NetMachine<64, LargePackets> machine({.card = {.features = {mac, mrg_rxbuf, guest_csum, guest_tso4}}});
    machine.bring_up();
    for (std::uint16_t const length : {std::uint16_t{100}, std::uint16_t{101}}) {
        machine.card.inject({.bytes = machine.frame(100),
                             .flags = needs_csum,
                             .gso_type = gso_tcpv4,
                             .hdr_len = length,
                             .gso_size = 10});
        machine.device.step();
        unsigned seen = 0;
        machine.driver.receive_each([&](NetPacket const& packet) {
            ++seen;
            EXPECT_EQ(packet.offload.header_bytes, length == 100 ? 100u : 0u);
        });
        EXPECT_EQ(seen, 1u);
    }
}

// --- sent packets ---

TEST(NetDistrust, RejectsEcnWithoutTcp) {
    auto features = all_net_features();
    features.push_back(host_ecn);
    NetMachine<> machine({.card = {.features = features}});
    machine.bring_up();
    NetOffload offload{.checksum = NetChecksum::partial,
                       .gso = spec::net::Gso::tcpv4,
                       .has_ecn = true,
                       .header_bytes = 54,
                       .segment_bytes = 1,
                       .csum_start = 34,
                       .csum_offset = 16};
    auto const submit = [&] { return machine.submit(machine.frame(60), Token{}, offload).error(); };
    EXPECT_EQ(submit(), Error::none);
    offload.gso = spec::net::Gso::udp_l4;
    EXPECT_EQ(submit(), Error::offload_invalid);
    offload.gso = spec::net::Gso::none;
    EXPECT_EQ(submit(), Error::offload_invalid);
    offload.checksum = NetChecksum::unknown;
    EXPECT_EQ(submit(), Error::offload_invalid);
}

TEST(NetDistrust, BoundsTakingByPacketsInFlight) {
    NetMachine<64> machine;
    machine.bring_up();
    Segment const packet = machine.packet(machine.frame(60));
    auto const send = [&](Token token) {
        EXPECT_TRUE(machine.driver.submit(packet, token).ok());
        machine.driver.kick_device();
    };
    for (std::uintptr_t i = 0; i < 16; ++i) {
        send(Token{i});
    }
    machine.device.step();
    unsigned taken = 0;
    auto const send_again = [&](Token token) {
        if (++taken < 1000) {
            send(token);
            machine.device.step();
        }
    };
    EXPECT_EQ(machine.driver.for_each_sent(send_again), CompletionState::ready);
    EXPECT_LE(taken, 32u);
    EXPECT_EQ(machine.driver.in_flight(), 16u);
    EXPECT_EQ(machine.driver.for_each_sent([](Token) {}), CompletionState::none);
}

// --- sleeping, and the configuration ---

TEST(NetDistrust, OffersReturnedBuffersBeforeItSleeps) {
    NetMachine<4> machine({.card = {.features = {mac}}});
    machine.bring_up();
    std::vector<NetPart> kept;
    for (int i = 0; i < 4; ++i) {
        machine.card.inject({machine.frame(60)});
    }
    machine.device.step();
    machine.driver.receive_each([&](NetPacket const& packet) {
        kept.push_back(packet.parts[0]);
        return NetUse::kept;
    });
    ASSERT_EQ(kept.size(), 4u);
    for (NetPart const& part : kept) {
        machine.driver.give_back(part);
    }
    EXPECT_EQ(machine.driver.enable_receive_notifications(), MaySleep::yes);
    machine.card.inject({machine.frame(60)});
    machine.device.step();
    EXPECT_EQ(machine.card.waiting(), 0u);
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
}

TEST(NetDistrust, NoticesADeadCardOnConfigChange) {
    NetMachine<> machine({.card = {.features = {mac, sim::wire::net::status}}});
    machine.bring_up();
    machine.hostile = true;
    machine.device.need_reset();
    EXPECT_EQ(machine.driver.on_config_change().error(), Error::reset_needed);
    EXPECT_EQ(machine.driver.receive_each([](NetPacket const&) {}), CompletionState::broken);
    NetMachine<> gone({.card = {.features = {mac, sim::wire::net::status}}});
    gone.bring_up();
    gone.hostile = true;
    gone.device.vanish();
    EXPECT_EQ(gone.driver.on_config_change().error(), Error::device_gone);
    EXPECT_TRUE(gone.driver.is_link_up());
}

TEST(NetDistrust, ComparesOnlyWhatItTakesOver) {
    NetMachine<16, FourPairs> machine({.card = {.features = {mac, mq, ctrl_vq, status}, .pairs = 4}});
    machine.bring_up();
    machine.device.change_config([&] { machine.card.set_pairs(2); });
    Result<bool> const changed = machine.driver.on_config_change();
    ASSERT_TRUE(changed.ok());
    EXPECT_FALSE(*changed);
}

TEST(NetDistrust, ReportsAShortConfiguration) {
    struct Row {
        std::vector<unsigned> features;
        std::uint32_t bytes;
    };
    for (Row const& row : {Row{{mac}, 6}, Row{{mac, status}, 8}, Row{{mac, mq, ctrl_vq}, 10}, Row{{mac, mtu}, 12},
                           Row{{mac, speed_duplex}, 17}}) {
        sim::GuestMemory memory;
        sim::NetDevice card{memory.violations(), {.features = row.features}};
        sim::MmioDevice device{memory, card};
        MeasuredTransport transport;
        ASSERT_TRUE(transport.probe(device.registers()).ok());
        NetDevice<MeasuredTransport, 4, FourPairs> driver;
        transport.config_bytes = row.bytes - 1;
        EXPECT_EQ(driver.init(transport, memory).error(), Error::config_too_short) << row.bytes;
        transport.config_bytes = row.bytes;
        EXPECT_TRUE(driver.init(transport, memory).ok()) << row.bytes;
        EXPECT_TRUE(driver.release(memory).ok());
    }
}

// --- what a kernel gets wrong, and a device that changes ---

TEST(NetDistrust, AnswersForAPairThatDoesNotExist) {
    NetMachine<> machine;
    machine.bring_up();
    EXPECT_EQ(machine.driver.dropped(1), 0u);
    EXPECT_EQ(machine.driver.in_flight(1), 0u);
    EXPECT_EQ(machine.driver.for_each_sent([](Token) {}, 1), CompletionState::broken);
    machine.driver.disable_send_notifications(1);
    machine.driver.disable_receive_notifications(1);
    machine.driver.disable_receive_notifications(0);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::none);
}

TEST(NetDistrust, BreaksOnALengthOfASentPacket) {
    NetMachine<> machine({.card = {.transmit_length = true}});
    machine.bring_up();
    machine.hostile = true;
    ASSERT_TRUE(machine.submit(machine.frame(60), Token{1}).ok());
    machine.driver.kick_device();
    machine.device.step();
    EXPECT_EQ(machine.driver.for_each_sent([](Token) {}), CompletionState::broken);
    EXPECT_EQ(machine.submit(machine.frame(60), Token{2}).error(), Error::reset_needed);
}

TEST(NetDistrust, TakesManySentPackets) {
    NetMachine<64> machine;
    machine.bring_up();
    for (std::uintptr_t i = 0; i < 20; ++i) {  // more than one burst
        ASSERT_TRUE(machine.submit(machine.frame(60), Token{i}).ok());
    }
    machine.driver.kick_device();
    machine.device.step();
    std::vector<std::uintptr_t> sent;
    EXPECT_EQ(machine.driver.for_each_sent([&](Token token) { sent.push_back(token.value()); }),
              CompletionState::none);
    EXPECT_EQ(sent.size(), 20u);
}

TEST(NetDistrust, SaysWhyTheLastPacketWasRefused) {
    NetMachine<> machine;
    machine.bring_up();
    Segment const nothing[] = {machine.packet(machine.frame(60)), {PhysAddr{0x1000}, 0}};
    EXPECT_EQ(machine.driver.submit(nothing, Token{2}).error(), Error::segment_empty);
    EXPECT_EQ(machine.driver.last_error(1), Error::segment_empty);
    EXPECT_EQ(machine.driver.last_error(0), Error::none);
}

TEST(NetDistrust, RejectsWhatTheMapperOrTheQueueCannotTake) {
    BounceMapper mapper;  // outlives the driver
    NetMachine<64, MappedTraits> machine;
    mapper.memory = &machine.memory;
    ASSERT_TRUE(machine.transport.probe(machine.device.registers()).ok());
    ASSERT_TRUE(machine.driver.init(machine.transport, machine.memory, mapper, {.reset_limit = PollLimit{100}}).ok());
    Segment const piece = machine.packet(machine.frame(60));
    Segment const two[] = {piece, piece};
    mapper.fail_after = 1;
    EXPECT_EQ(machine.driver.submit(two, Token{1}).error(), Error::dma_map_failed);
    mapper.fail_after.reset();
    std::vector<Segment> const many(200, piece);
    EXPECT_EQ(machine.driver.submit(many, Token{1}).error(), Error::chain_longer_than_queue);
    EXPECT_TRUE(mapper.mapped.empty());
    EXPECT_TRUE(machine.driver.submit(two, Token{1}).ok());
}

TEST(NetDistrust, DoesNotResumeASmallerQueue) {
    for (std::uint16_t const queue : {std::uint16_t{0}, std::uint16_t{1}}) {
        NetMachine<> machine;
        machine.bring_up();
        machine.device.set_queue_size_max(4, queue);
        EXPECT_EQ(machine.driver.reset(take_nothing_back()).error(), Error::queue_size_not_taken);
    }
}

// A legacy card without ANY_LAYOUT gets half as many buffers, and has pages for those only.
TEST(NetDistrust, GivesNoMoreBuffersAfterAResetThanItHasPagesFor) {
    using sim::wire::feature::any_layout;
    for (bool const had_layout : {false, true}) {
        NetMachine<16> machine({.card = {.features = {mac, any_layout}}, .version = sim::MmioVersion::legacy});
        machine.device.offer(any_layout, had_layout);
        machine.bring_up();
        machine.device.offer(any_layout, !had_layout);
        ASSERT_TRUE(machine.driver.reset(take_nothing_back()).ok());
        EXPECT_EQ(machine.driver.negotiation().negotiated.has(spec::Feature::any_layout), !had_layout);
        for (std::uint8_t number = 0; number < 40; ++number) {  // each buffer is filled
            machine.card.inject({machine.frame(1000, number)});
            EXPECT_EQ(machine.receive(), Frames{machine.frame(1000, number)});
        }
    }
}

TEST(NetDistrust, NeedsTwoDescriptorsForALegacyBuffer) {
    NetMachine<> machine({.card = {.features = {}}, .version = sim::MmioVersion::legacy});
    machine.device.set_queue_size_max(1, 0);
    EXPECT_EQ(machine.init().error(), Error::queue_too_small);
}

TEST(NetDistrust, KeepsWhatItKnewOfAnUnstableConfiguration) {
    NetMachine<> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    machine.device.unsettle_config(sim::ConfigSpace::never);
    EXPECT_EQ(machine.driver.on_config_change().error(), Error::config_unstable);
    EXPECT_TRUE(machine.driver.is_link_up());
}

TEST(NetDistrust, NoticesAnotherSpeed) {
    NetMachine<> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    machine.device.change_config([&] { machine.card.set_speed(40'000); });
    EXPECT_TRUE(*machine.driver.on_config_change());
    EXPECT_EQ(machine.driver.speed().megabits, 40'000u);
    EXPECT_FALSE(*machine.driver.on_config_change());
}

TEST(NetDistrust, TakesNoMoreAddressesThanItHasRoomFor) {
    NetMachine<> machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    std::vector<MacAddress> const many(NetTraits::mac_table_max + 1);
    Span<MacAddress const> const none;
    EXPECT_EQ(machine.driver.set_mac_table(many, none, PollLimit{1}).error(), Error::not_supported);
    EXPECT_EQ(machine.driver.set_mac_table(none, many, PollLimit{1}).error(), Error::not_supported);
}

/// A kernel whose `relax` sends the next command, and so on, until there is no room.
template <class Send>
struct Impatient {
    Send send;
    std::vector<Error>& errors;
    unsigned depth = 0;

    void operator()() const {
        if (depth < 20) {
            errors.push_back(send(Impatient{send, errors, depth + 1}).error());
        }
    }
};

TEST(NetDistrust, HasNoRoomForMoreCommands) {
    for (bool const has_data : {false, true}) {  // one runs out of slots, the other of descriptors
        NetMachine<16, FourPairs> machine(
            {.card = {.features = {mac, sim::wire::net::status, mq, ctrl_vq, guest_announce}, .pairs = 4}});
        machine.bring_up();
        auto const send = [&](auto const& relax) {
            Status const sent = has_data ? machine.driver.use_pairs(2, PollLimit{2}, relax)
                                         : machine.driver.acknowledge_announcement(PollLimit{2}, relax);
            if (sent.error() == Error::queue_full) {
                EXPECT_EQ(machine.driver.last_error(8), Error::queue_full);  // of the control queue
            }
            return sent;
        };
        std::vector<Error> errors;
        Impatient<decltype(send)>{send, errors}();
        EXPECT_GE(std::count(errors.begin(), errors.end(), Error::queue_full), 1) << errors.size();
    }
}

}  // namespace
}  // namespace virtq::test
