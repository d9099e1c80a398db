// SPDX-License-Identifier: MIT
#include <queue/contract_machine.hpp>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <deque>
#include <random>
#include <set>

/// What a queue guarantees in any format and with any features: split or packed, fixed or negotiated. The tests cover
/// EVENT_IDX, INDIRECT_DESC and IN_ORDER, sizes from 1 to 32768, and the wrap of every counter.
namespace virtq::test {
namespace {

class QueueContract : public testing::TestWithParam<Combination> {
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
};

struct Request {
    std::vector<Segment> readable;
    std::vector<Segment> writable;
    std::uint32_t written = 0;
};

/// Random chains in random batches, completed in random orders.
class Traffic {
public:
    Traffic(ContractMachine& machine, Combination const& combination, unsigned seed)
        : machine_(machine), combination_(combination), random_(seed) {}

    void run(std::size_t chains) {
        while (taken_ < chains) {
            add_some(chains);
            static_cast<void>(machine_.queue->publish());
            fetch_all();
            use_some();
            take_all();
            ASSERT_FALSE(testing::Test::HasFailure());
        }
        EXPECT_EQ(machine_.queue->num_free(), machine_.queue->size());
        EXPECT_EQ(requests_.size(), taken_);
    }

private:
    std::size_t below(std::size_t limit) { return random_() % limit; }

    void add_some(std::size_t most) {
        std::size_t const size = machine_.queue->size();
        for (std::size_t i = below(6); i-- > 0 && requests_.size() < most;) {
            std::size_t const count = 1 + below(std::min<std::size_t>(size, below(8) == 0 ? 20 : 4));
            std::size_t const readable = below(count + 1);
            Request request{machine_.segments(readable), machine_.segments(count - readable), 0};
            std::uint16_t const free = machine_.queue->num_free();
            Status const added =
                machine_.queue->add({request.readable.data(), request.readable.size()},
                                    {request.writable.data(), request.writable.size()}, Token{requests_.size()});
            if (!added) {
                ASSERT_EQ(added.error(), Error::queue_full);
                ASSERT_EQ(machine_.queue->num_free(), free);
                ASSERT_LT(free, count);
                return;
            }
            ASSERT_LT(machine_.queue->num_free(), free);
            requests_.push_back(request);
        }
    }

    void fetch_all() {
        while (auto chain = machine_.device->fetch()) {
            ASSERT_TRUE(chain->intact);
            Request const& request = requests_.at(fetched_);
            ASSERT_TRUE(same_segments(request.readable, chain->readable));
            ASSERT_TRUE(same_segments(request.writable, chain->writable));
            in_device_.push_back({fetched_++, chain->head});
        }
        ASSERT_EQ(fetched_, requests_.size());
    }

    void use_some() {
        for (std::size_t i = below(5); i-- > 0 && !in_device_.empty();) {
            auto const place = combination_.in_order ? 0 : below(in_device_.size());
            auto const [number, head] = in_device_[place];
            in_device_.erase(in_device_.begin() + static_cast<std::ptrdiff_t>(place));
            std::size_t const writable = 16 * requests_[number].writable.size();
            requests_[number].written = static_cast<std::uint32_t>(below(writable + 1));
            machine_.device->put_used(head, requests_[number].written);
            used_.push_back(number);
        }
        machine_.device->flush_used();
    }

    void take_all() {
        while (Completion const done = machine_.queue->take_used()) {
            ASSERT_FALSE(used_.empty());
            ASSERT_EQ(done.token.value(), used_.front());
            ASSERT_EQ(done.written, requests_[used_.front()].written);
            used_.pop_front();
            ++taken_;
        }
        ASSERT_TRUE(used_.empty());
        ASSERT_FALSE(machine_.queue->fault()) << describe(machine_.queue->fault().reason);
    }

    struct InDevice {
        std::size_t number;
        std::uint16_t head;
    };

