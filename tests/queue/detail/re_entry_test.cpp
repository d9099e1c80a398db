// SPDX-License-Identifier: MIT
#include <queue/contract_machine.hpp>

#include <cstdint>
#include <functional>
#include <vector>

/// A call that begins inside another call of the same queue is a breach, for every call and in every callback.
namespace virtq::test {

using namespace virtq::detail;

namespace {

constexpr char const* sentence = "another call is inside";
constexpr std::uint16_t size = 8;

template <class Queue>
struct Call {
    char const* name;
    std::function<void(Queue&)> call;
};

/// Pages whose allocator runs a callback before each call.
struct CallingPages {
    sim::GuestMemory& memory;
    std::function<void()> called = [] {};

    Pages allocate_pages(std::size_t count) {
        called();
        return memory.allocate_pages(count);
    }
    void free_pages(Pages pages) {
        called();
        memory.free_pages(pages);
    }
};

/// Tries each call that changes a queue of this format.
template <class Format>
std::vector<Call<VirtQueue<size, Format>>> changing_calls(CallingPages& pages, Features const& features) {
    using Queue = VirtQueue<size, Format>;
    static constexpr Segment segment[] = {{PhysAddr{0x1000}, 16}};
    static constexpr Token token{std::uintptr_t{1}};
    std::vector<Call<Queue>> calls{
        {"init", [&pages, features](Queue& queue) { static_cast<void>(queue.init(pages, size, features)); }},
        {"drain", [](Queue& queue) { static_cast<void>(queue.drain([](Token) {})); }},
        {"restart", [features](Queue& queue) { static_cast<void>(queue.restart(features)); }},
        {"restart at a size", [features](Queue& queue) { static_cast<void>(queue.restart(4, features)); }},
        {"release", [&pages](Queue& queue) { static_cast<void>(queue.release(pages)); }},
        {"attach", [](Queue& queue) { queue.attach(); }},
        {"detach", [](Queue& queue) { queue.detach(); }},
        {"add of spans",
         [](Queue& queue) {
             static_cast<void>(queue.add(Span<Segment const>{segment, 1}, {}, token));
         }},
        {"add of arrays", [](Queue& queue) { static_cast<void>(queue.add(segment, segment, token)); }},
        {"add of a readable array", [](Queue& queue) { static_cast<void>(queue.add(segment, {}, token)); }},
        {"add of a writable array", [](Queue& queue) { static_cast<void>(queue.add({}, segment, token)); }},
        {"add_gathered",
         [](Queue& queue) {
             static_cast<void>(queue.add_gathered({{segment, 1}, {}}, {}, token));
         }},
        {"publish", [](Queue& queue) { static_cast<void>(queue.publish()); }},
        {"take_used", [](Queue& queue) { static_cast<void>(queue.take_used()); }},
        {"enable_used_notifications", [](Queue& queue) { static_cast<void>(queue.enable_used_notifications()); }},
        {"disable_used_notifications", [](Queue& queue) { queue.disable_used_notifications(); }},
    };
    if constexpr (Format::has_descriptor_tier) {
        calls.push_back({"alloc_desc", [](Queue& queue) { static_cast<void>(queue.alloc_desc()); }});
        calls.push_back({"free_desc", [](Queue& queue) { queue.free_desc(DescIndex{0}); }});
        calls.push_back({"free_chain", [](Queue& queue) { queue.free_chain(DescIndex{0}); }});
        calls.push_back({"write_desc", [](Queue& queue) { queue.write_desc(DescIndex{0}, PhysAddr{0x1000}, 16, 0); }});
        calls.push_back({"push_avail", [](Queue& queue) { static_cast<void>(queue.push_avail(DescIndex{0})); }});
        calls.push_back({"poll_used", [](Queue& queue) { static_cast<void>(queue.poll_used()); }});
    }
    return calls;
}

template <class Format>
class ReEntryOf : public testing::Test {
protected:
    using Queue = VirtQueue<size, Format>;

    ReEntryOf() {
        if (SameAs<Format, Packed>) {
            features.set(spec::Feature::ring_packed);
        }
    }
    ~ReEntryOf() override {
        pages.called = [] {};
        queue.detach();
        EXPECT_TRUE(queue.release(pages).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
    }

    void expect_every_call_breaches() {
        for (auto const& each : changing_calls<Format>(pages, features)) {
            ++tried;
            EXPECT_BREACH(each.call(queue), sentence) << each.name;
        }
    }
    /// Adds a chain and drains it: the rejected calls have left nothing behind.
    void expect_works() {
        Segment const segment[] = {{PhysAddr{0x1000}, 16}};
        EXPECT_TRUE(queue.add(segment, {}, Token{std::uintptr_t{5}}).ok());
        EXPECT_TRUE(queue.publish().needed);
        EXPECT_EQ(queue.take_used().state, CompletionState::none);
        EXPECT_EQ(queue.num_free(), size - 1);
    }

    sim::GuestMemory memory{std::size_t{1} << 20};
    CallingPages pages{memory};
    Features features = Features::of(spec::Feature::version_1);
    Queue queue;
    unsigned tried = 0;
};

using Formats = testing::Types<Split, Packed, AnyFormat, PlainSplit>;
TYPED_TEST_SUITE(ReEntryOf, Formats);

TYPED_TEST(ReEntryOf, IsDetectedInThePageAllocator) {
    this->pages.called = [this] { this->expect_every_call_breaches(); };
    ASSERT_TRUE(this->queue.init(this->pages, size, this->features).ok());
    EXPECT_GE(this->tried, 16u);
    this->tried = 0;
    ASSERT_TRUE(this->queue.release(this->pages).ok());
    EXPECT_GE(this->tried, 16u);
    this->pages.called = [] {};
    ASSERT_TRUE(this->queue.init(this->pages, size, this->features).ok());
    this->expect_works();
}

TYPED_TEST(ReEntryOf, IsDetectedInTheDrainCallback) {
    ASSERT_TRUE(this->queue.init(this->pages, size, this->features).ok());
    this->expect_works();
    this->queue.detach();
    ASSERT_TRUE(this->queue.drain([this](Token) { this->expect_every_call_breaches(); }).ok());
    EXPECT_GE(this->tried, 16u);
    ASSERT_TRUE(this->queue.restart(this->features).ok());
    this->expect_works();
}

TYPED_TEST(ReEntryOf, LeavesOtherQueuesAlone) {
    typename TestFixture::Queue other;
    ASSERT_TRUE(other.init(this->memory, size, this->features).ok());
    this->pages.called = [&] { other.disable_used_notifications(); };
    ASSERT_TRUE(this->queue.init(this->pages, size, this->features).ok());
    this->pages.called = [] {};
    ASSERT_TRUE(other.release(this->memory).ok());
}

TYPED_TEST(ReEntryOf, ForgetsCallsEndedByABreach) {
    EXPECT_BREACH(this->queue.take_used(), "without memory");
    ASSERT_TRUE(this->queue.init(this->pages, size, this->features).ok());
    this->expect_works();
}

}  // namespace
}  // namespace virtq::test
