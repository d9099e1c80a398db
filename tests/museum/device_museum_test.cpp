// SPDX-License-Identifier: MIT
#include <device/disk_machine.hpp>
#include <virtq/device/detail/block/block_part.hpp>
#include <virtq/transport/any.hpp>
#include <virtq/transport/pci_bridge.hpp>
#include <virtq/transport/pci_modern.hpp>

#include <sim/pci_bridge.hpp>
#include <sim/pci_bus.hpp>
#include <sim/pci_device.hpp>
#include <sim/wire_pci.hpp>

#include <cstdint>
#include <set>
#include <string>
#include <vector>

/// Bugs that drivers in the field had in their transports, their initialisation and their disks. queue_museum_test.cpp
/// explains the form of the comments.
namespace virtq::test {

using namespace virtq::detail;

namespace {

/// A complete disk on PCI.
struct PciDisk {
    PciDisk() {
        bus.add(PciAddress{0, 3, 0}, device);
        bus.assign();
    }
    ~PciDisk() {
        EXPECT_TRUE(driver.release(memory).ok());
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }
    void bring_up() {
        ASSERT_TRUE(transport.probe(function, bus).ok());
        ASSERT_TRUE(driver.init(transport, memory, {.reset_limit = PollLimit{100}}).ok());
    }
    void expect_reads() {
        sim::Buffer const data = memory.allocate_buffer(512, 512);
        disk.current()[3 * 512 + 7] = 0x5a;
        Segment const segment{data.phys, 512};
        ASSERT_TRUE(driver.read(3, segment, patience, [this] { device.step(); }).ok());
        EXPECT_EQ(data.virt[7], 0x5a);
    }

