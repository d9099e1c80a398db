// SPDX-License-Identifier: MIT
#include <virtq/queue/burst.hpp>

#include <queue/contract_machine.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <deque>
#include <random>
#include <vector>

/// What the burst calls guarantee in any format and with any features, at sizes from 1 to 32768, over the wrap of every
/// counter.
namespace virtq::test {
namespace {

class Burst : public testing::TestWithParam<Combination> {
protected:
    template <class Body>
    static void for_each_size(Body body, std::size_t least = 1) {
        for (std::uint16_t const size : GetParam().sizes()) {
            if (size >= least) {
                SCOPED_TRACE(size);
                body(size);
            }
        }
    }

    /// Chains that become visible together inside a burst of chains of one descriptor.
    static std::size_t shown_together() { return GetParam().packed() ? 4 : 16; }

    static unsigned fetch_all(ContractMachine& machine) {
        unsigned fetched = 0;
        while (machine.device->fetch()) {
            ++fetched;
        }
        return fetched;
    }
};

/// `count` buffers of one writable segment of 16 bytes, with tokens from `first` on.
std::vector<WritableBuffer> writable_buffers(ContractMachine& machine, std::size_t count, std::uintptr_t first = 0) {
    std::vector<WritableBuffer> made;
    for (Segment const& segment : machine.segments(count)) {
        made.push_back({{segment}, Token{first + made.size()}});
    }
    return made;
}

/// Chains of any shape, which own their segments.
struct OwnChain {
    std::vector<Segment> readable;
    std::vector<Segment> writable;
    Token token;

    [[nodiscard]] Chain view() const {
        return {{readable.data(), readable.size()}, {writable.data(), writable.size()}, token};
    }
};

/// Random bursts, mixed with calls for one chain; completed in random orders, taken into rooms of random sizes.
class BurstTraffic {
public:
    BurstTraffic(ContractMachine& machine, Combination const& combination, unsigned seed)
        : machine_(machine), combination_(combination), random_(seed) {}

    void run(std::size_t chains) {
        while (taken_ < chains || taken_ != sent_.size()) {
            if (below(3) == 0 && sent_.size() < chains) {
                add_one();
            }
            if (sent_.size() < chains) {
                submit(below(40));
            } else {
                static_cast<void>(machine_.queue->publish());
            }
            fetch_all();
            use_some();
            take();
            ASSERT_FALSE(testing::Test::HasFailure());
        }
        EXPECT_EQ(machine_.queue->num_free(), machine_.queue->size());
    }

private:
    struct InDevice {
        std::size_t number;
        std::uint16_t head;
    };

    std::size_t below(std::size_t limit) { return random_() % limit; }

    OwnChain make(std::size_t number) {
        std::size_t const count = 1 + below(std::min<std::size_t>(machine_.queue->size(), below(8) == 0 ? 20 : 4));
        std::size_t const readable = below(count + 1);
        return {machine_.segments(readable), machine_.segments(count - readable), Token{number}};
    }
    void add_one() {
        OwnChain const one = make(sent_.size());
        Chain const view = one.view();
        if (machine_.queue->add(view.readable, view.writable, view.token)) {
            sent_.push_back(one);
        }
    }
    void submit(std::size_t count) {
        std::size_t const kind = below(machine_.queue->size() < 3 ? 3 : 4);
        std::vector<OwnChain> own;
        for (std::size_t i = 0; i < count; ++i) {
            Token const token{sent_.size() + i};
            own.push_back(kind < 2    ? make(sent_.size() + i)
                          : kind == 2 ? OwnChain{{}, machine_.segments(1), token}
                                      : OwnChain{machine_.segments(2), machine_.segments(1), token});
        }
        SubmittedBurst const made = submit(kind, own);
        ASSERT_LE(made.count, count);
        ASSERT_EQ(made.error, made.count == count ? Error::none : Error::queue_full);
        if (made.count != count) {
            ASSERT_LT(machine_.queue->num_free(), own[made.count].readable.size() + own[made.count].writable.size());
        }
        sent_.insert(sent_.end(), own.begin(), own.begin() + static_cast<std::ptrdiff_t>(made.count));
    }

    /// Submits the chains in one of the ways that there are. With the last two, all chains have one shape.
    SubmittedBurst submit(std::size_t kind, std::vector<OwnChain> const& own) {
        AnyQueue& queue = *machine_.queue;
        auto const any = [&](std::size_t i) { return own[i].view(); };
        auto const buffer = [&](std::size_t i) { return WritableBuffer{{own[i].writable[0]}, own[i].token}; };
        auto const fixed = [&](std::size_t i) {
            return FixedChain<2, 1>{{own[i].readable[0], own[i].readable[1], own[i].writable[0]}, own[i].token};
        };
        if (kind == 0) {
            std::vector<Chain> views;
            for (OwnChain const& each : own) {
                views.push_back(each.view());
            }
            return queue.submit_burst(views);
        }
        return kind == 1   ? queue.submit_burst(own.size(), std::function<Chain(std::size_t)>{any})
               : kind == 2 ? queue.submit_burst(own.size(), std::function<WritableBuffer(std::size_t)>{buffer})
                           : queue.submit_burst(own.size(), std::function<FixedChain<2, 1>(std::size_t)>{fixed});
    }

