// SPDX-License-Identifier: MIT
#include <support/contract.hpp>
#include <virtq/diag/take_snapshot.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <sim/chain.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <iostream>
#include <string>
#include <string_view>
#include <unordered_set>
#include <utility>
#include <vector>

/// Explores every order of driver calls and of acts of a device, honest and hostile, up to a number of steps. The
/// queues have up to four descriptors. A state is the bytes of the queue object, of its rings and of a model, and each
/// state is checked once. In each state the invariants hold that the classes promise. A reset then returns every token
/// once, and the queue works again.
namespace virtq::test {

using namespace virtq::detail;

namespace {

constexpr std::uint32_t capacity = 4;

struct Setup {
    bool packed = false;
    std::uint16_t size = 4;
    bool event_idx = false;
    bool in_order = false;
    unsigned steps = 0;
    unsigned invalid_acts = 0;     ///< the number of invalid acts of the device, at any steps
    std::size_t least_states = 0;  ///< guards against a silently smaller search
    bool indirect = false;         ///< with one table, for a chain of two
    bool descriptors = false;      ///< also calls the descriptor tier
    bool late = false;             ///< a chain waits, and the number of its batch comes again after two more batches
    bool bursts = false;           ///< also submits and takes bursts

    [[nodiscard]] Features features() const {
        Features set = Features::of(spec::Feature::version_1);
        packed ? set.set(spec::Feature::ring_packed) : void();
        event_idx ? set.set(spec::Feature::event_idx) : void();
        in_order ? set.set(spec::Feature::in_order) : void();
        indirect ? set.set(spec::Feature::indirect_desc) : void();
        return set;
    }
    /// Batches before the search.
    [[nodiscard]] unsigned batches() const { return late ? 32767 : 0; }
    /// The search starts just before the counters wrap.
    [[nodiscard]] std::uint16_t first() const {
        std::uint32_t const place = 4 * size - 1u - batches() % (2u * size);  // from the start of a lap
        return static_cast<std::uint16_t>(packed ? (place / size % 2 << 15) | place % size : 0xfffeu - batches());
    }
};

void PrintTo(Setup const& setup, std::ostream* out) {
    *out << (setup.packed ? "Packed" : "Split") << setup.size << (setup.event_idx ? "EventIdx" : "")
         << (setup.in_order ? "InOrder" : "") << (setup.indirect ? "Indirect" : "")
         << (setup.descriptors ? "Descriptors" : "") << (setup.late ? "Late" : "") << (setup.bursts ? "Bursts" : "")
         << (setup.invalid_acts != 0 ? "Hostile" : "Honest");
}

/// The pages of one queue, always at the same address.
struct Memory {
    alignas(4096) unsigned char bytes[2 * 4096];
    alignas(4096) unsigned char tables[4096];
    unsigned runs = 0;

    [[nodiscard]] Pages allocate_pages(std::size_t count) {
        return runs++ == 0 ? Pages{bytes, PhysAddr{0x10000}, count} : Pages{tables, PhysAddr{0x20000}, count};
    }
    void free_pages(Pages) {}
};

enum class Where : std::uint8_t {
    nowhere,
    added,
    published,
    used,
    held,   ///< owned by the caller: allocated and written, or taken by poll_used
    taken,  ///< added by `add`, taken by poll_used: it can only be freed
};
enum class Kind : std::uint8_t { direct, indirect, pushed };

/// The true state, in comparable bytes: padding is zero at first, and only copied afterwards.
struct Model {
    struct Chain {
        Where where;
        std::uint8_t descriptors;
        std::uint16_t id;  ///< head or buffer id, as the device reads it
        std::uint16_t written;
        std::uint16_t writable;
        Kind kind;
        std::uint8_t padding;

