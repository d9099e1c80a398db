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

// §5.2.6.4: a legacy device on a big-endian machine reads its requests in big-endian order.
TEST(BlockFrames, UseTheDevicesByteOrder) {
    sim::GuestMemory memory;
    BlockFrames frames;
    ASSERT_TRUE(frames.init(memory, 2, ByteOrder::big).ok());
    frames.prepare(1, spec::block::RequestType::write_zeroes, 0x0102'0304'0506'0708);
    frames.prepare_range(1, {0x1112'1314'1516'1718, 0x2122'2324, 1});
    EXPECT_EQ(bytes_at(memory, frames.header(1)),
              (std::vector<std::uint8_t>{0, 0, 0, 13, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(bytes_at(memory, frames.range(1)),
              (std::vector<std::uint8_t>{0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21, 0x22, 0x23, 0x24, 0, 0,
                                         0, 1}));
    frames.restart(ByteOrder::little);
    frames.prepare(1, spec::block::RequestType::out, 0x0102'0304'0506'0708);
    EXPECT_EQ(bytes_at(memory, frames.header(1)),
              (std::vector<std::uint8_t>{1, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1}));
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
