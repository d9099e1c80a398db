// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>
#include <virtq/queue/any_format.hpp>

#include <diag/queue_machine.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>

/// Whatever the device writes into the queue's pages, an inspection reads only these pages, and ends. Compiled with a
/// ring_memory.hpp that counts accesses.
namespace virtq::test {

using namespace virtq::detail;

static_assert(platform::ring_memory_is_replaced, "counting/ stands before include/ in the include path");

namespace {

/// Inspects a queue of any format, and checks which bytes that reads.
template <class Format>
class WatchedLook {
public:
    explicit WatchedLook(QueueSetup const& setup) : machine(setup) {
        machine.bring_up();
        machine.hostile = true;
    }

    void expect_inside() {
        platform::accesses = {};
        found = machine.look();
        picture = printed([&](auto sink) { dump(machine.queue, sink); });
        static_cast<void>(take_snapshot(machine.queue));
        EXPECT_LE(columns(picture), 79u) << picture;
        EXPECT_LE(columns(explained(found)), 79u) << explained(found);
        EXPECT_EQ(platform::accesses.stores, 0u);
        EXPECT_FALSE(platform::accesses.reads.empty());
        for (auto const& [byte, reads] : platform::accesses.reads) {
            ASSERT_TRUE(has(machine.queue.pages(), byte) || has(machine.queue.table_pages(), byte))
                << byte - static_cast<unsigned char const*>(machine.queue.pages().virt) << '\n'
                << picture;
        }
    }

    /// Adds a chain of `segments` descriptors in the ring.
    void add(std::size_t segments) {
        Segment const writable[] = {machine.buffer(64), machine.buffer(64)};
        ASSERT_TRUE(machine.queue.add({}, Span<Segment const>{writable, segments}, Token{++machine.token}).ok());
    }

