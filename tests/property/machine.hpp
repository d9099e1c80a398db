// SPDX-License-Identifier: MIT
#pragma once

#include <support/contract.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <sim/guest_memory.hpp>
#include <sim/split_queue.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <ostream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "model.hpp"
#include "operation.hpp"

/// Runs operations on a queue, its device and the model side by side, and compares them after each.
namespace virtq::property {

/// Counts what happened: a random test proves nothing about what it never reached.
struct Reached {
    std::array<uint64_t, answer_count> answers{};
    std::array<uint64_t, invalid_value_count> invalid_values{};
    uint64_t operations = 0;  ///< operations that found something to do
    std::array<uint64_t, kind_count> kinds{};
    uint64_t completions = 0;
    uint64_t cut_lengths = 0;
    std::array<uint64_t, 2>
        notifications{};  ///< calls of publish() that exposed a chain: notification not needed, needed
    std::array<uint64_t, 2> interrupts{};
    std::array<uint64_t, 2> may_sleep{};
    uint64_t wraps = 0;        ///< ring indices that wrapped past 65535
    uint64_t full_queues = 0;  ///< nothing free
    uint64_t four_gib_chains = 0;
};

/// Library and model disagree.
struct Disagreement : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <uint32_t N>
class Machine {
public:
    Machine(Mistake mistake, Reached& reached, std::ostream* trace) : reached_(reached), trace_(trace) {
        model_.mistake = mistake;
    }

    void run(Operation const& op) {
        if (step(op)) {
            ++reached_.operations;
            ++reached_.kinds[static_cast<size_t>(op.kind)];
        }
        note_callers();
        check_state();
    }

    /// Ends every sequence: all tokens come back.
    void finish() {
        queue_.detach();
        expect(queue_.release(memory_).ok(), "release() after detach() must succeed");
        expect(memory_.pages_outstanding() == 0, "pages were not given back");
        check_log();
    }

private:
    using State = Model::Taken::State;

    // --- comparing ---

    static void expect(bool good, char const* sentence) {
        if (!good) {
            throw Disagreement(sentence);
        }
    }
    template <class Value>
    static void expect_equal(char const* what, Value library, Value model) {
        if (library != model) {
            std::ostringstream out;
            out << what << ": library " << +library << ", model " << +model;
            throw Disagreement(out.str());
        }
    }

    void check_log() const {
        if (!memory_.violations().empty()) {
            std::ostringstream out;
            out << memory_.violations();
            throw Disagreement(out.str());
        }
    }

    void check_state() {
        expect_equal<uint32_t>("size()", queue_.size(), model_.initialised ? model_.size : 0);
        expect_equal<uint32_t>("num_free()", queue_.num_free(), model_.free);
        expect_equal("is_live()", queue_.is_live(), model_.live);
        expect_equal("fault().reason", static_cast<uint8_t>(queue_.fault().reason), reason_number(model_.invalid));
        expect_equal("fault().value", queue_.fault().value, model_.fault_value);
        check_log();
        reached_.full_queues += model_.initialised && !model_.broken() && model_.free == 0 ? 1 : 0;
    }

    static uint8_t reason_number(InvalidValue invalid) {
        switch (invalid) {
            case InvalidValue::none: return static_cast<uint8_t>(FaultReason::none);
            case InvalidValue::index_ahead: return static_cast<uint8_t>(FaultReason::used_index_ahead);
            case InvalidValue::id_out_of_range: return static_cast<uint8_t>(FaultReason::used_id_out_of_range);
            case InvalidValue::id_not_in_flight: return static_cast<uint8_t>(FaultReason::used_id_not_in_flight);
            case InvalidValue::length_above_writable:
                return static_cast<uint8_t>(FaultReason::used_length_above_writable);
        }
        return 0xff;
    }

    static Answer answer_of(Error error) {
        switch (error) {
            case Error::none: return Answer::ok;
            case Error::queue_size_zero: return Answer::size_zero;
            case Error::queue_size_not_power_of_two: return Answer::size_not_power_of_two;
            case Error::queue_size_above_maximum: return Answer::size_above_maximum;
            case Error::queue_size_above_capacity: return Answer::size_above_capacity;
            case Error::no_pages: return Answer::no_pages;
            case Error::queue_still_live: return Answer::still_live;
            case Error::feature_not_supported_by_queue: return Answer::feature_not_supported;
            case Error::queue_full: return Answer::full;
            case Error::chain_empty: return Answer::chain_empty;
            case Error::segment_empty: return Answer::segment_empty;
            case Error::chain_longer_than_queue: return Answer::chain_longer_than_queue;
            case Error::chain_above_4_gib: return Answer::chain_above_4_gib;
            case Error::readable_after_writable: return Answer::readable_after_writable;
            case Error::queue_not_initialised: return Answer::not_initialised;
            case Error::queue_broken: return Answer::broken;
            default: return Answer::other;
        }
    }

