// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <vector>

/// A split queue in its plainest form: lists and maps, indices that never wrap, one step at a time. It is written from
/// the design and the standard, and includes nothing of the library.
namespace virtq::property {

/// What a call may answer. The model has the set of correct answers, and the library gives one of them.
enum class Answer : uint8_t {
    ok,
    breach,  ///< the assertion hook
    size_zero,
    size_not_power_of_two,
    size_above_maximum,
    size_above_capacity,
    no_pages,
    still_live,
    feature_not_supported,
    full,
    chain_empty,
    segment_empty,
    chain_longer_than_queue,
    chain_above_4_gib,
    readable_after_writable,
    not_initialised,
    broken,
    other,
};
inline constexpr size_t answer_count = static_cast<size_t>(Answer::other) + 1;
using Answers = std::set<Answer>;

enum class InvalidValue : uint8_t { none, index_ahead, id_out_of_range, id_not_in_flight, length_above_writable };
inline constexpr size_t invalid_value_count = static_cast<size_t>(InvalidValue::length_above_writable) + 1;

/// A mistake that the model makes on purpose, to see that it is found, and its sequence shrunk.
enum class Mistake : uint8_t { none, loses_one_of_three, notifies_one_early, forgets_order };

struct Piece {
    uint64_t addr = 0;
    uint32_t bytes = 0;
    bool writable = false;

    friend bool operator==(Piece const&, Piece const&) = default;
};

struct Model {
    struct Chain {
        uint64_t token = 0;
        bool added = false;  ///< added by the chain tier
        std::vector<Piece> pieces;
        std::vector<uint16_t> descs;  ///< head first; for the chain tier, unknown until the device can see the chain
    };
    /// A descriptor that the caller holds.
    struct Desc {
        Piece piece;
        bool linked = false;
        uint16_t next = 0;
    };
    struct Used {
        uint32_t id = 0;
        uint32_t length = 0;
    };
    struct Taken {
        enum class State : uint8_t { completion, none, broken } state = State::none;
        Chain chain;
        uint32_t written = 0;
    };

    Mistake mistake = Mistake::none;

    // Life.
    bool initialised = false;
    bool live = false;
    uint32_t size = 0;
    bool event_idx = false;
    bool cuts_length = false;
    InvalidValue invalid = InvalidValue::none;
    uint32_t fault_value = 0;

    // Where the descriptors are. One that is in none of these is free.
    uint32_t free = 0;
    std::map<uint16_t, Desc> callers;
    std::map<uint16_t, uint32_t> taken_heads;  ///< heads of added chains that poll_used took: number of descriptors
    std::deque<Chain> added;                   ///< not visible yet
    std::deque<Chain> offered;                 ///< visible, not fetched
    std::map<uint16_t, Chain> in_flight;       ///< by head: visible, and not taken
    std::vector<uint16_t> fetched;             ///< heads that the device can use

    // The available ring. The counters never wrap.
    uint64_t first = 0;
    uint64_t next_added = 0;
    uint64_t decided = 0;
    uint64_t next_fetched = 0;
    bool no_notify = false;
    uint16_t avail_event = 0;

    // The used ring.
    std::deque<Used> put;   ///< not visible yet
    std::deque<Used> used;  ///< visible, not taken
    uint64_t next_flushed = 0;
    uint64_t next_taken = 0;
    uint64_t interrupt_decided = 0;
    bool notifications_on = false;
    uint16_t used_event = 0;

    [[nodiscard]] bool broken() const { return invalid != InvalidValue::none; }

    // --- life ---

    [[nodiscard]] Answers may_init(uint32_t capacity, uint32_t wanted, bool foreign_feature, bool no_memory) const {
        Answers errors;
        if (initialised) {
            return {Answer::breach};
        }
        if (wanted == 0) {
            errors.insert(Answer::size_zero);
        } else if ((wanted & (wanted - 1)) != 0) {
            errors.insert(Answer::size_not_power_of_two);
        }
        if (wanted > 32768) {
            errors.insert(Answer::size_above_maximum);
        }
        if (wanted > capacity) {
            errors.insert(Answer::size_above_capacity);
        }
        if (foreign_feature) {
            errors.insert(Answer::feature_not_supported);
        }
        if (no_memory) {
            errors.insert(Answer::no_pages);
        }
        return or_ok(errors);
    }

