// SPDX-License-Identifier: MIT
#include <virtq/virtq.hpp>

#include <cinttypes>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <vector>

/// Prints the virtio-mmio slots of a device tree, as in:
///
///     qemu-system-riscv64 -machine virt,dumpdtb=virt.dtb && find_slots virt.dtb

extern "C" void virtq_assertion_failed(char const* rule, char const* file, int line) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, rule);
    std::abort();
}

static virtq::Discovery find_slots(virtq::DeviceTree const& tree) {
    auto const first_cell = [](virtq::DeviceTreeProperty interrupts) { return interrupts[0]; };  // as for a PLIC
    return virtq::for_each_mmio_slot(tree, first_cell, [](virtq::MmioSlot const& slot) {
        std::printf("%" PRIx64 ": %" PRIu64 " bytes, interrupt %" PRIu32 "\n", slot.base.value, slot.bytes,
                    slot.interrupt);
    });
}

int main(int argc, char** argv) {
    std::ifstream file(argc > 1 ? argv[1] : "", std::ios::binary);
    std::vector<char> const blob(std::istreambuf_iterator<char>(file), {});
    virtq::Discovery const found = find_slots({blob.data(), blob.size()});
    if (!found) {
        std::fprintf(stderr, "at byte %" PRIu32 ": %s\n", found.error_position, virtq::describe(found.error));
    }
    return found ? EXIT_SUCCESS : EXIT_FAILURE;
}