    /// Makes the call and compares its answer with the model's. True if the answer was ok.
    template <class Call>
    bool answers(Answers const& expected, Call call) {
        Answer answer = Answer::breach;
        std::string what;
        try {
            Error const error = call().error();
            answer = answer_of(error);
            what = describe(error);
        } catch (test::ContractBreach const& breach) {
            what = breach.what();
        }
        if (expected.count(answer) == 0) {
            throw Disagreement((expected.count(Answer::ok) != 0
                                    ? "the model has nothing against it, the library says: "
                                    : "the model expects another answer than: ") +
                               what);
        }
        ++reached_.answers[static_cast<size_t>(answer)];
        return answer == Answer::ok;
    }

    template <class Call>
    void breaches(Call call) {
        answers({Answer::breach}, [&] {
            call();
            return Status{};
        });
    }

    template <class... Parts>
    void note(Parts const&... parts) {
        if (trace_ != nullptr) {
            (*trace_ << "    ") << std::dec;
            ((*trace_ << parts), ...);
            *trace_ << ";\n" << std::flush;
        }
    }

    // --- operations; each returns false if it found nothing to do ---

    bool step(Operation const& op) {
        switch (op.kind) {
            case Kind::init: return init(op);
            case Kind::release: return release();
            case Kind::attach: return attach();
            case Kind::detach: return detach();
            case Kind::add: return add(op);
            case Kind::publish: return publish();
            case Kind::take_used: return take_used();
            case Kind::submit_burst: return submit_burst(op);
            case Kind::take_burst: return take_burst(op);
            case Kind::enable: return enable();
            case Kind::disable: return disable();
            case Kind::alloc_desc: return alloc_desc().has_value();
            case Kind::free_desc: return free_desc(op);
            case Kind::write_desc: return write_desc(op);
            case Kind::push_avail: return push_avail(op);
            case Kind::push_chain: return push_chain(op);
            case Kind::has_used: return has_used();
            case Kind::poll_used: return poll_used();
            case Kind::free_chain: return free_chain(op);
            case Kind::misuse: return misuse(op);
            case Kind::fetch: return fetch();
            case Kind::use: return use(op);
            case Kind::flush: return flush();
            case Kind::suppress: return suppress(op);
            case Kind::misbehave: return misbehave(op);
        }
        return false;
    }

    /// a: which size; b: 1 EVENT_IDX, 2 legacy, 4 a feature that no split queue has; c: how far before the wrap the
    /// indices start; d: 1 over-reported lengths are clamped, 2 there are no pages.
    bool init(Operation const& op) {
        uint32_t const size = queue_sizes[op.a % queue_sizes.size()];
        bool const event_idx = (op.b & 1u) != 0;
        bool const legacy = (op.b & 2u) != 0;
        bool const foreign = (op.b & 4u) != 0;
        bool const cuts = (op.d & 1u) != 0;
        bool const no_memory = (op.d & 2u) != 0;
        auto const first = static_cast<uint16_t>(-op.c);
        Features features;
        if (!legacy) {
            features = features | Features::of(spec::Feature::version_1);
        }
        if (event_idx) {
            features = features | Features::of(spec::Feature::event_idx);
        }
        if (foreign) {
            features = features | Features::of(spec::Feature::ring_packed);
        }
        QueueOption option;
        option.over_reported = cuts ? OverReportedLength::clamp : OverReportedLength::break_queue;
        option.first_index = RingIndex{first};
        note("queue.init(memory, ", size, ", ", legacy ? "legacy()" : "modern()", event_idx ? " | event_idx" : "",
             foreign ? " | ring_packed" : "", ", {.over_reported = ", cuts ? "clamp" : "break_queue",
             ", .first_index = RingIndex{", first, "}})", no_memory ? ";  // with no pages left" : "");
        memory_.fail_all(no_memory);
        bool const ok = answers(model_.may_init(N, size, foreign, no_memory),
                                [&] { return queue_.init(memory_, size, features, option); });
        memory_.fail_all(false);
        if (!ok) {
            return true;
        }
        model_.init(size, event_idx, cuts || legacy, first);
        misbehaved_ = false;
        sim::SplitQueueConfig config;
        config.size = static_cast<uint16_t>(size);
        config.descriptor_area = queue_.phys_desc();
        config.driver_area = queue_.phys_avail();
        config.device_area = queue_.phys_used();
        config.event_idx = event_idx;
        config.start_index = first;
        device_ = std::make_unique<sim::SplitQueue>(memory_, config);
        return true;
    }

    bool release() {
        note("queue.release(memory)");
        if (answers(model_.live ? Answers{Answer::still_live} : Answers{Answer::ok},
                    [&] { return queue_.release(memory_); })) {
            model_.release();
            device_.reset();
            expect(memory_.pages_outstanding() == 0, "pages were not given back");
        }
        return true;
    }

