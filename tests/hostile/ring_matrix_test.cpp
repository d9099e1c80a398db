// SPDX-License-Identifier: MIT
#include <hostile/hostile_machine.hpp>

#include <cstdint>
#include <cstring>
#include <functional>
#include <iostream>
#include <random>
#include <string>
#include <vector>

/// Injects every fault of a device at every step of every call: before each access to shared memory, and after the last
/// one. Each such cell expects the right reason, or none if there is nothing to detect. Accesses are bounded and inside
/// the queue, each token comes back once, and the queue works again.
namespace virtq::test {
namespace {

/// The expected effect of a fault.
enum class Outcome {
    breaks,     ///< broken, with reason and value, after earlier completions are taken
    may_break,  ///< as `breaks`, or not broken if the driver had read the word before
    harmless,   ///< not broken, and earlier completions are taken
    anything,   ///< only tokens once, bounds, and recovery
};

struct Expected {
    Outcome outcome;
    FaultReason reason = FaultReason::none;
    std::uint64_t value = 0;
};

struct FaultCase {
    char const* name;
    /// False if the fault does not exist for this combination.
    std::function<bool(Combination const&)> applies;
    std::function<void(HostileMachine&)> inject;
    std::function<Expected(Combination const&, HostileMachine const&)> expected;
};

bool any(Combination const&) {
    return true;
}
bool split(Combination const& combination) {
    return !combination.packed();
}
bool packed(Combination const& combination) {
    return combination.packed();
}

FaultReason no_such_chain(Combination const& combination) {
    return combination.in_order ? FaultReason::batch_not_reached : FaultReason::used_id_not_in_flight;
}
auto expect_harmless(Combination const&, HostileMachine const&) {
    return Expected{Outcome::harmless};
}
auto expect_anything(Combination const&, HostileMachine const&) {
    return Expected{Outcome::anything};
}
/// A legacy device may report a wrong length, so the queue clamps it.
auto breaks_unless_cut(Outcome outcome, std::uint64_t value) {
    return [=](Combination const& combination, HostileMachine const&) {
        return combination.legacy ? Expected{Outcome::harmless}
                                  : Expected{outcome, FaultReason::used_length_above_writable, value};
    };
}
auto breaks(FaultReason reason, std::uint64_t value) {
    return [=](Combination const&, HostileMachine const&) { return Expected{Outcome::breaks, reason, value}; };
}
/// The fault of a chain that is not in flight, or that IN_ORDER does not allow.
auto breaks_as_no_chain(std::uint16_t HostileMachine::*id) {
    return [=](Combination const& combination, HostileMachine const& machine) {
        return Expected{Outcome::breaks, no_such_chain(combination), machine.*id};
    };
}

void put16(HostileMachine const& machine, std::uint8_t* at, std::uint16_t value) {
    sim::encode(at, 2, value, machine.order());
}
void put32(HostileMachine const& machine, std::uint8_t* at, std::uint32_t value) {
    sim::encode(at, 4, value, machine.order());
}

/// The used entry or descriptor of the completion that is not taken yet.
std::uint8_t* current_entry(HostileMachine& machine) {
    if (machine.split_ring != nullptr) {
        return machine.used_ring() + 4 + 8 * ((machine.split_ring->used_idx() - 1u) % HostileMachine::size);
    }
    std::uint16_t const behind = machine.packed_ring->next_used().offset;
    return machine.pages() + 16 * ((behind + HostileMachine::size - 1u) % HostileMachine::size);
}

auto fill(int value) {
    return [=](HostileMachine& machine) { std::memset(machine.pages(), value, machine.page_bytes_of_ring()); };
}
auto mark_next(sim::Marks marks, std::uint16_t skip) {
    return [=](HostileMachine& machine) {
        machine.packed_ring->put_used_raw(machine.head3, 16, machine.packed_ring->flags_here(marks), skip);
        machine.packed_ring->flush_used();
    };
}

std::vector<FaultCase> const& faults() {
    using M = HostileMachine;
    constexpr std::uint16_t size = M::size;
    static std::vector<FaultCase> const all{
        // --- ids ---
        {"id_is_size", any, [](M& m) { m.use_raw(size, 0); }, breaks(FaultReason::used_id_out_of_range, size)},
        {"id_is_huge", split, [](M& m) { m.use_raw(0xffffffff, 0); },
         breaks(FaultReason::used_id_out_of_range, 0xffffffff)},
        {"id_of_16_bits_is_huge", packed, [](M& m) { m.use_raw(0xffff, 0); },
         breaks(FaultReason::used_id_out_of_range, 0xffff)},
        {"id_aliases_in_16_bits", split, [](M& m) { m.use_raw(0x10000u | m.head3, 0); },
         [](Combination const&, M const& m) {
             return Expected{Outcome::breaks, FaultReason::used_id_out_of_range, 0x10000u | m.head3};
         }},
        {"id_twice", any, [](M& m) { m.use_raw(m.head2, 0); }, breaks_as_no_chain(&M::head2)},
        {"id_in_mid_chain", [](Combination const& c) { return split(c) && !c.indirect; },
         [](M& m) { m.use_raw(m.middle3, 0); }, breaks_as_no_chain(&M::middle3)},
        {"id_that_is_free", any, [](M& m) { m.use_raw(m.free_id, 0); }, breaks_as_no_chain(&M::free_id)},
        {"id_that_is_not_published", any, [](M& m) { m.use_raw(m.head5, 0); }, breaks_as_no_chain(&M::head5)},
        {"id_of_the_current_entry_rewritten", any,
         [](M& m) {
             m.split_ring != nullptr ? put32(m, current_entry(m), size) : put16(m, current_entry(m) + 12, size);
         },
         [](Combination const&, M const&) {
             return Expected{Outcome::may_break, FaultReason::used_id_out_of_range, size};
         }},
        // --- lengths ---
        {"length_one_too_long", any, [](M& m) { m.use_raw(m.head3, 33); }, breaks_unless_cut(Outcome::breaks, 33)},
        {"length_is_huge", any, [](M& m) { m.use_raw(m.head3, 0xffffffff); },
         breaks_unless_cut(Outcome::breaks, 0xffffffff)},
        {"length_of_the_current_entry_rewritten", any,
         [](M& m) { put32(m, current_entry(m) + (m.split_ring != nullptr ? 4 : 8), 17); },
         breaks_unless_cut(Outcome::may_break, 17)},
        // --- the used index ---
        {"index_jumps_forwards", split,
         [](M& m) {
             m.split_ring->write_used_idx_raw(static_cast<std::uint16_t>(m.split_ring->avail_idx() + size + 1));
         },
         [](Combination const&, M const& m) {
             return Expected{Outcome::breaks, FaultReason::used_index_ahead, m.split_ring->used_idx()};
         }},
        {"index_jumps_half_way_round", split,
         [](M& m) { m.split_ring->write_used_idx_raw(static_cast<std::uint16_t>(m.split_ring->used_idx() + 0x8000)); },
         [](Combination const&, M const& m) {
             return Expected{Outcome::breaks, FaultReason::used_index_ahead, m.split_ring->used_idx()};
         }},
        {"index_jumps_backwards", split,
         [](M& m) { m.split_ring->write_used_idx_raw(static_cast<std::uint16_t>(m.split_ring->used_idx() - 2)); },
         [](Combination const&, M const& m) {
             return Expected{Outcome::breaks, FaultReason::used_index_ahead, m.split_ring->used_idx()};
         }},
        // --- the driver's own words ---
        {"descriptors_rewritten", split, [](M& m) { std::memset(m.pages(), 0xff, 16 * size); }, expect_harmless},
        {"available_ring_rewritten", split, [](M& m) { std::memset(m.available_ring(), 0x5a, 6 + 2 * size); },
         expect_harmless},
        {"event_word_random", any,
         [](M& m) {
             if (m.split_ring != nullptr) {
                 m.split_ring->write_used_flags_raw(0xa5a5);
                 m.split_ring->write_avail_event_raw(0x5a5a);
             } else {
                 m.packed_ring->write_device_event_raw({0xffff, 0xa5a6});
             }
         },
         expect_harmless},
        {"own_event_word_rewritten", any,
         [](M& m) {
             if (m.split_ring != nullptr) {
                 m.split_ring->scribble_used_event(0x5a5a);
                 m.split_ring->scribble_available_flags(0xa5a5);
             } else {
                 m.packed_ring->scribble_driver_event({0xffff, 0xa5a6});
             }
         },
         expect_harmless},
        // --- packed flags ---
        {"only_avail_flipped", packed, mark_next(sim::Marks::stale, 3), expect_harmless},
        {"both_flags_flipped", packed, mark_next(sim::Marks::available_next, 3), expect_harmless},
        {"used_on_the_wrong_lap", packed,
         [](M& m) {
             sim::PackedPosition other = m.packed_ring->next_used();
             other.wrap = !other.wrap;
             m.packed_ring->write_flags_raw(other.offset, sim::flags_of(sim::Marks::used, other.wrap));
         },
         expect_harmless},
        {"skips_too_few", [](Combination const& c) { return packed(c) && !c.indirect; },
         [](M& m) {
             mark_next(sim::Marks::used, 1)(m);
             m.use_raw(m.head4, 0);
         },
         expect_harmless},
        {"skips_too_many", packed,
         [](M& m) {
             mark_next(sim::Marks::used, 5)(m);
             m.use_raw(m.head4, 0);
         },
         expect_harmless},
        {"length_without_write", packed,
         [](M& m) {
             m.packed_ring->put_used_raw(m.head3, 0xffffffff, m.packed_ring->flags_here(sim::Marks::used), 3);
             m.packed_ring->flush_used();
         },
         expect_harmless},
        // --- with IN_ORDER ---
        {"skips_an_entry", [](Combination const& c) { return split(c) && c.in_order; },
         [](M& m) { m.use_raw(m.head4, 0); }, breaks_as_no_chain(&M::head4)},
        // --- the whole ring ---
        {"all_zeroes", any, fill(0x00), expect_anything},
        {"all_ones", any, fill(0xff), expect_anything},
        {"all_0x80", any, fill(0x80), expect_anything},
        {"all_0x5a", any, fill(0x5a), expect_anything},
        {"random_words_at_each_step", any,
         [](M& m) {
             std::size_t const words = m.page_bytes_of_ring() / 2;
             m.at_every_step([&m, words, random = std::mt19937{m.head3 + 17u}]() mutable {
                 std::size_t const place = random() % 4 != 0 ? random() % (16 * size) : random() % words;
                 std::uint16_t const values[] = {0,      1,      size,   0x8000,
                                                 0x0080, 0x8080, 0xffff, static_cast<std::uint16_t>(random())};
                 put16(m, m.pages() + 2 * (place % words), values[random() % 8]);
             });
         },
         expect_anything},
        {"used_flags_at_each_step", packed,
         [](M& m) {
             m.at_every_step([&m, at = 0u]() mutable {
                 put16(m, m.pages() + 16 * (at % size) + 14, (at / size) % 2 == 0 ? 0x8080 : 0);
                 put16(m, m.pages() + 16 * (at % size) + 12, static_cast<std::uint16_t>(at % (size + 1)));
                 ++at;
             });
         },
         expect_anything},
        {"used_index_grows_at_each_step", split,
         [](M& m) {
             m.at_every_step(
                 [&m] { put16(m, m.used_ring() + 2, static_cast<std::uint16_t>(m.split_ring->used_idx() + 1)); });
         },
         expect_anything},
    };
    return all;
}

/// A call, and its effect on the chain that is added but not published.
struct CallCase {
    char const* name;
    bool publishes = false;
    bool ends = false;  ///< the call ends the life of the queue
    std::function<bool(Combination const&)> applies;
    std::function<void(HostileMachine&)> call;
    std::size_t limit = HostileMachine::access_limit;
};

template <class Queue>
void push_one(HostileMachine& machine, Queue& queue) {
    Result<DescIndex> const desc = queue.alloc_desc();
    if (!desc) {
        return;
    }
    queue.write_desc(*desc, machine.data().addr, 16, 2);
    if (queue.push_avail(*desc, Token{std::uintptr_t{7}})) {
        for (auto& [token, state] : machine.waiting) {
            state.is_published = true;
        }
        machine.waiting.emplace(7, HostileMachine::Waiting{16, true});
    }
}
template <class Queue>
void poll_one(HostileMachine& machine, Queue& queue) {
    static_cast<void>(queue.has_used());
    UsedChain const used = queue.poll_used();
    if (used) {
        std::uint16_t const head = number(used.head);
        machine.account(head == machine.head2   ? 2
                        : head == machine.head3 ? 3
                        : head == machine.head4 ? 4
                                                : 5,
                        used.len);
        queue.free_chain(used.head);
    }
}

std::vector<CallCase> const& calls() {
    using M = HostileMachine;
    static std::vector<CallCase> const all{
        {"add", false, false, any, [](M& m) { static_cast<void>(m.add(0, 1, 6)); }},
        {"add_two", false, false, any, [](M& m) { static_cast<void>(m.add(1, 1, 6)); }},
        {"add_in_a_table", false, false, [](Combination const& c) { return c.indirect; },
         [](M& m) { static_cast<void>(m.add(2, 1, 6)); }},
        {"add_that_is_refused", false, false, any, [](M& m) { static_cast<void>(m.add(1, 1, 6, 0)); }},
        {"publish", true, false, any, [](M& m) { static_cast<void>(m.publish()); }},
        {"take_used", false, false, any, [](M& m) { m.take(); }, M::check_limit},
        {"take_used_of_nothing", false, false, any,
         [](M& m) {
             m.take();
             m.begin_call();
             m.take();
         },
         2 * M::check_limit},
        {"submit_burst", true, false, any, [](M& m) { m.submit_burst(6, 1, true); }},
        {"submit_burst_of_none", true, false, any, [](M& m) { m.submit_burst(6, 0, false); }},
        {"take_burst", false, false, any, [](M& m) { m.take_burst(4); }, 4 * M::check_limit},
        {"take_burst_of_one", false, false, any, [](M& m) { m.take_burst(1); }, M::check_limit},
        {"take_burst_while_notified", false, false, any,
         [](M& m) {
             static_cast<void>(m.queue->enable_used_notifications());
             m.begin_call();
             m.take_burst(4);
         },
         5 * M::check_limit},
        {"enable_used_notifications", false, false, any,
         [](M& m) { static_cast<void>(m.queue->enable_used_notifications()); }, M::check_limit},
        {"disable_used_notifications", false, false, any, [](M& m) { m.queue->disable_used_notifications(); },
         M::check_limit},
        {"add_of_an_array", false, false, any, [](M& m) { m.add_array(6); }},
        {"add_gathered", false, false, any, [](M& m) { m.add_gathered(6); }},
        {"push_avail", true, false, M::has_descriptor_tier,
         [](M& m) { m.with_descriptor_tier([&](auto& queue) { push_one(m, queue); }); }},
        {"poll_used", false, false, M::has_descriptor_tier,
         [](M& m) { m.with_descriptor_tier([&](auto& queue) { poll_one(m, queue); }); }, 2 * M::check_limit},
        {"drain", false, true, any, [](M& m) { m.drain(); }, 0},
        {"restart", false, true, any,
         [](M& m) {
             m.drain();
             if (!m.restart()) {
                 m.complain("restart() failed");
             }
             m.queue->attach();
         }},
    };
    return all;
}

class EveryFault : public testing::TestWithParam<Combination> {
protected:
    struct Cell {
        FaultCase const& fault;
        CallCase const& call;
        std::size_t step;
    };