    QueueMachineOf<Format> machine;
    Diagnosis found;
    std::string picture;

private:
    [[nodiscard]] static bool has(Pages const& run, unsigned char const* byte) {
        auto const* const begin = static_cast<unsigned char const*>(run.virt);
        return run.virt != nullptr && byte >= begin && byte < begin + run.count * page_bytes;
    }
};

/// A live device. Diagnosis can read nothing else of it.
struct LiveTransport {
    [[nodiscard]] spec::DeviceId device_id() const { return spec::DeviceId::block; }
    [[nodiscard]] bool is_legacy() const { return false; }
    [[nodiscard]] DeviceStatus status() { return DeviceStatus{15}; }
    [[nodiscard]] std::uint32_t offered_features(unsigned) { return UINT32_MAX; }
    [[nodiscard]] std::uint32_t queue_size_max(std::uint16_t) { return 32768; }
    [[nodiscard]] bool is_queue_in_use(std::uint16_t) { return true; }
};

constexpr auto packed_setup = QueueSetup{.packed = true};
constexpr auto packed_in_order = QueueSetup{.packed = true, .in_order = true};

// The device uses the id of a chain that is added but not published (faults B1).
TEST(BelievesNothing, UsedIdOfAPendingChain) {
    for (std::size_t const published : {std::size_t{1}, std::size_t{2}}) {
        WatchedLook<Packed> look{packed_setup};
        look.add(published);
        static_cast<void>(look.machine.queue.publish());
        look.machine.work();
        std::uint16_t const pending = take_snapshot(look.machine.queue).num_free != 0 ? 1 : 0;
        look.add(2);
        look.machine.device.packed_ring()->put_used_raw(pending, 0);
        look.machine.device.packed_ring()->flush_used();
        look.expect_inside();
        EXPECT_NE(look.picture.find("id 1, which is not in flight"), std::string::npos) << look.picture;
        EXPECT_EQ(look.machine.queue.take_used().state, CompletionState::broken);
        EXPECT_EQ(look.machine.queue.fault().reason, FaultReason::used_id_not_in_flight);
        look.expect_inside();
    }
}

// The device uses an id twice, so that its descriptors reach into unpublished ones (faults B1).
TEST(BelievesNothing, UsedIdTwiceBeforePendingChain) {
    WatchedLook<Packed> look{packed_setup};
    look.machine.disk.swallow_next();
    look.add(2);
    static_cast<void>(look.machine.queue.publish());
    look.add(2);
    auto* const ring = static_cast<spec::PackedDescriptor*>(look.machine.queue.pages().virt);
    for (unsigned const at : {0u, 2u}) {
        ring[at].id = 0;
        ring[at].flags = little_endian(PackedPosition::both_flags);
    }
    look.expect_inside();
}

// After a restart without indirect tables the device names the pages of the old tables (faults B2).
template <class Format>
void expect_tables_are_out_of_use(QueueSetup const& setup) {
    WatchedLook<Format> look{setup};
    auto& machine = look.machine;
    machine.queue.detach();
    machine.transport.set_status(DeviceStatus{});
    Features without = machine.negotiation.negotiated;
    without.clear(spec::Feature::indirect_desc);
    machine.negotiation.wanted.clear(spec::Feature::indirect_desc);
    SpinRelax relax;
    ASSERT_TRUE(machine.init.negotiate(machine.negotiation, PollLimit{100}, relax).ok());
    ASSERT_TRUE(machine.queue.restart(without).ok());
    machine.enable_queue();
    machine.go_live();
    EXPECT_NE(machine.queue.table_pages().count, 0u);
    EXPECT_EQ(machine.cause(), Cause::nothing_asked) << explained(machine.look());
    machine.submit_read();
    machine.work();
    ASSERT_TRUE(machine.queue.take_used());
    look.expect_inside();
    EXPECT_EQ(look.found.cause(), Cause::nothing_in_flight) << explained(look.found);
    // The device rewrites the last chain: each descriptor refers to the first old table.
    auto* const bytes = static_cast<unsigned char*>(machine.queue.pages().virt);
    std::uint64_t const table = little_endian(machine.queue.table_pages().phys.value);
    for (unsigned desc = 0; desc < 3; ++desc) {
        std::memcpy(bytes + 16 * desc, &table, 8);
        bytes[16 * desc + 12] = static_cast<unsigned char>(bytes[16 * desc + 12] | 4);
    }
    look.expect_inside();
}

TEST(BelievesNothing, TablesFromBeforeARestart) {
    expect_tables_are_out_of_use<Split>({.indirect = true});
    expect_tables_are_out_of_use<AnyFormat>({.indirect = true});
    expect_tables_are_out_of_use<Packed>({.packed = true, .indirect = true});
}

// After a restart with tables longer than the pages the queue has no tables, and nothing of their length is read
// (faults B2).
TEST(BelievesNothing, TablesLongerThanTheirPages) {
    sim::GuestMemory memory;
    VirtQueue<1024> queue;
    Features const features = Features::of(spec::Feature::version_1, spec::Feature::indirect_desc);
    ASSERT_TRUE(queue.init(memory, 1024, features, {.indirect = {.tables = 1, .length = 16}}).ok());
    ASSERT_TRUE(queue.restart(features, {.indirect = {.tables = 1, .length = 1024}}).ok());
    Segment const one[] = {Segment{memory.allocate_buffer(16).phys, 16}};
    ASSERT_TRUE(queue.add({}, one, Token{1}).ok());
    static_cast<void>(queue.publish());
    auto* const bytes = static_cast<unsigned char*>(queue.pages().virt);
    SplitLayout const layout{1024};
    bytes[layout.used_ring_offset() + 2] = 1;  // used: descriptor 0, with length 0
    ASSERT_TRUE(queue.take_used());
    std::uint64_t const table = little_endian(queue.table_pages().phys.value);
    std::uint32_t const length = little_endian(std::uint32_t{1024 * 16});
    std::memcpy(bytes, &table, 8);
    std::memcpy(bytes + 8, &length, 4);
    bytes[12] = 4;
    LiveTransport transport;
    platform::accesses = {};
    EXPECT_EQ(diagnose(transport, 0, queue, features).cause(), Cause::nothing_in_flight);
    auto const* const begin = static_cast<unsigned char const*>(queue.table_pages().virt);
    for (auto const& [byte, reads] : platform::accesses.reads) {
        bool const in_ring = byte >= bytes && byte < bytes + queue.pages().count * page_bytes;
        bool const in_tables = byte >= begin && byte < begin + queue.table_pages().count * page_bytes;
        ASSERT_TRUE(in_ring || in_tables) << byte - begin;
    }
    queue.detach();
    ASSERT_TRUE(queue.release(memory).ok());
}

// Tables of 3 entries leave a remainder of each page, which is not a table (faults B2).
TEST(BelievesNothing, TableInAPageRemainder) {
    sim::GuestMemory memory;
    VirtQueue<8> queue;
    Features const features = Features::of(spec::Feature::version_1, spec::Feature::indirect_desc);
    ASSERT_TRUE(queue.init(memory, 8, features, {.indirect = {.tables = 1, .length = 3}}).ok());
    Segment const one[] = {Segment{memory.allocate_buffer(16).phys, 16}};
    ASSERT_TRUE(queue.add({}, one, Token{1}).ok());
    static_cast<void>(queue.publish());
    auto* const bytes = static_cast<unsigned char*>(queue.pages().virt);
    bytes[SplitLayout{8}.used_ring_offset() + 2] = 1;  // used: descriptor 0, with length 0
    ASSERT_TRUE(queue.take_used());
    std::uint64_t const rest = little_endian(queue.table_pages().phys.value + page_bytes / 48 * 48);
    std::uint32_t const length = little_endian(std::uint32_t{48});
    std::memcpy(bytes, &rest, 8);
    std::memcpy(bytes + 8, &length, 4);
    bytes[12] = 4;
    LiveTransport transport;
    platform::accesses = {};
    static_cast<void>(diagnose(transport, 0, queue, features));
    auto const* const begin = static_cast<unsigned char const*>(queue.table_pages().virt);
    for (auto const& [byte, reads] : platform::accesses.reads) {
        EXPECT_FALSE(byte >= begin && byte < begin + page_bytes) << byte - begin;
    }
    queue.detach();
    ASSERT_TRUE(queue.release(memory).ok());
}

// Each descriptor names a table and links to the next. The inspection read each table once for each descriptor (faults
// B1).
TEST(BelievesNothing, TablesInACircle) {
    WatchedLook<Split> look{{.indirect = true}};
    look.machine.submit_read();
    look.machine.work();
    ASSERT_TRUE(look.machine.queue.take_used());
    auto* const bytes = static_cast<unsigned char*>(look.machine.queue.pages().virt);
    std::uint64_t const table = little_endian(look.machine.queue.table_pages().phys.value);
    std::uint32_t const length = little_endian(std::uint32_t{8 * 16});
    std::memcpy(bytes, &table, 8);
    std::memcpy(bytes + 8, &length, 4);
    bytes[12] = 4 | 1;  // INDIRECT and NEXT
    bytes[14] = 0;      // and it links to itself
    look.expect_inside();
    auto const* const begin = static_cast<unsigned char const*>(look.machine.queue.table_pages().virt);
    platform::accesses = {};
    static_cast<void>(look.machine.look());
    EXPECT_EQ(platform::accesses.reads[begin], 1u);
}

// With IN_ORDER the device completes more than was published.
TEST(BelievesNothing, BatchBeyondThePublishedChains) {
    WatchedLook<Packed> look{packed_in_order};
    look.machine.disk.swallow_next();
    look.add(1);
    static_cast<void>(look.machine.queue.publish());
    look.add(2);
    look.add(2);
    auto* const ring = static_cast<spec::PackedDescriptor*>(look.machine.queue.pages().virt);
    for (unsigned const id : {1u, 2u, 5u, 8u, 0xffffu}) {
        ring[0].id = little_endian(static_cast<std::uint16_t>(id));
        ring[0].len = UINT32_MAX;  // makes the longest line
        ring[0].flags = little_endian(PackedPosition::both_flags);
        look.expect_inside();
        EXPECT_NE(look.picture.find(", which is not in flight"), std::string::npos) << look.picture;
    }
}

// Output shows the device's values unchanged, in lines that fit.
TEST(BelievesNothing, LongestNumbers) {
    WatchedLook<Split> look{{.in_order = true}};
    look.machine.disk.swallow_next();
    look.add(2);
    static_cast<void>(look.machine.queue.publish());
    auto* const bytes = static_cast<unsigned char*>(look.machine.queue.pages().virt);
    SplitLayout const layout{QueueMachine::size};
    std::memset(bytes, 0xff, 32);
    std::memset(bytes + layout.used_ring_offset() + 4, 0xff, 8);
    look.expect_inside();
    bytes[layout.used_ring_offset() + 2] = 1;
    look.expect_inside();
    EXPECT_NE(look.picture.find("head 4294967295, written 0xffffffff"), std::string::npos) << look.picture;
    EXPECT_NE(look.picture.find("next 65535"), std::string::npos) << look.picture;
}

// A ring that does not start at 0, before its first chain.
TEST(BelievesNothing, LastChainOfANewRing) {
    sim::GuestMemory memory;
    VirtQueue<8> queue;
    Features const features = Features::of(spec::Feature::version_1);
    ASSERT_TRUE(queue.init(memory, 8, features, {.first_index = RingIndex{65534}}).ok());
    LiveTransport transport;
    Diagnosis const found = diagnose(transport, 0, queue, features);
    EXPECT_TRUE(found.is_healthy()) << explained(found);
    ASSERT_TRUE(queue.release(memory).ok());
}

}  // namespace
}  // namespace virtq::test