    bool attach() {
        if (model_.initialised) {
            note("queue.attach()");
            queue_.attach();
            model_.live = true;
        }
        return model_.initialised;
    }

    bool detach() {
        note("queue.detach()");
        queue_.detach();
        model_.live = false;
        return true;
    }

    /// The pieces of a chain: first `a` readable, then `b` writable ones. `c` chooses their length, `c / 8` that of the last.
    [[nodiscard]] std::vector<Piece> pieces_of(Operation const& op) {
        std::vector<Piece> pieces;
        uint32_t const count = op.a + op.b;
        for (uint32_t i = 0; i < count; ++i) {
            uint32_t const which = i + 1 == count ? op.c / 8 : op.c;
            pieces.push_back({next_address(), segment_lengths[which % segment_lengths.size()], i >= op.a});
        }
        return pieces;
    }
    /// The address of 4096 bytes, another one each time.
    [[nodiscard]] uint64_t next_address() { return buffer_.phys.value + addresses_++ * 16 % 4096; }

    static std::string print(std::vector<Segment> const& segments) {
        std::string text = "segments({";
        for (size_t i = 0; i < segments.size(); ++i) {
            text += (i == 0 ? "" : ", ") + std::to_string(segments[i].bytes);
        }
        return text + "})";
    }

    /// a, b, c: the pieces; d: where they are split into two parts, 0: nowhere.
    bool add(Operation const& op) {
        std::vector<Piece> const pieces = pieces_of({op.kind, op.a % (N + 3), op.b % (N + 3), op.c, op.d});
        std::vector<Segment> readable;
        std::vector<Segment> writable;
        uint64_t total = 0;
        for (auto const& piece : pieces) {
            (piece.writable ? writable : readable).push_back({PhysAddr{piece.addr}, piece.bytes});
            total += piece.bytes;
        }
        Span<Segment const> const out{readable.data(), readable.size()};
        Span<Segment const> const in{writable.data(), writable.size()};
        Token const token{static_cast<uintptr_t>(++tokens_)};
        Answers const expected = model_.may_add(pieces);
        bool ok = false;
        if (op.d == 0) {
            if (trace_ != nullptr) {
                note("queue.add(", print(readable), ", ", print(writable), ", Token{", tokens_, "})");
            }
            ok = answers(expected, [&] { return queue_.add(out, in, token); });
        } else {
            auto const cut = [&](Span<Segment const> whole) {
                size_t const front = op.d % (whole.size() + 1);
                return Gather{{whole.data(), front}, {whole.data() + front, whole.size() - front}};
            };
            if (trace_ != nullptr) {
                note("queue.add(Gather ", print(readable), " cut at ", cut(out).front.size(), ", Gather ",
                     print(writable), " cut at ", cut(in).front.size(), ", Token{", tokens_, "})");
            }
            ok = answers(expected, [&] { return queue_.add_gathered(cut(out), cut(in), token); });
        }
        if (ok) {
            model_.add(pieces, tokens_);
            reached_.four_gib_chains += total == uint64_t{1} << 32 ? 1 : 0;
        }
        return true;
    }

    bool publish() {
        note("queue.publish()");
        bool const anything = model_.decided != model_.next_added && !model_.broken();
        bool const due = model_.publish();
        bool const needed = queue_.publish().needed;
        expect_equal("publish(): notification needed", needed, due);
        if (anything) {
            model_.live = true;
            ++reached_.notifications[due ? 1 : 0];
            expose();
        }
        return anything;
    }

    /// a, b, c: the pieces of the first chain; later chains have other numbers of pieces. d: how many more chains.
    bool submit_burst(Operation const& op) {
        struct Given {
            std::vector<Segment> readable;
            std::vector<Segment> writable;
        };
        std::vector<Given> given(1 + op.d);
        std::vector<Chain> chains;
        Answers last{Answer::ok};
        size_t accepted = 0;
        for (uint32_t i = 0; i < given.size(); ++i) {
            std::vector<Piece> const pieces =
                pieces_of({op.kind, (op.a + i) % (N + 3), (op.b + i / 2) % (N + 3), op.c, 0});
            for (auto const& piece : pieces) {
                (piece.writable ? given[i].writable : given[i].readable)
                    .push_back({PhysAddr{piece.addr}, piece.bytes});
            }
            chains.push_back({given[i].readable, given[i].writable, Token{static_cast<uintptr_t>(++tokens_)}});
            if (accepted == i && last.count(Answer::ok) != 0) {
                last = model_.may_add(pieces);
                if (last.count(Answer::ok) != 0) {
                    model_.add(pieces, tokens_);
                    ++accepted;
                }
            }
            if (trace_ != nullptr) {
                note("chains[", i, "] = {", print(given[i].readable), ", ", print(given[i].writable), ", Token{",
                     tokens_, "}}");
            }
        }
        note("queue.submit_burst(chains)");
        bool const anything = model_.decided != model_.next_added && !model_.broken();
        bool const due = model_.publish();
        SubmittedBurst made;
        answers(last, [&] {
            made = queue_.submit_burst(chains);
            return made.error == Error::none ? Status{} : Status{made.error};
        });
        expect_equal("submit_burst(): chains", made.count, accepted);
        expect_equal("submit_burst(): notification needed", made.notification.needed, due);
        if (anything) {
            model_.live = true;
            ++reached_.notifications[due ? 1 : 0];
            expose();
        }
        return true;
    }

