// SPDX-License-Identifier: MIT
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <fuzz/fenced_pages.hpp>
#include <fuzz/input.hpp>
#include <fuzz/queue_device.hpp>
#include <fuzz/require.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

/// One input is a queue of any format with any features, its driver, and a device that may write anything. The device
/// writes between calls and in the middle of them. These properties are checked:
///
/// - each token is returned at most once, and at the latest by `drain`;
/// - free descriptors, those in flight and the caller's add up to the whole queue;
/// - no call accesses anything but the queue's pages, nor more often than the queue's size explains;
/// - a correct device never breaks the queue.
///
/// Compiled with the ring_memory.hpp of tests/hostile, which announces each access before it happens.
namespace virtq::test {

using namespace virtq::detail;

static_assert(platform::ring_memory_is_replaced, "hostile/watched/ stands before include/ in the include path");

namespace {

constexpr std::uint16_t capacity = 16;
constexpr unsigned calls_most = 600;
constexpr std::size_t accesses_most = 8 * capacity + 16;   // four words for each descriptor of the longest chain
constexpr std::size_t burst_accesses_most = 10 * 15 + 16;  // ten words for each of at most 15 chains in tables

struct Chain {
    std::uintptr_t token;
    bool is_published;
    bool is_used;  ///< used correctly by the device
    std::uint16_t id;
    std::uint16_t descriptors;          ///< number of descriptors in the ring
    std::uint32_t writable;             ///< bytes
    std::vector<std::uint16_t> pushed;  ///< its descriptors, if `push_avail` was called
};

/// A descriptor that the caller holds, as the caller wrote it.
struct Own {
    bool held = false;
    bool has_next = false;
    std::uint16_t next = 0;
    bool writable = false;
    std::uint32_t bytes = 0;
};

template <class Format>
class Machine {
    static constexpr bool has_tier = Format::has_descriptor_tier;
    static constexpr bool has_in_order = Format::wanted.has(spec::Feature::in_order);

public:
    explicit Machine(Input& input) : in_(input), queue_(std::make_unique<VirtQueue<capacity, Format>>()) {
        platform::before_access = [this](platform::Access const& access) { look_at(access); };
        bring_up();
    }
    ~Machine() {
        if (queue_->size() != 0) {
            take_all_of_an_honest_device();
            drain();
            require(queue_->release(pages_).ok());
        }
        platform::before_access = nullptr;
    }

    void run() {
        for (unsigned i = 0; i < calls_most && !in_.at_end() && queue_->size() != 0; ++i) {
            step();
            check();
        }
    }

private:
    // --- life ---

    [[nodiscard]] Features choose_features() {
        std::uint8_t const bits = in_.byte();
        Features features = Features::of(spec::Feature::version_1);
        packed_ = SameAs<Format, Packed> || (SameAs<Format, AnyFormat> && (bits & 1) != 0);
        legacy_ = !packed_ && (bits & 2) != 0;
        in_order_ = has_in_order && !legacy_ && (bits & 16) != 0;
        if (legacy_) {
            features = Features{};
        }
        packed_ ? features.set(spec::Feature::ring_packed) : void();
        (bits & 4) != 0 ? features.set(spec::Feature::event_idx) : void();
        (bits & 8) != 0 ? features.set(spec::Feature::indirect_desc) : void();
        in_order_ ? features.set(spec::Feature::in_order) : void();
        (bits & 32) != 0 && !legacy_ ? features.set(spec::Feature::order_platform) : void();
        return features;
    }
    [[nodiscard]] QueueOption choose_option(std::uint16_t size) {
        QueueOption option;
        std::uint8_t const bits = in_.byte();
        option.over_reported = (bits & 1) != 0 ? OverReportedLength::clamp : OverReportedLength::break_queue;
        cuts_ = legacy_ || (bits & 1) != 0;
        if ((bits & 2) != 0) {  // start shortly before the indices wrap
            unsigned const before = 1u + (bits >> 4) % size;
            option.first_index = RingIndex{static_cast<std::uint16_t>(
                packed_ ? ((bits & 4) != 0 ? 0x8000u : 0u) | (size - before) : 0u - before)};
        }
        if ((bits & 8) != 0) {
            option.indirect = {in_.byte(), in_.byte(), static_cast<std::uint16_t>(in_.byte() % 4)};
        }
        first_ = number(option.first_index);
        return option;
    }
    /// Sometimes returns an invalid size.
    [[nodiscard]] std::uint16_t choose_size() {
        std::uint8_t const byte = in_.byte();
        return (byte & 0x80) != 0 ? byte & 0x1f : static_cast<std::uint16_t>(1u << (byte % 5));
    }