    ContractMachine& machine_;
    Combination combination_;
    std::mt19937 random_;
    std::vector<Request> requests_;
    std::size_t fetched_ = 0;
    std::vector<InDevice> in_device_;
    std::deque<std::size_t> used_;
    std::size_t taken_ = 0;
};

TEST_P(QueueContract, ReturnsEachChainOnce) {
    for_each_size([&](std::uint16_t size) {
        for (std::uint16_t const before_wrap : {std::uint16_t{0}, std::uint16_t{1}, std::uint16_t{100}}) {
            ContractMachine machine{GetParam(), size, before_wrap};
            Traffic{machine, GetParam(), size + 77u * before_wrap}.run(600);
        }
    });
}

TEST_P(QueueContract, IsFullWithAllDescriptorsUsed) {
    for_each_size([&](std::uint16_t size) {
        ContractMachine machine{GetParam(), size, 3};
        for (std::uint32_t i = 0; i < size; ++i) {
            ASSERT_TRUE(machine.add(0, 1, i).ok());
        }
        EXPECT_EQ(machine.queue->num_free(), 0u);
        EXPECT_EQ(machine.add(0, 1, 99).error(), Error::queue_full);
        static_cast<void>(machine.queue->publish());
        for (std::uint32_t i = 0; i < size; ++i) {
            machine.use_next(16);
        }
        for (std::uint32_t i = 0; i < size; ++i) {
            Completion const done = machine.queue->take_used();
            ASSERT_EQ(done.token.value(), i);
            ASSERT_EQ(done.written, 16u);
        }
        EXPECT_EQ(machine.queue->take_used().state, CompletionState::none);
        EXPECT_EQ(machine.queue->num_free(), size);
    });
}

TEST_P(QueueContract, RejectsInvalidChainsWithoutChange) {
    for_each_size([&](std::uint16_t size) {
        ContractMachine machine{GetParam(), size, 2};
        std::uint16_t const free = machine.queue->num_free();
        EXPECT_EQ(machine.queue->add({}, {}, Token{}).error(), Error::chain_empty);
        EXPECT_EQ(machine.add(size, 1u, 1).error(), Error::chain_longer_than_queue);
        for (std::size_t const count : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{5}}) {
            for (std::size_t empty = 0; empty < count && count <= size; ++empty) {
                auto segments = machine.segments(count);
                segments[empty].bytes = 0;
                Span<Segment const> const all{segments.data(), segments.size()};
                EXPECT_EQ(machine.queue->add(all, {}, Token{}).error(), Error::segment_empty);
                EXPECT_EQ(machine.queue->add({}, all, Token{}).error(), Error::segment_empty);
            }
        }
        EXPECT_EQ(machine.queue->num_free(), free);
        EXPECT_FALSE(machine.queue->publish().needed);
        EXPECT_FALSE(machine.device->fetch().has_value());
        // The rejected chain left nothing in the ring, not even in the middle of a batch.
        ASSERT_TRUE(machine.add(0, 1, 5).ok());
        if (size >= 8) {
            auto segments = machine.segments(4);
            segments[3].bytes = 0;
            EXPECT_EQ(machine.queue->add({segments.data(), 4}, {}, Token{}).error(), Error::segment_empty);
        }
        static_cast<void>(machine.queue->publish());
        EXPECT_EQ(machine.device->fetch()->writable.size(), 1u);
        EXPECT_FALSE(machine.device->fetch().has_value());
    });
}

TEST_P(QueueContract, AcceptsChainsUpTo4GiB) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size};
            machine.hostile = true;  // the guest has less memory, so the device may report violations
            Segment const half{PhysAddr{0x1000}, 0x80000000u};
            Segment const one{PhysAddr{0x1000}, 1};
            Segment const fits[] = {half, half};
            Segment const too_long[] = {half, half, one};
            EXPECT_EQ(machine.queue->add({}, too_long, Token{1}).error(), Error::chain_above_4_gib);
            EXPECT_EQ(machine.queue->add(too_long, {}, Token{1}).error(), Error::chain_above_4_gib);
            EXPECT_TRUE(machine.queue->add({}, fits, Token{2}).ok());
        },
        3);
}

TEST_P(QueueContract, Accepts4GiBInThreeSegments) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size};
            machine.hostile = true;
            Segment const fits[] = {
                {PhysAddr{0x1000}, 0x80000000u}, {PhysAddr{0x1000}, 0x7fffffffu}, {PhysAddr{0x1000}, 1}};
            EXPECT_TRUE(machine.queue->add({}, fits, Token{2}).ok());
        },
        3);
}

TEST_P(QueueContract, ShowsNothingBeforePublish) {
    for_each_size(
        [&](std::uint16_t size) {
            for (std::uint16_t const before_wrap : {std::uint16_t{0}, std::uint16_t{2}}) {
                for (std::size_t const count : {std::size_t{1}, std::size_t{3}}) {
                    ContractMachine machine{GetParam(), size, before_wrap};
                    EXPECT_EQ(machine.queue->take_used().state, CompletionState::none);
                    auto empty = machine.segments(count);
                    empty.back().bytes = 0;
                    for (int lap = 0; lap < 4; ++lap) {
                        ASSERT_TRUE(machine.add(0, count, 1).ok());
                        EXPECT_EQ(machine.queue->take_used().state, CompletionState::none);
                        EXPECT_FALSE(machine.device->fetch().has_value());
                        EXPECT_EQ(machine.queue->add({empty.data(), count}, {}, Token{}).error(),
                                  machine.queue->num_free() < count ? Error::queue_full : Error::segment_empty);
                        static_cast<void>(machine.queue->publish());
                        machine.use_next();
                        EXPECT_FALSE(machine.device->fetch().has_value());
                        ASSERT_TRUE(machine.queue->take_used());
                    }
                }
            }
        },
        3);
}

TEST_P(QueueContract, AcceptsFixedAndGatheredShapes) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size};
            auto const all = machine.segments(3);
            Segment const readable[] = {all[0], all[1]};
            Segment const writable[] = {all[2]};
            auto const expect_seen = [&](std::uintptr_t token) {
                static_cast<void>(machine.queue->publish());
                auto const chain = machine.device->fetch();
                ASSERT_TRUE(chain.has_value());
                EXPECT_TRUE(same_segments({all[0], all[1]}, chain->readable));
                EXPECT_TRUE(same_segments({all[2]}, chain->writable));
                machine.device->put_used(chain->head, 7);
                machine.device->flush_used();
                Completion const done = machine.queue->take_used();
                EXPECT_EQ(done.token.value(), token);
                EXPECT_EQ(done.written, 7u);
            };
            ASSERT_TRUE(machine.queue->add_two_and_one(readable, writable, Token{1}).ok());
            expect_seen(1);
            ASSERT_TRUE(
                machine.queue->add_gathered({{readable, 1}, {readable + 1, 1}}, {{}, writable}, Token{2}).ok());
            expect_seen(2);
            ASSERT_TRUE(machine.queue->add(readable, writable, Token{3}).ok());
            expect_seen(3);
            ASSERT_TRUE(machine.queue->add_one(writable, Token{4}).ok());
            static_cast<void>(machine.queue->publish());
            EXPECT_TRUE(same_segments({all[2]}, machine.device->fetch()->writable));
        },
        3);
}