    void fetch_all() {
        while (auto chain = machine_.device->fetch()) {
            ASSERT_TRUE(chain->intact);
            ASSERT_LT(fetched_, sent_.size());
            ASSERT_TRUE(same_segments(sent_[fetched_].readable, chain->readable));
            ASSERT_TRUE(same_segments(sent_[fetched_].writable, chain->writable));
            in_device_.push_back({fetched_++, chain->head});
        }
        ASSERT_EQ(fetched_, sent_.size());
    }
    void use_some() {
        for (std::size_t i = below(30); i-- > 0 && !in_device_.empty();) {
            auto const place = combination_.in_order ? 0 : below(in_device_.size());
            auto const [number, head] = in_device_[place];
            in_device_.erase(in_device_.begin() + static_cast<std::ptrdiff_t>(place));
            auto const written = static_cast<std::uint32_t>(below(16 * sent_[number].writable.size() + 1));
            machine_.device->put_used(head, written);
            used_.push_back({number, written});
        }
        machine_.device->flush_used();
    }
    void take() {
        std::array<Completion, 25> room;
        for (;;) {
            std::size_t const size = 1 + below(room.size());
            TakenBurst const done = machine_.queue->take_burst({room.data(), size});
            ASSERT_EQ(done.state, done.count == size ? CompletionState::ready : CompletionState::none);
            for (std::size_t i = 0; i < done.count; ++i) {
                ASSERT_FALSE(used_.empty());
                ASSERT_TRUE(room[i]);
                ASSERT_EQ(room[i].token.value(), used_.front().number);
                ASSERT_EQ(room[i].written, used_.front().written);
                used_.pop_front();
                ++taken_;
            }
            if (done.count != size) {
                break;
            }
        }
        ASSERT_TRUE(used_.empty());
        ASSERT_FALSE(machine_.queue->fault()) << describe(machine_.queue->fault().reason);
    }

    struct Used {
        std::size_t number;
        std::uint32_t written;
    };

    ContractMachine& machine_;
    Combination combination_;
    std::mt19937 random_;
    std::vector<OwnChain> sent_;
    std::size_t fetched_ = 0;
    std::vector<InDevice> in_device_;
    std::deque<Used> used_;
    std::size_t taken_ = 0;
};

TEST_P(Burst, ReturnsEachChainOnce) {
    for_each_size([&](std::uint16_t size) {
        for (std::uint16_t const before_wrap : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{100}}) {
            ContractMachine machine{GetParam(), size, before_wrap};
            BurstTraffic{machine, GetParam(), size + 77u * before_wrap}.run(400);
        }
    });
}

TEST_P(Burst, FillsAQueueAndEmptiesIt) {
    for_each_size([&](std::uint16_t size) {
        ContractMachine machine{GetParam(), size, 3};
        std::vector<Completion> room(size + 1u);
        for (int lap = 0; lap < 3; ++lap) {
            auto const buffers = writable_buffers(machine, size + 2u, 7);
            SubmittedBurst const made = machine.queue->submit_burst(buffers);
            EXPECT_EQ(made.count, size);
            EXPECT_EQ(made.error, Error::queue_full);
            EXPECT_TRUE(made.notification.needed);
            EXPECT_EQ(machine.queue->num_free(), 0u);
            for (std::uint32_t i = 0; i < size; ++i) {
                machine.use_next(16);
            }
            EXPECT_EQ(machine.device->fetch(), std::nullopt);
            TakenBurst const done = machine.queue->take_burst(room);
            EXPECT_EQ(done.count, size);
            EXPECT_EQ(done.state, CompletionState::none);
            for (std::uint32_t i = 0; i < size; ++i) {
                ASSERT_EQ(room[i].token.value(), 7 + i);
                ASSERT_EQ(room[i].written, 16u);
                ASSERT_TRUE(room[i]);
            }
            EXPECT_EQ(machine.queue->num_free(), size);
            static_cast<void>(machine.device->arm_avail_event());
        }
    });
}

TEST_P(Burst, SubmitsEachKindOfBuffer) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 4};
            auto const segments = machine.segments(5);
            ReadableBuffer const readable[] = {{{segments[0]}, Token{1}}};
            WritableBuffer const writable[] = {{{segments[1]}, Token{2}}};
            auto const fixed = [&](std::size_t) {
                return FixedChain<2, 1>{{segments[2], segments[3], segments[4]}, Token{3}};
            };
            EXPECT_EQ(machine.queue->submit_burst(readable).count, 1u);
            EXPECT_EQ(machine.queue->submit_burst(writable).count, 1u);
            EXPECT_EQ(machine.queue->submit_burst(1, std::function<FixedChain<2, 1>(std::size_t)>{fixed}).count, 1u);
            auto chain = machine.device->fetch();
            EXPECT_TRUE(same_segments({segments[0]}, chain->readable) && chain->writable.empty());
            chain = machine.device->fetch();
            EXPECT_TRUE(same_segments({segments[1]}, chain->writable) && chain->readable.empty());
            chain = machine.device->fetch();
            EXPECT_TRUE(same_segments({segments[2], segments[3]}, chain->readable) &&
                        same_segments({segments[4]}, chain->writable));
        },
        8);
}

