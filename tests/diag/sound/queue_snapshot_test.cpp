// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>

#include <diag/queue_machine.hpp>
#include <queue/contract_machine.hpp>

#include <cstdint>
#include <deque>
#include <string>

/// An inspection of a valid queue finds nothing wrong, whatever its format and features.
namespace virtq::test {
namespace {

/// A valid device, of a type that answers each request.
class SoundTransport {
public:
    explicit SoundTransport(Features const& features) : features_(features) {}
    [[nodiscard]] spec::DeviceId device_id() const { return spec::DeviceId::entropy; }
    [[nodiscard]] bool is_legacy() const { return !features_.has(spec::Feature::version_1); }
    [[nodiscard]] DeviceStatus status() { return DeviceStatus{static_cast<std::uint8_t>(is_legacy() ? 7 : 15)}; }
    [[nodiscard]] std::uint32_t offered_features(unsigned word) { return features_.word(word); }
    [[nodiscard]] std::uint32_t queue_size_max(std::uint16_t) { return 32768; }
    [[nodiscard]] bool is_queue_in_use(std::uint16_t) { return true; }

private:
    Features features_;
};

class SoundQueue : public testing::TestWithParam<Combination> {
protected:
    /// Calls `look` with the queue in its own type.
    template <class Look>
    static void with_queue(ContractMachine& machine, Look look) {
        switch (GetParam().kind) {
            case QueueKind::split: return look(static_cast<QueueOf<Split>&>(*machine.queue).queue());
            case QueueKind::plain_split: return look(static_cast<QueueOf<PlainSplit>&>(*machine.queue).queue());
            case QueueKind::packed: return look(static_cast<QueueOf<Packed>&>(*machine.queue).queue());
            case QueueKind::negotiated_split:
            case QueueKind::negotiated_packed: return look(static_cast<QueueOf<AnyFormat>&>(*machine.queue).queue());
        }
    }
    static Diagnosis diagnosis(ContractMachine& machine, DiagnoseOption const& option) {
        SoundTransport transport{GetParam().features()};
        Diagnosis found;
        with_queue(machine,
                   [&](auto const& queue) { found = diagnose(transport, 0, queue, GetParam().features(), option); });
        return found;
    }
    static std::string picture(ContractMachine& machine) {
        std::string text;
        with_queue(machine, [&](auto const& queue) { text = printed([&](auto sink) { dump(queue, sink); }); });
        return text;
    }
    static void expect_sound(ContractMachine& machine) {
        Diagnosis const found = diagnosis(machine, {.symptom = Symptom::none});
        ASSERT_TRUE(found.is_healthy()) << explained(found) << picture(machine);
        ASSERT_LE(columns(explained(found)), 79u) << explained(found);
    }
    static constexpr std::uint16_t size = 16;
};

TEST_P(SoundQueue, ShowsItsNumbers) {
    ContractMachine machine{GetParam(), size};
    ASSERT_TRUE(machine.add(1, 1, 1).ok());
    ASSERT_TRUE(machine.add(1, 1, 2).ok());
    static_cast<void>(machine.queue->publish());
    ASSERT_TRUE(machine.add(1, 1, 3).ok());
    machine.use_next();
    with_queue(machine, [&](auto const& queue) {
        QueueSnapshot const seen = take_snapshot(queue);
        EXPECT_EQ(seen.is_packed(), GetParam().packed());
        EXPECT_EQ(seen.size, size);
        EXPECT_EQ(seen.num_free, machine.queue->num_free());
        EXPECT_EQ(seen.event_idx, GetParam().event_idx);
        EXPECT_EQ(seen.in_order, GetParam().in_order);
        EXPECT_EQ(seen.table_pages.count, machine.queue->table_pages().count);
        EXPECT_EQ(seen.addresses.device_area, machine.queue->addresses().device_area);
        EXPECT_EQ(seen.outstanding(), 3);
        EXPECT_EQ(seen.offered(), 2);
        EXPECT_EQ(seen.undecided(), 1);
        EXPECT_EQ(seen.answered(), 1);
        EXPECT_TRUE(seen.is_first_time());
        EXPECT_TRUE(seen.is_used_idx_believable());
    });
}

// The device answers from both ends of what it has fetched. Chains of all lengths; inspections at any moment.
TEST_P(SoundQueue, HasNoFindingsInTraffic) {
    for (std::uint16_t const before_wrap : {std::uint16_t{0}, std::uint16_t{5}}) {
        if (before_wrap != 0 && !GetParam().packed()) {
            break;  // a device starts a split queue at 0, so an inspection assumes that
        }
        ContractMachine machine{GetParam(), size, before_wrap};
        std::deque<std::uint16_t> fetched;
        std::uint32_t random = 1;
        auto const below = [&](std::uint32_t limit) {
            random = random * 1664525 + 1013904223;
            return (random >> 8) % limit;
        };
        for (std::uintptr_t i = 1; i < 1000; ++i) {
            switch (below(6)) {
                case 0:
                case 1: static_cast<void>(machine.add(below(3), 1 + below(4), i)); break;
                case 2: static_cast<void>(machine.queue->publish()); break;
                case 3:
                    if (auto const chain = machine.device->fetch()) {
                        fetched.push_back(chain->head);
                    }
                    break;
                case 4:
                    if (!fetched.empty()) {
                        bool const newest = !GetParam().in_order && below(2) == 0;
                        std::uint16_t const head = newest ? fetched.back() : fetched.front();
                        newest ? fetched.pop_back() : fetched.pop_front();
                        machine.device->put_used(head, 1);
                        machine.device->flush_used();
                    }
                    break;
                case 5:
                    if (below(2) == 0) {
                        static_cast<void>(machine.queue->take_used());
                    } else if (below(2) == 0) {
                        static_cast<void>(machine.queue->enable_used_notifications());
                    } else {
                        machine.queue->disable_used_notifications();
                    }
                    break;
            }
            ASSERT_FALSE(machine.queue->fault());
            ASSERT_NO_FATAL_FAILURE(expect_sound(machine)) << "after step " << i;
            std::string const text = picture(machine);
            ASSERT_LE(columns(text), 79u) << text;
            ASSERT_EQ(text.find("not in flight"), std::string::npos) << text;
        }
        EXPECT_GT(machine.queue->pages().count, 0u);
    }
}

using SoundQueueInOrder = SoundQueue;

TEST_P(SoundQueueInOrder, HasNoFindingsWithinABatch) {
    ContractMachine machine{GetParam(), size};
    for (std::uintptr_t i = 0; i < 20; ++i) {
        for (std::size_t length : {1u, 4u, 2u}) {
            ASSERT_TRUE(machine.add(0, length, i + 1).ok());
        }
        static_cast<void>(machine.queue->publish());
        std::uint16_t head = 0;
        for (int k = 0; k < 3; ++k) {
            head = machine.device->fetch()->head;
        }
        expect_sound(machine);
        machine.device->put_used_batch(head, 1, 3);
        machine.device->flush_used();
        for (int k = 0; k < 3; ++k) {
            expect_sound(machine);
            with_queue(machine, [&](auto const& queue) {
                EXPECT_EQ(take_snapshot(queue).answered() != 0, true);
                EXPECT_EQ(take_snapshot(queue).outstanding(), 3 - k);
            });
            EXPECT_EQ(picture(machine).find("not in flight"), std::string::npos) << picture(machine);
            ASSERT_TRUE(machine.queue->take_used());
        }
        EXPECT_EQ(diagnosis(machine, {}).cause(), Cause::nothing_in_flight);
    }
}

std::string name_of(testing::TestParamInfo<Combination> const& info) {
    return info.param.name();
}

INSTANTIATE_TEST_SUITE_P(Every, SoundQueue, testing::ValuesIn(all_combinations()), name_of);
INSTANTIATE_TEST_SUITE_P(Every, SoundQueueInOrder, testing::ValuesIn(combinations_in_order()), name_of);

}  // namespace
}  // namespace virtq::test
