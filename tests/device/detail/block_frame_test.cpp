// SPDX-License-Identifier: MIT
#include <virtq/device/detail/block/block_frame.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

namespace virtq::test {

using namespace virtq::detail;

namespace {

template <class Part>
std::vector<std::uint8_t> bytes_of(Part const& part) {
    std::vector<std::uint8_t> bytes(sizeof part);
    std::memcpy(bytes.data(), &part, sizeof part);
    return bytes;
}

// §5.2.6.4: a legacy device on a big-endian machine reads its requests in big-endian order.
TEST(BlockFrame, UsesTheDevicesByteOrder) {
    BlockFrame frame{};
    frame.put_header(spec::block::RequestType::write_zeroes, 0x0102'0304'0506'0708, ByteOrder::big);
    frame.put_range({0x1112'1314'1516'1718, 0x2122'2324, 1}, ByteOrder::big);
    EXPECT_EQ(bytes_of(frame.header), (std::vector<std::uint8_t>{0, 0, 0, 13, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}));
    EXPECT_EQ(bytes_of(frame.range), (std::vector<std::uint8_t>{0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 0x18, 0x21,
                                                                0x22, 0x23, 0x24, 0, 0, 0, 1}));
    frame.put_header(spec::block::RequestType::out, 0x0102'0304'0506'0708, ByteOrder::little);
    EXPECT_EQ(bytes_of(frame.header), (std::vector<std::uint8_t>{1, 0, 0, 0, 0, 0, 0, 0, 8, 7, 6, 5, 4, 3, 2, 1}));
}

}  // namespace
}  // namespace virtq::test