TEST_P(Burst, EndsAtTheFirstRejectedChain) {
    for_each_size(
        [&](std::uint16_t size) {
            auto const whole = std::vector<Segment>(size + 1u, Segment{PhysAddr{0x1000}, 16});
            std::array const empty{Segment{PhysAddr{0x1000}, 16}, Segment{PhysAddr{0x2000}, 0}};
            std::array const large{Segment{PhysAddr{0x1000}, UINT32_MAX}, Segment{PhysAddr{0x2000}, 2}};
            std::array const empty_first{Segment{PhysAddr{0x1000}, 0}, Segment{PhysAddr{0x2000}, 16}};
            struct {
                Chain chain;
                Error error;
            } const bad[] = {{{}, Error::chain_empty},
                             {{empty_first, {}, Token{}}, Error::segment_empty},
                             {{whole, {}, Token{}}, Error::chain_longer_than_queue},
                             {{empty, {}, Token{}}, Error::segment_empty},
                             {{{}, empty, Token{}}, Error::segment_empty},
                             {{large, {}, Token{}}, Error::chain_above_4_gib}};
            for (auto const& each : bad) {
                for (std::size_t good = 0; good <= 6; ++good) {  // also as the first of those that are shown together
                    ContractMachine machine{GetParam(), size, 6};
                    auto const segments = machine.segments(9);
                    std::vector<Chain> chains;
                    for (std::size_t i = 0; i < good; ++i) {
                        chains.push_back({{}, {&segments[i], 1}, Token{i}});
                    }
                    chains.push_back(each.chain);
                    chains.push_back({{}, {&segments[8], 1}, Token{99}});
                    SubmittedBurst const made = machine.queue->submit_burst(chains);
                    EXPECT_EQ(made.count, good);
                    EXPECT_EQ(made.error, each.error);
                    EXPECT_EQ(made.notification.needed, good != 0);
                    EXPECT_EQ(machine.queue->num_free(), size - good);
                    EXPECT_EQ(fetch_all(machine), good);
                    // Nothing of the rejected chain is left: the rest follows the others.
                    EXPECT_EQ(machine.queue->submit_burst(Span<Chain const>{&chains[good + 1], 1}).count, 1u);
                    auto const last = machine.device->fetch();
                    ASSERT_TRUE(last.has_value());
                    EXPECT_TRUE(same_segments({segments[8]}, last->writable) && last->readable.empty());
                    EXPECT_EQ(machine.device->fetch(), std::nullopt);
                }
            }
        },
        8);
}

TEST_P(Burst, EndsAtTheFirstRejectedFixedChain) {
    for_each_size(
        [&](std::uint16_t size) {
            for (std::size_t good = 0; good <= 9; ++good) {
                for (std::uint32_t const bytes : {0u, UINT32_MAX}) {
                    for (bool const is_pending : {false, true}) {
                        ContractMachine machine{GetParam(), size, 12};
                        auto const segments = machine.segments(3);
                        if (is_pending) {
                            ASSERT_TRUE(machine.add(1, 1, 50).ok());
                        }
                        auto const get = [&](std::size_t i) {
                            Segment const second{segments[1].addr, i == good ? bytes : 16};
                            return FixedChain<2, 1>{{segments[0], second, segments[2]}, Token{i}};
                        };
                        std::function<FixedChain<2, 1>(std::size_t)> const chain_at{get};
                        SubmittedBurst made = machine.queue->submit_burst(12, chain_at);
                        EXPECT_EQ(made.count, good);
                        EXPECT_EQ(made.error, bytes == 0 ? Error::segment_empty : Error::chain_above_4_gib);
                        EXPECT_EQ(made.notification.needed, good != 0 || is_pending);
                        EXPECT_EQ(fetch_all(machine), good + (is_pending ? 1 : 0));
                        // Nothing of the rejected chain is left: the rest follows the others.
                        EXPECT_EQ(machine.queue->submit_burst(writable_buffers(machine, 2)).count, 2u);
                        EXPECT_EQ(fetch_all(machine), 2u);
                    }
                }
            }
        },
        256);
}

TEST_P(Burst, LeavesADetachedQueueDetached) {
    for_each_size([&](std::uint16_t size) {
        ContractMachine machine{GetParam(), size};
        machine.queue->detach();
        Chain const bad[] = {{}};
        EXPECT_EQ(machine.queue->submit_burst(bad).error, Error::chain_empty);
        EXPECT_EQ(machine.queue->submit_burst(Span<Chain const>{}).error, Error::none);
        EXPECT_FALSE(machine.queue->is_live());
        EXPECT_EQ(machine.queue->submit_burst(writable_buffers(machine, 1)).count, 1u);
        EXPECT_TRUE(machine.queue->is_live());
    });
}

TEST_P(Burst, PublishesWhatAddLeftPending) {
    for_each_size(
        [&](std::uint16_t size) {
            for (std::size_t count = 0; count <= 5; ++count) {
                for (bool const rejects : {false, true}) {
                    ContractMachine machine{GetParam(), size, 3};
                    static_cast<void>(machine.device->arm_avail_event());
                    ASSERT_TRUE(machine.add(0, 1, 50).ok());
                    ASSERT_TRUE(machine.add(1, 1, 51).ok());
                    auto const buffers = writable_buffers(machine, count);
                    auto const get = [&](std::size_t i) {
                        return i == count ? Chain{} : Chain{{}, {buffers[i].segments, 1}, buffers[i].token};
                    };
                    SubmittedBurst const made = machine.queue->submit_burst(count + (rejects ? 1 : 0), get);
                    EXPECT_EQ(made.count, count);
                    EXPECT_EQ(made.error, rejects ? Error::chain_empty : Error::none);
                    EXPECT_TRUE(made.notification.needed);
                    EXPECT_FALSE(machine.queue->publish().needed);
                    for (std::uintptr_t const token : {50u, 51u}) {
                        machine.use_next(16);
                        Completion room[2];
                        ASSERT_EQ(machine.queue->take_burst(room).count, 1u);
                        EXPECT_EQ(room[0].token.value(), token);
                    }
                    EXPECT_EQ(fetch_all(machine), count);
                }
            }
        },
        8);
}

