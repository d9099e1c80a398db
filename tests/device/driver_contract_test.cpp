// SPDX-License-Identifier: MIT
#include <device/driver_kinds.hpp>

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <type_traits>
#include <utility>
#include <vector>

/// What every driver guarantees: block, console, entropy, input, balloon, net, 9P, GPU. On each transport, with each format, with
/// and without a mapper.
namespace virtq::test {
namespace {

using HandedBack = std::map<std::uintptr_t, Error>;

class DriverContract : public ::testing::TestWithParam<SubjectParam> {
protected:
    ~DriverContract() override { finish(); }

    /// Starts anew, on a machine of its own.
    void make(Disguise how = Disguise::none, unsigned seed = 0) {
        finish();
        subject = GetParam().make([&](auto device) { return disguised(std::move(device), how, seed); });
        hostile = how != Disguise::none;
    }
    void bring_up() {
        if (subject == nullptr) {
            make();
        }
        ASSERT_TRUE(subject->probe().ok());
        Status const up = subject->init();
        ASSERT_TRUE(up.ok()) << describe(up.error());
        subject->settle();
    }
    /// Whatever happened, everything comes back.
    void finish() {
        if (subject == nullptr) {
            return;
        }
        EXPECT_TRUE(subject->release().ok());
        EXPECT_EQ(subject->pages.outstanding(), 0u);
        EXPECT_TRUE(subject->mapper.mapped.empty());
        if (!hostile) {
            EXPECT_EQ(subject->memory.pages_outstanding(), 0u);
            EXPECT_TRUE(subject->memory.violations().empty()) << subject->memory.violations();
        }
        subject.reset();
    }

    [[nodiscard]] Error init_error() {
        EXPECT_TRUE(subject->probe().ok());
        Error const error = subject->init().error();
        EXPECT_EQ(subject->last_error(), error);
        EXPECT_EQ(subject->pages.outstanding(), 0u) << describe(error);
        EXPECT_EQ(subject->start(Token{1}).error(), Error::not_initialised);
        return error;
    }
    void start(std::uintptr_t first, std::uintptr_t last) {
        for (std::uintptr_t token = first; token <= last; ++token) {
            Status const started = subject->start(Token{token});
            ASSERT_TRUE(started.ok()) << describe(started.error());
        }
    }
    [[nodiscard]] Status reset(HandedBack& back) {
        return subject->reset([&](Ended const& ended) {
            EXPECT_EQ(ended.state, CompletionState::ready);
            EXPECT_TRUE(back.emplace(ended.token.value(), ended.error).second) << "handed back twice";
        });
    }
    [[nodiscard]] static HandedBack three(Error error) {
        return GetParam().has_tokens ? HandedBack{{1, error}, {2, error}, {3, error}} : HandedBack{};
    }
    void expect_works() {
        Status const used = subject->use(Subject::patience, subject->stepping());
        EXPECT_TRUE(used.ok()) << describe(used.error());
        if (!GetParam().has_tokens) {
            return;
        }
        start(77, 77);
        subject->step();
        Ended const ended = subject->take();
        EXPECT_EQ(ended.state, CompletionState::ready);
        EXPECT_EQ(ended.error, Error::none) << describe(ended.error);
        EXPECT_EQ(ended.token, Token{77});
        EXPECT_EQ(subject->take().state, CompletionState::none);
        EXPECT_EQ(subject->in_flight(), 0u);
    }
    void expect_reset_needed() {
        EXPECT_EQ(subject->start(Token{99}).error(), Error::reset_needed);
        EXPECT_EQ(subject->use(PollLimit{3}, [] {}).error(), Error::reset_needed);
        EXPECT_EQ(subject->take().state, CompletionState::broken);
        EXPECT_NE(subject->check_alive(), Error::none);
    }
    /// Resets, and expects tokens 1 to 3 with this error, each once.
    void expect_three_back(Error error = Error::request_cancelled) {
        HandedBack back;
        Status const up = reset(back);
        EXPECT_TRUE(up.ok()) << describe(up.error());
        EXPECT_EQ(back, three(error));
        EXPECT_TRUE(subject->mapper.mapped.empty());
        subject->settle();
        EXPECT_EQ(subject->in_flight(), 0u);
        expect_works();
    }

