// SPDX-License-Identifier: MIT
#include <virtq/device/detail/net/net_header.hpp>

#include <virtq/device/detail/net/net_config.hpp>
#include <virtq/device/detail/net/net_control.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

/// The headers and commands of a card without a card: their rules, and their bytes in both orders.
namespace virtq::test {
namespace {

using namespace virtq::detail;
using Bit = spec::net::Feature;
using Gso = spec::net::Gso;

constexpr ByteOrder other_order = native_byte_order == ByteOrder::big ? ByteOrder::little : ByteOrder::big;

NetOffload split(Gso gso) {
    return {.checksum = NetChecksum::partial,
            .gso = gso,
            .header_bytes = 54,
            .segment_bytes = 1460,
            .csum_start = 34,
            .csum_offset = 16};
}

TEST(NetHeader, CodesInBothOrders) {
    for (ByteOrder const order : {native_byte_order, other_order}) {
        NetHeader const header{Features::of(Bit::csum, Bit::host_tso4, Bit::mrg_rxbuf), order, 1500};
        NetOffload const offload = split(Gso::tcpv4);
        spec::net::Header coded = header.encode(offload);
        EXPECT_EQ(coded.gso_size, order == native_byte_order ? 1460u : 0xb405u);
        NetOffload const back = header.decode(coded, 3000);
        EXPECT_EQ(back.segment_bytes, 1460u);
        EXPECT_EQ(back.header_bytes, 54u);
        EXPECT_EQ(back.csum_start, 34u);
        EXPECT_EQ(back.csum_offset, 16u);
        coded.num_buffers = order == native_byte_order ? 3 : 0x300;
        EXPECT_EQ(header.buffers(coded), 3u);
    }
}

TEST(NetHeader, SplitsWhatWasNegotiated) {
    NetHeader const all{Features::of(Bit::host_tso4, Bit::host_tso6, Bit::host_uso), ByteOrder::little, 0};
    NetHeader const nothing{Features{}, ByteOrder::little, 0};
    for (Gso const gso : {Gso::tcpv4, Gso::tcpv6, Gso::udp_l4}) {
        EXPECT_TRUE(all.can_split(gso));
        EXPECT_FALSE(nothing.can_split(gso));
    }
    EXPECT_FALSE(all.can_split(Gso::none));
    EXPECT_FALSE(all.can_split(Gso::udp));
}

TEST(NetHeader, ReceivesWhatWasNegotiated) {
    auto const check = [](Features const& features, NetOffload const& offload) {
        return NetHeader{features | Features::of(Bit::guest_csum), ByteOrder::little, 1500}.check_received(offload,
                                                                                                           3000);
    };
    Features const tcp = Features::of(Bit::guest_tso4, Bit::guest_tso6);
    for (Gso const gso : {Gso::tcpv4, Gso::tcpv6}) {
        EXPECT_EQ(check(tcp, split(gso)), DriverReason::none);
        EXPECT_EQ(check(Features{}, split(gso)), DriverReason::net_gso_not_negotiated);
        NetOffload ecn = split(gso);
        ecn.has_ecn = true;
        EXPECT_EQ(check(tcp, ecn), DriverReason::net_ecn_unexpected);
        EXPECT_EQ(check(tcp | Features::of(Bit::guest_ecn), ecn), DriverReason::none);
    }
    for (Bit const one : {Bit::guest_uso4, Bit::guest_uso6}) {
        EXPECT_EQ(check(Features::of(one), split(Gso::udp_l4)), DriverReason::none);
        NetOffload ecn = split(Gso::udp_l4);
        ecn.has_ecn = true;
        EXPECT_EQ(check(Features::of(one, Bit::guest_ecn), ecn), DriverReason::net_ecn_unexpected);
    }
    EXPECT_EQ(check(tcp, split(Gso::udp_l4)), DriverReason::net_gso_not_negotiated);
    EXPECT_EQ(check(tcp, split(Gso::udp)), DriverReason::net_gso_not_negotiated);
}

TEST(NetCommand, IsInTheOrderOfTheDevice) {
    using Data = NetControl<16, NetTraits>::Data;
    auto const bytes_in = [](ByteOrder order) {
        Data data{order};
        data.put16(0x0102);
        data.put32(0x03040506);
        data.put64(0x0708090a0b0c0d0e);
        return std::vector<std::uint8_t>(data.begin(), data.begin() + data.size());
    };
    EXPECT_EQ(bytes_in(ByteOrder::big), (std::vector<std::uint8_t>{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}));
    EXPECT_EQ(bytes_in(ByteOrder::little), (std::vector<std::uint8_t>{2, 1, 6, 5, 4, 3, 14, 13, 12, 11, 10, 9, 8, 7}));
}

TEST(NetConfig, DiffersInEachField) {
    NetConfig const one{};
    NetConfig const others[] = {{.mac = {{1}}},
                                {.status = 1},
                                {.pairs = 1},
                                {.mtu = 1},
                                {.speed = {.megabits = 1}},
                                {.speed = {.duplex = spec::net::Duplex::full_duplex}}};
    for (NetConfig const& other : others) {
        EXPECT_FALSE(one == other);
        EXPECT_TRUE(other == other);
    }
}

}  // namespace
}  // namespace virtq::test
