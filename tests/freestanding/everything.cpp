// SPDX-License-Identifier: MIT
//
// A kernel that uses everything public, so that a compiler has to make code of all of it. It is compiled and looked
// at, never run: `prove` reads from the object file what it asks a kernel for and where its objects are. Objects
// called global_… must be in .bss.
#include <virtq/diag/diag.hpp>
#include <virtq/virtq.hpp>

#include <stddef.h>
#include <stdint.h>

// A kernel has globals of these names. The headers must not warn about them (-Wshadow).
extern int transport, device, disk, function, pages;

namespace kernel {

/// The compiler must make the value, and may assume nothing about what becomes of it.
template <class Value>
void use(Value const& value) {
    asm volatile("" ::"r"(&value) : "memory");
}

/// A value that the compiler cannot know.
template <class Value>
Value unknown() {
    Value value{};
    asm volatile("" ::"r"(&value) : "memory");
    return value;
}

/// An IOMMU of a kind.
struct Mapper {
    virtq::Result<virtq::PhysAddr> map(virtq::PhysAddr address, uint32_t, virtq::DmaDirection) {
        return address + 4096;
    }
    void unmap(virtq::PhysAddr, uint32_t, virtq::DmaDirection) {}
};

struct MappedTraits : virtq::BlockTraits {
    using Mapper = kernel::Mapper;
    static constexpr uint16_t queue_count_max = 2;
};

struct NegotiatedTraits : virtq::BlockTraits {
    using Format = virtq::AnyFormat;
};

struct PortTraits : virtq::ConsoleTraits {
    using Format = virtq::AnyFormat;
    static constexpr uint32_t port_max = 4;
};

struct PairTraits : virtq::NetTraits {
    using Format = virtq::AnyFormat;
    using Mapper = kernel::Mapper;
    static constexpr uint16_t pair_max = 4;
    static constexpr bool large_packets = true;
};

struct OwnBufferTraits : virtq::NetTraits {
    static constexpr bool own_buffers = true;
};

/// Pages of a fixed pool, physical addresses apart from virtual ones.
class Pool {
public:
    virtq::Pages allocate_pages(size_t count) {
        if (count > page_count - taken_) {
            return {};
        }
        unsigned char* const first = memory_ + taken_ * virtq::page_bytes;
        taken_ += count;
        return {first, phys_addr(first), count};
    }
    void free_pages(virtq::Pages pages) { use(pages); }
    virtq::PhysAddr phys_addr(void const* virt) const {
        return virtq::PhysAddr{0x1'0000'0000} + (reinterpret_cast<uintptr_t>(virt) & 0x0fff'ffffu);
    }
    void* virt_of(virtq::PhysAddr phys) { return memory_ + (phys.value & 0xfffu); }
    void pages_leaked(virtq::Pages pages) { use(pages); }

private:
    static constexpr size_t page_count = 64;

    alignas(virtq::page_bytes) unsigned char memory_[page_count * virtq::page_bytes];
    size_t taken_;
};
static_assert(virtq::PageAllocator<Pool> && virtq::TranslatesAddresses<Pool> && virtq::ReportsLeaks<Pool> &&
              virtq::LocatesPages<Pool>);

}  // namespace kernel

kernel::Pool global_pool;
virtq::VirtQueue<256> global_chain_queue;
virtq::VirtQueue<8> global_descriptor_queue;
virtq::VirtQueue<250, virtq::Packed> global_packed_queue;
virtq::VirtQueue<64, virtq::AnyFormat> global_negotiated_queue;
virtq::MmioTransport<> global_transport;
virtq::AnyTransport<> global_any_transport;
virtq::EcamAccess global_config_access;
virtq::PciModernTransport<virtq::PciConfigWindow<virtq::EcamAccess>> global_window_transport;
virtq::BlockDevice<virtq::MmioTransport<>, 128> global_disk;
virtq::DiagnosisRecord global_record;
virtq::BlockDevice<virtq::AnyTransport<>, 8> global_any_disk;
kernel::Mapper global_mapper;
virtq::BlockDevice<virtq::MmioTransport<>, 64, kernel::MappedTraits> global_mapped_disk;
virtq::BlockDevice<virtq::MmioTransport<>, 64, kernel::NegotiatedTraits> global_negotiated_disk;
virtq::ConsoleDevice<virtq::MmioTransport<>> global_console;
virtq::ConsoleDevice<virtq::AnyTransport<>, 16, kernel::PortTraits> global_ports;
virtq::BalloonDevice<virtq::AnyTransport<>> global_balloon;
virtq::InputDevice<virtq::AnyTransport<>> global_input;
virtq::NetDevice<virtq::MmioTransport<>, 64> global_net;
virtq::NetDevice<virtq::AnyTransport<>, 64, kernel::PairTraits> global_pairs;
virtq::NetDevice<virtq::MmioTransport<>, 16, kernel::OwnBufferTraits> global_own_net;

namespace kernel {

template <uint32_t N, class Format>
void life_of(virtq::VirtQueue<N, Format>& queue) {
    virtq::Features const features = unknown<virtq::Features>();
    virtq::Status const brought_up = queue.init(global_pool, unknown<uint32_t>(), features,
                                                {virtq::OverReportedLength::clamp, virtq::RingIndex{0xfff0}});
    use(virtq::describe(brought_up.error()));
    use(queue.addresses());
    use(queue.phys_desc());
    if constexpr (Format::has_fixed_layout) {
        use(queue.pfn());
        use(queue.phys_avail());
        use(queue.phys_used());
    }
    use(queue.pages());
    use(queue.table_pages());
    use(queue.size());
    use(queue.num_free());
    queue.attach();
    use(queue.is_live());
    use(virtq::describe(queue.fault().reason));
    queue.detach();
    use(queue.drain([](virtq::Token token) { use(token); }));
    use(queue.restart(features));
    use(queue.restart(unknown<uint32_t>(), features));
    use(queue.release(global_pool));
}

template <uint32_t N, class Format>
void chain_tier(virtq::VirtQueue<N, Format>& queue) {
    virtq::Segment const readable[] = {unknown<virtq::Segment>(), unknown<virtq::Segment>()};
    virtq::Segment const writable[] = {unknown<virtq::Segment>()};
    use(queue.add(readable, writable, virtq::Token{&queue}));
    use(queue.add(readable, {}, virtq::Token{1}));
    use(queue.add({}, writable, {}));
    use(queue.add(virtq::Span<virtq::Segment const>{readable}, virtq::Span<virtq::Segment const>{writable}, {}));
    use(queue.add_gathered(virtq::Gather{readable, readable}, virtq::Gather{writable, {}}, virtq::Token{2}));
    use(queue.publish());
    while (virtq::Completion const done = queue.take_used()) {
        use(done);
    }
    use(queue.enable_used_notifications());
    queue.disable_used_notifications();
}

template <uint32_t N>
void descriptor_tier(virtq::VirtQueue<N>& queue) {
    virtq::Result<virtq::DescIndex> const head = queue.alloc_desc();
    virtq::Result<virtq::DescIndex> const tail = queue.alloc_desc();
    if (!head || !tail) {
        return;
    }
    queue.write_desc(*head, unknown<virtq::PhysAddr>(), 512, 1, *tail);
    queue.write_desc(*tail, unknown<virtq::PhysAddr>(), unknown<uint32_t>(), 2);
    use(queue.push_avail(*head, virtq::Token{&queue}));
    use(queue.publish());
    if (queue.has_used()) {
        use(queue.poll_used());
    }
    queue.free_chain(*head);
    queue.free_desc(*tail);
}

void scoped() {
    virtq::ScopedQueue<16, Pool> queue{global_pool};
    use(queue.init(16, unknown<virtq::Features>()));
    use(queue->num_free());
    use((*queue).publish());
}

void checked_pages() {
    auto const say = [](virtq::PageReport const& report) { use(report.sentence()); };
    virtq::CheckedPages<Pool, decltype(say), 16> checked(global_pool, say);
    virtq::Pages const run = checked.allocate_pages(unknown<size_t>());
    use(checked.phys_addr(run.virt));
    use(checked.virt_of(run.phys));
    checked.pages_leaked(run);
    checked.free_pages(run);
    use(checked.leaks());
    use(checked.findings());
}

void platform() {
    virtq::MmioSpace space{unknown<uintptr_t>()};
    space.write8(0, space.read8(1));
    space.write16(2, space.read16(4));
    space.write32(8, space.read32(12));
    virtq::SpinRelax{}();
}

void transport() {
    virtq::Status const found = global_transport.probe(virtq::MmioSpace{unknown<uintptr_t>()});
    use(virtq::describe(found.error()));
    use(global_transport.device_id());
    use(global_transport.is_legacy());
    use(global_transport.possible_features());
    global_transport.set_status(global_transport.status().with(virtq::spec::StatusBit::acknowledge));
    global_transport.accept_features(0, global_transport.offered_features(1));
    use(global_transport.queue_size_max(0));
    use(global_transport.is_queue_size_fixed());
    use(global_transport.is_queue_in_use(0));
    use(global_transport.enable_queue(0, global_chain_queue.addresses()));
    global_transport.notify(0);
    global_transport.notify(unknown<uint16_t>(), unknown<uint16_t>());
    virtq::SpinRelax reset_relax;
    use(virtq::reset_queue(global_transport, 0, global_packed_queue, virtq::PollLimit{10}, reset_relax));
    use(virtq::enable_queue_again(global_transport, 0, global_packed_queue, 16, unknown<virtq::Features>()));
    use(virtq::suspend_device(global_transport, unknown<virtq::Features>(), virtq::PollLimit{10}, reset_relax));
    use(virtq::resume_device(global_transport, unknown<virtq::Features>(), virtq::PollLimit{10}, reset_relax));
    use(global_transport.on_interrupt());
    use(global_transport.read_config8(0));
    use(global_transport.read_config16(2));
    use(global_transport.read_config32(4));
    global_transport.write_config8(8, 1);
    global_transport.write_config16(10, 1);
    global_transport.write_config32(12, 1);
    use(global_transport.config_generation());
}

/// Where devices are, from each source.
void discovery() {
    auto const each = [](virtq::MmioSlot const& slot) { use(slot); };
    virtq::MmioSlot const slots[] = {unknown<virtq::MmioSlot>()};
    use(virtq::for_each_mmio_slot(slots, each));
    use(virtq::for_each_mmio_slot(unknown<virtq::MmioSlotRow>(), each));
    use(virtq::for_each_mmio_slot(virtq::KernelCommandLine{unknown<char const*>(), unknown<uint32_t>()}, each));

    virtq::DeviceTree const tree{unknown<void const*>(), unknown<size_t>()};
    use(virtq::device_tree_bytes(tree));
    use(virtq::for_each_mmio_slot(
        tree, [](virtq::DeviceTreeProperty cells) { return cells[unknown<uint32_t>()]; }, each));
    use(virtq::for_each_compatible(tree, "pci-host-ecam-generic", [](virtq::DeviceTreeCursor const& host) {
        use(host.reg(unknown<uint32_t>()));
        use(host.name());
        use(host.property("bus-range").number(1, 1));
    }));
}

void pci() {
    struct {
        uintptr_t map_device_memory(virtq::PhysAddr address, uint64_t) {
            return static_cast<uintptr_t>(address.value);
        }
        uintptr_t map_device_ports(uint32_t port, uint32_t) { return port; }
    } mapper;
    virtq::MsiMessage const messages[] = {{unknown<uint64_t>(), 0x31}, {unknown<uint64_t>(), 0x32}};
    virtq::PciWindow memory{unknown<uint64_t>(), unknown<uint64_t>()};
    virtq::PciWindow ports{unknown<uint64_t>(), unknown<uint64_t>()};
    auto const each = [&](auto const& function, virtq::spec::DeviceId type) {
        use(type);
        use(global_any_transport.probe_pci(function, mapper, {&memory, &ports}));
        use(global_any_transport.attempts().legacy.error);
        use(global_any_transport.queue_count());
        use(global_any_transport.interrupt_line().pin);
        use(global_any_transport.use_msix(function, mapper, messages));
        use(global_any_transport.on_interrupt());
        use(global_any_transport.on_vector(unknown<uint16_t>()));
        use(global_window_transport.probe_through_window(function));
        virtq::DiagnoseOption const option{.pci = virtq::take_pci_interrupt_state(function)};
        use(virtq::diagnose(global_any_disk, option).cause());
    };
    virtq::Result<virtq::PciBusRange> const buses =
        virtq::number_buses(global_config_access, {0, unknown<uint8_t>()}, {&memory, &ports});
    if (buses) {
        virtq::for_each_virtio_function(global_config_access, *buses, each);
        virtq::PciFunction const function{global_config_access, {unknown<uint8_t>(), 0, 0}};
        use(virtq::find_root_pin(function, *buses).pin);
    }
    use(global_any_disk.init(global_any_transport, global_pool));
    use(global_any_disk.read(0, unknown<virtq::Segment>(), virtq::PollLimit{1000}));
#if defined(__x86_64__) || defined(__i386__)
    virtq::PortConfigAccess through_ports;
    virtq::for_each_virtio_function(through_ports, {0, 0}, [](auto const& function, virtq::spec::DeviceId type) {
        use(type);
        virtq::detail::disable_msix(function);
    });
#endif
}

/// A driver of one's own: the steps of §3.1.1, one by one.
void own_driver() {
    virtq::SpinRelax relax;
    virtq::Negotiation negotiation;
    negotiation.wanted.set(virtq::spec::Feature::event_idx);
    virtq::DeviceInit<virtq::MmioTransport<>> init{global_transport};
    use(init.negotiate(negotiation, virtq::PollLimit{1000}, relax));
    use(negotiation.missing);
    use(init.set_up_queue(0, global_chain_queue, global_pool, negotiation.negotiated));
    use(init.go_live());
    use(init.fail(virtq::Error::not_supported));
    use(init.resume_queue(0, global_chain_queue, negotiation.negotiated));
    uint64_t capacity;
    use(virtq::read_config(global_transport, capacity,
                           [](uint64_t& read) { read = virtq::read_config64_once(global_transport, 0); }));
    use(virtq::reset_device(global_transport, virtq::PollLimit{1000}, relax));
}

void block_driver() {
    auto const relax = [] { asm volatile(""); };
    virtq::Segment const data = unknown<virtq::Segment>();
    virtq::Segment const parts[] = {data, unknown<virtq::Segment>()};
    virtq::Status const up = global_disk.init(global_transport, global_pool, {}, relax);
    use(virtq::describe(up.error()));
    use(global_disk.capacity_sectors());
    use(global_disk.is_read_only());
    use(global_disk.can_flush());
    use(global_disk.queue_size());
    use(global_disk.in_flight());
    use(global_disk.negotiation());
    use(global_disk.fault());
    use(global_disk.submit_read(unknown<uint64_t>(), parts, virtq::Token{&global_disk}));
    use(global_disk.submit_write(unknown<uint64_t>(), parts, virtq::Token{1}));
    use(global_disk.submit_flush(virtq::Token{2}));
    use(global_disk.kick_device());
    for (virtq::BlockCompletion done = global_disk.take_completed(); done.state == virtq::CompletionState::ready;
         done = global_disk.take_completed()) {
        use(done);
    }
    use(global_disk.enable_used_notifications());
    global_disk.disable_used_notifications();
    use(global_disk.read(0, data, virtq::PollLimit{1000}, relax));
    use(global_disk.write(unknown<uint64_t>(), data, virtq::PollLimit{1000}));
    use(global_disk.flush(virtq::PollLimit{1000}));
    use(global_disk.perform({virtq::BlockOperation::write_zeroes, 0, 8, {}, {}}, virtq::PollLimit{1000}));
    use(global_disk.read_id(data, virtq::PollLimit{1000}));
    use(global_disk.for_each_completed([](virtq::BlockCompletion const& done) { use(done); }));
    use(global_disk.check_alive());
    use(global_disk.on_config_change());
    use(global_disk.set_cache_mode(virtq::BlockCacheMode::writeback));
    use(global_disk.topology());
    use(global_disk.reset([](virtq::BlockCompletion const& done) { use(done); }, relax));
    use(global_disk.release(global_pool));
}

/// Several queues, and data that has to be mapped.
void mapped_block_driver() {
    use(global_mapped_disk.init(global_transport, global_pool, global_mapper));
    use(global_mapped_disk.submit({virtq::BlockOperation::discard, 0, 8, {}, {}}, 1));
    use(global_mapped_disk.submit_read(0, {}, virtq::Token{3}));
    use(global_mapped_disk.kick_device(1));
    use(global_mapped_disk.take_completed(1));
    use(global_mapped_disk.reset([](virtq::BlockCompletion const& done) { use(done); }));
    use(global_mapped_disk.release(global_pool));

    use(global_negotiated_disk.init(global_transport, global_pool));
    use(global_negotiated_disk.submit_read(0, {}, virtq::Token{4}));
    use(global_negotiated_disk.kick_device());
    use(global_negotiated_disk.take_completed());
    use(global_negotiated_disk.reset([](virtq::BlockCompletion const& done) { use(done); }));
    use(global_negotiated_disk.release(global_pool));
}

template <class Queue>
void diagnosis_of(Queue const& queue, virtq::MmioSpace& registers, virtq::Features const& negotiated) {
    auto const serial_line = [](char character) { use(character); };
    use(virtq::take_snapshot(queue));
    virtq::dump(queue, serial_line);
    virtq::explain(virtq::diagnose(registers, 0, queue, negotiated), serial_line);
}

void diagnosis() {
    auto const serial_line = [](char character) { use(character); };
    virtq::AddressRange const ram[] = {{virtq::PhysAddr{0}, unknown<uint64_t>()}};
    virtq::MmioSpace registers{unknown<uintptr_t>()};
    virtq::Features const negotiated = unknown<virtq::Features>();
    use(virtq::take_snapshot(global_chain_queue));
    virtq::dump(global_chain_queue, serial_line, virtq::Lines{unknown<uint32_t>()});
    virtq::explain(virtq::diagnose(global_transport), serial_line);
    virtq::explain(virtq::diagnose(registers), serial_line);
    virtq::explain(virtq::diagnose(global_disk), serial_line);
    virtq::explain(virtq::diagnose(global_record, global_disk), serial_line);
    virtq::explain(virtq::diagnose(global_record, global_transport), serial_line);
    virtq::explain(virtq::diagnose(global_record, registers, 0, global_descriptor_queue, negotiated), serial_line);
    virtq::explain(virtq::diagnose(registers, 0, global_descriptor_queue, negotiated), serial_line);
    virtq::Diagnosis const found = virtq::diagnose(global_transport, unknown<uint16_t>(), global_chain_queue,
                                                   negotiated, {virtq::Symptom::none, ram});
    use(found.is_healthy());
    diagnosis_of(global_packed_queue, registers, negotiated);
    diagnosis_of(global_negotiated_queue, registers, negotiated);
    use(virtq::detail::advise(found.cause()));
}

void names() {
    use(virtq::spec::version);
    use(virtq::feature_name(unknown<virtq::spec::DeviceId>(), unknown<unsigned>()));
}

template <class Console, class Transport>
void console_driver(Console& console, Transport& transport) {
    use(console.emergency_write(transport, unknown<char>()));
    use(console.init(transport, global_pool));
    uint8_t bytes[64];
    use(console.read(bytes));
    use(bytes);
    use(console.write(bytes, unknown<uint32_t>()));
    use(console.is_drained());
    use(console.on_events([](uint32_t port, virtq::ConsoleEvent event) {
        use(port);
        use(event);
    }));
    use(console.open(1));
    use(console.close(1));
    use(console.port_count());
    use(console.port(1));
    use(console.size());
    use(console.on_config_change());
    use(console.enable_used_notifications(unknown<virtq::ConsoleQueue>()));
    console.disable_used_notifications(unknown<virtq::ConsoleQueue>());
    use(virtq::describe(console.driver_fault().reason));
    use(console.reset([](virtq::RequestCompletion const& ended) { use(ended); }));
    use(console.release(global_pool));
}

void balloon_driver() {
    virtq::PollLimit const limit{1000};
    virtq::PhysAddr const pages[] = {unknown<virtq::PhysAddr>(), unknown<virtq::PhysAddr>()};
    virtq::Segment const memory[] = {unknown<virtq::Segment>()};
    virtq::BalloonStat const stats[] = {unknown<virtq::BalloonStat>()};
    use(global_balloon.init(global_any_transport, global_pool));
    use(global_balloon.on_config_change());
    use(global_balloon.target_pages());
    use(global_balloon.held_pages());
    use(global_balloon.deflatable_pages());
    use(global_balloon.must_tell_host());
    use(global_balloon.submit_inflate(pages, virtq::Token{1}));
    use(global_balloon.submit_deflate(pages, virtq::Token{2}));
    use(global_balloon.submit_report(memory, virtq::Token{3}));
    global_balloon.kick_device();
    use(global_balloon.take_completed());
    use(global_balloon.in_flight());
    use(global_balloon.inflate(pages, limit));
    use(global_balloon.deflate(pages, limit));
    use(global_balloon.report(memory, limit));
    use(global_balloon.answer_stats(stats));
    use(global_balloon.enable_used_notifications());
    global_balloon.disable_used_notifications();
    use(global_balloon.reset([](virtq::RequestCompletion const& ended) { use(ended); }));
    use(global_balloon.release(global_pool));
    virtq::explain(virtq::diagnose(global_balloon), [](char character) { use(character); });
}

void input_driver() {
    use(global_input.init(global_any_transport, global_pool));
    use(global_input.take_each([](virtq::InputEvent const& event) { use(event); }));
    use(global_input.take_packets([](virtq::InputPacket const& packet) { use(packet); }, 16));
    use(global_input.dropped());
    use(global_input.send(unknown<virtq::InputEvent>()));
    use(global_input.in_flight());
    use(global_input.kind());
    use(global_input.name());
    use(global_input.serial());
    use(global_input.device_ids());
    use(global_input.properties());
    use(global_input.codes(virtq::spec::input::EventType::key)->has_any());
    use(global_input.range(virtq::spec::input::code::abs_x));
    use(global_input.enable_used_notifications(unknown<virtq::InputQueue>()));
    global_input.disable_used_notifications(unknown<virtq::InputQueue>());
    use(virtq::describe(global_input.driver_fault().reason));
    use(global_input.reset([](virtq::RequestCompletion const& ended) { use(ended); }));
    use(global_input.release(global_pool));
    virtq::explain(virtq::diagnose(global_input), [](char character) { use(character); });
}

template <class Net>
void send_packets(Net& net) {
    virtq::NetOffload const offload = unknown<virtq::NetOffload>();
    virtq::NetFrame const frames[] = {unknown<virtq::NetFrame>(), unknown<virtq::NetFrame>()};
    virtq::Segment const parts[] = {unknown<virtq::Segment>(), unknown<virtq::Segment>()};
    use(net.submit(parts[0], virtq::Token{&net}));
    use(net.submit(parts, virtq::Token{1}, offload, 1));
    use(net.submit_burst(frames));
    use(net.kick_device());
    use(net.take_sent());
    use(net.for_each_sent([](virtq::Token token) { use(token); }));
    use(net.in_flight());
    use(net.enable_send_notifications());
    net.disable_send_notifications();
}

template <class Net>
void control_net(Net& net) {
    virtq::PollLimit const limit{1000};
    virtq::MacAddress const addresses[] = {net.mac(), unknown<virtq::MacAddress>()};
    use(net.set_receive_mode(virtq::spec::net::RxCommand::promisc, virtq::NetSwitch::on, limit));
    use(net.set_mac_table(addresses, addresses, limit));
    use(net.set_mac(addresses[1], limit));
    use(net.set_vlan(unknown<uint16_t>(), unknown<virtq::NetSwitch>(), limit));
    use(net.acknowledge_announcement(limit));
    use(net.use_pairs(2, limit));
    use(net.set_receive_offloads(unknown<virtq::Features>(), limit));
    use(net.set_coalescing(virtq::spec::net::CoalescingCommand::rx_set, 32, 100, limit));
}

/// What all cards have. The kernel's own buffers and the driver's are received differently.
template <class Net>
void net_driver(Net& net) {
    use(net.mtu());
    use(net.is_link_up());
    use(net.wants_announcement());
    use(net.speed());
    use(net.pair_count());
    use(net.can_split(unknown<virtq::spec::net::Gso>()));
    use(net.on_config_change());
    use(net.receive_each([](auto const& packet) { use(packet); }));
    use(net.dropped());
    use(net.enable_receive_notifications());
    net.disable_receive_notifications();
    send_packets(net);
    control_net(net);
    use(virtq::describe(net.driver_fault().reason));
    use(net.reset([](virtq::RequestCompletion const& ended) { use(ended); }));
    use(net.release(global_pool));
}

void net_drivers() {
    use(global_net.init(global_transport, global_pool));
    use(global_net.receive_each([](virtq::NetPacket const& packet) {
        global_net.give_back(packet.parts[0]);
        return virtq::NetUse::kept;
    }));
    use(global_net.buffers_kept());
    net_driver(global_net);
    use(global_pairs.init(global_any_transport, global_pool, global_mapper));
    net_driver(global_pairs);
    use(global_own_net.init(global_transport, global_pool));
    virtq::NetBuffer const buffers[] = {unknown<virtq::NetBuffer>()};
    use(global_own_net.submit_receive(buffers));
    net_driver(global_own_net);
    virtq::explain(virtq::diagnose(global_net), [](char character) { use(character); });
}

}  // namespace kernel

extern "C" void kernel_main();

extern "C" void kernel_main() {
    kernel::life_of(global_chain_queue);
    kernel::life_of(global_descriptor_queue);
    kernel::life_of(global_packed_queue);
    kernel::life_of(global_negotiated_queue);
    kernel::chain_tier(global_chain_queue);
    kernel::chain_tier(global_packed_queue);
    kernel::chain_tier(global_negotiated_queue);
    kernel::descriptor_tier(global_descriptor_queue);
    kernel::chain_tier(global_descriptor_queue);
    kernel::scoped();
    kernel::checked_pages();
    kernel::platform();
    kernel::transport();
    kernel::discovery();
    kernel::own_driver();
    kernel::pci();
    kernel::block_driver();
    kernel::mapped_block_driver();
    kernel::console_driver(global_console, global_transport);
    kernel::console_driver(global_ports, global_any_transport);
    kernel::balloon_driver();
    kernel::input_driver();
    kernel::net_drivers();
    kernel::diagnosis();
    kernel::names();
}
