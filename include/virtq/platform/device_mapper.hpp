// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/phys_addr.hpp>
#include <virtq/base/same_as.hpp>

#include <stdint.h>

/// The way to the registers of a PCI device, which a kernel brings.
namespace virtq {

template <class M>
concept DeviceMapper = requires(M& mapper, PhysAddr address, uint64_t bytes, uint32_t port, uint32_t port_count) {
    /// The virtual address at which `bytes` bytes of device memory from `address` on are mapped, uncached; 0 if they
    /// cannot be. `address` is what the BAR says; a host bridge that translates is the kernel's to know. It need not
    /// be page-aligned, and neighbouring calls may name the same page. What is mapped stays so: there is no unmapping.
    { mapper.map_device_memory(address, bytes) } -> SameAs<uintptr_t>;
    /// The same for I/O ports: on x86 the number of the port itself, elsewhere where it is mapped.
    { mapper.map_device_ports(port, port_count) } -> SameAs<uintptr_t>;
};

}  // namespace virtq
