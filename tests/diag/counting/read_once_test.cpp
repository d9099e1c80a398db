// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>
#include <virtq/queue/any_format.hpp>

#include <diag/queue_machine.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// An inspection reads each word of shared memory and each register once, and stores nothing. So a device that
/// continues meanwhile cannot produce a contradiction. Compiled with a ring_memory.hpp that counts accesses.
namespace virtq::test {

using namespace virtq::detail;

static_assert(platform::ring_memory_is_replaced, "counting/ stands before include/ in the include path");

namespace {

using platform::Accesses;

/// The accesses of `look` to shared memory.
template <class Look>
Accesses accesses_of(Look look) {
    platform::accesses = {};
    look();
    return platform::accesses;
}

struct Stretch {
    std::uint32_t offset;
    std::uint32_t bytes;
};

class QueueInspection : public ::testing::TestWithParam<QueueSetup> {
protected:
    static constexpr SplitLayout layout{QueueMachine::size};
    static constexpr std::uint32_t descriptors_in_flight = 7;

    /// Leaves one chain of each kind (used and not taken, pushed, added and not published), and one free descriptor.
    void SetUp() override {
        machine.bring_up();
        machine.submit_read();  // 0, 1, 2
        machine.work();
        push_flush();  // 3, 4
        Segment const header[] = {machine.buffer(16)};
        Segment const status[] = {machine.buffer(1)};
        ASSERT_TRUE(machine.queue.add(header, status, Token{1}).ok());  // 5, 6
    }

    void push_flush() {
        DescIndex const header = *machine.queue.alloc_desc();
        DescIndex const status = *machine.queue.alloc_desc();
        machine.queue.write_desc(header, machine.buffer(16).addr, 16, 1, status);
        machine.queue.write_desc(status, machine.buffer(1).addr, 1, 2);
        ASSERT_TRUE(machine.queue.push_avail(header).ok());
    }

    [[nodiscard]] unsigned char* at(std::uint32_t offset) const {
        return static_cast<unsigned char*>(machine.queue.pages().virt) + offset;
    }
    [[nodiscard]] Stretch avail(std::uint32_t offset, std::uint32_t bytes) const {
        return {layout.available_ring_offset() + offset, bytes};
    }
    [[nodiscard]] Stretch used(std::uint32_t offset, std::uint32_t bytes) const {
        return {layout.used_ring_offset() + offset, bytes};
    }
    /// The flags, index and event word of both rings.
    [[nodiscard]] std::vector<Stretch> single_words() const {
        return {avail(0, 4), avail(layout.used_event_offset(), 2), used(0, 4), used(layout.avail_event_offset(), 2)};
    }

    /// Expects one read of each byte of these stretches, no other reads, and no store.
    void expect_once(std::vector<Stretch> const& stretches, Accesses const& seen) const {
        std::map<unsigned char const*, unsigned> expected;
        for (Stretch const& stretch : stretches) {
            for (std::uint32_t i = 0; i < stretch.bytes; ++i) {
                expected[at(stretch.offset + i)] = 1;
            }
        }
        EXPECT_EQ(seen.stores, 0u);
        EXPECT_EQ(seen.reads.size(), expected.size());
        for (auto const& [byte, reads] : seen.reads) {
            ASSERT_EQ(reads, 1u) << "at byte " << byte - at(0);
            ASSERT_EQ(expected.count(byte), 1u) << "at byte " << byte - at(0);
        }
    }

