// SPDX-License-Identifier: MIT
#include <virtq/diag/detail/inspect.hpp>
#include <virtq/diag/detail/packed/packed_chain_check.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <sim/guest_memory.hpp>
#include <support/contract.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>

/// Unpublished chains are found by the ids in the ring, which the driver knows, but not their order.
namespace virtq::test {

using namespace virtq::detail;

namespace {

template <std::uint32_t N>
class PendingQueue {
public:
    PendingQueue() {
        auto const packed = Features::of(spec::Feature::version_1, spec::Feature::ring_packed);
        EXPECT_TRUE(queue_->init(memory_, N, packed).ok());
    }
    ~PendingQueue() { EXPECT_TRUE(queue_->release(memory_).ok()); }

    void add(std::size_t count) {
        Segment const two[] = {{PhysAddr{0x1000}, 16}, {PhysAddr{0x2000}, 16}};
        ASSERT_TRUE(queue_->add({}, Span<Segment const>{two, count}, Token{1}).ok());
    }
    void publish() {
        static_cast<void>(queue_->publish());
        queue_->detach();
    }
    void write(std::size_t at, std::uint16_t word) {
        word = little_endian(word);
        std::memcpy(static_cast<unsigned char*>(queue_->pages().virt) + at, &word, 2);
    }
    void overwrite_id(std::uint32_t descriptor, std::uint16_t id) { write(16 * descriptor + 12, id); }
    /// The device uses the first chain, and reports more bytes than are writable.
    void break_with_length() {
        queue_->attach();
        static_cast<void>(queue_->publish());
        write(8, 1000);
        write(14, 0x8082);  // AVAIL, USED and WRITE
        EXPECT_EQ(queue_->take_used().state, CompletionState::broken);
        queue_->detach();
    }

    /// The first descriptor that is not as the driver wrote it.
    [[nodiscard]] Finding overwritten() const {
        PackedInspector<N> const ring{SplitInspector<N, Packed>::ring_of(*queue_)};
        QueueSnapshot const seen = ring.snapshot();
        ChainFindings found;
        PackedChainCheck<N>{found, ring, seen, {}}.check();
        return found.overwritten();
    }
    void expect_overwritten(std::uint32_t descriptor, std::uint16_t id, std::uint16_t expected) {
        overwrite_id(descriptor, id);
        Finding const found = overwritten();
        EXPECT_EQ(found.cause, Cause::descriptor_overwritten);
        EXPECT_EQ(found.descriptor, descriptor);
        EXPECT_EQ(found.value, id);
        EXPECT_EQ(found.expected, expected);
    }

private:
    sim::GuestMemory memory_;
    std::unique_ptr<VirtQueue<N, Packed>> queue_ = std::make_unique<VirtQueue<N, Packed>>();
};

TEST(PendingChains, AreAsTheDriverWroteThem) {
    PendingQueue<8> queue;
    queue.add(2);
    queue.publish();
    queue.add(1);
    queue.add(2);
    queue.add(1);
    EXPECT_EQ(queue.overwritten().cause, Cause::none);
}

// Ids 0 and 1 are published, 2 and 3 are pending, 4 is free, and 8 is none.
TEST(PendingChains, HaveTheirIdsOnce) {
    for (unsigned const each : {0u, 2u, 4u, 8u}) {
        auto const wrong = static_cast<std::uint16_t>(each);
        SCOPED_TRACE(wrong);
        PendingQueue<8> queue;
        queue.add(1);
        queue.add(1);
        queue.publish();
        queue.add(1);
        queue.expect_overwritten(2, wrong == 2 ? std::uint16_t{3} : wrong, 2);
        queue.overwrite_id(2, 2);
        queue.add(1);
        if (wrong == 2) {
            queue.overwrite_id(3, 2);
            queue.expect_overwritten(2, 2, 3);  // the last chain looks right; its id comes a second time
            continue;
        }
        queue.expect_overwritten(3, wrong, 2);
        queue.overwrite_id(3, 3);
        queue.expect_overwritten(2, wrong, 2);
    }
}

// A free id may be of a chain that the device has answered elsewhere: only AVAIL and USED are compared.
TEST(PublishedChains, MayHaveAFreeIdInABrokenQueue) {
    PendingQueue<8> queue;
    queue.add(1);
    queue.add(1);
    queue.break_with_length();
    queue.overwrite_id(1, 5);
    EXPECT_EQ(queue.overwritten().cause, Cause::none);
    queue.write(16 + 14, 0);
    EXPECT_EQ(queue.overwritten().cause, Cause::descriptor_overwritten);
    EXPECT_EQ(queue.overwritten().descriptor, 1);
}

// In a large queue ids share a bit of what was met.
TEST(PendingChains, AreCheckedInALargeQueue) {
    PendingQueue<8192> queue;
    for (int i = 0; i != 4097; ++i) {
        queue.add(1);
    }
    EXPECT_EQ(queue.overwritten().cause, Cause::none);
    queue.expect_overwritten(0, 8191, 0);
}

// There an id that comes twice is not seen. The check nevertheless ends where the batch begins.
TEST(PendingChains, AreNotLongerThanTheirBatch) {
    PendingQueue<8192> queue;
    queue.add(2);  // id 0
    queue.add(1);
    queue.overwrite_id(1, 1);
    EXPECT_EQ(queue.overwritten().cause, Cause::none);
}

}  // namespace
}  // namespace virtq::test
