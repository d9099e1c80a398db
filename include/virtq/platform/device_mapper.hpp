// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>
#include <virtq/base/phys_addr.hpp>

#include <stdint.h>

/// The way to the registers of a PCI device, which a kernel brings.
namespace virtq {

/// A kernel's mapping of device memory and I/O ports. All calls happen in `probe…` and `use_msix`, in the caller's
/// context. What is mapped stays so: there is no unmapping.
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
    /// Returns the virtual address at which `bytes` bytes of device memory from `address` on are mapped, uncached; 0
    /// if they cannot be. `address` is what the BAR says: where a host bridge translates, the kernel does so here. It
    /// need not be page-aligned, and neighbouring calls may name the same page. For example
    /// `map_device_memory(PhysAddr{0xfe003000}, 0x1000)` returns 0xffff8000fe003000.
    { mapper.map_device_memory(address, bytes) } -> detail::SameAs<uintptr_t>;
    /// Returns the first of `port_count` I/O ports from `port` on: on x86 the number of the port itself, elsewhere the
    /// virtual address at which it is mapped; 0 if it cannot be. A kernel without ports returns 0.
    { mapper.map_device_ports(port, port_count) } -> detail::SameAs<uintptr_t>;
};

namespace detail {

/// Whether the type is a `DeviceMapper`; does not compile if not, with a sentence for each thing that is missing.
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
