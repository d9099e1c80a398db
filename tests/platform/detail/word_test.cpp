// SPDX-License-Identifier: MIT
#include <virtq/platform/detail/word.hpp>

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>

namespace {

TEST(Probe, SeesWritesThroughAnotherMapping) {
    int const file = memfd_create("page", 0);
    ASSERT_EQ(ftruncate(file, 4096), 0);
    void* const one = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    void* const other = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    virtq::platform::probe_write(static_cast<std::uint32_t*>(one), 1);
    virtq::platform::probe_write(static_cast<std::uint32_t*>(other), 2);
    EXPECT_EQ(virtq::platform::probe_read(static_cast<std::uint32_t*>(one)), 2u);
    munmap(one, 4096);
    munmap(other, 4096);
}

}  // namespace
