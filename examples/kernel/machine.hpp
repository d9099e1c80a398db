// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/phys_addr.hpp>

#include <stdint.h>

/// Everything that the kernel needs from an architecture. Each `arch/<name>/` has one implementation: `boot.S` starts
/// up, turns the MMU on and calls `kernel_main`; `kernel.ld` sets the addresses; `machine.cpp` defines these
/// functions.
///
/// No physical address is valid as a virtual one, so a mix-up of addresses faults instead of working. The kernel's
/// image, the RAM for the devices and the device registers are each mapped high, apart from one another.
namespace machine {

/// Physical, and the same on all machines. It needs more than 32 bits, so that a truncated address cannot work.
inline constexpr virtq::PhysAddr pool_base{uint64_t{4} << 30};
inline constexpr uint64_t pool_bytes = uint64_t{128} << 20;

/// Where examples/run leaves two words, in the last page of the pool: `Option` bits, and the number of requests for
/// the interrupt check. Read them first. RAM that nobody wrote to is zero.
inline constexpr virtq::PhysAddr option_word = pool_base + (pool_bytes - 4096);
inline constexpr virtq::PhysAddr request_word = option_word + 4;
enum Option : uint32_t {
    option_polled = 1,       ///< poll instead of sleeping
    option_no_messages = 2,  ///< use a PCI device's interrupt line even if it could send messages (MSI-X)
    option_sleep = 4,        ///< of the kernel `disk`: only the README's ways to sleep, without a tick
};

/// Called first; makes the serial port, the clock and the CPU's exceptions work.
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

// --- interrupts: masked except inside `wait`, so the kernel needs no lock ---

/// Runs inside `wait`, before the interrupt controller hears that it is done. `number` is the line, or the number
/// given to `listen_message`.
using InterruptHandler = void (*)(unsigned number);

/// Routes a line of the interrupt controller to `handler`, level-triggered, and unmasks it. Devices that share a line
/// share its handler: a second call for the same line replaces it.
void listen(unsigned line, InterruptHandler handler);

/// Sleeps until an interrupt, or a tick after at most 100 ms, so that a lost interrupt is a failure and not a hang. An
/// interrupt that arrived since the last poll ends this wait at once. True after an interrupt, whose handler has then
/// run; false after a tick.
bool wait();

/// From now on only an interrupt ends `wait`.
void stop_tick();

/// The interrupt lines of a virtio-mmio slot, and of a PCI function with this device number and interrupt pin on bus
/// 0. Pins 1 to 4 are INTA to INTD. If there is firmware, it left the line in the interrupt line register.
[[nodiscard]] unsigned mmio_line(unsigned slot);
[[nodiscard]] unsigned pci_line(uint8_t device, unsigned pin, uint8_t line_register);

/// Whether a device can interrupt by writing to memory (MSI).
[[nodiscard]] bool has_messages();
/// What a device must write, and where, so that `handler` is called with `number`: 0 to 15, each used once. Requires
/// `has_messages`.
struct Message {
    uint64_t address;
    uint32_t data;
};
[[nodiscard]] Message listen_message(unsigned number, InterruptHandler handler);

// --- PCI: `pci_access()` of `arch/<name>/pci_access.hpp` accesses the configuration space of buses 0 to 255 ---

[[nodiscard]] bool has_pci();

/// Where a BAR's memory is mapped, uncached, and where its ports are. 0: outside what `boot.S` maps.
[[nodiscard]] uintptr_t device_memory(virtq::PhysAddr phys, uint64_t bytes);
[[nodiscard]] uintptr_t device_ports(uint32_t port, uint32_t bytes);

/// The window in which BARs get their addresses. No bytes: the firmware has placed them.
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
/// Called by `boot.S` for every exception of the CPU, with what the architecture reports about it.
extern "C" [[noreturn]] void kernel_trap(uint64_t cause, uint64_t instruction, uint64_t address);
