// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <vector>

#include <sim/entropy_device.hpp>
#include <sim/raw_machine.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;

namespace {

class Entropy : public ::testing::TestWithParam<RawKind> {
protected:
    void SetUp() override { machine.bring_up(); }
    void post(uint32_t bytes = 8) { static_cast<void>(machine.post(0, buffer, bytes)); }
    void expect_used(RawUsed used) {
        EXPECT_EQ(machine.take(), std::optional(used));
        EXPECT_TRUE(log.empty()) << log;
    }
    [[nodiscard]] std::vector<uint8_t> contents(size_t bytes) const { return {buffer.virt, buffer.virt + bytes}; }

    GuestMemory memory;
    ViolationLog& log = memory.violations();
    EntropyDevice entropy{log};
    RawMachine machine{memory, entropy, GetParam()};
    Buffer buffer = memory.allocate_buffer(64);
};

TEST_P(Entropy, FillsBuffers) {
    post();
    EXPECT_EQ(machine.step(), 1u);
    expect_used({0, 8});
    EXPECT_EQ(contents(8), entropy.given());
    EXPECT_EQ(buffer.virt[0], EntropyDevice::next_of(0));
    EXPECT_EQ(buffer.virt[7], EntropyDevice::next_of(buffer.virt[6]));
    EXPECT_NE(buffer.virt[8], EntropyDevice::next_of(buffer.virt[7]));
}

TEST_P(Entropy, FillsSeveralSegments) {
    uint8_t next = 1;
    entropy.set_source([&next] { return next++; });
    machine.post(0, {{buffer.phys, 3, wire::split::flag_write}, {buffer.phys + 32, 2, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 1u);
    expect_used({0, 5});
    EXPECT_EQ(contents(3), (std::vector<uint8_t>{1, 2, 3}));
    EXPECT_EQ(buffer.virt[32], 4);
    EXPECT_EQ(buffer.virt[33], 5);
}

TEST_P(Entropy, AnswersShortly) {
    entropy.answer_at_most(3);
    post();
    EXPECT_EQ(machine.step(), 1u);
    expect_used({0, 3});
    entropy.answer_at_most(0);  // §5.4.6.2: one byte at least
    post();
    EXPECT_EQ(machine.step(), 1u);
    expect_used({1, 1});
    EXPECT_EQ(entropy.given().size(), 4u);
}

TEST_P(Entropy, WaitsForFeed) {
    entropy.wait_for_feed();
    post(2);
    post(8);
    EXPECT_EQ(machine.step(), 0u);
    entropy.feed({1, 2, 3});
    EXPECT_EQ(machine.step(), 2u);
    expect_used({0, 2});
    expect_used({1, 1});
    EXPECT_EQ(contents(1), (std::vector<uint8_t>{3}));
    EXPECT_EQ(entropy.given(), (std::vector<uint8_t>{1, 2, 3}));
    post(8);
    EXPECT_EQ(machine.step(), 0u);
}

TEST_P(Entropy, ForgetsRequestsAtReset) {
    entropy.wait_for_feed();
    post();
    EXPECT_EQ(machine.step(), 0u);
    machine.reset();
    machine.bring_up();
    entropy.feed({9});
    EXPECT_EQ(machine.step(), 0u);
    post();
    EXPECT_EQ(machine.step(), 1u);
    expect_used({0, 1});
}

TEST_P(Entropy, ReportsInvalidLengths) {
    for (uint32_t const length : {0u, 9u, ~0u}) {
        entropy.report_next_length(length);
        post();
        EXPECT_EQ(machine.step(), 1u);
        EXPECT_EQ(machine.take()->length, length);
    }
    post();
    EXPECT_EQ(machine.step(), 1u);
    expect_used({3, 8});
}

TEST_P(Entropy, SwallowsOneRequest) {
    entropy.swallow_next();
    post();
    post();
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.step(), 0u);
    expect_used({1, 8});
    EXPECT_EQ(entropy.parked().size(), 1u);
}

TEST_P(Entropy, ReportsReadableBuffers) {
    machine.post(0, buffer, 4, 0);
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.take(), (RawUsed{0, 0}));
    EXPECT_EQ(log.count("D-5.4.6.1-1"), 1u) << log;
    machine.post(0, {{buffer.phys, 4}, {buffer.phys + 4, 4, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.take(), (RawUsed{1, 4}));
    EXPECT_EQ(log.count("D-5.4.6.1-1"), 2u) << log;
    EXPECT_EQ(log.entries().size(), 2u) << log;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Entropy, ::testing::ValuesIn(raw_kinds),
                         [](auto const& one) { return name_of(one.param); });

TEST(EntropyFeatures, AreThoseOfTheQueue) {
    ViolationLog log;
    EntropyDevice const entropy(log, {.queue_size_max = 4, .features = {wire::feature::in_order}});
    EXPECT_EQ(entropy.features(), (FeatureWords{0, 8, 0, 0}));
    EXPECT_EQ(entropy.queue_size_max(0), 4);
    EXPECT_EQ(entropy.device_id(), 4u);
}

}  // namespace
}  // namespace virtq::sim_test