    void init(uint32_t wanted, bool with_event_idx, bool cuts, uint16_t first_index) {
        Mistake const kept = mistake;
        *this = Model{};
        mistake = kept;
        initialised = true;
        size = free = wanted;
        event_idx = with_event_idx;
        cuts_length = cuts;
        first = next_added = decided = next_fetched = first_index;
        next_flushed = next_taken = interrupt_decided = first_index;
        used_event = static_cast<uint16_t>(first_index - 1);  // as far away as possible
        avail_event = first_index;
    }

    void release() {
        Mistake const kept = mistake;
        InvalidValue const first_invalid = invalid;
        uint32_t const value = fault_value;
        *this = Model{};
        mistake = kept;
        invalid = first_invalid;
        fault_value = value;
    }

    // --- chain tier ---

    [[nodiscard]] Answers may_add(std::vector<Piece> const& pieces) const {
        if (!initialised) {
            return {Answer::not_initialised};
        }
        if (broken()) {
            return {Answer::broken};
        }
        Answers errors;
        if (pieces.empty()) {
            errors.insert(Answer::chain_empty);
        } else if (pieces.size() > size) {
            errors.insert(Answer::chain_longer_than_queue);
        } else if (pieces.size() > free) {
            errors.insert(Answer::full);
        }
        check_pieces(pieces, errors);
        return or_ok(errors);
    }

    void add(std::vector<Piece> pieces, uint64_t token) {
        free -= static_cast<uint32_t>(pieces.size());
        added.push_back({token, true, std::move(pieces), {}});
        ++next_added;
    }

    /// Whether a notification is due for the chains that were added since the last decision.
    [[nodiscard]] bool publish() {
        bool due = false;
        if (initialised && !broken()) {
            decided = std::max(decided, next_added - std::min<uint64_t>(next_added, 65535));
            for (; decided != next_added; ++decided) {
                auto const event =
                    static_cast<uint16_t>(avail_event - (mistake == Mistake::notifies_one_early ? 1 : 0));
                due = due || (event_idx ? static_cast<uint16_t>(decided) == event : !no_notify);
            }
        }
        decided = next_added;
        return due;
    }

    /// Records the descriptors that the device finds in the ring for the next chain of `added`. False if one is not free.
    [[nodiscard]] bool expose(std::vector<uint16_t> const& descs) {
        Chain chain = std::move(added.front());
        added.pop_front();
        if (chain.added) {
            for (uint16_t const desc : descs) {
                if (is_known(desc)) {
                    return false;
                }
            }
            chain.descs = descs;
        }
        in_flight[chain.descs.front()] = chain;
        offered.push_back(std::move(chain));
        return true;
    }

    [[nodiscard]] bool is_known(uint16_t desc) const {
        if (callers.count(desc) != 0) {
            return true;
        }
        return std::any_of(in_flight.begin(), in_flight.end(), [desc](auto const& entry) {
            auto const& descs = entry.second.descs;
            return std::find(descs.begin(), descs.end(), desc) != descs.end();
        });
    }

    /// The next completion. After this its descriptors belong to nobody, and the caller of this function assigns them.
    [[nodiscard]] Taken take() {
        Taken taken;
        if (broken()) {
            taken.state = Taken::State::broken;
            return taken;
        }
        if (used.empty()) {
            if (notifications_on && event_idx) {
                used_event =
                    static_cast<uint16_t>(next_taken);  // all are taken: ask for a notification of the next one
            }
            return taken;
        }
        Used const entry = used.front();
        taken.state = Taken::State::broken;
        if (entry.id >= size) {
            break_with(InvalidValue::id_out_of_range, entry.id);
            return taken;
        }
        auto const found = in_flight.find(static_cast<uint16_t>(entry.id));
        if (found == in_flight.end()) {
            break_with(InvalidValue::id_not_in_flight, entry.id);
            return taken;
        }
        uint64_t writable = 0;
        for (auto const& piece : found->second.pieces) {
            writable += piece.writable ? piece.bytes : 0;
        }
        if (entry.length > writable && !cuts_length) {
            break_with(InvalidValue::length_above_writable, entry.length);
            return taken;
        }
        taken.state = Taken::State::completion;
        taken.written = static_cast<uint32_t>(std::min<uint64_t>(entry.length, writable));
        taken.chain = std::move(found->second);
        in_flight.erase(found);
        used.pop_front();
        ++next_taken;
        return taken;
    }