    /// Reads all newly visible chains as a device does, and tells the model their descriptors.
    void expose() {
        while (!model_.added.empty()) {
            uint64_t const index = model_.next_added - model_.added.size();
            reached_.wraps += static_cast<uint16_t>(index) == 0xffff ? 1 : 0;
            uint64_t const slot = index % model_.size;
            auto const* const entry = memory_.virt(queue_.phys_avail() + (4 + 2 * slot), 2);
            auto const head = static_cast<uint16_t>(sim::decode(entry, 2, sim::ByteOrder::little));
            std::vector<uint16_t> descs;
            std::vector<Piece> pieces;
            for (uint16_t desc = head;;) {
                expect(desc < model_.size, "a descriptor in the ring is out of range");
                expect(descs.size() < model_.size, "a chain in the ring loops");
                sim::Descriptor const found = device_->descriptor(desc);
                descs.push_back(desc);
                pieces.push_back({found.addr, found.bytes, (found.flags & 2u) != 0});
                if ((found.flags & 1u) == 0) {
                    break;
                }
                desc = found.next;
            }
            Model::Chain const& wanted = model_.added.front();
            expect(pieces == wanted.pieces, "the chain in the ring is not the one that was given");
            expect(wanted.added || descs == wanted.descs, "the chain in the ring has other descriptors");
            expect(model_.expose(descs), "a chain in the ring has a descriptor that was not free");
        }
    }

    // --- completions ---

    /// The part that both ways of taking share. Returns the chain, if there is one.
    template <class Library>
    std::optional<Model::Chain> compare_taken(Library const& library, uint32_t written) {
        bool const was_broken = model_.broken();
        uint32_t const reported = model_.used.empty() ? 0 : model_.used.front().length;
        Model::Taken taken = model_.take();
        auto const state = taken.state == State::completion ? CompletionState::ready
                           : taken.state == State::none     ? CompletionState::none
                                                            : CompletionState::broken;
        expect_equal("state of the completion", static_cast<uint8_t>(library.state), static_cast<uint8_t>(state));
        expect_equal("bytes written", written, taken.written);
        reached_.invalid_values[static_cast<size_t>(model_.invalid)] += !was_broken && model_.broken() ? 1 : 0;
        if (taken.state != State::completion) {
            return std::nullopt;
        }
        ++reached_.completions;
        reached_.cut_lengths += taken.written != reported ? 1 : 0;
        return std::move(taken.chain);
    }

    bool take_used() {
        note("queue.take_used()");
        if (!model_.initialised) {
            breaches([&] { static_cast<void>(queue_.take_used()); });
            return true;
        }
        Completion const done = queue_.take_used();
        auto const chain = compare_taken(done, done.written);
        if (!chain) {
            return false;
        }
        expect_equal<uint64_t>("token", done.token.value(), chain->token);
        model_.give_back(static_cast<uint32_t>(chain->descs.size()));
        return true;
    }

    /// a: the size of the room.
    bool take_burst(Operation const& op) {
        std::array<Completion, 16> room;
        size_t const size = 1 + op.a % room.size();
        note("queue.take_burst({room, ", size, "})");
        if (!model_.initialised) {
            breaches([&] { static_cast<void>(queue_.take_burst({room.data(), size})); });
            return true;
        }
        TakenBurst const done = queue_.take_burst({room.data(), size});
        expect(done.count <= size, "more completions than there is room for");
        for (size_t i = 0; i < done.count; ++i) {
            auto const chain = compare_taken(room[i], room[i].written);
            expect(chain.has_value(), "take_burst(): a completion that is none");
            expect_equal<uint64_t>("token", room[i].token.value(), chain->token);
            model_.give_back(static_cast<uint32_t>(chain->descs.size()));
        }
        if (done.count == size) {
            expect_equal("take_burst(): state", static_cast<uint8_t>(done.state),
                         static_cast<uint8_t>(CompletionState::ready));
        } else {
            compare_taken(Completion{Token{}, 0, done.state}, 0);
        }
        return done.count != 0;
    }

