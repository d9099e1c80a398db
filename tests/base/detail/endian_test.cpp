// SPDX-License-Identifier: MIT
#include <virtq/base/detail/endian.hpp>

#include <gtest/gtest.h>

#include <bit>
#include <cstdint>
#include <cstring>

namespace {

using virtq::detail::ByteOrder;
using virtq::detail::little_endian;
using virtq::detail::swap_bytes;

TEST(Endian, ReversesTheBytesOfEachWidth) {
    EXPECT_EQ(swap_bytes(uint16_t{0x0102}), 0x0201);
    EXPECT_EQ(swap_bytes(uint32_t{0x0102'0304}), 0x0403'0201u);
    EXPECT_EQ(swap_bytes(uint64_t{0x0102'0304'0506'0708}), 0x0807'0605'0403'0201u);
}

TEST(Endian, MirrorsTheByteOfEachBit) {
    for (unsigned bit = 0; bit < 64; ++bit) {
        unsigned const mirrored = (7 - bit / 8) * 8 + bit % 8;
        EXPECT_EQ(swap_bytes(uint64_t{1} << bit), uint64_t{1} << mirrored) << "bit " << bit;
    }
}

TEST(Endian, IsItsOwnInverse) {
    EXPECT_EQ(swap_bytes(swap_bytes(uint16_t{0xbeef})), 0xbeef);
    EXPECT_EQ(swap_bytes(swap_bytes(uint32_t{0xdead'beef})), 0xdead'beefu);
    EXPECT_EQ(swap_bytes(swap_bytes(uint64_t{0x0123'4567'89ab'cdef})), 0x0123'4567'89ab'cdefu);
    EXPECT_EQ(little_endian(little_endian(uint32_t{0xdead'beef})), 0xdead'beefu);
}

TEST(Endian, PutsTheLowByteFirst) {
    uint32_t const word = little_endian(uint32_t{0x0403'0201});
    unsigned char bytes[4];
    std::memcpy(bytes, &word, sizeof(word));
    for (unsigned i = 0; i < 4; ++i) {
        EXPECT_EQ(bytes[i], i + 1);
    }
}

TEST(Endian, PutsAWordIntoEitherOrder) {
    using virtq::detail::in_order;
    for (auto const order : {ByteOrder::little, ByteOrder::big}) {
        auto const word = in_order(std::uint32_t{0x0403'0201}, order);
        unsigned char bytes[4];
        std::memcpy(bytes, &word, sizeof(word));
        for (unsigned i = 0; i < 4; ++i) {
            EXPECT_EQ(bytes[i], order == ByteOrder::little ? i + 1 : 4 - i);
        }
        EXPECT_EQ(in_order(word, order), 0x0403'0201u);
        EXPECT_EQ(in_order(std::uint8_t{0x80}, order), 0x80);
    }
}

TEST(Endian, LeavesASingleByteAlone) {
    if constexpr (std::endian::native == std::endian::little) {
        EXPECT_EQ(little_endian(uint8_t{0x80}), 0x80);
    }
}

TEST(Endian, NamesTheOrderOfThisMachine) {
    EXPECT_EQ(virtq::detail::native_byte_order == ByteOrder::little, std::endian::native == std::endian::little);
}

}  // namespace
