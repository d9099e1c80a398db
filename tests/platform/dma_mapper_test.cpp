// SPDX-License-Identifier: MIT
#include <virtq/platform/dma_mapper.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>

namespace virtq::test {
namespace {

/// Cannot report that it has no room.
struct SureMapper : NoMapper {
    PhysAddr map(PhysAddr address, std::uint32_t, DmaDirection) { return address; }
};

/// Reports an error where none may come: the library has nobody to tell.
struct UnsureMapper : NoMapper {
    Status unmap(PhysAddr, std::uint32_t, DmaDirection) { return {}; }
};

// tests/fail has what the author of an incomplete mapper reads.
TEST(DmaMapper, MapsWithAnErrorAndUnmapsWithout) {
    struct OneWay {
        Result<PhysAddr> map(PhysAddr address, std::uint32_t, DmaDirection) { return address; }
    };
    EXPECT_TRUE(DmaMapper<NoMapper>);
    EXPECT_FALSE(DmaMapper<OneWay>);
    EXPECT_FALSE(DmaMapper<SureMapper>);
    EXPECT_FALSE(DmaMapper<UnsureMapper>);
}

TEST(NoMapper, ReturnsThePhysicalAddress) {
    NoMapper mapper;
    for (DmaDirection const direction : {DmaDirection::device_reads, DmaDirection::device_writes}) {
        Result<PhysAddr> const mapped = mapper.map(PhysAddr{0x1'2345'6789}, 512, direction);
        ASSERT_TRUE(mapped.ok());
        EXPECT_EQ(*mapped, PhysAddr{0x1'2345'6789});
        mapper.unmap(*mapped, 512, direction);
    }
    EXPECT_TRUE(std::is_empty_v<NoMapper>);
}

}  // namespace
}  // namespace virtq::test
