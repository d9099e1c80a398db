// SPDX-License-Identifier: MIT
#include <virtq/device/driver_core.hpp>

#include <support/contract.hpp>

#include <device/echo_driver.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

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

/// Hands the pages of allocation `first` out again as allocation `second`.
struct RepeatingPages {
    Pages allocate_pages(std::size_t count) {
        taken.push_back(taken.size() == second ? Pages{taken[first].virt, taken[first].phys, count}
                                               : memory.allocate_pages(count));
        return taken.back();
    }
    void free_pages(Pages pages) {
        if (pages.virt != taken[first].virt) {  // the test frees these
            memory.free_pages(pages);
        }
    }
    sim::GuestMemory& memory;
    std::size_t first;
    std::size_t second;
    std::vector<Pages> taken{};
};

void expect_pages_refused(std::size_t first, std::size_t second, Features const& unwanted) {
    EchoMachine machine;
    machine.device.offer(sim::wire::feature::indirect_desc);
    ASSERT_TRUE(machine.transport.probe(machine.device.registers()).ok());
    RepeatingPages pages{machine.memory, first, second};
    DriverOption const option{.unwanted = unwanted, .reset_limit = PollLimit{100}};
    EXPECT_EQ(machine.driver.init(machine.transport, pages, option).error(), Error::pages_handed_out_twice)
        << first << " as " << second;
    EXPECT_EQ(machine.driver.last_error(), Error::pages_handed_out_twice);
    EXPECT_EQ(pages.taken.size(), second + 1);
    machine.memory.free_pages(pages.taken[first]);
}

TEST(DriverCore, RefusesPagesHandedOutTwice) {
    auto const no_tables = Features::of(spec::Feature::indirect_desc);
    for (std::size_t second = 1; second < 4; second += 2) {  // the buffers of both queues
        for (std::size_t first = 0; first < second; ++first) {
            expect_pages_refused(first, second, no_tables);
        }
    }
    expect_pages_refused(0, 1, {});  // the tables are the ring
    expect_pages_refused(0, 2, {});  // the buffers are the ring
    expect_pages_refused(1, 2, {});  // the buffers are the tables
}

TEST(DriverCore, NamesAResetBehindItsBack) {
    EchoMachine machine;
    machine.bring_up();
    machine.device.write(sim::wire::mmio::status, 0, 4);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::reset_needed);
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
}

TEST(DriverCore, NamesAQueueThatShrank) {
    for (std::uint16_t index = 0; index < 2; ++index) {
        EchoMachine machine;
        machine.bring_up();
        machine.device.set_queue_size_max(4, index);
        EXPECT_EQ(machine.driver.reset([](RequestCompletion const&) {}).error(), Error::queue_size_not_taken);
        EXPECT_EQ(machine.driver.send(1, Token{}).error(), Error::reset_needed);
    }
}

TEST(DriverCore, RejectsASecondInit) {
    EchoMachine machine;
    machine.bring_up();
    EXPECT_BREACH(machine.driver.init(machine.transport, machine.memory), "in use");
}

// The device fails at DRIVER_OK, with its queues enabled, and its reset does not end: then nobody may free the pages.
TEST(DriverCore, KeepsPagesOfADeviceThatMayWrite) {
    bool failed = false;  // before the machine, whose end accesses the device once more
    EchoMachine machine;
    machine.device.before_access([&](std::uint16_t offset, bool is_write) {
        bool const is_status = offset == sim::wire::mmio::status && is_write;
        if (is_status && !failed && (machine.device.status() & sim::wire::status::features_ok) != 0) {
            failed = true;
            machine.device.need_reset();
            machine.device.reset_takes(sim::MmioDevice::never);
        }
    });
    EXPECT_EQ(machine.init().error(), Error::init_needs_reset);
    EXPECT_TRUE(failed);
    EXPECT_NE(machine.memory.pages_outstanding(), 0u);
    EXPECT_EQ(machine.driver.transport(), &machine.transport);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.send(1, Token{}).error(), Error::not_initialised);
    EXPECT_EQ(machine.driver.take_completed().error, Error::not_initialised);
    EXPECT_EQ(machine.driver.release(machine.memory, PollLimit{10}).error(), Error::reset_timed_out);
    machine.device.reset_takes(0);
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    EXPECT_EQ(machine.memory.pages_outstanding(), 0u);
    machine.bring_up();
    EXPECT_TRUE(machine.driver.ask(1, PollLimit{10}, machine.stepping()).ok());
}

// From the second allocation on, the device has a queue already: it is reset before its pages come back.
TEST(DriverCore, GivesBackWhatItTookBefore) {
    for (std::size_t n = 0; n < 4; ++n) {  // the rings and the buffers of both queues
        EchoMachine machine;
        machine.memory.fail_allocation(n);
        EXPECT_EQ(machine.init().error(), Error::no_pages) << n;
        EXPECT_EQ(machine.memory.pages_outstanding(), 0u) << n;
        EXPECT_EQ(machine.device.status() == 0, n != 0) << n;
        EXPECT_EQ(machine.driver.transport(), nullptr);
        machine.bring_up();
        EXPECT_EQ(machine.memory.allocations(), n + 1 + 4);
    }
}

