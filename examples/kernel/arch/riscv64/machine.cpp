// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include "interrupt.hpp"
#include "layout.hpp"

/// QEMU's `virt` without firmware: a 16550, the sifive_test device, the time register.

namespace {

constexpr uintptr_t virtio_phys = 0x10001000;
constexpr uintptr_t virtio_stride = 0x1000;

constexpr uintptr_t uart_phys = 0x10000000;
constexpr uintptr_t uart_line_status = 5;
constexpr uint8_t transmitter_empty = 0x20;

constexpr uintptr_t test_phys = 0x00100000;
constexpr uint32_t test_pass = 0x5555;
constexpr uint32_t test_fail = 0x3333;  // the exit code in the upper half

volatile uint8_t& uart(uintptr_t offset) {
    return device_register<uint8_t>(uart_phys + offset);
}

}  // namespace

namespace machine {

/// boot.S has set the vectors, and the time runs.
void prepare() {
    prepare_interrupts();
}

char const* name() {
    return "riscv64";
}

void put(char character) {
    for (unsigned poll = 0; poll < 1'000'000 && (uart(uart_line_status) & transmitter_empty) == 0; ++poll) {
    }
    uart(0) = static_cast<uint8_t>(character);
}

void exit(bool success) {
    device_register(test_phys) = success ? test_pass : (1u << 16) | test_fail;
    for (;;) {
        asm volatile("wfi");
    }
}

void* virt(virtq::PhysAddr pool_address) {
    return reinterpret_cast<void*>(pool_virt + pool_address.value);
}

virtq::PhysAddr phys(void const* pool_address) {
    return virtq::PhysAddr{reinterpret_cast<uintptr_t>(pool_address) - pool_virt};
}

unsigned virtio_slot_count() {
    return 8;
}

uintptr_t virtio_slot(unsigned slot) {
    return device_virt + virtio_phys + slot * virtio_stride;
}

uint64_t ticks() {
    uint64_t count;
    asm volatile("rdtime %0" : "=r"(count)::"memory");
    return count;
}

/// Fixed on this machine.
uint64_t ticks_per_second() {
    return 10'000'000;
}

}  // namespace machine