    void bring_up() {
        std::uint16_t const size = choose_size();
        Features const features = choose_features();
        QueueOption const option = choose_option(size != 0 ? size : std::uint16_t{1});
        pages_.fail_at((in_.byte() & 0xf0) != 0 ? 0 : in_.byte() % 4);
        Status const up = call([&] { return queue_->init(pages_, size, features, option); });
        pages_.fail_at(0);
        require(up.ok() || (queue_->size() == 0 && pages_.runs().empty()));
        if (up) {
            require(queue_->size() == size);
            begin(size);
        }
    }
    void begin(std::uint16_t size) {
        size_ = size;
        chains_.clear();
        own_.fill(Own{});
        taken_heads_.clear();
        fault_ = Fault{};
        is_honest_ = true;
        Pages const ring = queue_->pages();
        device_ = QueueDevice(static_cast<std::uint8_t*>(ring.virt), queue_->addresses(), packed_, first_);
        queue_->attach();
        require(queue_->num_free() == size);
    }

    void drain() {
        require(call([&] { return queue_->drain([](Token) { require(false); }); }).error() == Error::queue_still_live);
        queue_->detach();
        Status const drained = call([&] {
            return queue_->drain([&](Token token) {
                forget(token.value());
                require(queue_->num_free() == 0);
            });
        });
        require(drained.ok() && chains_.empty());
    }
    void start_again() {
        late_write_ = {};  // the pages may be freed
        drain();
        if ((in_.byte() & 1) != 0) {
            require(call([&] { return queue_->release(pages_); }).ok());
            require(pages_.runs().empty());
            bring_up();
            return;
        }
        std::uint16_t const size = choose_size();
        bool const was_packed = packed_;
        Features const features = choose_features();
        QueueOption const option = choose_option(size != 0 ? size : std::uint16_t{1});
        Status const up = call([&] { return queue_->restart(size, features, option); });
        if (up) {
            begin(size);
            return;
        }
        packed_ = was_packed;
        require(queue_->fault().reason != FaultReason::none && queue_->num_free() == 0);
        require(call([&] { return queue_->release(pages_); }).ok());
        bring_up();
    }

    // --- one call, or one act of the device ---

    void step() {
        switch (std::uint8_t const what = in_.byte(); what % 20) {
            case 0:
            case 1:
            case 2: add(what); break;
            case 3:
            case 4: what < 128 ? publish() : submit_burst(); break;
            case 5:
            case 6: what < 128 ? static_cast<void>(take_used()) : take_burst(); break;
            case 7: static_cast<void>(call([&] { return queue_->enable_used_notifications(); })); break;
            case 8: call([&] { queue_->disable_used_notifications(); }); break;
            case 9:
            case 10: use(what < 128); break;
            case 11: write_anywhere(); break;
            case 12: write_in_a_call(); break;
            case 13: start_again(); break;
            case 14: use_raw(); break;
            default:
                if constexpr (has_tier) {
                    if (!in_order_) {
                        tier_step(what);
                    }
                }
        }
    }

