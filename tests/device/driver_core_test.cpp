// SPDX-License-Identifier: MIT
#include <virtq/device/driver_core.hpp>

#include <support/contract.hpp>

#include <device/echo_driver.hpp>

/// `DriverCore`: the way up and down, recovery and waiting, whatever the device is.
namespace virtq::test {
namespace {

TEST(DriverCore, ComesUpOnceAndGoesDown) {
    EchoMachine machine;
    EXPECT_EQ(machine.driver.check_alive().error(), Error::not_initialised);
    machine.bring_up();
    EXPECT_EQ(machine.driver.lives, 1u);
    EXPECT_EQ(machine.driver.transport(), &machine.transport);
    EXPECT_EQ(machine.driver.initialised_at(), &machine.driver);
    EXPECT_TRUE(machine.driver.check_alive().ok());
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    EXPECT_EQ(machine.driver.transport(), nullptr);
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());  // nothing to do
    machine.bring_up();
    EXPECT_EQ(machine.driver.lives, 2u);
}

TEST(DriverCore, WaitsForOneAnswer) {
    EchoMachine machine;
    machine.bring_up();
    Result<std::uint32_t> const answer = machine.driver.ask(0x01020304, PollLimit{10}, machine.stepping());
    ASSERT_TRUE(answer.ok()) << describe(answer.error());
    EXPECT_EQ(*answer, 0x02030405u);
}

TEST(DriverCore, NamesATimeOutThenAsksForReset) {
    EchoMachine machine;
    machine.bring_up();
    machine.backend.answers = false;
    EXPECT_EQ(machine.driver.ask(1, PollLimit{10}, machine.stepping()).error(), Error::timed_out);
    EXPECT_EQ(machine.driver.ask(1, PollLimit{10}, machine.stepping()).error(), Error::reset_needed);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::reset_needed);
}

TEST(DriverCore, HandsEachTokenBackOnce) {
    EchoMachine machine;
    machine.bring_up();
    machine.backend.answers = false;
    for (std::uintptr_t i = 1; i <= 3; ++i) {
        ASSERT_TRUE(machine.driver.send(7, Token{i}).ok());
    }
    machine.driver.kick();
    std::vector<std::uintptr_t> back;
    Status const up = machine.driver.reset([&](RequestCompletion const& ended) {
        EXPECT_EQ(ended.error, Error::request_cancelled);
        back.push_back(ended.token.value());
    });
    EXPECT_TRUE(up.ok()) << describe(up.error());
    EXPECT_EQ(back, (std::vector<std::uintptr_t>{1, 2, 3}));
    machine.backend.answers = true;
    EXPECT_TRUE(machine.driver.ask(7, PollLimit{10}, machine.stepping()).ok());
}

TEST(DriverCore, EndsAWaitWhoseHookResets) {
    EchoMachine machine;
    machine.bring_up();
    machine.backend.answers = false;
    bool done = false;
    auto const resets = [&] {
        if (!done) {
            done = true;
            EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
        }
    };
    EXPECT_EQ(machine.driver.ask(1, PollLimit{10}, resets).error(), Error::request_cancelled);
    EXPECT_TRUE(machine.driver.check_alive().ok());
}

TEST(DriverCore, RefusesPagesHandedOutTwice) {
    struct Twice {
        Pages allocate_pages(size_t count) {
            if (one.virt == nullptr) {
                one = memory.allocate_pages(4);
            }
            return {one.virt, one.phys, count};
        }
        void free_pages(Pages) {}
        sim::GuestMemory& memory;
        Pages one{};
    };
    EchoMachine machine;
    ASSERT_TRUE(machine.transport.probe(machine.device.registers()).ok());
    Twice twice{machine.memory};
    EXPECT_EQ(machine.driver.init(machine.transport, twice, {.reset_limit = PollLimit{100}}).error(),
              Error::pages_handed_out_twice);
    EXPECT_EQ(machine.driver.last_error(), Error::pages_handed_out_twice);
    machine.memory.free_pages(twice.one);
}

TEST(DriverCore, RejectsASecondInit) {
    EchoMachine machine;
    machine.bring_up();
    EXPECT_BREACH(machine.driver.init(machine.transport, machine.memory), "in use");
}

}  // namespace
}  // namespace virtq::test