        [[nodiscard]] bool is_in_the_queue() const {
            return where == Where::added || where == Where::published || where == Where::used;
        }
    };
    Chain chain[capacity + 1];         ///< by token, from 1
    std::uint8_t added[capacity];      ///< tokens in the order of `add`, not published
    std::uint8_t published[capacity];  ///< in the order in which the device got them, not used
    std::uint8_t used[capacity];       ///< in the order in which the device used them, not taken
    std::uint8_t held[capacity];       ///< owned by the caller, in the order in which it got them
    std::uint8_t added_count, published_count, used_count, held_count;
    std::uint8_t invalid_acts;
    std::uint8_t undecided;  ///< pushed since the last publish()
    std::uint16_t fetch;     ///< the device's next available index, or its position in a packed ring
    std::uint16_t use;       ///< the device's next used index, or its position in a packed ring
};

template <class Format>
class World {
public:
    explicit World(Setup const& setup) : setup_(setup) {
        std::memset(static_cast<void*>(&model_), 0, sizeof model_);
        QueueOption option;
        option.first_index = RingIndex{setup.first()};
        option.indirect = {.tables = 1, .length = 2, .shortest = 2};
        EXPECT_TRUE(queue_.init(memory_, setup.size, setup.features(), option).ok());
        queue_.attach();
        model_.fetch = model_.use = setup.packed ? static_cast<std::uint16_t>(setup.first() ^ 0x8000u) : setup.first();
        for (unsigned i = 0; i != setup.batches(); ++i) {
            static_cast<void>(add(0));
            static_cast<void>(publish());
            if (i != 1) {  // this one waits
                static_cast<void>(use(i != 0 ? 1 : 0, false));
                static_cast<void>(take());
            }
        }
    }

    static constexpr std::size_t ring_bytes = 16 * capacity + 6 + 2 * capacity;
    static constexpr std::size_t used_bytes = 6 + 8 * capacity;
    static constexpr std::size_t table_bytes = 2 * 16;

    [[nodiscard]] std::string save() const {
        std::string state;
        auto const put = [&](void const* from, std::size_t bytes) {
            state.append(static_cast<char const*>(from), bytes);
        };
        put(&queue_, sizeof queue_);
        put(memory_.bytes, ring_bytes);
        put(memory_.bytes + 4096, used_bytes);
        put(memory_.tables, table_bytes);
        put(&model_, sizeof model_);
        return state;
    }
    void load(std::string_view state) {
        char const* from = state.data();
        auto const get = [&](void* to, std::size_t bytes) {
            std::memcpy(to, from, bytes);
            from += bytes;
        };
        get(static_cast<void*>(&queue_), sizeof queue_);
        get(memory_.bytes, ring_bytes);
        get(memory_.bytes + 4096, used_bytes);
        get(memory_.tables, table_bytes);
        get(static_cast<void*>(&model_), sizeof model_);
    }

    // --- steps: each returns whether it did anything ---

    [[nodiscard]] unsigned driver_steps() const { return 6 + (setup_.descriptors ? 4 : 0) + (setup_.bursts ? 3 : 0); }
    /// A broken queue needs no steps: `judge` tries all calls.
    [[nodiscard]] unsigned step_count() const {
        return queue_.fault() ? 0
                              : driver_steps() + 2 * capacity +
                                    (model_.invalid_acts < setup_.invalid_acts ? invalid_act_count() : 0);
    }

    bool step(unsigned number) {
        if (number < driver_steps()) {
            return call(number);
        }
        number -= driver_steps();
        if (number < 2 * capacity) {
            return !model_.invalid_acts && use(number / 2, number % 2 != 0);
        }
        ++model_.invalid_acts;
        misbehave(number - 2 * capacity);
        return true;
    }

    /// Why this state is wrong, or an empty string. Destroys the state.
    [[nodiscard]] std::string judge() {
        if (!wrong_.empty()) {
            return wrong_;
        }
        QueueSnapshot const seen = take_snapshot(queue_);
        unsigned in_use = 0;
        unsigned waiting = 0;
        for (std::uint8_t token = 1; token <= capacity; ++token) {
            in_use += model_.chain[token].where != Where::nowhere ? model_.chain[token].descriptors : 0u;
            waiting += model_.chain[token].is_in_the_queue() ? 1u : 0u;
        }
        if (!model_.invalid_acts && seen.fault) {
            return "broken by an honest device";
        }
        if (seen.num_free != (seen.fault ? 0u : setup_.size - in_use)) {
            return "num_free";
        }
        if (std::string const order = judge_order(seen, waiting); !order.empty()) {
            return order;
        }
        return judge_recovery();
    }

private:
    bool call(unsigned number) {
        if (!setup_.descriptors && number >= 6) {
            number += 4;
        }
        switch (number) {
            case 0: return add(0);
            case 1: return add(1);
            case 2: return publish();
            case 3: return take();
            case 4: return enable();
            case 5: queue_.disable_used_notifications(); return true;
            case 10: return submit(1, capacity + 1, capacity + 1);
            case 11: return submit(2, 4, 2);
            case 12: return take_all();
            default: break;
        }
        if constexpr (Format::has_descriptor_tier) {
            switch (number) {
                case 6: return allocate();
                case 7: return push();
                case 8: return poll();
                default: return free();
            }
        }
        return false;
    }

