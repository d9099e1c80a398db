// SPDX-License-Identifier: MIT
#include "interrupt.hpp"

#include "machine.hpp"
#include "plic.hpp"

/// The lines of QEMU's `virt` at its PLIC, and the timer of M-mode as the tick. boot.S passes the timer's interrupt on
/// as a software interrupt of S-mode. So this also works on CPUs whose S-mode has no timer of its own (Sstc).

namespace {

constexpr unsigned virtio_lines = 1;
constexpr unsigned pci_lines = 32;

constexpr unsigned software_interrupt = 1;
constexpr unsigned external_interrupt = 9;

constexpr uintptr_t timer_phys = 0x02004000;  // mtimecmp of the first CPU
constexpr uint64_t waits_per_second = 10;

constinit machine::InterruptHandler handlers[plic::line_count] = {};
constinit bool interrupt_came = false;
constinit bool tick_came = false;
constinit bool has_tick = true;

void start_tick() {
    tick_came = false;
    if (!has_tick) {
        return;
    }
    device_register<uint64_t>(timer_phys) = machine::ticks() + machine::ticks_per_second() / waits_per_second;
}

void silence_tick() {
    device_register<uint64_t>(timer_phys) = UINT64_MAX;
    asm volatile("csrc sip, %0" ::"r"(1 << software_interrupt));
}

}  // namespace

/// Called by boot.S.
extern "C" void machine_interrupt(uint64_t cause) {
    if ((cause & 0xff) == software_interrupt) {
        tick_came = true;
        silence_tick();
        return;
    }
    unsigned const line = plic::claim();
    if (line == 0 || line >= plic::line_count) {
        return;  // it vanished before it was claimed
    }
    interrupt_came = true;
    handlers[line](line);
    asm volatile("fence iorw, iorw" ::: "memory");  // the device has released the line before it may interrupt again
    plic::complete(line);
}

void prepare_interrupts() {
    plic::prepare();
    silence_tick();  // at reset it is already due
    asm volatile("csrw sie, %0" ::"r"(1 << software_interrupt | 1 << external_interrupt));
}

namespace machine {

void listen(unsigned line, InterruptHandler handler) {
    handlers[line] = handler;
    plic::enable(line);
}

/// A masked interrupt wakes the CPU but is not taken. One that arrived before the wfi ends it at once.
bool wait() {
    interrupt_came = false;
    start_tick();
    while (!interrupt_came && !tick_came) {
        asm volatile("wfi; csrsi sstatus, 2; csrci sstatus, 2" ::: "memory");
    }
    silence_tick();
    return interrupt_came;
}

void stop_tick() {
    has_tick = false;
}

unsigned mmio_line(unsigned slot) {
    return virtio_lines + slot;
}

/// Four lines for all devices, rotated by the device number.
unsigned pci_line(uint8_t device, unsigned pin, uint8_t) {
    return pci_lines + (device + pin - 1) % 4;
}

/// A PLIC has no messages.
bool has_messages() {
    return false;
}

Message listen_message(unsigned, InterruptHandler) {
    return {};
}

}  // namespace machine
