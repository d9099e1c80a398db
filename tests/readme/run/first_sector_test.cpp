// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <cstdint>

/// The README's first block. Its assertion hook is that of all tests here.
namespace first_sector {
#include <blocks/README/the_first_sector.inc>

using virtq::readme::Machine;

void* kernel_direct_map(std::uint64_t physical) {
    return Machine::current().direct_map(physical);
}
std::uintptr_t kernel_map_uncached(std::uint64_t physical, std::uint64_t bytes) {
    return Machine::current().map_uncached(physical, bytes);
}
std::uint64_t kernel_page_table_lookup(void const* virt) {
    return Machine::current().memory.phys_addr(virt).value;
}
std::uint64_t kernel_alloc_contiguous(std::size_t pages_wanted) {
    return Machine::current().allocate(pages_wanted);
}
void kernel_free_contiguous(std::uint64_t physical, std::size_t page_count) {
    Machine::current().free(physical, page_count);
}
void kernel_panic(char const* sentence) {
    throw virtq::readme::Panic(sentence);
}
}  // namespace first_sector

namespace virtq::readme {
namespace {

// The slot that QEMU fills first is the last one, and `bus=virtio-mmio-bus.0` is the first (faults C10).
TEST(FirstSector, IsReadFromAnySlot) {
    for (std::uint64_t const slot : {std::uint64_t{0}, MmioMachine::count - 1}) {
        for (sim::MmioVersion const version : {sim::MmioVersion::modern, sim::MmioVersion::legacy}) {
            MmioMachine machine({.pace = Pace::at_each_access}, slot, version);
            sim::Buffer const data = machine.buffer(512);
            first_sector::read_first_sector(data.phys.value);
            EXPECT_TRUE(machine.holds(data, 0));
            EXPECT_TRUE(first_sector::disk.release(first_sector::pages).ok());
        }
    }
}

TEST(FirstSector, PanicsWithoutDisk) {
    MmioMachine machine;
    machine.device.set_device_id(0);
    EXPECT_THROW(first_sector::read_first_sector(0x1000), Panic);
}

TEST(FirstSector, BrokenRulePanics) {
    EXPECT_THROW(virtq_assertion_failed("a rule", "file", 1), Panic);
}

}  // namespace
}  // namespace virtq::readme