    /// After the call: takes all completions, and then checks why there are no more.
    static std::string judge(Cell const& cell, HostileMachine& machine) {
        Expected const expected = cell.fault.expected(GetParam(), machine);
        bool const took_before = machine.waiting.count(2) == 0;
        std::vector<std::uintptr_t> taken;
        for (int look = 0; look < 2 * HostileMachine::size; ++look) {
            std::uintptr_t token = 0;
            machine.run([&] { token = machine.take(); }, HostileMachine::check_limit);
            if (token == 0) {
                break;
            }
            taken.push_back(token);
        }
        Fault const fault = machine.queue->fault();
        if (fault) {  // the device corrects the entry, too late
            make_good(machine);
            machine.run([&] { machine.take(); }, HostileMachine::check_limit);
        }
        if ((machine.last_state == CompletionState::broken) != (fault.reason != FaultReason::none)) {
            return "take_used() and fault() contradict each other";
        }
        bool const became_true = cell.call.publishes && std::string{cell.fault.name} == "id_that_is_not_published";
        if (cell.call.ends || expected.outcome == Outcome::anything || became_true) {
            return {};
        }
        bool const took_what_was_used = took_before || (!taken.empty() && taken[0] == 2);
        bool const as_expected = fault.reason == expected.reason && fault.value == expected.value;
        switch (expected.outcome) {
            case Outcome::breaks:
                if (!as_expected) {
                    return "expected: " + std::string{describe(expected.reason)} + " " +
                           std::to_string(expected.value) + ", but: " + describe(fault.reason) + " " +
                           std::to_string(fault.value);
                }
                // An invalid index hides earlier completions, unless the driver has seen them.
                return took_what_was_used || expected.reason == FaultReason::used_index_ahead ? ""
                                                                                              : "2 was not handed out";
            case Outcome::may_break:
                return as_expected || (!fault && took_what_was_used) ? "" : describe(fault.reason);
            case Outcome::harmless:
                return !fault && took_what_was_used ? "" : std::string{"broken by nothing: "} + describe(fault.reason);
            case Outcome::anything: break;
        }
        return {};
    }