    std::unique_ptr<Subject> subject;
    bool hostile = false;  ///< the device or the test breaks rules on purpose
};

TEST_P(DriverContract, IsZeroAtFirst) {
    make();
    EXPECT_TRUE(subject->is_zero_at_first());
    EXPECT_EQ(subject->diagnose(), Cause::driver_not_initialised);
    EXPECT_EQ(subject->check_alive(), Error::not_initialised);
    EXPECT_EQ(subject->start(Token{1}).error(), Error::not_initialised);
    EXPECT_EQ(subject->use(PollLimit{3}, [] {}).error(), Error::not_initialised);
    EXPECT_NE(subject->take().state, CompletionState::ready);
    HandedBack back;
    EXPECT_EQ(reset(back).error(), Error::not_initialised);
    EXPECT_TRUE(subject->release().ok());
}

TEST_P(DriverContract, RejectsAnotherDeviceType) {
    make(Disguise::other_type);
    EXPECT_EQ(init_error(), Error::wrong_device_type);
}

TEST_P(DriverContract, RejectsAnUnprobedTransport) {
    make();
    EXPECT_EQ(subject->init().error(), Error::transport_not_probed);
    EXPECT_EQ(subject->last_error(), Error::transport_not_probed);
    bring_up();
    expect_works();
}

TEST_P(DriverContract, RejectsASecondInit) {
    bring_up();
    start(1, 3);
    EXPECT_BREACH(subject->init(), "in use");
    expect_three_back();
}

TEST_P(DriverContract, NamesEachFailedAllocation) {
    for (std::size_t n = 0;; ++n) {
        make();
        subject->memory.fail_allocation(n);
        ASSERT_TRUE(subject->probe().ok());
        Status const up = subject->init();
        if (up) {
            EXPECT_GE(n, 1u);
            EXPECT_EQ(subject->memory.allocations(), n);
            subject->settle();
            return expect_works();
        }
        EXPECT_EQ(up.error(), Error::no_pages) << n;
        EXPECT_EQ(subject->last_error(), Error::no_pages) << n;
        EXPECT_EQ(subject->pages.outstanding(), 0u) << n;
        bring_up();  // again, with enough memory
        expect_works();
    }
}

TEST_P(DriverContract, NamesAMissingFeature) {
    make();
    if (GetParam().is_legacy) {
        return;  // such a device need not offer anything
    }
    unsigned const bit = GetParam().is_packed ? sim::wire::feature::ring_packed : sim::wire::feature::version_1;
    subject->on_device([&](auto& device) { device.offer(bit, false); });
    ASSERT_TRUE(subject->probe().ok());
    Error const error = subject->init().error();
    if (GetParam().is_packed && error == Error::none) {
        subject->settle();
        return expect_works();  // a negotiated format is split then
    }
    EXPECT_TRUE(error == Error::feature_required_not_offered || error == Error::nothing_offered) << describe(error);
    EXPECT_TRUE(subject->missing_features().has_bit(bit));
    EXPECT_EQ(subject->pages.outstanding(), 0u);
    hostile = true;  // the device does not offer VERSION_1
}

TEST_P(DriverContract, NamesRefusedFeatures) {
    make();
    if (GetParam().is_legacy) {
        return;  // such a device cannot refuse (§3.1.2)
    }
    subject->on_device([](auto& device) { device.refuse_features_ok(); });
    EXPECT_EQ(init_error(), Error::features_refused);
}

TEST_P(DriverContract, NamesAnAbsentQueue) {
    make();
    subject->on_device([](auto& device) { device.set_queue_size_max(0); });
    EXPECT_EQ(init_error(), Error::queue_absent);
}

TEST_P(DriverContract, NamesAQueueTooSmall) {
    for (std::uint16_t size = 1; size < GetParam().least_queue; size = static_cast<std::uint16_t>(size * 2)) {
        make();
        subject->on_device([&](auto& device) { device.set_queue_size_max(size, GetParam().work_queue); });
        EXPECT_EQ(init_error(), Error::queue_too_small) << size;
    }
    make();
    auto const least = static_cast<std::uint16_t>(GetParam().least_queue);
    subject->on_device([&](auto& device) { device.set_queue_size_max(least, GetParam().work_queue); });
    bring_up();
    expect_works();
}

TEST_P(DriverContract, NamesTheQueueSizeItNeeds) {
    make();
    subject->on_device([](auto& device) { device.set_queue_size_max(64); });
    bool is_fixed = false;  // a legacy device on PCI has a fixed size; elsewhere it is the driver's choice
    subject->on_device(
        [&](auto& device) { is_fixed = GetParam().is_legacy && std::is_same_v<decltype(device), sim::PciDevice&>; });
    ASSERT_TRUE(subject->probe().ok());
    EXPECT_EQ(subject->init().error(), is_fixed ? Error::queue_size_above_capacity : Error::none);
    if (is_fixed) {
        EXPECT_EQ(subject->required_queue_size(), 64u);
        EXPECT_EQ(subject->pages.outstanding(), 0u);
    } else {
        subject->settle();
        expect_works();
    }
}

TEST_P(DriverContract, ReadsNoChangingConfiguration) {
    make(Disguise::restless);
    if (!GetParam().has_config) {
        bring_up();
        return;
    }
    subject->on_device([](auto& device) { device.unsettle_config(); });
    EXPECT_EQ(init_error(), Error::config_unstable);
}

TEST_P(DriverContract, WorksAgainAfterRelease) {
    for (int round = 0; round < 3; ++round) {
        bring_up();
        expect_works();
        start(1, 3);
        EXPECT_TRUE(subject->release().ok());
        EXPECT_EQ(subject->pages.outstanding(), 0u);
        EXPECT_TRUE(subject->mapper.mapped.empty());
        EXPECT_EQ(subject->check_alive(), Error::not_initialised);
        EXPECT_EQ(subject->start(Token{1}).error(), Error::not_initialised);
    }
}

TEST_P(DriverContract, NamesADeviceThatNeedsReset) {
    bring_up();
    start(1, 3);
    subject->on_device([](auto& device) { device.need_reset(); });
    EXPECT_EQ(subject->check_alive(), Error::reset_needed);
    EXPECT_EQ(subject->diagnose(), Cause::device_needs_reset);
    expect_reset_needed();
    expect_three_back();
}

TEST_P(DriverContract, FindsTroubleWhileItWaits) {
    bring_up();
    start(1, 3);
    auto const fail = [&] { subject->on_device([](auto& device) { device.need_reset(); }); };
    EXPECT_EQ(subject->use(PollLimit{5}, fail).error(), Error::reset_needed);
    expect_three_back();
}

TEST_P(DriverContract, ReturnsEachTokenOfAVanishedDevice) {
    bring_up();
    start(1, 3);
    subject->on_device([](auto& device) { device.vanish(); });
    hostile = true;  // it still holds memory
    EXPECT_EQ(subject->check_alive(), Error::device_gone);
    Cause const cause = subject->diagnose();  // of a device on MMIO, the first register tells
    EXPECT_TRUE(cause == Cause::device_gone || cause == Cause::registers_all_ones) << describe(cause);
    expect_reset_needed();
    HandedBack back;
    EXPECT_EQ(reset(back).error(), Error::device_gone);
    EXPECT_EQ(back, three(Error::device_gone));
    EXPECT_TRUE(subject->mapper.mapped.empty());
    EXPECT_EQ(reset(back).error(), Error::device_gone);
    EXPECT_EQ(back, three(Error::device_gone));
}

TEST_P(DriverContract, ReturnsEachTokenAfterATimeOut) {
    bring_up();
    start(1, 3);
    EXPECT_EQ(subject->use(PollLimit{5}, [] {}).error(), Error::timed_out);
    if (GetParam().has_tokens) {
        EXPECT_EQ(subject->check_alive(), Error::reset_needed);
        expect_reset_needed();
    }
    std::size_t const outstanding = subject->pages.outstanding();
    std::size_t const allocations = subject->memory.allocations();
    expect_three_back();
    EXPECT_EQ(subject->pages.outstanding(), outstanding);
    EXPECT_EQ(subject->memory.allocations(), allocations);  // in the same pages
}

TEST_P(DriverContract, ReturnsEndedRequestsWithTheirResults) {
    bring_up();
    start(1, 3);
    EXPECT_TRUE(subject->use(Subject::patience, subject->stepping()).ok());  // it may collect the others
    expect_three_back(GetParam().waits_collect ? Error::none : Error::request_cancelled);
}

TEST_P(DriverContract, EndsAWaitThatIsReset) {
    bring_up();
    start(1, 3);
    HandedBack back;
    bool is_reset = false;
    auto const reset_once = [&] {
        EXPECT_TRUE(std::exchange(is_reset, true) || reset(back).ok());
        subject->settle();
    };
    Error const expected = GetParam().has_tokens ? Error::request_cancelled : Error::none;  // output is dropped
    EXPECT_EQ(subject->use(PollLimit{5}, reset_once).error(), expected);
    EXPECT_EQ(back, three(Error::request_cancelled));
    expect_works();
}

TEST_P(DriverContract, EndsAWaitThatIsReleased) {
    bring_up();
    Error const expected = GetParam().has_tokens ? Error::request_cancelled : Error::not_initialised;
    EXPECT_EQ(subject->use(PollLimit{5}, [&] { EXPECT_TRUE(subject->release().ok()); }).error(), expected);
    bring_up();
    expect_works();
}

TEST_P(DriverContract, WaitsForResetsThatDoNotEnd) {
    bring_up();
    start(1, 3);
    subject->set_reset_takes(sim::MmioDevice::never);
    HandedBack back;
    EXPECT_EQ(reset(back).error(), Error::reset_timed_out);
    EXPECT_TRUE(back.empty());
    EXPECT_EQ(subject->release().error(), Error::reset_timed_out);
    EXPECT_NE(subject->pages.outstanding(), 0u);
    EXPECT_BREACH(subject->init(), "in use");
    subject->set_reset_takes(0);
    EXPECT_TRUE(subject->release().ok());
    EXPECT_EQ(subject->pages.outstanding(), 0u);
    bring_up();
    expect_works();
}

TEST_P(DriverContract, ReturnsTokensOnceAfterAStuckReset) {
    bring_up();
    start(1, 3);
    subject->set_reset_takes(sim::MmioDevice::never);
    HandedBack back;
    EXPECT_EQ(reset(back).error(), Error::reset_timed_out);
    expect_reset_needed();
    subject->set_reset_takes(0);
    expect_three_back();
}

// The first reset ends. The second one, with which initialisation begins, does not.
TEST_P(DriverContract, ReturnsTokensWithoutARestart) {
    if (!GetParam().has_tokens) {
        return;  // nothing of the kernel's runs between the two
    }
    for (bool const is_released : {false, true}) {
        make();
        bring_up();
        start(1, 3);
        HandedBack back;
        auto const keep = [&](Ended const& ended) {
            back.emplace(ended.token.value(), ended.error);
            subject->set_reset_takes(sim::MmioDevice::never);
        };
        EXPECT_EQ(subject->reset(keep).error(), Error::not_restarted);
        EXPECT_EQ(back.size(), 3u);
        expect_reset_needed();
        EXPECT_EQ(subject->reset(keep).error(), Error::not_restarted);
        EXPECT_EQ(back.size(), 3u);
        if (is_released) {
            EXPECT_TRUE(subject->release().ok());
            EXPECT_EQ(subject->pages.outstanding(), 0u);
        }
        subject->set_reset_takes(0);
        EXPECT_EQ(subject->reset(keep).error(), is_released ? Error::not_initialised : Error::none);
    }
}

TEST_P(DriverContract, AssertsThatItWasNotCopied) {
    bring_up();
    EXPECT_BREACH(subject->use_copy(), "not where init() left it");
    expect_works();
}

TEST_P(DriverContract, InterruptsOnlyIfAsked) {
    bring_up();
    if (!GetParam().has_tokens) {
        return expect_works();  // which of its queues interrupts is tested with the driver
    }
    std::size_t const at_first = subject->interrupts();
    start(1, 1);
    subject->step();
    EXPECT_EQ(subject->interrupts(), at_first);
    EXPECT_EQ(subject->enable_notifications(), MaySleep::no);  // take that one before
    EXPECT_EQ(subject->take().token, Token{1});
    EXPECT_EQ(subject->enable_notifications(), MaySleep::yes);
    start(2, 2);
    subject->step();
    EXPECT_EQ(subject->interrupts(), at_first + 1);
    EXPECT_EQ(subject->take().token, Token{2});
    subject->disable_notifications();
    for (std::uintptr_t token = 3; token < 13; ++token) {
        start(token, token);
        subject->step();
        EXPECT_EQ(subject->take().token, Token{token});
    }
    EXPECT_LE(subject->interrupts(), at_first + 2);  // with EVENT_IDX one more may come (§2.7.7)
}

TEST_P(DriverContract, NeverSleepsOnAStoppedDevice) {
    bring_up();
    subject->on_device([](auto& device) { device.need_reset(); });
    EXPECT_EQ(subject->check_alive(), Error::reset_needed);
    EXPECT_EQ(subject->enable_notifications(), MaySleep::broken);
}

TEST_P(DriverContract, ReleasesAtAnyMoment) {
    std::vector<std::function<void()>> const steps{
        [&] { EXPECT_TRUE(subject->probe().ok()); },
        [&] { EXPECT_TRUE(subject->init().ok()); },
        [&] { subject->settle(); },
        [&] { start(1, 1); },
        [&] { subject->step(); },
        [&] { start(2, 3); },
        [&] { EXPECT_EQ(subject->take().token, Token{GetParam().has_tokens ? 1u : 0u}); },
        [&] { EXPECT_EQ(subject->use(PollLimit{3}, [] {}).error(), Error::timed_out); },
        [&] { EXPECT_TRUE(subject->reset([](Ended const&) {}).ok()); },
        [&] { subject->settle(); },
        [&] { start(4, 5); },
        [&] { subject->on_device([](auto& device) { device.need_reset(); }); },
        [&] { EXPECT_EQ(subject->check_alive(), Error::reset_needed); },
    };
    for (std::size_t count = 0; count <= steps.size(); ++count) {
        SCOPED_TRACE(count);
        make();
        for (std::size_t i = 0; i < count; ++i) {
            steps[i]();
        }
        finish();
    }
}

/// A driver over a device whose configuration, answers and lengths are random.
class RandomUse {
public:
    RandomUse(Subject& subject, unsigned seed)
        : subject_(subject), random_(seed), has_tokens_(DriverContract::GetParam().has_tokens) {}