    sim::GuestMemory memory;
    sim::BlockDevice disk{memory.violations(), {}};
    sim::PciBus bus{memory.violations()};
    sim::PciDevice device{memory, disk};
    PciFunction<sim::PciBus> function{bus, {0, 3, 0}};
    PciModernTransport<sim::BarSpace> transport;
    BlockDevice<PciModernTransport<sim::BarSpace>, 64> driver;
};

/// I/O ports of the simulated bus.
struct BarPorts : sim::BarSpace {
    static constexpr bool is_port_space = true;
    using BarSpace::BarSpace;
    explicit BarPorts(BarSpace space) : BarSpace(space) {}
    [[nodiscard]] BarPorts at(std::uint32_t offset) const { return BarPorts{BarSpace::at(offset)}; }
};

// Was: the loop that waits for the reset tested a bit that is never set, so it never waited.
// Hit: Zephyr, https://github.com/zephyrproject-rtos/zephyr/pull/115151
// Here: impossible: one function resets, and polls until the status reads 0, up to a poll limit
TEST(Museum, reset_not_polled) {
    DiskMachine<> slow;
    slow.device.reset_takes(7);  // the device reports each access before the reset has ended
    slow.bring_up();
    DiskMachine<> stuck;
    stuck.device.reset_takes(sim::MmioDevice::never);
    EXPECT_EQ(stuck.init().error(), Error::reset_timed_out);
    stuck.device.reset_takes(0);
}

// Was: the driver read, changed and wrote DriverFeatures, which cannot be read, so it dropped VERSION_1.
// Hit: Zephyr, https://github.com/zephyrproject-rtos/zephyr/issues/115150
// Here: impossible: a read of a write-only register does not compile
TEST(Museum, write_only_rmw_drops_version1) {
    DiskMachine<> machine;  // the device reports each read of such a register
    machine.bring_up();
    EXPECT_EQ(machine.device.accepted_features()[1] & 1u, 1u);
    EXPECT_TRUE(machine.memory.violations().empty());
}

// Was: the driver did not read QueueNumMax; QEMU 11.1 rejects the larger queue that it used to accept.
// Hit: sDDF, https://github.com/au-ts/sddf/pull/769
// Here: impossible: the size is the smaller of the device's maximum and the N of the queue
TEST(Museum, queue_bigger_than_max) {
    DiskMachine<64> machine;
    machine.device.set_queue_size_max(8);
    machine.bring_up();
    EXPECT_EQ(machine.driver.queue_size(), 8u);
    EXPECT_EQ(machine.device.ring()->config().size, 8u);
}

// Was: the driver shifted the upper half of a queue's address the wrong way, so rings above 4 GiB were elsewhere.
// Hit: Onyx, https://github.com/heatd/Onyx/commit/3f666e7f
// Here: impossible: an address is a 64-bit type, and one function writes its two halves
TEST(Museum, addr_high_shifted_left) {
    DiskMachine<> machine;
    machine.memory.place_next_run(PhysAddr{0x12'3456'7000});
    machine.bring_up();
    sim::SplitQueueConfig const& told = machine.device.ring()->config();
    EXPECT_EQ(told.descriptor_area, PhysAddr{0x12'3456'7000});
    EXPECT_EQ(told.driver_area.value >> 32, 0x12u);
    EXPECT_EQ(told.device_area.value >> 32, 0x12u);
}

// Was: the driver acknowledged the interrupt after it had processed the queue, and so lost the next one.
// Hit: Asterinas, https://github.com/asterinas/asterinas/pull/2493
// Here: impossible: on_interrupt() acknowledges before it reports the cause
TEST(Museum, irq_ack_after_processing) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
    ASSERT_TRUE(machine.driver.submit_read(1, segments, Token{std::uintptr_t{1}}).ok());
    machine.driver.kick_device();
    machine.device.step();
    ASSERT_TRUE(machine.device.interrupt_line());
    ASSERT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_FALSE(machine.device.interrupt_line());
    // The device continues while the driver processes the first completion.
    ASSERT_TRUE(machine.driver.submit_read(2, segments, Token{std::uintptr_t{2}}).ok());
    machine.driver.kick_device();
    EXPECT_EQ(machine.driver.take_completed().token.value(), 1u);
    machine.device.step();
    EXPECT_TRUE(machine.device.interrupt_line());
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_EQ(machine.driver.take_completed().token.value(), 2u);
}

// Was: the ISR status was never read, the shared line stayed asserted, and the network card on it died.
// Hit: Hermit, https://github.com/hermit-os/kernel/pull/2231
// Here: impossible: on_interrupt() of PCI is the read that releases the line
TEST(Museum, isr_not_read_shared_line) {
    PciDisk machine;
    machine.bring_up();
    machine.device.interrupt_unasked(1);
    ASSERT_TRUE(machine.device.interrupt_line());
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_FALSE(machine.device.interrupt_line());
    // The interrupt of another device on the line: the handler can report that it is not ours.
    InterruptCause const cause = machine.transport.on_interrupt();
    EXPECT_FALSE(cause.used_buffer || cause.config_change);
}

// Was: the boot firmware had used the disk, and the driver did not reset it: the firmware's queues stayed.
// Hit: Solo5, https://github.com/Solo5/solo5/issues/483
// Here: impossible: initialisation begins with a verified reset
TEST(Museum, firmware_left_device_live) {
    DiskMachine<> machine;
    machine.bring_up();
    machine.hostile = true;  // the firmware loses its queue
    Transport second;
    ASSERT_TRUE(second.probe(machine.device.registers()).ok());
    BlockDevice<Transport, 64> driver;
    ASSERT_TRUE(driver.init(second, machine.memory, {.reset_limit = PollLimit{10}}).ok());
    sim::Buffer const data = machine.buffer(512);
    EXPECT_TRUE(driver.read(3, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 3));
    EXPECT_TRUE(driver.release(machine.memory).ok());
}

// Was: the driver notified a queue before DRIVER_OK, which only KVM did not tolerate.
// Hit: Nanos, https://github.com/nanovms/nanos/pull/587
// Here: impossible: only a live disk notifies, and init() sets DRIVER_OK last
TEST(Museum, notify_before_driver_ok) {
    unsigned early = 0;  // declared before the machine, whose destructor writes registers too
    DiskMachine<> machine;
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        early += is_write && offset == 0x050 && (machine.device.status() & 4u) == 0 ? 1 : 0;
    });
    EXPECT_FALSE(machine.driver.kick_device());
    machine.bring_up();
    EXPECT_EQ(machine.device.notifications(), 0u);
    sim::Buffer const data = machine.buffer(512);
    EXPECT_TRUE(machine.driver.read(0, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_EQ(machine.device.notifications(), 1u);
    EXPECT_EQ(early, 0u);
}

// Was: after a refused negotiation a user saw only "could not be initialized".
// Hit: Hermit, https://github.com/hermit-os/kernel/pull/2207
// Here: diagnosed: features_refused has a sentence, and the offered, wanted and accepted features are kept
TEST(Museum, features_refused_message) {
    DiskMachine<> machine;
    machine.device.refuse_features_ok();
    EXPECT_EQ(machine.init().error(), Error::features_refused);
    EXPECT_GT(std::string{describe(Error::features_refused)}.size(), 40u);
    Negotiation const& negotiation = machine.driver.negotiation();
    EXPECT_TRUE(negotiation.offered.has(spec::Feature::version_1));
    EXPECT_TRUE(negotiation.wanted.has(spec::Feature::version_1));
    EXPECT_TRUE(negotiation.negotiated.has(spec::Feature::version_1));
    EXPECT_EQ(machine.driver.last_error(), Error::features_refused);
}

// Was: the driver did not accept VERSION_1, so a strict hypervisor refused FEATURES_OK.
// Hit: virtio-drivers, https://github.com/rcore-os/virtio-drivers/pull/196
// Here: impossible: VERSION_1 is required of each modern device, and an error names a device without it
TEST(Museum, version1_not_accepted) {
    DiskMachine<> machine;
    machine.bring_up();
    EXPECT_TRUE(machine.driver.negotiation().negotiated.has(spec::Feature::version_1));
    EXPECT_EQ(machine.device.accepted_features()[1] & 1u, 1u);
    DiskMachine<> without;
    without.device.offer(32, false);
    EXPECT_EQ(without.init().error(), Error::feature_required_not_offered);
}

// Was: a queue of size 0, which a device may have, was set up like any other.
// Hit: Zephyr, https://github.com/zephyrproject-rtos/zephyr/pull/112757
// Here: diagnosed: queue_absent, and no pages are kept
TEST(Museum, zero_size_queue) {
    DiskMachine<> machine;
    machine.device.set_queue_size_max(0);
    EXPECT_EQ(machine.init().error(), Error::queue_absent);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    VirtQueue<8> queue;
    EXPECT_EQ(queue.init(machine.memory, 0, modern_features()).error(), Error::queue_size_zero);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
}

// Was: a buffer that crosses a page was one descriptor, and its second page belonged to somebody else.
// Hit: virtio-drivers, https://github.com/rcore-os/virtio-drivers/issues/8
// Here: impossible: no call takes a pointer; a segment is a physical address, and there may be many
TEST(Museum, buffer_crosses_page) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const first = machine.buffer(512);
    sim::Buffer const stranger = machine.buffer(4096);  // memory that follows the first buffer
    sim::Buffer const second = machine.buffer(512);
    std::vector<std::uint8_t> const before(stranger.virt, stranger.virt + stranger.bytes);
    Segment const segments[] = {machine.segment(first), machine.segment(second)};
    BlockRequest const request{BlockOperation::read, 4, 0, segments, Token{}};
    ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(first, 4));
    EXPECT_TRUE(machine.holds(second, 5));
    EXPECT_EQ(before, std::vector<std::uint8_t>(stranger.virt, stranger.virt + stranger.bytes));
}

