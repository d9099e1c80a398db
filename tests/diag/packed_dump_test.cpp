// SPDX-License-Identifier: MIT
#include <virtq/diag/dump.hpp>

#include <diag/queue_machine.hpp>

#include <algorithm>
#include <cstdint>
#include <regex>
#include <string>

/// Pictures of packed queues, of tables, and of chains with IN_ORDER.
namespace virtq::test {
namespace {

template <class Machine>
std::string picture(Machine& machine, Lines budget = Lines{64}) {
    std::string const text = printed([&](auto sink) { dump(machine.queue, sink, budget); });
    EXPECT_LE(columns(text), 79u) << text;
    return std::regex_replace(text, std::regex("0x1[0-9a-f]{8}"), "0xADDRESS..");
}

TEST(PackedDump, ShowsTheRing) {
    QueueMachineOf<Packed> machine({.packed = true, .indirect = true});
    machine.bring_up();
    Segment const one[] = {machine.buffer(64)};
    Segment const two[] = {machine.buffer(16), machine.buffer(32)};
    machine.hostile = true;
    ASSERT_TRUE(machine.queue.add({}, one, Token{1}).ok());
    ASSERT_TRUE(machine.queue.add(two, {}, Token{2}).ok());
    static_cast<void>(machine.queue.publish());
    machine.add_read();
    static_cast<void>(machine.queue.publish());
    ASSERT_TRUE(machine.queue.add({}, one, Token{3}).ok());
    ASSERT_TRUE(machine.queue.add(one, one, Token{4}).ok());
    machine.device.packed_ring()->put_used_raw(0, 64, 0x8082);
    machine.device.packed_ring()->flush_used();
    EXPECT_EQ(picture(machine),
              "virtq: packed queue of 8, 1 free, 5 outstanding\n"
              "  pages       0xADDRESS.., 1\n"
              "  tables      0xADDRESS.., 1\n"
              "  descriptors 0xADDRESS..\n"
              "  driver area 0xADDRESS..         event 0x10000, disabled\n"
              "  device area 0xADDRESS..         event 0x0, enabled\n"
              "  driver      next 7 lap 1, taken 0 lap 1 (used), 3 in flight, 2 pending\n"
              "  id          0    in flight 1 descriptor, writable 0x40\n"
              "  id          1    in flight 2 descriptors, writable 0x0\n"
              "  id          2    in flight 1 descriptor and a table, writable 0x201\n"
              "  id          3    added     1 descriptor, writable 0x40\n"
              "  id          4    added     2 descriptors, writable 0x40\n"
              "  0      used          id 0, written 0x40, not taken\n"
              "  1      in flight     0xADDRESS..        len 0x10, readable, id 1\n"
              "  2        with it     0xADDRESS..        len 0x20, readable, id 1\n"
              "  3      in flight     0xADDRESS..        len 0x30, indirect, id 2\n"
              "         [0] in table  0xADDRESS..        len 0x10, readable\n"
              "         [1] in table  0xADDRESS..        len 0x200, writable\n"
              "         [2] in table  0xADDRESS..        len 0x1, writable\n"
              "  4      added         0xADDRESS..        len 0x40, writable, id 3\n"
              "  5      added         0xADDRESS..        len 0x40, readable, id 4\n"
              "  6        with it     0xADDRESS..        len 0x40, writable, id 4\n");
}

TEST(PackedDump, ShowsChainsInOrder) {
    QueueMachineOf<Packed> machine({.event_idx = true, .packed = true, .in_order = true});
    machine.hostile = true;
    machine.bring_up();
    Segment const one[] = {machine.buffer(64)};
    for (std::uintptr_t i = 0; i < 4; ++i) {
        ASSERT_TRUE(machine.queue.add({}, one, Token{i}).ok());
    }
    static_cast<void>(machine.queue.publish());
    machine.device.packed_ring()->put_used_raw(2, 64, 0x8082, 3);
    machine.device.packed_ring()->flush_used();
    ASSERT_TRUE(machine.queue.add({}, one, Token{5}).ok());
    EXPECT_EQ(picture(machine),
              "virtq: packed queue of 8, 3 free, 5 outstanding, EVENT_IDX, IN_ORDER\n"
              "  pages       0xADDRESS.., 1\n"
              "  descriptors 0xADDRESS..\n"
              "  driver area 0xADDRESS..         event 0x10000, disabled\n"
              "  device area 0xADDRESS..         event 0x0, enabled\n"
              "  driver      next 5 lap 1, taken 0 lap 1 (used), 4 in flight, 1 pending\n"
              "  id          0    in flight 1 descriptor, writable 0x40\n"
              "  id          1    in flight 1 descriptor, writable 0x40\n"
              "  id          2    in flight 1 descriptor, writable 0x40\n"
              "  id          3    in flight 1 descriptor, writable 0x40\n"
              "  id          4    added     1 descriptor, writable 0x40\n"
              "  0      used          id 2 and what was used with it, written 0x40, not taken\n"
              "  3      in flight     0xADDRESS..        len 0x40, writable, id 3\n"
              "  4      added         0xADDRESS..        len 0x40, writable, id 4\n");
    ASSERT_TRUE(machine.queue.take_used());
    EXPECT_EQ(picture(machine),
              "virtq: packed queue of 8, 4 free, 4 outstanding, EVENT_IDX, IN_ORDER\n"
              "  pages       0xADDRESS.., 1\n"
              "  descriptors 0xADDRESS..\n"
              "  driver area 0xADDRESS..         event 0x10000, disabled\n"
              "  device area 0xADDRESS..         event 0x0, enabled\n"
              "  driver      next 5 lap 1, taken 1 lap 1 (not used), 3 in flight, 1 pending\n"
              "  id          1    used      1 descriptor, writable 0x40\n"
              "  id          2    used      1 descriptor, writable 0x40\n"
              "  id          3    in flight 1 descriptor, writable 0x40\n"
              "  id          4    added     1 descriptor, writable 0x40\n"
              "  3      in flight     0xADDRESS..        len 0x40, writable, id 3\n"
              "  4      added         0xADDRESS..        len 0x40, writable, id 4\n");
}

TEST(PackedDump, LimitsItsLines) {
    QueueMachineOf<Packed> machine({.packed = true, .indirect = true});
    machine.bring_up();
    machine.add_read();
    Segment const one[] = {machine.buffer(64)};
    ASSERT_TRUE(machine.queue.add({}, one, Token{1}).ok());
    std::string const text = picture(machine, Lines{0});
    EXPECT_NE(text.find("  ... and 4 more entries\n"), std::string::npos) << text;  // two ids, two descriptors
    EXPECT_NE(picture(machine, Lines{3}).find("  ... and 4 more entries\n"), std::string::npos);  // and a table
}

TEST(SplitDump, ShowsTablesAndChainsInOrder) {
    QueueMachine machine({.indirect = true, .in_order = true});
    machine.bring_up();
    machine.add_read();
    Segment const two[] = {machine.buffer(16), machine.buffer(32)};
    ASSERT_TRUE(machine.queue.add(two, {}, Token{2}).ok());
    machine.disk.swallow_next();
    static_cast<void>(machine.queue.publish());
    ASSERT_TRUE(machine.queue.add(two, {}, Token{2}).ok());
    EXPECT_EQ(picture(machine),
              "virtq: queue of 8, 3 free, 3 outstanding, IN_ORDER\n"
              "  pages       0xADDRESS.., 2\n"
              "  tables      0xADDRESS.., 1\n"
              "  descriptors 0xADDRESS..\n"
              "  available   0xADDRESS..         idx 2, flags 0x1, used_event 0\n"
              "  used        0xADDRESS..         idx 0, flags 0x0, avail_event 0\n"
              "  driver      added 3, published 2, decided 2, taken 0\n"
              "  0      in flight     0xADDRESS..        len 0x30, indirect\n"
              "         [0] in table  0xADDRESS..        len 0x10, readable\n"
              "         [1] in table  0xADDRESS..        len 0x200, writable\n"
              "         [2] in table  0xADDRESS..        len 0x1, writable\n"
              "  1      in flight     0xADDRESS..        len 0x10, readable, next 2\n"
              "  2        with it     0xADDRESS..        len 0x20, readable\n"
              "  3      added         0xADDRESS..        len 0x10, readable, next 4\n"
              "  4        with it     0xADDRESS..        len 0x20, readable\n"
              "  free        5-7\n"
              "  available   [0] head 0\n"
              "  available   [1] head 1\n"
              "  available   [2] head 3, not published\n");
}

}  // namespace
}  // namespace virtq::test