    void add(std::uint8_t kind) {
        std::uint8_t const shape = in_.byte();
        std::array<Segment, 2 * capacity> segments;
        std::size_t const readable = shape % 5 == 4 ? shape % capacity : shape % 4;
        std::size_t const writable = (shape >> 4) == 15 ? capacity : (shape >> 4) % 4;
        std::size_t const count = readable + writable;
        std::uint64_t total = 0, writable_total = 0;
        bool has_empty = false;
        std::uint8_t const lengths = in_.byte();
        for (std::size_t i = 0; i < count; ++i) {
            constexpr std::uint32_t odd[] = {0, 1, 0x7fffffff, 0xffffffff, 0x80000000, 0xfffffff0, 512, 4096};
            std::uint32_t const bytes = i + 1 == count && lengths >= 0xe0 ? odd[lengths % 8] : 16u;
            segments[i] = {PhysAddr{0x9'8765'0000 + 4096 * i}, bytes};
            has_empty |= bytes == 0;
            total += bytes;
            writable_total += i >= readable ? bytes : 0;
        }
        Span<Segment const> const in{segments.data(), readable};
        Span<Segment const> const out{segments.data() + readable, writable};
        Token const token{next_token_};
        std::uint16_t const before = queue_->num_free();
        bool const broken = static_cast<bool>(queue_->fault());
        late_write_ = {};  // these calls read nothing from the device
        Status const added = call([&] {
            if ((kind & 0x20) != 0) {
                std::size_t const front = readable / 2;
                return queue_->add_gathered(
                    Gather{{segments.data(), front}, {segments.data() + front, readable - front}}, Gather{{}, out},
                    token);
            }
            if (readable == 1 && writable == 1) {
                Segment const one[] = {segments[0]};
                Segment const two[] = {segments[1]};
                return queue_->add(one, two, token);
            }
            return queue_->add(in, out, token);
        });
        std::uint16_t const taken = static_cast<std::uint16_t>(before - queue_->num_free());
        bool const is_fine = count != 0 && count <= size_ && !has_empty && total <= std::uint64_t{1} << 32;
        if (!added) {
            require(taken == 0 && (broken || !is_fine || count > before));
            require(broken == (added.error() == Error::queue_broken));
            return;
        }
        require(!broken && is_fine && (taken == 1 || taken == count));
        std::uint32_t const limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(writable_total, 0xffffffff));
        chains_.push_back({next_token_++, false, false, device_.id_of_added(taken), taken, limit, {}});
    }

    void publish() {
        static_cast<void>(call([&] { return queue_->publish(); }));
        published();
    }
    void published() {
        for (Chain& chain : chains_) {
            chain.is_published = chain.is_published || !queue_->fault();
        }
    }

    /// Chains of one segment, so that each takes one descriptor, in a table or not.
    void submit_burst() {
        std::uint8_t const shape = in_.byte();
        std::size_t const count = shape % 16;
        std::size_t const bad = (shape & 0x40) != 0 ? in_.byte() % 16 : count;
        std::uintptr_t const first = next_token_;
        std::uint16_t const before = queue_->num_free();
        bool const broken = static_cast<bool>(queue_->fault());
        late_write_ = {};
        std::size_t asked = 0;
        auto const submit = [&] {
            return queue_->submit_burst(count, [&](std::size_t i) {
                require(i == asked++);
                return WritableBuffer{{{PhysAddr{0x9'8765'0000 + 4096 * i}, i == bad ? 0u : 16u}}, Token{first + i}};
            });
        };
        SubmittedBurst const made = call(submit, burst_accesses_most);
        std::size_t const fit = std::min({count, bad, std::size_t{before}});
        require(made.count == (broken ? 0 : fit) && queue_->num_free() == before - made.count);
        require((made.error == Error::none) == (made.count == count));
        require(asked == made.count + (made.error == Error::none ? 0 : 1));
        require(made.count == count || broken == (made.error == Error::queue_broken));
        for (std::size_t i = 0; i < made.count; ++i) {
            chains_.push_back({next_token_++, false, false, device_.id_of_added(1), 1, 16, {}});
        }
        published();
    }