    void give_back(uint32_t count) {
        free += broken() ? 0 : count - (mistake == Mistake::loses_one_of_three && count == 3 ? 1 : 0);
    }

    void break_with(InvalidValue what, uint32_t value) {
        invalid = what;
        fault_value = value;
        free = 0;
    }

    [[nodiscard]] bool may_sleep() const { return used.empty() && !broken(); }

    // --- descriptor tier ---

    [[nodiscard]] Answers may_alloc() const {
        return !initialised ? Answers{Answer::not_initialised}
               : broken()   ? Answers{Answer::broken}
               : free == 0  ? Answers{Answer::full}
                            : Answers{Answer::ok};
    }

    /// Follows the caller's chain from `head` as far as possible.
    struct Linked {
        std::vector<uint16_t> descs;
        std::vector<Piece> pieces;
        bool loops = false;
        bool foreign = false;  ///< it reaches a descriptor that the caller does not hold
    };
    [[nodiscard]] Linked follow(uint16_t head) const {
        Linked chain;
        for (uint16_t desc = head;;) {
            auto const found = callers.find(desc);
            if (found == callers.end()) {
                chain.foreign = true;
                return chain;
            }
            if (std::find(chain.descs.begin(), chain.descs.end(), desc) != chain.descs.end()) {
                chain.loops = true;
                return chain;
            }
            chain.descs.push_back(desc);
            chain.pieces.push_back(found->second.piece);
            if (!found->second.linked) {
                return chain;
            }
            desc = found->second.next;
        }
    }

    [[nodiscard]] Answers may_push(uint16_t head) const {
        if (!initialised) {
            return {Answer::not_initialised};
        }
        if (broken()) {
            return {Answer::broken};
        }
        Linked const chain = follow(head);
        Answers errors;
        if (chain.foreign) {
            errors.insert(Answer::breach);
        }
        if (chain.loops) {
            errors.insert(Answer::chain_longer_than_queue);
        }
        check_pieces(chain.pieces, errors);
        bool const turns = chain.loops && !chain.pieces.empty() && chain.pieces.back().writable;
        if (turns) {  // the next round of the loop may begin with a readable descriptor
            errors.insert(Answer::readable_after_writable);
        }
        if (mistake == Mistake::forgets_order) {
            errors.erase(Answer::readable_after_writable);
        }
        return or_ok(errors);
    }

    void push(uint16_t head, uint64_t token) {
        Linked const linked = follow(head);
        for (uint16_t const desc : linked.descs) {
            callers.erase(desc);
        }
        added.push_back({token, false, linked.pieces, linked.descs});
        ++next_added;
    }

    // --- device ---

    /// Makes the new entries visible. True if an interrupt is due.
    [[nodiscard]] bool flush() {
        next_flushed += put.size();
        used.insert(used.end(), put.begin(), put.end());
        put.clear();
        bool due = false;
        for (; interrupt_decided != next_flushed; ++interrupt_decided) {
            due = due || (event_idx ? static_cast<uint16_t>(interrupt_decided) == used_event : notifications_on);
        }
        return due;
    }

private:
    [[nodiscard]] static Answers or_ok(Answers errors) {
        if (errors.empty()) {
            errors.insert(Answer::ok);
        }
        return errors;
    }

    static void check_pieces(std::vector<Piece> const& pieces, Answers& errors) {
        uint64_t total = 0;
        bool writable = false;
        for (auto const& piece : pieces) {
            total += piece.bytes;
            if (piece.bytes == 0) {
                errors.insert(Answer::segment_empty);
            }
            if (writable && !piece.writable) {
                errors.insert(Answer::readable_after_writable);
            }
            writable = piece.writable;
        }
        if (total > uint64_t{1} << 32) {
            errors.insert(Answer::chain_above_4_gib);
        }
    }
};

}  // namespace virtq::property
