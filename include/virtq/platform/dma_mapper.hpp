// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>
#include <virtq/base/phys_addr.hpp>
#include <virtq/base/result.hpp>

#include <stdint.h>

/// DMA mapping, for a device that does not see memory at its physical addresses: it is behind an IOMMU, cannot reach
/// all memory (bounce buffers), or is not coherent with the caches. A kernel without such devices provides nothing.
namespace virtq {

/// What the device does with the memory.
enum class DmaDirection : uint8_t { device_reads, device_writes };

/// The kernel's IOMMU or bounce buffers. The library calls it when a request is submitted and when it has ended, in
/// the context of these calls.
///
/// ```
/// struct KernelIommu {
///     virtq::Result<virtq::PhysAddr> map(virtq::PhysAddr address, uint32_t bytes, virtq::DmaDirection direction) {
///         uint64_t const device_address = kernel_iommu_map(address.value, bytes, direction);
///         if (device_address == 0) return virtq::Error::dma_map_failed;
///         return virtq::PhysAddr{device_address};
///     }
///     void unmap(virtq::PhysAddr mapped, uint32_t bytes, virtq::DmaDirection) {
///         kernel_iommu_unmap(mapped.value, bytes);
///     }
/// };
/// struct Traits : virtq::BlockTraits { using Mapper = KernelIommu; };
/// ```
template <class Mapper>
concept DmaMapper = requires(Mapper& mapper, PhysAddr address, uint32_t bytes, DmaDirection direction) {
    /// Makes `bytes` bytes from `address` on reachable and returns their device address, in one piece. If the device
    /// reads them, writes back caches, or copies into a bounce buffer. An error (`Error::dma_map_failed`) leaves
    /// nothing mapped. Called when a request is submitted, in the caller's context.
    { mapper.map(address, bytes, direction) } -> detail::SameAs<Result<PhysAddr>>;
    /// Undoes one `map`; `address` is what that returned. If the device wrote, invalidates caches, or copies out of
    /// the bounce buffer. Called exactly once for each `map`: when the request has ended, or when its submission
    /// failed.
    { mapper.unmap(address, bytes, direction) } -> detail::SameAs<void>;
};

namespace detail {

/// Whether the type is a `DmaMapper`. If not, compilation fails with a sentence for each thing that is missing.
template <class Mapper>
[[__nodiscard__]] constexpr bool check_dma_mapper() {
    static_assert(
        requires(Mapper & mapper, PhysAddr address, uint32_t bytes, DmaDirection direction) {
            { mapper.map(address, bytes, direction) } -> SameAs<Result<PhysAddr>>;
        },
        "This DMA mapper has no public, non-const `virtq::Result<virtq::PhysAddr> map(virtq::PhysAddr address, "
        "uint32_t bytes, virtq::DmaDirection direction)`: add it, as virtq/platform/dma_mapper.hpp describes it");
    static_assert(
        requires(Mapper & mapper, PhysAddr address, uint32_t bytes, DmaDirection direction) {
            { mapper.unmap(address, bytes, direction) } -> SameAs<void>;
        },
        "This DMA mapper has no public, non-const `void unmap(virtq::PhysAddr mapped, uint32_t bytes, "
        "virtq::DmaDirection direction)`: add it, as virtq/platform/dma_mapper.hpp describes it");
    return DmaMapper<Mapper>;
}

}  // namespace detail

/// For a kernel that needs no mapping. It costs nothing.
struct NoMapper {
    /// The device address is the physical address.
    [[__nodiscard__]] Result<PhysAddr> map(PhysAddr address, uint32_t, DmaDirection) { return address; }
    /// Does nothing: there is nothing to undo.
    void unmap(PhysAddr, uint32_t, DmaDirection) {}
};
static_assert(DmaMapper<NoMapper>);

}  // namespace virtq