TEST_P(Burst, GetsEachChainOnceInOrder) {
    for_each_size([&](std::uint16_t size) {
        ContractMachine machine{GetParam(), size, 2};
        auto const buffers = writable_buffers(machine, size + 5u);
        std::size_t calls = 0;
        auto const get = [&](std::size_t i) {
            EXPECT_EQ(i, calls++);
            return Chain{{}, {buffers[i].segments, 1}, buffers[i].token};
        };
        EXPECT_EQ(machine.queue->submit_burst(size + 5u, get).count, size);
        EXPECT_EQ(calls, size + 1u);  // the last one was rejected
    });
}

TEST_P(Burst, ShowsTheFirstChainsEarly) {
    for_each_size(
        [&](std::uint16_t size) {
            for (unsigned const before_wrap : {0u, 1u, 7u, 40u}) {
                ContractMachine machine{GetParam(), size, static_cast<std::uint16_t>(before_wrap)};
                auto const buffers = writable_buffers(machine, 40);
                std::size_t fetched = 0;
                auto const get = [&](std::size_t i) {
                    while (auto const chain = machine.device->fetch()) {
                        EXPECT_TRUE(same_segments({buffers[fetched++].segments[0]}, chain->writable));
                    }
                    EXPECT_EQ(fetched, i / shown_together() * shown_together());
                    return Chain{{}, {buffers[i].segments, 1}, buffers[i].token};
                };
                EXPECT_EQ(machine.queue->submit_burst(40, get).count, 40u);
                EXPECT_EQ(fetched + fetch_all(machine), 40u);
                EXPECT_EQ(machine.device->fetch(), std::nullopt);
            }
        },
        256);
}

// How many chains are hidden depends on where the ring ends. So many as are shown together never are.
TEST_P(Burst, ShowsFixedChainsEarly) {
    for_each_size(
        [&](std::uint16_t size) {
            for (unsigned const before_wrap : {0u, 1u, 7u, 40u}) {
                for (bool const is_pending : {false, true}) {
                    ContractMachine machine{GetParam(), size, static_cast<std::uint16_t>(before_wrap)};
                    auto const segments = machine.segments(3);
                    std::size_t added = 0;
                    if (is_pending) {
                        ASSERT_TRUE(machine.add(0, 1, 50).ok());
                        added = 1;
                    }
                    std::size_t fetched = 0;
                    auto const buffer = [&](std::size_t) {
                        fetched += fetch_all(machine);
                        EXPECT_LT(added++ - fetched, shown_together() + (is_pending ? 1 : 0));
                        return WritableBuffer{{segments[0]}, Token{1}};
                    };
                    auto const chain = [&](std::size_t) {
                        fetched += fetch_all(machine);
                        EXPECT_LT(added++ - fetched, shown_together());
                        return FixedChain<2, 1>{{segments[0], segments[1], segments[2]}, Token{1}};
                    };
                    EXPECT_EQ(
                        machine.queue->submit_burst(40, std::function<WritableBuffer(std::size_t)>{buffer}).count,
                        40u);
                    EXPECT_EQ(
                        machine.queue->submit_burst(40, std::function<FixedChain<2, 1>(std::size_t)>{chain}).count,
                        40u);
                    EXPECT_EQ(fetched + fetch_all(machine), added);
                    EXPECT_EQ(machine.device->fetch(), std::nullopt);
                }
            }
        },
        256);
}

TEST_P(Burst, TakesWhatWasUsedMeanwhile) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 30};
            auto const buffers = writable_buffers(machine, 40);
            std::size_t used = 0;
            auto const get = [&](std::size_t i) {
                while (auto const chain = machine.device->fetch()) {
                    machine.device->put_used(chain->head, 5);
                    machine.device->flush_used();
                    ++used;
                }
                return Chain{{}, {buffers[i].segments, 1}, buffers[i].token};
            };
            ASSERT_EQ(machine.queue->submit_burst(40, get).count, 40u);
            EXPECT_EQ(used, 39 / shown_together() * shown_together());
            Completion room[50];
            TakenBurst const done = machine.queue->take_burst(room);
            EXPECT_EQ(done.count, used);
            EXPECT_EQ(done.state, CompletionState::none);
            EXPECT_EQ(machine.queue->num_free(), size - 40 + used);
        },
        256);
}