    void take_burst() {
        bool const broken = static_cast<bool>(queue_->fault());
        std::array<Completion, 12> room;
        std::size_t const size = 1 + in_.byte() % room.size();
        TakenBurst const done = call([&] { return queue_->take_burst({room.data(), size}); });
        require(done.count <= size && (!broken || done.count == 0));
        require((done.state == CompletionState::ready) == (done.count == size));
        require(done.count == size || (done.state == CompletionState::broken) == static_cast<bool>(queue_->fault()));
        for (std::size_t i = 0; i < done.count; ++i) {
            Chain const chain = forget(room[i].token.value());
            require(room[i] && chain.is_published && room[i].written <= chain.writable);
            require(!is_honest_ || chain.is_used);
        }
    }

    [[nodiscard]] CompletionState take_used() {
        bool const broken = static_cast<bool>(queue_->fault());
        Completion const done = call([&] { return queue_->take_used(); });
        require((done.state == CompletionState::broken) == static_cast<bool>(queue_->fault()));
        if (done) {
            require(!broken);
            Chain const chain = forget(done.token.value());
            require(chain.is_published && done.written <= chain.writable);
            require(!is_honest_ || chain.is_used);
        }
        return done.state;
    }

    /// Removes and returns the chain of a returned token, which must be in flight.
    Chain forget(std::uintptr_t token) {
        auto const found =
            std::find_if(chains_.begin(), chains_.end(), [&](Chain const& c) { return c.token == token; });
        require(found != chains_.end());
        Chain const chain = *found;
        chains_.erase(found);
        return chain;
    }

    // --- the device ---

    void use(bool is_honest) {
        std::vector<Chain*> waiting;
        for (Chain& chain : chains_) {
            if (chain.is_published && !chain.is_used) {
                waiting.push_back(&chain);
            }
        }
        std::uint8_t const which = in_.byte();
        if (waiting.empty()) {
            return;
        }
        std::size_t const chosen = which % waiting.size();
        Chain& chain = *waiting[chosen];
        std::uint32_t length = (which & 0x80) != 0 ? chain.writable : std::min<std::uint32_t>(chain.writable, which);
        if (!is_honest) {
            length = in_.byte() + chain.writable;
            is_honest_ = is_honest_ && (length <= chain.writable || cuts_);
        }
        unsigned chains = 1, descriptors = chain.descriptors;
        chain.is_used = true;
        for (std::size_t i = 0; in_order_ && i < chosen; ++i, ++chains) {
            waiting[i]->is_used = true;
            descriptors += waiting[i]->descriptors;
        }
        device_.use(chain.id, length, chains, descriptors);
    }
    void use_raw() {
        std::uint32_t const id = in_.byte() % 32;
        is_honest_ = false;
        device_.use((id & 16) != 0 ? id << 12 : id, in_.byte(), in_.byte() % 4, in_.byte() % 8);
    }

    [[nodiscard]] std::uint8_t* choose_place() {
        Pages const run = pages_.runs()[in_.byte() % pages_.runs().size()];
        std::size_t const bytes = run.count * page_bytes;
        std::size_t offset = in_.half();
        if ((offset & 0x8000) != 0) {  // in the used ring, or among the first descriptors
            offset = packed_ ? offset % (16 * size_ + 8)
                             : queue_->addresses().device_area.value - queue_->addresses().descriptor_area.value +
                                   offset % (6 + 8 * size_);
        }
        return static_cast<std::uint8_t*>(run.virt) + offset % bytes;
    }
    void write_anywhere() {
        is_honest_ = false;
        for (unsigned left = 1 + in_.byte() % 4; left != 0; --left) {
            *choose_place() = in_.byte();
        }
    }
    /// Changes memory in the middle of the next call.
    void write_in_a_call() {
        std::uint8_t const at = in_.byte();
        late_write_ = {choose_place(), in_.byte(), at % 8u, at >= 128};
    }

    // --- the descriptor tier ---

