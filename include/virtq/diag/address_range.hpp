// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/phys_addr.hpp>
#include <virtq/base/span.hpp>
#include <virtq/diag/queue_snapshot.hpp>

#include <stdint.h>

namespace virtq {

/// A stretch of memory that the device can reach: one entry of a kernel's memory map.
struct AddressRange {
    PhysAddr start;      ///< as the device addresses it
    uint64_t bytes = 0;  ///< 0: the range is ignored
};

namespace detail {

/// What can be wrong with an address that was given to a device.
enum class AddressTrouble : uint8_t {
    none,
    zero,  ///< no buffer is at address 0
    looks_virtual,
    inside_ring,  ///< inside the queue's own pages
    outside_ram,  ///< outside the memory that the kernel named
};

/// No machine has physical addresses of more than 52 bits. The upper half of a virtual address space is above that.
inline constexpr uint64_t phys_limit = uint64_t{1} << 52;

/// If virtual minus physical address is smaller than this, RAM may reach that far, so the offset shows nothing.
inline constexpr uint64_t least_direct_map_offset = uint64_t{1} << (sizeof(void*) > 4 ? 38 : 30);

[[__nodiscard__]] constexpr bool is_within(PhysAddr addr, uint64_t bytes, AddressRange const& range) {
    return addr.value >= range.start.value && bytes <= range.bytes &&
           addr.value - range.start.value <= range.bytes - bytes;
}

[[__nodiscard__]] constexpr bool overlaps(PhysAddr addr, uint64_t bytes, AddressRange const& range) {
    return addr.value < range.start.value + range.bytes && range.start.value < addr.value + bytes;
}

/// Whether an address can only be a virtual one. The queue's own pages show where the kernel's direct map begins. RAM
/// does not reach so far, so an address at or above it is virtual.
[[__nodiscard__]] inline bool looks_virtual(PhysAddr addr, Pages const& pages) {
    if (addr.value >= phys_limit) {
        return true;
    }
    // The offset is 0 in an identity map. If virtual addresses are below physical ones it wraps, and no address reaches
    // it.
    uint64_t const offset = uint64_t{reinterpret_cast<uintptr_t>(pages.virt)} - pages.phys.value;
    return offset >= least_direct_map_offset && pages.phys.value < offset && addr.value >= offset;
}

/// Whether any range has bytes. A kernel that computes `4096u << 20` in 32 bits passes 0, which names no memory.
[[__nodiscard__]] constexpr bool names_memory(Span<AddressRange const> ram) {
    for (AddressRange const& range : ram) {
        if (range.bytes != 0) {
            return true;
        }
    }
    return false;
}

[[__nodiscard__]] constexpr bool is_outside(PhysAddr addr, uint64_t bytes, Span<AddressRange const> ram) {
    for (AddressRange const& range : ram) {
        if (is_within(addr, bytes, range)) {
            return false;
        }
    }
    return names_memory(ram);
}

/// Judges an address of a descriptor. With an empty `ram` nothing counts as outside. A segment that spans two adjacent
/// ranges counts as outside: name adjacent ranges as one.
[[__nodiscard__]] inline AddressTrouble judge_buffer(PhysAddr addr, uint32_t bytes, Pages const& pages,
                                                     Span<AddressRange const> ram) {
    if (addr.value == 0) {
        return AddressTrouble::zero;
    }
    if (looks_virtual(addr, pages)) {
        return AddressTrouble::looks_virtual;
    }
    if (overlaps(addr, bytes, {pages.phys, uint64_t{pages.count} * page_bytes})) {
        return AddressTrouble::inside_ring;
    }
    return is_outside(addr, bytes, ram) ? AddressTrouble::outside_ram : AddressTrouble::none;
}

/// Judges the physical address of a queue's own pages.
[[__nodiscard__]] inline AddressTrouble judge_ring(Pages const& pages, Span<AddressRange const> ram) {
    if (pages.phys.value == 0) {
        return AddressTrouble::zero;
    }
    if (pages.phys.value >= phys_limit) {
        return AddressTrouble::looks_virtual;
    }
    return is_outside(pages.phys, uint64_t{pages.count} * page_bytes, ram) ? AddressTrouble::outside_ram
                                                                           : AddressTrouble::none;
}

}  // namespace detail

}  // namespace virtq
