// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>
#include <virtq/base/phys_addr.hpp>

#include <stdint.h>

/// Mapping of the registers of PCI devices, which the kernel provides.
namespace virtq {

/// Maps device memory and I/O ports for the library. It is called in `probe…` and `use_msix`, in the caller's context.
/// Mappings stay: the library never unmaps.
///
/// ```
/// struct KernelDevices {
///     uintptr_t map_device_memory(virtq::PhysAddr address, uint64_t bytes) {
///         return kernel_map_uncached(address.value, bytes);  // 0: cannot, for example above 4 GiB
///     }
///     uintptr_t map_device_ports(uint32_t port, uint32_t) { return port; }  // x86
/// };
/// ```
template <class M>
concept DeviceMapper = requires(M& mapper, PhysAddr address, uint64_t bytes, uint32_t port, uint32_t port_count) {
    /// Maps `bytes` bytes of device memory from `address` on, uncached. Returns their virtual address; 0 if it cannot.
    /// `address` is the value of the BAR: if a host bridge translates addresses, the kernel does so here. It need not
    /// be page-aligned, and several calls may name the same page. For example
    /// `map_device_memory(PhysAddr{0xfe003000}, 0x1000)` returns 0xffff8000fe003000.
    { mapper.map_device_memory(address, bytes) } -> detail::SameAs<uintptr_t>;
    /// Maps `port_count` I/O ports from `port` on. Returns `port` itself on x86, elsewhere the virtual address of the
    /// first port; 0 if it cannot. A kernel without ports returns 0.
    { mapper.map_device_ports(port, port_count) } -> detail::SameAs<uintptr_t>;
};

namespace detail {

/// Whether the type is a `DeviceMapper`. If not, compilation fails with a sentence for each thing that is missing.
template <class M>
[[__nodiscard__]] constexpr bool check_device_mapper() {
    static_assert(
        requires(M & mapper, PhysAddr address, uint64_t bytes) {
            { mapper.map_device_memory(address, bytes) } -> SameAs<uintptr_t>;
        },
        "This device mapper has no public, non-const `uintptr_t map_device_memory(virtq::PhysAddr address, uint64_t "
        "bytes)`: add it, as virtq/platform/device_mapper.hpp describes it");
    static_assert(
        requires(M & mapper, uint32_t port, uint32_t count) {
            { mapper.map_device_ports(port, count) } -> SameAs<uintptr_t>;
        },
        "This device mapper has no public, non-const `uintptr_t map_device_ports(uint32_t port, uint32_t count)`: add "
        "it, as virtq/platform/device_mapper.hpp describes it; without I/O ports it returns 0");
    return DeviceMapper<M>;
}

}  // namespace detail

}  // namespace virtq
