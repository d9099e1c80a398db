// SPDX-License-Identifier: MIT
#include <virtq/diag/explain.hpp>

#include <diag/queue_machine.hpp>

#include <cstring>
#include <string>

namespace virtq::test {

using namespace virtq::detail;

namespace {

TEST(Explanation, NamesStatusFeaturesAndTheCause) {
    QueueMachine machine({.event_idx = true});
    machine.bring_up();
    machine.add_read();
    ASSERT_TRUE(machine.queue.publish());
    std::string const text = explained(machine.look());
    for (char const* const part :
         {"virtq: queue 0 of a device of type 2, modern\n", "0xf ACKNOWLEDGE DRIVER FEATURES_OK DRIVER_OK\n",
          "VIRTIO_F_EVENT_IDX VIRTIO_F_VERSION_1", "size 8 of at most 256, enabled, 5 free\n",
          "added 1, published 1, decided 1, taken 0", "The device was probably never notified", "call notify()"}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << "\n" << text;
    }
}

// faults C: a new user took a diagnosis without the memory map for one that had looked at the addresses.
TEST(Explanation, TellsThatMemoryWasNotNamed) {
    QueueMachine machine;
    machine.bring_up();
    AddressRange const ram[] = {{PhysAddr{0}, phys_limit}};
    std::string const part = "memory      not compared: name it in DiagnoseOption::ram\n";
    EXPECT_NE(explained(machine.look()).find(part), std::string::npos) << explained(machine.look());
    EXPECT_EQ(explained(machine.look({.ram = ram})).find(part), std::string::npos);
}

TEST(Explanation, DoesNotSendTransportsBackToInit) {
    for (Cause const cause : {Cause::device_not_initialised, Cause::driver_gave_up}) {
        EXPECT_NE(std::strstr(advise(cause), "diagnose() of a driver prints that error"), nullptr) << advise(cause);
    }
    EXPECT_NE(std::strstr(advise(Cause::avail_index_overwritten), "fewer pages than count"), nullptr);
}

TEST(Explanation, FitsATerminalForEachCause) {
    for (unsigned cause = 0; cause <= static_cast<unsigned>(Cause::descriptors_not_freed); ++cause) {
        Diagnosis diagnosis;
        diagnosis.has_queue = true;
        diagnosis.queue.size = 32768;
        diagnosis.queue.fault = {FaultReason::used_length_above_writable, 0xffff'ffff};
        diagnosis.violation = {"The device did what no device of its type does, and said so at length.", ~0u, 65535};
        diagnosis.negotiated.set_word(0, 0xffff'ffff);
        diagnosis.device.reach = DeviceSnapshot::Reach::queue;
        diagnosis.device.device_id = spec::DeviceId::block;
        diagnosis.device.status = DeviceStatus{0xfe};
        diagnosis.queue.addresses = SplitLayout{32768}.addresses(PhysAddr{0xffff'ffff'ff00'0000});
        diagnosis.queue.pages.phys = PhysAddr{0xffff'ffff'ff00'0000};
        diagnosis.add({static_cast<Cause>(cause), 32767, ~std::uint64_t{0}, ~std::uint64_t{1}});
        std::string const text = explained(diagnosis);
        EXPECT_LE(columns(text), 79u) << text;
    }
}

TEST(Explanation, FitsATerminalForEachFeature) {
    for (Cause const cause :
         {Cause::feature_not_offered, Cause::feature_not_given_to_queue, Cause::queue_feature_not_negotiated}) {
        for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
            Diagnosis diagnosis;
            diagnosis.device.device_id = spec::DeviceId::block;
            diagnosis.add({.cause = cause, .value = bit});
            std::string const text = explained(diagnosis);
            EXPECT_LE(columns(text), 79u) << text;
        }
    }
}

TEST(Explanation, DescribesAndAdvisesEachCause) {
    for (unsigned cause = 0; cause <= static_cast<unsigned>(Cause::descriptors_not_freed); ++cause) {
        EXPECT_GT(std::strlen(describe(static_cast<Cause>(cause))), 30u) << cause;
        EXPECT_GT(std::strlen(advise(static_cast<Cause>(cause))), 15u) << cause;
        EXPECT_STRNE(describe(static_cast<Cause>(cause)), "Unknown.");
    }
}

TEST(Explanation, DescribesUnknownNumbers) {
    EXPECT_STREQ(describe(static_cast<Cause>(200)), "Unknown.");
    EXPECT_STREQ(advise(static_cast<Cause>(200)), "Unknown.");
}

TEST(Explanation, ShowsRegistersWithoutADevice) {
    QueueMachine machine;
    machine.hostile = true;
    machine.device.set_magic(0x1234'5678);
    auto registers = machine.device.registers();
    std::string const text = explained(diagnose(registers));
    EXPECT_NE(text.find("magic 0x12345678"), std::string::npos) << text;
    EXPECT_EQ(text.find("\n  status"), std::string::npos) << text;
}

TEST(Explanation, ShowsAnUnacknowledgedInterrupt) {
    QueueMachine machine;
    machine.bring_up();
    ASSERT_EQ(machine.queue.enable_used_notifications(), MaySleep::yes);
    machine.submit_read();
    EXPECT_EQ(explained(machine.look()).find("  interrupt"), std::string::npos);
    machine.work();
    std::string const text = explained(machine.look());
    EXPECT_NE(text.find("  interrupt   0x1, not acknowledged\n"), std::string::npos) << text;
    EXPECT_NE(text.find("notifications on\n"), std::string::npos) << text;
    machine.queue.disable_used_notifications();
    EXPECT_NE(explained(machine.look()).find("notifications off\n"), std::string::npos);
}

TEST(Explanation, ShowsNoAddressesWithoutMemory) {
    QueueMachine machine;
    machine.negotiate();
    machine.go_live();
    std::string const text = explained(machine.look());
    EXPECT_NE(text.find("  queue       size 0 of at most 256, not enabled, 0 free\n"), std::string::npos) << text;
    EXPECT_EQ(text.find("  pages"), std::string::npos) << text;
}

TEST(Explanation, OmitsTheQueueForADevice) {
    QueueMachine machine;
    machine.probe();
    std::string const text = explained(diagnose(machine.transport));
    EXPECT_EQ(text.find("queue 0"), std::string::npos) << text;
    EXPECT_NE(text.find("=> The device is not initialised: init() was not called, or it failed"), std::string::npos)
        << text;
}

TEST(TextWriter, PrintsNumbersAndBreaksBetweenWords) {
    std::string const text = printed([](auto sink) {
        TextWriter out{sink};
        out.decimal(0).text(" ").decimal(4294967295).text(" ").hex(0).text(" ").hex(0xfedc'ba98'7654'3210).line();
        out.text("abc").column(10).text("d").column(2).text("e").line();
        out.column(70).words("to the end of the line", 4).line();
    });
    EXPECT_EQ(text,
              "0 4294967295 0x0 0xfedcba9876543210\n"
              "abc       d e\n" +
                  std::string(70, ' ') + "to the\n    end of the line\n");
}

TEST(TextWriter, NeverBreaksBeforeALongWord) {
    std::string const word(90, 'w');
    std::string const text = printed([&](auto sink) {
        TextWriter out{sink};
        out.words(word.c_str(), 0).words(" next", 3).line();
    });
    EXPECT_EQ(text, word + "\n   next\n");
}

}  // namespace
}  // namespace virtq::test
