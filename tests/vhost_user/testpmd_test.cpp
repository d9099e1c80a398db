// SPDX-License-Identifier: MIT
//
// `NetDevice` against DPDK's vhost: a card that we did not write, in another process.

#include <support/contract.hpp>
#include <virtq/device/net.hpp>
#include <virtq/queue/any_format.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <cstring>
#include <iterator>
#include <memory>
#include <set>
#include <string>

#include <vhost_user/connect.hpp>
#include <vhost_user/testpmd.hpp>
#include <vhost_user/transport.hpp>

namespace virtq::test {
namespace {

using vhost_user::connect;
using vhost_user::SharedMemory;
using vhost_user::VhostUserTransport;

struct AnyCard : NetTraits {
    using Format = AnyFormat;
};

struct Ring {
    char const* name;
    bool is_packed;
    bool is_in_order;
};

/// Packets go round: the driver sends them, `dpdk-testpmd` sends them back, and the driver sends them again.
class LoopedCard : public ::testing::TestWithParam<Ring> {
protected:
    static constexpr std::size_t in_flight = 32;
    static constexpr std::size_t frame_bytes = 64;
    static constexpr std::size_t number_offset = 14;  // behind the Ethernet header

    void SetUp() override {
        if (!Testpmd::is_installed()) {
            GTEST_SKIP() << "dpdk-testpmd is not installed (Debian's package dpdk)";
        }
        frames = memory.allocate_pages(in_flight);
        testpmd = std::make_unique<Testpmd>();
        bring_up();
    }
    void TearDown() override {
        if (testpmd != nullptr) {
            EXPECT_TRUE(card.release(memory).ok());
            memory.free_pages(frames);
            EXPECT_EQ(memory.pages_outstanding(), 0u);
        }
    }
    void bring_up() {
        Status const found = connect(transport, {testpmd->socket(), spec::DeviceId::net, 2, 256, 0}, memory, *testpmd);
        ASSERT_TRUE(found.ok()) << "dpdk-testpmd kept no connection. Start it by hand to see why.";
        DriverOption option;
        // A vhost-user socket has no configuration and no control queue of a card.
        for (auto const feature : {spec::net::Feature::ctrl_vq, spec::net::Feature::mac, spec::net::Feature::status,
                                   spec::net::Feature::mtu, spec::net::Feature::mq}) {
            option.unwanted.set(feature);
        }
        if (!GetParam().is_packed) {
            option.unwanted.set(spec::Feature::ring_packed);
        }
        if (!GetParam().is_in_order) {
            option.unwanted.set(spec::Feature::in_order);
        }
        Status const up = card.init(transport, memory, option);
        ASSERT_TRUE(up.ok()) << describe(up.error());
        Features const negotiated = card.negotiation().negotiated;
        EXPECT_EQ(negotiated.has(spec::Feature::ring_packed), GetParam().is_packed);
        EXPECT_EQ(negotiated.has(spec::Feature::in_order), GetParam().is_in_order);
    }

