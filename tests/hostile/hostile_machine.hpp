// SPDX-License-Identifier: MIT
#pragma once

#include <queue/contract_machine.hpp>

#include <sim/wire.hpp>

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <new>
#include <set>
#include <string>
#include <vector>

/// A queue of eight descriptors with a chain in every state, and a model of its tokens. Its device can misbehave in
/// the middle of a call. Compiled with a ring_memory.hpp that announces each access (`watched/`).
namespace virtq::test {

static_assert(platform::ring_memory_is_replaced, "watched/ stands before include/ in the include path");

/// An object whose last byte is directly before an inaccessible page. So an index past the end of the last array is
/// detected even without a sanitizer.
template <class Object>
class Guarded {
public:
    Guarded() {
        std::size_t const bytes = (sizeof(Object) + page - 1) / page * page;
        bytes_ = bytes + 2 * page;
        void* const mapped = mmap(nullptr, bytes_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        EXPECT_NE(mapped, MAP_FAILED);
        base_ = static_cast<std::uint8_t*>(mapped);
        EXPECT_EQ(mprotect(base_ + page, bytes, PROT_READ | PROT_WRITE), 0);
        object_ = new (base_ + page + bytes - sizeof(Object)) Object{};
    }
    ~Guarded() {
        object_->~Object();
        munmap(base_, bytes_);
    }
    Guarded(Guarded const&) = delete;
    Guarded& operator=(Guarded const&) = delete;

    Object& operator*() { return *object_; }

private:
    static constexpr std::size_t page = 4096;
    std::uint8_t* base_ = nullptr;
    std::size_t bytes_ = 0;
    Object* object_ = nullptr;
};

class HostileMachine {
public:
    static constexpr std::uint16_t size = 8;
    /// The most accesses to shared memory that a call on this queue may make: a chain of three takes twelve words and
    /// a few more.
    static constexpr std::size_t access_limit = 64;
    /// The most accesses that a check for a completion may make.
    static constexpr std::size_t check_limit = 8;

