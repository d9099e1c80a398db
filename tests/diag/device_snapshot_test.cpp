// SPDX-License-Identifier: MIT
#include <virtq/diag/device_snapshot.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <map>
#include <vector>

namespace virtq::test {
namespace {

using Reach = DeviceSnapshot::Reach;

/// Registers of virtio-mmio that hold what the test wrote. Remembers the order of reads, and each write.
class MmioWords {
public:
    std::map<std::uint16_t, std::uint32_t> words;
    std::vector<std::uint16_t> reads;
    std::vector<std::uint16_t> writes;

    std::uint8_t read8(std::uint16_t offset) { return static_cast<std::uint8_t>(read32(offset)); }
    std::uint16_t read16(std::uint16_t offset) { return static_cast<std::uint16_t>(read32(offset)); }
    std::uint32_t read32(std::uint16_t offset) {
        reads.push_back(offset);
        return words[offset];
    }
    void write8(std::uint16_t offset, std::uint8_t) { writes.push_back(offset); }
    void write16(std::uint16_t offset, std::uint16_t) { writes.push_back(offset); }
    void write32(std::uint16_t offset, std::uint32_t) { writes.push_back(offset); }
};

/// A modern disk whose driver has come as far as `status`.
MmioWords disk_with(std::uint32_t status) {
    MmioWords space;
    space.words = {{0x000, 0x7472'6976}, {0x004, 2}, {0x008, 2},     {0x010, 0x20},
                   {0x034, 256},         {0x044, 1}, {0x070, status}};
    return space;
}

constexpr std::uint32_t with_driver = 3;
constexpr std::uint32_t with_features_ok = 0xb;

// §4.2.3.1.1: magic, version and device ID, in this order, and nothing more of what is no device.
TEST(DeviceSnapshot, ReadsOnlyTheIdentityOfStrangers) {
    struct Row {
        std::uint16_t offset;
        std::uint32_t value;
        std::vector<std::uint16_t> reads;
    };
    for (Row const& row :
         {Row{0x000, 0xffff'ffff, {0x000}}, Row{0x004, 3, {0x000, 0x004}}, Row{0x008, 0, {0x000, 0x004, 0x008}}}) {
        MmioWords space = disk_with(with_features_ok);
        space.words[row.offset] = row.value;
        DeviceSnapshot const seen = take_device_snapshot(space, 0);
        EXPECT_EQ(seen.reach, Reach::identity);
        EXPECT_EQ(space.reads, row.reads);
        EXPECT_TRUE(space.writes.empty());
    }
}

TEST(DeviceSnapshot, ReachesAsFarAsTheDriver) {
    struct Row {
        std::uint32_t status;
        Reach reach;
        bool has_features;
    };
    for (Row const& row : {Row{0, Reach::status, false}, Row{0xff, Reach::status, false},
                           Row{with_driver, Reach::status, true}, Row{with_features_ok, Reach::queue, true}}) {
        MmioWords space = disk_with(row.status);
        DeviceSnapshot const seen = take_device_snapshot(space, 0);
        EXPECT_EQ(seen.reach, row.reach) << row.status;
        EXPECT_EQ(seen.offered.has_value(), row.has_features) << row.status;
        EXPECT_EQ(seen.queue_size_max.has_value(), row.reach == Reach::queue) << row.status;
        EXPECT_EQ(seen.status.bits(), row.status);
    }
}

TEST(DeviceSnapshot, WritesOnlyTheSelectors) {
    MmioWords space = disk_with(with_features_ok);
    DeviceSnapshot const seen = take_device_snapshot(space, 5);
    EXPECT_EQ(space.writes, (std::vector<std::uint16_t>{0x014, 0x014, 0x030}));
    EXPECT_TRUE(seen.queue_in_use);
    EXPECT_EQ(*seen.queue_size_max, 256u);
    EXPECT_FALSE(seen.queue_pfn.has_value());
    EXPECT_FALSE(seen.notified.has_value());  // no transport counts
}

// §4.2.4: a legacy device has no FEATURES_OK, and QueueNumMax is only read while QueuePFN is 0.
TEST(DeviceSnapshot, ReadsALegacyQueue) {
    for (std::uint32_t const pfn : {0u, 0x1234u}) {
        MmioWords space = disk_with(with_driver);
        space.words[0x004] = 1;
        space.words[0x040] = pfn;
        DeviceSnapshot const seen = take_device_snapshot(space, 0);
        EXPECT_EQ(seen.reach, Reach::queue);
        EXPECT_TRUE(seen.legacy);
        EXPECT_EQ(*seen.queue_pfn, pfn);
        EXPECT_EQ(seen.queue_in_use, pfn != 0);
        EXPECT_EQ(seen.queue_size_max.has_value(), pfn == 0);
        EXPECT_EQ(space.writes, (std::vector<std::uint16_t>{0x014, 0x030}));  // one word of features
    }
}

/// A transport of the kernel's own, without registers that could be read, and without a record.
struct PlainTransport {
    DeviceStatus is{with_features_ok};

    [[nodiscard]] spec::DeviceId device_id() const { return spec::DeviceId::block; }
    [[nodiscard]] bool is_legacy() const { return false; }
    DeviceStatus status() { return is; }
    std::uint32_t offered_features(unsigned word) { return word == 1 ? 1 : 0; }
    std::uint32_t queue_size_max(std::uint16_t) { return 64; }
    bool is_queue_in_use(std::uint16_t) { return false; }
};

TEST(DeviceSnapshot, AsksATransportWithoutRegisters) {
    PlainTransport transport;
    DeviceSnapshot const seen = take_device_snapshot(transport, 0);
    EXPECT_EQ(seen.reach, Reach::queue);
    EXPECT_FALSE(seen.is_mmio);
    EXPECT_EQ(seen.device_id, spec::DeviceId::block);
    EXPECT_TRUE(seen.offered->has(spec::Feature::version_1));
    EXPECT_EQ(*seen.queue_size_max, 64u);
    EXPECT_FALSE(seen.asked_features_ok.has_value());
    EXPECT_FALSE(seen.configured.has_value());
    transport.is = DeviceStatus{with_driver};
    EXPECT_EQ(take_device_snapshot(transport, 0).reach, Reach::status);
}

TEST(DeviceSnapshot, NeedsWhatDiagnosisReads) {
    struct NoStatus {
        [[nodiscard]] spec::DeviceId device_id() const { return spec::DeviceId::block; }
    };
    EXPECT_TRUE(DiagnosableTransport<PlainTransport>);
    EXPECT_FALSE(DiagnosableTransport<NoStatus>);
}

}  // namespace
}  // namespace virtq::test
