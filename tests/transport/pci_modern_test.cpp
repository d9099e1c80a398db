// SPDX-License-Identifier: MIT
#include <virtq/transport/pci_modern.hpp>

#include <virtq/device/queue_reset.hpp>
#include <virtq/queue/any_format.hpp>

#include <transport/pci_machine.hpp>

#include <cstdint>
#include <utility>
#include <vector>

namespace virtq::test {

using namespace virtq::detail;

namespace {

constexpr QueueAddresses queue_of_8{8, PhysAddr{0x1000}, PhysAddr{0x2000}, PhysAddr{0x3000}};

// --- probe ---

TEST(PciModernProbe, FindsADisk) {
    PciDiskMachine<> machine;
    EXPECT_FALSE(machine.transport.is_probed());
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_TRUE(machine.transport.is_probed());
    EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::block);
    EXPECT_FALSE(machine.transport.is_legacy());
    EXPECT_EQ(machine.command() & 7, 6);  // memory space and bus master; ports were not requested
    for (auto const& mapping : machine.bus.mappings()) {
        EXPECT_EQ(mapping.space, sim::PciAddressSpace::memory);
    }
    EXPECT_EQ(machine.bus.mappings().size(), 4u);  // one for each structure, and none is larger than its structure
}

TEST(PciModernProbe, FindsATransitionalDisk) {
    PciDiskMachine<> machine({.layout = sim::PciLayout::transitional()});
    machine.bring_up();
    machine.expect_works();
}

TEST(PciModernProbe, DropsThePreviousDevice) {
    PciDiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_EQ(machine.transport.probe(Function{machine.bus, {0, 9, 0}}, machine.bus).error(),
              Error::pci_function_absent);
    EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::none);
    EXPECT_FALSE(machine.transport.is_probed());
    EXPECT_EQ(machine.init().error(), Error::transport_not_probed);
    machine.bring_up();  // and again
    machine.expect_works();
}

TEST(PciModernProbe, ReportsWhatIsAbsent) {
    PciDiskMachine<> legacy({.layout = sim::PciLayout::legacy()});
    EXPECT_EQ(legacy.probe().error(), Error::pci_modern_absent);
    legacy.device.config().poke(wire::vendor_id, 0x8086, 2);
    EXPECT_EQ(legacy.probe().error(), Error::not_virtio);
}

TEST(PciModernProbe, ReportsABrokenList) {
    PciDiskMachine<> machine;
    machine.device.loop_capabilities();
    EXPECT_EQ(machine.probe().error(), Error::pci_capability_list_broken);
    EXPECT_EQ(machine.device.bar_accesses(), 0u);
}

TEST(PciModernProbe, RejectsAStructureOutsideItsBar) {
    PciDiskMachine<> machine;
    machine.device.claim(wire::common_cfg, {wire::common_cfg, 4, 0xffff'fffc, 0x38});
    EXPECT_EQ(machine.probe().error(), Error::pci_structure_invalid);
    EXPECT_EQ(machine.device.bar_accesses(), 0u);
}

// openbios#6, managarm#1236: the bus master bit was never set, or did not stay set.
TEST(PciModernProbe, VerifiesTheCommandRegister) {
    for (std::uint16_t const refused : {wire::command_bus_master, wire::command_memory}) {
        PciDiskMachine<> machine({.assigned = refused != wire::command_memory});
        machine.device.refuse_command(refused);
        PciWindow memory{0xfe00'0000, 0x10'0000};
        EXPECT_EQ(machine.probe({.memory = &memory}).error(), Error::pci_command_refused);
        EXPECT_FALSE(machine.transport.is_probed());
        EXPECT_EQ(machine.init().error(), Error::transport_not_probed);
    }
}

TEST(PciModernProbe, ReportsEachFailedMapping) {
    for (std::size_t n = 0; n < 4; ++n) {
        PciDiskMachine<> machine;
        machine.bus.fail_mapping(n);
        std::uint16_t const command = machine.command();
        EXPECT_EQ(machine.probe().error(), Error::pci_not_mapped);
        EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::none);
        EXPECT_FALSE(machine.transport.is_probed());
        EXPECT_EQ(machine.command(), command);
        EXPECT_EQ(machine.device.bar_accesses(), 0u);
        machine.bring_up();  // the next attempt works
        machine.expect_works();
    }
}

// unikraft#1743: the BAR was not mapped, so the status read as 0xff, and the driver waited for 0 for ever.
TEST(PciModernProbe, ReportsAGoneDevice) {
    PciDiskMachine<> machine;
    machine.device.before_access([&](sim::PciTarget, bool) { machine.device.vanish(); });
    EXPECT_EQ(machine.probe().error(), Error::device_gone);
    EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::none);
    EXPECT_TRUE(machine.transport.is_probed());  // diag/ may inspect it
    EXPECT_EQ(machine.init().error(), Error::transport_not_probed);
}