    bool poll_used() {
        note("queue.poll_used()");
        if (!model_.initialised) {
            breaches([&] { static_cast<void>(queue_.poll_used()); });
            return true;
        }
        UsedChain const done = queue_.poll_used();
        auto const chain = compare_taken(done, done.len);
        if (!chain) {
            return false;
        }
        expect_equal("head", number(done.head), chain->descs.front());
        size_t const count = chain->descs.size();
        if (chain->added) {
            model_.taken_heads[number(done.head)] = static_cast<uint32_t>(count);
            return true;
        }
        for (size_t i = 0; i < count; ++i) {
            bool const linked = i + 1 != count;
            model_.callers[chain->descs[i]] = {chain->pieces[i], linked, linked ? chain->descs[i + 1] : uint16_t{0}};
        }
        return true;
    }

    bool has_used() {
        note("queue.has_used()");
        if (!model_.initialised) {
            breaches([&] { static_cast<void>(queue_.has_used()); });
            return true;
        }
        expect_equal("has_used()", queue_.has_used(), model_.broken() || !model_.used.empty());
        return true;
    }

    bool enable() {
        note("queue.enable_used_notifications()");
        if (!model_.initialised) {
            breaches([&] { static_cast<void>(queue_.enable_used_notifications()); });
            return true;
        }
        bool const sleep = queue_.enable_used_notifications() == MaySleep::yes;
        expect_equal("enable_used_notifications(): may sleep", sleep, model_.may_sleep());
        model_.notifications_on = true;
        model_.used_event = static_cast<uint16_t>(model_.next_taken);
        ++reached_.may_sleep[sleep ? 1 : 0];
        return true;
    }

    bool disable() {
        note("queue.disable_used_notifications()");
        if (!model_.initialised) {
            breaches([&] { queue_.disable_used_notifications(); });
            return true;
        }
        queue_.disable_used_notifications();
        model_.notifications_on = false;
        return true;
    }

    // --- descriptors ---

    std::optional<uint16_t> alloc_desc() {
        note("queue.alloc_desc()");
        Result<DescIndex> desc = DescIndex{0};
        if (!answers(model_.may_alloc(), [&] {
                desc = queue_.alloc_desc();
                return desc;
            })) {
            return std::nullopt;
        }
        uint16_t const index = number(*desc);
        expect(index < model_.size, "alloc_desc() is out of range");
        expect(!model_.is_known(index), "alloc_desc() gave a descriptor that is in use");
        model_.callers[index] = {};
        --model_.free;
        note_callers();
        return index;
    }

    /// One of the caller's descriptors, counted back from the newest. So a number keeps its meaning when operations before
    /// it are removed, and a failing sequence can become smaller.
    [[nodiscard]] std::optional<uint16_t> pick_callers(uint32_t which) const {
        if (callers_by_age_.empty()) {
            return std::nullopt;
        }
        return callers_by_age_[callers_by_age_.size() - 1 - which % callers_by_age_.size()];
    }
    /// Called after each operation and each allocation.
    void note_callers() {
        std::erase_if(callers_by_age_, [&](uint16_t desc) { return model_.callers.count(desc) == 0; });
        for (auto const& [desc, written] : model_.callers) {
            if (std::find(callers_by_age_.begin(), callers_by_age_.end(), desc) == callers_by_age_.end()) {
                callers_by_age_.push_back(desc);
            }
        }
    }

    bool free_desc(Operation const& op) {
        auto const desc = pick_callers(op.a);
        if (desc) {
            note("queue.free_desc(DescIndex{", *desc, "})");
            queue_.free_desc(DescIndex{*desc});
            model_.callers.erase(*desc);
            model_.give_back(1);
        }
        return desc.has_value();
    }

    void write(uint16_t desc, Piece const& piece, bool linked, uint16_t next) {
        auto const flags = static_cast<uint16_t>((linked ? 1u : 0u) | (piece.writable ? 2u : 0u));
        note("queue.write_desc(DescIndex{", desc, "}, PhysAddr{", piece.addr, "}, ", piece.bytes, ", ", flags,
             ", DescIndex{", next, "})");
        queue_.write_desc(DescIndex{desc}, PhysAddr{piece.addr}, piece.bytes, flags, DescIndex{next});
        model_.callers[desc] = {piece, linked, next};
    }

    /// a: which one; b: flags; c: length; d: which next one.
    bool write_desc(Operation const& op) {
        auto const desc = pick_callers(op.a);
        if (desc) {
            uint32_t const bytes = segment_lengths[op.c % segment_lengths.size()];
            write(*desc, {next_address(), bytes, (op.b & 2u) != 0}, (op.b & 1u) != 0, *pick_callers(op.d));
        }
        return desc.has_value();
    }