TEST_P(QueueContract, NotifiesIfTheDeviceAsks) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 2};
            EXPECT_FALSE(machine.device->arm_avail_event());
            ASSERT_TRUE(machine.add(0, 1, 1).ok());
            EXPECT_TRUE(machine.queue->publish().needed);
            EXPECT_FALSE(machine.queue->publish().needed);  // nothing new
            machine.use_next();
            ASSERT_TRUE(machine.queue->take_used());
            machine.device->set_no_notify(true);
            for (int i = 0; i < 5; ++i) {
                ASSERT_TRUE(machine.add(0, 1, 2).ok());
                ASSERT_TRUE(machine.add(0, 1, 3).ok());
                EXPECT_FALSE(machine.queue->publish().needed);
                machine.use_next();
                machine.use_next();
                ASSERT_TRUE(machine.queue->take_used());
                ASSERT_TRUE(machine.queue->take_used());
            }
            machine.device->set_no_notify(false);
            EXPECT_FALSE(machine.device->arm_avail_event());
            ASSERT_TRUE(machine.add(0, 1, 4).ok());
            ASSERT_TRUE(machine.add(0, 1, 5).ok());
            EXPECT_TRUE(machine.queue->publish().needed);
        },
        2);
}

TEST_P(QueueContract, NotifiesOncePerEventIndexRequest) {
    if (!GetParam().event_idx) {
        return;
    }
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 3};
            for (int lap = 0; lap < 5; ++lap) {
                EXPECT_FALSE(machine.device->arm_avail_event());
                for (std::uintptr_t token = 1; token <= 5; ++token) {
                    ASSERT_TRUE(machine.add(0, 1, token).ok());
                    EXPECT_EQ(machine.queue->publish().needed, token == 1);
                }
                for (int i = 0; i < 5; ++i) {
                    machine.use_next();
                    ASSERT_TRUE(machine.queue->take_used());
                }
            }
        },
        7);
}

TEST_P(QueueContract, KeepsUsedNotificationsOff) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 2};
            auto const answered = [&] {
                EXPECT_TRUE(machine.add(0, 1, 1).ok());
                static_cast<void>(machine.queue->publish());
                machine.use_next();
                bool const notified = machine.device->needs_interrupt();
                EXPECT_TRUE(machine.queue->take_used());
                EXPECT_EQ(machine.queue->take_used().state, CompletionState::none);
                return notified;
            };
            EXPECT_EQ(machine.queue->enable_used_notifications(), MaySleep::yes);
            EXPECT_TRUE(answered());
            machine.queue->disable_used_notifications();
            static_cast<void>(answered());  // with EVENT_IDX a split ring still holds the old used_event
            EXPECT_FALSE(answered());
            EXPECT_FALSE(answered());
            EXPECT_EQ(machine.queue->enable_used_notifications(), MaySleep::yes);
            machine.queue->detach();
            ASSERT_TRUE(machine.queue->restart(size, GetParam().features(), {}).ok());
            machine.start_over();
            EXPECT_FALSE(answered());  // off after restart
            EXPECT_FALSE(answered());
        },
        2);
}

TEST_P(QueueContract, ReportsTheNextPosition) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 1};
            for (int i = 0; i < 3; ++i) {
                ASSERT_TRUE(machine.add(0, 1, 1).ok());
                ASSERT_TRUE(machine.add(0, 1, 2).ok());
                std::uint16_t const next = machine.queue->publish().next;
                if (GetParam().packed()) {
                    sim::PackedPosition const end = machine.packed_ring->end_of_available();
                    EXPECT_EQ(next, sim::EventSuppression::at(end).descriptor);
                } else {
                    EXPECT_EQ(next, machine.split_ring->avail_idx());
                }
                machine.use_next();
                machine.use_next();
                ASSERT_TRUE(machine.queue->take_used());
                ASSERT_TRUE(machine.queue->take_used());
            }
        },
        2);
}

TEST_P(QueueContract, GetsUsedNotificationsOnlyIfEnabled) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 2};
            auto const answered = [&] {
                EXPECT_TRUE(machine.add(0, 1, 1).ok());
                static_cast<void>(machine.queue->publish());
                machine.use_next();
                return machine.device->needs_interrupt();
            };
            EXPECT_FALSE(answered());  // off after init
            EXPECT_EQ(machine.queue->enable_used_notifications(), MaySleep::no);
            ASSERT_TRUE(machine.queue->take_used());
            EXPECT_EQ(machine.queue->enable_used_notifications(), MaySleep::yes);
            for (int i = 0; i < 5; ++i) {
                EXPECT_TRUE(answered()) << i;
                ASSERT_TRUE(machine.queue->take_used());
                EXPECT_EQ(machine.queue->take_used().state, CompletionState::none);  // and requests the next one
            }
            machine.queue->disable_used_notifications();
            bool notified = false;
            for (int i = 0; i < 4; ++i) {
                notified = answered();
                ASSERT_TRUE(machine.queue->take_used());
            }
            EXPECT_FALSE(notified);
        },
        2);
}

class InOrderContract : public QueueContract {};

TEST_P(InOrderContract, OneEntryCompletesAWholeBatch) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 5};
            for (int lap = 0; lap < 6; ++lap) {
                std::uint16_t last = 0;
                for (std::uintptr_t token = 0; token < 5; ++token) {
                    ASSERT_TRUE(machine.add(token == 1 ? 1 : 0, token == 2 ? 2 : 1, token).ok());
                }
                static_cast<void>(machine.queue->publish());
                for (int i = 0; i < 3; ++i) {
                    last = machine.device->fetch()->head;
                }
                machine.device->put_used_batch(last, 20, 3);
                machine.device->flush_used();
                EXPECT_EQ(machine.queue->enable_used_notifications(), MaySleep::no);
                for (std::uintptr_t token = 0; token < 3; ++token) {
                    Completion const done = machine.queue->take_used();
                    ASSERT_EQ(done.token.value(), token);
                    EXPECT_EQ(done.written, token == 2 ? 20u : 16u);  // the skipped chains count as completely written
                    if (token == 0) {
                        EXPECT_EQ(machine.queue->enable_used_notifications(), MaySleep::no);
                    }
                }
                EXPECT_EQ(machine.queue->take_used().state, CompletionState::none);
                for (std::uintptr_t token = 3; token < 5; ++token) {
                    machine.use_next(3);
                    Completion const done = machine.queue->take_used();
                    ASSERT_EQ(done.token.value(), token);
                    EXPECT_EQ(done.written, 3u);
                }
            }
            EXPECT_EQ(machine.queue->num_free(), size);
        },
        8);
}