// The device uses the first chains, asks for a notification of the next one and sleeps while the burst goes on.
TEST_P(Burst, NotifiesADeviceThatFellAsleep) {
    for_each_size(
        [&](std::uint16_t size) {
            for (std::size_t sleeps = 0; sleeps < 40; ++sleeps) {
                ContractMachine machine{GetParam(), size, 21};
                auto const buffers = writable_buffers(machine, 40);
                auto const get = [&](std::size_t i) {
                    if (i == sleeps) {
                        static_cast<void>(fetch_all(machine));
                        EXPECT_FALSE(machine.device->arm_avail_event());
                    }
                    return Chain{{}, {buffers[i].segments, 1}, buffers[i].token};
                };
                EXPECT_TRUE(machine.queue->submit_burst(40, get).notification.needed) << sleeps;
            }
        },
        256);
}

TEST_P(Burst, NotifiesOnlyIfTheDeviceAsks) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 5};
            machine.device->set_no_notify(true);
            for (int i = 0; i < 4; ++i) {
                EXPECT_FALSE(machine.queue->submit_burst(writable_buffers(machine, 2)).notification.needed);
                machine.use_next();
                machine.use_next();
                Completion room[3];
                EXPECT_EQ(machine.queue->take_burst(room).count, 2u);
            }
            EXPECT_FALSE(machine.device->arm_avail_event());
            EXPECT_FALSE(machine.queue->submit_burst(Span<Chain const>{}).notification.needed);
            EXPECT_TRUE(machine.queue->submit_burst(writable_buffers(machine, 2)).notification.needed);
        },
        2);
}

TEST_P(Burst, ReportsTheNextPosition) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 2};
            for (int lap = 0; lap < 3; ++lap) {
                std::uint16_t const next = machine.queue->submit_burst(writable_buffers(machine, 7)).notification.next;
                if (GetParam().packed()) {
                    sim::PackedPosition const end = machine.packed_ring->end_of_available();
                    EXPECT_EQ(next, sim::EventSuppression::at(end).descriptor);
                } else {
                    EXPECT_EQ(next, machine.split_ring->avail_idx());
                }
                for (int i = 0; i < 7; ++i) {
                    machine.use_next();
                }
                std::array<Completion, 7> room;
                EXPECT_EQ(machine.queue->take_burst(room).count, 7u);
            }
        },
        8);
}

TEST_P(Burst, AsksForTheNextNotification) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 2};
            std::array<Completion, 8> room;
            ASSERT_EQ(machine.queue->enable_used_notifications(), MaySleep::yes);
            for (int lap = 0; lap < 5; ++lap) {
                ASSERT_EQ(machine.queue->submit_burst(writable_buffers(machine, 2)).count, 2u);
                machine.use_next();
                EXPECT_TRUE(machine.device->needs_interrupt()) << lap;
                EXPECT_EQ(machine.queue->take_burst(room).count, 1u);
                machine.use_next();
                EXPECT_TRUE(machine.device->needs_interrupt()) << lap;
                EXPECT_EQ(machine.queue->take_burst(room).count, 1u);
                EXPECT_EQ(machine.queue->take_burst(room).state, CompletionState::none);
            }
        },
        2);
}

// The caller must go on until `none`: after a full room, the device need not notify of the next completion.
TEST_P(Burst, AsksAgainOnlyAtTheEnd) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 2};
            std::array<Completion, 2> room;
            ASSERT_EQ(machine.queue->enable_used_notifications(), MaySleep::yes);
            for (int lap = 0; lap < 5; ++lap) {
                ASSERT_EQ(machine.queue->submit_burst(writable_buffers(machine, 4)).count, 4u);
                machine.use_next();
                EXPECT_TRUE(machine.device->needs_interrupt()) << lap;
                machine.use_next();
                EXPECT_EQ(machine.queue->take_burst(room).state, CompletionState::ready);
                EXPECT_EQ(machine.device->needs_interrupt(), !GetParam().event_idx) << lap;
                machine.use_next();
                EXPECT_EQ(machine.device->needs_interrupt(), !GetParam().event_idx) << lap;
                EXPECT_EQ(machine.queue->take_burst(room).state, CompletionState::none);
                machine.use_next();
                EXPECT_TRUE(machine.device->needs_interrupt()) << lap;
                EXPECT_EQ(machine.queue->take_burst(room).state, CompletionState::none);
            }
        },
        4);
}

TEST_P(Burst, EndsWhenTheRoomIsFull) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 4};
            ASSERT_EQ(machine.queue->submit_burst(writable_buffers(machine, 7)).count, 7u);
            for (int i = 0; i < 7; ++i) {
                machine.use_next(3);
            }
            std::array<Completion, 3> room;
            EXPECT_EQ(machine.queue->take_burst({}).state, CompletionState::ready);
            std::uintptr_t token = 0;
            for (std::size_t const count : {3u, 3u, 1u, 0u}) {
                TakenBurst const done = machine.queue->take_burst(room);
                EXPECT_EQ(done.count, count);
                EXPECT_EQ(done.state, count == 3 ? CompletionState::ready : CompletionState::none);
                for (std::size_t i = 0; i < count; ++i) {
                    EXPECT_EQ(room[i].token.value(), token++);
                    EXPECT_EQ(room[i].written, 3u);
                }
            }
            EXPECT_EQ(machine.queue->num_free(), size);
        },
        8);
}