    [[nodiscard]] std::string judge_order(QueueSnapshot const& seen, unsigned waiting) const {
        if (seen.fault) {
            return {};
        }
        if (setup_.packed) {
            bool const counted = seen.packed_ring.pending == model_.added_count &&
                                 seen.packed_ring.in_flight + seen.packed_ring.pending == waiting;
            return counted ? "" : "chains in flight";
        }
        unsigned const to_published = distance(seen.taken, seen.published);
        unsigned const to_added = distance(seen.taken, seen.added);
        bool const ordered = to_published <= to_added && to_added <= setup_.size && to_added == waiting &&
                             to_added - to_published == model_.added_count;
        return ordered ? "" : "indices";
    }

    /// Each call on a broken queue reports that it is broken, and returns no chain.
    [[nodiscard]] std::string judge_fault() {
        if (!queue_.fault()) {
            return {};
        }
        Segment const writable[] = {{PhysAddr{0x1000}, 16}};
        Fault const first = queue_.fault();
        bool const says_so = queue_.add({}, writable, Token{}).error() == Error::queue_broken &&
                             !queue_.publish().needed && queue_.take_used().state == CompletionState::broken &&
                             is_broken_for_bursts() && queue_.enable_used_notifications() == MaySleep::broken;
        bool const kept = queue_.fault().reason == first.reason && queue_.fault().value == first.value;
        return says_so && kept ? "" : "a broken queue does not say so";
    }

    [[nodiscard]] bool is_broken_for_bursts() {
        WritableBuffer const buffers[] = {{{{PhysAddr{0x1000}, 16}}, Token{}}};
        Completion room[2];
        SubmittedBurst const made = queue_.submit_burst(buffers);
        TakenBurst const done = queue_.take_burst(room);
        return made.count == 0 && made.error == Error::queue_broken && !made.notification.needed && done.count == 0 &&
               done.state == CompletionState::broken;
    }

    [[nodiscard]] std::string judge_recovery() {
        if (std::string const fault = judge_fault(); !fault.empty()) {
            return fault;
        }
        queue_.detach();
        bool once = true;
        if (!queue_.drain([&](Token token) { once = give_back(token.value()) && once; })) {
            return "drain";
        }
        for (std::uint8_t token = 1; token <= capacity; ++token) {
            once = once && !model_.chain[token].is_in_the_queue();
        }
        if (!once) {
            return "drain: a token twice, or not at all";
        }
        Segment const writable[] = {{PhysAddr{0x1000}, 16}};
        bool const up = queue_.restart(setup_.features()).ok() && queue_.num_free() == setup_.size &&
                        queue_.take_used().state == CompletionState::none && queue_.add({}, writable, Token{}).ok() &&
                        (static_cast<void>(queue_.publish()), queue_.is_live());
        return up ? "" : "restart";
    }
    [[nodiscard]] bool give_back(std::uintptr_t token) {
        if (token == 0 || token > capacity || !model_.chain[token].is_in_the_queue()) {
            return false;
        }
        model_.chain[token].where = Where::nowhere;
        return true;
    }

    // --- the driver ---

    [[nodiscard]] std::uint8_t free_token() const {
        std::uint8_t token = 1;
        while (token <= capacity && model_.chain[token].where != Where::nowhere) {
            ++token;
        }
        return token;
    }
    [[nodiscard]] bool has_free_table() const {
        bool is_free = setup_.indirect;
        for (Model::Chain const& chain : model_.chain) {
            is_free = is_free && chain.kind != Kind::indirect;
        }
        return is_free;
    }