TEST_P(InOrderContract, DrainsTheRestOfABatch) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 2};
            for (std::uintptr_t token = 1; token <= 3; ++token) {
                ASSERT_TRUE(machine.add(0, 1, token).ok());
            }
            static_cast<void>(machine.queue->publish());
            static_cast<void>(machine.device->fetch());
            static_cast<void>(machine.device->fetch());
            machine.device->put_used_batch(machine.device->fetch()->head, 16, 3);
            machine.device->flush_used();
            ASSERT_EQ(machine.queue->take_used().token.value(), 1u);
            machine.queue->detach();
            EXPECT_EQ(machine.queue->drain(), (std::vector<Token>{Token{2}, Token{3}}));
            EXPECT_EQ(machine.queue->take_used().state, CompletionState::broken);
            EXPECT_TRUE(machine.queue->drain().empty());
        },
        3);
}

TEST_P(QueueContract, IgnoresALengthWithoutWrite) {
    if (!GetParam().packed()) {
        return;
    }
    for_each_size([&](std::uint16_t size) {
        ContractMachine machine{GetParam(), size, 1};
        machine.packed_ring->set_used_length(sim::UsedLength::garbage_without_write);  // §2.8.4
        for (int i = 0; i < 3; ++i) {
            ASSERT_TRUE(machine.add(0, 1, 1).ok());
            static_cast<void>(machine.queue->publish());
            machine.use_next(0);
            Completion const done = machine.queue->take_used();
            ASSERT_TRUE(done);
            EXPECT_EQ(done.written, 0u);
        }
    });
}

TEST_P(QueueContract, UsesFreeTablesForLongChains) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 0, {.indirect = {.tables = 2, .length = 4}}};
            std::uint16_t const first = GetParam().indirect ? 1 : 3;
            std::uint16_t free = size;
            for (std::uint16_t const takes : {first, first, std::uint16_t{3}}) {  // the third finds no table
                if (free < takes) {
                    break;
                }
                ASSERT_TRUE(machine.add(1, 2, 1).ok());
                EXPECT_EQ(machine.queue->num_free(), free - takes);
                free = machine.queue->num_free();
            }
            static_cast<void>(machine.queue->publish());
            machine.use_next(8);
            ASSERT_TRUE(machine.queue->take_used());
            free = machine.queue->num_free();
            if (free >= first) {  // its table is free again
                ASSERT_TRUE(machine.add(2, 1, 2).ok());
                EXPECT_EQ(machine.queue->num_free(), free - first);
            }
            // Five segments do not fit into a table, and two are too few for one.
            for (std::size_t const count : {std::size_t{5}, std::size_t{2}}) {
                if (std::size_t const room = machine.queue->num_free(); room >= count) {
                    ASSERT_TRUE(machine.add(0, count, 3).ok());
                    EXPECT_EQ(machine.queue->num_free(), room - count);
                }
            }
        },
        8);
}

TEST_P(QueueContract, NeverSharesATable) {
    for_each_size(
        [&](std::uint16_t size) {
            if (!GetParam().indirect || GetParam().in_order) {
                return;
            }
            ContractMachine machine{GetParam(), size, 0, {.indirect = {.tables = 2, .length = 4}}};
            ASSERT_TRUE(machine.add(0, 4, 1).ok());  // as long as a table
            ASSERT_TRUE(machine.add(0, 3, 2).ok());
            EXPECT_EQ(machine.queue->num_free(), size - 2);
            static_cast<void>(machine.queue->publish());
            machine.use_next();
            ASSERT_EQ(machine.queue->take_used().token.value(), 1u);
            ASSERT_TRUE(machine.add(0, 3, 3).ok());  // uses the first table
            EXPECT_EQ(machine.queue->num_free(), size - 2);
            ASSERT_TRUE(machine.add(0, 3, 4).ok());  // the second is still in use
            EXPECT_EQ(machine.queue->num_free(), size - 5);
            machine.queue->detach();
            ASSERT_TRUE(machine.queue->restart(size, GetParam().features(), machine.option()).ok());
            machine.start_over(machine.option());
            ASSERT_TRUE(machine.add(0, 3, 5).ok());
            ASSERT_TRUE(machine.add(0, 3, 6).ok());
            EXPECT_EQ(machine.queue->num_free(), size - 2);
        },
        7);
}

