// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include "cpu.hpp"
#include "interrupt.hpp"
#include "layout.hpp"

/// QEMU's `virt`: PL011, semihosting, the generic timer.

namespace {

constexpr uintptr_t virtio_phys = 0x0a000000;
constexpr uintptr_t virtio_stride = 0x200;

constexpr uintptr_t uart_phys = 0x09000000;
constexpr uintptr_t uart_data = 0x00;
constexpr uintptr_t uart_flags = 0x18;
constexpr uint32_t transmitter_full = 0x20;

volatile uint32_t& uart(uintptr_t offset) {
    return device_register(uart_phys + offset);
}

}  // namespace

namespace machine {

/// boot.S has set the vectors, and the counter runs.
void prepare() {
    prepare_interrupts();
}

char const* name() {
    return architecture;
}

void put(char character) {
    for (unsigned poll = 0; poll < 1'000'000 && (uart(uart_flags) & transmitter_full) != 0; ++poll) {
    }
    uart(uart_data) = static_cast<uint8_t>(character);
}

void exit(bool success) {
    cpu::exit(success);
    for (;;) {
        asm volatile("wfi");
    }
}

void* virt(virtq::PhysAddr pool_address) {
    return reinterpret_cast<void*>(pool_virt + static_cast<uintptr_t>(pool_address.value - pool_base.value));
}

virtq::PhysAddr phys(void const* pool_address) {
    return pool_base + (reinterpret_cast<uintptr_t>(pool_address) - pool_virt);
}

unsigned virtio_slot_count() {
    return 32;
}

uintptr_t virtio_slot(unsigned slot) {
    return device_virt + virtio_phys + slot * virtio_stride;
}

uint64_t ticks() {
    return cpu::virtual_count();
}

uint64_t ticks_per_second() {
    return cpu::count_hertz();
}

}  // namespace machine