    bool add(unsigned readable) {
        std::uint8_t const token = free_token();
        bool const in_table = readable + 1 == 2 && setup_.size >= 2 && has_free_table();
        unsigned const needed = in_table ? 1 : readable + 1;
        Segment const in[] = {{PhysAddr{0x1000}, 16}};
        Segment const out[] = {{PhysAddr{0x2000}, 16}};
        std::uint16_t const free = queue_.num_free();
        Status const added = queue_.add({in, readable}, out, Token{std::uintptr_t{token}});
        if (!added) {
            bool const named = queue_.fault()               ? added.error() == Error::queue_broken
                               : readable + 1 > setup_.size ? added.error() == Error::chain_longer_than_queue
                                                            : added.error() == Error::queue_full && free < needed;
            expect(named && queue_.num_free() == free, "add() refused wrongly");
            return false;
        }
        expect(token <= capacity, "more chains than descriptors");
        if (token <= capacity) {
            Kind const kind = in_table ? Kind::indirect : Kind::direct;
            model_.chain[token] = {Where::added, static_cast<std::uint8_t>(needed), 0, 0, 16, kind, 0};
            model_.added[model_.added_count++] = token;
        }
        return true;
    }

    bool publish() {
        Notification const said = queue_.publish();
        bool const pushed = model_.undecided != 0;
        model_.undecided = 0;
        if (queue_.fault() || (model_.added_count == 0 && !pushed)) {
            expect(!said.needed, "a notification of nothing");
            return false;
        }
        expect(said.needed || setup_.event_idx, "no notification, which the device has not suppressed");
        publish_added();
        return true;
    }

    /// A burst of `count` chains. Every second one has `most` segments, the others have one. The one with the number
    /// `bad` has an empty segment.
    bool submit(unsigned most, unsigned count, unsigned bad) {
        Segment const in[] = {{PhysAddr{0x1000}, 16}};
        Segment const out[] = {{PhysAddr{0x2000}, 16}};
        Segment const empty[] = {{PhysAddr{0x3000}, 0}};
        bool const had_fault = static_cast<bool>(queue_.fault());
        bool const had_more = model_.added_count != 0 || model_.undecided != 0;
        std::uint16_t free = queue_.num_free();
        unsigned accepted = 0;
        Error error = Error::none;
        auto const get = [&](std::size_t i) {
            unsigned const readable = i % 2 != 0 ? most - 1 : 0;
            std::uint8_t const token = free_token();
            bool const in_table = readable + 1 == 2 && setup_.size >= 2 && has_free_table();
            unsigned const needed = in_table ? 1 : readable + 1;
            expect(error == Error::none && i == accepted, "get() is called once for each chain");
            error = had_fault                    ? Error::queue_broken
                    : readable + 1 > setup_.size ? Error::chain_longer_than_queue
                    : free < needed              ? Error::queue_full
                    : i == bad                   ? Error::segment_empty
                                                 : Error::none;
            if (error == Error::none && token <= capacity) {
                Kind const kind = in_table ? Kind::indirect : Kind::direct;
                model_.chain[token] = {Where::added, static_cast<std::uint8_t>(needed), 0, 0, 16, kind, 0};
                model_.added[model_.added_count++] = token;
                free = static_cast<std::uint16_t>(free - needed);
                ++accepted;
            }
            return Chain{{in, readable}, i == bad ? empty : out, Token{std::uintptr_t{token}}};
        };
        SubmittedBurst const made = queue_.submit_burst(count, get);
        expect(made.count == accepted && made.error == error && queue_.num_free() == free, "a burst ended elsewhere");
        model_.undecided = 0;
        if (accepted == 0 && (had_fault || !had_more)) {
            expect(!made.notification.needed, "a notification of nothing");
            return false;
        }
        expect(made.notification.needed || setup_.event_idx, "no notification, which the device has not suppressed");
        publish_added();
        return true;
    }
    /// Gives the added chains to the device.
    void publish_added() {
        for (std::uint8_t i = 0; i < model_.added_count; ++i) {
            std::uint8_t const token = model_.added[i];
            model_.chain[token].where = Where::published;
            model_.chain[token].id = fetch(model_.chain[token].descriptors);
            model_.published[model_.published_count++] = token;
        }
        model_.added_count = 0;
        clear_behind(model_.added, 0);
    }