TEST_P(QueueContract, RejectsInvalidSizesAndFeatures) {
    sim::GuestMemory memory{std::size_t{4} << 20};
    auto const queue = make_queue(GetParam().kind);
    Features const features = GetParam().features();
    bool const only_split = GetParam().kind != QueueKind::packed && GetParam().kind != QueueKind::negotiated_split &&
                            GetParam().kind != QueueKind::negotiated_packed;
    Features const other =
        only_split ? features | Features::of(spec::Feature::ring_packed) : Features::of(spec::Feature::version_1);
    Features const legacy_packed = Features::of(spec::Feature::ring_packed);
    auto const refuse_all = [&](auto bring_up) {
        EXPECT_EQ(bring_up(0u, features), Error::queue_size_zero);
        EXPECT_EQ(bring_up(32769u, features), Error::queue_size_above_maximum);
        EXPECT_EQ(bring_up(65536u + 8u, features), Error::queue_size_above_maximum);
        if (only_split) {
            EXPECT_EQ(bring_up(8u, other), Error::feature_not_supported_by_queue);
        } else if (GetParam().kind == QueueKind::packed) {
            EXPECT_EQ(bring_up(8u, other), Error::ring_packed_not_negotiated);
        }
        if (GetParam().packed()) {
            EXPECT_EQ(bring_up(8u, legacy_packed), Error::ring_packed_not_negotiated);
        }
        if (GetParam().kind == QueueKind::plain_split) {
            Features const in_order = features | Features::of(spec::Feature::in_order);
            EXPECT_EQ(bring_up(8u, in_order), Error::feature_not_supported_by_queue);
        }
    };
    refuse_all([&](std::uint32_t size, Features const& set) { return queue->init(memory, size, set, {}).error(); });
    EXPECT_EQ(memory.pages_outstanding(), 0u);
    ASSERT_TRUE(queue->release(memory).ok());  // nothing to release
    ASSERT_TRUE(queue->init(memory, 8, features, {}).ok());
    refuse_all([&](std::uint32_t size, Features const& set) { return queue->restart(size, set, {}).error(); });
    EXPECT_EQ(queue->num_free(), 8u);
    ASSERT_TRUE(queue->release(memory).ok());
    ASSERT_TRUE(queue->release(memory).ok());
    EXPECT_EQ(memory.pages_outstanding(), 0u);
    // The queue does not keep tables from before.
    Features plain = Features::of(spec::Feature::version_1);
    plain = GetParam().packed() ? plain | Features::of(spec::Feature::ring_packed) : plain;
    ASSERT_TRUE(queue->init(memory, 8, plain, {}).ok());
    EXPECT_EQ(queue->table_pages().virt, nullptr);
    ASSERT_TRUE(queue->release(memory).ok());
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

TEST_P(QueueContract, IsNotReleasedWhileLive) {
    ContractMachine machine{GetParam(), 8};
    std::size_t const pages = machine.memory.pages_outstanding();
    EXPECT_TRUE(machine.queue->is_live());
    EXPECT_EQ(machine.queue->release(machine.memory).error(), Error::queue_still_live);
    machine.queue->detach();
    EXPECT_FALSE(machine.queue->is_live());
    EXPECT_FALSE(machine.queue->publish().needed);
    EXPECT_FALSE(machine.queue->is_live());
    ASSERT_TRUE(machine.add(0, 1, 1).ok());
    static_cast<void>(machine.queue->publish());  // a queue is live once it has published something
    EXPECT_TRUE(machine.queue->is_live());
    EXPECT_EQ(machine.queue->release(machine.memory).error(), Error::queue_still_live);
    EXPECT_EQ(machine.memory.pages_outstanding(), pages);
}

TEST_P(QueueContract, RestartDropsChainsInFlight) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 2};
            ASSERT_TRUE(machine.add(0, 1, 1).ok());
            ASSERT_TRUE(machine.add(0, 1, 2).ok());
            ASSERT_TRUE(machine.add(0, 1, 3).ok());
            static_cast<void>(machine.queue->publish());
            std::uint16_t last = machine.device->fetch()->head;
            if (GetParam().in_order) {
                last = machine.device->fetch()->head;
                machine.device->put_used_batch(last, 16, 2);
            } else {
                machine.device->put_used(last, 16);
            }
            machine.device->flush_used();
            ASSERT_EQ(machine.queue->take_used().token.value(), 1u);
            ASSERT_TRUE(machine.add(0, 1, 4).ok());  // not published
            machine.queue->detach();
            ASSERT_TRUE(machine.queue->restart(size, GetParam().features(), {}).ok());
            EXPECT_EQ(machine.queue->num_free(), size);
            EXPECT_FALSE(machine.queue->publish().needed);
            machine.start_over();
            EXPECT_EQ(machine.queue->take_used().state, CompletionState::none);
            ASSERT_TRUE(machine.add(0, 1, 5).ok());
            static_cast<void>(machine.queue->publish());
            machine.hostile = true;
            machine.device->put_used_raw(2, 0);  // was in flight before the restart
            machine.device->flush_used();
            EXPECT_EQ(machine.queue->take_used().state, CompletionState::broken);
            machine.queue->detach();
            std::vector<Token> const back = machine.queue->drain();
            ASSERT_EQ(back.size(), 1u);
            EXPECT_EQ(back[0].value(), 5u);
            EXPECT_NE(machine.queue->fault().reason, FaultReason::drained);  // the first reason is kept
        },
        7);
}

TEST_P(QueueContract, ReleasesAllIfAnAllocationFails) {
    for_each_size([&](std::uint16_t size) {
        sim::GuestMemory memory{std::size_t{32} << 20};
        QueueOf<AnyFormat> negotiated;
        QueueOf<Packed> packed;
        QueueOf<Split> split;
        AnyQueue* const queue = GetParam().kind == QueueKind::packed  ? static_cast<AnyQueue*>(&packed)
                                : GetParam().kind == QueueKind::split ? static_cast<AnyQueue*>(&split)
                                                                      : static_cast<AnyQueue*>(&negotiated);
        std::size_t const all = GetParam().indirect && size >= 3 ? 2 : 1;
        for (std::size_t n = 0; n < all; ++n) {
            memory.fail_allocation(n);
            EXPECT_EQ(queue->init(memory, size, GetParam().features(), {}).error(), Error::no_pages);
            EXPECT_EQ(memory.pages_outstanding(), 0u);
            EXPECT_EQ(queue->size(), 0u);
        }
        ASSERT_TRUE(queue->init(memory, size, GetParam().features(), {}).ok());
        EXPECT_EQ(queue->num_free(), size);
        EXPECT_EQ(queue->table_pages().count != 0, all == 2);
        ASSERT_TRUE(queue->release(memory).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
    });
}

TEST_P(QueueContract, DrainsOnceAndRestarts) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 3};
            std::size_t const pages = machine.memory.pages_outstanding();
            for (std::uint16_t round = 0; round < 3; ++round) {
                std::set<std::uintptr_t> waiting;
                for (std::uintptr_t token = 1; token <= 5; ++token) {
                    ASSERT_TRUE(machine.add(1, 0, token).ok());
                    waiting.insert(token);
                    if (token == 3) {
                        static_cast<void>(machine.queue->publish());  // two more chains are added but not published
                    }
                }
                machine.use_next();
                ASSERT_EQ(machine.queue->take_used().token.value(), 1u);
                waiting.erase(1);
                EXPECT_EQ(machine.queue->drain_while_live().error(), Error::queue_still_live);
                EXPECT_EQ(machine.queue->restart(size, GetParam().features(), {}).error(), Error::queue_still_live);

                machine.queue->detach();
                for (Token const token : machine.queue->drain()) {
                    EXPECT_EQ(waiting.erase(token.value()), 1u) << token.value();
                }
                EXPECT_TRUE(waiting.empty());
                EXPECT_TRUE(machine.queue->drain().empty());
                EXPECT_EQ(machine.add(0, 1, 9).error(), Error::queue_broken);
                EXPECT_EQ(machine.queue->take_used().state, CompletionState::broken);
                EXPECT_EQ(machine.queue->fault().reason, FaultReason::drained);

                ASSERT_TRUE(machine.queue->restart(size, GetParam().features(), {}).ok());
                EXPECT_EQ(machine.memory.pages_outstanding(), pages);
                machine.start_over();
                Traffic{machine, GetParam(), round}.run(50);
            }
        },
        5);
}

