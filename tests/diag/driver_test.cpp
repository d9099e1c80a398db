// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>

#include <device/disk_machine.hpp>
#include <diag/queue_machine.hpp>

/// What a kernel does when a read times out.
namespace virtq::test {
namespace {

TEST(DiagnosisOfADriver, SaysThatItIsNotInitialised) {
    DiskMachine<> machine;
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::driver_not_initialised);
}

TEST(DiagnosisOfADriver, SaysWhyAReadTimedOut) {
    DiskMachine<> machine;
    machine.bring_up();
    EXPECT_TRUE(diagnose(machine.driver).is_healthy());
    sim::Buffer const data = machine.buffer(512);
    // The device never works: as if the notification were lost.
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), Looks{10}).error(), Error::timed_out);
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::never_notified);
}

TEST(DiagnosisOfADriver, SaysThatStartWasForgotten) {
    DiskMachine<> machine;
    machine.bring_up();
    sim::Buffer const data = machine.buffer(512);
    Segment const segments[] = {machine.segment(data)};
    ASSERT_TRUE(machine.driver.submit_read(0, segments, Token{1}).ok());
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::not_published);
}

}  // namespace
}  // namespace virtq::test
