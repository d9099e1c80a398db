// SPDX-License-Identifier: MIT
#include <virtq/diag/dump.hpp>

#include <diag/queue_machine.hpp>
#include <queue/ring_pair.hpp>

#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

namespace virtq::test {
namespace {

template <std::uint32_t N>
std::string picture(VirtQueue<N> const& queue, Lines budget = Lines{64}) {
    return printed([&](auto sink) { dump(queue, sink, budget); });
}

std::string without_addresses(std::string const& text) {
    std::string out;
    for (std::size_t i = 0; i < text.size(); ++i) {
        out += text[i];
        if (text.compare(i, 3, "0x1") == 0 && text.compare(i, 9, "0x1400000") >= 0) {
            std::size_t digits = i + 2;
            while (digits < text.size() && std::isxdigit(static_cast<unsigned char>(text[digits])) != 0) {
                ++digits;
            }
            if (digits - i == 11) {  // nine digits: an address of the simulated memory
                out += "xADDRESS..";
                i = digits - 1;
            }
        }
    }
    return out;
}

TEST(Dump, ShowsAQueueWithoutMemory) {
    VirtQueue<8> const queue;
    EXPECT_EQ(picture(queue), "virtq: queue of 0, 0 free, 0 outstanding\n");
}

TEST(Dump, ShowsTheOwnerOfEachDescriptor) {
    RingPair<> ring;
    Segment const readable[] = {ring.buffer(16)};
    Segment const writable[] = {ring.buffer(512), ring.buffer(1)};
    ASSERT_TRUE(ring.queue.add(readable, writable, Token{1}).ok());  // 0, 1, 2: taken later
    ASSERT_TRUE(ring.add_writable(2).ok());                          // 3: used, not taken
    static_cast<void>(ring.queue.publish());
    ring.device_uses_next(513);
    ring.device_uses_next(64);
    ASSERT_TRUE(ring.queue.poll_used());              // the caller owns the chain at 0
    DescIndex const mine = *ring.queue.alloc_desc();  // 4
    ring.queue.write_desc(mine, ring.buffer(32).addr, 32, 0);
    ASSERT_TRUE(ring.add_writable(3, 0x1000).ok());  // 5: not published
    EXPECT_EQ(without_addresses(picture(ring.queue)),
              "virtq: queue of 8, 2 free, 2 outstanding\n"
              "  pages       0xADDRESS.., 2\n"
              "  descriptors 0xADDRESS..\n"
              "  available   0xADDRESS..         idx 2, flags 0x1, used_event 0\n"
              "  used        0xADDRESS..         idx 2, flags 0x0, avail_event 0\n"
              "  driver      added 3, published 2, decided 2, taken 1\n"
              "  0      taken         0xADDRESS..        len 0x10, readable, next 1\n"
              "  1        with it     0xADDRESS..        len 0x200, writable, next 2\n"
              "  2        with it     0xADDRESS..        len 0x1, writable\n"
              "  3      in flight     0xADDRESS..        len 0x40, writable\n"
              "  4      the caller's  0xADDRESS..        len 0x20, readable\n"
              "  5      added         0xADDRESS..        len 0x1000, writable\n"
              "  free        6-7\n"
              "  available   [2] head 5, not published\n"
              "  used        [1] head 3, written 0x40, not taken\n");
    ring.queue.free_chain(DescIndex{0});
    ring.queue.free_desc(mine);
}

TEST(Dump, ShowsPushedChainsAndFreePieces) {
    RingPair<> ring({.features = modern_event_idx()});
    DescIndex const desc[] = {*ring.queue.alloc_desc(), *ring.queue.alloc_desc(), *ring.queue.alloc_desc()};
    ring.queue.write_desc(desc[2], ring.buffer(16).addr, 16, flag(spec::DescFlag::next), desc[1]);
    ring.queue.write_desc(desc[1], ring.buffer(16).addr, 16, flag(spec::DescFlag::write));
    ring.queue.free_desc(desc[0]);
    ASSERT_TRUE(ring.queue.push_avail(desc[2]).ok());
    std::string const text = without_addresses(picture(ring.queue));
    EXPECT_NE(text.find("outstanding, EVENT_IDX\n"), std::string::npos) << text;
    EXPECT_NE(text.find("  2      in flight     0xADDRESS..        len 0x10, readable, next 1\n"
                        "  1        with it     0xADDRESS..        len 0x10, writable\n"
                        "  free        0 3-7\n"
                        "  available   [0] head 2\n"),
              std::string::npos)
        << text;
}

TEST(Dump, ShortensALongFreeList) {
    RingPair<32> ring({.size = 32});
    std::vector<DescIndex> desc;
    while (auto const one = ring.queue.alloc_desc()) {
        desc.push_back(*one);
    }
    for (std::size_t i = 0; i < desc.size(); i += 2) {
        ring.queue.free_desc(desc[i]);
    }
    std::string const text = picture(ring.queue);
    EXPECT_NE(text.find("  free        30 28 26 24 22 20 18 16 14 12 ...\n"), std::string::npos) << text;
    for (std::size_t i = 1; i < desc.size(); i += 2) {
        ring.queue.free_desc(desc[i]);
    }
}

TEST(Dump, WrapsALongFreeList) {
    RingPair<2048> ring({.size = 2048});
    std::vector<DescIndex> desc;
    while (auto const one = ring.queue.alloc_desc()) {
        desc.push_back(*one);
    }
    for (std::size_t i = 3; i < desc.size(); i += 3) {  // in pairs
        ring.queue.free_desc(desc[i]);
        ring.queue.free_desc(desc[i - 1]);
    }
    std::string const text = picture(ring.queue, Lines{2048});
    EXPECT_NE(text.find("  free        2045-2046 2042-2043 "), std::string::npos) << text.substr(text.find("  free"));
    EXPECT_LE(columns(text), 79u) << text.substr(text.find("  free"));
    for (std::size_t i = 0; i < desc.size(); ++i) {
        if (i == 0 || i % 3 == 1) {
            ring.queue.free_desc(desc[i]);
        }
    }
}

TEST(Dump, ShowsUnknownFlags) {
    RingPair<> ring;
    ring.hostile = true;
    ASSERT_TRUE(ring.add_writable(1).ok());
    static_cast<void>(ring.queue.publish());
    EXPECT_EQ(picture(ring.queue).find("len 0x40, writable, "), std::string::npos);
    sim::Descriptor overwritten = ring.device->descriptor(0);
    overwritten.flags = 0xa002;
    ring.device->scribble_descriptor(0, overwritten);
    std::string const text = picture(ring.queue);
    EXPECT_NE(text.find("len 0x40, writable, flags 0xa002\n"), std::string::npos) << text;
}

TEST(Dump, CountsWrappedLines) {
    RingPair<16> ring({.size = 16});
    ring.hostile = true;
    for (std::uint16_t i = 0; i < 16; ++i) {
        ASSERT_TRUE(ring.add_writable(i).ok());
        ring.device->scribble_descriptor(i, {~std::uint64_t{0}, UINT32_MAX, 0xffff, UINT16_MAX});  // takes two lines
    }
    std::string const text = picture(ring.queue, Lines{16});
    EXPECT_NE(text.find(", next 65535,\n                       flags 0xffff\n"), std::string::npos) << text;
    EXPECT_LE(std::count(text.begin(), text.end(), '\n'), 16 + 10) << text;
    EXPECT_NE(text.find("  ... and 24 more entries\n"), std::string::npos) << text;  // 8 descriptors, 16 of the ring
}

TEST(Dump, CountsOmittedLines) {
    RingPair<> ring;
    ASSERT_TRUE(ring.add_writable(1).ok());
    ASSERT_TRUE(ring.add_writable(2).ok());
    static_cast<void>(ring.queue.publish());
    ring.device_uses_next();
    std::string const text = picture(ring.queue, Lines{0});
    // Two descriptors, the free ones, one available entry, one used entry.
    EXPECT_NE(text.find("  ... and 5 more entries\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("  free "), std::string::npos) << text;
    EXPECT_EQ(text.find("] head"), std::string::npos) << text;
}

TEST(Dump, IgnoresEntriesIfIndexIsAhead) {
    RingPair<> ring;
    ring.hostile = true;
    ASSERT_TRUE(ring.add_writable(1).ok());
    static_cast<void>(ring.queue.publish());
    ring.device->write_used_idx_raw(9);
    EXPECT_NE(picture(ring.queue).find("no entry can be trusted"), std::string::npos);
    EXPECT_EQ(ring.queue.take_used().state, CompletionState::broken);
    EXPECT_NE(picture(ring.queue).find("  broken      "), std::string::npos);
}

TEST(Dump, LimitsLinesAndWidth) {
    RingPair<32768> ring({.size = 32768});
    Segment const segment[] = {{PhysAddr{0xfff'ffff'ffff'f000}, 0xffff'ffff}};
    for (std::uint32_t i = 0; i < 32768; ++i) {
        ASSERT_TRUE(ring.queue.add({}, segment, Token{i}).ok());
    }
    std::string const text = picture(ring.queue, Lines{20});
    EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 20 + 10);
    EXPECT_NE(text.find("  ... and 65516 more entries\n"), std::string::npos) << text;
    EXPECT_LE(columns(text), 79u) << text;
}

}  // namespace
}  // namespace virtq::test