// Was: the driver read the upper half of a 64-bit BAR as a BAR of its own.
// Hit: Hermit, https://github.com/hermit-os/kernel/issues/1392
// Here: impossible: BARs are measured once, and 64-bit ones as a pair
TEST(Museum, bar64_upper_slot) {
    PciDisk machine;
    ASSERT_GT(machine.device.bar(4).address(), UINT32_MAX);  // slots 4 and 5
    machine.bring_up();
    for (auto const& mapping : machine.bus.mappings()) {
        bool const inside = mapping.address >= machine.device.bar(4).address() &&
                            mapping.address + mapping.bytes <= machine.device.bar(4).address() + 0x4000;
        EXPECT_TRUE(inside) << std::hex << mapping.address;
    }
    machine.expect_reads();
}

// Was: a full queue failed an assertion, and the kernel stopped under load.
// Hit: SerenityOS, https://github.com/SerenityOS/serenity/pull/6442
// Here: diagnosed: queue_full, nothing changes, and the next completion makes room
TEST(Museum, queue_full_backpressure) {
    DiskMachine<8> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    std::uintptr_t submitted = 0;
    while (machine.driver.submit_read(submitted, segments, Token{submitted}).ok()) {
        ASSERT_LT(++submitted, 9u);
    }
    EXPECT_GE(submitted, 2u);
    EXPECT_EQ(machine.driver.last_error(), Error::queue_full);
    machine.driver.kick_device();
    machine.device.step();
    std::uintptr_t taken = 0;
    machine.driver.for_each_completed([&](BlockCompletion const& done) { EXPECT_EQ(done.token.value(), taken++); });
    EXPECT_EQ(taken, submitted);
    EXPECT_TRUE(machine.driver.submit_read(0, segments, Token{}).ok());
}