    [[nodiscard]] std::uint16_t choose_own() {
        std::uint16_t at = static_cast<std::uint16_t>(in_.byte() % size_);
        for (unsigned i = 0; i < size_ && !own_[at].held; ++i) {
            at = static_cast<std::uint16_t>((at + 1) % size_);
        }
        return own_[at].held ? at : capacity;
    }
    /// The caller's chain that starts at `head`, which may be a loop. Empty if one of its descriptors is not the
    /// caller's.
    [[nodiscard]] std::vector<std::uint16_t> own_chain(std::uint16_t head) const {
        std::vector<std::uint16_t> chain;
        for (std::uint16_t at = head; chain.size() <= size_; at = own_[at].next) {
            if (!own_[at].held) {
                return {};
            }
            chain.push_back(at);
            if (!own_[at].has_next) {
                break;
            }
        }
        return chain;
    }

    void tier_step(std::uint8_t what) requires has_tier {
        if (what % 20 == 15) {
            bool const is_there = queue_->num_free() != 0;
            Result<DescIndex> const got = call([&] { return queue_->alloc_desc(); });
            require(got.ok() == is_there);
            require(!got || (number(*got) < size_ && !own_[number(*got)].held));
            if (got) {
                own_[number(*got)] = Own{true, false, 0, false, 0};
            }
            return;
        }
        if (what % 20 == 16) {
            take_chain();
            return;
        }
        std::uint16_t const desc = choose_own();
        if (desc == capacity) {
            return;
        }
        if (what % 20 == 17) {
            write(desc);
        } else if (what % 20 == 18) {
            push(desc);
        } else {
            give_back(desc, what);
        }
    }
    void write(std::uint16_t desc) requires has_tier {
        std::uint8_t const how = in_.byte();
        std::uint16_t const next = choose_own();
        std::uint32_t const bytes = how >= 0xf0 ? 0 : how >= 0xe0 ? 0xffffffff : how / 4u;
        own_[desc] = Own{true, (how & 1) != 0, next, (how & 2) != 0, bytes};
        call([&] { queue_->write_desc(DescIndex{desc}, PhysAddr{0x9'8765'0000}, bytes, how & 3, DescIndex{next}); });
    }
    void push(std::uint16_t head) requires has_tier {
        std::vector<std::uint16_t> const chain = own_chain(head);
        if (chain.empty()) {
            return;
        }
        bool const broken = static_cast<bool>(queue_->fault());
        bool is_fine = !broken && chain.size() <= size_;
        bool writable = false;
        std::uint64_t total = 0, writable_total = 0;
        for (std::uint16_t const desc : chain) {
            is_fine = is_fine && own_[desc].bytes != 0 && (own_[desc].writable || !writable);
            writable = own_[desc].writable;
            total += own_[desc].bytes;
            writable_total += writable ? own_[desc].bytes : 0;
        }
        is_fine = is_fine && total <= std::uint64_t{1} << 32;
        late_write_ = {};
        Status const pushed = call([&] { return queue_->push_avail(DescIndex{head}, Token{next_token_}); });
        require(pushed.ok() == is_fine && broken == (pushed.error() == Error::queue_broken));
        if (!pushed) {
            return;
        }
        for (std::uint16_t const desc : chain) {
            own_[desc].held = false;
        }
        std::uint32_t const limit = static_cast<std::uint32_t>(std::min<std::uint64_t>(writable_total, 0xffffffff));
        auto const length = static_cast<std::uint16_t>(chain.size());
        require(device_.id_of_added(1) == head);
        chains_.push_back({next_token_++, false, false, head, length, limit, chain});
        published();
    }
    void give_back(std::uint16_t desc, std::uint8_t what) requires has_tier {
        if ((what & 1) != 0 && !taken_heads_.empty()) {
            call([&] { queue_->free_chain(DescIndex{taken_heads_.back().id}); });
            taken_heads_.pop_back();
            return;
        }
        std::vector<std::uint16_t> const chain = own_chain(desc);
        if ((what & 0x40) != 0 || chain.empty() || chain.size() > size_) {
            call([&] { queue_->free_desc(DescIndex{desc}); });
            own_[desc].held = false;
            return;
        }
        call([&] { queue_->free_chain(DescIndex{desc}); });
        for (std::uint16_t const each : chain) {
            own_[each].held = false;
        }
    }
    void take_chain() requires has_tier {
        static_cast<void>(call([&] { return queue_->has_used(); }));
        UsedChain const used = call([&] { return queue_->poll_used(); });
        require((used.state == CompletionState::broken) == static_cast<bool>(queue_->fault()));
        if (!used) {
            return;
        }
        auto const found =
            std::find_if(chains_.begin(), chains_.end(), [&](Chain const& c) { return c.id == number(used.head); });
        require(found != chains_.end() && found->is_published && used.len <= found->writable);
        require(!is_honest_ || found->is_used);
        for (std::uint16_t const desc : found->pushed) {
            own_[desc].held = true;
        }
        if (found->pushed.empty()) {
            taken_heads_.push_back(*found);
        }
        chains_.erase(found);
    }

