// SPDX-License-Identifier: MIT
#include "interrupt.hpp"

#include "cpu.hpp"
#include "gic.hpp"
#include "machine.hpp"

/// The lines of QEMU's `virt` at its GICv2, the messages of its GICv2m, and the virtual timer as the tick.

namespace {

constexpr unsigned timer_line = 27;
constexpr unsigned pci_lines = gic::shared_lines + 3;
constexpr unsigned virtio_lines = gic::shared_lines + 16;
constexpr unsigned message_lines = gic::shared_lines + 48;

constexpr uint64_t message_phys = 0x08020040;  // writing a line's number here pulses that line

constexpr uint32_t waits_per_second = 10;

struct Listener {
    machine::InterruptHandler handler;
    unsigned number;
};

constinit Listener listeners[gic::line_count] = {};
constinit bool interrupt_came = false;
constinit bool tick_came = false;
constinit bool has_tick = true;

void start_tick() {
    tick_came = false;
    if (has_tick) {
        cpu::start_timer(cpu::count_hertz() / waits_per_second);
    }
}

}  // namespace

/// Called by boot.S.
extern "C" void machine_interrupt() {
    unsigned const line = gic::acknowledge();
    if (line >= gic::line_count) {
        return;  // it vanished before it was acknowledged
    }
    if (line == timer_line) {
        tick_came = true;
        cpu::stop_timer();
    } else {
        interrupt_came = true;
        listeners[line].handler(listeners[line].number);
    }
    asm volatile("dsb sy" ::: "memory");  // the device has released the line before it may interrupt again
    gic::end(line);
}

void prepare_interrupts() {
    gic::prepare();
    gic::enable(timer_line, gic::Trigger::level);
}

namespace machine {

void listen(unsigned line, InterruptHandler handler) {
    listeners[line] = {handler, line};
    gic::enable(line, gic::Trigger::level);
}

bool wait() {
    interrupt_came = false;
    start_tick();
    while (!interrupt_came && !tick_came) {
        cpu::sleep_until_interrupt();
    }
    cpu::stop_timer();
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

bool has_messages() {
    return true;
}

Message listen_message(unsigned number, InterruptHandler handler) {
    unsigned const line = message_lines + number;
    listeners[line] = {handler, number};
    gic::enable(line, gic::Trigger::edge);
    return {message_phys, line};
}

}  // namespace machine
