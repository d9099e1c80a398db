// SPDX-License-Identifier: MIT
// EXPECT: This DMA mapper has no public, non-const `virtq::Result<virtq::PhysAddr> map
// EXPECT: virtq/platform/dma_mapper\.hpp
#include <virtq/virtq.hpp>

struct Iommu {
    virtq::PhysAddr map(virtq::PhysAddr address, uint32_t, virtq::DmaDirection) { return address; }
    void unmap(virtq::PhysAddr, uint32_t, virtq::DmaDirection) {}
};

struct Traits : virtq::BlockTraits {
    using Mapper = Iommu;
};
static virtq::BlockDevice<virtq::MmioTransport<>, 64, Traits> disk;

bool is_read_only() {
    return disk.is_read_only();
}