    // --- what is always true ---

    void check() {
        if (queue_->size() == 0) {
            return;
        }
        Fault const now = queue_->fault();
        require(!fault_ || (now.reason == fault_.reason && now.value == fault_.value));
        fault_ = now;
        require(!now || !is_honest_);
        std::size_t held = 0;
        for (Chain const& chain : chains_) {
            held += chain.descriptors;
        }
        for (Chain const& chain : taken_heads_) {
            held += chain.descriptors;
        }
        for (Own const& each : own_) {
            held += each.held ? 1 : 0;
        }
        require(queue_->num_free() == (now ? 0 : size_ - held));
    }

    void take_all_of_an_honest_device() {
        late_write_ = {};
        while (take_used() == CompletionState::ready) {
        }
        check();
        for (Chain const& chain : chains_) {
            require(!is_honest_ || !chain.is_used);
        }
    }

    template <class Call>
    auto call(Call const& run, std::size_t accesses = accesses_most) -> decltype(run()) {
        accesses_left_ = accesses;
        return run();
    }
    void look_at(platform::Access const& access) {
        require(pages_.has(access.at, access.bytes));
        require(accesses_left_-- != 0);
        if (late_write_.at != nullptr && late_write_.before-- == 0) {
            is_honest_ = false;
            *late_write_.at =
                static_cast<std::uint8_t>(late_write_.flips ? *late_write_.at ^ late_write_.value : late_write_.value);
            late_write_ = {};
        }
    }

    struct LateWrite {
        std::uint8_t* at = nullptr;
        std::uint8_t value = 0;
        unsigned before = 0;  ///< number of accesses before the change
        bool flips = false;
    };

    Input& in_;
    FencedPages pages_;
    std::unique_ptr<VirtQueue<capacity, Format>> queue_;  // separate, so that the sanitizer detects accesses past it
    QueueDevice device_;
    bool packed_ = false, legacy_ = false, in_order_ = false, cuts_ = false;
    std::uint16_t size_ = 1, first_ = 0;
    std::vector<Chain> chains_;
    std::array<Own, capacity> own_;
    std::vector<Chain> taken_heads_;  ///< chains of `add` that `poll_used` took, and that are not freed
    std::uintptr_t next_token_ = 1;
    Fault fault_{};
    bool is_honest_ = true;
    LateWrite late_write_;
    std::size_t accesses_left_ = accesses_most;
};

template <class Format>
void run(Input& input) {
    Machine<Format> machine{input};
    machine.run();
}

}  // namespace
}  // namespace virtq::test

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace virtq;
    test::Input input{data, size};
    switch (input.byte() % 6) {
        case 0: test::run<Split>(input); break;
        case 1: test::run<Packed>(input); break;
        case 2: test::run<AnyFormat>(input); break;
        case 3: test::run<PlainSplit>(input); break;
        default: test::run<Split>(input);  // twice, so that old inputs keep their meaning
    }
    return 0;
}
