// SPDX-License-Identifier: MIT
#include <hostile/hostile_machine.hpp>

#include <cstdint>
#include <functional>
#include <vector>

/// A second context that the lock of the queue's owner does not exclude: before each access to the ring, an interrupt
/// handler calls the same queue. Debug builds detect it at every step of every call.
namespace virtq::test {
namespace {

class InterruptedCall : public testing::TestWithParam<Combination> {
protected:
    /// The number of times that the handler ran, and was detected.
    static unsigned breaches_of(std::function<void(HostileMachine&)> const& call) {
        HostileMachine machine{GetParam()};
        machine.prepare();
        unsigned came = 0;
        bool in_handler = false;  // accesses of the handler are not steps of the call
        machine.at_every_step([&] {
            if (in_handler) {
                return;
            }
            in_handler = true;
            EXPECT_BREACH(machine.queue->take_used(), "another call is inside");
            EXPECT_BREACH(machine.queue->publish(), "mask the interrupt");
            in_handler = false;
            ++came;
        });
        call(machine);
        machine.at_every_step({});
        EXPECT_EQ(machine.complaints(), "");
        EXPECT_FALSE(machine.queue->fault());
        machine.drain();
        EXPECT_TRUE(machine.restart());
        machine.expect_sound();  // the handler has not changed the queue
        return came;
    }
};

TEST_P(InterruptedCall, IsDetectedAtEveryStep) {
    EXPECT_GE(breaches_of([](HostileMachine& m) { EXPECT_TRUE(m.add(1, 1, 6).ok()); }), 4u);
    EXPECT_GE(breaches_of([](HostileMachine& m) { static_cast<void>(m.publish()); }), 2u);
    EXPECT_GE(breaches_of([](HostileMachine& m) { EXPECT_EQ(m.take(), 2u); }), 2u);
    EXPECT_GE(breaches_of([](HostileMachine& m) { static_cast<void>(m.queue->enable_used_notifications()); }), 2u);
    breaches_of([](HostileMachine& m) { m.queue->disable_used_notifications(); });  // with EVENT_IDX it writes nothing
}

INSTANTIATE_TEST_SUITE_P(Every, InterruptedCall, testing::ValuesIn(all_combinations()),
                         [](auto const& of) { return of.param.name(); });

}  // namespace
}  // namespace virtq::test
