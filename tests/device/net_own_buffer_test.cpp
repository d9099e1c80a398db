// SPDX-License-Identifier: MIT
//
// A card whose receive buffers are the kernel's own.
#include <device/net_machine.hpp>

#include <map>
#include <utility>

namespace virtq::test {
namespace {

using namespace sim::wire::net;
using Frames = std::vector<std::vector<std::uint8_t>>;

struct OwnTraits : NetTraits {
    static constexpr bool own_buffers = true;
    static constexpr std::uint32_t receive_headroom = 64;
    static constexpr bool large_packets = true;
};

/// A card, and a kernel that gives it buffers.
class OwnBufferMachine : public NetMachine<64, OwnTraits> {
public:
    explicit OwnBufferMachine(NetSetup setup = {}) : NetMachine<64, OwnTraits>(limited(std::move(setup))) {}

    NetBuffer make_buffer() {
        auto const made = memory.allocate_buffer(2048, 64);
        Token const token{buffers_.size() + 1};
        NetBuffer const buffer{static_cast<std::uint8_t*>(made.virt), made.phys, 2048, token};
        buffers_[token.value()] = buffer;
        return buffer;
    }
    /// Fills the ring with new buffers.
    std::size_t fill() {
        std::vector<NetBuffer> many;
        for (int i = 0; i < 20; ++i) {
            many.push_back(make_buffer());
        }
        SubmittedBurst const burst = driver.submit_receive(many);
        EXPECT_EQ(burst.error, Error::queue_full);
        device.step();
        return burst.count;
    }
    /// Takes all packets, and gives their buffers back.
    Frames receive() {
        Frames packets;
        std::vector<NetBuffer> done;
        device.step();
        driver.receive_each([&](NetOwnPacket const& packet) {
            std::vector<std::uint8_t> bytes;
            for (NetOwnPart const& part : packet.parts) {
                NetBuffer const& buffer = buffers_.at(part.token.value());
                bytes.insert(bytes.end(), buffer.data + part.offset, buffer.data + part.offset + part.bytes);
                done.push_back(buffer);
            }
            if (packet.bytes != 0) {
                EXPECT_EQ(bytes.size(), packet.bytes);
                packets.push_back(bytes);
            }
        });
        EXPECT_EQ(driver.submit_receive(done).count, done.size());
        device.step();
        return packets;
    }

