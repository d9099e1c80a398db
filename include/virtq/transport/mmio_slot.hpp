// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/base/phys_addr.hpp>
#include <virtq/base/span.hpp>

#include <stdint.h>

/// Where virtio-mmio devices may be. The bus has no discovery (§4.2.1 MMIO Device Discovery). A kernel knows the slots
/// of its machine (this file), or reads them from a flattened device tree (`device_tree.hpp`) or from its command line
/// (`mmio_command_line.hpp`). All three give `MmioSlot`s through `for_each_mmio_slot`, so a kernel changes from one to
/// another in one line:
///
/// ```
/// virtq::MmioSlotRow const row{virtq::PhysAddr{0x10001000}, 0x1000, 8, 1};
/// virtq::Discovery const slots = virtq::for_each_mmio_slot(row, [&](virtq::MmioSlot const& slot) {
///     uintptr_t const registers = kernel_map_uncached(slot.base.value, slot.bytes);
///     virtq::Status const status = transports[slot.interrupt - 1].probe(virtq::MmioSpace{registers});
///     // no_device: an empty slot, which is usual
///     if (status.ok()) kernel_print("a device");
/// });
/// ```
namespace virtq {

/// A slot for one virtio-mmio device, with its registers and its interrupt. It may be empty.
struct MmioSlot {
    PhysAddr base;           ///< physical address of the registers, to be mapped as device memory
    uint64_t bytes = 0;      ///< size of the registers and the configuration space
    uint32_t interrupt = 0;  ///< its number, as the caller's description of the machine has it

    /// Whether all members are equal.
    friend constexpr bool operator==(MmioSlot const&, MmioSlot const&) = default;
};

/// Slots of one size, next to each other, with interrupts in the same order. QEMU 7.2 has these: `virt` of riscv64
/// `{PhysAddr{0x10001000}, 0x1000, 8, 1}`, `virt` of aarch64 `{PhysAddr{0x0a000000}, 0x200, 32, 48}`,
/// `microvm,acpi=off` `{PhysAddr{0xfeb00000}, 0x200, 8, 5}`. The first `-device` of a command line is in the last
/// slot.
struct MmioSlotRow {
    PhysAddr base;                 ///< physical address of the first slot
    uint32_t stride = 0;           ///< bytes from one slot to the next, and the size of each
    uint32_t count = 0;            ///< how many slots
    uint32_t first_interrupt = 0;  ///< the interrupt of the first slot; the next slot has the next number

    /// Slot number `index`, which must be below `count`.
    [[__nodiscard__]] constexpr MmioSlot slot(uint32_t index) const {
        return {base + uint64_t{index} * stride, stride, first_interrupt + index};
    }
};

/// How a search ended. An error hides no slot: the caller got all slots before it and, where the search can go on, all
/// after it.
struct [[__nodiscard__]] Discovery {
    uint32_t found = 0;           ///< how often `each` was called
    Error error = Error::none;    ///< the first one; `describe(error)` explains what to do
    uint32_t error_position = 0;  ///< in bytes from the start of the command line or tree

    [[__nodiscard__]] constexpr bool ok() const { return error == Error::none; }  ///< the search met no error
    [[__nodiscard__]] constexpr explicit operator bool() const { return ok(); }   ///< as `ok()`

    /// Records an error; the first one stays.
    constexpr void note(Error what, uint32_t position) {
        if (ok()) {
            error = what;
            error_position = position;
        }
    }
};

namespace detail {

/// Whether `Each` can be called with a slot. If it cannot, compilation fails with a sentence.
template <class Each>
[[__nodiscard__]] constexpr bool check_takes_mmio_slot() {
    static_assert(
        requires(Each & each, MmioSlot const& slot) { each(slot); },
        "for_each_mmio_slot() calls each(virtq::MmioSlot const&): see virtq/transport/mmio_slot.hpp");
    return requires(Each & each, MmioSlot const& slot) {
        each(slot);
    };
}

}  // namespace detail

/// Calls `each(MmioSlot const&)` for every slot of a list. It touches no register, so empty slots are included.
template <class Each>
Discovery for_each_mmio_slot(Span<MmioSlot const> rows, Each&& each) {
    Discovery discovery;
    if constexpr (detail::check_takes_mmio_slot<Each>()) {
        for (MmioSlot const& slot : rows) {
            each(slot);
            ++discovery.found;
        }
    }
    return discovery;
}

/// As above, for a row of slots.
template <class Each>
Discovery for_each_mmio_slot(MmioSlotRow const& row, Each&& each) {
    Discovery discovery;
    if constexpr (detail::check_takes_mmio_slot<Each>()) {
        for (; discovery.found < row.count; ++discovery.found) {
            each(row.slot(discovery.found));
        }
    }
    return discovery;
}

}  // namespace virtq