TEST(DriverCore, RejectsADeviceItCannotUse) {
    EchoMachine machine;
    machine.driver.refused = Error::zoned_host_managed;
    EXPECT_EQ(machine.init().error(), Error::zoned_host_managed);
    EXPECT_EQ(machine.driver.last_error(), Error::zoned_host_managed);
    machine.driver.refused = Error::none;
    machine.driver.configured = Error::config_too_short;
    EXPECT_EQ(machine.init().error(), Error::config_too_short);
    EXPECT_EQ(machine.memory.allocations(), 0u);
    machine.driver.configured = Error::none;
    machine.bring_up();
    machine.driver.configured = Error::config_unstable;
    EXPECT_EQ(machine.driver.reset([](RequestCompletion const&) {}).error(), Error::config_unstable);
    EXPECT_EQ(machine.driver.check_alive().error(), Error::reset_needed);
    machine.driver.configured = Error::none;
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
}

TEST(DriverCore, LeavesOutAQueueThatIsNotUsed) {
    EchoMachine machine;
    machine.driver.has_events = false;
    machine.bring_up();
    EXPECT_EQ(machine.driver.events.ring().size(), 0u);
    unsigned rings = 0;
    for (std::uint16_t index = 0; index < 4; ++index) {
        machine.driver.visit_ring(index, [&](auto const&) { rings += index; });
    }
    EXPECT_EQ(rings, 1u);
    machine.driver.has_events = true;  // too late: it has no pages
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_EQ(machine.driver.events.ring().size(), 0u);
    EXPECT_TRUE(machine.driver.ask(1, PollLimit{10}, machine.stepping()).ok());
}

TEST(DriverCore, DoesNotNotifyAQueueOfBefore) {
    EchoMachine machine;
    machine.bring_up();
    EXPECT_EQ(machine.device.notifications(0), 1u);  // for the buffers that were posted before DRIVER_OK
    machine.driver.has_events = false;               // as the device is configured after the reset
    EXPECT_TRUE(machine.driver.reset([](RequestCompletion const&) {}).ok());
    EXPECT_EQ(machine.device.notifications(0), 1u);
    EXPECT_FALSE(machine.driver.events.ring().is_live());
    EXPECT_TRUE(machine.driver.ask(1, PollLimit{10}, machine.stepping()).ok());
}

TEST(DriverCore, NamesTheErrorOfEachQueue) {
    EchoMachine machine;
    EXPECT_EQ(machine.driver.last_error(), Error::none);
    machine.bring_up();
    Segment const nothing{PhysAddr{4096}, 0};
    EXPECT_EQ(machine.driver.send(1, Token{}, nothing).error(), Error::segment_empty);
    EXPECT_EQ(machine.driver.last_error(0), Error::none);
    EXPECT_EQ(machine.driver.last_error(1), Error::segment_empty);
    EXPECT_EQ(machine.driver.last_error(2), Error::none);  // there is no such queue
}

TEST(DriverCore, NamesTheNeedForALargerN) {
    EchoMachine machine;
    machine.device.set_queue_size_max(16, 1);
    machine.bring_up();  // a modern device takes a smaller size
    EXPECT_EQ(machine.driver.required_queue_size(), 0u);
}

TEST(DriverCore, LeavesUnwantedFeaturesOut) {
    EchoMachine machine;
    machine.device.offer(sim::wire::feature::event_idx);
    machine.bring_up();
    EXPECT_TRUE(machine.driver.negotiation().negotiated.has(spec::Feature::event_idx));
    EXPECT_TRUE(machine.driver.release(machine.memory).ok());
    EXPECT_TRUE(machine.driver.negotiation().negotiated.has(spec::Feature::event_idx));
    ASSERT_TRUE(machine.driver
                    .init(machine.transport, machine.memory,
                          {.unwanted = Features::of(spec::Feature::event_idx), .reset_limit = PollLimit{100}})
                    .ok());
    EXPECT_FALSE(machine.driver.negotiation().negotiated.has(spec::Feature::event_idx));
}

TEST(DriverCore, KeepsTheFirstFault) {
    EchoMachine machine;
    machine.bring_up();
    machine.backend.answer_bytes = 1;
    EXPECT_EQ(machine.driver.ask(1, PollLimit{10}, machine.stepping()).error(), Error::answer_invalid);
    machine.backend.answer_bytes = 2;
    EXPECT_EQ(machine.driver.ask(1, PollLimit{10}, machine.stepping()).error(), Error::answer_invalid);
    EXPECT_EQ(machine.driver.driver_fault().value, 1u);
}

}  // namespace
}  // namespace virtq::test