TEST_P(Burst, UsesFreeTables) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 5, {.indirect = {.tables = 2, .length = 4}}};
            std::uint16_t const in_table = GetParam().indirect ? 1 : 3;
            for (int lap = 0; lap < 4; ++lap) {
                auto const segments = machine.segments(3);
                std::array<Chain, 5> chains;
                chains.fill({{segments.data(), 1}, {segments.data() + 1, 2}, Token{9}});
                chains[1] = {{segments.data(), 1}, {}, Token{9}};  // too short for a table
                EXPECT_EQ(machine.queue->submit_burst(chains).count, 5u);
                EXPECT_EQ(machine.queue->num_free(), size - 2 * in_table - 1 - 2 * 3);
                for (int i = 0; i < 5; ++i) {
                    machine.use_next(i == 1 ? 0 : 32);
                }
                std::array<Completion, 6> room;
                EXPECT_EQ(machine.queue->take_burst(room).count, 5u);
                EXPECT_EQ(machine.queue->num_free(), size);
            }
            auto const segments = machine.segments(3);
            Segment const bad[] = {segments[0], segments[1], {segments[2].addr, 0}};
            Chain const chains[] = {{segments, {}, Token{1}}, {bad, {}, Token{2}}};
            SubmittedBurst const made = machine.queue->submit_burst(chains);
            EXPECT_EQ(made.count, 1u);
            EXPECT_EQ(made.error, Error::segment_empty);
            EXPECT_EQ(fetch_all(machine), 1u);
        },
        256);
}

TEST_P(Burst, PutsFixedChainsInTables) {
    ContractMachine machine{GetParam(), 8, 0, {.indirect = {.tables = 2, .length = 4}}};
    auto const segments = machine.segments(3);
    std::function<FixedChain<2, 1>(std::size_t)> const chain_at{[&](std::size_t) {
        return FixedChain<2, 1>{{segments[0], segments[1], segments[2]}, Token{1}};
    }};
    EXPECT_EQ(machine.queue->submit_burst(2, chain_at).count, 2u);
    EXPECT_EQ(machine.queue->num_free(), GetParam().indirect ? 6 : 2);
}

TEST_P(Burst, RejectsTheSecondCallInside) {
    ContractMachine machine{GetParam(), 8};
    auto const segments = machine.segments(1);
    auto const get = [&](std::size_t) {
        static_cast<void>(machine.queue->publish());
        return Chain{{}, segments, Token{}};
    };
    EXPECT_BREACH(machine.queue->submit_burst(1, std::function<Chain(std::size_t)>{get}), "another call is inside");
}

TEST_P(Burst, AssertsThatItHasMemory) {
    auto const queue = make_queue(GetParam().kind);
    Completion room[2];
    EXPECT_BREACH(queue->take_burst(room), "Call init() first");
    std::size_t calls = 0;
    auto const get = [&](std::size_t i) {
        EXPECT_EQ(i, calls++);
        return Chain{};
    };
    EXPECT_EQ(queue->submit_burst(2, std::function<Chain(std::size_t)>{get}).error, Error::queue_not_initialised);
    EXPECT_EQ(calls, 1u);
    EXPECT_EQ(queue->submit_burst(Span<Chain const>{}).error, Error::none);
}

/// A queue of 2048 of one format: its chains have more segments than straight-line code is made for.
template <class Format>
void submit_long_chains(QueueKind kind) {
    ContractMachine machine{Combination{kind}, 2048, 3};
    auto& queue = static_cast<QueueOf<Format>&>(*machine.queue).queue();
    auto const segments = machine.segments(1000);
    auto const get = [&](std::size_t) {
        FixedChain<500, 500> chain;
        std::copy(segments.begin(), segments.end(), chain.segments);
        return chain;
    };
    EXPECT_EQ(queue.submit_burst(3, get).count, 2u);
    for (int i = 0; i < 2; ++i) {
        auto const chain = machine.device->fetch();
        ASSERT_TRUE(chain.has_value());
        EXPECT_TRUE(same_segments({segments.begin(), segments.begin() + 500}, chain->readable));
        EXPECT_TRUE(same_segments({segments.begin() + 500, segments.end()}, chain->writable));
    }
}

TEST(BurstOfLongChains, SubmitsThem) {
    submit_long_chains<Split>(QueueKind::split);
    submit_long_chains<Packed>(QueueKind::packed);
}

class BurstInOrder : public Burst {};

TEST_P(BurstInOrder, TakesBatchesInParts) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 5};
            for (int lap = 0; lap < 6; ++lap) {
                ASSERT_EQ(machine.queue->submit_burst(writable_buffers(machine, 7, 1)).count, 7u);
                for (std::uint16_t const batch : {std::uint16_t{5}, std::uint16_t{2}}) {
                    std::uint16_t last = 0;
                    for (std::uint16_t i = 0; i < batch; ++i) {
                        last = machine.device->fetch()->head;
                    }
                    machine.device->put_used_batch(last, 9, batch);
                }
                machine.device->flush_used();
                std::uintptr_t token = 1;
                for (std::size_t const count : {2u, 2u, 2u, 1u}) {
                    std::array<Completion, 2> room;
                    TakenBurst const done = machine.queue->take_burst(room);
                    ASSERT_EQ(done.count, count);
                    for (std::size_t i = 0; i < count; ++i, ++token) {
                        EXPECT_EQ(room[i].token.value(), token);
                        EXPECT_EQ(room[i].written, token == 5 || token == 7 ? 9u : 16u);
                    }
                }
                EXPECT_EQ(machine.queue->num_free(), size);
            }
        },
        8);
}