    QueueMachine machine{GetParam()};
};

TEST_P(QueueInspection, CountsAccesses) {
    DescIndex const desc = *machine.queue.alloc_desc();
    EXPECT_EQ(accesses_of([&] { machine.queue.write_desc(desc, PhysAddr{0x1000}, 1, 0); }).stores, 4u);
    EXPECT_EQ(accesses_of([&] { EXPECT_TRUE(machine.queue.has_used()); }).reads.size(), 2u);
}

TEST_P(QueueInspection, SnapshotReadsEachWordOnce) {
    expect_once(single_words(), accesses_of([&] { static_cast<void>(take_snapshot(machine.queue)); }));
}

TEST_P(QueueInspection, DiagnosisReadsEachWordOnce) {
    std::vector<Stretch> stretches = single_words();
    stretches.push_back({0, 16 * descriptors_in_flight});
    stretches.push_back(avail(spec::avail_ring_offset, 3 * 2));
    std::uint32_t const avail_end = layout.available_ring_offset() + layout.available_ring_bytes();
    stretches.push_back({avail_end, layout.used_ring_offset() - avail_end});
    std::uint32_t const end = layout.total_bytes();
    stretches.push_back({end, layout.page_count() * static_cast<std::uint32_t>(page_bytes) - end});
    Diagnosis found;
    expect_once(stretches, accesses_of([&] { found = machine.look(); }));
    EXPECT_EQ(found.cause(), Cause::interrupts_off) << explained(found);
}

TEST_P(QueueInspection, DumpReadsEachWordOnce) {
    std::vector<Stretch> stretches = single_words();
    stretches.push_back({0, 16 * descriptors_in_flight});
    stretches.push_back(avail(spec::avail_ring_offset + 2, 2 * 2));
    stretches.push_back(used(spec::used_ring_offset, 8));
    std::string text;
    expect_once(stretches, accesses_of([&] { text = printed([&](auto sink) { dump(machine.queue, sink); }); }));
    EXPECT_NE(text.find("[2] head 5, not published\n"), std::string::npos) << text;
}

// Findings report the values already read, without another read.
TEST_P(QueueInspection, FindingsReadNoWordAgain) {
    machine.hostile = true;
    std::uint32_t const ring = layout.available_ring_offset();
    // The index and an entry of the available ring; addresses, lengths and flags; the padding; the used index.
    bool const is_big = GetParam().version == sim::MmioVersion::legacy && native_byte_order == ByteOrder::big;
    std::uint32_t const high = is_big ? 0 : 7;  // byte of an address
    for (std::uint32_t const offset : {ring + 2, ring + 5, high, 12u, 14u, 16u + high, 16u + 8u, 3 * 16u + 12u,
                                       ring + 64, layout.used_ring_offset() + 2}) {
        *at(offset) = static_cast<unsigned char>(*at(offset) ^ 0x80u);
        Diagnosis found;
        Accesses const seen = accesses_of([&] { found = machine.look(); });
        EXPECT_NE(found.cause(), Cause::interrupts_off) << offset;
        EXPECT_EQ(seen.stores, 0u) << offset;
        EXPECT_FALSE(seen.reads.empty());
        for (auto const& [byte, reads] : seen.reads) {
            ASSERT_EQ(reads, 1u) << "at byte " << byte - at(0) << " with " << offset << " overwritten";
        }
        *at(offset) = static_cast<unsigned char>(*at(offset) ^ 0x80u);
    }
}

TEST_P(QueueInspection, DiagnosisReadsEachRegisterOnce) {
    std::map<std::uint16_t, unsigned> reads;
    machine.device.before_access([&](std::uint16_t offset, bool is_write) { reads[offset] += is_write ? 0 : 1; });
    static_cast<void>(machine.look());
    machine.device.before_access(nullptr);
    EXPECT_EQ(reads.count(spec::mmio::status.offset), 1u);
    bool const is_modern = GetParam().version == sim::MmioVersion::modern;
    for (auto const& [offset, count] : reads) {
        bool const is_selector =
            offset == spec::mmio::device_features_sel.offset || offset == spec::mmio::queue_sel.offset;
        bool const has_two_words = is_modern && offset == spec::mmio::device_features.offset;
        EXPECT_EQ(count, is_selector ? 0u : has_two_words ? 2u : 1u) << "of register " << offset;
    }
}

INSTANTIATE_TEST_SUITE_P(OnBoth, QueueInspection,
                         ::testing::Values(QueueSetup{}, QueueSetup{.event_idx = true},
                                           QueueSetup{.version = sim::MmioVersion::legacy}));

// --- every format -------------------------------------------------------------------------------------------------

/// Checks that no inspection reads a byte twice, and which bytes a snapshot reads.
template <class Format>
class FormatLook {
public:
    explicit FormatLook(QueueSetup const& setup) : machine_(setup) {
        machine_.bring_up();
        machine_.hostile = true;
    }