    bool push(uint16_t head) {
        Token const token{static_cast<uintptr_t>(++tokens_)};
        note("queue.push_avail(DescIndex{", head, "}, Token{", tokens_, "})");
        if (!answers(model_.may_push(head), [&] { return queue_.push_avail(DescIndex{head}, token); })) {
            return false;
        }
        model_.push(head, tokens_);
        model_.live = true;
        expose();
        return true;
    }

    bool push_avail(Operation const& op) {
        auto const head = pick_callers(op.a);
        if (head || !model_.initialised) {
            push(head.value_or(0));
        }
        return head.has_value();
    }

    /// Pushes a whole chain; a, b, c as in add.
    bool push_chain(Operation const& op) {
        std::vector<Piece> const pieces = pieces_of({op.kind, op.a % (N + 1), op.b % (N + 1), op.c, op.d});
        std::vector<uint16_t> descs;
        while (descs.size() < pieces.size()) {
            auto const desc = alloc_desc();
            if (!desc) {
                break;
            }
            descs.push_back(*desc);
        }
        bool const complete = !descs.empty() && descs.size() == pieces.size();
        for (size_t i = 0; i < descs.size() && complete; ++i) {
            bool const linked = i + 1 != descs.size();
            write(descs[i], pieces[i], linked, linked ? descs[i + 1] : uint16_t{0});
        }
        if (complete && push(descs.front())) {
            return true;
        }
        for (uint16_t const desc : descs) {
            note("queue.free_desc(DescIndex{", desc, "})");
            queue_.free_desc(DescIndex{desc});
            model_.callers.erase(desc);
            model_.give_back(1);
        }
        return false;
    }

    /// a: which one of the heads that poll_used took and of the caller's whole chains.
    bool free_chain(Operation const& op) {
        std::vector<std::pair<uint16_t, Model::Linked>> heads;
        for (auto const& [head, count] : model_.taken_heads) {
            heads.push_back({head, {}});
        }
        auto const some = pick_callers(op.a);
        if (some) {
            if (auto chain = model_.follow(*some); !chain.foreign && !chain.loops) {
                heads.push_back({*some, std::move(chain)});
            }
        }
        if (heads.empty()) {
            return false;
        }
        auto const& [head, chain] = heads[op.b % heads.size()];
        note("queue.free_chain(DescIndex{", head, "})");
        queue_.free_chain(DescIndex{head});
        if (auto const taken = model_.taken_heads.find(head); taken != model_.taken_heads.end()) {
            model_.give_back(taken->second);
            model_.taken_heads.erase(taken);
            return true;
        }
        for (uint16_t const desc : chain.descs) {
            model_.callers.erase(desc);
        }
        model_.give_back(static_cast<uint32_t>(chain.descs.size()));
        return true;
    }

    /// a: which one; b: the descriptor that is not the caller's.
    bool misuse(Operation const& op) {
        if (!model_.initialised) {
            note("queue.free_desc(DescIndex{0})  // breach");
            breaches([&] { queue_.free_desc(DescIndex{0}); });
            return true;
        }
        uint16_t foreign = static_cast<uint16_t>(op.b % 2 == 0 ? model_.size : 0xffff);
        for (uint32_t i = 0; i < model_.size; ++i) {
            auto const desc = static_cast<uint16_t>((op.b + i) % model_.size);
            if (op.b >= 4 && model_.callers.count(desc) == 0) {
                foreign = desc;
                break;
            }
        }
        auto const mine = pick_callers(op.d);
        PhysAddr const addr{buffer_.phys};
        switch (op.a % 7) {
            case 0:
                note("queue.free_desc(DescIndex{", foreign, "})  // breach");
                breaches([&] { queue_.free_desc(DescIndex{foreign}); });
                return true;
            case 1:
                note("queue.write_desc(DescIndex{", foreign, "}, addr, 64, 0)  // breach");
                breaches([&] { queue_.write_desc(DescIndex{foreign}, addr, 64, 0); });
                return true;
            case 2:
                if (mine) {
                    note("queue.write_desc(DescIndex{", *mine, "}, addr, 64, 4)  // breach");
                    breaches([&] { queue_.write_desc(DescIndex{*mine}, addr, 64, 4); });
                }
                return mine.has_value();
            case 3:
                if (mine) {
                    note("queue.write_desc(DescIndex{", *mine, "}, addr, 64, 1, DescIndex{", foreign, "})  // breach");
                    breaches([&] { queue_.write_desc(DescIndex{*mine}, addr, 64, 1, DescIndex{foreign}); });
                }
                return mine.has_value();
            case 4:
                note("queue.push_avail(DescIndex{", foreign, "})  // breach");
                answers(model_.may_push(foreign), [&] { return queue_.push_avail(DescIndex{foreign}); });
                return true;
            case 5:
                if (model_.taken_heads.count(foreign) == 0) {
                    note("queue.free_chain(DescIndex{", foreign, "})  // breach");
                    breaches([&] { queue_.free_chain(DescIndex{foreign}); });
                }
                return true;
            default: return init({Kind::init, 0, 0, 0, 0});
        }
    }