TEST_P(BurstInOrder, DrainsTheRestOfABatch) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 2};
            ASSERT_EQ(machine.queue->submit_burst(writable_buffers(machine, 4, 1)).count, 4u);
            std::uint16_t last = 0;
            for (int i = 0; i < 3; ++i) {
                last = machine.device->fetch()->head;
            }
            machine.device->put_used_batch(last, 16, 3);
            machine.device->flush_used();
            std::array<Completion, 2> room;
            ASSERT_EQ(machine.queue->take_burst(room).count, 2u);
            machine.queue->detach();
            EXPECT_EQ(machine.queue->drain(), (std::vector<Token>{Token{3}, Token{4}}));
            EXPECT_EQ(machine.queue->take_burst(room).state, CompletionState::broken);
        },
        4);
}

/// An invalid completion after two valid ones.
class BurstOfALiar : public Burst {
protected:
    static std::vector<Token> sorted(std::vector<Token> tokens) {
        std::sort(tokens.begin(), tokens.end(), [](Token a, Token b) { return a.value() < b.value(); });
        return tokens;
    }

    struct Lie {
        std::uint32_t id;
        std::uint32_t length;
        FaultReason reason;
        std::uint64_t value;
    };
    /// `lie` makes the third completion, from the ids of the five chains.
    template <class Tell>
    static void expect_break(Tell lie) {
        for_each_size(
            [&](std::uint16_t size) {
                for (bool const is_broken_alone : {false, true}) {
                    ContractMachine machine{GetParam(), size, 4};
                    machine.hostile = true;
                    ASSERT_EQ(machine.queue->submit_burst(writable_buffers(machine, 5, 1)).count, 5u);
                    std::vector<std::uint16_t> ids;
                    for (int i = 0; i < 5; ++i) {
                        ids.push_back(machine.device->fetch()->head);
                    }
                    machine.device->put_used(ids[0], 1);
                    machine.device->put_used(ids[1], 2);
                    Lie const told = lie(ids, size);
                    machine.device->put_used_raw(static_cast<std::uint16_t>(told.id), told.length);
                    machine.device->flush_used();
                    std::array<Completion, 9> room;
                    if (is_broken_alone) {  // the first entry of a call
                        ASSERT_EQ(machine.queue->take_burst({room.data(), 2}).count, 2u);
                    }
                    TakenBurst const done = machine.queue->take_burst(room);
                    EXPECT_EQ(done.count, is_broken_alone ? 0u : 2u);
                    EXPECT_EQ(done.state, CompletionState::broken);
                    EXPECT_EQ(room[0].token.value(), 1u);
                    EXPECT_EQ(room[1].token.value(), 2u);
                    EXPECT_EQ(room[1].written, 2u);
                    EXPECT_EQ(machine.queue->fault().reason, told.reason);
                    EXPECT_EQ(machine.queue->fault().value, told.value);
                    EXPECT_EQ(machine.queue->num_free(), 0u);
                    expect_it_stays_broken(machine);
                    machine.queue->detach();
                    EXPECT_EQ(sorted(machine.queue->drain()), (std::vector<Token>{Token{3}, Token{4}, Token{5}}));
                    ASSERT_TRUE(machine.queue->restart(size, GetParam().features(), {}).ok());
                    machine.start_over();
                    EXPECT_EQ(machine.queue->submit_burst(writable_buffers(machine, size)).count, size);
                }
            },
            8);
    }
    static void expect_it_stays_broken(ContractMachine& machine) {
        std::array<Completion, 2> room;
        EXPECT_EQ(machine.queue->take_burst(room).state, CompletionState::broken);
        EXPECT_EQ(machine.queue->take_burst(room).count, 0u);
        SubmittedBurst const made = machine.queue->submit_burst(writable_buffers(machine, 2));
        EXPECT_EQ(made.count, 0u);
        EXPECT_EQ(made.error, Error::queue_broken);
        EXPECT_FALSE(made.notification.needed);
    }
    static FaultReason no_such_chain() {
        return GetParam().in_order ? FaultReason::batch_not_reached : FaultReason::used_id_not_in_flight;
    }
};

TEST_P(BurstOfALiar, IdOutOfRangeBreaksQueue) {
    expect_break([](auto const&, std::uint16_t size) {
        return Lie{size, 1, FaultReason::used_id_out_of_range, size};
    });
}

TEST_P(BurstOfALiar, IdUsedTwiceBreaksQueue) {
    expect_break([](auto const& ids, std::uint16_t) { return Lie{ids[1], 1, no_such_chain(), ids[1]}; });
}

TEST_P(BurstOfALiar, ExcessiveLengthBreaksQueue) {
    if (!GetParam().legacy) {
        expect_break([](auto const& ids, std::uint16_t) {
            return Lie{ids[2], 17, FaultReason::used_length_above_writable, 17};
        });
    }
}

TEST_P(BurstOfALiar, ExcessiveLengthIsClamped) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 4, {.over_reported = OverReportedLength::clamp}};
            machine.hostile = true;
            ASSERT_EQ(machine.queue->submit_burst(writable_buffers(machine, 5, 1)).count, 5u);
            for (std::uint32_t const length : {16u, 17u, 3u, 0xffffu, 0u}) {
                machine.device->put_used(machine.device->fetch()->head, length);
            }
            machine.device->flush_used();
            std::array<Completion, 9> room;
            TakenBurst const done = machine.queue->take_burst(room);
            ASSERT_EQ(done.count, 5u);
            EXPECT_EQ(done.state, CompletionState::none);
            std::uint32_t const written[] = {16, 16, 3, 16, 0};
            for (std::size_t i = 0; i < 5; ++i) {
                EXPECT_EQ(room[i].token.value(), i + 1);
                EXPECT_EQ(room[i].written, written[i]);
            }
            EXPECT_EQ(machine.queue->num_free(), size);
        },
        8);
}