    void expect_once() {
        machine_.submit_read();
        machine_.submit_read();
        expect_each_look_once();  // two in flight
        machine_.work();
        expect_each_look_once();  // both used
        Segment const one[] = {machine_.buffer(1)};
        ASSERT_TRUE(machine_.queue.add({}, one, Token{99}).ok());
        expect_each_look_once();  // and one not published
        static_cast<void>(machine_.queue.take_used());
        static_cast<void>(machine_.queue.publish());
        expect_each_look_once();
        expect_findings_once();
        while (machine_.queue.take_used()) {
        }
        expect_each_look_once();
    }

    [[nodiscard]] std::size_t bytes_of_snapshot() {
        return accesses_of([&] { static_cast<void>(take_snapshot(machine_.queue)); }).reads.size();
    }

private:
    void expect_each_look_once() {
        expect_once_in([&] { static_cast<void>(take_snapshot(machine_.queue)); });
        expect_once_in([&] { static_cast<void>(machine_.look()); });
        expect_once_in([&] { static_cast<void>(printed([&](auto sink) { dump(machine_.queue, sink); })); });
    }
    /// Overwrites length, id and flags of each descriptor in the ring and in the first table, one byte at a time.
    void expect_findings_once() {
        for (Pages const& pages : {machine_.queue.pages(), machine_.queue.table_pages()}) {
            for (std::uint32_t offset = 0; offset < 128 && pages.count != 0; ++offset) {
                if (offset % 16 > 8 && offset % 2 == 1) {
                    auto* const byte = static_cast<unsigned char*>(pages.virt) + offset;
                    *byte = static_cast<unsigned char>(*byte ^ 0x80u);
                    expect_each_look_once();
                    *byte = static_cast<unsigned char>(*byte ^ 0x80u);
                }
            }
        }
    }
    template <class Look>
    static void expect_once_in(Look look) {
        Accesses const seen = accesses_of(look);
        EXPECT_EQ(seen.stores, 0u);
        EXPECT_FALSE(seen.reads.empty());
        for (auto const& [byte, reads] : seen.reads) {
            ASSERT_EQ(reads, 1u) << static_cast<void const*>(byte);
        }
    }

    QueueMachineOf<Format> machine_;
};

template <class Format>
void expect_once_with_all_features(bool packed) {
    for (unsigned bits = 0; bits < 8; ++bits) {
        SCOPED_TRACE(bits);
        FormatLook<Format> look({.event_idx = (bits & 1) != 0,
                                 .packed = packed,
                                 .indirect = (bits & 2) != 0,
                                 .in_order = (bits & 4) != 0});
        look.expect_once();
        // Packed: the flags of one descriptor, and the two event structures.
        EXPECT_EQ(look.bytes_of_snapshot(), packed ? 2u + 4u + 4u : 6u + 6u);
    }
}

TEST(AnyQueueInspection, ReadsSplitWordsOnce) {
    expect_once_with_all_features<Split>(false);
}
TEST(AnyQueueInspection, ReadsPackedWordsOnce) {
    expect_once_with_all_features<Packed>(true);
}
TEST(AnyQueueInspection, ReadsNegotiatedWordsOnce) {
    expect_once_with_all_features<AnyFormat>(true);
    expect_once_with_all_features<AnyFormat>(false);
}

TEST(PagesWithoutMemory, AreRefused) {
    sim::GuestMemory memory;
    VirtQueue<8> queue;
    platform::memory_is_there = false;
    EXPECT_EQ(queue.init(memory, 8, Features::of(spec::Feature::version_1)).error(), Error::pages_not_memory);
    platform::memory_is_there = true;
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

}  // namespace
}  // namespace virtq::test
