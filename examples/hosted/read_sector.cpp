// SPDX-License-Identifier: MIT
#include <sim/block_device.hpp>
#include <sim/mmio_device.hpp>
#include <virtq/virtq.hpp>

#include <cstdio>
#include <cstdlib>

/// Reads one sector of a simulated disk. It shows how to try a driver on the host, without a kernel and without QEMU.

using Transport = virtq::MmioTransport<virtq::sim::MmioRegisters>;

extern "C" void virtq_assertion_failed(char const* rule, char const* file, int line) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, rule);
    std::abort();
}

static bool failed(virtq::Status status) {
    return !status && std::fprintf(stderr, "%s\n", virtq::describe(status.error())) != 0;
}

int main() {
    virtq::sim::GuestMemory memory;
    virtq::sim::BlockDevice backend(memory.violations());
    virtq::sim::MmioDevice device(memory, backend);

    static Transport transport;
    static virtq::BlockDevice<Transport, 64> disk;
    virtq::sim::Buffer const buffer = memory.allocate_buffer(512);
    auto relax = [&] { device.step(); };
    if (failed(transport.probe(device.registers())) || failed(disk.init(transport, memory)) ||
        failed(disk.read(7, virtq::Segment{buffer.phys, 512}, virtq::PollLimit{1000}, relax))) {
        return EXIT_FAILURE;
    }
    std::printf("sector 7 begins with %02x %02x %02x\n", buffer.virt[0], buffer.virt[1], buffer.virt[2]);
    return failed(disk.release(memory)) ? EXIT_FAILURE : EXIT_SUCCESS;
}