TEST_P(QueueContract, DoesNothingElseWhileDraining) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size, 2};
            for (std::uintptr_t token = 1; token <= 4; ++token) {
                ASSERT_TRUE(machine.add(0, 1, token).ok());
                if (token == 3) {
                    static_cast<void>(machine.queue->publish());  // one more chain is added but not published
                }
            }
            machine.use_next();
            machine.use_next();
            ASSERT_EQ(machine.queue->take_used().token.value(), 1u);  // the second chain is used, but not taken
            machine.queue->detach();
            std::multiset<std::uintptr_t> back;
            ASSERT_TRUE(machine.queue
                            ->drain_into([&](Token token) {
                                back.insert(token.value());
                                EXPECT_EQ(machine.queue->num_free(), 0u);
                                EXPECT_EQ(machine.queue->fault().reason, FaultReason::drained);
                                EXPECT_BREACH(machine.add(0, 1, 9), "another call is inside");
                                EXPECT_BREACH(machine.queue->take_used(), "another call is inside");
                                EXPECT_BREACH(machine.queue->publish(), "another call is inside");
                            })
                            .ok());
            EXPECT_EQ(back, (std::multiset<std::uintptr_t>{2, 3, 4}));
            EXPECT_EQ(machine.queue->fault().reason, FaultReason::drained);
            EXPECT_EQ(machine.queue->num_free(), 0u);
        },
        7);
}

TEST_P(QueueContract, StartsEmptyAtAnyIndex) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    for (std::uint16_t const first : std::initializer_list<std::uint16_t>{0x0000, 0x0003, 0x8000, 0x8003, 0x8007}) {
        auto const queue = make_queue(GetParam().kind);
        QueueOption option{};
        option.first_index = RingIndex{first};
        ASSERT_TRUE(queue->init(memory, 8, GetParam().features(), option).ok());
        if (!GetParam().packed()) {  // as a restored device reads it
            std::uint8_t const* const idx = memory.virt(queue->addresses().driver_area + 2, 2);
            EXPECT_EQ(sim::decode(idx, 2, GetParam().order()), first);
        }
        EXPECT_EQ(queue->take_used().state, CompletionState::none) << first;  // the device has written nothing yet
        EXPECT_EQ(queue->enable_used_notifications(), MaySleep::yes) << first;
        ASSERT_TRUE(queue->release(memory).ok());
    }
}

TEST_P(QueueContract, AssertsThatItHasMemory) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    auto const queue = make_queue(GetParam().kind);
    EXPECT_BREACH(queue->take_used(), "without memory");
    EXPECT_BREACH(queue->enable_used_notifications(), "without memory");
    EXPECT_BREACH(queue->disable_used_notifications(), "without memory");
    EXPECT_BREACH(queue->restart(8, GetParam().features(), {}), "Call init() first");
    EXPECT_EQ(queue->pages().count, 0u);
    EXPECT_TRUE(queue->drain().empty());
    ASSERT_TRUE(queue->init(memory, 8, GetParam().features(), {}).ok());
    EXPECT_EQ(queue->take_used().state, CompletionState::none);
    ASSERT_TRUE(queue->release(memory).ok());
    EXPECT_BREACH(queue->take_used(), "without memory");
    EXPECT_BREACH(queue->enable_used_notifications(), "without memory");
    Segment const writable[] = {{PhysAddr{0x1000}, 1}};
    EXPECT_EQ(queue->add({}, writable, Token{}).error(), Error::queue_not_initialised);
    EXPECT_EQ(queue->size(), 0u);
    EXPECT_EQ(queue->num_free(), 0u);
}

TEST_P(QueueContract, AssertsThatInitComesOnce) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    auto const queue = make_queue(GetParam().kind);
    ASSERT_TRUE(queue->init(memory, 8, GetParam().features(), {}).ok());
    EXPECT_BREACH(queue->init(memory, 8, GetParam().features(), {}), "Call release() first");
    ASSERT_TRUE(queue->release(memory).ok());
}

TEST(NegotiatedQueue, SwitchesFormatsAndBack) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    auto const queue = make_queue(QueueKind::negotiated_split);
    for (QueueKind const kind :
         {QueueKind::negotiated_split, QueueKind::negotiated_packed, QueueKind::negotiated_split}) {
        ASSERT_TRUE(queue->init(memory, 8, Combination{.kind = kind}.features(), {}).ok());
        EXPECT_EQ(queue->addresses().size, 8u);
        EXPECT_EQ(queue->num_free(), 8u);
        ASSERT_TRUE(queue->release(memory).ok());
    }
}

