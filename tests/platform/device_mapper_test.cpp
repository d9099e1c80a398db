// SPDX-License-Identifier: MIT
#include <virtq/platform/device_mapper.hpp>

#include <gtest/gtest.h>

#include <cstdint>

namespace virtq::test {
namespace {

/// The least mapper that the library takes. tests/fail has what the author of an incomplete one reads.
struct WholeMapper {
    std::uintptr_t map_device_memory(PhysAddr address, std::uint64_t) {
        return static_cast<std::uintptr_t>(address.value);
    }
    std::uintptr_t map_device_ports(std::uint32_t port, std::uint32_t) { return port; }
};

/// Returns a pointer, which the library would have to convert.
struct PointerMapper : WholeMapper {
    void* map_device_memory(PhysAddr, std::uint64_t) { return nullptr; }
};

/// Cuts a 64-bit BAR (faults A6).
struct NarrowMapper : WholeMapper {
    std::uint32_t map_device_memory(std::uint32_t address, std::uint64_t) { return address; }
};

TEST(DeviceMapper, NeedsBothMappings) {
    struct MemoryMapper {
        std::uintptr_t map_device_memory(PhysAddr, std::uint64_t) { return 0; }
    };
    struct PortMapper {
        std::uintptr_t map_device_ports(std::uint32_t, std::uint32_t) { return 0; }
    };
    EXPECT_TRUE(DeviceMapper<WholeMapper>);
    EXPECT_FALSE(DeviceMapper<MemoryMapper>);
    EXPECT_FALSE(DeviceMapper<PortMapper>);
}

TEST(DeviceMapper, TakesAndReturnsWholeAddresses) {
    EXPECT_FALSE(DeviceMapper<PointerMapper>);
    EXPECT_FALSE(DeviceMapper<NarrowMapper>);
}

TEST(DeviceMapper, MayChangeItself) {
    EXPECT_FALSE(DeviceMapper<WholeMapper const>);
}

}  // namespace
}  // namespace virtq::test