// asterinas#3477: no firmware has given the BARs addresses.
TEST(PciModernProbe, PlacesUnassignedBars) {
    PciDiskMachine<> machine({.assigned = false});
    EXPECT_EQ(machine.probe().error(), Error::pci_bar_unassigned);
    EXPECT_EQ(machine.command(), 0);  // the device must not decode a BAR at 0

    PciWindow small{0x4000'0000, 0x1000};
    EXPECT_EQ(machine.probe({.memory = &small}).error(), Error::pci_window_full);
    EXPECT_EQ(machine.command(), 0);

    PciWindow memory{0x5000'0000, 0x10'0000};
    ASSERT_TRUE(machine.probe({.memory = &memory}).ok());
    EXPECT_EQ(machine.device.bar(4).address(), 0x5000'0000u);
    EXPECT_EQ(machine.device.bar(1).address(), 0x4000'0000u);  // the address that the probe before gave it
    std::uint64_t const left = memory.left();
    ASSERT_TRUE(machine.probe({.memory = &memory}).ok());
    EXPECT_EQ(memory.left(), left);
    machine.bring_up();
    machine.expect_works();
}

TEST(PciModernProbe, AssertsThatTheTransportIsFree) {
    PciDiskMachine<> machine;
    machine.bring_up();
    EXPECT_TRUE(machine.transport.is_in_use());
    EXPECT_BREACH(machine.probe(), "Give each device a transport of its own");
    EXPECT_BREACH(use_msix(machine.transport, machine.function, machine.bus, {}), "between probe() and init()");
    ASSERT_TRUE(machine.driver.release(machine.pages).ok());
    EXPECT_FALSE(machine.transport.is_in_use());
    EXPECT_TRUE(machine.probe().ok());
}

// Solo5#491: firmware had used the disk, and the driver skipped the reset.
TEST(PciModernProbe, TakesOverADeviceLeftLive) {
    PciDiskMachine<> machine;
    PciModernTransport<sim::BarSpace> firmware;
    BlockDevice<PciModernTransport<sim::BarSpace>, 64> its_driver;
    ASSERT_TRUE(firmware.probe(machine.function, machine.bus).ok());
    MsiMessage const message{0xfee0'0000, 0x30};
    ASSERT_TRUE(firmware.use_msix(machine.function, machine.bus, {&message, 1}).ok());
    ASSERT_TRUE(its_driver.init(firmware, machine.memory, {.reset_limit = PollLimit{100}}).ok());
    machine.bus.write16(machine.function.address(), wire::command,
                        static_cast<std::uint16_t>(machine.command() | wire::command_intx_disable));

    machine.bring_up();  // resets the device and disables MSI-X
    EXPECT_FALSE(is_msix_enabled(machine.function));
    static_cast<void>(machine.driver.enable_used_notifications());
    machine.expect_works();
    EXPECT_TRUE(machine.device.interrupt_line());
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_TRUE(machine.device.messages().empty());
    ASSERT_TRUE(machine.driver.release(machine.pages).ok());
    ASSERT_TRUE(its_driver.release(machine.memory).ok());
}

TEST(PciModernTransport, SupportsWhatItsRegistersHold) {
    struct Row {
        std::uint32_t bytes;
        bool reset;
        bool names;
    };
    for (Row const& row : {Row{0x38, false, false}, Row{0x39, false, false}, Row{0x3a, false, true},
                           Row{0x3b, false, true}, Row{0x3c, true, true}, Row{0x40, true, true}}) {
        sim::PciLayout layout = sim::PciLayout::modern();
        layout.structure(wire::common_cfg).length = row.bytes;
        PciDiskMachine<> machine({.disk = {.ring_reset = true}, .layout = layout});
        ASSERT_TRUE(machine.probe().ok());
        Features const possible = machine.transport.possible_features();
        EXPECT_EQ(possible.has(spec::Feature::ring_reset), row.reset) << row.bytes;
        EXPECT_EQ(possible.has(spec::Feature::notif_config_data), row.names) << row.bytes;
        EXPECT_TRUE(possible.has(spec::Feature::sr_iov));
        EXPECT_TRUE(possible.has_bit(127));
        machine.bring_up();  // touches no register beyond the structure
        machine.expect_works();
    }
}

TEST(PciModernTransport, RemembersTheFeaturesOkRequest) {
    PciDiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_FALSE(machine.transport.record().has_asked_features_ok());
    machine.device.refuse_features_ok();
    EXPECT_EQ(machine.init().error(), Error::features_refused);
    EXPECT_TRUE(machine.transport.record().has_asked_features_ok());
    machine.device.refuse_features_ok(false);
    machine.transport.set_status(DeviceStatus{});
    EXPECT_FALSE(machine.transport.record().has_asked_features_ok());
    machine.bring_up();
    EXPECT_TRUE(machine.transport.record().has_asked_features_ok());
}

// --- queues ---

TEST(PciModernQueue, IsConfiguredAndRead) {
    PciDiskMachine<> machine;
    machine.bring_up();
    EXPECT_EQ(machine.device.status_history(), (std::vector<std::uint32_t>{0, 1, 3, 11, 15}));
    EXPECT_EQ(machine.driver.queue_size(), 64);
    EXPECT_TRUE(machine.transport.is_queue_in_use(0));
    machine.expect_works();
}

// sddf#769, zephyr#112757, unikraft#1796: drivers chose sizes that the device does not allow.
TEST(PciModernQueue, AgreesOnASize) {
    struct Row {
        std::uint16_t maximum;
        bool ignores;
        std::uint16_t size;  ///< 0: `error`
        Error error = Error::none;
    };
    for (Row const& row : {
             Row{0, false, 0, Error::queue_absent},
             Row{3, false, 0, Error::queue_too_small},  // rounded down to 2, a power of two
             Row{8, false, 8},
             Row{16, true, 16},
             Row{63, false, 32},
             Row{63, true, 0, Error::queue_size_fixed_no_power_of_two},  // the device keeps 63
             Row{64, true, 64},
             Row{128, false, 64},
             Row{128, true, 0, Error::queue_size_above_capacity},
             Row{32768, false, 64},
             Row{65535, false, 64},
             Row{65535, true, 0, Error::queue_size_above_maximum},
         }) {
        PciDiskMachine<> machine;
        ASSERT_TRUE(machine.probe().ok());
        machine.device.set_queue_size_max(row.maximum);
        machine.device.ignore_queue_size(row.ignores);
        Status const up = machine.init();
        EXPECT_EQ(up.error(), row.error) << row.maximum << (row.ignores ? " fixed" : "");
        if (up) {
            EXPECT_EQ(machine.driver.queue_size(), row.size);
            machine.expect_works();
        } else {
            EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
        }
    }
}

struct PackedTraits : BlockTraits {
    using Format = Packed;
};
struct NegotiatedTraits : BlockTraits {
    using Format = AnyFormat;
};

// The negotiated packed ring accepts a size that is not a power of two (faults A11).
TEST(PciModernQueue, AgreesOnANegotiatedSize) {
    for (bool const packed : {false, true}) {
        PciDiskMachine<Modern, 64, NegotiatedTraits> machine({.disk = {.packed = packed}});
        ASSERT_TRUE(machine.probe().ok());
        machine.device.set_queue_size_max(7);
        ASSERT_TRUE(machine.init().ok());
        EXPECT_EQ(machine.driver.queue_size(), packed ? 7 : 4);
        machine.expect_works();
    }
}

TEST(PciModernQueue, AgreesOnAPackedSize) {
    struct Row {
        std::uint16_t maximum;
        bool ignores;
        std::uint16_t size;
        Error error = Error::none;
    };
    for (Row const& row : {
             Row{2, false, 0, Error::queue_too_small},
             Row{3, false, 3},  // header, data, status (faults A11)
             Row{5, false, 5},
             Row{63, true, 63},
             Row{65535, false, 64},
             Row{0, false, 0, Error::queue_absent},
         }) {
        PciDiskMachine<Modern, 64, PackedTraits> machine({.disk = {.packed = true}});
        ASSERT_TRUE(machine.probe().ok());
        machine.device.set_queue_size_max(row.maximum);
        machine.device.ignore_queue_size(row.ignores);
        Status const up = machine.init();
        EXPECT_EQ(up.error(), row.error) << row.maximum;
        if (up) {
            EXPECT_EQ(machine.driver.queue_size(), row.size);
            machine.expect_works();
        }
    }
}

/// A driver with a queue of its own, on a device with every register.
template <class Format = AnyFormat>
class QueueMachine {
public:
    explicit QueueMachine(sim::BlockOptions const& disk, sim::PciLayout const& layout = sim::PciLayout::modern())
        : machine({.disk = disk, .layout = layout}) {
        EXPECT_TRUE(machine.probe().ok());
    }
    Status negotiate(Features extra) {
        negotiation.wanted = AnyFormat::wanted | extra;
        return init.negotiate(negotiation, PollLimit{100}, relax);
    }
    Status set_up() { return init.set_up_queue(0, queue, machine.memory, negotiation.negotiated); }
    ~QueueMachine() {
        machine.transport.set_status(DeviceStatus{});
        if (queue.size() != 0) {
            queue.detach();
            EXPECT_TRUE(queue.release(machine.memory).ok());
        }
    }
    /// Reads sector 0. The device serves it only if it was notified.
    void expect_works() {
        sim::Buffer const header = machine.memory.allocate_buffer(16);
        sim::Buffer const data = machine.memory.allocate_buffer(512);
        sim::Buffer const status = machine.memory.allocate_buffer(1);
        std::memset(header.virt, 0, 16);
        Segment const readable[] = {{header.phys, 16}};
        Segment const writable[] = {{data.phys, 512}, {status.phys, 1}};
        ASSERT_TRUE(queue.add(readable, writable, Token{7}).ok());
        Notification const notification = queue.publish();
        ASSERT_TRUE(notification.needed);
        machine.transport.notify(0, notification.next);
        machine.device.step();
        Completion const done = queue.take_used();
        EXPECT_EQ(done.token.value(), 7u);
        EXPECT_EQ(done.written, 513u);
    }

    PciDiskMachine<> machine;
    DeviceInit<Modern> init{machine.transport};
    Negotiation negotiation;
    VirtQueue<16, Format> queue;
    SpinRelax relax;
};

TEST(PciModernQueue, KeepsTheSizeOfItsPages) {
    QueueMachine<> with({});
    ASSERT_TRUE(with.negotiate({}).ok());
    EXPECT_EQ(with.machine.transport.choose_queue_size(0, 16), 16u);
    with.machine.device.ignore_queue_size();
    EXPECT_EQ(with.machine.transport.enable_queue(0, queue_of_8).error(), Error::queue_size_not_taken);
    EXPECT_FALSE(with.machine.transport.is_queue_in_use(0));
}

TEST(PciModernQueue, ReportsARejectedQueue) {
    PciDiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    machine.device.refuse_queue_enable();
    EXPECT_EQ(machine.init().error(), Error::queue_not_accepted);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
}

TEST(PciModernQueue, IsLimitedByTheTransport) {
    using Small = PciModernTransport<sim::BarSpace, 1>;
    PciDiskMachine<Small, 64, FourQueues> machine({.disk = {.queues = 2}});
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_EQ(machine.init().error(), Error::queue_above_transport);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    EXPECT_BREACH(machine.transport.notify(1), "not enabled");
}

TEST(PciModernQueue, AssertsThatItIsEnabled) {
    PciDiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_BREACH(machine.transport.notify(0), "not enabled");
    EXPECT_BREACH(machine.transport.notify(8), "not enabled");
}

TEST(PciModernQueue, IsFoundInUse) {
    QueueMachine<> with({});
    ASSERT_TRUE(with.negotiate({}).ok());
    ASSERT_TRUE(with.set_up().ok());
    VirtQueue<16> second;
    EXPECT_EQ(with.init.set_up_queue(0, second, with.machine.memory, with.negotiation.negotiated).error(),
              Error::queue_in_use);
}

TEST(PciModernQueue, MayBeAbsent) {
    QueueMachine<> with({});
    ASSERT_TRUE(with.negotiate({}).ok());
    VirtQueue<16> second;
    EXPECT_EQ(with.init.set_up_queue(1, second, with.machine.memory, with.negotiation.negotiated).error(),
              Error::queue_absent);
}

TEST(PciModernQueue, IsSelectedInEachCall) {
    PciDiskMachine<Modern, 64, FourQueues> machine({.disk = {.ring_reset = true, .queues = 2}});
    ASSERT_TRUE(machine.probe().ok());
    Negotiation negotiation;
    negotiation.wanted = Features::of(spec::Feature::ring_reset);
    DeviceInit<Modern> init{machine.transport};
    SpinRelax relax;
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{10}, relax).ok());
    VirtQueue<64> queues[2];
    ASSERT_TRUE(init.set_up_queue(0, queues[0], machine.memory, negotiation.negotiated).ok());
    ASSERT_TRUE(init.set_up_queue(1, queues[1], machine.memory, negotiation.negotiated).ok());
    ASSERT_TRUE(init.go_live().ok());
    Modern& transport = machine.transport;
    EXPECT_EQ(transport.queue_size_max(0), 64u);
    transport.reset_queue(1);
    EXPECT_TRUE(transport.is_queue_in_use(0));
    EXPECT_FALSE(transport.is_queue_reset(0));
    EXPECT_TRUE(transport.is_queue_in_use(0));
    EXPECT_TRUE(transport.is_queue_reset(1));
    EXPECT_TRUE(transport.is_queue_in_use(0));
    EXPECT_EQ(transport.choose_queue_size(1, 8), 8u);
    EXPECT_EQ(transport.queue_size_max(0), 64u);
    transport.set_status(DeviceStatus{});
    for (auto& queue : queues) {
        queue.detach();
        EXPECT_TRUE(queue.release(machine.memory).ok());
    }
}

// --- doorbells (§4.1.4.4) ---

TEST(PciModernDoorbell, IsWhereTheDevicePutsIt) {
    for (std::uint32_t const multiplier : {0u, 2u, 4u, 1024u}) {
        sim::PciLayout layout = sim::PciLayout::modern();
        layout.notify_off_multiplier = multiplier;
        layout.notify_off = {3, 0, 1, 2};
        PciDiskMachine<Modern, 64, FourQueues> machine({.disk = {.queues = 4}, .layout = layout});
        machine.bring_up();
        ASSERT_EQ(machine.driver.queue_count(), 4);
        for (std::uint16_t queue = 0; queue < 4; ++queue) {
            sim::Buffer const data = machine.buffer(512);
            Segment const segment = machine.segment(data);
            ASSERT_TRUE(machine.driver
                            .perform({BlockOperation::read, queue, 0, {&segment, 1}, {}}, PollLimit{100},
                                     machine.stepping(), queue)
                            .ok())
                << multiplier;
            EXPECT_TRUE(machine.holds(data, queue));
            EXPECT_EQ(machine.device.notifications(queue), 1u);
        }
    }
}

TEST(PciModernDoorbell, StaysInItsStructure) {
    struct Row {
        std::uint32_t multiplier;
        std::uint16_t offset;
        std::uint32_t length;
        bool data;
        bool fits;
        std::uint32_t place = 0x3000;
    };
    for (Row const& row : {
             Row{0, 0xffff, 2, false, true},
             Row{4, 1, 6, false, true},
             Row{4, 1, 5, false, false},
             Row{4, 0x3ff, 0x1000, false, true},
             Row{4, 0x400, 0x1000, false, false},
             Row{0xffff'ffff, 0xffff, 0x1000, false, false},
             Row{0x8000'0000, 2, 0x1000, false, false},  // 2^32: 0 in 32 bits
             Row{1, 1, 0x1000, false, false},            // misaligned
             Row{3, 2, 0x1000, false, true},
             Row{1, 2, 0x1000, true, false},  // of 32 bits
             Row{2, 2, 0x1000, true, true},
             Row{4, 1, 6, true, false},
             Row{4, 1, 8, true, true},
             Row{4, 1, 7, true, false},
             // §4.1.4.4.1: the address in the BAR must be a multiple of 4.
             Row{4, 1, 0x100, true, false, 0x3002},
             Row{2, 1, 0x100, true, true, 0x3002},
             Row{4, 1, 0x100, false, true, 0x3002},
         }) {
        sim::PciLayout layout = sim::PciLayout::modern();
        layout.notify_off_multiplier = row.multiplier;
        layout.notify_off = {row.offset};
        layout.structure(wire::notify_cfg).length = row.length;
        layout.structure(wire::notify_cfg).offset = row.place;
        QueueMachine<> with({.notification_data = row.data}, layout);
        ASSERT_TRUE(with.negotiate(Features::of(spec::Feature::notification_data)).ok());
        ASSERT_EQ(with.negotiation.negotiated.has(spec::Feature::notification_data), row.data);
        EXPECT_EQ(with.set_up().error(), row.fits ? Error::none : Error::pci_structure_invalid)
            << row.multiplier << " * " << row.offset << " in " << row.length << " at " << row.place;
        if (row.fits) {
            ASSERT_TRUE(with.init.go_live().ok());
            with.expect_works();
        }
    }
}

TEST(PciModernDoorbell, CarriesNotificationData) {
    for (bool const packed : {false, true}) {
        QueueMachine<> with({.packed = packed, .notification_data = true});
        ASSERT_TRUE(with.negotiate(Features::of(spec::Feature::notification_data)).ok());
        ASSERT_TRUE(with.set_up().ok());
        ASSERT_TRUE(with.init.go_live().ok());
        for (int i = 0; i < 40; ++i) {  // more than two laps
            with.expect_works();
        }
        EXPECT_BREACH(with.machine.transport.notify(0), "NOTIFICATION_DATA");
    }
}

TEST(PciModernDoorbell, UsesTheNotifConfigData) {
    for (bool const data : {false, true}) {
        QueueMachine<> with({.notification_data = data});
        with.machine.device.offer(39);  // NOTIF_CONFIG_DATA
        with.machine.device.set_notif_config_data(0xbeef);
        ASSERT_TRUE(
            with.negotiate(Features::of(spec::Feature::notification_data, spec::Feature::notif_config_data)).ok());
        ASSERT_TRUE(with.negotiation.negotiated.has(spec::Feature::notif_config_data));
        ASSERT_TRUE(with.set_up().ok());
        ASSERT_TRUE(with.init.go_live().ok());
        with.expect_works();
        // Negotiates again without the feature.
        ASSERT_TRUE(reset_device(with.machine.transport, PollLimit{10}, with.relax).ok());
        with.queue.detach();
        ASSERT_TRUE(with.negotiate({}).ok());
        ASSERT_TRUE(with.init.resume_queue(0, with.queue, with.negotiation.negotiated).ok());
        ASSERT_TRUE(with.init.go_live().ok());
        with.expect_works();
    }
}

// The transport learns the highest queue from the first one enabled, and keeps it when a lower one follows.
TEST(PciModernDoorbell, IsFoundInAnyOrder) {
    QueueMachine<> with({.queues = 18});
    ASSERT_TRUE(with.negotiate({}).ok());
    VirtQueue<16> lower;
    sim::GuestMemory& memory = with.machine.memory;
    ASSERT_TRUE(with.init.set_up_queue(17, with.queue, memory, with.negotiation.negotiated).ok());
    ASSERT_TRUE(with.init.set_up_queue(16, lower, memory, with.negotiation.negotiated).ok());
    ASSERT_TRUE(with.init.go_live().ok());
    for (std::uint16_t const queue : {std::uint16_t{16}, std::uint16_t{17}}) {
        with.machine.transport.notify(queue);
        EXPECT_EQ(with.machine.device.notifications(queue), 1u);
    }
    EXPECT_BREACH(with.machine.transport.notify(18), "not enabled");
    with.machine.transport.set_status(DeviceStatus{});
    lower.detach();
    EXPECT_TRUE(lower.release(memory).ok());
}

// The transport stores no notification data for queues above 15.
TEST(PciModernDoorbell, LacksNotifConfigDataAbove16) {
    for (bool const named : {false, true}) {
        QueueMachine<> with({.queues = 17});
        with.machine.device.offer(39);  // NOTIF_CONFIG_DATA
        with.machine.device.set_notif_config_data(named ? 0xbeef : 16, 16);
        ASSERT_TRUE(with.negotiate(Features::of(spec::Feature::notif_config_data)).ok());
        EXPECT_EQ(with.init.set_up_queue(16, with.queue, with.machine.memory, with.negotiation.negotiated).error(),
                  named ? Error::queue_above_transport : Error::none);
    }
}

// The doorbell of queue 16 is aligned. With a multiplier of 2 those of the odd queues below it are not.
TEST(PciModernDoorbell, IsAlignedForAllQueuesBelow) {
    for (std::uint32_t const multiplier : {2u, 4u}) {
        sim::PciLayout layout = sim::PciLayout::modern();
        layout.notify_off_multiplier = multiplier;
        QueueMachine<> with({.notification_data = true, .queues = 17}, layout);
        ASSERT_TRUE(with.negotiate(Features::of(spec::Feature::notification_data)).ok());
        EXPECT_EQ(with.init.set_up_queue(16, with.queue, with.machine.memory, with.negotiation.negotiated).error(),
                  multiplier == 2 ? Error::queue_above_transport : Error::none);
    }
}

// --- reset of a queue (§2.6.1) ---

TEST(PciModernQueueReset, RestartsAQueue) {
    QueueMachine<> with({.ring_reset = true});
    ASSERT_TRUE(with.negotiate(Features::of(spec::Feature::ring_reset)).ok());
    ASSERT_TRUE(with.negotiation.negotiated.has(spec::Feature::ring_reset));
    ASSERT_TRUE(with.set_up().ok());
    ASSERT_TRUE(with.init.go_live().ok());
    with.expect_works();
    with.machine.device.queue_reset_takes(5);
    ASSERT_TRUE(reset_queue(with.machine.transport, 0, with.queue, PollLimit{10}, with.relax).ok());
    ASSERT_TRUE(enable_queue_again(with.machine.transport, 0, with.queue, 8, with.negotiation.negotiated).ok());
    EXPECT_EQ(with.queue.size(), 8);
    with.expect_works();
    with.machine.device.queue_reset_takes(sim::PciDevice::never);
    EXPECT_EQ(reset_queue(with.machine.transport, 0, with.queue, PollLimit{10}, with.relax).error(),
              Error::queue_reset_failed);
    with.machine.hostile = true;  // the test resets it with the device
}

TEST(PciModernQueueReset, WaitsUntilTheQueueIsDisabled) {
    QueueMachine<> with({.ring_reset = true});
    ASSERT_TRUE(with.negotiate(Features::of(spec::Feature::ring_reset)).ok());
    ASSERT_TRUE(with.set_up().ok());
    ASSERT_TRUE(with.init.go_live().ok());
    EXPECT_FALSE(with.machine.transport.is_queue_reset(0));
    with.machine.device.set_queue_reset(sim::QueueReset::ignored);
    EXPECT_EQ(reset_queue(with.machine.transport, 0, with.queue, PollLimit{10}, with.relax).error(),
              Error::queue_reset_failed);
}

TEST(PciModernQueueReset, NeedsTheRegister) {
    sim::PciLayout layout = sim::PciLayout::modern();
    layout.structure(wire::common_cfg).length = 0x38;
    QueueMachine<> with({.ring_reset = true}, layout);
    ASSERT_TRUE(with.negotiate(Features::of(spec::Feature::ring_reset)).ok());
    EXPECT_FALSE(with.negotiation.negotiated.has(spec::Feature::ring_reset));
    ASSERT_TRUE(with.set_up().ok());
    ASSERT_TRUE(with.init.go_live().ok());
    EXPECT_EQ(reset_queue(with.machine.transport, 0, with.queue, PollLimit{10}, with.relax).error(),
              Error::queue_reset_failed);
    with.expect_works();
}

// --- interrupts ---

TEST(PciModernInterrupt, IsAcknowledgedByTheRead) {
    PciDiskMachine<> machine;
    machine.bring_up();
    InterruptCause cause = machine.transport.on_interrupt();
    EXPECT_FALSE(cause.used_buffer || cause.config_change);  // another device on the line interrupted

    machine.device.interrupt_unasked(1);
    ASSERT_TRUE(machine.device.interrupt_line());
    cause = machine.transport.on_interrupt();
    EXPECT_TRUE(cause.used_buffer);
    EXPECT_FALSE(cause.config_change);
    EXPECT_FALSE(machine.device.interrupt_line());

    machine.device.change_config([&] { machine.disk.set_sectors(4096); });
    machine.device.interrupt_unasked(1);
    cause = machine.transport.on_interrupt();
    EXPECT_TRUE(cause.used_buffer && cause.config_change);
    EXPECT_TRUE(*machine.driver.on_config_change());
    EXPECT_EQ(machine.driver.capacity_sectors(), 4096u);
}

TEST(PciModernInterrupt, HasNoCauseOnceGone) {
    PciDiskMachine<> machine;
    machine.bring_up();
    machine.device.vanish();
    InterruptCause const cause = machine.transport.on_interrupt();
    EXPECT_FALSE(cause.used_buffer || cause.config_change);
    machine.device.vanish(false);
    machine.device.interrupt_unasked(0xfd);  // reserved bits
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
}

// hermit#2231: a driver never read the ISR status, and the shared line stayed asserted.
TEST(PciModernInterrupt, IsNotTakenFromAnotherDevice) {
    PciDiskMachine<> machine;
    sim::PciDevice neighbour(machine.memory, machine.disk);
    machine.bus.add(PciAddress{0, 4, 0}, neighbour);
    machine.bring_up();
    neighbour.interrupt_unasked(1);
    EXPECT_FALSE(machine.transport.on_interrupt().used_buffer);
    EXPECT_TRUE(neighbour.interrupt_line());                  // not acknowledged by this driver
    ASSERT_TRUE(machine.driver.release(machine.pages).ok());  // before the neighbour leaves the bus
}

TEST(PciModernInterrupt, StormBlocksNobody) {
    PciDiskMachine<> machine;
    machine.bring_up();
    machine.device.storm(1);
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
        EXPECT_NE(machine.driver.take_completed().state, CompletionState::ready);
    }
    machine.expect_works();
    machine.device.storm(0);
}

// asterinas#2493, toro#178: a completion came between the last poll and the sleep.
TEST(PciModernInterrupt, IsNotLostBeforeASleep) {
    PciDiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segment = machine.segment(data);
    ASSERT_TRUE(machine.driver.submit_read(0, {&segment, 1}, Token{1}).ok());
    machine.driver.kick_device();
    EXPECT_NE(machine.driver.take_completed().state, CompletionState::ready);  // nothing yet
    machine.device.step();  // the completion comes while notifications are disabled
    EXPECT_FALSE(machine.device.interrupt_line());
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::no);
    EXPECT_EQ(machine.driver.take_completed().state, CompletionState::ready);
    EXPECT_EQ(machine.driver.enable_used_notifications(), MaySleep::yes);
    ASSERT_TRUE(machine.driver.submit_read(0, {&segment, 1}, Token{2}).ok());
    machine.driver.kick_device();
    machine.device.step();
    EXPECT_TRUE(machine.device.interrupt_line());
    EXPECT_TRUE(machine.transport.on_interrupt().used_buffer);
    EXPECT_EQ(machine.driver.take_completed().token.value(), 2u);
}

// --- configuration ---

TEST(PciModernConfig, IsReadAgainAfterAChange) {
    PciDiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    machine.device.unsettle_config(3);
    ASSERT_TRUE(machine.init().ok());
    ASSERT_TRUE(machine.driver.release(machine.pages).ok());
    machine.device.unsettle_config();
    EXPECT_EQ(machine.init().error(), Error::config_unstable);
    machine.device.unsettle_config(0);
    machine.bring_up();
}

TEST(PciModernConfig, ReadsZeroBeyondItsEnd) {
    sim::PciLayout layout = sim::PciLayout::modern();
    layout.structure(wire::device_cfg).length = 0x18;
    PciDiskMachine<> machine({.disk = {.config_wce = true, .topology = true}, .layout = layout});
    ASSERT_TRUE(machine.probe().ok());
    Modern& transport = machine.transport;
    transport.set_status(DeviceStatus{});
    EXPECT_EQ(transport.read_config32(0), 2048u);
    EXPECT_EQ(transport.read_config32(0x18), 0u);
    EXPECT_EQ(transport.read_config16(0x17), 0u);
    EXPECT_EQ(transport.read_config16(0x18), 0u);
    EXPECT_EQ(transport.read_config8(0x18), 0u);
    EXPECT_EQ(transport.read_config8(0xffff), 0u);
    EXPECT_EQ(transport.read_config16(0xffff), 0u);
    EXPECT_EQ(transport.read_config32(0xfffe), 0u);
    std::size_t const accesses = machine.device.bar_accesses();
    transport.write_config8(0x18, 1);
    transport.write_config8(0xffff, 1);
    transport.write_config16(0x17, 1);
    transport.write_config16(0xffff, 1);
    transport.write_config32(0x15, 1);
    transport.write_config32(0xfffe, 1);
    EXPECT_EQ(machine.device.bar_accesses(), accesses);
    machine.bring_up();
    machine.expect_works();
}

TEST(PciModernConfig, IsAccessedInFieldWidths) {
    PciDiskMachine<Modern, 64, FourQueues> machine(
        {.disk = {
             .config_wce = true, .blk_size = 4096, .seg_max = 8, .topology = true, .geometry = true, .queues = 3}});
    machine.bring_up();
    EXPECT_EQ(machine.driver.queue_count(), 3);  // 16 bits
    EXPECT_EQ(machine.driver.block_bytes(), 4096u);
    ASSERT_TRUE(machine.driver.set_cache_mode(BlockCacheMode::writethrough).ok());
    EXPECT_EQ(machine.driver.cache_mode(), BlockCacheMode::writethrough);
}

// §4.1.4.6: a disk has a configuration. Devices of other types may have none (faults A10).
TEST(PciModernConfig, IsNeededByADisk) {
    sim::PciLayout layout = sim::PciLayout::modern();
    std::erase_if(layout.structures, [](auto const& one) { return one.type == wire::device_cfg; });
    PciDiskMachine<> machine({.layout = layout});
    ASSERT_TRUE(machine.probe().ok());
    EXPECT_EQ(machine.transport.read_config8(0), 0);
    EXPECT_EQ(machine.transport.check_config(0).error(), Error::config_absent);
    EXPECT_EQ(machine.init().error(), Error::config_absent);
    EXPECT_EQ(machine.driver.capacity_sectors(), 0u);
}

// --- failures ---

TEST(PciModernReset, TimesOut) {
    PciDiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    machine.device.reset_takes(sim::PciDevice::never);
    EXPECT_EQ(machine.init().error(), Error::reset_timed_out);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    machine.device.reset_takes(20);
    machine.bring_up();
    machine.expect_works();
}

TEST(PciModernFeatures, CanBeRefused) {
    PciDiskMachine<> machine;
    ASSERT_TRUE(machine.probe().ok());
    machine.device.refuse_features_ok();
    EXPECT_EQ(machine.init().error(), Error::features_refused);
    machine.device.refuse_features_ok(false);
    machine.device.offer(32, false);
    EXPECT_EQ(machine.init().error(), Error::feature_required_not_offered);
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
}

// §6.1: a driver SHOULD accept the feature, and none of the drivers here did (faults B9).
TEST(PciModern, AcceptsNotifConfigData) {
    PciDiskMachine<> machine;
    machine.device.offer(39);
    machine.device.set_notif_config_data(0x1234);
    machine.bring_up();
    EXPECT_TRUE(machine.driver.negotiation().negotiated.has(spec::Feature::notif_config_data));
    machine.expect_works();
    ASSERT_TRUE(machine.driver.release(machine.pages).ok());
    machine.bring_up({.unwanted = Features::of(spec::Feature::notif_config_data), .reset_limit = PollLimit{100}});
    EXPECT_FALSE(machine.driver.negotiation().negotiated.has(spec::Feature::notif_config_data));
    machine.expect_works();
}

}  // namespace
}  // namespace virtq::test
