// SPDX-License-Identifier: MIT
#include "machine.hpp"

/// QEMU's `microvm`: COM1, isa-debug-exit, the interval timer as a reference for the time stamp counter.

extern "C" char const trap_stubs[];  // boot.S: 32 stubs of 16 bytes

namespace {

// Where boot.S maps things.
constexpr uintptr_t pool_virt = 0xffff800000000000;    // + physical address
constexpr uintptr_t device_virt = 0xffffff0000000000;  // physical address device_phys
constexpr uintptr_t device_phys = 0xfea00000;
constexpr uint16_t code_segment = 8;

constexpr uintptr_t virtio_phys = 0xfeb00000;
constexpr uintptr_t virtio_stride = 0x200;

constexpr uint16_t com1 = 0x3f8;
constexpr uint16_t com1_line_status = com1 + 5;
constexpr uint8_t transmitter_empty = 0x20;
constexpr uint16_t debug_exit = 0xf4;

constexpr uint16_t timer_channel_0 = 0x40;
constexpr uint16_t timer_command = 0x43;
constexpr uint32_t timer_hertz = 1193182;

void out8(uint16_t port, uint8_t value) {
    asm volatile("outb %0, %1" ::"a"(value), "Nd"(port) : "memory");
}

uint8_t in8(uint16_t port) {
    uint8_t value;
    asm volatile("inb %1, %0" : "=a"(value) : "Nd"(port) : "memory");
    return value;
}

struct [[gnu::packed]] InterruptGate {
    uint16_t offset_low;
    uint16_t segment;
    uint16_t options;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

struct [[gnu::packed]] TablePointer {
    uint16_t limit;
    uint64_t base;
};

constinit InterruptGate interrupt_table[32] = {};
constinit uint64_t time_stamp_hertz = 0;

void catch_exceptions() {
    constexpr uint16_t present_interrupt_gate = 0x8e00;
    for (unsigned vector = 0; vector < 32; ++vector) {
        uint64_t const stub = reinterpret_cast<uint64_t>(trap_stubs) + 16 * vector;
        interrupt_table[vector] = {static_cast<uint16_t>(stub),
                                   code_segment,
                                   present_interrupt_gate,
                                   static_cast<uint16_t>(stub >> 16),
                                   static_cast<uint32_t>(stub >> 32),
                                   0};
    }
    TablePointer const pointer{sizeof(interrupt_table) - 1, reinterpret_cast<uint64_t>(interrupt_table)};
    asm volatile("lidt %0" ::"m"(pointer) : "memory");
}

/// Counts the time stamps of 10 ms of the interval timer. Leaves the frequency unknown when that does not count.
void calibrate_clock() {
    constexpr uint16_t counts = timer_hertz / 100;
    out8(timer_command, 0x34);  // channel 0, both bytes, count down from 65536 again and again
    out8(timer_channel_0, 0);
    out8(timer_channel_0, 0);
    uint64_t const start = machine::ticks();
    for (unsigned look = 0; look < 10'000'000; ++look) {
        out8(timer_command, 0);  // latch channel 0
        uint16_t const low = in8(timer_channel_0);
        uint16_t const value = static_cast<uint16_t>(low | (in8(timer_channel_0) << 8));
        if (value != 0 && value < 0x10000 - counts) {
            uint64_t const passed = 0x10000u - value;
            time_stamp_hertz = (machine::ticks() - start) * timer_hertz / passed;
            return;
        }
    }
}

}  // namespace

namespace machine {

void prepare() {
    catch_exceptions();
    calibrate_clock();
}

char const* name() {
    return "x86_64";
}

void put(char character) {
    for (unsigned look = 0; look < 1'000'000 && (in8(com1_line_status) & transmitter_empty) == 0; ++look) {
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
    return reinterpret_cast<void*>(pool_virt + pool_address.value);
}

virtq::PhysAddr phys(void const* pool_address) {
    return virtq::PhysAddr{reinterpret_cast<uintptr_t>(pool_address) - pool_virt};
}

unsigned virtio_slot_count() {
    return 24;
}

uintptr_t virtio_slot(unsigned slot) {
    return device_virt + (virtio_phys - device_phys) + slot * virtio_stride;
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