    /// Replaces the rejected entry by that of a chain in flight.
    static void make_good(HostileMachine& machine) {
        std::uint8_t* const entry = current_entry(machine);
        if (machine.split_ring != nullptr) {
            put32(machine, entry, machine.head3);
            put32(machine, entry + 4, 16);
        } else {
            put32(machine, entry + 8, 16);
            put16(machine, entry + 12, machine.head3);
        }
    }

    /// In any state further calls do no harm, and a reset recovers the queue.
    static void go_on_and_recover(HostileMachine& machine) {
        for (std::uintptr_t token = 50; token < 53; ++token) {
            machine.run([&] { static_cast<void>(machine.queue->enable_used_notifications()); },
                        HostileMachine::check_limit);
            machine.run([&] { static_cast<void>(machine.add(1, 1, token)); }, HostileMachine::access_limit);
            machine.run([&] { static_cast<void>(machine.publish()); }, HostileMachine::check_limit);
            machine.run([&] { machine.take(); }, HostileMachine::check_limit);
            machine.run([&] { machine.take_burst(4); }, 4 * HostileMachine::check_limit);
        }
        if (machine.queue->num_free() > HostileMachine::size) {
            machine.complain("more is free than there is");
        }
        machine.at_every_step({});
        machine.drain();
        machine.expect_drained();
        if (!machine.restart()) {
            machine.complain("the queue did not come up again");
            return;
        }
        machine.expect_sound();
    }

