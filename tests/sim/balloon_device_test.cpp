// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <map>
#include <optional>
#include <vector>

#include <sim/balloon_device.hpp>
#include <sim/raw_machine.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;
namespace balloon = virtq::sim::wire::balloon;

namespace {

/// A driver of a balloon that does everything by hand.
class Balloon : public ::testing::TestWithParam<RawKind> {
protected:
    void SetUp() override { machine.bring_up(); }

    void send_pages(uint16_t queue, std::vector<uint64_t> const& pages) {
        Buffer const buffer = memory.allocate_buffer(64);
        for (size_t i = 0; i < pages.size(); ++i) {
            encode(buffer.virt + 4 * i, 4, pages[i] / 4096, ByteOrder::little);
        }
        static_cast<void>(machine.post(queue, buffer, static_cast<uint32_t>(4 * pages.size()), 0));
        static_cast<void>(machine.step());
    }
    void send_stats(std::map<uint16_t, uint64_t> const& stats) {
        Buffer const buffer = memory.allocate_buffer(128);
        uint32_t at = 0;
        for (auto const& [tag, value] : stats) {
            encode(buffer.virt + at, 2, tag, ByteOrder::little);
            encode(buffer.virt + at + 2, 8, value, ByteOrder::little);
            at += 10;
        }
        static_cast<void>(machine.post(2, buffer, at, 0));
        static_cast<void>(machine.step());
    }
    void expect_only(char const* id) {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
    }

