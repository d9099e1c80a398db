// SPDX-License-Identifier: MIT
#include <virtq/device/detail/block/block_frame.hpp>

#include <sim/guest_memory.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace virtq::test {

using namespace virtq::detail;

namespace {

std::vector<std::uint8_t> bytes_at(sim::GuestMemory& memory, Segment const& segment) {
    auto const* const bytes = memory.virt(segment.addr, segment.bytes);
    return {bytes, bytes + segment.bytes};
}

/// The bytes of `value` as the device reads them.
template <class Word>
void append(std::vector<std::uint8_t>& bytes, Word value, ByteOrder order) {
    for (unsigned i = 0; i < sizeof(Word); ++i) {
        unsigned const place = order == ByteOrder::little ? i : static_cast<unsigned>(sizeof(Word)) - 1 - i;
        bytes.push_back(static_cast<std::uint8_t>(value >> (8 * place)));
    }
}

// §5.2.6.4: a legacy device reads its requests in the guest's byte order.
TEST(BlockFrames, UseTheDevicesByteOrder) {
    sim::GuestMemory memory;
    BlockFrames frames;
    ASSERT_TRUE(frames.init(memory, 2, ByteOrder::little).ok());
    for (ByteOrder const order : {native_byte_order, ByteOrder::little}) {
        frames.restart(order);
        frames.prepare(1, spec::block::RequestType::write_zeroes, 0x0102'0304'0506'0708);
        frames.prepare_range(1, {0x1112'1314'1516'1718, 0x2122'2324, 1});
        std::vector<std::uint8_t> header;
        append(header, std::uint32_t{13}, order);
        append(header, std::uint32_t{0}, order);
        append(header, std::uint64_t{0x0102'0304'0506'0708}, order);
        EXPECT_EQ(bytes_at(memory, frames.header(1)), header);
        std::vector<std::uint8_t> range;
        append(range, std::uint64_t{0x1112'1314'1516'1718}, order);
        append(range, std::uint32_t{0x2122'2324}, order);
        append(range, std::uint32_t{1}, order);
        EXPECT_EQ(bytes_at(memory, frames.range(1)), range);
    }
    frames.release(memory);
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

// The device must not see headers from before the restart (faults B3).
TEST(BlockFrames, AreZeroAfterRestart) {
    sim::GuestMemory memory;
    BlockFrames frames;
    ASSERT_TRUE(frames.init(memory, 2, ByteOrder::little).ok());
    frames.prepare(1, spec::block::RequestType::write_zeroes, 7);
    frames.prepare_range(1, {1, 2, 3});
    frames.restart(ByteOrder::little);
    EXPECT_EQ(bytes_at(memory, frames.header(1)), std::vector<std::uint8_t>(16));
    EXPECT_EQ(bytes_at(memory, frames.range(1)), std::vector<std::uint8_t>(16));
    EXPECT_EQ(bytes_at(memory, frames.status(1)), std::vector<std::uint8_t>(1));
    frames.release(memory);
}

}  // namespace
}  // namespace virtq::test