    // --- device ---

    bool fetch() {
        if (!model_.initialised) {
            return false;
        }
        note("device->fetch()");
        auto const chain = device_->fetch();
        expect_equal("the device finds a chain", chain.has_value(), !model_.offered.empty());
        if (!chain) {
            return false;
        }
        Model::Chain const& wanted = model_.offered.front();
        expect_equal("fetched head", chain->head, wanted.descs.front());
        auto const is_huge = [](Piece const& piece) { return piece.bytes > 4096; };
        if (std::any_of(wanted.pieces.begin(), wanted.pieces.end(), is_huge)) {
            // The address has no memory, and the device reports that. The table has what matters, and was compared.
            if (memory_.violations().entries().size() == memory_.violations().count("S-2.7.5-addr")) {
                memory_.violations().clear();
            }
        } else {
            expect(chain->intact, "the device can make nothing of the chain");
        }
        if (!misbehaved_) {
            model_.fetched.push_back(chain->head);
        }
        model_.offered.pop_front();
        ++model_.next_fetched;
        return true;
    }

    [[nodiscard]] static uint64_t writable_bytes(Model::Chain const& chain) {
        uint64_t total = 0;
        for (auto const& piece : chain.pieces) {
            total += piece.writable ? piece.bytes : 0;
        }
        return total;
    }

    void use(uint32_t which, uint32_t length, bool at_once) {
        auto const at = model_.fetched.begin() + which;
        note("device->put_used(", *at, ", ", length, ")");
        device_->put_used(*at, length);
        model_.put.push_back({*at, length});
        model_.fetched.erase(at);
        if (at_once) {
            flush();
        }
    }

