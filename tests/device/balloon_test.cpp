// SPDX-License-Identifier: MIT
#include <virtq/device/balloon.hpp>

#include <device/measured_transport.hpp>
#include <support/contract.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/balloon_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <vector>

namespace virtq::test {
namespace {

using spec::balloon::StatTag;
using BalloonTransport = MmioTransport<sim::MmioRegisters>;

struct SmallBalloon : BalloonTraits {
    static constexpr uint32_t pages_at_once = 4;
    using Format = AnyFormat;
};

/// A guest with a balloon, and a kernel that keeps a list of what is in it.
struct BalloonGuest {
    using Driver = BalloonDevice<BalloonTransport, 4, SmallBalloon>;

    explicit BalloonGuest(sim::BalloonOptions options = {}, sim::MmioVersion version = sim::MmioVersion::modern)
        : host(memory, std::move(options)), device(memory, host, version) {}
    ~BalloonGuest() {
        EXPECT_TRUE(driver.release(memory).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }
    void bring_up() {
        ASSERT_TRUE(transport.probe(device.registers()).ok());
        Status const up = driver.init(transport, memory, {.reset_limit = PollLimit{100}});
        ASSERT_TRUE(up.ok()) << describe(up.error());
    }
    void ask_for(uint32_t pages) {
        device.change_config([&] { host.ask_for(pages); });
        EXPECT_TRUE(transport.on_interrupt().config_change);
        EXPECT_TRUE(driver.on_config_change().ok());
    }
    std::vector<PhysAddr> take(size_t count) {
        std::vector<PhysAddr> taken;
        while (count-- != 0) {
            runs.push_back(memory.allocate_pages(1));
            taken.push_back(runs.back().phys);
        }
        return taken;
    }
    /// Pages back to the allocator; a page that the host holds is a violation.
    void give_back(size_t count) {
        while (count-- != 0) {
            memory.free_pages(runs.back());
            runs.pop_back();
        }
    }
    std::vector<PhysAddr> last(size_t count) const {
        std::vector<PhysAddr> pages;
        for (size_t i = runs.size() - count; i < runs.size(); ++i) {
            pages.push_back(runs[i].phys);
        }
        return pages;
    }
    auto step() {
        return [this] { device.step(); };
    }

    sim::GuestMemory memory;
    sim::BalloonDevice host;
    sim::MmioDevice device;
    BalloonTransport transport;
    Driver driver;
    std::vector<Pages> runs;
};

struct BalloonOnBoth : testing::TestWithParam<sim::MmioVersion> {};
INSTANTIATE_TEST_SUITE_P(Balloon, BalloonOnBoth, testing::Values(sim::MmioVersion::legacy, sim::MmioVersion::modern));

TEST_P(BalloonOnBoth, InflatesAndDeflates) {
    BalloonGuest guest{{.num_pages = 3}, GetParam()};
    guest.bring_up();
    EXPECT_EQ(guest.driver.target_pages(), 3u);
    EXPECT_EQ(guest.driver.held_pages(), 0u);
    EXPECT_TRUE(guest.driver.must_tell_host());
    auto const pages = guest.take(3);
    ASSERT_TRUE(guest.driver.inflate(pages, PollLimit{10}, guest.step()).ok());
    EXPECT_EQ(guest.driver.held_pages(), 3u);
    EXPECT_EQ(guest.host.actual(), 3u);
    for (PhysAddr const page : pages) {
        EXPECT_TRUE(guest.host.has_page(page));
    }
    EXPECT_EQ(guest.driver.deflatable_pages(), 0u);
    EXPECT_BREACH(guest.driver.submit_deflate(pages, Token{1}), "deflatable_pages");
    guest.ask_for(1);
    EXPECT_EQ(guest.driver.target_pages(), 1u);
    EXPECT_EQ(guest.driver.deflatable_pages(), 2u);
    ASSERT_TRUE(guest.driver.deflate(guest.last(2), PollLimit{10}, guest.step()).ok());
    EXPECT_EQ(guest.host.actual(), 1u);
    EXPECT_EQ(guest.host.pages(), 1u);
    guest.give_back(2);
    guest.ask_for(0);
    ASSERT_TRUE(guest.driver.deflate(guest.last(1), PollLimit{10}, guest.step()).ok());
    EXPECT_EQ(guest.host.actual(), 0u);
    guest.give_back(1);
}

TEST_P(BalloonOnBoth, AnswersStatisticsOnlyWhenAsked) {
    BalloonGuest guest{{}, GetParam()};
    guest.bring_up();
    BalloonStat stats[] = {{StatTag::memfree, 0x123456789abcdef0}, {StatTag::memtot, 2}, {StatTag::minflt, 3}};
    EXPECT_TRUE(guest.driver.wants_stats());  // the first buffer is the driver's
    ASSERT_TRUE(guest.driver.answer_stats(stats).ok());
    guest.device.step();
    EXPECT_EQ(guest.host.answers(), 1u);
    // With the legacy interface a device ignores what is in the first buffer (§5.5.6.3.3).
    EXPECT_EQ(guest.host.stats().size(), GetParam() == sim::MmioVersion::legacy ? 0u : 3u);
    EXPECT_FALSE(guest.driver.wants_stats());
    EXPECT_EQ(guest.driver.answer_stats(stats).error(), Error::queue_full);
    for (uint64_t turn = 10; turn != 30; ++turn) {  // more often than the queue has descriptors
        guest.host.ask_for_stats();
        guest.device.step();
        EXPECT_TRUE(guest.driver.wants_stats());
        stats[1].value = turn;
        ASSERT_TRUE(guest.driver.answer_stats(stats).ok());
        guest.device.step();
        EXPECT_EQ(guest.host.stats()[5], turn);
        EXPECT_EQ(guest.host.stats()[4], 0x123456789abcdef0u);
        EXPECT_EQ(guest.host.stats().size(), 3u);
    }
    EXPECT_EQ(guest.host.answers(), 21u);
}

TEST(Balloon, HandsOutManyRequestsInBothDirections) {
    BalloonGuest guest{{.num_pages = 1000}};
    guest.bring_up();
    EXPECT_EQ(guest.driver.enable_used_notifications(), MaySleep::yes);
    for (uintptr_t i = 1; i <= 4; ++i) {
        ASSERT_TRUE(guest.driver.submit_inflate(guest.take(i), Token{i}).ok());
    }
    EXPECT_EQ(guest.driver.submit_inflate(guest.take(1), Token{5}).error(), Error::queue_full);
    EXPECT_EQ(guest.driver.last_error(0), Error::queue_full);
    EXPECT_EQ(guest.driver.in_flight(), 4u);
    guest.give_back(1);
    EXPECT_EQ(guest.driver.held_pages(), 0u);
    guest.driver.kick_device();
    guest.device.step();
    guest.device.step();
    EXPECT_TRUE(guest.transport.on_interrupt().used_buffer);
    EXPECT_EQ(guest.driver.enable_used_notifications(), MaySleep::no);  // the other queues have nothing
    for (uintptr_t i = 1; i <= 4; ++i) {
        RequestCompletion const done = guest.driver.take_completed();
        ASSERT_EQ(done.state, CompletionState::ready);
        EXPECT_EQ(done.token, Token{i});
        EXPECT_EQ(done.bytes, i * 4096);
    }
    EXPECT_EQ(guest.driver.take_completed().state, CompletionState::none);
    EXPECT_EQ(guest.host.actual(), 10u);
    EXPECT_EQ(guest.host.writes_of_actual(), 2u);  // once at the start, once for all four
    guest.ask_for(5);
    ASSERT_TRUE(guest.driver.submit_deflate(guest.last(4), Token{6}).ok());
    EXPECT_EQ(guest.driver.deflatable_pages(), 1u);
    EXPECT_BREACH(guest.driver.submit_deflate(guest.last(2), Token{7}), "deflatable_pages");
    EXPECT_EQ(guest.driver.in_flight(), 1u);
    guest.driver.kick_device();
    guest.device.step();
    guest.device.step();
    EXPECT_EQ(guest.driver.take_completed().token, Token{6});
    EXPECT_EQ(guest.driver.held_pages(), 6u);
    EXPECT_EQ(guest.host.actual(), 6u);
    EXPECT_TRUE(guest.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
    guest.give_back(10);
}

TEST(Balloon, CountsNoPagesOfARefusedDeflation) {
    BalloonGuest guest{{.num_pages = 6}};
    guest.bring_up();
    ASSERT_TRUE(guest.driver.inflate(guest.take(4), PollLimit{10}, guest.step()).ok());
    ASSERT_TRUE(guest.driver.inflate(guest.take(2), PollLimit{10}, guest.step()).ok());
    guest.ask_for(0);
    auto const pages = guest.last(6);
    for (uintptr_t i = 0; i < 4; ++i) {
        ASSERT_TRUE(guest.driver.submit_deflate({&pages[i], 1}, Token{i}).ok());
    }
    EXPECT_EQ(guest.driver.submit_deflate({&pages[4], 1}, Token{4}).error(), Error::queue_full);
    EXPECT_EQ(guest.driver.deflatable_pages(), 2u);
    guest.driver.kick_device();
    guest.device.step();
    for (uintptr_t i = 0; i < 4; ++i) {
        EXPECT_EQ(guest.driver.take_completed().token, Token{i});
    }
    ASSERT_TRUE(guest.driver.deflate({&pages[4], 2}, PollLimit{10}, guest.step()).ok());
    EXPECT_EQ(guest.driver.held_pages(), 0u);
    guest.give_back(6);
}

TEST(Balloon, HandsEachTokenBackAfterATimeOut) {
    BalloonGuest guest{{.num_pages = 100}};
    guest.bring_up();
    ASSERT_TRUE(guest.driver.inflate(guest.take(4), PollLimit{10}, guest.step()).ok());
    BalloonStat const stats[] = {{StatTag::memfree, 1}, {StatTag::memtot, 2}, {StatTag::minflt, 3}};
    ASSERT_TRUE(guest.driver.answer_stats(stats).ok());
    ASSERT_TRUE(guest.driver.submit_inflate(guest.take(2), Token{7}).ok());
    guest.driver.kick_device();
    guest.device.step();
    guest.device.step();
    guest.host.hold();
    guest.ask_for(3);
    ASSERT_TRUE(guest.driver.submit_deflate(guest.last(1), Token{8}).ok());
    ASSERT_TRUE(guest.driver.submit_inflate(guest.take(1), Token{9}).ok());
    EXPECT_EQ(guest.driver.inflate(guest.take(1), PollLimit{10}, guest.step()).error(), Error::timed_out);
    EXPECT_EQ(guest.driver.submit_inflate(guest.last(1), Token{10}).error(), Error::reset_needed);
    EXPECT_FALSE(guest.driver.wants_stats());
    guest.driver.kick_device();
    guest.device.step();
    EXPECT_TRUE(guest.host.parked(sim::BalloonDevice::deflate_queue).empty());  // Token{8} was never published
    std::vector<std::pair<uintptr_t, Error>> back;
    Status const up = guest.driver.reset(
        [&](RequestCompletion const& ended) { back.emplace_back(ended.token.value(), ended.error); }, guest.step());
    ASSERT_TRUE(up.ok()) << describe(up.error());
    std::vector<std::pair<uintptr_t, Error>> const wanted{
        {7, Error::none}, {9, Error::request_cancelled}, {8, Error::request_cancelled}};
    EXPECT_EQ(back, wanted);
    EXPECT_EQ(guest.driver.held_pages(), 0u);
    EXPECT_EQ(guest.host.actual(), 0u);
    EXPECT_EQ(guest.host.pages(), 0u);
    guest.give_back(8);  // all pages are the kernel's
    guest.host.go_on();
    EXPECT_EQ(guest.driver.target_pages(), 3u);
    EXPECT_TRUE(guest.driver.wants_stats());
    ASSERT_TRUE(guest.driver.answer_stats(stats).ok());
    ASSERT_TRUE(guest.driver.inflate(guest.take(3), PollLimit{10}, guest.step()).ok());
    EXPECT_EQ(guest.host.actual(), 3u);
    EXPECT_EQ(guest.host.answers(), 2u);
    ASSERT_TRUE(guest.driver.release(guest.memory).ok());
    guest.give_back(3);
}

TEST(Balloon, EndsAWaitWhoseHookResets) {
    BalloonGuest guest{{.num_pages = 4}};
    guest.bring_up();
    guest.host.hold();
    bool done = false;
    auto const resets = [&] {
        if (!std::exchange(done, true)) {
            EXPECT_TRUE(guest.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
        }
    };
    EXPECT_EQ(guest.driver.inflate(guest.take(2), PollLimit{10}, resets).error(), Error::request_cancelled);
    EXPECT_EQ(guest.driver.held_pages(), 0u);
    guest.give_back(2);
}

TEST(Balloon, WorksWithoutFeatures) {
    BalloonGuest guest{{.features = {}, .num_pages = 4}};
    guest.bring_up();
    EXPECT_FALSE(guest.driver.must_tell_host());
    EXPECT_FALSE(guest.driver.wants_stats());
    EXPECT_EQ(guest.driver.enable_used_notifications(), MaySleep::yes);
    ASSERT_TRUE(guest.driver.inflate(guest.take(4), PollLimit{10}, guest.step()).ok());
    guest.ask_for(0);
    ASSERT_TRUE(guest.driver.submit_deflate(guest.last(4), Token{1}).ok());
    guest.give_back(4);  // before the host hears of it: nobody has to wait
    guest.driver.kick_device();
    guest.device.step();
    guest.device.step();
    EXPECT_EQ(guest.driver.take_completed().token, Token{1});
}

TEST(Balloon, InterruptsOnlyWhoWantsIt) {
    BalloonGuest guest{{.features = {}, .num_pages = 4}};
    EXPECT_EQ(guest.driver.enable_used_notifications(), MaySleep::broken);
    guest.driver.disable_used_notifications();  // does nothing before init
    guest.bring_up();
    EXPECT_EQ(guest.driver.enable_used_notifications(), MaySleep::yes);
    guest.driver.disable_used_notifications();
    ASSERT_TRUE(guest.driver.inflate(guest.take(2), PollLimit{10}, guest.step()).ok());
    EXPECT_FALSE(guest.transport.on_interrupt().used_buffer);
    EXPECT_EQ(guest.driver.enable_used_notifications(), MaySleep::yes);
    ASSERT_TRUE(guest.driver.inflate(guest.take(2), PollLimit{10}, guest.step()).ok());
    EXPECT_TRUE(guest.transport.on_interrupt().used_buffer);
    EXPECT_TRUE(guest.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
    guest.give_back(4);
}

TEST(Balloon, DeflatesBelowTheTargetIfPermitted) {
    BalloonGuest guest{{.features = {0, 2}, .num_pages = 4}};
    guest.bring_up();
    ASSERT_TRUE(guest.driver.inflate(guest.take(4), PollLimit{10}, guest.step()).ok());
    EXPECT_EQ(guest.driver.deflatable_pages(), 4u);
    ASSERT_TRUE(guest.driver.deflate(guest.last(4), PollLimit{10}, guest.step()).ok());
    guest.give_back(4);
}

TEST(Balloon, TakesAnyTarget) {
    BalloonGuest guest{{.num_pages = UINT32_MAX}};
    guest.bring_up();
    EXPECT_EQ(guest.driver.target_pages(), UINT32_MAX);
    EXPECT_EQ(guest.driver.deflatable_pages(), 0u);
    guest.device.unsettle_config();
    guest.device.change_config([&] { guest.host.ask_for(5); });
    EXPECT_EQ(guest.driver.on_config_change().error(), Error::config_unstable);
    EXPECT_EQ(guest.driver.target_pages(), UINT32_MAX);
    guest.device.unsettle_config(0);
}

TEST(Balloon, RejectsPagesThatHaveNoNumber) {
    BalloonGuest guest;
    guest.bring_up();
    PhysAddr const odd[] = {PhysAddr{4096 + 8}};
    PhysAddr const high[] = {PhysAddr{uint64_t{1} << 44}};
    PhysAddr const many[] = {PhysAddr{0}, PhysAddr{0}, PhysAddr{0}, PhysAddr{0}, PhysAddr{0}};
    EXPECT_BREACH(guest.driver.submit_inflate(many, Token{}), "pages_at_once");
    EXPECT_BREACH(guest.driver.submit_inflate({}, Token{}), "pages_at_once");
    EXPECT_BREACH(guest.driver.submit_inflate(odd, Token{}), "multiple of 4096");
    EXPECT_BREACH(guest.driver.submit_inflate(high, Token{}), "below 16 TiB");
    PhysAddr const last[] = {PhysAddr{(uint64_t{1} << 44) - 4096}};
    EXPECT_TRUE(guest.driver.submit_inflate(last, Token{}).ok());
}

TEST(Balloon, DistrustsLengths) {
    BalloonGuest guest{{.num_pages = 4}};
    guest.bring_up();
    guest.host.report_next_length(1);
    EXPECT_EQ(guest.driver.inflate(guest.take(4), PollLimit{10}, guest.step()).error(), Error::queue_broken);
    EXPECT_EQ(guest.driver.check_alive().error(), Error::queue_broken);
    EXPECT_TRUE(guest.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
    guest.give_back(4);
}

TEST(Balloon, NamesABrokenQueueBehindOthers) {
    BalloonGuest guest{{.features = {1, 5}, .num_pages = 1}};
    guest.bring_up();
    ASSERT_TRUE(guest.driver.inflate(guest.take(1), PollLimit{10}, guest.step()).ok());
    guest.ask_for(0);
    auto const page = guest.last(1);
    Segment const memory{page[0], 4096};
    auto const expect_broken = [&] {
        guest.driver.kick_device();
        guest.device.step();
        RequestCompletion const taken = guest.driver.take_completed();
        EXPECT_EQ(taken.state, CompletionState::broken);
        EXPECT_EQ(taken.error, Error::queue_broken);
        EXPECT_TRUE(guest.driver.reset([](RequestCompletion const&) {}).ok());
    };
    ASSERT_TRUE(guest.driver.submit_deflate(page, Token{1}).ok());
    guest.host.report_next_length(1);
    expect_broken();
    ASSERT_TRUE(guest.driver.submit_report(memory, Token{2}).ok());
    guest.host.report_next_length(4097);
    expect_broken();
    guest.give_back(1);
}

TEST(Balloon, WantsNoStatsOnABrokenQueue) {
    BalloonStat const stats[] = {{StatTag::memfree, 1}, {StatTag::memtot, 2}, {StatTag::minflt, 3}};
    BalloonGuest guest;
    guest.bring_up();
    ASSERT_TRUE(guest.driver.answer_stats(stats).ok());
    guest.device.step();
    guest.host.ask_for_stats();
    guest.device.step();
    EXPECT_TRUE(guest.driver.wants_stats());
    guest.device.ring(sim::BalloonDevice::stats_queue)->write_used_idx_raw(2);  // it has no buffer any more
    EXPECT_FALSE(guest.driver.wants_stats());
    EXPECT_EQ(guest.driver.answer_stats(stats).error(), Error::reset_needed);
}

TEST(Balloon, BreaksWithEachQueue) {
    BalloonStat const stats[] = {{StatTag::memfree, 1}, {StatTag::memtot, 2}, {StatTag::minflt, 3}};
    Segment const page{PhysAddr{4096}, 4096};
    BalloonGuest guest{{.num_pages = 4}};
    guest.bring_up();
    ASSERT_TRUE(guest.driver.submit_inflate(guest.take(1), Token{1}).ok());
    ASSERT_TRUE(guest.driver.submit_inflate(guest.take(1), Token{2}).ok());
    guest.driver.kick_device();
    guest.host.hold();
    guest.device.step();
    auto const parked = guest.host.parked(sim::BalloonDevice::inflate_queue);
    ASSERT_EQ(parked.size(), 2u);
    EXPECT_TRUE(guest.host.complete(sim::BalloonDevice::inflate_queue, parked[0], 0));
    EXPECT_TRUE(guest.host.complete(sim::BalloonDevice::inflate_queue, parked[1], 1));
    guest.device.step();
    EXPECT_EQ(guest.driver.take_completed().token, Token{1});
    RequestCompletion const broken = guest.driver.take_completed();
    EXPECT_EQ(broken.state, CompletionState::broken);
    EXPECT_EQ(broken.error, Error::queue_broken);
    EXPECT_EQ(guest.host.writes_of_actual(), 1u);  // nothing more is said to a device that is given up
    EXPECT_TRUE(guest.driver.reset([](RequestCompletion const&) {}).ok());
    guest.give_back(2);
    guest.host.go_on();
    ASSERT_TRUE(guest.driver.answer_stats(stats).ok());
    guest.device.step();
    guest.host.report_next_length(1);
    guest.host.ask_for_stats();
    guest.device.step();
    EXPECT_EQ(guest.driver.answer_stats(stats).error(), Error::queue_broken);
    EXPECT_FALSE(guest.driver.wants_stats());
    ASSERT_TRUE(guest.driver.release(guest.memory).ok());
    EXPECT_EQ(guest.driver.target_pages(), 0u);
    EXPECT_EQ(guest.driver.answer_stats(stats).error(), Error::not_initialised);
    EXPECT_EQ(guest.driver.submit_report(page, Token{}).error(), Error::not_initialised);
}

TEST(Balloon, TakesNoFeatureThatComesWithAReset) {
    BalloonGuest guest{{.features = {0, 1, 5}}};
    guest.device.offer(1, false);
    guest.device.offer(5, false);
    guest.bring_up();
    guest.device.offer(1);
    guest.device.offer(5);
    EXPECT_TRUE(guest.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
    EXPECT_FALSE(guest.driver.can_report());  // it has no pages for that queue
    EXPECT_FALSE(guest.driver.wants_stats());
    EXPECT_EQ(guest.driver.enable_used_notifications(), MaySleep::yes);
}

TEST(Balloon, KicksNoQueueThatAResetTakes) {
    BalloonGuest guest{{.features = {1, 5}}};
    guest.bring_up();
    Segment const memory{guest.take(1)[0], 4096};
    ASSERT_TRUE(guest.driver.submit_report(memory, Token{5}).ok());
    guest.device.offer(5, false);
    std::vector<uintptr_t> back;
    EXPECT_TRUE(guest.driver.reset([&](RequestCompletion const& ended) { back.push_back(ended.token.value()); }).ok());
    EXPECT_EQ(back, std::vector<uintptr_t>{5});
    guest.driver.kick_device();
    guest.device.step();
    EXPECT_EQ(guest.host.reported_bytes(), 0u);
    guest.give_back(1);
}

TEST(Balloon, IsEmptyAfterRelease) {
    BalloonGuest guest{{.num_pages = 2}};
    guest.bring_up();
    ASSERT_TRUE(guest.driver.inflate(guest.take(2), PollLimit{10}, guest.step()).ok());
    guest.ask_for(1);
    ASSERT_TRUE(guest.driver.submit_deflate(guest.last(1), Token{1}).ok());
    ASSERT_TRUE(guest.driver.release(guest.memory).ok());
    EXPECT_EQ(guest.driver.held_pages(), 0u);
    EXPECT_EQ(guest.driver.target_pages(), 0u);
    EXPECT_EQ(guest.driver.deflatable_pages(), 0u);
    guest.give_back(2);
}

TEST(Balloon, GivesEverythingBack) {
    for (size_t n = 0; n < 6; ++n) {
        BalloonGuest guest{{.num_pages = 4}};
        ASSERT_TRUE(guest.transport.probe(guest.device.registers()).ok());
        guest.memory.fail_allocation(n);
        EXPECT_EQ(guest.driver.init(guest.transport, guest.memory, {.reset_limit = PollLimit{9}}).error(),
                  Error::no_pages);
        EXPECT_EQ(guest.memory.pages_outstanding(), 0u);
        EXPECT_EQ(guest.driver.submit_inflate({}, Token{}).error(), Error::not_initialised);
        EXPECT_FALSE(guest.driver.wants_stats());
    }
    BalloonGuest guest{{.num_pages = 4}};
    guest.bring_up();
    ASSERT_TRUE(guest.driver.submit_inflate(guest.take(2), Token{3}).ok());
    guest.driver.kick_device();
    guest.device.vanish();
    EXPECT_EQ(guest.driver.on_config_change().error(), Error::device_gone);
    std::vector<Error> back;
    EXPECT_EQ(guest.driver.reset([&](RequestCompletion const& ended) { back.push_back(ended.error); }).error(),
              Error::device_gone);
    EXPECT_EQ(back, std::vector<Error>{Error::device_gone});
    guest.device.vanish(false);
    EXPECT_TRUE(guest.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
    guest.give_back(2);
}

TEST(Balloon, PadsStatistics) {
    BalloonGuest guest;
    guest.bring_up();
    BalloonStat const stats[] = {
        {StatTag::memfree, 1}, {StatTag::memtot, 2}, {StatTag::minflt, 3}, {StatTag::avail, 4}};
    ASSERT_TRUE(guest.driver.answer_stats(stats).ok());
    guest.device.step();
    EXPECT_EQ(guest.host.stats(), (std::map<uint16_t, uint64_t>{{3, 3}, {4, 1}, {5, 2}, {6, 4}}));
    BalloonStat const many[balloon_stats_max + 1] = {};
    EXPECT_BREACH(guest.driver.answer_stats(many), "balloon_stats_max");
    EXPECT_BREACH(guest.driver.answer_stats({}), "balloon_stats_max");
}

TEST(Balloon, SendsAsManyStatisticsAsFit) {
    BalloonGuest guest;
    guest.bring_up();
    BalloonStat most[balloon_stats_max];
    for (uint16_t i = 0; i < balloon_stats_max; ++i) {
        most[i] = {static_cast<StatTag>(i), uint64_t{100} + i};
    }
    ASSERT_TRUE(guest.driver.answer_stats(most).ok());
    guest.device.step();
    auto const stats = guest.host.stats();
    ASSERT_EQ(stats.size(), 10u);  // the host ignores tags that it does not know
    EXPECT_EQ(stats.begin()->second, 100u);
    EXPECT_EQ(stats.rbegin()->second, 109u);
}

TEST(Balloon, NamesStatisticsThatNobodyWants) {
    BalloonGuest guest{{.features = {}}};
    guest.bring_up();
    BalloonStat const stat{StatTag::memfree, 1};
    EXPECT_EQ(guest.driver.answer_stats({&stat, 1}).error(), Error::not_supported);
}

/// QEMU numbers the queues that there are; the standard has fixed numbers (§5.5.2).
TEST(BalloonReport, FindsItsQueue) {
    struct Case {
        std::vector<unsigned> features;
        bool has_fixed_numbers;
        uint16_t queue;
    };
    Case const cases[] = {{{1, 5}, false, 3}, {{1, 5}, true, 4}, {{1, 3, 5}, false, 4}, {{1, 3, 5}, true, 4},
                          {{5}, false, 2},    {{5}, true, 4},    {{3, 5}, false, 3},    {{3, 5}, true, 4}};
    for (Case const& one : cases) {
        BalloonGuest guest{{.features = one.features, .has_fixed_numbers = one.has_fixed_numbers}};
        EXPECT_EQ(guest.host.report_queue(), one.queue);
        guest.bring_up();
        EXPECT_TRUE(guest.driver.can_report());
        auto const pages = guest.take(2);
        Segment const memory[] = {{pages[0], 4096}, {pages[1], 4096}};
        ASSERT_TRUE(guest.driver.report(memory, PollLimit{10}, guest.step()).ok());
        EXPECT_EQ(guest.host.reported_bytes(), 8192u);
        EXPECT_TRUE(guest.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
        ASSERT_TRUE(guest.driver.submit_report(memory[0], Token{5}).ok());
        guest.driver.kick_device();
        EXPECT_EQ(guest.driver.in_flight(), 1u);
        EXPECT_EQ(guest.driver.enable_used_notifications(), MaySleep::yes);
        guest.device.step();
        EXPECT_EQ(guest.driver.enable_used_notifications(), MaySleep::no);
        EXPECT_EQ(guest.driver.take_completed().token, Token{5});
        EXPECT_EQ(guest.driver.enable_used_notifications(), MaySleep::yes);
        guest.driver.disable_used_notifications();
        EXPECT_EQ(guest.host.reported_bytes(), 12288u);
        EXPECT_EQ(guest.driver.held_pages(), 0u);
        EXPECT_EQ(guest.memory.virt(pages[0], 1)[0], sim::BalloonDevice::filler);
        guest.give_back(2);  // nobody has to be told
    }
}

TEST(BalloonReport, GivesAllPagesBackIfItsQueueMoves) {
    BalloonGuest guest{{.features = {1, 5}}};
    guest.bring_up();
    guest.device.offer(1, false);  // no statistics any more: QEMU would count the reporting_vq as queue 2 then
    EXPECT_TRUE(guest.driver.reset([](RequestCompletion const&) { ADD_FAILURE(); }).ok());
    EXPECT_TRUE(guest.driver.can_report());
    EXPECT_FALSE(guest.driver.wants_stats());
    EXPECT_EQ(guest.driver.enable_used_notifications(), MaySleep::yes);
}

TEST(BalloonReport, LeavesItsQueueNumberToStats) {
    BalloonStat const stats[] = {{StatTag::memfree, 1}, {StatTag::memtot, 2}, {StatTag::minflt, 3}};
    BalloonGuest guest{{.features = {1, 5}}};
    guest.device.offer(1, false);
    guest.bring_up();
    EXPECT_TRUE(guest.driver.can_report());  // by queue 2, as QEMU counts
    ASSERT_TRUE(guest.driver.release(guest.memory).ok());
    guest.device.offer(1);
    guest.device.offer(5, false);
    guest.bring_up();
    ASSERT_TRUE(guest.driver.answer_stats(stats).ok());  // by queue 2, too
    guest.device.step();
    EXPECT_EQ(guest.host.answers(), 1u);
}

TEST(BalloonReport, NeedsTheFeature) {
    BalloonGuest guest;
    guest.bring_up();
    EXPECT_FALSE(guest.driver.can_report());
    Segment const page{PhysAddr{4096}, 4096};
    EXPECT_EQ(guest.driver.submit_report(page, Token{1}).error(), Error::not_supported);
}

TEST(BalloonReport, WantsWholePages) {
    BalloonGuest guest{{.features = {1, 5}}};
    guest.bring_up();
    Segment const shorter{PhysAddr{4096}, 4095};
    Segment const shifted{PhysAddr{4097}, 4096};
    EXPECT_BREACH(guest.driver.submit_report(shorter, Token{1}), "multiple of 4096");
    EXPECT_BREACH(guest.driver.submit_report(shifted, Token{1}), "multiple of 4096");
}

TEST(BalloonReport, ComesBackOnceAtReset) {
    BalloonGuest guest{{.features = {1, 5}}};
    guest.bring_up();
    auto const pages = guest.take(1);
    guest.host.hold();
    Segment const page{pages[0], 4096};
    ASSERT_TRUE(guest.driver.submit_report(page, Token{5}).ok());
    guest.driver.kick_device();
    guest.device.step();
    std::vector<uintptr_t> back;
    auto const keep = [&](RequestCompletion const& ended) { back.push_back(ended.token.value()); };
    EXPECT_TRUE(guest.driver.reset(keep).ok());
    EXPECT_EQ(back, std::vector<uintptr_t>{5});
    guest.give_back(1);
}

TEST(Balloon, ReportsAShortConfiguration) {
    sim::GuestMemory memory;
    sim::BalloonDevice host{memory};
    sim::MmioDevice device{memory, host};
    MeasuredTransport transport;
    ASSERT_TRUE(transport.probe(device.registers()).ok());
    BalloonDevice<MeasuredTransport, 4> driver;
    transport.config_bytes = 7;
    EXPECT_EQ(driver.init(transport, memory).error(), Error::config_too_short);
    transport.config_bytes = 8;
    EXPECT_TRUE(driver.init(transport, memory).ok());
    EXPECT_LE(memory.pages_outstanding(), driver.page_count());
    EXPECT_TRUE(driver.release(memory).ok());
}

TEST(Balloon, WorksOverAPackedRing) {
    BalloonGuest guest{{.num_pages = 64}};
    guest.device.offer(34);
    guest.bring_up();
    ASSERT_TRUE(guest.driver.negotiation().negotiated.has(spec::Feature::ring_packed));
    for (unsigned i = 0; i < 16; ++i) {
        ASSERT_TRUE(guest.driver.inflate(guest.take(4), PollLimit{10}, guest.step()).ok());
    }
    EXPECT_EQ(guest.host.actual(), 64u);
    guest.ask_for(0);
    for (unsigned i = 0; i < 16; ++i) {
        ASSERT_TRUE(guest.driver.deflate(guest.last(4), PollLimit{10}, guest.step()).ok());
        guest.give_back(4);
    }
}

}  // namespace
}  // namespace virtq::test
