// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>

#include <diag/queue_machine.hpp>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

/// That a look at a queue reads each word of shared memory once and stores nothing, and reads each register once: so
/// a device that goes on meanwhile cannot contradict itself. Compiled with a ring_memory.hpp that counts.
namespace virtq::test {
namespace {

using platform::Accesses;

/// What `look` does to shared memory.
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

class LookAtAQueue : public ::testing::TestWithParam<QueueSetup> {
protected:
    static constexpr SplitLayout layout{QueueMachine::size};
    static constexpr std::uint32_t descriptors_in_flight = 7;

    /// Added and published, used and not taken, pushed, and added without being published; one descriptor is free.
    void SetUp() override {
        machine.bring_up();
        machine.submit_read();  // 0, 1, 2
        machine.work();
        DescIndex const desc = *machine.queue.alloc_desc();  // 3
        machine.queue.write_desc(desc, machine.buffer(16).addr, 16, 2);
        ASSERT_TRUE(machine.queue.push_avail(desc).ok());
        machine.add_read();  // 4, 5, 6
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
    /// Flags, index and event word of both rings.
    [[nodiscard]] std::vector<Stretch> single_words() const {
        return {avail(0, 4), avail(layout.used_event_offset(), 2), used(0, 4), used(layout.avail_event_offset(), 2)};
    }

    /// Each byte of these stretches was read once, no other one at all, and nothing was stored.
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

TEST_P(LookAtAQueue, IsCounted) {
    DescIndex const desc = *machine.queue.alloc_desc();
    EXPECT_EQ(accesses_of([&] { machine.queue.write_desc(desc, PhysAddr{0x1000}, 1, 0); }).stores, 4u);
    EXPECT_EQ(accesses_of([&] { EXPECT_TRUE(machine.queue.has_used()); }).reads.size(), 2u);
}

TEST_P(LookAtAQueue, ReadsEachWordOfASnapshotOnce) {
    expect_once(single_words(), accesses_of([&] { static_cast<void>(take_snapshot(machine.queue)); }));
}

TEST_P(LookAtAQueue, ReadsEachWordOfADiagnosisOnce) {
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

TEST_P(LookAtAQueue, ReadsEachWordOfADumpOnce) {
    std::vector<Stretch> stretches = single_words();
    stretches.push_back({0, 16 * descriptors_in_flight});
    stretches.push_back(avail(spec::avail_ring_offset + 2, 2 * 2));
    stretches.push_back(used(spec::used_ring_offset, 8));
    std::string text;
    expect_once(stretches, accesses_of([&] { text = printed([&](auto sink) { dump(machine.queue, sink); }); }));
    EXPECT_NE(text.find("[2] head 4, not published\n"), std::string::npos) << text;
}

// What was overwritten is read as it stands, and not once more to be reported.
TEST_P(LookAtAQueue, ReadsNoWordAgainForAFinding) {
    machine.hostile = true;
    std::uint32_t const ring = layout.available_ring_offset();
    // The index and an entry of the available ring; addresses, lengths and flags; the padding; the used index.
    for (std::uint32_t const offset : {ring + 2, ring + 5, 7u, 12u, 14u, 16u + 7u, 16u + 8u, 3 * 16u + 12u, ring + 64,
                                       layout.used_ring_offset() + 2}) {
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

TEST_P(LookAtAQueue, ReadsEachRegisterOfADiagnosisOnce) {
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

INSTANTIATE_TEST_SUITE_P(OnBoth, LookAtAQueue,
                         ::testing::Values(QueueSetup{}, QueueSetup{.event_idx = true},
                                           QueueSetup{.version = sim::MmioVersion::legacy}));

}  // namespace
}  // namespace virtq::test