// Was: bus mastering was never enabled; QEMU processed the rings nevertheless, until it no longer did.
// Hit: OpenBIOS, https://github.com/openbios/openbios/pull/6
// Here: impossible: probe() sets the bit, reads it back, and returns pci_command_refused if it does not stay
TEST(Museum, bus_master_off) {
    constexpr std::uint16_t bus_master = 4;
    {
        PciDisk machine;
        ASSERT_EQ(machine.bus.read16(machine.function.address(), 4) & bus_master, 0u);
        machine.bring_up();
        EXPECT_EQ(machine.bus.read16(machine.function.address(), 4) & bus_master, bus_master);
        machine.expect_reads();
    }
    PciDisk stubborn;
    stubborn.device.refuse_command(bus_master);
    EXPECT_EQ(stubborn.transport.probe(stubborn.function, stubborn.bus).error(), Error::pci_command_refused);
}

// Was: one request had 2 GiB, a length that hosts read as negative.
// Hit: virtio-drivers, https://github.com/rcore-os/virtio-drivers/issues/135
// Here: impossible: a part has at most 1 GiB, and its caller sees one request
TEST(Museum, blk_2GiB) {
    BlockConfig config;
    config.block_bytes = 512;
    config.segment_bytes = UINT32_MAX;
    Segment const data[] = {{PhysAddr{0x1'0000'0000}, 0x8000'0000}};
    BlockRequest const request{BlockOperation::read, 0, 0, data, Token{}};
    BlockLimit const limit = block_limit(config, BlockOperation::read, 62);
    BlockParts ahead{request, limit};
    BlockParts parts{request, limit};
    BlockParts::Pieces pieces;
    std::uint64_t bytes = 0;
    while (!parts.at_end()) {
        BlockPart const part = parts.take(ahead.next().length, pieces);
        ASSERT_NE(part.length, 0u);
        EXPECT_LE(part.length, 0x4000'0000u);
        EXPECT_EQ(part.sector * 512, bytes);
        bytes += part.length;
    }
    EXPECT_EQ(bytes, 0x8000'0000u);
}

// Was: requests had more and larger segments than the device allows.
// Hit: virtio-win, https://github.com/virtio-win/kvm-guest-drivers-windows/issues/692
// Here: impossible: a request above seg_max or size_max is split into parts
TEST(Museum, seg_max) {
    DiskMachine<> machine({.disk = {.seg_max = 2, .size_max = 1024}});  // the device reports larger requests
    machine.bring_up();
    sim::Buffer const data = machine.buffer(8192);
    ASSERT_TRUE(machine.driver.read(3, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 3));
    EXPECT_EQ(machine.disk.requests().size(), 4u);
}

// Was: the modern interface's BAR was above 4 GiB, where a 32-bit build cannot map it, so the probe failed.
// Hit: iPXE, https://github.com/ipxe/ipxe/pull/1739
// Here: impossible: probe_pci() then tries the legacy interface, then the configuration window
TEST(Museum, bar_above_what_is_mapped) {
    using Any = AnyTransport<sim::BarSpace, BarPorts>;
    sim::GuestMemory memory;
    sim::BlockDevice disk{memory.violations(), {}};
    sim::PciBus bus{memory.violations()};
    sim::PciDevice device{memory, disk, sim::PciLayout::transitional()};
    bus.add(PciAddress{0, 3, 0}, device);
    bus.assign();
    bus.map_only_below(std::uint64_t{1} << 32);
    Any transport;
    ASSERT_TRUE(transport.probe_pci(PciFunction<sim::PciBus>{bus, {0, 3, 0}}, bus).ok());
    EXPECT_EQ(transport.kind(), Any::Kind::pci_legacy_ports);
    EXPECT_EQ(transport.attempts().modern.error, Error::pci_not_mapped);
    BlockDevice<Any, 256> driver;
    ASSERT_TRUE(driver.init(transport, memory, {.reset_limit = PollLimit{100}}).ok());
    EXPECT_TRUE(driver.release(memory).ok());
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

// Was: the window's capability reported 16 bytes, without the 4 of its data, so a driver rejected it.
// Hit: Cloud Hypervisor, https://github.com/cloud-hypervisor/cloud-hypervisor/pull/8238
// Here: impossible: a window is used if its 20 bytes exist and belong to no other capability
TEST(Museum, window_without_its_data) {
    sim::PciLayout layout = sim::PciLayout::modern();
    layout.structure(sim::wire::pci::pci_cfg).stated_bytes = 16;
    sim::GuestMemory memory;
    sim::BlockDevice disk{memory.violations(), {}};
    sim::PciBus bus{memory.violations()};
    sim::PciDevice device{memory, disk, layout};
    bus.add(PciAddress{0, 3, 0}, device);
    PciModernTransport<PciConfigWindow<sim::PciBus>> transport;
    ASSERT_TRUE(transport.probe_through_window(PciFunction<sim::PciBus>{bus, {0, 3, 0}}).ok());
    EXPECT_EQ(transport.device_id(), spec::DeviceId::block);
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

// Was: the kernel numbered buses from 0, although the first bus of the host bridge had another number.
// Hit: SerenityOS, https://github.com/SerenityOS/serenity/pull/26577
// Here: impossible: number_buses() takes the buses of the host bridge, and EcamAccess those that are mapped
TEST(Museum, bus_numbers_from_zero) {
    sim::GuestMemory memory;
    sim::BlockDevice disk{memory.violations(), {}};
    sim::PciBus bus{memory.violations()};
    sim::PciBridge port;
    sim::PciDevice device{memory, disk};
    bus.add(PciAddress{0x40, 1, 0}, port);
    port.add(0, 0, device);
    PciWindow window{0x1000'0000, 0x100'0000};
    Result<PciBusRange> const buses = number_buses(bus, {0x40, 0x4f}, {.memory = &window});
    ASSERT_TRUE(buses.ok());
    EXPECT_EQ(buses->last, 0x41);
    PciModernTransport<sim::BarSpace> transport;
    EXPECT_TRUE(transport.probe(PciFunction<sim::PciBus>{bus, {0x41, 0, 0}}, bus).ok());
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

// Was: without SEG_MAX a request had as many segments as the queue; Firecracker accepts one, and did not boot.
// Hit: Nanos, https://github.com/nanovms/nanos/pull/1730
// Here: impossible: without SEG_MAX a request has one data segment, and the rest goes in further requests
TEST(Museum, seg_max_not_offered) {
    DiskMachine<> machine({.disk = {.seg_max = 0, .one_data_segment = true}});
    machine.bring_up();
    sim::Buffer const first = machine.buffer(512);
    sim::Buffer const second = machine.buffer(512);
    Segment const segments[] = {machine.segment(first), machine.segment(second)};
    BlockRequest const request{BlockOperation::read, 4, 0, segments, Token{}};
    ASSERT_TRUE(machine.driver.perform(request, patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(first, 4));
    EXPECT_TRUE(machine.holds(second, 5));
}

// Was: a disk reported a used length of 0 for every request, even for a read.
// Hit: libvmm, https://github.com/au-ts/libvmm/pull/28
// Here: impossible: a length that covers no data is ignored, and the status decides
TEST(Museum, used_length_zero) {
    DiskMachine<> machine({.disk = {.used_length = sim::BlockUsedLength::is_zero}});
    machine.bring_up();
    sim::Buffer const data = machine.buffer(4096);
    ASSERT_TRUE(machine.driver.read(6, machine.segment(data), patience, machine.stepping()).ok());
    EXPECT_TRUE(machine.holds(data, 6));
}

// Was: a live device answered a reset with FAILED and continued, and the driver did not notice.
// Hit: Firecracker, https://github.com/firecracker-microvm/firecracker/issues/3074
// Here: diagnosed: reset_refused, at once, and the pages are kept
TEST(Museum, reset_answered_with_failed) {
    DiskMachine<> machine;
    machine.bring_up();
    machine.device.set_device_reset(sim::DeviceReset::adds_failed);
    std::size_t const pages = machine.memory.pages_outstanding();
    EXPECT_EQ(machine.driver.release(machine.memory, PollLimit{1}).error(), Error::reset_refused);
    EXPECT_EQ(machine.memory.pages_outstanding(), pages);
    machine.device.set_device_reset(sim::DeviceReset::honest);
}

// Was: the reset read as complete, but enabled queues stayed enabled, with a thread that polls them.
// Hit: kvm-host, https://github.com/sysprog21/kvm-host/pull/52
// Here: diagnosed: queue_survived_reset, and the pages are kept
TEST(Museum, queue_enabled_after_reset) {
    PciDisk machine;
    machine.bring_up();
    machine.device.set_device_reset(sim::DeviceReset::keeps_queues);
    EXPECT_EQ(machine.driver.release(machine.memory).error(), Error::queue_survived_reset);
    EXPECT_NE(machine.memory.pages_outstanding(), 0u);
    machine.device.set_device_reset(sim::DeviceReset::honest);
}

// Was: the device stored whatever status the driver wrote, so a driver could clear DEVICE_NEEDS_RESET.
// Hit: Propolis, https://github.com/oxidecomputer/propolis/pull/1064
// Here: impossible: init() reads the status before each step, and DEVICE_NEEDS_RESET ends it
TEST(Museum, needs_reset_overwritten) {
    DiskMachine<> machine;
    machine.device.keep_status_as_written();
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        if (offset == 0x044 && is_write) {
            machine.device.need_reset();  // when the queue is enabled
        }
    });
    EXPECT_EQ(machine.init().error(), Error::init_needs_reset);
    machine.device.before_access(nullptr);
}

}  // namespace
}  // namespace virtq::test