    explicit HostileMachine(Combination const& combination,
                            OverReportedLength over_reported = OverReportedLength::break_queue)
        : combination_(combination), over_reported_(over_reported) {
        switch (combination.kind) {
            case QueueKind::split: queue = &*make(split_); break;
            case QueueKind::plain_split: queue = &*make(plain_); break;
            case QueueKind::packed: queue = &*make(packed_); break;
            case QueueKind::negotiated_split:
            case QueueKind::negotiated_packed: queue = &*make(negotiated_); break;
        }
        buffer_ = memory.allocate_buffer(4096);
        // Two entries, or descriptors, before the counters wrap.
        QueueOption option = options();
        option.first_index =
            RingIndex{static_cast<std::uint16_t>(combination.packed() ? 0x8000u | (size - 2u) : 65534u)};
        EXPECT_TRUE(queue->init(memory, size, combination.features(), option).ok());
        watch();
        start_device(number(option.first_index));
    }
    ~HostileMachine() {
        platform::before_access = nullptr;
        queue->detach();
        EXPECT_TRUE(queue->release(memory).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
    }
    HostileMachine(HostileMachine const&) = delete;
    HostileMachine& operator=(HostileMachine const&) = delete;

    // --- monitoring ---

    /// Runs `call`, and calls `at_step` before its access number `step`, or after the last access if there are fewer.
    /// Returns the number of accesses.
    template <class Call>
    std::size_t run(Call call, std::size_t limit, std::size_t step = SIZE_MAX, std::function<void()> at_step = {}) {
        accesses_ = 0;
        begin_call();
        step_ = step;
        at_step_ = std::move(at_step);
        in_call_ = true;
        call();
        in_call_ = false;
        if (at_step_) {
            take_step();
        }
        if (accesses_ > limit) {
            complain("a call took " + std::to_string(accesses_) + " accesses");
        }
        return accesses_;
    }
    /// Marks the start of the next call, within a step of several calls.
    void begin_call() { elements_read_.clear(); }
    /// Sets a function to run before each access, until it is set to nothing.
    void at_every_step(std::function<void()> fault) { at_every_step_ = std::move(fault); }

    [[nodiscard]] std::string complaints() const { return complaints_; }
    void complain(std::string const& what) {
        if (complaints_.size() < 400) {
            complaints_ += what + "; ";
        }
    }

    // --- the driver, with a model of the tokens ---

    struct Waiting {
        std::uint32_t writable;
        bool is_published;
    };

    /// Adds one segment, as an array.
    void add_array(std::uintptr_t token) {
        Segment const writable[] = {{buffer_.phys, 16}};
        if (queue->add_one(writable, Token{token})) {
            waiting.emplace(token, Waiting{16, false});
        }
    }
    /// Adds two segments, each side in one of its two parts.
    void add_gathered(std::uintptr_t token) {
        Segment const all[] = {{buffer_.phys, 16}, {buffer_.phys + 16, 16}};
        if (queue->add_gathered({{all, 1}, {}}, {{}, {all + 1, 1}}, Token{token})) {
            waiting.emplace(token, Waiting{16, false});
        }
    }
    Status add(std::size_t readable, std::size_t writable, std::uintptr_t token, std::uint32_t last_bytes = 16) {
        std::vector<Segment> all;
        for (std::size_t i = 0; i < readable + writable; ++i) {
            all.push_back({buffer_.phys + 16 * i, i + 1 == readable + writable ? last_bytes : 16});
        }
        Status const added = queue->add({all.data(), readable}, {all.data() + readable, writable}, Token{token});
        if (added) {
            waiting.emplace(token, Waiting{static_cast<std::uint32_t>(16 * writable), false});
        }
        return added;
    }
    Notification publish() {
        Notification const said = queue->publish();
        if (!queue->fault()) {
            for (auto& [token, state] : waiting) {
                state.is_published = true;
            }
        }
        return said;
    }
    /// A burst of one chain, and of one that is rejected if `rejects`.
    void submit_burst(std::uintptr_t token, std::size_t count, bool rejects) {
        Segment const good[] = {{buffer_.phys, 16}};
        Segment const bad[] = {{buffer_.phys, 16}, {buffer_.phys + 16, 0}};
        Chain const chains[] = {{{}, good, Token{token}}, {{}, bad, Token{token + 1}}};
        SubmittedBurst const made = queue->submit_burst(Span<Chain const>{chains, count + (rejects ? 1 : 0)});
        if (made.count != (queue->fault() ? 0 : count)) {
            complain("a burst ended too early, or too late");
        }
        for (std::size_t i = 0; i < made.count; ++i) {
            waiting.emplace(token + i, Waiting{16, false});
        }
        for (auto& [each, state] : waiting) {
            state.is_published = state.is_published || !queue->fault();
        }
    }
    /// Takes up to `most` completions.
    void take_burst(std::size_t most) {
        bool const was_broken = static_cast<bool>(queue->fault());
        std::vector<Completion> room(most);
        TakenBurst const done = queue->take_burst(room);
        last_state = done.state;
        if (done.count > most || (was_broken && done.count != 0)) {
            complain("a burst has completions that nobody may have");
            return;
        }
        if ((done.state == CompletionState::broken) != (done.count != most && queue->fault())) {
            complain("take_burst() and fault() contradict each other");
        }
        for (std::size_t i = 0; i < done.count; ++i) {
            account(room[i].token.value(), room[i].written);
        }
    }
    /// Takes a completion; returns its token, or 0.
    std::uintptr_t take() {
        bool const was_broken = static_cast<bool>(queue->fault());
        Completion const done = queue->take_used();
        last_state = done.state;
        if (!done) {
            return 0;
        }
        if (was_broken) {
            complain("a broken queue handed a token back");
        }
        account(done.token.value(), done.written);
        return done.token.value();
    }
    void account(std::uintptr_t token, std::uint32_t written) {
        auto const found = waiting.find(token);
        if (found == waiting.end()) {
            complain("token " + std::to_string(token) + " came back, and was not in flight");
            return;
        }
        if (!found->second.is_published) {
            complain("token " + std::to_string(token) + " came back before it was published");
        }
        if (written > found->second.writable) {
            complain("more was written than was writable");
        }
        waiting.erase(found);
    }
    /// Drains the queue, and checks that each waiting token is returned once.
    void drain() {
        queue->detach();
        for (Token const token : queue->drain()) {
            if (waiting.erase(token.value()) != 1) {
                complain("drain() handed back token " + std::to_string(token.value()));
            }
        }
        if (!waiting.empty()) {
            complain("drain() forgot token " + std::to_string(waiting.begin()->first));
            waiting.clear();
        }
    }
    /// Checks that a drained queue returns no completions and still has its fault.
    void expect_drained() {
        Fault const before = queue->fault();
        Completion const done = queue->take_used();
        if (done.state != CompletionState::broken || queue->fault().reason != before.reason || !before) {
            complain("a queue that was drained is not as it was");
        }
    }
    bool restart(std::uint16_t first = 0) {
        QueueOption option = options();
        option.first_index = RingIndex{first};
        bool const up = queue->restart(size, combination_.features(), option).ok();
        watch();
        return up;
    }

    // --- the beginning ---

    /// Prepares a queue whose chains are in every state. Chain 1 is used and taken, and chain 2 used and not taken.
    /// Chain 3, of three segments, and chain 4 are in flight; chain 5 is added and not published. Two descriptors are
    /// free.
    void prepare() {
        static_cast<void>(add(0, 1, 1));
        static_cast<void>(publish());
        use(fetch());
        EXPECT_EQ(take(), 1u);
        static_cast<void>(add(0, 1, 2));
        static_cast<void>(add(1, 2, 3));
        static_cast<void>(add(0, 1, 4));
        static_cast<void>(publish());
        head2 = fetch();
        head3 = fetch();
        head4 = fetch();
        middle3 = second_descriptor(head3);
        use(head2);
        static_cast<void>(add(0, 1, 5));
        head5 = next_head();
        std::set<std::uint16_t> taken{head2, head3, head4, head5, middle3, last_descriptor(head3)};
        // The last free one, so that a call which allocates a descriptor does not take it.
        for (free_id = size - 1; taken.count(free_id) != 0; --free_id) {
        }
    }

    // --- the device ---

    std::uint16_t fetch() {
        auto const chain = device->fetch();
        EXPECT_TRUE(chain.has_value() && chain->intact);
        return chain ? chain->head : std::uint16_t{0};
    }
    void use(std::uint16_t head, std::uint32_t length = 16) {
        device->put_used(head, length);
        device->flush_used();
    }
    /// Writes one more used entry, whatever was fetched.
    void use_raw(std::uint32_t id, std::uint32_t length) {
        if (split_ring != nullptr) {
            split_ring->put_used_raw(id, length);
        } else {
            packed_ring->put_used_raw(static_cast<std::uint16_t>(id), length);
        }
        device->flush_used();
    }
    [[nodiscard]] std::uint8_t* pages() const { return pages_; }
    [[nodiscard]] std::size_t page_bytes_of_ring() const { return page_count_ * 4096; }
    /// Where the parts of a split ring are, according to its own addresses.
    [[nodiscard]] std::uint8_t* available_ring() const { return memory.virt(addresses_.driver_area, 2); }
    [[nodiscard]] std::uint8_t* used_ring() const { return memory.virt(addresses_.device_area, 2); }

    /// Starts the device's side, also after a restart.
    void start_device(std::uint16_t first = 0) {
        addresses_ = queue->addresses();
        queue->attach();
        split_ring = nullptr;
        packed_ring = nullptr;
        if (combination_.packed()) {
            auto ring = std::make_unique<DeviceOf<sim::PackedQueue>>(
                memory,
                sim::PackedQueueConfig{.size = addresses_.size,
                                       .descriptor_area = addresses_.descriptor_area,
                                       .driver_area = addresses_.driver_area,
                                       .device_area = addresses_.device_area,
                                       .event_idx = combination_.event_idx,
                                       .indirect = combination_.indirect,
                                       .in_order = combination_.in_order,
                                       .start = {static_cast<std::uint16_t>(first & 0x7fffu), first < 0x8000}});
            packed_ring = &ring->ring_;
            device = std::move(ring);
        } else {
            auto ring = std::make_unique<DeviceOf<sim::SplitQueue>>(
                memory, sim::SplitQueueConfig{.size = addresses_.size,
                                              .descriptor_area = addresses_.descriptor_area,
                                              .driver_area = addresses_.driver_area,
                                              .device_area = addresses_.device_area,
                                              .event_idx = combination_.event_idx,
                                              .indirect = combination_.indirect,
                                              .in_order = combination_.in_order,
                                              .order = combination_.order(),
                                              .start_index = first});
            split_ring = &ring->ring_;
            device = std::move(ring);
        }
    }

    /// Runs a correct device over a queue that was restarted.
    void expect_sound() {
        start_device();
        for (std::uintptr_t token = 100; token < 124; ++token) {
            if (!add(token % 2, 1, token)) {
                complain("a queue that came up again takes no chain");
                return;
            }
            static_cast<void>(publish());
            auto const chain = device->fetch();
            if (!chain || !chain->intact) {
                complain("a queue that came up again shows no chain");
                return;
            }
            use(chain->head);
            if (take() != token) {
                complain("a queue that came up again hands nothing back");
                return;
            }
        }
        if (queue->num_free() != size) {
            complain("a queue that came up again has lost descriptors");
        }
    }

    mutable sim::GuestMemory memory{std::size_t{1} << 18};
    AnyQueue* queue = nullptr;
    std::unique_ptr<AnyDevice> device;
    sim::SplitQueue* split_ring = nullptr;
    sim::PackedQueue* packed_ring = nullptr;
    std::map<std::uintptr_t, Waiting> waiting;  ///< chains that were added, and neither taken nor drained
    CompletionState last_state = CompletionState::none;
    std::uint16_t head2 = 0, head3 = 0, head4 = 0, head5 = 0, middle3 = 0, free_id = 0;

    [[nodiscard]] static bool has_descriptor_tier(Combination const& combination) {
        return combination.kind == QueueKind::split && !combination.in_order;
    }
    /// Passes the queue to `use`, for a format that has the descriptor tier.
    template <class Use>
    void with_descriptor_tier(Use use) {
        use((**split_).queue());
    }
    [[nodiscard]] Segment data() const { return {buffer_.phys, 16}; }
    /// Byte order of the words in the ring.
    [[nodiscard]] sim::ByteOrder order() const { return combination_.order(); }

private:
    template <class Format>
    using Place = std::unique_ptr<Guarded<QueueOf<Format, size>>>;

    template <class Format>
    static Guarded<QueueOf<Format, size>>& make(Place<Format>& place) {
        place = std::make_unique<Guarded<QueueOf<Format, size>>>();
        return *place;
    }

    [[nodiscard]] QueueOption options() const {
        return {.over_reported = over_reported_, .indirect = {.tables = 2, .length = 4}};
    }

    /// Lets this machine see each access, and makes the pages around the queue's pages and tables inaccessible.
    void watch() {
        platform::before_access = [this](platform::Access const& access) { look_at(access); };
        Pages const ring = queue->pages();
        Pages const tables = queue->table_pages();
        pages_ = static_cast<std::uint8_t*>(ring.virt);
        page_count_ = ring.count;
        tables_ = static_cast<std::uint8_t*>(tables.virt);
        table_page_count_ = tables.count;
        fence_in(pages_, page_count_);
        if (tables_ != nullptr) {
            fence_in(tables_, table_page_count_);
        }
    }
    /// GuestMemory leaves an unused page between two runs.
    static void fence_in(std::uint8_t* pages, std::size_t count) {
        EXPECT_EQ(mprotect(pages - 4096, 4096, PROT_NONE), 0);
        EXPECT_EQ(mprotect(pages + count * 4096, 4096, PROT_NONE), 0);
    }

    void look_at(platform::Access const& access) {
        auto const* const at = static_cast<std::uint8_t const*>(access.at);
        bool const zeroes = access.is_store && access.bytes == page_count_ * 4096;
        if (!is_within(at, access.bytes, pages_, page_count_) &&
            !is_within(at, access.bytes, tables_, table_page_count_)) {
            complain("an access outside the queue");
        }
        if (at >= pages_ && at < pages_ + page_count_ * 4096 && !zeroes && is_between(at)) {
            complain("an access between the parts of the queue");
        }
        if (in_call_ && !access.is_store && access.bytes == 4 && !is_event_word(at) &&
            !elements_read_.insert(at).second) {
            complain("an id or length was read twice in one call");
        }
        if (at_step_ && accesses_ == step_) {
            take_step();
        }
        ++accesses_;
        if (at_every_step_) {
            at_every_step_();
        }
    }
    /// Whether an address is after the last word of the queue, or between the available and the used ring (§2.7,
    /// §2.8).
    [[nodiscard]] bool is_between(std::uint8_t const* at) const {
        auto const offset = static_cast<std::size_t>(at - pages_);
        if (combination_.packed()) {
            return offset >= 16 * size + 8;
        }
        return (offset >= 16 * size + 6 + 2 * size && offset < 4096) || offset >= 4096 + 6 + 8 * size;
    }
    [[nodiscard]] bool is_event_word(std::uint8_t const* at) const {
        return combination_.packed() && at >= pages_ + 16 * size;
    }
    static bool is_within(std::uint8_t const* at, std::size_t bytes, std::uint8_t const* pages, std::size_t count) {
        return pages != nullptr && at >= pages && at + bytes <= pages + count * 4096;
    }
    void take_step() {
        std::function<void()> const device_acts = std::move(at_step_);
        at_step_ = nullptr;
        device_acts();
    }

    // What the driver wrote, read as a device does.

    [[nodiscard]] std::uint16_t word(std::uint8_t const* at) const {
        return static_cast<std::uint16_t>(sim::decode(at, 2, order()));
    }
    /// The head, or id, of the chain that is added and not published.
    [[nodiscard]] std::uint16_t next_head() const {
        if (split_ring != nullptr) {
            return word(available_ring() + 4 + 2 * (split_ring->next_available() % size));
        }
        return packed_ring->descriptor(packed_ring->next_available().offset).id;
    }
    [[nodiscard]] std::uint16_t second_descriptor(std::uint16_t head) const {
        if (split_ring == nullptr || (split_ring->descriptor(head).flags & 1) == 0) {
            return head;
        }
        return split_ring->descriptor(head).next;
    }
    [[nodiscard]] std::uint16_t last_descriptor(std::uint16_t head) const {
        return second_descriptor(second_descriptor(head));
    }

    Combination combination_;
    OverReportedLength over_reported_;
    Place<Split> split_;
    Place<Packed> packed_;
    Place<AnyFormat> negotiated_;
    Place<PlainSplit> plain_;
    QueueAddresses addresses_;
    sim::Buffer buffer_;
    std::uint8_t* pages_ = nullptr;
    std::size_t page_count_ = 0;
    std::uint8_t* tables_ = nullptr;
    std::size_t table_page_count_ = 0;
    bool in_call_ = false;
    std::size_t accesses_ = 0;
    std::set<std::uint8_t const*> elements_read_;
    std::size_t step_ = SIZE_MAX;
    std::function<void()> at_step_;
    std::function<void()> at_every_step_;
    std::string complaints_;
};

}  // namespace virtq::test
