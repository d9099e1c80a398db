// SPDX-License-Identifier: MIT
#include <queue/contract_machine.hpp>

#include <cstdint>
#include <vector>

/// The numbers of the batches come again after 32768 publishes. Until then and afterwards, a ring tells what is
/// published from what is not.
namespace virtq::test {
namespace {

constexpr unsigned numbers = 32768;

class BatchNumberContract : public testing::TestWithParam<QueueKind> {
protected:
    struct Machine : ContractMachine {
        explicit Machine(std::uint16_t size) : ContractMachine({.kind = GetParam()}, size), size_(size) {}

        /// Publishes a chain that the device does not use before `use`.
        void leave(std::uintptr_t token) {
            ASSERT_TRUE(add(0, 1, token).ok());
            static_cast<void>(queue->publish());
            heads_.push_back(device->fetch()->head);
            ++batches;
        }
        void use_and_take(std::uint16_t head, std::uintptr_t token) {
            device->put_used(head, 0);
            device->flush_used();
            Completion const done = queue->take_used();
            ASSERT_TRUE(done) << "after batch " << batches;
            ASSERT_EQ(done.token.value(), token);
        }
        void use(std::uintptr_t token) { use_and_take(heads_[token], token); }
        void pass_batches(unsigned until) {
            for (; batches != until && !testing::Test::HasFailure(); ++batches) {
                ASSERT_TRUE(add(0, 1, size_).ok());
                static_cast<void>(queue->publish());
                use_and_take(device->fetch()->head, size_);
            }
        }

        /// The device uses a descriptor, or id, that is not in flight.
        void expect_broken_by(std::uint16_t head) {
            hostile = true;
            device->put_used_raw(head, 0);
            device->flush_used();
            EXPECT_EQ(queue->take_used().state, CompletionState::broken);
            EXPECT_EQ(queue->fault().reason, FaultReason::used_id_not_in_flight);
            EXPECT_EQ(queue->fault().value, head);
        }

        unsigned batches = 0;

    private:
        std::uint16_t size_;
        std::vector<std::uint16_t> heads_;
    };

    /// Runs `body` after each of some numbers of batches. Descriptor, or id, 0 is in flight, and 1 was freed last.
    template <class Body>
    static void for_each_count(Body body) {
        for (unsigned const batches : {2u, numbers - 1, numbers, 2 * numbers + 1}) {
            SCOPED_TRACE(batches);
            Machine machine{4};
            machine.leave(0);
            machine.pass_batches(batches);
            body(machine);
        }
    }
};

// All descriptors wait, except for the first. Each chain is used at the moment when the number of its batch has come
// again.
TEST_P(BatchNumberContract, AChainMayWaitForEver) {
    struct Case {
        std::uint16_t size;
        unsigned before;  ///< batches before the first chain
        unsigned rounds;
    };
    for (Case const& each : {Case{2, 0, 1}, Case{8, 3, 2}, Case{8, numbers - 4, 1}, Case{32768, 1, 1}}) {
        SCOPED_TRACE(each.size);
        Machine machine{each.size};
        machine.pass_batches(each.before);
        for (std::uint16_t token = 0; token != each.size; ++token) {
            machine.leave(token);
        }
        machine.use(0);
        for (std::uint16_t token = 1; token != each.size; ++token) {
            machine.pass_batches(each.before + token + each.rounds * numbers);
            machine.use(token);
            ASSERT_FALSE(HasFailure()) << token;
        }
        EXPECT_EQ(machine.queue->num_free(), each.size);
    }
}

// The id of an unpublished chain is an invalid one, whatever the number of its batch is.
TEST_P(BatchNumberContract, UnpublishedIdBreaksQueue) {
    for_each_count([](Machine& machine) {
        ASSERT_TRUE(machine.add(0, 1, 2).ok());
        machine.expect_broken_by(1);
    });
}

TEST_P(BatchNumberContract, FreeIdBreaksQueue) {
    for_each_count([](Machine& machine) { machine.expect_broken_by(3); });
}

std::string kind_name(testing::TestParamInfo<QueueKind> const& info) {
    return Combination{info.param}.name();
}
INSTANTIATE_TEST_SUITE_P(Of, BatchNumberContract,
                         testing::Values(QueueKind::split, QueueKind::packed, QueueKind::plain_split), kind_name);

}  // namespace
}  // namespace virtq::test
