// SPDX-License-Identifier: MIT
#include <virtq/spec/net.hpp>

#include <support/number.hpp>

#include <gtest/gtest.h>

#include <cstddef>

namespace {

namespace net = virtq::spec::net;
using virtq::Features;
using virtq::test::number_of;

TEST(NetFeature, HasTheOffloadNumbers) {
    EXPECT_EQ(number_of(net::Feature::csum), 0u);
    EXPECT_EQ(number_of(net::Feature::guest_csum), 1u);
    EXPECT_EQ(number_of(net::Feature::ctrl_guest_offloads), 2u);
    EXPECT_EQ(number_of(net::Feature::gso), 6u);
    EXPECT_EQ(number_of(net::Feature::guest_tso4), 7u);
    EXPECT_EQ(number_of(net::Feature::guest_tso6), 8u);
    EXPECT_EQ(number_of(net::Feature::guest_ecn), 9u);
    EXPECT_EQ(number_of(net::Feature::guest_ufo), 10u);
    EXPECT_EQ(number_of(net::Feature::host_tso4), 11u);
    EXPECT_EQ(number_of(net::Feature::host_tso6), 12u);
    EXPECT_EQ(number_of(net::Feature::host_ecn), 13u);
    EXPECT_EQ(number_of(net::Feature::host_ufo), 14u);
    EXPECT_EQ(number_of(net::Feature::guest_rsc4), 41u);
    EXPECT_EQ(number_of(net::Feature::guest_rsc6), 42u);
    EXPECT_EQ(number_of(net::Feature::guest_uso4), 54u);
    EXPECT_EQ(number_of(net::Feature::guest_uso6), 55u);
    EXPECT_EQ(number_of(net::Feature::host_uso), 56u);
    EXPECT_EQ(number_of(net::Feature::guest_hdrlen), 59u);
    EXPECT_EQ(number_of(net::Feature::rsc_ext), 61u);
    EXPECT_EQ(number_of(net::Feature::guest_udp_tunnel_gso), 65u);
    EXPECT_EQ(number_of(net::Feature::guest_udp_tunnel_gso_csum), 66u);
    EXPECT_EQ(number_of(net::Feature::host_udp_tunnel_gso), 67u);
    EXPECT_EQ(number_of(net::Feature::host_udp_tunnel_gso_csum), 68u);
    EXPECT_EQ(number_of(net::Feature::out_net_header), 69u);
    EXPECT_EQ(number_of(net::Feature::ipsec), 70u);
}

TEST(NetFeature, HasTheOtherNumbers) {
    EXPECT_EQ(number_of(net::Feature::mtu), 3u);
    EXPECT_EQ(number_of(net::Feature::mac), 5u);
    EXPECT_EQ(number_of(net::Feature::mrg_rxbuf), 15u);
    EXPECT_EQ(number_of(net::Feature::status), 16u);
    EXPECT_EQ(number_of(net::Feature::ctrl_vq), 17u);
    EXPECT_EQ(number_of(net::Feature::ctrl_rx), 18u);
    EXPECT_EQ(number_of(net::Feature::ctrl_vlan), 19u);
    EXPECT_EQ(number_of(net::Feature::ctrl_rx_extra), 20u);
    EXPECT_EQ(number_of(net::Feature::guest_announce), 21u);
    EXPECT_EQ(number_of(net::Feature::mq), 22u);
    EXPECT_EQ(number_of(net::Feature::ctrl_mac_addr), 23u);
    EXPECT_EQ(number_of(net::Feature::device_stats), 50u);
    EXPECT_EQ(number_of(net::Feature::hash_tunnel), 51u);
    EXPECT_EQ(number_of(net::Feature::vq_notf_coal), 52u);
    EXPECT_EQ(number_of(net::Feature::notf_coal), 53u);
    EXPECT_EQ(number_of(net::Feature::hash_report), 57u);
    EXPECT_EQ(number_of(net::Feature::rss), 60u);
    EXPECT_EQ(number_of(net::Feature::standby), 62u);
    EXPECT_EQ(number_of(net::Feature::speed_duplex), 63u);
    EXPECT_EQ(number_of(net::Feature::rss_context), 64u);
}

/// The features that a feature needs, by the table.
Features needs_of(net::Feature feature) {
    Features needs;
    for (virtq::FeatureNeed const& row : net::feature_needs) {
        if (row.bit == number_of(feature)) {
            needs.set(row.needs);
        }
    }
    return needs;
}

TEST(NetFeature, NeedsWhatTheStandardSays) {
    for (net::Feature const bit : {net::Feature::guest_tso4, net::Feature::guest_tso6, net::Feature::guest_ufo,
                                   net::Feature::guest_uso4, net::Feature::guest_uso6}) {
        EXPECT_EQ(needs_of(bit), Features::of(net::Feature::guest_csum)) << number_of(bit);
    }
    for (net::Feature const bit :
         {net::Feature::host_tso4, net::Feature::host_tso6, net::Feature::host_ufo, net::Feature::host_uso}) {
        EXPECT_EQ(needs_of(bit), Features::of(net::Feature::csum)) << number_of(bit);
    }
    for (net::Feature const bit : {net::Feature::ctrl_rx, net::Feature::ctrl_vlan, net::Feature::guest_announce,
                                   net::Feature::mq, net::Feature::ctrl_mac_addr, net::Feature::notf_coal,
                                   net::Feature::vq_notf_coal, net::Feature::rss, net::Feature::hash_tunnel}) {
        EXPECT_EQ(needs_of(bit), Features::of(net::Feature::ctrl_vq)) << number_of(bit);
    }
    EXPECT_EQ(needs_of(net::Feature::guest_udp_tunnel_gso),
              Features::of(net::Feature::guest_tso4, net::Feature::guest_tso6, net::Feature::guest_uso4,
                           net::Feature::guest_uso6));
    EXPECT_EQ(needs_of(net::Feature::host_udp_tunnel_gso),
              Features::of(net::Feature::host_tso4, net::Feature::host_tso6, net::Feature::host_uso));
    EXPECT_EQ(needs_of(net::Feature::guest_udp_tunnel_gso_csum), Features::of(net::Feature::guest_udp_tunnel_gso));
    EXPECT_EQ(needs_of(net::Feature::host_udp_tunnel_gso_csum), Features::of(net::Feature::host_udp_tunnel_gso));
    EXPECT_EQ(needs_of(net::Feature::rss_context), Features::of(net::Feature::ctrl_vq, net::Feature::rss));
    EXPECT_EQ(needs_of(net::Feature::mac), Features{});
}

TEST(NetQueue, PairsAlternate) {
    EXPECT_EQ(net::receive_queue(0), 0);
    EXPECT_EQ(net::transmit_queue(0), 1);
    EXPECT_EQ(net::receive_queue(3), 6);
    EXPECT_EQ(net::transmit_queue(3), 7);
    EXPECT_EQ(net::transmit_queue(32767), 65535);
}

TEST(NetConfiguration, HasTheOffsetsOfTheStandard) {
    EXPECT_EQ(net::config::mac, 0);
    EXPECT_EQ(net::mac_bytes, 6u);
    EXPECT_EQ(net::config::status.offset, 6);
    EXPECT_EQ(net::config::max_virtqueue_pairs.offset, 8);
    EXPECT_EQ(net::config::mtu.offset, 10);
    EXPECT_EQ(net::config::speed.offset, 12);
    EXPECT_EQ(net::config::duplex.offset, 16);
    EXPECT_EQ(net::config::rss_max_key_size.offset, 17);
    EXPECT_EQ(net::config::rss_max_indirection.offset, 18);
    EXPECT_EQ(net::config::supported_hash_types.offset, 20);
    EXPECT_EQ(net::status_link_up, 1);
    EXPECT_EQ(net::status_announce, 2);
    EXPECT_EQ(number_of(net::Duplex::half_duplex), 0u);
    EXPECT_EQ(number_of(net::Duplex::full_duplex), 1u);
    EXPECT_EQ(number_of(net::Duplex::unknown), 255u);
}

TEST(NetHeader, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(offsetof(net::Header, flags), 0u);
    EXPECT_EQ(offsetof(net::Header, gso_type), 1u);
    EXPECT_EQ(offsetof(net::Header, hdr_len), 2u);
    EXPECT_EQ(offsetof(net::Header, gso_size), 4u);
    EXPECT_EQ(offsetof(net::Header, csum_start), 6u);
    EXPECT_EQ(offsetof(net::Header, csum_offset), 8u);
    EXPECT_EQ(offsetof(net::Header, num_buffers), 10u);
    EXPECT_EQ(net::header_needs_csum, 1);
    EXPECT_EQ(net::header_data_valid, 2);
    EXPECT_EQ(net::header_rsc_info, 4);
    EXPECT_EQ(number_of(net::Gso::none), 0u);
    EXPECT_EQ(number_of(net::Gso::tcpv4), 1u);
    EXPECT_EQ(number_of(net::Gso::udp), 3u);
    EXPECT_EQ(number_of(net::Gso::tcpv6), 4u);
    EXPECT_EQ(number_of(net::Gso::udp_l4), 5u);
    EXPECT_EQ(net::gso_ecn, 0x80);
}

TEST(NetHeader, LengthDependsOnFeatures) {
    EXPECT_EQ(net::header_bytes({}), 10u);
    EXPECT_EQ(net::header_bytes(Features::of(net::Feature::mrg_rxbuf)), 12u);
    EXPECT_EQ(net::header_bytes(Features::of(virtq::spec::Feature::version_1)), 12u);
    EXPECT_EQ(net::header_bytes(Features::of(virtq::spec::Feature::version_1, net::Feature::hash_report)), 20u);
}

TEST(NetControl, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(sizeof(net::Control), 2u);
    EXPECT_EQ(offsetof(net::Control, command), 1u);
    EXPECT_EQ(number_of(net::Ack::ok), 0u);
    EXPECT_EQ(number_of(net::Ack::err), 1u);
    EXPECT_EQ(number_of(net::ControlClass::rx), 0u);
    EXPECT_EQ(number_of(net::ControlClass::mac), 1u);
    EXPECT_EQ(number_of(net::ControlClass::vlan), 2u);
    EXPECT_EQ(number_of(net::ControlClass::announce), 3u);
    EXPECT_EQ(number_of(net::ControlClass::mq), 4u);
    EXPECT_EQ(number_of(net::ControlClass::guest_offloads), 5u);
    EXPECT_EQ(number_of(net::RxCommand::promisc), 0u);
    EXPECT_EQ(number_of(net::RxCommand::all_multi), 1u);
    EXPECT_EQ(number_of(net::RxCommand::all_uni), 2u);
    EXPECT_EQ(number_of(net::RxCommand::no_multi), 3u);
    EXPECT_EQ(number_of(net::RxCommand::no_uni), 4u);
    EXPECT_EQ(number_of(net::RxCommand::no_bcast), 5u);
    EXPECT_EQ(number_of(net::MacCommand::table_set), 0u);
    EXPECT_EQ(number_of(net::MacCommand::addr_set), 1u);
    EXPECT_EQ(number_of(net::VlanCommand::add), 0u);
    EXPECT_EQ(number_of(net::VlanCommand::del), 1u);
    EXPECT_EQ(net::announce_ack, 0);
    EXPECT_EQ(net::mq_vq_pairs_set, 0);
    EXPECT_EQ(net::guest_offloads_set, 0);
}

}  // namespace
