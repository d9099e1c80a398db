// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/phys_addr.hpp>
#include <virtq/base/result.hpp>
#include <virtq/base/same_as.hpp>

#include <stdint.h>

/// What a kernel brings when a device does not see memory at its physical addresses: behind an IOMMU, beyond the reach
/// of the device (bounce buffers), or not coherent with the caches. A kernel without any of these brings nothing.
namespace virtq {

/// What the device does with the memory.
enum class DmaDirection : uint8_t { device_reads, device_writes };

template <class Mapper>
concept DmaMapper = requires(Mapper& mapper, PhysAddr address, uint32_t bytes, DmaDirection direction) {
    /// Makes `bytes` bytes from `address` on reachable and returns where the device finds them, in one piece. Writes
    /// back caches, or copies into a bounce buffer, when the device reads. An error (`Error::dma_map_failed`) leaves
    /// nothing mapped. Called when a request is submitted, in the caller's context.
    { mapper.map(address, bytes, direction) } -> SameAs<Result<PhysAddr>>;
    /// Undoes one `map`, with what it returned. Invalidates caches, or copies out of the bounce buffer, when the
    /// device wrote. Called exactly once for each `map`: when the request has ended, or its submission failed.
    { mapper.unmap(address, bytes, direction) } -> SameAs<void>;
};

/// The mapper of a kernel that needs none: costs nothing.
struct NoMapper {
    [[__nodiscard__]] Result<PhysAddr> map(PhysAddr address, uint32_t, DmaDirection) { return address; }
    void unmap(PhysAddr, uint32_t, DmaDirection) {}
};
static_assert(DmaMapper<NoMapper>);

}  // namespace virtq