TEST(PackedQueue, AssertsThatItStartsInside) {
    sim::GuestMemory memory{std::size_t{1} << 20};
    auto const queue = make_queue(QueueKind::packed);
    Features const features = Combination{.kind = QueueKind::packed}.features();
    EXPECT_BREACH(queue->init(memory, 8, features, {.first_index = RingIndex{8}}), "below its size");
}

TEST_P(QueueContract, RestartsInAnotherSize) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size};
            machine.queue->detach();
            ASSERT_TRUE(machine.queue->restart(size / 2u, GetParam().features(), {}).ok());
            EXPECT_EQ(machine.queue->size(), size / 2);
            machine.start_over();
            Traffic{machine, GetParam(), size}.run(100);
            machine.queue->detach();
            if (size == 256) {
                EXPECT_EQ(machine.queue->restart(1024, GetParam().features(), {}).error(),
                          Error::queue_size_above_pages);
                EXPECT_EQ(machine.queue->size(), size / 2);
            }
        },
        2);
}

// --- invalid values from the device ---

class HostileContract : public QueueContract {
protected:
    /// A queue with three chains in flight. The device has fetched two of them.
    struct Machine : ContractMachine {
        explicit Machine(std::uint16_t size, OverReportedLength over = OverReportedLength::break_queue)
            : ContractMachine(GetParam(), size, 2, {.over_reported = over}) {
            hostile = true;
            for (std::uintptr_t token = 1; token <= 3; ++token) {
                EXPECT_TRUE(add(1, 1, token).ok());
            }
            static_cast<void>(queue->publish());
            heads.push_back(device->fetch()->head);
            heads.push_back(device->fetch()->head);
        }
        void expect_broken(FaultReason reason, std::uint32_t value) {
            EXPECT_EQ(queue->take_used().state, CompletionState::broken);
            EXPECT_EQ(queue->fault().reason, reason);
            EXPECT_EQ(queue->fault().value, value);
            EXPECT_EQ(queue->add({}, {}, Token{}).error(), Error::queue_broken);
            EXPECT_EQ(add(0, 1, 9).error(), Error::queue_broken);
            EXPECT_FALSE(queue->publish().needed);
            EXPECT_EQ(queue->enable_used_notifications(), MaySleep::broken);
            EXPECT_EQ(queue->take_used().state, CompletionState::broken);
            EXPECT_EQ(queue->fault().reason, reason);
        }
        /// Resets the device, drains the queue, and checks which tokens come back.
        void expect_handed_back(std::set<std::uintptr_t> const& tokens) {
            queue->detach();
            std::multiset<std::uintptr_t> back;
            for (Token const token : queue->drain()) {
                back.insert(token.value());
            }
            EXPECT_EQ(back, (std::multiset<std::uintptr_t>{tokens.begin(), tokens.end()}));
            ASSERT_TRUE(queue->restart(queue->size(), GetParam().features(), {}).ok());
            start_over();
            Traffic{*this, GetParam(), 5}.run(30);
        }
        std::vector<std::uint16_t> heads;
    };
};

TEST_P(HostileContract, IdOutOfRangeBreaksQueue) {
    for_each_size(
        [&](std::uint16_t size) {
            for (std::uint16_t const id : {size, std::uint16_t{0xffff}}) {
                Machine machine{size};
                machine.device->put_used_raw(id, 0);
                machine.device->flush_used();
                machine.expect_broken(FaultReason::used_id_out_of_range, id);
                machine.expect_handed_back({1, 2, 3});
            }
        },
        8);
}

TEST_P(HostileContract, IdNotInFlightBreaksQueue) {
    FaultReason const reason =
        GetParam().in_order ? FaultReason::batch_not_reached : FaultReason::used_id_not_in_flight;
    for_each_size(
        [&](std::uint16_t size) {
            Machine machine{size};
            machine.device->put_used_raw(static_cast<std::uint16_t>(size - 1), 0);
            machine.device->flush_used();
            machine.expect_broken(reason, size - 1u);
            machine.expect_handed_back({1, 2, 3});
        },
        8);
}

TEST_P(HostileContract, IdUsedTwiceBreaksQueue) {
    FaultReason const reason =
        GetParam().in_order ? FaultReason::batch_not_reached : FaultReason::used_id_not_in_flight;
    for_each_size(
        [&](std::uint16_t size) {
            Machine machine{size};
            machine.device->put_used(machine.heads[0], 0);
            machine.device->flush_used();
            ASSERT_EQ(machine.queue->take_used().token.value(), 1u);
            machine.device->put_used_raw(machine.heads[0], 0);
            machine.device->flush_used();
            machine.expect_broken(reason, machine.heads[0]);
            machine.expect_handed_back({2, 3});
        },
        8);
}

TEST_P(HostileContract, UnpublishedIdBreaksQueue) {
    for_each_size(
        [&](std::uint16_t size) {
            Machine machine{size};
            ASSERT_TRUE(machine.add(0, 1, 4).ok());
            // The next id of a packed ring, or the next head of a split ring: three chains of two descriptors precede
            // it.
            std::uint16_t const next = GetParam().packed() ? 3 : 6;
            if (GetParam().in_order) {
                // The entry claims to complete all chains in flight and the unpublished one.
                machine.device->put_used_raw(next, 0);
                machine.device->flush_used();
                machine.expect_broken(FaultReason::batch_not_reached, next);
            } else {
                machine.device->put_used_raw(next, 0);
                machine.device->flush_used();
                machine.expect_broken(FaultReason::used_id_not_in_flight, next);
            }
            machine.expect_handed_back({1, 2, 3, 4});
        },
        8);
}

