// SPDX-License-Identifier: MIT
#include "sleep_machine.hpp"

#include <cstdint>
#include <string>
#include <vector>

/// The README's first way to sleep: one thread takes everything.
namespace sleep_until {
#include <blocks/README/sleep_until_it_interrupts.inc>

using virtq::readme::Machine;

std::vector<std::string> printed;

std::uint64_t kernel_mask_interrupts() {
    return Machine::current().mask_interrupts();
}
void kernel_restore_interrupts(std::uint64_t before) {
    Machine::current().restore_interrupts(before);
}
void kernel_sleep_until_interrupt() {
    Machine::current().sleep_until_interrupt();
}
void kernel_print(char const* sentence) {
    printed.emplace_back(sentence);
}

namespace nothing_in_flight {
#include "bad/sleeps_with_nothing_in_flight.inc"
}
namespace unmasked {
#include "bad/sleeps_unmasked.inc"
}
namespace never_asks {
#include "bad/never_asks.inc"
}
}  // namespace sleep_until

namespace virtq::readme {
namespace {

using sleep_until::Disk;

class SleepUntil : public ::testing::TestWithParam<SleepCase> {
protected:
    void SetUp() override {
        sleep_until::printed.clear();
        sleep_until::disk_changed = false;
        machine.probe(transport);
        ASSERT_TRUE(disk.init(transport, pages).ok());
        machine->listen([this](unsigned number) {
            if (machine.has_messages()) {
                sleep_until::message_handler(disk, static_cast<std::uint16_t>(number));
            } else {
                sleep_until::line_handler(disk);
            }
        });
    }
    void TearDown() override { EXPECT_TRUE(disk.release(pages).ok()); }

    void read_later(std::uint32_t sector) {
        buffers.push_back(machine->buffer(512));
        ASSERT_TRUE(sleep_until::read_later(disk, sector, Machine::segment(buffers.back()), Token{sector}).ok());
    }
    void expect_read(std::uint64_t sectors) {
        EXPECT_EQ(disk.in_flight(), 0u);
        EXPECT_FALSE(machine->are_masked());
        for (std::uint64_t sector = 0; sector < sectors; ++sector) {
            EXPECT_TRUE(machine->holds(buffers[sector], sector)) << "sector " << sector;
        }
    }

    SleepMachine machine{GetParam()};
    AnyTransport<> transport;
    Disk disk;
    MachinePages pages;
    std::vector<sim::Buffer> buffers;
};

INSTANTIATE_TEST_SUITE_P(Cases, SleepUntil, ::testing::ValuesIn(sleep_cases()), name_of);

// faults C1
TEST_P(SleepUntil, FinishesOneRequest) {
    read_later(0);
    sleep_until::finish_all(disk);
    expect_read(1);
    EXPECT_EQ(machine->sleeps, GetParam().pace == Pace::at_each_access ? 0u : 1u);
}

TEST_P(SleepUntil, FinishesManyRequests) {
    for (unsigned round = 0; round < 3; ++round) {
        buffers.clear();
        for (std::uint32_t sector = 0; sector < 5; ++sector) {
            read_later(sector);
        }
        sleep_until::finish_all(disk);
        expect_read(5);
    }
}

TEST_P(SleepUntil, NeverSleepsIdle) {
    sleep_until::finish_all(disk);
    EXPECT_EQ(machine->sleeps, 0u);
}

TEST_P(SleepUntil, NotifiesWhatNobodyStarted) {
    buffers.push_back(machine->buffer(512));
    Segment const data[] = {Machine::segment(buffers.back())};
    ASSERT_TRUE(disk.submit_read(0, data, Token{}).ok());
    sleep_until::finish_all(disk);
    expect_read(1);
}

TEST_P(SleepUntil, PrintsErrors) {
    machine->disk.answer_next_with(1);
    read_later(0);
    sleep_until::finish_all(disk);
    EXPECT_EQ(sleep_until::printed, std::vector<std::string>{describe(Error::io_error)});
}

TEST_P(SleepUntil, EndsWhenDeviceBreaks) {
    machine->disk.swallow_next();
    read_later(0);
    machine->break_down();
    sleep_until::finish_all(disk);
    EXPECT_EQ(disk.in_flight(), 1u);
    unsigned handed_back = 0;
    EXPECT_TRUE(disk.reset([&](BlockCompletion) { ++handed_back; }).ok());
    EXPECT_EQ(handed_back, 1u);
}

// The machine finds what it is for.

TEST_P(SleepUntil, NoticesSleepWithNothingInFlight) {
    read_later(0);
    if (GetParam().pace == Pace::at_each_access) {
        EXPECT_THROW(sleep_until::nothing_in_flight::finish_all(disk), SleepsForEver);
        return;
    }
    static_cast<void>(machine->mask_interrupts());
    EXPECT_THROW(sleep_until::nothing_in_flight::finish_all(disk), SleepsForEver);
}

TEST_P(SleepUntil, NoticesLostWakeUp) {
    read_later(0);
    if (GetParam().pace == Pace::before_sleep) {
        EXPECT_THROW(sleep_until::unmasked::finish_all(disk), SleepsForEver);
    } else {
        sleep_until::unmasked::finish_all(disk);
    }
}

// faults C2
TEST_P(SleepUntil, NoticesMissingRequestForInterrupts) {
    read_later(0);
    if (GetParam().pace == Pace::at_each_access) {
        sleep_until::never_asks::finish_all(disk);  // it never sleeps
    } else {
        EXPECT_THROW(sleep_until::never_asks::finish_all(disk), SleepsForEver);
    }
}

}  // namespace
}  // namespace virtq::readme
