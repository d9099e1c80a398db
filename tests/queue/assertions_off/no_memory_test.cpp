// SPDX-License-Identifier: MIT
//
// Compiled with VIRTQ_ASSERTIONS=0: a queue without memory fails each call, and accesses no memory (faults B7).
#include <virtq/virtq.hpp>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

static_assert(VIRTQ_ASSERTIONS == 0, "This test is about the library without assertions");

namespace virtq::test {
namespace {

/// An allocator whose freed pages trap, so that an access to them ends the test.
class TrappingPages {
public:
    TrappingPages() = default;
    TrappingPages(TrappingPages const&) = delete;
    TrappingPages& operator=(TrappingPages const&) = delete;
    ~TrappingPages() {
        for (Pages const& each : mapped_) {
            munmap(each.virt, each.count * page_bytes);
        }
    }

    Pages allocate_pages(std::size_t count) {
        if (allocations_left_ == 0) {
            return {};
        }
        --allocations_left_;
        void* const virt =
            mmap(nullptr, count * page_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT_NE(virt, MAP_FAILED);
        mapped_.push_back({virt, next_phys_, count});
        next_phys_ = next_phys_ + count * page_bytes;
        return mapped_.back();
    }
    void free_pages(Pages pages) { EXPECT_EQ(mprotect(pages.virt, pages.count * page_bytes, PROT_NONE), 0); }

    void allow(unsigned allocations) { allocations_left_ = allocations; }
    void start_at(PhysAddr phys) { next_phys_ = phys; }

private:
    unsigned allocations_left_ = 1000;
    PhysAddr next_phys_{0x1'4000'0000};
    std::vector<Pages> mapped_;
};

template <class Queue>
void expect_no_adding(Queue& queue) {
    Segment const two[] = {{PhysAddr{0x1000}, 16}, {PhysAddr{0x2000}, 16}};
    Span<Segment const> const span{two, 2};
    EXPECT_EQ(queue.add(two, two, Token{}).error(), Error::queue_not_initialised);
    EXPECT_EQ(queue.add(span, span, Token{}).error(), Error::queue_not_initialised);
    EXPECT_EQ(queue.add({}, Span<Segment const>{two, 1}, Token{}).error(), Error::queue_not_initialised);
    EXPECT_EQ(queue.add_gathered(span, span, Token{}).error(), Error::queue_not_initialised);
    EXPECT_FALSE(queue.publish());
    Chain const chains[] = {{{}, span, Token{}}, {span, span, Token{}}};
    SubmittedBurst const made = queue.submit_burst(chains);
    EXPECT_EQ(made.count, 0u);
    EXPECT_EQ(made.error, Error::queue_not_initialised);
    EXPECT_FALSE(made.notification);
    WritableBuffer const buffers[] = {{{two[0]}, Token{}}};
    EXPECT_EQ(queue.submit_burst(buffers).error, Error::queue_not_initialised);
    EXPECT_EQ(queue.submit_burst(Span<Chain const>{}).error, Error::none);
}

template <class Queue>
void expect_no_taking(Queue& queue) {
    EXPECT_EQ(queue.take_used().state, CompletionState::broken);
    Completion room[2];
    EXPECT_EQ(queue.take_burst(room).state, CompletionState::broken);
    EXPECT_EQ(queue.take_burst({}).count, 0u);
    EXPECT_EQ(queue.enable_used_notifications(), MaySleep::broken);
    queue.disable_used_notifications();
    EXPECT_EQ(queue.enable_used_notifications(), MaySleep::broken);
}

template <class Queue>
void expect_no_life(Queue& queue, Features const& features) {
    queue.attach();
    EXPECT_FALSE(queue.is_live());
    queue.detach();
    unsigned handed_back = 0;
    EXPECT_TRUE(queue.drain([&](Token) { ++handed_back; }).ok());
    EXPECT_EQ(handed_back, 0u);
    EXPECT_EQ(queue.restart(features).error(), Error::queue_not_initialised);
    EXPECT_EQ(queue.restart(8, features).error(), Error::queue_not_initialised);
    EXPECT_EQ(queue.size(), 0u);
    EXPECT_EQ(queue.num_free(), 0u);
    EXPECT_EQ(queue.addresses().size, 0u);
    EXPECT_EQ(queue.pages().virt, nullptr);
    EXPECT_EQ(queue.table_pages().virt, nullptr);
}

template <class Queue>
void expect_no_descriptors(Queue& queue) {
    for (std::uint16_t i = 0; i < 4; ++i) {
        auto const desc = static_cast<DescIndex>(i);
        queue.write_desc(desc, PhysAddr{0x1000}, 16, 0);
        queue.free_chain(desc);
        queue.free_desc(desc);
        EXPECT_FALSE(queue.push_avail(desc).ok());
    }
    EXPECT_FALSE(queue.alloc_desc().ok());
    EXPECT_TRUE(queue.has_used());
    EXPECT_EQ(queue.poll_used().state, CompletionState::broken);
    EXPECT_EQ(queue.num_free(), 0u);
}

template <class Format>
void expect_no_memory(VirtQueue<8, Format>& queue, Features const& features, TrappingPages& pages) {
    expect_no_adding(queue);
    expect_no_taking(queue);
    if constexpr (Format::has_descriptor_tier) {
        if (!features.has(spec::Feature::in_order)) {
            expect_no_descriptors(queue);
        }
    }
    expect_no_life(queue, features);
    expect_no_adding(queue);
    expect_no_taking(queue);
    EXPECT_TRUE(queue.release(pages).ok());
}

template <class Format>
struct Variant {
    using Queue = VirtQueue<8, Format>;
    static constexpr Features base = Features::of(spec::Feature::version_1) | Format::required;

