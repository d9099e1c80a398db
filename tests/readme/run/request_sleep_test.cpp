// SPDX-License-Identifier: MIT
#include "sleep_machine.hpp"

#include <cstdint>
#include <functional>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

/// The README's second way to sleep, that of xv6: each thread on its own request.
namespace request_sleep {
#include <blocks/README/sleep_until_it_interrupts_2.inc>

using virtq::readme::Machine;

struct Lock {
    bool is_held = false;
    std::uint64_t before = 0;
};
Lock disk_lock;
std::set<void*> woken;
/// Called when a thread goes to sleep: another one of the kernel may run then.
std::function<void()> other_thread;

void acquire(Lock& lock) {
    std::uint64_t const before = Machine::current().mask_interrupts();
    if (lock.is_held) {
        throw std::logic_error("a deadlock: the handler runs while the lock is held");
    }
    lock = {true, before};
}
void release(Lock& lock) {
    lock.is_held = false;
    Machine::current().restore_interrupts(lock.before);
}
/// What wakes this channel between the release of the lock and the sleep is not lost, as in xv6.
void sleep(void* channel, Lock& lock) {
    if (!lock.is_held) {
        throw std::logic_error("sleep() without the lock");
    }
    woken.erase(channel);
    release(lock);
    if (other_thread) {
        std::exchange(other_thread, nullptr)();
    }
    std::uint64_t const before = Machine::current().mask_interrupts();  // as the idle loop of a scheduler does
    while (woken.count(channel) == 0) {
        Machine::current().sleep_until_interrupt();
    }
    Machine::current().restore_interrupts(before);
    acquire(lock);
}
void wakeup(void* channel) {
    woken.insert(channel);
}
void panic(char const* sentence) {
    throw virtq::readme::Panic(sentence);
}
}  // namespace request_sleep

namespace virtq::readme {
namespace {

using request_sleep::disk;

class RequestSleep : public ::testing::TestWithParam<SleepCase> {
protected:
    void SetUp() override {
        request_sleep::disk_lock = {};
        request_sleep::other_thread = nullptr;
        machine.probe(transport);
        ASSERT_TRUE(disk.init(transport, pages).ok());
        machine->listen([this](unsigned number) {
            if (machine.has_messages()) {
                request_sleep::message_handler(static_cast<std::uint16_t>(number));
            } else {
                request_sleep::line_handler();
            }
        });
    }
    void TearDown() override { EXPECT_TRUE(disk.release(pages).ok()); }

    Error read(std::uint64_t sector) {
        buffers.push_back(machine->buffer(512));
        std::size_t const mine = buffers.size() - 1;
        Error const error = request_sleep::read_and_sleep(sector, Machine::segment(buffers[mine]));
        if (error == Error::none) {
            EXPECT_TRUE(machine->holds(buffers[mine], sector));
        }
        return error;
    }

    SleepMachine machine{GetParam()};
    AnyTransport<> transport;
    MachinePages pages;
    std::vector<sim::Buffer> buffers;
};

INSTANTIATE_TEST_SUITE_P(Cases, RequestSleep, ::testing::ValuesIn(sleep_cases()), name_of);

// faults C2
TEST_P(RequestSleep, ReadsOneAfterAnother) {
    request_sleep::ask_for_interrupts();
    for (std::uint64_t sector = 0; sector < 20; ++sector) {
        EXPECT_EQ(read(sector), Error::none);
    }
}

TEST_P(RequestSleep, ServesTwoThreads) {
    request_sleep::ask_for_interrupts();
    Error other = Error::timed_out;
    request_sleep::other_thread = [&] { other = read(5); };
    EXPECT_EQ(read(4), Error::none);
    EXPECT_EQ(other, Error::none);
}

TEST_P(RequestSleep, WaitsForRoom) {
    request_sleep::ask_for_interrupts();
    sim::Buffer const filler = machine->buffer(512);
    Segment const data[] = {Machine::segment(filler)};
    std::vector<request_sleep::Request> fillers(256);
    std::size_t count = 0;
    while (disk.submit_read(0, data, Token{&fillers[count]}).ok()) {
        ++count;
    }
    disk.kick_device();
    EXPECT_EQ(read(3), Error::none);
}

TEST_P(RequestSleep, ReturnsErrors) {
    request_sleep::ask_for_interrupts();
    machine->disk.answer_next_with(1);
    EXPECT_EQ(read(1), Error::io_error);
    EXPECT_EQ(read(disk.capacity_sectors()), Error::beyond_capacity);
    EXPECT_EQ(read(1), Error::none);
}

TEST_P(RequestSleep, PanicsWhenDeviceBreaks) {
    request_sleep::ask_for_interrupts();
    EXPECT_THROW(machine->break_down(); machine->wait_for([&] {
        machine->restore_interrupts(0);
        return false;
    }),
                                        Panic);
    unsigned handed_back = 0;
    request_sleep::disk_lock = {};
    EXPECT_TRUE(disk.reset([&](BlockCompletion) { ++handed_back; }).ok());
    EXPECT_EQ(handed_back, 0u);
}

// Notifications are off after init().
TEST_P(RequestSleep, HangsWithoutAskingFirst) {
    EXPECT_THROW(static_cast<void>(read(0)), SleepsForEver);
    static_cast<void>(machine->mask_interrupts());
}

// ... and after reset().
TEST_P(RequestSleep, AsksAgainAfterReset) {
    request_sleep::ask_for_interrupts();
    EXPECT_EQ(read(0), Error::none);
    ASSERT_TRUE(disk.reset([](BlockCompletion) { FAIL(); }).ok());
    request_sleep::ask_for_interrupts();
    EXPECT_EQ(read(1), Error::none);
}

}  // namespace
}  // namespace virtq::readme