    bool take() {
        Completion const done = queue_.take_used();
        if (!done) {
            return nothing_taken(done.state);
        }
        auto const token = static_cast<std::uint8_t>(done.token.value());
        if (pass(token, done.written)) {
            model_.chain[token] = Model::Chain{};
        }
        return true;
    }
    bool take_all() {
        Completion room[capacity];
        TakenBurst const done = queue_.take_burst(room);
        for (std::size_t i = 0; i < done.count; ++i) {
            auto const token = static_cast<std::uint8_t>(room[i].token.value());
            expect(room[i].state == CompletionState::ready, "a completion that is none");
            if (pass(token, room[i].written)) {
                model_.chain[token] = Model::Chain{};
            }
        }
        expect((done.state == CompletionState::ready) == (done.count == capacity), "whether the room is full");
        return done.state == CompletionState::ready || nothing_taken(done.state) || done.count != 0;
    }
    bool nothing_taken(CompletionState state) {
        expect((state == CompletionState::broken) == static_cast<bool>(queue_.fault()), "state and fault()");
        expect(model_.invalid_acts || model_.used_count == 0, "what was used is not handed out");
        return model_.invalid_acts != 0;
    }
    /// Takes a chain from the device. False if the device neither had nor used it.
    bool pass(std::uint8_t token, std::uint32_t written) {
        bool const known = token != 0 && token <= capacity &&
                           (model_.chain[token].where == Where::used ||
                            (model_.invalid_acts && model_.chain[token].where == Where::published));
        expect(known, "a chain that is not with the device");
        if (!known) {
            return false;
        }
        expect(written <= model_.chain[token].writable, "written");
        expect(model_.invalid_acts || (model_.used[0] == token && model_.chain[token].written == written),
               "another completion than the oldest");
        remove(model_.used, model_.used_count, token);
        remove(model_.published, model_.published_count, token);
        return true;
    }

    // --- the descriptor tier ---

    bool allocate() {
        std::uint16_t const free = queue_.num_free();
        Result<DescIndex> const desc = queue_.alloc_desc();
        if (!desc) {
            expect(desc.error() == Error::queue_full && free == 0, "alloc_desc() refused wrongly");
            return false;
        }
        std::uint8_t const token = free_token();
        expect(token <= capacity, "more descriptors than there are");
        if (token <= capacity) {
            queue_.write_desc(*desc, PhysAddr{0x3000}, 16, static_cast<std::uint16_t>(spec::DescFlag::write));
            model_.chain[token] = {Where::held, 1, number(*desc), 0, 16, Kind::pushed, 0};
            model_.held[model_.held_count++] = token;
        }
        return true;
    }

    bool push() {
        if (model_.held_count == 0) {
            return false;
        }
        std::uint8_t const token = model_.held[0];
        Model::Chain& chain = model_.chain[token];
        expect(queue_.push_avail(DescIndex{chain.id}, Token{std::uintptr_t{token}}).ok(), "push_avail()");
        publish_added();
        expect(fetch(1) == chain.id, "the available ring has another head");
        chain.where = Where::published;
        remove(model_.held, model_.held_count, token);
        model_.published[model_.published_count++] = token;
        model_.undecided = 1;
        return true;
    }

    bool poll() {
        bool const something = queue_.has_used();
        UsedChain const done = queue_.poll_used();
        expect(something || !done, "has_used() did not say so");
        if (!done) {
            return nothing_taken(done.state);
        }
        std::uint8_t token = 1;
        while (token <= capacity && !(with_the_device(token) && model_.chain[token].id == number(done.head))) {
            ++token;
        }
        if (!pass(token, done.len)) {
            return true;
        }
        Model::Chain& chain = model_.chain[token];
        chain.where = chain.kind == Kind::pushed ? Where::held : Where::taken;
        chain.written = 0;
        if (chain.where == Where::held) {
            model_.held[model_.held_count++] = token;
        }
        return true;
    }
    [[nodiscard]] bool with_the_device(std::uint8_t token) const {
        return model_.chain[token].where == Where::used || model_.chain[token].where == Where::published;
    }

    /// Frees the caller's oldest chain.
    bool free() {
        std::uint8_t token = model_.held_count != 0 ? model_.held[0] : std::uint8_t{1};
        while (token <= capacity && model_.chain[token].where != Where::held &&
               model_.chain[token].where != Where::taken) {
            ++token;
        }
        if (token > capacity) {
            return false;
        }
        queue_.free_chain(DescIndex{model_.chain[token].id});
        remove(model_.held, model_.held_count, token);
        model_.chain[token] = Model::Chain{};
        return true;
    }

    bool enable() {
        bool const something = queue_.enable_used_notifications() == MaySleep::no;
        expect(model_.invalid_acts || something == (model_.used_count != 0), "whether it may sleep");
        return true;
    }

    // --- the device ---

