// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include <sim/net_device.hpp>
#include <sim/raw_machine.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;
namespace net = virtq::sim::wire::net;

namespace {

using Bytes = std::vector<uint8_t>;
using Mac = std::array<uint8_t, 6>;

/// A driver of a network card that writes everything by hand. Headers have a descriptor of their own.
class NetMachine : public ::testing::TestWithParam<RawKind> {
protected:
    explicit NetMachine(NetOptions options) : device(log, std::move(options)) {}

    void SetUp() override { machine.bring_up(); }

    [[nodiscard]] static Bytes frame(size_t bytes, uint8_t first = 1) {
        Bytes made(bytes);
        for (size_t i = 0; i < bytes; ++i) {
            made[i] = static_cast<uint8_t>(first + i);
        }
        return made;
    }
    /// Posts memory for a header and for a frame of this size. `received` reads it.
    void receive(uint32_t frame_bytes = 1514, uint16_t queue = 0) {
        Buffer const& buffer = buffers.emplace_back(memory.allocate_buffer(2048));
        machine.post(queue, {{buffer.phys, header, wire::split::flag_write},
                             {buffer.phys + header, frame_bytes, wire::split::flag_write}});
    }
    /// The content of the oldest used buffer, header and frame.
    [[nodiscard]] std::optional<Bytes> received(uint16_t queue = 0) {
        static_cast<void>(machine.step());
        auto const used = machine.take(queue);
        if (!used) {
            return std::nullopt;
        }
        uint8_t const* const bytes = buffers.at(used->post).virt;
        return Bytes(bytes, bytes + used->length);
    }
    [[nodiscard]] Bytes header_of(NetFrame const& what) const {
        Bytes bytes(net::header_bytes);
        bytes[0] = what.flags;
        bytes[1] = what.gso_type;
        encode(&bytes[2], 2, what.hdr_len, guest_order);
        encode(&bytes[4], 2, what.gso_size, guest_order);
        encode(&bytes[6], 2, what.csum_start, guest_order);
        encode(&bytes[8], 2, what.csum_offset, guest_order);
        encode(&bytes[10], 2, what.num_buffers.value_or(0), guest_order);
        bytes.resize(header);
        return bytes;
    }
    size_t send(NetFrame const& what, uint16_t queue = 1) {
        Buffer const buffer = memory.allocate_buffer(2048);
        Bytes const bytes = header_of(what);
        std::memcpy(buffer.virt, bytes.data(), bytes.size());
        std::copy(what.bytes.begin(), what.bytes.end(), buffer.virt + header);
        size_t const post = machine.post(
            queue, {{buffer.phys, header}, {buffer.phys + header, static_cast<uint32_t>(what.bytes.size())}});
        static_cast<void>(machine.step());
        return post;
    }
    /// The answer to a command, or nothing if the device has not used it.
    [[nodiscard]] std::optional<uint8_t> command(uint8_t group, uint8_t number, Bytes const& data = {}) {
        Buffer const buffer = memory.allocate_buffer(256);
        buffer.virt[0] = group;
        buffer.virt[1] = number;
        std::copy(data.begin(), data.end(), buffer.virt + 2);
        buffer.virt[255] = unanswered;
        std::vector<RawDescriptor> elements{{buffer.phys, 2}};
        if (!data.empty()) {
            elements.push_back({buffer.phys + 2, static_cast<uint32_t>(data.size())});
        }
        elements.push_back({buffer.phys + 255, 1, wire::split::flag_write});
        machine.post(control, elements);
        static_cast<void>(machine.step());
        last_command = machine.take(control);
        return last_command ? std::optional(buffer.virt[255]) : std::nullopt;
    }
    void expect_only(char const* id) {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
        log.clear();
    }
    void expect_silence() { EXPECT_TRUE(log.empty()) << log; }
    void expect_only_if(bool breaks, char const* id) { breaks ? expect_only(id) : expect_silence(); }
    [[nodiscard]] uint32_t read_config(uint16_t offset, unsigned bytes) {
        if (machine.mmio()) {
            return machine.mmio()->read(static_cast<uint16_t>(wire::mmio::config + offset), bytes);
        }
        RawPciDriver& driver = machine.pci_driver();
        BarSpace const config = is_legacy() ? driver.legacy.at(wire::pci::legacy::bytes) : driver.config;
        return bytes == 1 ? config.read8(offset) : bytes == 2 ? config.read16(offset) : config.read32(offset);
    }
    [[nodiscard]] static bool is_legacy() { return sim::is_legacy(GetParam()); }
    template <class Change>
    void change_config(Change change) {
        machine.on_device([&](auto& one) { one.change_config(change); });
    }