// The device has used two chains. The driver has seen both and taken one when the index goes back: it must not sleep.
TEST_P(HostileContract, IndexGoingBackForbidsSleep) {
    if (GetParam().packed()) {  // a packed ring has no index
        return;
    }
    for_each_size(
        [&](std::uint16_t size) {
            Machine machine{size};
            std::uint16_t const used = machine.split_ring->used_idx();
            machine.device->put_used(machine.heads[0], 0);
            machine.device->put_used(machine.heads[1], 0);
            machine.device->flush_used();
            EXPECT_TRUE(machine.queue->take_used());
            machine.split_ring->write_used_idx_raw(static_cast<std::uint16_t>(used + 1));
            EXPECT_EQ(machine.queue->enable_used_notifications(), MaySleep::no);
            EXPECT_TRUE(machine.queue->take_used());
        },
        8);
}

// Found by users: on a broken queue the loop "disable, take all, enable, repeat while MaySleep::no" never ended (faults
// A4).
TEST_P(HostileContract, EndsATakeAndSleepLoop) {
    for_each_size(
        [&](std::uint16_t size) {
            Machine machine{size};
            machine.device->put_used_raw(77 + size, 0);
            machine.device->flush_used();
            unsigned turns = 0;
            do {
                machine.queue->disable_used_notifications();
                while (machine.queue->take_used()) {
                }
            } while (machine.queue->enable_used_notifications() == MaySleep::no && ++turns != 100);
            EXPECT_LT(turns, 100u);
            EXPECT_TRUE(machine.queue->fault());
        },
        8);
}

// As above, with chains that one used entry completes.
TEST_P(InOrderContract, UntakenBatchForbidsSleep) {
    ContractMachine machine{GetParam(), 8};
    for (std::uintptr_t token = 1; token <= 3; ++token) {
        ASSERT_TRUE(machine.add(0, 1, token).ok());
    }
    static_cast<void>(machine.queue->publish());
    std::uint16_t head = 0;
    for (int i = 0; i < 3; ++i) {
        head = machine.device->fetch()->head;
    }
    machine.device->put_used_batch(head, 1, 3);
    machine.device->flush_used();
    ASSERT_TRUE(machine.queue->take_used());
    if (machine.split_ring != nullptr) {
        machine.hostile = true;
        machine.split_ring->write_used_idx_raw(static_cast<std::uint16_t>(machine.split_ring->used_idx() - 2));
    }
    EXPECT_EQ(machine.queue->enable_used_notifications(), MaySleep::no);
    EXPECT_TRUE(machine.queue->take_used());
    EXPECT_TRUE(machine.queue->take_used());
}

TEST_P(HostileContract, ExcessiveLengthBreaksOrIsClamped) {
    for_each_size(
        [&](std::uint16_t size) {
            Machine machine{size};
            machine.device->put_used_raw(machine.heads[0], 17);
            machine.device->flush_used();
            if (GetParam().legacy) {  // legacy devices may report a wrong length (§2.7.8.1)
                EXPECT_EQ(machine.queue->take_used().written, 16u);
            } else {
                machine.expect_broken(FaultReason::used_length_above_writable, 17);
                machine.expect_handed_back({1, 2, 3});
            }

            Machine lenient{size, OverReportedLength::clamp};
            lenient.device->put_used_raw(lenient.heads[0], UINT32_MAX);
            lenient.device->flush_used();
            EXPECT_EQ(lenient.queue->take_used().written, 16u);
        },
        8);
}

TEST_P(HostileContract, LengthCountsWritableBytesOnly) {
    for_each_size(
        [&](std::uint16_t size) {
            ContractMachine machine{GetParam(), size};
            machine.hostile = true;
            ASSERT_TRUE(machine.add(3, 1, 1).ok());  // in a table if there are tables
            static_cast<void>(machine.queue->publish());
            machine.device->put_used_raw(machine.device->fetch()->head, 17);
            machine.device->flush_used();
            Completion const done = machine.queue->take_used();
            EXPECT_EQ(done.state, GetParam().legacy ? CompletionState::ready : CompletionState::broken);
            EXPECT_EQ(machine.queue->fault().reason,
                      GetParam().legacy ? FaultReason::none : FaultReason::used_length_above_writable);
            EXPECT_EQ(done.written, GetParam().legacy ? 16u : 0u);
        },
        7);
}

TEST_P(HostileContract, SurvivesAnyRingContents) {
    for_each_size(
        [&](std::uint16_t size) {
            for (int const fill : {0x00, 0xff, 0x80, 0x5a}) {
                Machine machine{size};
                Pages const pages = machine.queue->pages();
                std::memset(pages.virt, fill, pages.count * page_bytes);
                for (int i = 0; i < 20; ++i) {
                    static_cast<void>(machine.queue->take_used());
                    static_cast<void>(machine.add(1, 1, 9));
                    static_cast<void>(machine.queue->publish());
                    static_cast<void>(machine.queue->enable_used_notifications());
                }
                EXPECT_LE(machine.queue->num_free(), size);
                machine.queue->detach();
                static_cast<void>(machine.queue->drain());
                ASSERT_TRUE(machine.queue->restart(size, GetParam().features(), {}).ok());
                EXPECT_EQ(machine.queue->num_free(), size);
            }
        },
        8);
}

std::string name_of(testing::TestParamInfo<Combination> const& info) {
    return info.param.name();
}

INSTANTIATE_TEST_SUITE_P(Every, QueueContract, testing::ValuesIn(all_combinations()), name_of);
INSTANTIATE_TEST_SUITE_P(Every, InOrderContract, testing::ValuesIn(combinations_in_order()), name_of);
INSTANTIATE_TEST_SUITE_P(Every, HostileContract, testing::ValuesIn(all_combinations()), name_of);

}  // namespace
}  // namespace virtq::test