    [[nodiscard]] std::uint16_t word(std::size_t at) const {
        return static_cast<std::uint16_t>(sim::decode(memory_.bytes + at, 2, sim::ByteOrder::little));
    }
    void put(std::size_t at, std::uint32_t value, std::size_t bytes = 2) {
        sim::encode(memory_.bytes + at, bytes, value, sim::ByteOrder::little);
    }
    [[nodiscard]] std::size_t offset(std::uint16_t place) const { return place & 0x7fffu; }
    /// A position is an offset, with the wrap counter in bit 15.
    void advance_place(std::uint16_t& place, unsigned by) const {
        std::size_t const sum = offset(place) + by;
        place = static_cast<std::uint16_t>(sum >= setup_.size ? (sum - setup_.size) | (~place & 0x8000u)
                                                              : sum | (place & 0x8000u));
    }

    std::uint16_t fetch(unsigned descriptors) {
        if (!setup_.packed) {
            std::size_t const slot = model_.fetch++ % setup_.size;
            return word(16u * setup_.size + 4 + 2 * slot);
        }
        advance_place(model_.fetch, descriptors - 1);
        std::uint16_t const id = word(16 * offset(model_.fetch) + 12);  // of the last descriptor (§2.8.6)
        advance_place(model_.fetch, 1);
        return id;
    }

    /// Uses the `nth` chain that the device has, written completely or not at all.
    bool use(unsigned nth, bool all) {
        if (nth >= model_.published_count || (setup_.in_order && nth != 0)) {
            return false;
        }
        std::uint8_t const token = model_.published[nth];
        Model::Chain& chain = model_.chain[token];
        chain.where = Where::used;
        chain.written = all ? chain.writable : std::uint16_t{0};
        put_used(chain.id, chain.written, chain.descriptors);
        remove(model_.published, model_.published_count, token);
        model_.used[model_.used_count++] = token;
        return true;
    }

    void put_used(std::uint32_t id, std::uint32_t length, unsigned descriptors) {
        if (!setup_.packed) {
            std::size_t const at = 4096 + 4 + 8 * (model_.use % setup_.size);
            put(at, id, 4);
            put(at + 4, length, 4);
            put(4096 + 2, ++model_.use);
            return;
        }
        std::size_t const at = 16 * offset(model_.use);
        put(at + 8, length, 4);
        put(at + 12, id);
        put(at + 14, (model_.use & 0x8000u ? 0x8080u : 0u) | (length != 0 ? 2u : 0u));
        advance_place(model_.use, descriptors);
    }

    [[nodiscard]] unsigned invalid_act_count() const { return 2 * (setup_.size + 2u) + 5; }
    void misbehave(unsigned number) {
        unsigned const ids = setup_.size + 2u;  // all valid ids, and two invalid ones
        if (number < 2 * ids) {
            std::uint32_t const id = number / 2 == ids - 1 ? 0xffffu : number / 2;
            put_used(id, number % 2 != 0 ? 17 : 0, 1);
            return;
        }
        number -= 2 * ids;
        if (!setup_.packed) {
            std::uint16_t const by[] = {1, 2, static_cast<std::uint16_t>(setup_.size + 1), 0xffff, 0x8000};
            model_.use = static_cast<std::uint16_t>(model_.use + by[number]);
            put(4096 + 2, model_.use);
            return;
        }
        // Tears the flags of the next used descriptor, skips it, or overwrites the flags of all.
        std::size_t const at = 16 * offset(model_.use) + 14;
        switch (number) {
            case 0: put(at, word(at) ^ 0x0080u); break;
            case 1: put(at, word(at) ^ 0x8000u); break;
            case 2: put(at, word(at) ^ 0x8080u); break;
            case 3: advance_place(model_.use, 1); break;
            default:
                for (std::size_t i = 0; i < setup_.size; ++i) {
                    put(16 * i + 14, model_.use & 0x8000u ? 0x8080u : 0u);
                }
        }
    }

    // --- bookkeeping ---

    static void clear_behind(std::uint8_t (&list)[capacity], unsigned count) {
        std::memset(list + count, 0, capacity - count);
    }
    static void remove(std::uint8_t (&list)[capacity], std::uint8_t& count, std::uint8_t token) {
        unsigned kept = 0;
        for (unsigned i = 0; i < count; ++i) {
            if (list[i] != token) {
                list[kept++] = list[i];
            }
        }
        count = static_cast<std::uint8_t>(kept);
        clear_behind(list, kept);
    }
    void expect(bool good, char const* what) {
        if (!good && wrong_.empty()) {
            wrong_ = what;
        }
    }