    static std::vector<Features> all_features() {
        std::vector<Features> all;
        for (Features const& more :
             {Features{}, Features::of(spec::Feature::event_idx), Features::of(spec::Feature::indirect_desc),
              Features::of(spec::Feature::in_order), Features::of(spec::Feature::ring_packed)}) {
            if (Format::wanted.contains(more)) {
                all.push_back(base | more);
            }
        }
        return all;
    }
};

template <class V>
class QueueWithoutMemory : public testing::Test {
protected:
    using Queue = typename V::Queue;

    template <class Test>
    void for_each_variant(Test test) {
        for (Features const& features : V::all_features()) {
            TrappingPages pages;
            auto const queue = std::make_unique<Queue>();
            test(*queue, features, pages);
        }
    }
    /// Leaves chains in flight, and chains that are added but not published.
    static void use(Queue& queue) {
        Segment const three[] = {{PhysAddr{0x1000}, 16}, {PhysAddr{0x2000}, 16}, {PhysAddr{0x3000}, 16}};
        ASSERT_TRUE(queue.add({}, three, Token{}).ok());
        static_cast<void>(queue.publish());
        EXPECT_EQ(queue.enable_used_notifications(), MaySleep::yes);
        ASSERT_TRUE(queue.add({}, three, Token{}).ok());
        queue.detach();
    }
};

using Variants = testing::Types<Variant<Split>, Variant<PlainSplit>, Variant<Packed>, Variant<AnyFormat>>;
TYPED_TEST_SUITE(QueueWithoutMemory, Variants);

TYPED_TEST(QueueWithoutMemory, AnswersBeforeInit) {
    this->for_each_variant(
        [](auto& queue, Features const& features, TrappingPages& pages) { expect_no_memory(queue, features, pages); });
}

TYPED_TEST(QueueWithoutMemory, AnswersAfterRelease) {
    this->for_each_variant([this](auto& queue, Features const& features, TrappingPages& pages) {
        for (int life = 0; life < 2; ++life) {
            ASSERT_TRUE(queue.init(pages, 8, features).ok());
            this->use(queue);
            ASSERT_TRUE(queue.release(pages).ok());
            expect_no_memory(queue, features, pages);
        }
    });
}

TYPED_TEST(QueueWithoutMemory, AnswersAfterFailedInit) {
    this->for_each_variant([this](auto& queue, Features const& features, TrappingPages& pages) {
        for (int life = 0; life < 2; ++life) {
            pages.allow(0);
            EXPECT_EQ(queue.init(pages, 8, features).error(), Error::no_pages);
            expect_no_memory(queue, features, pages);
            if (features.has(spec::Feature::indirect_desc)) {
                pages.allow(1);
                EXPECT_EQ(queue.init(pages, 8, features).error(), Error::no_pages);
                expect_no_memory(queue, features, pages);
            }
            pages.allow(1000);
            pages.start_at(PhysAddr{0x1'4000'0008});
            EXPECT_EQ(queue.init(pages, 8, features).error(), Error::pages_misaligned);
            expect_no_memory(queue, features, pages);
            pages.start_at(PhysAddr{0x1'4000'0000});
            ASSERT_TRUE(queue.init(pages, 8, features).ok());
            this->use(queue);
            ASSERT_TRUE(queue.release(pages).ok());
        }
    });
}

TEST(QueueWithoutMemory, AnswersAfterInitAtPageZero) {
    TrappingPages pages;
    pages.start_at(PhysAddr{0});
    VirtQueue<8> queue;
    ASSERT_EQ(queue.init(pages, 8, Features{}).error(), Error::pfn_zero);
    expect_no_memory(queue, Features{}, pages);
}

TEST(QueueWithoutMemory, DropsTheCallersDescriptors) {
    TrappingPages pages;
    VirtQueue<8> queue;
    ASSERT_TRUE(queue.init(pages, 8, Features::of(spec::Feature::version_1)).ok());
    for (int i = 0; i < 4; ++i) {
        ASSERT_TRUE(queue.alloc_desc().ok());
    }
    ASSERT_TRUE(queue.release(pages).ok());
    expect_no_descriptors(queue);
}

}  // namespace
}  // namespace virtq::test
