// SPDX-License-Identifier: MIT
#include <virtq/platform/detail/ring_memory.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace {

namespace platform = virtq::platform;

TEST(RingMemory, KeepsWhatIsStored) {
    uint16_t half = 0;
    platform::store_relaxed(&half, uint16_t{0xbeef});
    EXPECT_EQ(platform::load_relaxed(&half), 0xbeef);
    platform::store_release(&half, uint16_t{0x1234});
    EXPECT_EQ(platform::load_acquire(&half), 0x1234);

    uint64_t wide = 0;
    platform::store_plain(&wide, uint64_t{0x0123'4567'89ab'cdef});
    EXPECT_EQ(wide, 0x0123'4567'89ab'cdefu);
}

TEST(RingMemory, ZeroesOnlyTheGivenBytes) {
    unsigned char bytes[10];
    for (unsigned char& byte : bytes) {
        byte = 0xaa;
    }
    platform::zero(bytes, 9);
    for (unsigned i = 0; i < 9; ++i) {
        EXPECT_EQ(bytes[i], 0) << i;
    }
    EXPECT_EQ(bytes[9], 0xaa);
}

TEST(RingMemory, KeepsWhatIsWritten) {
    std::uint32_t word = 1;
    EXPECT_TRUE(virtq::platform::keeps_what_is_written(&word));
}

}  // namespace