    [[nodiscard]] std::uint8_t* frame(std::size_t slot) {
        return static_cast<std::uint8_t*>(frames.virt) + slot * page_bytes;
    }
    /// Makes the next packet. It has a place of its own until it was sent.
    [[nodiscard]] NetFrame make_next() {
        std::size_t const slot = sent % in_flight;
        std::memset(frame(slot), 0xff, frame_bytes);
        std::memcpy(frame(slot) + number_offset, &sent, sizeof sent);
        ++sent;
        EXPECT_TRUE(sending.insert(slot + 1).second);
        return {{memory.phys_addr(frame(slot)), frame_bytes}, Token{slot + 1}};
    }
    [[nodiscard]] bool has_place(std::uint64_t target) const {
        return sent < target && sent < received + in_flight && sending.count(sent % in_flight + 1) == 0;
    }
    /// All that have a place, in bursts or one at a time.
    void send(std::uint64_t target) {
        while (has_place(target)) {
            NetFrame burst[8];
            std::size_t count = 0;
            for (; count < std::size(burst) && has_place(target); ++count) {
                burst[count] = make_next();
            }
            if (sent % 2 == 0) {
                ASSERT_EQ(card.submit_burst({burst, count}).count, count);
                continue;
            }
            for (std::size_t i = 0; i < count; ++i) {
                Status const added = card.submit({&burst[i].data, 1}, burst[i].token);
                ASSERT_TRUE(added.ok()) << describe(added.error());
            }
            card.kick_device();
        }
    }
    /// Returns whether there was anything.
    bool take() {
        std::size_t const before = sending.size();
        std::uint64_t const before_received = received;
        card.for_each_sent([&](Token token) { EXPECT_EQ(sending.erase(token.value()), 1u) << "a token came twice"; });
        CompletionState const state = card.receive_each([&](NetPacket const& packet) {
            std::uint64_t number = 0;
            ASSERT_EQ(packet.parts.size(), 1u);
            ASSERT_EQ(packet.bytes, frame_bytes);
            std::memcpy(&number, packet.parts[0].data + number_offset, sizeof number);
            ASSERT_EQ(number, received) << "a packet was lost, doubled or moved";
            ++received;
        });
        EXPECT_NE(state, CompletionState::broken);
        return sending.size() != before || received != before_received;
    }
    /// Sends and receives `count` packets. Up to `in_flight` go round at once.
    template <class Wait>
    void run(std::uint64_t count, Wait wait) {
        std::uint64_t const target = received + count;
        auto end = std::chrono::steady_clock::now() + std::chrono::minutes{2};
        while (received < target && !HasFailure()) {
            send(target);
            if (take()) {
                end = std::chrono::steady_clock::now() + std::chrono::minutes{2};
            } else {
                wait();
            }
            ASSERT_LT(std::chrono::steady_clock::now(), end) << "the card sends nothing back any more";
        }
    }
    /// Until packets have come, or were sent.
    void sleep() {
        bool const may_sleep =
            card.enable_receive_notifications() == MaySleep::yes && card.enable_send_notifications() == MaySleep::yes;
        if (may_sleep) {
            ASSERT_TRUE(transport.sleep(std::chrono::minutes{1})) << "no interrupt came";
            static_cast<void>(transport.on_interrupt());
            ++sleeps;
        }
    }

    SharedMemory memory{2048};
    VhostUserTransport transport;
    NetDevice<VhostUserTransport, 256, AnyCard> card;
    std::unique_ptr<Testpmd> testpmd;
    Pages frames;
    std::uint64_t sent = 0;
    std::uint64_t received = 0;
    std::uint64_t sleeps = 0;
    std::set<std::uintptr_t> sending;
};

TEST_P(LoopedCard, SendsEachPacketBackOnceAndInOrder) {
    run(100'000, [] {});
}

TEST_P(LoopedCard, SleepsUntilPacketsCome) {
    run(10'000, [this] { sleep(); });
    EXPECT_GT(sleeps, 0u);
}

TEST_P(LoopedCard, HandsEachTokenBackWhenKilled) {
    for (int life = 0; life < 2; ++life) {
        run(2'000, [] {});
        send(sent + 1);
        testpmd->kill();
        EXPECT_EQ(card.check_alive().error(), Error::device_gone);
        Status const reset =
            card.reset([&](RequestCompletion const& done) { EXPECT_EQ(sending.erase(done.token.value()), 1u); });
        EXPECT_EQ(reset.error(), Error::device_gone);
        EXPECT_TRUE(sending.empty());
        ASSERT_TRUE(card.release(memory).ok());
        sent = received = 0;
        testpmd = std::make_unique<Testpmd>();
        ASSERT_NO_FATAL_FAILURE(bring_up());
    }
}

INSTANTIATE_TEST_SUITE_P(Rings, LoopedCard,
                         ::testing::Values(Ring{"split", false, false}, Ring{"split_in_order", false, true},
                                           Ring{"packed", true, false}, Ring{"packed_in_order", true, true}),
                         [](auto const& one) { return std::string{one.param.name}; });

}  // namespace
}  // namespace virtq::test