    Setup setup_;
    VirtQueue<capacity, Format> queue_;
    Memory memory_{};
    Model model_{};
    std::string wrong_;
};

class Exhaustive : public testing::TestWithParam<Setup> {};

template <class Format>
std::size_t explore(Setup const& setup) {
    World<Format> world{setup};
    std::unordered_set<std::size_t> seen;  // of hashes: two equal ones among a million states are unlikely
    std::vector<std::string> frontier{world.save()};
    for (unsigned depth = 0; depth < setup.steps && !frontier.empty(); ++depth) {
        std::vector<std::string> next;
        for (std::string const& state : frontier) {
            world.load(state);
            unsigned const steps = world.step_count();
            for (unsigned step = 0; step < steps; ++step) {
                world.load(state);
                world.step(step);
                std::string reached = world.save();
                if (!seen.insert(std::hash<std::string>{}(reached)).second) {
                    continue;
                }
                std::string const wrong = world.judge();
                if (!wrong.empty()) {
                    ADD_FAILURE() << wrong << ": after step " << step << " at depth " << depth;
                    return seen.size();
                }
                if (depth + 1 < setup.steps) {
                    next.push_back(std::move(reached));
                }
            }
        }
        frontier = std::move(next);
    }
    return seen.size();
}

TEST_P(Exhaustive, EveryOrderOfCallsAndActs) {
    std::size_t const states = GetParam().packed ? explore<Packed>(GetParam()) : explore<Split>(GetParam());
    RecordProperty("states", static_cast<int>(states));
    std::cout << testing::PrintToString(GetParam()) << ": " << states << " states in " << GetParam().steps
              << " steps\n";
    EXPECT_GE(states, GetParam().least_states);
}

std::vector<Setup> all_setups() {
    std::vector<Setup> all;
    for (bool const packed : {false, true}) {
        for (unsigned bits = 0; bits < 4; ++bits) {
            bool const event_idx = (bits & 1) != 0;
            bool const in_order = (bits & 2) != 0;
            all.push_back({packed, 1, event_idx, in_order, 12, 3, 5000});
            all.push_back({packed, 2, event_idx, in_order, 10, 2, 40000});
            all.push_back({packed, 4, event_idx, in_order, 8, 2, 150000});
            all.push_back({packed, 2, event_idx, in_order, 24, 0, 5000});
            all.push_back({packed, 4, event_idx, in_order, 13, 0, 30000});
        }
    }
    for (bool const in_order : {false, true}) {  // a size that only a packed ring may have
        all.push_back({true, 3, false, in_order, 7, 2, 50000});
        all.push_back({true, 3, false, in_order, 14, 0, 10000});
    }
    for (bool const packed : {false, true}) {
        for (bool const in_order : {false, true}) {
            all.push_back({packed, 2, false, in_order, 9, 2, 70000, true});
            all.push_back({packed, 4, true, in_order, 8, 1, 45000, true});
            all.push_back({packed, 4, false, in_order, 12, 0, 44000, true});
        }
    }
    for (bool const packed : {false, true}) {
        for (bool const in_order : {false, true}) {
            all.push_back({packed, 2, !in_order, in_order, 6, 2, 17000, false, false, false, true});
            all.push_back({packed, 4, in_order, in_order, 5, 2, 33000, false, false, false, true});
            all.push_back({packed, 4, !in_order, in_order, 8, 0, 18000, true, false, false, true});
        }
    }
    all.push_back({true, 3, false, false, 8, 0, 15000, false, false, false, true});
    all.push_back({false, 4, true, false, 5, 1, 50000, true, true, false, true});
    for (bool const indirect : {false, true}) {
        all.push_back({false, 2, false, false, 8, 2, 150000, indirect, true});
        all.push_back({false, 4, true, false, 7, 1, 140000, indirect, true});
        all.push_back({false, 4, false, false, 9, 0, 280000, indirect, true});
    }
    all.push_back({false, 4, false, false, 7, 1, 140000, false, true, true});
    for (bool const packed : {false, true}) {
        all.push_back({packed, 2, true, false, 11, 1, 15000, false, false, true});
        all.push_back({packed, 4, false, false, 8, 1, 100000, false, false, true});
    }
    return all;
}
INSTANTIATE_TEST_SUITE_P(Of, Exhaustive, testing::ValuesIn(all_setups()),
                         [](auto const& of) { return testing::PrintToString(of.param); });

}  // namespace
}  // namespace virtq::test