    /// False: `init` refused the device.
    [[nodiscard]] bool run() {
        if (!subject_.probe() || !subject_.init()) {
            EXPECT_EQ(subject_.pages.outstanding(), 0u);
            return false;
        }
        subject_.settle();
        for (unsigned turn = 0; turn < 200; ++turn) {
            step();
        }
        reset();
        EXPECT_TRUE(waiting_.empty());
        return true;
    }

private:
    void step() {
        switch (random_() % 8) {
            case 0:
            case 1: start(); break;
            case 2: subject_.call_others(static_cast<unsigned>(random_() % 4096)); break;
            case 3: subject_.step(); break;
            case 4: end(subject_.take()); break;
            case 5: static_cast<void>(subject_.use(PollLimit{10}, subject_.stepping())); break;
            case 6:
                static_cast<void>(subject_.enable_notifications());
                static_cast<void>(subject_.check_alive());
                break;
            default:
                if (random_() % 4 == 0) {
                    reset();
                }
        }
    }
    void start() {
        if (subject_.start(Token{next_}) && has_tokens_) {
            waiting_.insert(next_);
        }
        ++next_;
    }
    void end(Ended const& ended) {
        if (ended.state == CompletionState::ready && has_tokens_) {
            EXPECT_EQ(waiting_.erase(ended.token.value()), 1u) << "ended twice, or never started";
        }
    }
    void reset() {
        Status const up = subject_.reset([this](Ended const& ended) { end(ended); });
        EXPECT_TRUE(up.ok()) << describe(up.error());
    }