    static constexpr uint8_t unanswered = 0xee;

    GuestMemory memory;
    ViolationLog& log = memory.violations();
    NetDevice device;
    RawMachine machine{memory, device, GetParam()};
    std::vector<Buffer> buffers;
    std::optional<RawUsed> last_command;
    uint32_t header = net::header_bytes;
    uint16_t control = 2;
};

/// A card without offloads, whose legacy header has 10 bytes and a descriptor of its own.
class Net : public NetMachine {
protected:
    Net() : NetMachine({.features = {net::mac, net::status, net::mtu, net::speed_duplex}, .mtu = 100}) {
        header = is_legacy() ? net::header_bytes_legacy : net::header_bytes;
    }
    void post_to_receive(std::vector<RawDescriptor> elements) {
        Buffer const buffer = memory.allocate_buffer(2048);
        for (RawDescriptor& element : elements) {
            element.addr = buffer.phys;
        }
        machine.post(0, elements);
        static_cast<void>(machine.step());
    }
};

TEST_P(Net, DeliversInOrder) {
    device.inject({frame(60, 1)});
    device.inject({frame(70, 2)});
    EXPECT_EQ(received(), std::nullopt);
    EXPECT_EQ(device.waiting(), 2u);
    receive();
    receive();
    EXPECT_EQ(received()->size(), header + 60);
    Bytes const second = received().value();
    EXPECT_EQ(Bytes(second.begin() + header, second.end()), frame(70, 2));
    EXPECT_EQ(device.waiting(), 0u);
    receive();
    EXPECT_EQ(received(), std::nullopt);
    device.inject({frame(80)});
    EXPECT_EQ(received()->size(), header + 80);
    expect_silence();
}

TEST_P(Net, WritesTheHeader) {
    NetFrame sent{.bytes = frame(60),
                  .flags = 1,
                  .gso_type = 4,
                  .hdr_len = 0x0203,
                  .gso_size = 0x0405,
                  .csum_start = 0x0607,
                  .csum_offset = 0x0809};
    device.inject(sent);
    receive();
    sent.num_buffers = 1;
    Bytes expected = header_of(sent);
    expected.insert(expected.end(), sent.bytes.begin(), sent.bytes.end());
    EXPECT_EQ(received(), expected);
}

TEST_P(Net, DropsWhatDoesNotFit) {
    device.inject({frame(1515)});
    device.inject({frame(1514)});
    receive();
    EXPECT_EQ(received()->size(), header + 1514);
    EXPECT_EQ(device.dropped(), 1u);
    expect_silence();
}

TEST_P(Net, MisreportsReceivedLengths) {
    device.inject({.bytes = frame(60), .used_length = 4000});
    receive();
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.take(), (RawUsed{0, 4000}));
}

TEST_P(Net, SendsInOrder) {
    EXPECT_EQ(send({frame(60, 1)}), 0u);
    send({frame(70, 2)});
    EXPECT_EQ(machine.take(1), (RawUsed{0, 0}));
    EXPECT_EQ(machine.take(1), (RawUsed{1, 0}));
    ASSERT_EQ(device.sent().size(), 2u);
    EXPECT_EQ(device.take_sent().at(1).bytes, frame(70, 2));
    EXPECT_TRUE(device.sent().empty());
    expect_silence();
}

TEST_P(Net, HoldsPacketsBack) {
    device.hold();
    for (uint8_t number = 0; number < 3; ++number) {
        send({frame(60, number)});
    }
    EXPECT_EQ(machine.take(1), std::nullopt);
    device.let_pass(0, 2);
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(machine.step(), 0u);
    device.release();
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(device.sent().at(2).bytes, frame(60, 2));
    expect_silence();
}

