// SPDX-License-Identifier: MIT
#include <virtq/spec/mmio.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <set>
#include <type_traits>
#include <vector>

namespace {

namespace mmio = virtq::spec::mmio;
using virtq::detail::Access;
using virtq::detail::Register;

struct Row {
    char const* name;
    uint16_t offset;
    Access access;
};

template <Access access>
Row row(char const* name, Register<uint32_t, access> which) {
    return {name, which.offset, access};
}

/// Every register of the table in §4.2.2 (MMIO Device Register Layout).
std::vector<Row> modern_registers() {
    return {
        row("MagicValue", mmio::magic_value),
        row("Version", mmio::version),
        row("DeviceID", mmio::device_id),
        row("VendorID", mmio::vendor_id),
        row("DeviceFeatures", mmio::device_features),
        row("DeviceFeaturesSel", mmio::device_features_sel),
        row("DriverFeatures", mmio::driver_features),
        row("DriverFeaturesSel", mmio::driver_features_sel),
        row("QueueSel", mmio::queue_sel),
        row("QueueSizeMax", mmio::queue_size_max),
        row("QueueSize", mmio::queue_size),
        row("QueueReady", mmio::queue_ready),
        row("QueueNotify", mmio::queue_notify),
        row("InterruptStatus", mmio::interrupt_status),
        row("InterruptACK", mmio::interrupt_ack),
        row("Status", mmio::status),
        row("QueueDescLow", mmio::queue_desc.low),
        row("QueueDescHigh", mmio::queue_desc.high),
        row("QueueDriverLow", mmio::queue_driver.low),
        row("QueueDriverHigh", mmio::queue_driver.high),
        row("QueueDeviceLow", mmio::queue_device.low),
        row("QueueDeviceHigh", mmio::queue_device.high),
        row("ConfigGeneration", mmio::config_generation),
    };
}

/// The registers that §4.2.4 (Legacy interface) adds.
std::vector<Row> legacy_registers() {
    return {
        row("GuestPageSize", mmio::legacy_guest_page_size),
        row("QueueAlign", mmio::legacy_queue_align),
        row("QueuePFN", mmio::legacy_queue_pfn),
    };
}

TEST(MmioRegister, HasAUniqueOffset) {
    std::vector<Row> rows = modern_registers();
    std::vector<Row> const legacy = legacy_registers();
    rows.insert(rows.end(), legacy.begin(), legacy.end());
    std::set<uint16_t> offsets;
    for (Row const& row : rows) {
        EXPECT_TRUE(offsets.insert(row.offset).second) << row.name;
    }
}

TEST(MmioRegister, IsAlignedAndBelowTheConfiguration) {
    for (Row const& row : modern_registers()) {
        EXPECT_EQ(row.offset % 4, 0) << row.name;
        EXPECT_LT(row.offset, mmio::config_offset) << row.name;
    }
    EXPECT_EQ(mmio::config_offset, 0x100);
}

TEST(MmioRegister, HasTheOffsetOfTheStandard) {
    struct Expected {
        char const* name;
        uint16_t offset;
        Access access;
    };
    // Copied from the table of the standard, not from the header.
    Expected const table[] = {
        {"MagicValue", 0x000, Access::read},       {"Version", 0x004, Access::read},
        {"DeviceID", 0x008, Access::read},         {"VendorID", 0x00c, Access::read},
        {"DeviceFeatures", 0x010, Access::read},   {"DeviceFeaturesSel", 0x014, Access::write},
        {"DriverFeatures", 0x020, Access::write},  {"DriverFeaturesSel", 0x024, Access::write},
        {"QueueSel", 0x030, Access::write},        {"QueueSizeMax", 0x034, Access::read},
        {"QueueSize", 0x038, Access::write},       {"QueueReady", 0x044, Access::read_write},
        {"QueueNotify", 0x050, Access::write},     {"InterruptStatus", 0x060, Access::read},
        {"InterruptACK", 0x064, Access::write},    {"Status", 0x070, Access::read_write},
        {"QueueDescLow", 0x080, Access::write},    {"QueueDescHigh", 0x084, Access::write},
        {"QueueDriverLow", 0x090, Access::write},  {"QueueDriverHigh", 0x094, Access::write},
        {"QueueDeviceLow", 0x0a0, Access::write},  {"QueueDeviceHigh", 0x0a4, Access::write},
        {"ConfigGeneration", 0x0fc, Access::read},
    };
    std::vector<Row> const rows = modern_registers();
    ASSERT_EQ(rows.size(), std::size(table));
    for (size_t i = 0; i < rows.size(); ++i) {
        EXPECT_STREQ(rows[i].name, table[i].name);
        EXPECT_EQ(rows[i].offset, table[i].offset) << table[i].name;
        EXPECT_EQ(rows[i].access, table[i].access) << table[i].name;
    }
}

TEST(MmioRegister, HasTheStandardsLegacyOffset) {
    EXPECT_EQ(mmio::legacy_guest_page_size.offset, 0x028);
    EXPECT_EQ(mmio::legacy_queue_align.offset, 0x03c);
    EXPECT_EQ(mmio::legacy_queue_pfn.offset, 0x040);
}

TEST(MmioMagic, SpellsVirt) {
    char letters[4];
    uint32_t const value = mmio::magic;  // little-endian on the device's side
    for (unsigned i = 0; i < 4; ++i) {
        letters[i] = static_cast<char>(value >> (8 * i));
    }
    EXPECT_EQ(std::memcmp(letters, "virt", 4), 0);
}

TEST(MmioInterrupt, HasTheBitsOfTheStandard) {
    EXPECT_EQ(mmio::interrupt_used_buffer, 1u);
    EXPECT_EQ(mmio::interrupt_config_change, 2u);
}

}  // namespace