TEST_P(BurstOfALiar, UnpublishedIdBreaksQueue) {
    if (GetParam().in_order) {
        return;  // the next id in order is not known before it is published
    }
    ContractMachine machine{GetParam(), 8, 4};
    machine.hostile = true;
    ASSERT_EQ(machine.queue->submit_burst(writable_buffers(machine, 2, 1)).count, 2u);
    ASSERT_TRUE(machine.add(0, 1, 3).ok());
    machine.use_next(1);
    std::uint16_t const second = machine.device->fetch()->head;
    // Heads and ids are given out in order: the third follows the second.
    machine.device->put_used_raw(static_cast<std::uint16_t>(second + 1), 1);
    machine.device->flush_used();
    std::array<Completion, 4> room;
    TakenBurst const done = machine.queue->take_burst(room);
    EXPECT_EQ(done.count, 1u);
    EXPECT_EQ(done.state, CompletionState::broken);
    EXPECT_EQ(machine.queue->fault().reason, FaultReason::used_id_not_in_flight);
    machine.queue->detach();
    EXPECT_EQ(sorted(machine.queue->drain()), (std::vector<Token>{Token{2}, Token{3}}));
}

TEST_P(BurstOfALiar, IndexTooFarBreaksQueue) {
    if (GetParam().packed()) {
        return;
    }
    ContractMachine machine{GetParam(), 8, 4};
    machine.hostile = true;
    ASSERT_EQ(machine.queue->submit_burst(writable_buffers(machine, 3, 1)).count, 3u);
    machine.use_next(1);
    std::array<Completion, 4> room;
    ASSERT_EQ(machine.queue->take_burst(room).count, 1u);
    machine.split_ring->write_used_idx_raw(static_cast<std::uint16_t>(machine.split_ring->avail_idx() + 1));
    EXPECT_EQ(machine.queue->take_burst(room).state, CompletionState::broken);
    EXPECT_EQ(machine.queue->fault().reason, FaultReason::used_index_ahead);
    EXPECT_EQ(machine.queue->num_free(), 0u);
    machine.queue->detach();
    EXPECT_EQ(machine.queue->drain().size(), 2u);
}

// A chain of the descriptor tier comes back in a burst as by take_used().
TEST(BurstOfBothTiers, ReturnsPushedChains) {
    Combination const combination{QueueKind::split};
    ContractMachine machine{combination, 8, 3};
    auto& queue = static_cast<QueueOf<Split>&>(*machine.queue).queue();
    Segment const buffer = machine.segments(1)[0];
    for (int lap = 0; lap < 5; ++lap) {
        ASSERT_EQ(queue.submit_burst(writable_buffers(machine, 2, 1)).count, 2u);
        Result<DescIndex> const head = queue.alloc_desc();
        Result<DescIndex> const tail = queue.alloc_desc();
        ASSERT_TRUE(head && tail);
        queue.write_desc(*tail, buffer.addr, 16, 2);
        queue.write_desc(*head, buffer.addr, 16, 1, *tail);
        ASSERT_TRUE(queue.push_avail(*head, Token{3}).ok());
        ASSERT_EQ(queue.submit_burst(writable_buffers(machine, 2, 4)).count, 2u);
        for (int i = 0; i < 5; ++i) {
            machine.use_next(6);
        }
        std::array<Completion, 9> room;
        ASSERT_EQ(queue.take_burst(room).count, 5u);
        for (std::size_t i = 0; i < 5; ++i) {
            EXPECT_EQ(room[i].token.value(), i + 1);
            EXPECT_EQ(room[i].written, 6u);
        }
        EXPECT_EQ(queue.num_free(), 8u);
    }
}

TEST(BurstOfBothTiers, DecidesForPushedChains) {
    ContractMachine machine{{QueueKind::split, true}, 8};
    auto& queue = static_cast<QueueOf<Split>&>(*machine.queue).queue();
    static_cast<void>(machine.device->arm_avail_event());
    DescIndex const head = *queue.alloc_desc();
    queue.write_desc(head, machine.segments(1)[0].addr, 16, 2);
    ASSERT_TRUE(queue.push_avail(head).ok());
    EXPECT_TRUE(queue.submit_burst(Span<Chain const>{}).notification.needed);
    EXPECT_FALSE(queue.submit_burst(Span<Chain const>{}).notification.needed);
}

INSTANTIATE_TEST_SUITE_P(Formats, Burst, testing::ValuesIn(all_combinations()),
                         [](auto const& of) { return of.param.name(); });
INSTANTIATE_TEST_SUITE_P(Formats, BurstInOrder, testing::ValuesIn(combinations_in_order()),
                         [](auto const& of) { return of.param.name(); });
INSTANTIATE_TEST_SUITE_P(Formats, BurstOfALiar, testing::ValuesIn(all_combinations()),
                         [](auto const& of) { return of.param.name(); });

}  // namespace
}  // namespace virtq::test
