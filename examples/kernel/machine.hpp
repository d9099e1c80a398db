// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/phys_addr.hpp>

#include <stdint.h>

/// All that the kernel asks of an architecture. `arch/<name>/` holds one implementation each: `boot.S` comes up,
/// turns the MMU on and calls `kernel_main`; `kernel.ld` says where things lie; `machine.cpp` defines this.
///
/// No physical address is valid as a virtual one: the kernel's image, the RAM for the devices and the device
/// registers are each mapped high, apart from one another. So a mix-up of addresses faults instead of working.
namespace machine {

/// Physical, and the same on all three machines: beyond what 32 bits can say, so that a cut address cannot work.
inline constexpr virtq::PhysAddr pool_base{uint64_t{4} << 30};
inline constexpr uint64_t pool_bytes = uint64_t{128} << 20;

/// Called first; makes the console, the clock and the CPU's exceptions work.
void prepare();

[[nodiscard]] char const* name();
void put(char character);
/// Ends QEMU. `examples/run` knows the exit code of each machine.
[[noreturn]] void exit(bool success);

/// The kernel's mapping of the pool, cacheable.
[[nodiscard]] void* virt(virtq::PhysAddr pool_address);
[[nodiscard]] virtq::PhysAddr phys(void const* pool_address);

/// Where the register block of a virtio-mmio slot is mapped, uncached.
[[nodiscard]] unsigned virtio_slot_count();
[[nodiscard]] uintptr_t virtio_slot(unsigned slot);

/// A clock that only counts up. Frequency 0: unknown.
[[nodiscard]] uint64_t ticks();
[[nodiscard]] uint64_t ticks_per_second();

}  // namespace machine

/// Called by `boot.S`.
extern "C" [[noreturn]] void kernel_main();
/// Called by `boot.S` for every exception of the CPU, with what the architecture says about it.
extern "C" [[noreturn]] void kernel_trap(uint64_t cause, uint64_t instruction, uint64_t address);
