// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include "divide.hpp"
#include "interrupt.hpp"
#include "layout.hpp"
#include "port.hpp"

/// QEMU's `microvm`, `pc` and `q35`: COM1, isa-debug-exit, PCI by the ports 0xcf8 and 0xcfc, the interval timer as a
/// reference for the time stamp counter.

namespace {

constexpr uintptr_t virtio_phys = 0xfeb00000;
constexpr uintptr_t virtio_stride = 0x200;

constexpr uint16_t com1 = 0x3f8;
constexpr uint16_t com1_line_status = com1 + 5;
constexpr uint8_t transmitter_empty = 0x20;
constexpr uint16_t debug_exit = 0xf4;

constexpr uint16_t timer_channel_0 = 0x40;
constexpr uint16_t timer_command = 0x43;
constexpr uint32_t timer_hertz = 1193182;
constexpr uint8_t timer_output = 0x80;

constexpr uint16_t pci_address = 0xcf8;
constexpr uint16_t pci_data = 0xcfc;
constexpr uint32_t pci_enable = uint32_t{1} << 31;

constinit uint64_t time_stamp_hertz = 0;

/// The interval timer and the time stamp counter at one moment, as far as that can be known.
struct ClockReading {
    uint64_t stamp;
    uint64_t doubt;   ///< how far the moment may be from `stamp`: long if the host did something else in between
    uint32_t passed;  ///< counts of the timer since it started
    bool expired;     ///< it has counted to its end, and `passed` is wrong
};

ClockReading read_clocks() {
    uint64_t const before = machine::ticks();
    out8(timer_command, 0xc2);  // latch channel 0, its status and its count
    uint64_t const doubt = machine::ticks() - before;
    uint8_t const status = in8(timer_channel_0);
    uint32_t const low = in8(timer_channel_0);
    uint32_t const count = low | uint32_t{in8(timer_channel_0)} << 8;
    return {before, doubt, (0x10000 - count) & 0xffff, (status & timer_output) != 0};
}

ClockReading read_clocks_well() {
    ClockReading best = read_clocks();
    for (unsigned i = 0; i < 16; ++i) {
        ClockReading const next = read_clocks();
        best = next.doubt < best.doubt ? next : best;
    }
    return best;
}

/// Measures the time stamp counter over 20 ms of the interval timer, which counts 55 ms once. Returns 0 if the host was
/// too busy for a reading that is right within 0.5 %, or if the timer does not count.
uint64_t measure_time_stamp() {
    constexpr uint32_t counts = timer_hertz / 50;
    out8(timer_command, 0x30);  // channel 0, both bytes, count down once, from 65536
    out8(timer_channel_0, 0);
    out8(timer_channel_0, 0);
    ClockReading const start = read_clocks_well();
    for (unsigned poll = 0; poll < 200'000 && read_clocks().passed < start.passed + counts; ++poll) {
    }
    ClockReading const end = read_clocks_well();
    uint64_t const stamps = end.stamp - start.stamp;
    bool const is_good =
        !end.expired && end.passed >= start.passed + counts && (start.doubt + end.doubt) * 200 < stamps;
    return is_good ? divide(stamps * timer_hertz, end.passed - start.passed).quotient : 0;
}

/// Measures until that succeeds, then starts the interval timer as the tick. Leaves the frequency unknown if the timer
/// does not count.
void calibrate_clock() {
    for (unsigned attempt = 0; attempt < 20 && time_stamp_hertz == 0; ++attempt) {
        time_stamp_hertz = measure_time_stamp();
    }
    out8(timer_command, 0x34);  // channel 0, both bytes, count down from 65536 repeatedly
    out8(timer_channel_0, 0);
    out8(timer_channel_0, 0);
}

}  // namespace

namespace machine {

void prepare() {
    calibrate_clock();
    prepare_interrupts();
}

char const* name() {
    return architecture;
}

void put(char character) {
    for (unsigned poll = 0; poll < 1'000'000 && (in8(com1_line_status) & transmitter_empty) == 0; ++poll) {
    }
    out8(com1, static_cast<uint8_t>(character));
}

/// QEMU exits with 2 * value + 1, which is never 0: 33 is success and 35 failure.
void exit(bool success) {
    out8(debug_exit, success ? 16 : 17);
    for (;;) {
        asm volatile("cli; hlt");
    }
}

void* virt(virtq::PhysAddr pool_address) {
    return reinterpret_cast<void*>(pool_virt + static_cast<uintptr_t>(pool_address.value - pool_base.value));
}

virtq::PhysAddr phys(void const* pool_address) {
    return pool_base + (reinterpret_cast<uintptr_t>(pool_address) - pool_virt);
}

/// Only `microvm` has slots. Elsewhere these addresses belong to PCI devices.
unsigned virtio_slot_count() {
    return has_pci() ? 0 : 24;
}

uintptr_t virtio_slot(unsigned slot) {
    return device_virt + (virtio_phys - device_phys) + slot * virtio_stride;
}

/// Whether the address register reads back, and there is a host bridge.
bool has_pci() {
    out32(pci_address, pci_enable);
    return in32(pci_address) == pci_enable && in32(pci_data) != UINT32_MAX;
}

uintptr_t device_memory(virtq::PhysAddr phys, uint64_t bytes) {
    bool const is_mapped =
        phys.value >= device_phys && bytes <= device_bytes && phys.value - device_phys <= device_bytes - bytes;
    return is_mapped ? device_virt + static_cast<uintptr_t>(phys.value - device_phys) : 0;
}

uintptr_t device_ports(uint32_t port, uint32_t bytes) {
    return port < 0x10000 && bytes <= 0x10000 - port ? port : 0;
}

/// SeaBIOS gives all BARs their addresses.
Window pci_memory_window() {
    return {};
}

Window pci_port_window() {
    return {};
}

uint64_t ticks() {
    uint32_t low;
    uint32_t high;
    asm volatile("rdtsc" : "=a"(low), "=d"(high)::"memory");
    return (uint64_t{high} << 32) | low;
}

uint64_t ticks_per_second() {
    return time_stamp_hertz;
}

}  // namespace machine