    static std::string run(Cell const& cell) {
        HostileMachine machine{GetParam()};
        machine.prepare();
        machine.run([&] { cell.call.call(machine); }, cell.call.limit, cell.step, [&] { cell.fault.inject(machine); });
        std::string const verdict = judge(cell, machine);
        go_on_and_recover(machine);
        return verdict + machine.complaints();
    }

    /// The number of accesses that the call makes without a fault.
    static std::size_t steps_of(CallCase const& call) {
        HostileMachine machine{GetParam()};
        machine.prepare();
        std::size_t const steps = machine.run([&] { call.call(machine); }, call.limit);
        EXPECT_EQ(machine.complaints(), "") << call.name;
        return steps;
    }
};

TEST_P(EveryFault, AtEveryStepOfEveryCall) {
    std::size_t cells = 0;
    for (CallCase const& call : calls()) {
        if (!call.applies(GetParam())) {
            continue;
        }
        std::size_t const steps = steps_of(call);
        EXPECT_TRUE(steps != 0 || call.limit == 0 || GetParam().event_idx)
            << call.name;  // otherwise nothing was tried
        for (FaultCase const& fault : faults()) {
            for (std::size_t step = 0; fault.applies(GetParam()) && step <= steps; ++step) {
                std::string const verdict = run({fault, call, step});
                ASSERT_EQ(verdict, "") << fault.name << " before access " << step << " of " << call.name;
                ++cells;
            }
        }
    }
    RecordProperty("cells", static_cast<int>(cells));
    std::cout << GetParam().name() << ": " << cells << " cells of fault, call and step\n";
    // The number of cells at present, less a margin for a ring that needs fewer accesses.
    EXPECT_GE(cells, 1000u);
}

TEST_P(EveryFault, OfLengthIsClampedOnRequest) {
    HostileMachine machine{GetParam(), OverReportedLength::clamp};
    machine.prepare();
    machine.use_raw(machine.head3, 0xffffffff);
    EXPECT_EQ(machine.take(), 2u);
    EXPECT_EQ(machine.take(), 3u);
    EXPECT_FALSE(machine.queue->fault());
    go_on_and_recover(machine);
    EXPECT_EQ(machine.complaints(), "");
}

INSTANTIATE_TEST_SUITE_P(Every, EveryFault, testing::ValuesIn(all_combinations()),
                         [](auto const& of) { return of.param.name(); });

}  // namespace
}  // namespace virtq::test
