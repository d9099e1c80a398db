// SPDX-License-Identifier: MIT
#pragma once

#include <support/contract.hpp>
#include <virtq/device/net.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>
#include <sim/net_device.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

/// A simulated machine with a network card on virtio-mmio, and a driver for it.
namespace virtq::test {

struct NetSetup {
    sim::NetOptions card{};
    sim::MmioVersion version = sim::MmioVersion::modern;
};

/// All that the simulated card can do.
[[nodiscard]] inline std::vector<unsigned> all_net_features() {
    using namespace sim::wire::net;
    return {
        mac,           mtu,       status,        mrg_rxbuf,    csum,       guest_csum, ctrl_guest_offloads,
        ctrl_vq,       ctrl_rx,   ctrl_vlan,     host_tso4,    host_tso6,  host_uso,   guest_announce,
        ctrl_mac_addr, notf_coal, ctrl_rx_extra, speed_duplex, guest_tso4, guest_tso6, sim::wire::feature::event_idx};
}

/// Merged packets of up to 64 KiB.
struct LargePackets : NetTraits {
    static constexpr bool large_packets = true;
};

template <std::uint32_t N = 16, class Traits = NetTraits>
class NetMachine {
public:
    using Card = MmioTransport<sim::MmioRegisters>;

    explicit NetMachine(NetSetup const& setup = {})
        : card(memory.violations(), setup.card), device(memory, card, setup.version) {}
    ~NetMachine() {
        static_cast<void>(driver.release(memory));
        if (!hostile) {
            EXPECT_EQ(memory.pages_outstanding(), 0u);
            EXPECT_TRUE(memory.violations().empty()) << memory.violations();
        }
    }

    Status init() {
        Status const found = transport.probe(device.registers());
        EXPECT_TRUE(found.ok()) << describe(found.error());
        return driver.init(transport, memory, {.reset_limit = PollLimit{100}});
    }
    void bring_up() {
        Status const up = init();
        ASSERT_TRUE(up.ok()) << describe(up.error());
        device.step();  // the card sees the receive buffers
    }
    auto stepping() {
        return [this] { device.step(); };
    }

    /// A frame of `bytes` bytes that begins with a number.
    static std::vector<std::uint8_t> frame(std::size_t bytes, std::uint8_t number = 1) {
        std::vector<std::uint8_t> made(bytes);
        for (std::size_t i = 0; i < bytes; ++i) {
            made[i] = static_cast<std::uint8_t>(number + i);
        }
        return made;
    }
    /// What a handler got, in one piece.
    static std::vector<std::uint8_t> bytes_of(NetPacket const& packet) {
        std::vector<std::uint8_t> all;
        for (NetPart const& part : packet.parts) {
            all.insert(all.end(), part.data, part.data + part.bytes);
        }
        return all;
    }
    /// Lets the card deliver, and takes all packets.
    std::vector<std::vector<std::uint8_t>> receive(std::uint16_t pair = 0) {
        std::vector<std::vector<std::uint8_t>> packets;
        for (int i = 0; i < 4; ++i) {
            device.step();
            driver.receive_each([&](NetPacket const& packet) { packets.push_back(bytes_of(packet)); }, UINT32_MAX,
                                pair);
        }
        return packets;
    }

    /// Memory with a frame in it, as one segment.
    Segment packet(std::vector<std::uint8_t> const& bytes) {
        auto const buffer = memory.allocate_buffer(bytes.size(), 1);
        std::memcpy(buffer.virt, bytes.data(), bytes.size());
        return {buffer.phys, static_cast<std::uint32_t>(bytes.size())};
    }

    /// Submits a frame in memory of its own.
    Status submit(std::vector<std::uint8_t> const& bytes, Token token, NetOffload const& offload = {},
                  std::uint16_t pair = 0) {
        Segment const segment = packet(bytes);
        return driver.submit(segment, token, offload, pair);
    }

    sim::GuestMemory memory;
    sim::NetDevice card;
    sim::MmioDevice device;
    Card transport;
    NetDevice<Card, N, Traits> driver;
    bool hostile = false;  ///< the test breaks rules, or leaks, on purpose
};

}  // namespace virtq::test
