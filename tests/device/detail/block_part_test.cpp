// SPDX-License-Identifier: MIT
#include <virtq/device/detail/block/block_part.hpp>
#include <virtq/device/detail/segment_cutter.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <random>
#include <vector>

namespace virtq {

using namespace virtq::detail;

namespace {

Segment at(std::uint64_t address, std::uint32_t bytes) {
    return {PhysAddr{address}, bytes};
}

/// The parts of a request, each checked against the limit, and the byte ranges that they cover.
struct Cut {
    std::vector<Segment> covered;
    std::size_t parts = 0;
};

Cut cut(std::vector<Segment> const& segments, PartLimit const& limit) {
    SegmentCutter cutter{{segments.data(), segments.size()}, limit};
    Cut result;
    auto& covered = result.covered;
    while (!cutter.at_end()) {
        auto const part = cutter.next();
        if (part.empty()) {
            return {};
        }
        ++result.parts;
        std::uint64_t bytes = 0;
        EXPECT_LE(part.size(), limit.segments);
        for (Segment const& piece : part) {
            EXPECT_GT(piece.bytes, 0u);
            EXPECT_LE(piece.bytes, limit.segment_bytes);
            bytes += piece.bytes;
            bool const adjoins = !covered.empty() && covered.back().addr + covered.back().bytes == piece.addr;
            if (adjoins) {
                covered.back().bytes += piece.bytes;
            } else {
                covered.push_back(piece);
            }
        }
        EXPECT_LE(bytes, limit.bytes);
        EXPECT_TRUE(cutter.at_end() || bytes % limit.granule == 0);
    }
    return result;
}

bool same(std::vector<Segment> const& a, std::vector<Segment> const& b) {
    bool equal = a.size() == b.size();
    for (std::size_t i = 0; equal && i < a.size(); ++i) {
        equal = a[i].addr == b[i].addr && a[i].bytes == b[i].bytes;
    }
    return equal;
}

TEST(SegmentCutter, SplitsInsideASegment) {
    Cut const result = cut({at(0x1000, 10240)}, {.segments = 4, .segment_bytes = 1024, .bytes = 4096, .granule = 512});
    EXPECT_EQ(result.parts, 3u);
    EXPECT_TRUE(same(result.covered, {at(0x1000, 10240)}));
}

TEST(SegmentCutter, SplitsAtMultiplesOfTheGranule) {
    Cut const result = cut({at(0x1000, 100), at(0x2000, 924), at(0x3000, 1024)},
                           {.segments = 2, .segment_bytes = 700, .bytes = 1u << 20, .granule = 512});
    EXPECT_TRUE(same(result.covered, {at(0x1000, 100), at(0x2000, 924), at(0x3000, 1024)}));
}

TEST(SegmentCutter, ReportsLimitsBelowOneGranule) {
    EXPECT_EQ(cut({at(0x1000, 1024)}, {.segments = 1, .segment_bytes = 511, .bytes = 4096, .granule = 512}).parts, 0u);
}

TEST(SegmentCutter, CoversEachByteOfRandomShapes) {
    std::mt19937 random(11);
    for (int round = 0; round < 3000; ++round) {
        std::vector<Segment> segments;
        std::uint64_t total = 0;
        std::uint64_t address = 0x1'0000'0000;
        for (auto count = 1 + random() % 6; count != 0; --count) {
            auto const bytes = static_cast<std::uint32_t>(1 + random() % 3000);
            segments.push_back(at(address, bytes));
            address += bytes + 1 + random() % 5000;
            total += bytes;
        }
        segments.back().bytes += static_cast<std::uint32_t>((512 - total % 512) % 512);
        PartLimit const limit{.segments = 3 + static_cast<std::uint32_t>(random() % 20),
                              .segment_bytes = 256 + static_cast<std::uint32_t>(random() % 4000),
                              .bytes = 512 * (1 + static_cast<std::uint32_t>(random() % 16)),
                              .granule = 512};
        Cut const result = cut(segments, limit);
        if (result.parts != 0) {
            ASSERT_TRUE(same(result.covered, segments)) << round;
        } else {
            ASSERT_LT(limit.segments, 6u) << round;  // only many tiny segments exceed the number of segments
        }
    }
}

// rcore-os/virtio-drivers#135: hosts read a length of 2 GiB as negative.
TEST(BlockParts, SplitRequestsAbove2GiB) {
    Segment const data[] = {at(0x1'0000'0000, 0xffff'fe00)};
    BlockRequest const request{BlockOperation::read, 100, 0, data, Token{}};
    BlockLimit limit;
    limit.data = {.segments = 254, .segment_bytes = UINT32_MAX, .bytes = 1u << 30, .granule = 512};
    BlockParts parts{request, limit};
    BlockPart part;
    std::uint64_t sector = 100;
    std::uint64_t address = 0x1'0000'0000;
    unsigned count = 0;
    EXPECT_FALSE(make_whole(part, request, 0xffff'fe00, limit));
    while (!parts.at_end()) {
        ASSERT_TRUE(parts.next(part));
        EXPECT_EQ(part.sector, sector);
        EXPECT_EQ(part.data[0].addr, PhysAddr{address});
        EXPECT_LE(part.data_bytes, 1u << 30);
        sector += part.data_bytes / 512;
        address += part.data_bytes;
        ++count;
    }
    EXPECT_EQ(count, 4u);
    EXPECT_EQ(address, 0x1'0000'0000u + 0xffff'fe00u);
}

TEST(BlockPart, IsWholeWhenItFits) {
    Segment const data[] = {at(0x1000, 512), at(0x3000, 1024)};
    BlockRequest const request{BlockOperation::write, 7, 0, data, Token{}};
    BlockLimit limit;
    limit.data = {.segments = 2, .segment_bytes = 1024, .bytes = 1536, .granule = 512};
    BlockPart part;
    ASSERT_TRUE(make_whole(part, request, 1536, limit));
    EXPECT_EQ(part.data.data(), data);
    EXPECT_EQ(part.data_bytes, 1536u);
    EXPECT_EQ(part.sector, 7u);
    EXPECT_FALSE(part.device_writes());
    EXPECT_EQ(part.descriptors(), 4u);
}

TEST(BlockPart, IsNotWholeAboveAnyLimit) {
    Segment const data[] = {at(0x1000, 512), at(0x3000, 1024)};
    BlockRequest const request{BlockOperation::read, 7, 0, data, Token{}};
    for (PartLimit const& limit : {PartLimit{.segments = 1}, PartLimit{.segments = 2, .segment_bytes = 1023},
                                   PartLimit{.segments = 2, .bytes = 1535}}) {
        BlockLimit block_limit;
        block_limit.data = limit;
        BlockPart part;
        EXPECT_FALSE(make_whole(part, request, 1536, block_limit));
    }
}

TEST(BlockPart, IsOneRangeWithinTheLimit) {
    BlockLimit limit;
    limit.range_sectors = 100;
    BlockRequest request{BlockOperation::discard, 3, 100, {}, Token{}};
    BlockPart part;
    EXPECT_TRUE(make_whole(part, request, 0, limit));
    EXPECT_EQ(part.range.num_sectors, 100u);
    EXPECT_EQ(part.range.sector, 3u);
    EXPECT_EQ(part.sector, 0u);
    request.sector_count = 101;
    EXPECT_FALSE(make_whole(part, request, 0, limit));
    request.sector_count = (std::uint64_t{1} << 32) + 1;  // 1 if it were truncated to 32 bits
    EXPECT_FALSE(make_whole(part, request, 0, limit));
}

TEST(BlockParts, SplitsRangesAtTheAlignment) {
    BlockRequest const request{BlockOperation::discard, 3, 100, {}, Token{}};
    BlockLimit limit;
    limit.range_sectors = 30;
    limit.range_alignment = 8;
    BlockParts parts{request, limit};
    BlockPart part;
    std::vector<std::uint32_t> sizes;
    std::uint64_t sector = 3;
    while (!parts.at_end()) {
        ASSERT_TRUE(parts.next(part));
        EXPECT_EQ(part.sector, 0u);
        EXPECT_EQ(part.range.sector, sector);
        EXPECT_EQ(part.range.flags, 0u);
        sizes.push_back(part.range.num_sectors);
        sector += part.range.num_sectors;
    }
    EXPECT_EQ(sizes, (std::vector<std::uint32_t>{24, 24, 24, 28}));
}

// A device may want discards aligned to more than it accepts at once. Then no part is aligned, and all is discarded.
TEST(BlockParts, SplitsUnalignedRanges) {
    BlockRequest const request{BlockOperation::discard, 0, 50, {}, Token{}};
    BlockLimit limit;
    limit.range_sectors = 20;
    limit.range_alignment = 32;
    BlockParts parts{request, limit};
    BlockPart part;
    std::vector<std::uint32_t> sizes;
    while (!parts.at_end()) {
        ASSERT_TRUE(parts.next(part));
        sizes.push_back(part.range.num_sectors);
        ASSERT_LT(sizes.size(), 10u);
    }
    EXPECT_EQ(sizes, (std::vector<std::uint32_t>{20, 20, 10}));
}

}  // namespace
}  // namespace virtq
