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

/// Physical, and the same on all machines: beyond what 32 bits can say, so that a cut address cannot work.
inline constexpr virtq::PhysAddr pool_base{uint64_t{4} << 30};
inline constexpr uint64_t pool_bytes = uint64_t{128} << 20;

/// Where examples/run leaves two words, in the last page of the pool: `Option` bits, and how many requests there are
/// to be in the check of interrupts. To be read first. RAM that nobody wrote to is zero.
inline constexpr virtq::PhysAddr option_word = pool_base + (pool_bytes - 4096);
inline constexpr virtq::PhysAddr request_word = option_word + 4;
enum Option : uint32_t {
    option_polled = 1,       ///< look again and again instead of sleeping
    option_no_messages = 2,  ///< use a PCI device's interrupt line also where it could send messages (MSI-X)
    option_sleep = 4,        ///< only the README's ways to sleep, without a tick
};

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

// --- interrupts: masked at all times but inside `wait`, so the kernel needs no lock ---

/// Runs inside `wait`, before the interrupt controller hears that it is done. `number` is what it was listened with.
using InterruptHandler = void (*)(unsigned number);

/// Routes a line of the interrupt controller to `handler`, level-triggered, and unmasks it. Devices that share a line
/// share its handler: a second call for the same line replaces it.
void listen(unsigned line, InterruptHandler handler);

/// Sleeps until an interrupt, or a tick of at most 100 ms, so that a lost interrupt is a failure and not a hang. An
/// interrupt that arrived since the last look is not slept over: it ends this wait at once. Returns whether one came,
/// and not just the tick; its handler has run then.
bool wait();

/// From now on only an interrupt ends `wait`.
void stop_tick();

/// The lines of a virtio-mmio slot, and of a PCI function by the device number and interrupt pin (1 to 4 are INTA to
/// INTD) that it has on bus 0, and by its interrupt line register, where the firmware left the line if there is one.
[[nodiscard]] unsigned mmio_line(unsigned slot);
[[nodiscard]] unsigned pci_line(uint8_t device, unsigned pin, uint8_t line_register);

/// Whether a device can interrupt by writing to memory (MSI).
[[nodiscard]] bool has_messages();
/// What a device writes where, so that `handler` is called with `number`: 0 to 15, each one's own. Only if
/// `has_messages`.
struct Message {
    uint64_t address;
    uint32_t data;
};
[[nodiscard]] Message listen_message(unsigned number, InterruptHandler handler);

// --- PCI: `pci_access()` of `arch/<name>/pci_access.hpp` is the way to the configuration space, of buses 0 to 255 ---

[[nodiscard]] bool has_pci();

/// Where a BAR's memory is mapped, uncached, and where its ports are. 0: beyond what `boot.S` maps.
[[nodiscard]] uintptr_t device_memory(virtq::PhysAddr phys, uint64_t bytes);
[[nodiscard]] uintptr_t device_ports(uint32_t port, uint32_t bytes);

/// From which BARs are to be given their addresses. No bytes: the firmware has done it.
struct Window {
    uint64_t base;
    uint64_t bytes;
};
[[nodiscard]] Window pci_memory_window();
[[nodiscard]] Window pci_port_window();

// --- time ---

/// A clock that only counts up. Frequency 0: unknown.
[[nodiscard]] uint64_t ticks();
[[nodiscard]] uint64_t ticks_per_second();

}  // namespace machine

/// Called by `boot.S`.
extern "C" [[noreturn]] void kernel_main();
/// Called by `boot.S` for every exception of the CPU, with what the architecture says about it.
extern "C" [[noreturn]] void kernel_trap(uint64_t cause, uint64_t instruction, uint64_t address);
