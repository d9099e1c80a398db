// SPDX-License-Identifier: MIT
#include <virtq/platform/detail/register_access.hpp>
#include <virtq/platform/register_space.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace {

using virtq::RegisterSpace;
using virtq::detail::ReadOnly;
using virtq::detail::ReadWrite;
using virtq::detail::ReadWritePair;
using virtq::detail::WriteOnly;
using virtq::detail::WriteOnlyPair;
using virtq::platform::read_register;
using virtq::platform::write_register;

struct Visit {
    char kind;
    unsigned bits;
    uint16_t offset;
    uint32_t value;

    friend bool operator==(Visit const&, Visit const&) = default;
};

/// Records each access, and returns the width of a read as its value.
class Recorder {
public:
    std::vector<Visit> visits;

    uint8_t read8(uint16_t offset) { return static_cast<uint8_t>(seen('r', 8, offset, 8)); }
    uint16_t read16(uint16_t offset) { return static_cast<uint16_t>(seen('r', 16, offset, 16)); }
    uint32_t read32(uint16_t offset) { return seen('r', 32, offset, 32); }
    void write8(uint16_t offset, uint8_t value) { seen('w', 8, offset, value); }
    void write16(uint16_t offset, uint16_t value) { seen('w', 16, offset, value); }
    void write32(uint16_t offset, uint32_t value) { seen('w', 32, offset, value); }

private:
    uint32_t seen(char kind, unsigned bits, uint16_t offset, uint32_t value) {
        visits.push_back({kind, bits, offset, value});
        return value;
    }
};

static_assert(RegisterSpace<Recorder>);

/// Whether the typed write compiles. tests/fail tests accesses that a register does not have.
template <class Which, class Word>
concept Writable = requires(Recorder& space, Which which, Word value) {
    write_register(space, which, value);
};

TEST(RegisterSpace, ReadsInTheRegisterWidth) {
    Recorder space;
    EXPECT_EQ(read_register(space, ReadOnly<uint8_t>{0x14}), 8);
    EXPECT_EQ(read_register(space, ReadOnly<uint16_t>{0x18}), 16);
    EXPECT_EQ(read_register(space, ReadWrite<uint32_t>{0x70}), 32u);
    std::vector<Visit> const expected = {{'r', 8, 0x14, 8}, {'r', 16, 0x18, 16}, {'r', 32, 0x70, 32}};
    EXPECT_EQ(space.visits, expected);
}

TEST(RegisterSpace, WritesInTheRegisterWidth) {
    Recorder space;
    write_register(space, WriteOnly<uint8_t>{0x14}, uint8_t{1});
    write_register(space, WriteOnly<uint16_t>{0x18}, uint16_t{2});
    write_register(space, ReadWrite<uint32_t>{0x70}, uint32_t{3});
    std::vector<Visit> const expected = {{'w', 8, 0x14, 1}, {'w', 16, 0x18, 2}, {'w', 32, 0x70, 3}};
    EXPECT_EQ(space.visits, expected);
}

TEST(RegisterSpace, Writes64BitsInTwoHalves) {
    Recorder space;
    write_register(space, WriteOnlyPair{{0x80}, {0x84}}, uint64_t{0x1122'3344'5566'7788});
    std::vector<Visit> const expected = {{'w', 32, 0x80, 0x5566'7788}, {'w', 32, 0x84, 0x1122'3344}};
    EXPECT_EQ(space.visits, expected);
}

TEST(RegisterSpace, Reads64BitsInTwoHalves) {
    Recorder space;
    write_register(space, ReadWritePair{{0x20}, {0x24}}, uint64_t{0x1122'3344'5566'7788});
    EXPECT_EQ(read_register(space, ReadWritePair{{0x20}, {0x24}}), uint64_t{32} << 32 | 32);
    std::vector<Visit> const expected = {
        {'w', 32, 0x20, 0x5566'7788}, {'w', 32, 0x24, 0x1122'3344}, {'r', 32, 0x20, 32}, {'r', 32, 0x24, 32}};
    EXPECT_EQ(space.visits, expected);
}

TEST(RegisterSpace, RefusesAValueOfAnotherWidth) {
    EXPECT_FALSE((Writable<WriteOnly<uint32_t>, uint8_t>));
    EXPECT_FALSE((Writable<WriteOnly<uint8_t>, uint32_t>));
}

TEST(RegisterSpace, NeedsEveryWidth) {
    struct Half {
        uint32_t read32(uint16_t) { return 0; }
        void write32(uint16_t, uint32_t) {}
    };
    EXPECT_FALSE(RegisterSpace<Half>);
}

}  // namespace