    GuestMemory memory;
    ViolationLog& log = memory.violations();
    BalloonDevice device{
        memory, {.features = {balloon::must_tell_host, balloon::stats_vq, balloon::page_reporting}, .num_pages = 1}};
    RawMachine machine{memory, device, GetParam()};
    Pages first = memory.allocate_pages(1);
    Pages second = memory.allocate_pages(1);
};

TEST_P(Balloon, TakesAndReturnsPages) {
    send_pages(0, {first.phys.value, second.phys.value});
    EXPECT_EQ(device.pages(), 2u);
    EXPECT_TRUE(device.has_page(first.phys));
    EXPECT_EQ(static_cast<uint8_t*>(first.virt)[4095], BalloonDevice::filler);
    send_pages(1, {second.phys.value});
    EXPECT_FALSE(device.has_page(second.phys));
    EXPECT_EQ(machine.take(1), (RawUsed{0, 0}));
    machine.reset();
    EXPECT_EQ(device.pages(), 0u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Balloon, HoldsRequests) {
    device.hold();
    send_pages(0, {first.phys.value});
    EXPECT_EQ(device.pages(), 0u);
    device.go_on();
    device.report_next_length(5);
    static_cast<void>(machine.step());
    EXPECT_EQ(machine.take(0), (RawUsed{0, 5}));
}

TEST_P(Balloon, ReportsInvalidPages) {
    send_pages(0, {4096});
    expect_only("S-5.5.6-page");
}

TEST_P(Balloon, ReportsPagesThatItHas) {
    send_pages(0, {first.phys.value, first.phys.value});
    expect_only("S-5.5.6-twice");
}

TEST_P(Balloon, ReportsPagesThatItHasNot) {
    send_pages(1, {first.phys.value});
    expect_only("D-5.5.6.1-8");
}

TEST_P(Balloon, ReportsDeflationBelowTheTarget) {
    send_pages(0, {first.phys.value});
    send_pages(1, {first.phys.value});
    expect_only("D-5.5.6.1-4");
}

TEST_P(Balloon, ReportsOddLengths) {
    static_cast<void>(machine.post(0, memory.allocate_buffer(64), 3, 0));
    static_cast<void>(machine.step());
    expect_only("S-5.5.6-length");
}

TEST_P(Balloon, TakesStatisticsWhenAsked) {
    send_stats({{1, 10}, {2, 20}, {5, 50}});
    EXPECT_EQ(device.stats(), (std::map<uint16_t, uint64_t>{{1, 10}, {2, 20}, {5, 50}}));
    EXPECT_EQ(machine.take(2), std::nullopt);
    device.ask_for_stats();
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.take(2), (RawUsed{0, 0}));
    send_stats({{1, 11}, {2, 20}, {5, 50}});
    EXPECT_EQ(device.answers(), 2u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Balloon, IgnoresUnknownStatistics) {
    send_stats({{1, 10}, {100, 20}, {0xffff, 50}});
    EXPECT_EQ(device.stats(), (std::map<uint16_t, uint64_t>{{1, 10}}));
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Balloon, ReportsTwoBuffersOfStatistics) {
    send_stats({{1, 10}, {2, 20}, {5, 50}});
    send_stats({{1, 10}, {2, 20}, {5, 50}});
    expect_only("D-5.5.6.3.1-1");
}

TEST_P(Balloon, ReportsLengthsOfStatistics) {
    send_stats({{1, 10}, {2, 20}});
    expect_only("D-5.5.6.3.1-5");
}

TEST_P(Balloon, ReportsOtherStatistics) {
    device.ask_for_stats();
    send_stats({{1, 10}, {2, 20}, {5, 50}});
    static_cast<void>(machine.step());
    send_stats({{1, 10}, {2, 20}, {6, 50}});
    expect_only("D-5.5.6.3.1-8");
}

TEST_P(Balloon, TakesReports) {
    EXPECT_EQ(device.report_queue(), 3);
    machine.post(3, {{first.phys, 4096, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(device.reported_bytes(), 4096u);
    EXPECT_TRUE(log.empty()) << log;
    machine.post(3, {{first.phys, 4095, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 1u);
    expect_only("S-5.5.6.7-report");
}

TEST_P(Balloon, ReportsWritablePageNumbers) {
    static_cast<void>(machine.post(1, memory.allocate_buffer(64), 8));
    static_cast<void>(machine.step());
    EXPECT_TRUE(log.contains("S-5.5.6-readable")) << log;
}

INSTANTIATE_TEST_SUITE_P(Kinds, Balloon,
                         ::testing::Values(RawKind::mmio_split, RawKind::mmio_packed, RawKind::pci_split,
                                           RawKind::pci_packed),
                         [](auto const& one) { return name_of(one.param); });

TEST(BalloonQueues, HaveTheNumbersOfTheOptions) {
    ViolationLog log;
    BalloonDevice const qemu{log, {.features = {balloon::stats_vq, balloon::page_reporting}}};
    BalloonDevice const standard{log, {.features = {balloon::page_reporting}, .has_fixed_numbers = true}};
    EXPECT_EQ(qemu.report_queue(), 3);
    EXPECT_EQ(qemu.queue_size_max(4), 0);
    EXPECT_EQ(standard.report_queue(), 4);
    EXPECT_EQ(standard.queue_size_max(2), 0);
    EXPECT_EQ(standard.queue_size_max(4), 64);
    BalloonDevice const hints{log, {.features = {balloon::free_page_hint}, .has_fixed_numbers = true}};
    EXPECT_EQ(qemu.queue_count(), 4);
    EXPECT_EQ(standard.queue_count(), 5);
    EXPECT_EQ(hints.queue_count(), 4);
    EXPECT_EQ(hints.feature_of(3), std::optional<unsigned>{balloon::free_page_hint});
    EXPECT_EQ(hints.feature_of(2), std::nullopt);
    EXPECT_EQ((BalloonDevice{log, {.features = {}}}.queue_count()), 2);
}

TEST(BalloonQueues, TakeHints) {
    GuestMemory memory;
    BalloonDevice device{memory, {.features = {balloon::stats_vq, balloon::free_page_hint}}};
    RawMachine machine{memory, device, RawKind::mmio_split};
    machine.bring_up();
    machine.post(3, {{memory.allocate_pages(1).phys, 4096, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(device.reported_bytes(), 0u);
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

TEST(BalloonQueues, NeedTheirFeatures) {
    GuestMemory memory;
    BalloonDevice device{memory, {.features = {balloon::stats_vq, balloon::page_reporting}}};
    device.start(Session{.features = feature_words({balloon::stats_vq})});
    static_cast<void>(device.process(3, Chain{}));
    EXPECT_EQ(memory.violations().entries().size(), 1u);
    EXPECT_TRUE(memory.violations().contains("S-5.5.2-queue")) << memory.violations();
}

TEST(BalloonQueues, IgnoreTheFirstBufferOfALegacyDriver) {
    GuestMemory memory;
    BalloonDevice device{memory};
    RawMachine machine{memory, device, RawKind::mmio_legacy};
    machine.bring_up();
    Buffer const buffer = memory.allocate_buffer(64);
    device.ask_for_stats();
    for (size_t i = 0; i < 2; ++i) {
        encode(buffer.virt, 2, 4, guest_order);
        static_cast<void>(machine.post(2, buffer, 30, 0));
        static_cast<void>(machine.step());
        EXPECT_EQ(device.answers(), i + 1);
        EXPECT_EQ(device.stats().count(4), i);
    }
}

}  // namespace
}  // namespace virtq::sim_test
