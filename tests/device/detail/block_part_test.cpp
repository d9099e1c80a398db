// SPDX-License-Identifier: MIT
#include <virtq/device/detail/block/block_part.hpp>
#include <virtq/device/detail/segment_splitter.hpp>

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
struct Covered {
    std::vector<Segment> covered;
    std::size_t parts = 0;
};

Covered split(std::vector<Segment> const& segments, PartLimit const& limit) {
    SegmentSplitter splitter{{segments.data(), segments.size()}, limit};
    Covered result;
    auto& covered = result.covered;
    while (!splitter.at_end()) {
        SegmentSplitter::Pieces pieces;
        SegmentSplitter::Part const next = splitter.next(pieces);
        Span<Segment const> const part{pieces, next.segments};
        if (part.empty()) {
            EXPECT_EQ(next.bytes, 0u);
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
        EXPECT_EQ(bytes, next.bytes);
        EXPECT_LE(bytes, limit.bytes);
        EXPECT_TRUE(splitter.at_end() || bytes % limit.granule == 0);
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

TEST(SegmentSplitter, SplitsInsideASegment) {
    Covered const result =
        split({at(0x1000, 10240)}, {.segments = 4, .segment_bytes = 1024, .bytes = 4096, .granule = 512});
    EXPECT_EQ(result.parts, 3u);
    EXPECT_TRUE(same(result.covered, {at(0x1000, 10240)}));
}

TEST(SegmentSplitter, SplitsAtMultiplesOfTheGranule) {
    Covered const result = split({at(0x1000, 100), at(0x2000, 924), at(0x3000, 1024)},
                                 {.segments = 2, .segment_bytes = 700, .bytes = 1u << 20, .granule = 512});
    EXPECT_TRUE(same(result.covered, {at(0x1000, 100), at(0x2000, 924), at(0x3000, 1024)}));
}

TEST(SegmentSplitter, LastPartMayBeUnaligned) {
    Covered const result = split({at(0x1000, 1324)}, {.segments = 1, .segment_bytes = 1024, .granule = 512});
    EXPECT_EQ(result.parts, 2u);
    EXPECT_TRUE(same(result.covered, {at(0x1000, 1324)}));
}

TEST(SegmentSplitter, ReportsLimitsBelowOneGranule) {
    EXPECT_EQ(split({at(0x1000, 1024)}, {.segments = 1, .segment_bytes = 511, .bytes = 4096, .granule = 512}).parts,
              0u);
}

TEST(SegmentSplitter, CoversEachByteOfRandomShapes) {
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
        Covered const result = split(segments, limit);
        if (result.parts != 0) {
            ASSERT_TRUE(same(result.covered, segments)) << round;
        } else {
            ASSERT_LT(limit.segments, 6u) << round;  // only many tiny segments exceed the number of segments
        }
    }
}

/// Calls `each(part)` for all parts of a request.
template <class Each>
void for_each_part(BlockRequest const& request, BlockLimit const& limit, Each each) {
    BlockParts parts{request, limit};
    for (unsigned count = 0; !parts.at_end(); ++count) {
        ASSERT_LT(count, 10u);
        BlockParts::Pieces pieces;
        BlockPart const part = parts.next(pieces);
        ASSERT_NE(part.length, 0u);
        EXPECT_EQ(part.descriptors(), part.has_range() ? 3 : part.data.size() + 2);
        each(part);
    }
}

// rcore-os/virtio-drivers#135: hosts read a length of 2 GiB as negative.
TEST(BlockParts, SplitRequestsAbove2GiB) {
    Segment const data[] = {at(0x1'0000'0000, 0xffff'fe00)};
    BlockRequest const request{BlockOperation::read, 100, 0, data, Token{}};
    BlockLimit limit;
    limit.data = {.segments = 254, .segment_bytes = UINT32_MAX, .bytes = 1u << 30, .granule = 512};
    BlockPart whole;
    std::uint64_t sector = 100;
    std::uint64_t address = 0x1'0000'0000;
    unsigned count = 0;
    EXPECT_FALSE(make_whole(whole, request, 0xffff'fe00, limit));
    for_each_part(request, limit, [&](BlockPart const& part) {
        EXPECT_EQ(part.type, spec::block::RequestType::in);
        EXPECT_EQ(part.sector, sector);
        EXPECT_EQ(part.data.size(), 1u);
        EXPECT_EQ(part.data[0].addr, PhysAddr{address});
        EXPECT_LE(part.length, 1u << 30);
        sector += part.length / 512;
        address += part.length;
        ++count;
    });
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
    EXPECT_EQ(part.data.size(), 2u);
    EXPECT_EQ(part.length, 1536u);
    EXPECT_EQ(part.sector, 7u);
    EXPECT_FALSE(part.device_writes());
    EXPECT_FALSE(part.has_range());
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
    EXPECT_TRUE(part.has_range());
    EXPECT_EQ(part.length, 100u);
    EXPECT_EQ(part.sector, 3u);
    EXPECT_TRUE(part.data.empty());
    request.sector_count = 101;
    EXPECT_FALSE(make_whole(part, request, 0, limit));
    request.sector_count = (std::uint64_t{1} << 32) + 1;  // 1 if it were truncated to 32 bits
    EXPECT_FALSE(make_whole(part, request, 0, limit));
}

TEST(BlockParts, SplitsRangesAtTheAlignment) {
    BlockRequest const request{BlockOperation::discard, 3, 100, {}, Token{}};
    BlockLimit limit;
    limit.range_sectors = 30;
    limit.range_granule = 8;
    std::vector<std::uint32_t> sizes;
    std::uint64_t sector = 3;
    for_each_part(request, limit, [&](BlockPart const& part) {
        EXPECT_EQ(part.sector, sector);
        EXPECT_EQ(part.range_flags, 0u);
        EXPECT_TRUE(part.data.empty());
        sizes.push_back(part.length);
        sector += part.length;
    });
    EXPECT_EQ(sizes, (std::vector<std::uint32_t>{24, 24, 24, 28}));
}

// A device may want discards aligned to more than it accepts at once. Then no part is aligned, and all is discarded.
TEST(BlockParts, SplitsUnalignedRanges) {
    BlockRequest const request{BlockOperation::discard, 0, 50, {}, Token{}};
    BlockLimit limit;
    limit.range_sectors = 20;
    limit.range_granule = 32;
    std::vector<std::uint32_t> sizes;
    for_each_part(request, limit, [&](BlockPart const& part) { sizes.push_back(part.length); });
    EXPECT_EQ(sizes, (std::vector<std::uint32_t>{20, 20, 10}));
}

}  // namespace
}  // namespace virtq