    Subject& subject_;
    std::mt19937 random_;
    bool has_tokens_;
    std::set<std::uintptr_t> waiting_;
    std::uintptr_t next_ = 1;
};

TEST_P(DriverContract, SurvivesRandomDevices) {
    unsigned came_up = 0;
    for (unsigned seed = 0; seed < 24; ++seed) {
        SCOPED_TRACE(seed);
        make(Disguise::random, seed);
        came_up += RandomUse{*subject, seed}.run() ? 1 : 0;
        ASSERT_FALSE(HasFailure());
    }
    EXPECT_GT(came_up, 0u);
}

[[nodiscard]] std::string subject_name(::testing::TestParamInfo<SubjectParam> const& info) {
    return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Block, DriverContract, ::testing::ValuesIn(subjects_of<BlockKind>()), subject_name);
INSTANTIATE_TEST_SUITE_P(Console, DriverContract, ::testing::ValuesIn(subjects_of<ConsoleKind>()), subject_name);
INSTANTIATE_TEST_SUITE_P(Ports, DriverContract, ::testing::ValuesIn(subjects_of<PortsKind>()), subject_name);
INSTANTIATE_TEST_SUITE_P(Gpu, DriverContract, ::testing::ValuesIn(subjects_of<GpuKind>()), subject_name);
INSTANTIATE_TEST_SUITE_P(Balloon, DriverContract, ::testing::ValuesIn(subjects_of<BalloonKind>()), subject_name);
INSTANTIATE_TEST_SUITE_P(Input, DriverContract, ::testing::ValuesIn(subjects_of<InputKind>()), subject_name);
INSTANTIATE_TEST_SUITE_P(Net, DriverContract, ::testing::ValuesIn(subjects_of<NetKind>()), subject_name);
INSTANTIATE_TEST_SUITE_P(P9, DriverContract, ::testing::ValuesIn(subjects_of<P9Kind>()), subject_name);
INSTANTIATE_TEST_SUITE_P(Entropy, DriverContract, ::testing::ValuesIn(subjects_of<EntropyKind>()), subject_name);

}  // namespace
}  // namespace virtq::test
