// SPDX-License-Identifier: MIT
#include <device/net_machine.hpp>

#include <set>

/// The driver copies no packet, and looks at no byte of one: while it works, all of them are poisoned. Only
/// AddressSanitizer can tell, so other builds have no such test.
#if defined(VIRTQ_SIM_ASAN)
namespace virtq::test {
namespace {

constexpr std::size_t frame_bytes = 1514;

class Poison {
public:
    explicit Poison(std::set<std::uint8_t const*> const& packets) : packets_(packets) {
        for (std::uint8_t const* const packet : packets_) {
            ASAN_POISON_MEMORY_REGION(packet, frame_bytes);
        }
    }
    ~Poison() {
        for (std::uint8_t const* const packet : packets_) {
            ASAN_UNPOISON_MEMORY_REGION(packet, frame_bytes);
        }
    }
    Poison(Poison const&) = delete;
    Poison& operator=(Poison const&) = delete;

private:
    std::set<std::uint8_t const*> const& packets_;
};

TEST(NetUntouched, IsWhatItReceives) {
    NetMachine<> machine;
    machine.bring_up();
    std::set<std::uint8_t const*> packets;  // where the card has written one, in each buffer of the ring
    for (int turn = 0; turn < 100; ++turn) {
        auto const sent = machine.frame(frame_bytes, static_cast<std::uint8_t>(turn));
        machine.card.inject({sent});
        machine.device.step();
        std::size_t received = 0;
        Poison const poison(packets);
        machine.driver.receive_each([&](NetPacket const& packet) {
            ASSERT_EQ(packet.parts.size(), 1u);
            packets.insert(packet.parts[0].data);
            ASAN_UNPOISON_MEMORY_REGION(packet.parts[0].data, frame_bytes);
            EXPECT_EQ(machine.bytes_of(packet), sent);
            ASAN_POISON_MEMORY_REGION(packet.parts[0].data, frame_bytes);
            ++received;
        });
        EXPECT_EQ(received, 1u);
    }
    EXPECT_GT(packets.size(), 1u);
}

TEST(NetUntouched, IsWhatItSends) {
    NetMachine<> machine;
    machine.bring_up();
    auto const frame = machine.frame(frame_bytes);
    Segment const segment = machine.packet(frame);
    std::set<std::uint8_t const*> const packets{machine.memory.virt(segment.addr, frame_bytes)};
    for (std::uintptr_t turn = 0; turn < 100; ++turn) {
        {
            Poison const poison(packets);
            ASSERT_TRUE(machine.driver.submit(segment, Token{turn}).ok());
            static_cast<void>(machine.driver.kick_device());
        }
        machine.device.step();
        Poison const poison(packets);
        EXPECT_EQ(machine.driver.take_sent().token, Token{turn});
    }
    ASSERT_EQ(machine.card.sent().size(), 100u);
    EXPECT_EQ(machine.card.sent()[99].bytes, frame);
}

}  // namespace
}  // namespace virtq::test
#endif
