// SPDX-License-Identifier: MIT
//
// A driver's test on a stranger's host: on a simulated device. The two others must compile; they need programs to run.
#include <virtq/device/block.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/block_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <cstdio>
#include <cstdlib>

#include <qtest/qemu_device.hpp>
#include <vhost_user/transport.hpp>

extern "C" void virtq_assertion_failed(char const* rule, char const* file, int line) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, rule);
    std::abort();
}

static virtq::BlockDevice<virtq::vhost_user::VhostUserTransport, 16> disk_elsewhere;
static virtq::BlockDevice<virtq::qtest::Transport, 256> disk_of_qemu;

int main() {
    virtq::sim::GuestMemory memory;
    virtq::sim::BlockDevice disk{memory.violations(), {.sectors = 64}};
    virtq::sim::MmioDevice device{memory, disk};
    virtq::MmioTransport<virtq::sim::MmioRegisters> transport;
    static virtq::BlockDevice<virtq::MmioTransport<virtq::sim::MmioRegisters>, 16> driver;
    bool const is_up = transport.probe(device.registers()).ok() && driver.init(transport, memory).ok();
    virtq::sim::Buffer const sector = memory.allocate_buffer(512);
    bool const is_read =
        is_up && driver.read(0, {sector.phys, 512}, virtq::PollLimit{1000}, [&] { device.step(); }).ok();
    bool const others_are_down = disk_elsewhere.capacity_sectors() == 0 && disk_of_qemu.capacity_sectors() == 0;
    return is_read && others_are_down && driver.release(memory).ok() && memory.violations().empty() ? 0 : 1;
}