TEST_P(Net, UsesTheNewestFirst) {
    device.use_newest_first();
    device.hold();
    send({frame(60, 1)});
    send({frame(60, 2)});
    device.release();
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(machine.take(1)->post, 1u);
    EXPECT_EQ(machine.take(1)->post, 0u);
}

TEST_P(Net, HasAConfiguration) {
    EXPECT_EQ(read_config(0, 1), 0x02u);
    EXPECT_EQ(read_config(5, 1), 0x01u);
    EXPECT_EQ(read_config(6, 2), 1u);
    EXPECT_EQ(read_config(10, 2), 100u);
    change_config([&] { device.set_link(false); });
    EXPECT_EQ(read_config(6, 2), 0u);
    change_config([&] { device.ask_for_announcement(); });
    EXPECT_EQ(read_config(6, 2), 2u);
    change_config([&] { device.set_speed(40'000); });
    if (!is_legacy()) {  // feature 63
        EXPECT_EQ(read_config(12, 4), 40'000u);
        EXPECT_EQ(read_config(16, 1), 1u);
    }
    expect_silence();
    static_cast<void>(read_config(8, 2));  // MQ is not offered
    expect_only("D-2.5.1-4");
}

TEST_P(Net, ReportsReadableReceiveBuffers) {
    post_to_receive({{{}, 4}, {{}, header, wire::split::flag_write}, {{}, 1514, wire::split::flag_write}});
    expect_only("S-5.1.9.3-readable");
}

TEST_P(Net, ReportsSmallReceiveBuffers) {
    post_to_receive({{{}, header, wire::split::flag_write}, {{}, 1513, wire::split::flag_write}});
    expect_only("D-5.1.9.3.1-2");
    post_to_receive({{{}, header, wire::split::flag_write}, {{}, 1514, wire::split::flag_write}});
    expect_silence();
}

TEST_P(Net, ReportsHeadersWithinALegacyDescriptor) {
    Buffer const buffer = memory.allocate_buffer(2048);
    machine.post(0, buffer, header + 1514);
    static_cast<void>(machine.step());
    expect_only_if(is_legacy(), "L-5.1.11-1");
    std::memset(buffer.virt, 0, header);
    machine.post(1, buffer, header + 60, 0);
    static_cast<void>(machine.step());
    expect_only_if(is_legacy(), "L-5.1.11-1");
    EXPECT_EQ(device.sent().at(0).bytes.size(), 60u);
}

TEST_P(Net, ReportsWritablePackets) {
    Buffer const buffer = memory.allocate_buffer(2048);
    std::memset(buffer.virt, 0, header);
    machine.post(1, {{buffer.phys, header}, {buffer.phys + header, 60}, {buffer.phys + 1024, 4, 2}});
    static_cast<void>(machine.step());
    expect_only("S-5.1.9.2-writable");
}

TEST_P(Net, SurvivesAPacketWithoutReadableSegments) {
    Buffer const buffer = memory.allocate_buffer(64);
    machine.post(1, buffer, 64);
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(log.count("S-5.1.9.2-writable"), 1u) << log;
    EXPECT_EQ(log.count("D-5.1.9.2.1-1"), 1u) << log;
    EXPECT_EQ(log.count("L-5.1.11-1"), is_legacy() ? 1u : 0u) << log;
    EXPECT_EQ(log.entries().size(), is_legacy() ? 3u : 2u) << log;
}

TEST_P(Net, ReportsFlagsWithoutCsum) {
    send({.bytes = frame(60), .flags = net::needs_csum, .csum_start = 34, .csum_offset = 16});
    expect_only("D-5.1.9.2.1-3");
}

TEST_P(Net, ReportsPacketsAboveTheMtu) {
    send({frame(118)});  // the Ethernet header and a VLAN tag do not count
    expect_silence();
    send({frame(119)});
    expect_only("D-5.1.4.2-9");
}

TEST_P(Net, ForgetsBuffersAtReset) {
    receive();
    EXPECT_EQ(machine.step(), 0u);
    machine.reset();
    machine.bring_up();
    device.inject({frame(60)});
    EXPECT_EQ(machine.step(), 0u);
    EXPECT_EQ(device.waiting(), 1u);
    expect_silence();
}

TEST_P(Net, WorksFromAnotherThread) {
    std::thread worker([&] {
        for (size_t used = 0; used < 20;) {
            used += machine.step();
        }
    });
    Buffer const packet = memory.allocate_buffer(128);
    std::memset(packet.virt, 0, packet.bytes);
    for (int i = 0; i < 10; ++i) {
        device.inject({frame(60)});
        receive();
        machine.post(1, {{packet.phys, header}, {packet.phys + header, 60}});
        device.hold();
        device.release();
    }
    worker.join();
    EXPECT_EQ(device.waiting(), 0u);
    EXPECT_EQ(device.sent().size(), 10u);
    expect_silence();
}

INSTANTIATE_TEST_SUITE_P(Kinds, Net, ::testing::ValuesIn(raw_kinds),
                         [](auto const& one) { return name_of(one.param); });

/// A card with two pairs and all that it can do.
class NetFull : public NetMachine {
protected:
    NetFull()
        : NetMachine({.features = {net::mac, net::mtu, net::csum, net::host_tso4, net::host_tso6, net::host_ecn,
                                   net::host_uso, net::mrg_rxbuf, net::ctrl_vq, net::ctrl_rx, net::ctrl_rx_extra,
                                   net::ctrl_vlan, net::mq, net::ctrl_mac_addr, net::notf_coal,
                                   net::ctrl_guest_offloads, net::status, net::guest_announce},
                      .mtu = 100,
                      .pairs = 2}) {
        control = 4;
        machine.offer(wire::feature::any_layout, is_legacy());
    }

    void post_to_receive(uint32_t bytes) {
        Buffer const& buffer = buffers.emplace_back(memory.allocate_buffer(2048));
        machine.post(0, buffer, bytes);
    }
    /// A frame that the device splits.
    [[nodiscard]] static NetFrame splittable(uint8_t gso_type) {
        return {.bytes = frame(1000),
                .flags = net::needs_csum,
                .gso_type = gso_type,
                .hdr_len = 54,
                .gso_size = 46,
                .csum_start = 34,
                .csum_offset = 16};
    }
    [[nodiscard]] uint16_t num_buffers(Bytes const& received) const {
        return static_cast<uint16_t>(decode(&received.at(10), 2, guest_order));
    }
    void expect_accepted(uint8_t group, uint8_t number, Bytes const& data) {
        EXPECT_EQ(command(group, number, data), net::ok);
        EXPECT_EQ(last_command->length, 1u);
        expect_silence();
    }
    void expect_rejected(uint8_t group, uint8_t number, Bytes const& data, char const* id = "S-5.1.9.5-command") {
        EXPECT_EQ(command(group, number, data), net::err);
        expect_only(id);
    }
};

TEST_P(NetFull, MergesBuffers) {
    Bytes const sent = frame(100, 7);
    device.inject({sent});
    post_to_receive(50);
    post_to_receive(50);
    EXPECT_EQ(received(), std::nullopt);  // all of a packet at once
    post_to_receive(50);
    Bytes all = received().value();
    EXPECT_EQ(num_buffers(all), 3u);
    EXPECT_EQ(all.size(), 50u);
    for (size_t const bytes : {50u, 12u}) {
        Bytes const more = received().value();
        EXPECT_EQ(more.size(), bytes);
        all.insert(all.end(), more.begin(), more.end());
    }
    EXPECT_EQ(Bytes(all.begin() + 12, all.end()), sent);
    expect_silence();
}

TEST_P(NetFull, FillsBuffersShortly) {
    device.fill_at_most(40);
    device.inject({frame(60)});
    post_to_receive(1000);
    post_to_receive(1000);
    Bytes const first = received().value();
    EXPECT_EQ(first.size(), 40u);
    EXPECT_EQ(num_buffers(first), 2u);
    EXPECT_EQ(received()->size(), 32u);
    expect_silence();
}

TEST_P(NetFull, MisreportsTheFirstBuffer) {
    device.fill_at_most(40);
    device.inject({.bytes = frame(60), .num_buffers = uint16_t{9}, .used_length = 4000});
    post_to_receive(1000);
    post_to_receive(1000);
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(machine.take(), (RawUsed{0, 4000}));
    EXPECT_EQ(machine.take(), (RawUsed{1, 32}));
    EXPECT_EQ(num_buffers({buffers[0].virt, buffers[0].virt + 12}), 9u);
}

TEST_P(NetFull, ReportsReceiveBuffersBelowTheHeader) {
    post_to_receive(12);
    static_cast<void>(machine.step());
    expect_silence();
    post_to_receive(11);
    static_cast<void>(machine.step());
    expect_only("D-5.1.9.3.1-3");
}

TEST_P(NetFull, SendsWithOffloads) {
    for (uint8_t const gso_type : {net::gso_tcpv4, net::gso_tcpv6}) {
        for (auto const ecn : {uint8_t{0}, net::gso_ecn}) {
            send(splittable(static_cast<uint8_t>(gso_type | ecn)));
            NetFrame const sent = device.take_sent().at(0);
            EXPECT_EQ(sent.bytes, frame(1000));
            EXPECT_EQ(sent.flags, net::needs_csum);
            EXPECT_EQ(sent.gso_type, gso_type | ecn);
            EXPECT_EQ(sent.hdr_len, 54u);
            EXPECT_EQ(sent.gso_size, 46u);
            EXPECT_EQ(sent.csum_start, 34u);
            EXPECT_EQ(sent.csum_offset, 16u);
            EXPECT_EQ(sent.num_buffers, 0u);
        }
    }
    expect_silence();
}

TEST_P(NetFull, ReportsShortHeaders) {
    Buffer const buffer = memory.allocate_buffer(64);
    machine.post(1, buffer, 11, 0);
    EXPECT_EQ(machine.step(), 1u);
    expect_only("D-5.1.9.2.1-1");
}

TEST_P(NetFull, ReportsNumBuffersOfAPacket) {
    send({.bytes = frame(60), .num_buffers = uint16_t{1}});
    expect_only("D-5.1.9.2.1-2");
}

TEST_P(NetFull, ReportsDataValid) {
    send({.bytes = frame(60), .flags = net::data_valid});
    expect_only("D-5.1.9.2.1-45");
}

TEST_P(NetFull, ReportsAChecksumBehindThePacket) {
    send({.bytes = frame(60), .flags = net::needs_csum, .csum_start = 42, .csum_offset = 16});
    expect_silence();
    send({.bytes = frame(60), .flags = net::needs_csum, .csum_start = 43, .csum_offset = 16});
    expect_only("D-5.1.9.2.1-30");
}

TEST_P(NetFull, ReportsAnUnnegotiatedGso) {
    send(splittable(3));
    expect_only("D-5.1.9.2.1-31");
    send(splittable(net::gso_udp_l4));
    expect_only_if(is_legacy(), "D-5.1.9.2.1-31");  // feature 56
}

TEST_P(NetFull, ReportsGsoWithoutAChecksum) {
    NetFrame what = splittable(net::gso_tcpv4);
    what.flags = 0;
    send(what);
    expect_only("D-5.1.9.2.1-32");
}

TEST_P(NetFull, ReportsGsoWithoutASize) {
    NetFrame what = splittable(net::gso_tcpv4);
    what.gso_size = 0;
    send(what);
    expect_only("D-5.1.9.2.1-33");
}

TEST_P(NetFull, ReportsPairsOutOfUse) {
    send({frame(60)}, 3);
    expect_only("S-5.1.9.5.5-pair");
    expect_accepted(net::class_mq, 0, {2, 0});
    EXPECT_EQ(device.pairs_in_use(), 2u);
    send({frame(60, 9)}, 3);
    EXPECT_EQ(device.sent(1).at(1).bytes, frame(60, 9));
    device.inject({frame(60)}, 1);
    receive(1514, 2);
    EXPECT_EQ(received(2)->size(), 72u);
    expect_silence();
}

TEST_P(NetFull, ReportsInvalidNumbersOfPairs) {
    expect_rejected(net::class_mq, 0, {0, 0}, "S-5.1.9.5.6-pairs");
    expect_rejected(net::class_mq, 0, {3, 0}, "S-5.1.9.5.6-pairs");
    EXPECT_EQ(device.pairs_in_use(), 1u);
}

TEST_P(NetFull, SetsFilters) {
    expect_accepted(net::class_rx, 0, {1});
    expect_accepted(net::class_rx, 5, {1});
    EXPECT_TRUE(device.is_on(0));
    EXPECT_TRUE(device.is_on(5));
    expect_accepted(net::class_rx, 0, {0});
    EXPECT_FALSE(device.is_on(0));
    expect_accepted(net::class_mac, 0, {1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 3, 0, 0, 0, 0, 2, 3, 0, 0, 0, 0, 3});
    EXPECT_EQ(device.unicast(), (std::vector<Mac>{{2, 0, 0, 0, 0, 1}}));
    EXPECT_EQ(device.multicast(), (std::vector<Mac>{{3, 0, 0, 0, 0, 2}, {3, 0, 0, 0, 0, 3}}));
    expect_accepted(net::class_mac, 1, {2, 3, 4, 5, 6, 7});
    EXPECT_EQ(device.mac(), (Mac{2, 3, 4, 5, 6, 7}));
    expect_accepted(net::class_vlan, 0, {2, 1});
    EXPECT_EQ(device.vlans(), std::set<uint16_t>{258});
    expect_accepted(net::class_vlan, 1, {2, 1});
    EXPECT_TRUE(device.vlans().empty());
}

TEST_P(NetFull, SetsOffloadsAndCoalescing) {
    expect_accepted(net::class_offloads, 0, {2, 1, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(device.offloads(), 258u);
    if (is_legacy()) {
        return expect_rejected(net::class_coalescing, 1, {2, 1, 0, 0, 3, 0, 0, 0});  // feature 53
    }
    expect_accepted(net::class_coalescing, 1, {2, 1, 0, 0, 3, 0, 0, 0});
    EXPECT_EQ(device.coalescing(), (std::map<uint8_t, std::pair<uint32_t, uint32_t>>{{1, {258, 3}}}));
}

TEST_P(NetFull, TakesAnnouncementsBack) {
    change_config([&] { device.ask_for_announcement(); });
    EXPECT_EQ(read_config(6, 2), 3u);
    expect_rejected(net::class_announce, 1, {});
    expect_rejected(net::class_announce, 0, {0});
    EXPECT_EQ(read_config(6, 2), 3u);
    expect_accepted(net::class_announce, 0, {});
    EXPECT_EQ(read_config(6, 2), 1u);
}

TEST_P(NetFull, ReportsInvalidCommands) {
    expect_rejected(net::class_rx, 6, {1});
    expect_rejected(net::class_rx, 0, {1, 1});
    expect_rejected(net::class_mac, 2, {2, 3, 4, 5, 6, 7});
    expect_rejected(net::class_mac, 1, {2, 3, 4, 5, 6});
    expect_rejected(net::class_vlan, 2, {1, 0});
    expect_rejected(net::class_vlan, 0, {1});
    expect_rejected(net::class_mq, 1, {1, 0});
    expect_rejected(net::class_mq, 0, {1});
    expect_rejected(net::class_offloads, 1, Bytes(8));
    expect_rejected(net::class_offloads, 0, Bytes(7));
    expect_rejected(net::class_coalescing, 2, Bytes(8));
    expect_rejected(net::class_coalescing, 0, Bytes(9));
    expect_rejected(7, 0, {});
    Buffer const buffer = memory.allocate_buffer(64);
    machine.post(control, {{buffer.phys, 1}, {buffer.phys + 8, 1, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 1u);
    expect_only("S-5.1.9.5-command");
    EXPECT_EQ(buffer.virt[8], net::err);
}

TEST_P(NetFull, KeepsItsTablesForInvalidOnes) {
    Bytes const good{1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0};
    expect_accepted(net::class_mac, 0, good);
    Bytes longer{0, 0, 0, 0, 0, 0, 0, 0, 9};
    Bytes const too_many{0, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 0, 1};
    for (Bytes const& bad : {longer, too_many, Bytes{0, 0, 0, 0}, Bytes{0, 0, 0}}) {
        expect_rejected(net::class_mac, 0, bad);
        EXPECT_EQ(device.unicast(), (std::vector<Mac>{{2, 0, 0, 0, 0, 1}}));
    }
}

TEST_P(NetFull, AnswersAsTheTestWants) {
    device.answer_with(uint8_t{77});
    EXPECT_EQ(command(net::class_rx, 0, {1}), 77u);
    EXPECT_FALSE(device.is_on(0));
    device.answer_with({});
    device.leave_out_answers(9);
    EXPECT_EQ(command(net::class_rx, 0, {1}), unanswered);
    EXPECT_EQ(last_command->length, 9u);
    EXPECT_FALSE(device.is_on(0));
    device.ignore_commands();
    EXPECT_EQ(command(net::class_rx, 0, {1}), std::nullopt);
    expect_silence();
}

TEST_P(NetFull, IsNewAfterReset) {
    expect_accepted(net::class_rx, 0, {1});
    expect_accepted(net::class_mac, 0, {1, 0, 0, 0, 2, 0, 0, 0, 0, 1, 1, 0, 0, 0, 3, 0, 0, 0, 0, 1});
    expect_accepted(net::class_mac, 1, {2, 3, 4, 5, 6, 7});
    expect_accepted(net::class_vlan, 0, {1, 0});
    expect_accepted(net::class_mq, 0, {2, 0});
    expect_accepted(net::class_offloads, 0, Bytes(8));
    machine.reset();
    machine.bring_up();
    EXPECT_FALSE(device.is_on(0));
    EXPECT_TRUE(device.unicast().empty());
    EXPECT_TRUE(device.multicast().empty());
    EXPECT_EQ(device.mac(), NetOptions{}.mac);
    EXPECT_TRUE(device.vlans().empty());
    EXPECT_EQ(device.pairs_in_use(), 1u);
    EXPECT_EQ(device.offloads(), std::nullopt);
    EXPECT_TRUE(device.coalescing().empty());
}

INSTANTIATE_TEST_SUITE_P(Kinds, NetFull, ::testing::ValuesIn(raw_kinds),
                         [](auto const& one) { return name_of(one.param); });

/// A card with a control queue, but without commands. It states the lengths of what it sent.
class NetBare : public NetMachine {
protected:
    NetBare() : NetMachine({.features = {net::mac, net::ctrl_vq}, .transmit_length = true}) {
        header = is_legacy() ? net::header_bytes_legacy : net::header_bytes;
    }
};

TEST_P(NetBare, StatesTheLengthsOfPackets) {
    send({frame(60)});
    EXPECT_EQ(machine.take(1), (RawUsed{0, header + 60}));
}

TEST_P(NetBare, ReportsCommandsOfUnnegotiatedFeatures) {
    change_config([&] { device.ask_for_announcement(); });
    std::vector<std::pair<std::array<uint8_t, 2>, Bytes>> const commands{{{net::class_rx, 0}, {1}},
                                                                         {{net::class_rx, 2}, {1}},
                                                                         {{net::class_mac, 0}, Bytes(8)},
                                                                         {{net::class_mac, 1}, Bytes(6)},
                                                                         {{net::class_vlan, 0}, {1, 0}},
                                                                         {{net::class_announce, 0}, {}},
                                                                         {{net::class_mq, 0}, {1, 0}},
                                                                         {{net::class_offloads, 0}, Bytes(8)},
                                                                         {{net::class_coalescing, 0}, Bytes(8)}};
    for (auto const& [which, data] : commands) {
        EXPECT_EQ(command(which[0], which[1], data), net::err);
        expect_only("S-5.1.9.5-command");
    }
}

TEST_P(NetBare, ReportsCommandsWithinALegacyDescriptor) {
    device.answer_with(net::ok);
    EXPECT_EQ(command(net::class_rx, 0, {1}), net::ok);
    expect_silence();
    Buffer const buffer = memory.allocate_buffer(64);
    machine.post(control, {{buffer.phys, 3}, {buffer.phys + 8, 1, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 1u);
    expect_only_if(is_legacy(), "L-5.1.11-2");
}

INSTANTIATE_TEST_SUITE_P(Kinds, NetBare, ::testing::ValuesIn(raw_kinds),
                         [](auto const& one) { return name_of(one.param); });

}  // namespace
}  // namespace virtq::sim_test
