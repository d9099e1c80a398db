// SPDX-License-Identifier: MIT
#include <diag/queue_machine.hpp>
#include <queue/ring_pair.hpp>
#include <virtq/diag/diag.hpp>
#include <virtq/queue/packed.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

/// Bugs in inspections of queues. queue_museum_test.cpp explains the form of the comments.
namespace virtq::test {

using namespace virtq::detail;

namespace {

// Was: a debug dump of a queue read memory at whatever address the host had written into a descriptor.
// Hit: Intel MigTD, https://github.com/intel/MigTD/pull/938
// Here: impossible: dump() and diagnose() print such an address and read only the queue's own pages
TEST(Museum, dump_follows_descriptor) {
    RingPair<8> ring;
    ASSERT_TRUE(ring.add_writable(1).ok());
    static_cast<void>(ring.queue.publish());
    auto* const descriptor = static_cast<unsigned char*>(ring.queue.pages().virt);
    std::uint64_t const nowhere = little_endian(std::uint64_t{0x10});  // a read there would end this program
    std::uint32_t const length = UINT32_MAX;
    auto const indirect = little_endian(std::uint16_t{4});
    std::memcpy(descriptor, &nowhere, 8);
    std::memcpy(descriptor + 8, &length, 4);
    std::memcpy(descriptor + 12, &indirect, 2);
    std::string const text = printed([&](auto sink) { dump(ring.queue, sink); });
    EXPECT_NE(text.find("0x10 "), std::string::npos) << text;
    EXPECT_NE(text.find("indirect"), std::string::npos) << text;
    ring.hostile = true;
}

// Was: a device reset reported success, but a thread still worked on the enabled queues.
// Hit: kvm-host, https://github.com/sysprog21/kvm-host/pull/52
// Here: diagnosed: used_index_ahead breaks the queue, and its sentence names such a device
TEST(Museum, device_goes_on_after_reset) {  // faults B12
    RingPair<8> ring;
    ring.hostile = true;
    for (std::uintptr_t token = 1; token <= 3; ++token) {
        ASSERT_TRUE(ring.add_writable(token).ok());
        static_cast<void>(ring.queue.publish());
        ring.device_uses_next(64);
        ASSERT_TRUE(ring.queue.take_used());
    }
    ring.queue.detach();
    ASSERT_TRUE(ring.queue.restart(modern()).ok());
    ASSERT_TRUE(ring.add_writable(4).ok());
    static_cast<void>(ring.queue.publish());
    ring.device->put_used_raw(0, 64);  // the device continues with its old indices
    ring.device->flush_used();
    EXPECT_EQ(ring.queue.take_used().state, CompletionState::broken);
    EXPECT_EQ(ring.queue.fault().reason, FaultReason::used_index_ahead);
    EXPECT_EQ(ring.queue.fault().value, 4u);
    EXPECT_NE(std::string{describe(ring.queue.fault().reason)}.find("continues with its old state"),
              std::string::npos);
}

// Was: the device used the id of a chain that was not published, and an inspection believed it: it read behind the ring.
// Hit: outsiders who tried virtq
// Here: impossible: diagnose() and dump() believe a used id only if take_used() would
TEST(Museum, inspection_believes_a_used_id) {  // faults B1
    QueueMachineOf<Packed> machine({.packed = true});
    machine.bring_up();
    machine.hostile = true;
    machine.disk.swallow_next();
    machine.submit_read();
    machine.work();
    machine.add_read();
    std::uint16_t const pending =
        little_endian(static_cast<spec::PackedDescriptor*>(machine.queue.pages().virt)[3].id);
    machine.device.packed_ring()->put_used_raw(pending, 0);
    machine.device.packed_ring()->flush_used();
    static_cast<void>(machine.look());
    std::string const text = printed([&](auto sink) { dump(machine.queue, sink); });
    EXPECT_NE(text.find("which is not in flight"), std::string::npos) << text;
    EXPECT_EQ(machine.queue.take_used().state, CompletionState::broken);
}

// Was: after a restart without tables the device named the old tables' pages, and an inspection divided by their length.
// Hit: outsiders who tried virtq
// Here: impossible: diagnose() uses the tables' length of now, and without tables follows no address
TEST(Museum, inspection_of_tables_out_of_use) {  // faults B2
    QueueMachine machine({.indirect = true});
    machine.bring_up();
    machine.hostile = true;
    machine.queue.detach();
    machine.transport.set_status(DeviceStatus{});
    machine.negotiation.wanted.clear(spec::Feature::indirect_desc);
    SpinRelax relax;
    ASSERT_TRUE(machine.init.negotiate(machine.negotiation, PollLimit{100}, relax).ok());
    ASSERT_TRUE(machine.queue.restart(machine.negotiation.negotiated).ok());
    machine.enable_queue();
    machine.go_live();
    auto const name_the_tables = [&] {
        for (unsigned at = 0; at < 3; ++at) {
            auto* const descriptor = static_cast<unsigned char*>(machine.queue.pages().virt) + std::size_t{16} * at;
            std::uint64_t const tables = little_endian(machine.queue.table_pages().phys.value);
            std::memcpy(descriptor, &tables, 8);
            descriptor[12] = static_cast<unsigned char>(descriptor[12] | 4);  // INDIRECT
        }
    };
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.queue.take_used());
    name_the_tables();
    EXPECT_EQ(machine.cause(), Cause::nothing_in_flight) << explained(machine.look());
    machine.submit_read();
    name_the_tables();
    EXPECT_EQ(machine.cause(), Cause::buffer_inside_ring) << explained(machine.look());
    EXPECT_FALSE(names(machine.look(), Cause::queue_feature_not_negotiated));
}

}  // namespace
}  // namespace virtq::test
