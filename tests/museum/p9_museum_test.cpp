// SPDX-License-Identifier: MIT
#include <device/p9_machine.hpp>
#include <transport/transport_setting.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// Bugs that drivers and devices of 9P had in the field. queue_museum_test.cpp explains the form of the comments.
namespace virtq::test {
namespace {

// Was: the driver read the mount tag with one access as long as the tag, which the standard forbids; FreeBSD panicked.
// Hit: FreeBSD, https://github.com/freebsd/freebsd-src/pull/1320; NuttX, https://github.com/apache/nuttx/pull/18265
// Here: impossible: init() reads the tag byte by byte, and a transport has no access of another length
TEST(Museum, p9_tag_read_at_once) {
    for (std::string const& tag : {std::string{"hostshare"}, std::string{"a"}}) {
        sim::GuestMemory memory;
        sim::P9Device server{memory.violations(), {.tag = tag}};
        OnPci<Modern, Layout::modern> place{memory, server};
        Modern transport;
        P9Device<Modern> driver;
        ASSERT_TRUE(place.probe(transport).ok());
        ASSERT_TRUE(driver.init(transport, memory).ok());
        EXPECT_EQ((std::string{driver.mount_tag().begin(), driver.mount_tag().end()}), tag);
        EXPECT_TRUE(driver.release(memory).ok());
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();  // it reports a wrong width (§4.1.3.1)
    }
}

// Was: the device truncated answers that were almost as long as msize, and Linux could not read those files.
// Hit: Propolis, https://github.com/oxidecomputer/propolis/pull/565
// Here: diagnosed: p9_size_above_written, whose value is the answer's size; nothing of the answer is used
TEST(Museum, p9_answer_cut_off) {
    P9Machine<> machine;
    machine.bring_up();
    GuardedAnswer answer(20);
    auto const full = machine.ask(1, std::vector<std::uint8_t>(13, 7));
    machine.server.report_next_length(7);
    EXPECT_EQ(machine.call(full, answer.span()).error(), Error::answer_invalid);
    machine.expect_fault(DriverReason::p9_size_above_written, 20);
    EXPECT_TRUE(answer.first(0).empty());
    EXPECT_TRUE(machine.call(full, answer.span()).ok());
    EXPECT_EQ(answer.first(20), machine.echo(1, std::vector<std::uint8_t>(13, 7)));
}

// Was: a Tflush had ended a request, but the device answered it, with EINTR; programs in the guest saw this error.
// Hit: BinaryBuilder, https://github.com/JuliaPackaging/BinaryBuilder.jl/issues/76 (mended in QEMU in February 2018)
// Here: diagnosed: a flushed request without an answer ends with request_cancelled, and driver_fault() stays empty
TEST(Museum, p9_request_flushed) {
    P9Machine<> machine;
    machine.bring_up();
    machine.server.hold();
    GuardedAnswer answer(20);
    GuardedAnswer flushed(20);
    machine.submit({machine.ask(1), answer.span()}, 1);
    machine.submit({sim::P9Device::message(108, 2, {1, 0}), flushed.span()}, 2);
    machine.driver.kick_device();
    machine.server.release();
    machine.device.step();
    machine.expect_ended(1, 0, Error::request_cancelled);
    machine.expect_ended(2, 9);
    EXPECT_FALSE(machine.driver.driver_fault());
    EXPECT_TRUE(answer.first(0).empty());
    EXPECT_TRUE(machine.call(machine.ask(1), answer.span()).ok());
}

}  // namespace
}  // namespace virtq::test