    /// a: which chain; b: how much is written; d: 3: visible only at the next flush.
    bool use(Operation const& op) {
        if (model_.fetched.empty()) {
            return false;
        }
        uint32_t const which = op.a % static_cast<uint32_t>(model_.fetched.size());
        auto const found = model_.in_flight.find(model_.fetched[which]);
        uint64_t const writable =
            found == model_.in_flight.end() ? 0 : std::min<uint64_t>(writable_bytes(found->second), 0xffff'ffff);
        uint64_t const length = op.b % 4 == 0 ? 0 : op.b % 4 == 1 ? writable : writable * op.b / 16;
        use(which, static_cast<uint32_t>(length), (op.d & 3u) != 3);
        return true;
    }

    bool flush() {
        if (!model_.initialised) {
            return false;
        }
        bool const anything = !model_.put.empty();
        note("device->flush_used()");
        device_->flush_used();
        bool const due = model_.flush();
        bool const wanted = device_->needs_interrupt();
        if (anything && !model_.broken()) {
            expect_equal("a used buffer notification is due", wanted, due);
            ++reached_.interrupts[due ? 1 : 0];
        }
        return anything;
    }

    /// a: what; b: where.
    bool suppress(Operation const& op) {
        if (!model_.initialised) {
            return false;
        }
        auto const next = static_cast<uint16_t>(model_.next_fetched);
        switch (op.a % 4) {
            case 0:
            case 1: {
                bool const on = op.a % 4 == 1;
                note("device->set_no_notify(", on, ")");
                device_->set_no_notify(on);
                model_.no_notify = model_.event_idx ? model_.no_notify : on;
                model_.avail_event =
                    model_.event_idx ? static_cast<uint16_t>(on ? next - 1 : next) : model_.avail_event;
                return true;
            }
            case 2: {
                auto const event = static_cast<uint16_t>(next + op.b - (op.b >= 8 ? 16 : 0));
                note("device->set_avail_event(", event, ")");
                device_->set_avail_event(event);  // without EVENT_IDX the driver must ignore it
                model_.avail_event = event;
                return true;
            }
            default: {
                auto const flags = static_cast<uint16_t>(0xaaaa | (op.b & 1u));
                note("device->write_used_flags_raw(", flags, ")");
                device_->write_used_flags_raw(flags);  // only bit 0 has a meaning, and none with EVENT_IDX
                model_.no_notify = (flags & 1u) != 0;
                return true;
            }
        }
    }

    /// a: which invalid value; b, d: details.
    bool misbehave(Operation const& op) {
        if (!model_.initialised || model_.broken() || misbehaved_) {
            return false;
        }
        switch (op.a % 8) {
            case 0:
                return write_invalid_id(op.b % 2 == 0 ? model_.size + op.b / 2 : (op.b << 16) | (op.d % model_.size));
            case 1: return write_id_not_in_flight(op);
            case 2: return write_invalid_index(op);
            case 3: return scribble(op);
            default: return write_invalid_length(op);
        }
    }

    /// Writes an entry that matches no chain in flight, in the place of a valid one, so that the index stays valid. The
    /// device then stops until the driver has found the entry.
    bool write_invalid_id(uint32_t id) {
        if (model_.put.size() + model_.used.size() >= model_.in_flight.size()) {
            return false;
        }
        note("device->put_used_raw(", id, ", 0)");
        device_->put_used_raw(id, 0);
        model_.put.push_back({id, 0});
        flush();
        misbehaved_ = true;
        model_.fetched.clear();
        return true;
    }

    /// The library reads the used index `index`, and must find that it is ahead.
    void break_by_index(uint16_t index) {
        expect(queue_.has_used(), "has_used() must be true when there is an invalid value to find");
        note("queue.take_used()");
        Completion const done = queue_.take_used();
        expect(done.state == CompletionState::broken, "a used index ahead of what is in flight must break the queue");
        model_.break_with(InvalidValue::index_ahead, index);
        ++reached_.invalid_values[static_cast<size_t>(InvalidValue::index_ahead)];
    }

    /// Takes completions until there is none, or the queue is broken.
    void drain() {
        while (take_used()) {
        }
    }

    /// b: which of the descriptors that are not the head of a chain in flight. It is taken at once, because later it may be
    /// a head again. The last chain that was added stays unpublished, so its head is not in flight either.
    bool write_id_not_in_flight(Operation const& op) {
        publish();
        static_cast<void>(add({Kind::add, 0, 1, 0, 1}));
        flush();
        drain();
        if (model_.broken()) {
            return false;
        }
        std::vector<uint16_t> candidates;
        for (uint32_t i = 0; i < model_.size; ++i) {
            auto const desc = static_cast<uint16_t>(i);
            if (model_.in_flight.count(desc) == 0) {
                candidates.push_back(desc);
            }
        }
        if (candidates.empty() || !write_invalid_id(candidates[op.b % candidates.size()])) {
            return false;
        }
        drain();
        expect(model_.broken(), "an invalid value was not found");
        return true;
    }

    bool write_invalid_length(Operation const& op) {
        if (model_.fetched.empty()) {
            return false;
        }
        uint32_t const which = op.d % static_cast<uint32_t>(model_.fetched.size());
        uint64_t const length = writable_bytes(model_.in_flight.at(model_.fetched[which])) + 1 + op.b;
        if (length > 0xffff'ffff) {
            return false;
        }
        use(which, static_cast<uint32_t>(length), true);
        return true;
    }

    bool write_invalid_index(Operation const& op) {
        flush();
        drain();
        if (model_.broken()) {
            return false;
        }
        auto const in_flight = static_cast<uint32_t>(model_.in_flight.size());
        uint32_t const ahead = op.b % 2 == 0 ? in_flight + 1 + op.b / 2 : 0xffff - op.b / 2;
        auto const index = static_cast<uint16_t>(model_.next_taken + ahead);
        note("device->write_used_idx_raw(", index, ")");
        device_->write_used_idx_raw(index);
        break_by_index(index);
        return true;
    }

    /// The device overwrites the descriptors of a chain of `add` that it has fetched. The driver must not notice.
    bool scribble(Operation const& op) {
        if (model_.fetched.empty()) {
            return false;
        }
        auto const& chain = model_.in_flight.at(model_.fetched[op.b % model_.fetched.size()]);
        if (!chain.added) {
            return false;
        }
        for (uint16_t const desc : chain.descs) {
            note("device->scribble_descriptor(", desc, ", {})");
            device_->scribble_descriptor(desc, {~uint64_t{0}, 0xffff'ffff, 3, static_cast<uint16_t>(op.d)});
        }
        return true;
    }

    Reached& reached_;
    std::ostream* trace_;
    sim::GuestMemory memory_{size_t{128} << 10};
    sim::Buffer buffer_ = memory_.allocate_buffer(8192);
    std::unique_ptr<sim::SplitQueue> device_;
    VirtQueue<N> queue_;
    Model model_;
    std::vector<uint16_t> callers_by_age_;
    bool misbehaved_ = false;  ///< the device has misbehaved, and the driver has not found it yet
    uint64_t tokens_ = 0;
    uint64_t addresses_ = 0;
};

/// Runs a sequence. Returns nothing if library and model agree, otherwise the place and the difference.
struct Failure {
    size_t operation = 0;
    std::string what;
};

template <uint32_t N>
std::optional<Failure> run(Sequence const& sequence, Reached& reached, Mistake mistake = Mistake::none,
                           std::ostream* trace = nullptr) {
    Machine<N> machine(mistake, reached, trace);
    size_t done = 0;
    try {
        for (; done < sequence.size(); ++done) {
            machine.run(sequence[done]);
        }
        machine.finish();
    } catch (std::exception const& disagreement) {
        return Failure{done, disagreement.what()};
    }
    return std::nullopt;
}

}  // namespace virtq::property
