// SPDX-License-Identifier: MIT
#include <device/p9_machine.hpp>
#include <transport/transport_setting.hpp>

#include <cstdint>
#include <string>
#include <vector>

/// Bugs that drivers and devices of 9P had in the field. queue_museum_test.cpp explains the form of the comments.
namespace virtq::test {
namespace {

// Was: the driver read the mount tag with one access as long as the tag, which a modern device does not allow.
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

// Was: the device cut off an answer that filled the room to its end, and the files were unreadable without a reason.
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

// Was: the host answered a request although a Tflush had ended it, so a client took the answer for that of another one.
// Hit: QEMU mended it: a flushed request ends with used length 0 and no answer (pdu_complete in hw/9pfs/9p.c)
// Here: such a request ends with request_cancelled; it is no fault of the device
TEST(Museum, p9_request_flushed) {
    P9Machine<> machine;
    machine.bring_up();
    machine.server.report_next_length(0);
    GuardedAnswer answer(20);
    EXPECT_EQ(machine.call(machine.ask(1), answer.span()).error(), Error::request_cancelled);
    EXPECT_FALSE(machine.driver.driver_fault());
    EXPECT_TRUE(answer.first(0).empty());
    EXPECT_TRUE(machine.call(machine.ask(1), answer.span()).ok());
}

}  // namespace
}  // namespace virtq::test
