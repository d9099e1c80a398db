// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <sim/p9_device.hpp>
#include <sim/raw_machine.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;
using Message = P9Device::Message;

namespace {

class P9 : public ::testing::TestWithParam<RawKind> {
protected:
    void SetUp() override { machine.bring_up(); }
    /// Makes a request available, with this much room for its answer, 64 bytes behind it.
    void post(Message const& request, uint32_t room = 64) {
        std::copy(request.begin(), request.end(), buffer.virt);
        auto const bytes = static_cast<uint32_t>(request.size());
        machine.post(0, {{buffer.phys, bytes}, {buffer.phys + 64, room, wire::split::flag_write}});
    }
    void expect_used(RawUsed used) { EXPECT_EQ(machine.take(), std::optional(used)); }
    [[nodiscard]] Message answer(size_t bytes) const { return {buffer.virt + 64, buffer.virt + 64 + bytes}; }
    [[nodiscard]] static Message request(uint16_t tag, Message const& body = {1, 2}) {
        return P9Device::message(100, tag, body);
    }

    GuestMemory memory;
    ViolationLog& log = memory.violations();
    P9Device device{log};
    RawMachine machine{memory, device, GetParam()};
    Buffer buffer = memory.allocate_buffer(128);
};

TEST_P(P9, EchoesRequests) {
    post(request(0x1234));
    EXPECT_EQ(machine.step(), 1u);
    expect_used({0, 9});
    EXPECT_EQ(answer(9), (Message{9, 0, 0, 0, 101, 0x34, 0x12, 1, 2}));
    EXPECT_EQ(device.requests(), (std::vector<Message>{request(0x1234)}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(P9, SplitsNothingBySegments) {
    Message const sent = request(7);
    std::copy(sent.begin(), sent.end(), buffer.virt);
    machine.post(0, {{buffer.phys, 3},
                     {buffer.phys + 3, 6},
                     {buffer.phys + 64, 5, wire::split::flag_write},
                     {buffer.phys + 69, 9, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 1u);
    expect_used({0, 9});
    EXPECT_EQ(answer(9), P9Device::message(101, 7, {1, 2}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(P9, AsksItsServer) {
    device.set_server([](Message const& asked) { return Message(asked.size() + 1, 0xaa); });
    post(request(1));
    EXPECT_EQ(machine.step(), 1u);
    expect_used({0, 10});
    EXPECT_EQ(answer(10), Message(10, 0xaa));
}

TEST_P(P9, WritesNoMoreThanThereIsRoomFor) {
    device.set_server([](Message const&) { return Message(50, 0xaa); });
    buffer.virt[64 + 20] = 0x55;
    post(request(1), 20);
    EXPECT_EQ(machine.step(), 1u);
    expect_used({0, 20});
    EXPECT_EQ(buffer.virt[64 + 20], 0x55);
}

TEST_P(P9, HoldsRequests) {
    device.hold();
    post(request(1));
    post(request(2));
    EXPECT_EQ(machine.step(), 0u);
    device.let_pass(1);
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.step(), 0u);
    device.release();
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(device.requests().size(), 2u);
}

TEST_P(P9, AnswersTheNewestFirst) {
    device.answer_newest_first();
    post(request(1));
    post(request(2));
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(machine.take()->post, 1u);
    EXPECT_EQ(machine.take()->post, 0u);
}

TEST_P(P9, ChangesOneAnswer) {
    device.change_next([](Message& message) { message[5] = 9; });
    post(request(1));
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(answer(9), P9Device::message(101, 9, {1, 2}));
    post(request(1));
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(answer(9), P9Device::message(101, 1, {1, 2}));
}

TEST_P(P9, ReportsInvalidLengths) {
    for (uint32_t const length : {0u, 6u, 65u, ~0u}) {
        device.report_next_length(length);
        post(request(1));
        EXPECT_EQ(machine.step(), 1u);
        EXPECT_EQ(machine.take()->length, length);
    }
    post(request(1));
    EXPECT_EQ(machine.step(), 1u);
    expect_used({4, 9});
}

TEST_P(P9, SwallowsOneRequest) {
    device.swallow_next();
    post(request(1));
    post(request(2));
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.step(), 0u);
    expect_used({1, 9});
    machine.reset();
    machine.bring_up();
    post(request(3));
    EXPECT_EQ(machine.step(), 1u);
}

TEST_P(P9, FlushesRequests) {
    device.hold();
    post(request(1));
    Message const flush = P9Device::message(108, 3, {1, 0});
    std::copy(flush.begin(), flush.end(), buffer.virt + 32);
    machine.post(0, {{buffer.phys + 32, 9}, {buffer.phys + 96, 32, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 1u);
    expect_used({0, 0});  // without an answer
    device.release();
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.take()->length, 9u);
    EXPECT_EQ(device.requests(), (std::vector<Message>{flush}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(P9, ReportsShortRequests) {
    post({6, 0, 0, 0, 100, 1});
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.take()->length, 0u);
    EXPECT_EQ(log.count("S-9p-short"), 1u) << log;
    EXPECT_EQ(log.entries().size(), 1u) << log;
    EXPECT_TRUE(device.requests().empty());
}

TEST_P(P9, ReportsAWrongSize) {
    Message wrong = request(1);
    ++wrong[0];
    post(wrong);
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(log.count("S-9p-size"), 1u) << log;
    EXPECT_EQ(log.entries().size(), 1u) << log;
}

TEST_P(P9, ReportsNoRoomForAHeader) {
    post(request(1), 6);
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.take()->length, 6u);
    EXPECT_EQ(log.count("S-9p-room"), 1u) << log;
    EXPECT_EQ(log.entries().size(), 1u) << log;
}

INSTANTIATE_TEST_SUITE_P(Kinds, P9, ::testing::ValuesIn(raw_kinds),
                         [](auto const& one) { return name_of(one.param); });

[[nodiscard]] std::string config_of(P9Device& device) {
    std::string bytes;
    for (size_t i = 0; i < 5; ++i) {
        bytes += static_cast<char>(device.read_config(i));
    }
    return bytes;
}

TEST(P9Config, HasTheMountTag) {
    ViolationLog log;
    P9Device device(log, {.tag = "abc", .queue_size_max = 4, .features = {wire::feature::in_order}});
    EXPECT_EQ(device.features(), (FeatureWords{1, 8, 0, 0}));
    EXPECT_EQ(device.queue_size_max(0), 4);
    EXPECT_EQ(device.device_id(), 9u);
    EXPECT_EQ(device.config_fields().size(), 4u);
    EXPECT_EQ(config_of(device), (std::string{'\3', '\0', 'a', 'b', 'c'}));
    device.start({.order = ByteOrder::big});
    EXPECT_EQ(config_of(device), (std::string{'\0', '\3', 'a', 'b', 'c'}));
    EXPECT_EQ(device.read_config(5), 0);
}

TEST(P9Config, StatesAWrongLength) {
    ViolationLog log;
    P9Device device(log, {.tag = "abc", .has_tag = false, .tag_length = uint16_t{0x102}});
    EXPECT_EQ(device.features(), (FeatureWords{0, 0, 0, 0}));
    EXPECT_EQ(config_of(device), (std::string{'\2', '\1', 'a', 'b', 'c'}));
}

}  // namespace
}  // namespace virtq::sim_test
