// SPDX-License-Identifier: MIT
#include "interrupt.hpp"

#include "layout.hpp"
#include "machine.hpp"
#include "port.hpp"

/// The local APIC and up to two I/O APICs. `microvm` has its virtio-mmio slots on the second one, which no 8259 sees,
/// and messages (MSI) are writes to the local APIC. On `pc` and `q35` the firmware has routed INTx to one of the 16
/// ISA lines. It arrives at the pin of the first I/O APIC with the same number.

extern "C" char const trap_stubs[];  // boot.S: a stub of 16 bytes for each vector

namespace {

// Vectors: below are the CPU's exceptions.
constexpr unsigned line_vector = 32;
constexpr unsigned line_count = 48;
constexpr unsigned message_vector = line_vector + line_count;
constexpr unsigned message_count = 16;
constexpr unsigned spurious_vector = 111;  // its low four bits are set, as old processors require
constexpr unsigned vector_count = 112;     // boot.S has as many stubs

constexpr uintptr_t local_apic_phys = 0xfee00000;
constexpr uintptr_t end_of_interrupt = 0x0b0;
constexpr uintptr_t spurious = 0x0f0;
constexpr uint32_t apic_enable = 0x100;
constexpr uintptr_t local_line_0 = 0x350;
constexpr uint32_t masked = 0x10000;

constexpr uintptr_t io_apic_phys = 0xfec00000;
constexpr uintptr_t io_apic_stride = 0x10000;
constexpr unsigned io_apic_pins = 24;
constexpr uintptr_t io_select = 0x00;
constexpr uintptr_t io_window = 0x10;
constexpr uint32_t level_triggered = 0x8000;

constexpr unsigned timer_line = 2;  // the interval timer, ISA line 0, is wired to this pin

struct Listener {
    machine::InterruptHandler handler;
    unsigned number;
};

constinit InterruptGate interrupt_table[vector_count] = {};
constinit Listener listeners[message_count + line_count] = {};  // by vector, from line_vector on
constinit volatile bool interrupted = false;

volatile uint32_t& device_register(uintptr_t phys) {
    return *reinterpret_cast<volatile uint32_t*>(device_virt + (phys - device_phys));
}

void write_io_apic(unsigned line, uint32_t high, uint32_t low) {
    uintptr_t const io_apic = io_apic_phys + line / io_apic_pins * io_apic_stride;
    uint32_t const entry = 0x10 + 2 * (line % io_apic_pins);
    device_register(io_apic + io_select) = entry + 1;
    device_register(io_apic + io_window) = high;
    device_register(io_apic + io_select) = entry;
    device_register(io_apic + io_window) = low;
}

}  // namespace

/// Called by boot.S for the vectors that are not exceptions.
extern "C" void machine_interrupt(uint32_t vector) {
    if (vector == spurious_vector) {
        return;  // a spurious interrupt needs no end of interrupt
    }
    if (Listener const& listener = listeners[vector - line_vector]; listener.handler != nullptr) {
        listener.handler(listener.number);
        interrupted = true;
    }
    device_register(local_apic_phys + end_of_interrupt) = 0;
}

void prepare_interrupts() {
    for (unsigned vector = 0; vector < vector_count; ++vector) {
        interrupt_table[vector] = InterruptGate::to(reinterpret_cast<uintptr_t>(trap_stubs) + 16 * vector);
    }
    struct [[gnu::packed]] {
        uint16_t limit;
        uintptr_t base;
    } const pointer{sizeof(interrupt_table) - 1, reinterpret_cast<uintptr_t>(interrupt_table)};
    asm volatile("lidt %0" ::"m"(pointer) : "memory");

    out8(0x21, 0xff);  // the two 8259: all lines masked
    out8(0xa1, 0xff);
    device_register(local_apic_phys + local_line_0) = masked;
    device_register(local_apic_phys + spurious) = apic_enable | spurious_vector;
    write_io_apic(timer_line, 0, line_vector + timer_line);
}

namespace machine {

void listen(unsigned line, InterruptHandler handler) {
    if (line >= line_count) {
        return;  // 255: the firmware has connected it to nothing
    }
    listeners[line] = {handler, line};
    write_io_apic(line, 0, level_triggered | (line_vector + line));
}

Message listen_message(unsigned number, InterruptHandler handler) {
    listeners[line_count + number] = {handler, number};
    return {local_apic_phys, message_vector + number};
}

bool has_messages() {
    return true;
}

/// `sti` admits no interrupt before the next instruction has begun. So none falls between the check and the sleep.
bool wait() {
    interrupted = false;
    asm volatile("sti; hlt; cli" ::: "memory");
    return interrupted;
}

void stop_tick() {
    write_io_apic(timer_line, 0, masked | (line_vector + timer_line));
}

unsigned mmio_line(unsigned slot) {
    return io_apic_pins + slot;
}

unsigned pci_line(uint8_t, unsigned, uint8_t line_register) {
    return line_register;
}

}  // namespace machine