    std::map<std::uintptr_t, NetBuffer> buffers_;

private:
    /// The device has short rings.
    static NetSetup limited(NetSetup setup) {
        setup.card.queue_size_max = 16;
        return setup;
    }
};

TEST(NetOwnBuffers, ReceivesBehindTheHeadroom) {
    OwnBufferMachine machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    EXPECT_EQ(machine.fill(), 16u);
    for (std::uint8_t number = 0; number < 100; ++number) {
        machine.card.inject({machine.frame(600, number)});
        EXPECT_EQ(machine.receive(), Frames{machine.frame(600, number)});
    }
    machine.card.inject({machine.frame(60)});
    machine.device.step();
    std::vector<std::uint32_t> offsets;
    machine.driver.receive_each([&](NetOwnPacket const& packet) {
        for (NetOwnPart const& part : packet.parts) {
            offsets.push_back(part.offset);
        }
    });
    EXPECT_EQ(offsets, std::vector<std::uint32_t>{64});
}

TEST(NetOwnBuffers, PutsMergedPacketsTogether) {
    OwnBufferMachine machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    machine.fill();
    machine.card.fill_at_most(500);
    machine.card.inject({.bytes = machine.frame(4000),
                         .flags = needs_csum,
                         .gso_type = gso_tcpv4,
                         .gso_size = 1460,
                         .csum_start = 34,
                         .csum_offset = 16});
    machine.card.inject({machine.frame(60, 9)});
    EXPECT_EQ(machine.receive(), (Frames{machine.frame(4000), machine.frame(60, 9)}));
}

TEST(NetOwnBuffers, GivesTheBuffersOfNoPacketBack) {
    OwnBufferMachine machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    machine.fill();
    for (int round = 0; round < 20; ++round) {  // more than there are buffers
        machine.card.inject({.bytes = machine.frame(60), .used_length = 3});
        machine.card.inject({.bytes = machine.frame(60), .num_buffers = 0});
        machine.card.inject({.bytes = machine.frame(3)});
        machine.card.inject({machine.frame(60)});
        EXPECT_EQ(machine.receive(), Frames{machine.frame(60)});
    }
    EXPECT_EQ(machine.driver.dropped(), 60u);
    EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::net_header_short);
}

TEST(NetOwnBuffers, HandsEachTokenBackOnReset) {
    OwnBufferMachine machine;
    machine.bring_up();
    machine.fill();
    machine.card.inject({machine.frame(60)});
    machine.device.step();
    std::size_t taken = 0;
    machine.driver.receive_each([&](NetOwnPacket const& packet) { taken += packet.parts.size(); });
    EXPECT_EQ(taken, 1u);
    std::map<std::uintptr_t, int> back;
    ASSERT_TRUE(machine.driver
                    .reset([&](RequestCompletion const& ended) {
                        EXPECT_EQ(ended.error, Error::request_cancelled);
                        ++back[ended.token.value()];
                    })
                    .ok());
    EXPECT_EQ(back.size(), 15u);
    for (auto const& [token, count] : back) {
        EXPECT_EQ(count, 1) << token;
    }
    EXPECT_EQ(machine.fill(), 16u);
    machine.card.inject({machine.frame(80)});
    EXPECT_EQ(machine.receive(), Frames{machine.frame(80)});
}

// Also those of a packet that has come in part.
TEST(NetOwnBuffers, HandsTokensOfAPartialPacketBack) {
    OwnBufferMachine machine({.card = {.features = {mac, mrg_rxbuf}}});
    machine.bring_up();
    machine.fill();
    machine.card.inject({.bytes = machine.frame(60), .num_buffers = 3});
    EXPECT_TRUE(machine.receive().empty());
    std::map<std::uintptr_t, int> back;
    ASSERT_TRUE(machine.driver.reset([&](RequestCompletion const& ended) { ++back[ended.token.value()]; }).ok());
    EXPECT_EQ(back.size(), 16u);
    for (auto const& [token, count] : back) {
        EXPECT_EQ(count, 1) << token;
    }
    EXPECT_EQ(machine.fill(), 16u);
    machine.card.inject({machine.frame(80)});
    EXPECT_EQ(machine.receive(), Frames{machine.frame(80)});
}

TEST(NetOwnBuffers, GivesAllBuffersOfABadPacketBack) {
    OwnBufferMachine machine({.card = {.features = {mac, mrg_rxbuf}}});
    machine.bring_up();
    machine.fill();
    machine.card.fill_at_most(100);
    auto frame = machine.frame(300);
    for (std::size_t at = 100 - 12; at + 12 < frame.size(); at += 100) {
        std::memset(frame.data() + at, 0, 12);
        frame[at + 10] = 1;
    }
    for (int i = 0; i < 4; ++i) {  // 16 buffers are announced, and come
        machine.card.inject({.bytes = frame, .num_buffers = 17});
    }
    EXPECT_TRUE(machine.receive().empty());
    EXPECT_EQ(machine.driver.dropped(), 1u);
    machine.card.inject({machine.frame(80)});
    EXPECT_EQ(machine.receive(), Frames{machine.frame(80)});
}

/// Buffers in which the headroom takes much.
struct RoomyTraits : OwnTraits {
    static constexpr std::uint32_t receive_headroom = 500;
};

TEST(NetOwnBuffers, CountsPartsWithoutTheHeadroom) {
    NetMachine<64, RoomyTraits> machine({.card = {.features = {mac, mrg_rxbuf, guest_csum, guest_tso4}}});
    machine.bring_up();
    std::vector<NetBuffer> buffers;
    for (std::uintptr_t i = 0; i < 64; ++i) {
        auto const made = machine.memory.allocate_buffer(2048, 64);
        buffers.push_back({static_cast<std::uint8_t*>(made.virt), made.phys, 2048, Token{i}});
    }
    EXPECT_EQ(machine.driver.submit_receive(buffers).count, 64u);
    machine.device.step();
    machine.card.inject(
        {.bytes = machine.frame(65'000), .flags = needs_csum, .gso_type = gso_tcpv4, .gso_size = 1460});
    machine.device.step();
    std::vector<std::uint32_t> lengths;
    machine.driver.receive_each([&](NetOwnPacket const& packet) { lengths.push_back(packet.bytes); });
    EXPECT_EQ(lengths, std::vector<std::uint32_t>{65'000});
}

TEST(NetOwnBuffers, WorksOverLegacyInterfaces) {
    using sim::wire::feature::any_layout;
    for (auto const& features : {std::vector<unsigned>{}, std::vector<unsigned>{mrg_rxbuf},
                                 std::vector<unsigned>{any_layout}, std::vector<unsigned>{mrg_rxbuf, any_layout}}) {
        OwnBufferMachine machine({.card = {.features = features}, .version = sim::MmioVersion::legacy});
        machine.bring_up();
        bool const is_split = features.empty() || features.back() != any_layout;
        EXPECT_EQ(machine.fill(), is_split ? 8u : 16u);
        for (std::uint8_t number = 0; number < 30; ++number) {
            machine.card.inject({machine.frame(700, number)});
            EXPECT_EQ(machine.receive(), Frames{machine.frame(700, number)});
        }
    }
}

TEST(NetOwnBuffers, NeedsTwoDescriptorsForALegacyBuffer) {
    OwnBufferMachine machine({.card = {.features = {}}, .version = sim::MmioVersion::legacy});
    machine.device.set_queue_size_max(1, 0);
    EXPECT_EQ(machine.init().error(), Error::queue_too_small);
}

TEST(NetOwnBuffers, ComesUpWhenThereIsMemoryAgain) {
    OwnBufferMachine machine;
    machine.memory.fail_all();
    EXPECT_EQ(machine.init().error(), Error::no_pages);
    machine.memory.fail_all(false);
    machine.bring_up();
    EXPECT_EQ(machine.fill(), 16u);
}

TEST(NetOwnBuffers, TakesNoMoreThanItWasAskedFor) {
    OwnBufferMachine machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    machine.fill();
    for (std::uint8_t number = 0; number < 3; ++number) {
        machine.card.inject({machine.frame(60, number)});
    }
    machine.device.step();
    unsigned packets = 0;
    auto const count = [&](NetOwnPacket const&) { ++packets; };
    EXPECT_EQ(machine.driver.receive_each(count, 2), CompletionState::ready);
    EXPECT_EQ(packets, 2u);
    EXPECT_EQ(machine.driver.receive_each(count, 2), CompletionState::none);
    EXPECT_EQ(packets, 3u);
}

TEST(NetOwnBuffers, DropsAPacketOfMoreBuffersThanAny) {
    OwnBufferMachine machine({.card = {.features = all_net_features()}});
    machine.bring_up();
    machine.fill();
    machine.card.inject({.bytes = machine.frame(60), .num_buffers = 1000});
    EXPECT_TRUE(machine.receive().empty());
    EXPECT_EQ(machine.driver.driver_fault().reason, DriverReason::net_buffer_count);
}

TEST(NetOwnBuffers, RejectsASmallBuffer) {
    OwnBufferMachine machine;
    EXPECT_EQ(machine.driver.submit_receive({}).error, Error::not_initialised);
    machine.bring_up();
    NetBuffer small = machine.make_buffer();
    small.bytes = 2047;
    EXPECT_BREACH(static_cast<void>(machine.driver.submit_receive(small)), "buffer_bytes");
}

}  // namespace
}  // namespace virtq::test
