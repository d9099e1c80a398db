// SPDX-License-Identifier: MIT
#include <virtq/platform/detail/prefetch.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace {

namespace platform = virtq::platform;

TEST(Prefetch, ChangesNothingAndNeverFaults) {
    uint64_t word = 0x0123'4567'89ab'cdef;
    platform::prefetch_to_read(&word);
    platform::prefetch_to_write(&word);
    EXPECT_EQ(word, 0x0123'4567'89ab'cdef);
    // There may be no memory beyond the end of a ring.
    for (uintptr_t const address : {uintptr_t{4096}, UINTPTR_MAX - 63}) {
        platform::prefetch_to_read(reinterpret_cast<void const*>(address));
        platform::prefetch_to_write(reinterpret_cast<void const*>(address));
    }
}

}  // namespace
