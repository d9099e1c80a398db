// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <cstdint>
#include <map>

/// Examples of what a kernel brings.
namespace a_mapper {

std::uintptr_t kernel_map_uncached(std::uint64_t physical, std::uint64_t bytes) {
    return virtq::readme::Machine::current().map_uncached(physical, bytes);
}
#include <blocks/platform/device_mapper.inc>

}  // namespace a_mapper

namespace an_iommu {

/// Device addresses are one TiB above, so that one that was not mapped is seen.
constexpr std::uint64_t shift = std::uint64_t{1} << 40;
std::map<std::uint64_t, std::uint32_t> mappings;

std::uint64_t kernel_iommu_map(std::uint64_t physical, std::uint32_t bytes, virtq::DmaDirection) {
    mappings[physical + shift] = bytes;
    return physical + shift;
}
void kernel_iommu_unmap(std::uint64_t address, std::uint32_t bytes) {
    EXPECT_EQ(mappings.at(address), bytes);
    mappings.erase(address);
}
#include <blocks/platform/dma_mapper.inc>

}  // namespace an_iommu

namespace virtq::readme {
namespace {

TEST(HeaderExample, DeviceMapper) {
    static_assert(DeviceMapper<a_mapper::KernelDevices>);
    PciMachine machine;
    EcamAccess access{PciMachine::ecam, 0, 0};
    a_mapper::KernelDevices devices;
    AnyTransport<> transport;
    Status const found = transport.probe_pci(PciFunction<EcamAccess>{access, {0, 3, 0}}, devices);
    EXPECT_TRUE(found.ok()) << describe(found.error());
    EXPECT_EQ(devices.map_device_ports(0x1f0, 8), 0x1f0u);
}

TEST(HeaderExample, DmaMapper) {
    static_assert(DmaMapper<an_iommu::KernelIommu>);
    static_assert(DmaMapper<an_iommu::Traits::Mapper>);
    an_iommu::KernelIommu mapper;
    Result<PhysAddr> const address = mapper.map(PhysAddr{0x5000}, 512, DmaDirection::device_writes);
    ASSERT_TRUE(address.ok());
    EXPECT_EQ(address->value, 0x5000 + an_iommu::shift);
    mapper.unmap(*address, 512, DmaDirection::device_writes);
    EXPECT_TRUE(an_iommu::mappings.empty());
}

}  // namespace
}  // namespace virtq::readme
