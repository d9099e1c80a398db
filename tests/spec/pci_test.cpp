// SPDX-License-Identifier: MIT
#include <virtq/spec/pci.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <iterator>
#include <vector>

namespace {

namespace pci = virtq::spec::pci;
using virtq::detail::Access;
using virtq::detail::Register;

/// Where a register is, how wide, and what may be done with it.
struct Field {
    char const* name;
    uint32_t offset;
    size_t bytes;
    Access access;
};

template <class Word, Access access>
Field field(char const* name, Register<Word, access> which) {
    return {name, which.offset, sizeof(Word), access};
}

void expect_fields(std::vector<Field> const& fields, std::vector<Field> const& table) {
    ASSERT_EQ(fields.size(), table.size());
    for (size_t i = 0; i < fields.size(); ++i) {
        EXPECT_STREQ(fields[i].name, table[i].name);
        EXPECT_EQ(fields[i].offset, table[i].offset) << table[i].name;
        EXPECT_EQ(fields[i].bytes, table[i].bytes) << table[i].name;
        EXPECT_EQ(fields[i].access, table[i].access) << table[i].name;
    }
}

// §4.1.4.3: struct virtio_pci_common_cfg, field by field. The table is copied from the standard.
TEST(PciSpec, HasTheCommonConfiguration) {
    using namespace pci::common;
    constexpr Access rw = Access::read_write;
    constexpr Access ro = Access::read;
    expect_fields({field("device_feature_select", device_feature_select),
                   field("device_feature", device_feature),
                   field("driver_feature_select", driver_feature_select),
                   field("driver_feature", driver_feature),
                   field("config_msix_vector", config_msix_vector),
                   field("num_queues", num_queues),
                   field("device_status", device_status),
                   field("config_generation", config_generation),
                   field("queue_select", queue_select),
                   field("queue_size", queue_size),
                   field("queue_msix_vector", queue_msix_vector),
                   field("queue_enable", queue_enable),
                   field("queue_notify_off", queue_notify_off),
                   field("queue_desc", queue_desc.low),
                   field("queue_desc + 4", queue_desc.high),
                   field("queue_driver", queue_driver.low),
                   field("queue_driver + 4", queue_driver.high),
                   field("queue_device", queue_device.low),
                   field("queue_device + 4", queue_device.high),
                   field("queue_notif_config_data", queue_notif_config_data),
                   field("queue_reset", queue_reset)},
                  {{"device_feature_select", 0, 4, rw}, {"device_feature", 4, 4, ro},
                   {"driver_feature_select", 8, 4, rw}, {"driver_feature", 12, 4, rw},
                   {"config_msix_vector", 16, 2, rw},   {"num_queues", 18, 2, ro},
                   {"device_status", 20, 1, rw},        {"config_generation", 21, 1, ro},
                   {"queue_select", 22, 2, rw},         {"queue_size", 24, 2, rw},
                   {"queue_msix_vector", 26, 2, rw},    {"queue_enable", 28, 2, rw},
                   {"queue_notify_off", 30, 2, ro},     {"queue_desc", 32, 4, rw},
                   {"queue_desc + 4", 36, 4, rw},       {"queue_driver", 40, 4, rw},
                   {"queue_driver + 4", 44, 4, rw},     {"queue_device", 48, 4, rw},
                   {"queue_device + 4", 52, 4, rw},     {"queue_notif_config_data", 56, 2, ro},
                   {"queue_reset", 58, 2, rw}});
    EXPECT_EQ(pci::common::bytes, 56u);  // up to queue_device
    EXPECT_EQ(bytes_with_notif_config_data, 58u);
    EXPECT_EQ(bytes_with_queue_reset, 60u);
}

// §4.1.4.10: the two tables of the legacy header.
TEST(PciSpec, HasTheLegacyHeader) {
    using namespace pci::legacy;
    constexpr Access rw = Access::read_write;
    constexpr Access ro = Access::read;
    expect_fields(
        {field("Device Features", device_features), field("Driver Features", driver_features),
         field("Queue Address", queue_address), field("queue_size", queue_size), field("queue_select", queue_select),
         field("Queue Notify", queue_notify), field("Device Status", device_status), field("ISR Status", isr_status),
         field("config_msix_vector", config_msix_vector), field("queue_msix_vector", queue_msix_vector)},
        {{"Device Features", 0, 4, ro},
         {"Driver Features", 4, 4, rw},
         {"Queue Address", 8, 4, rw},
         {"queue_size", 12, 2, ro},
         {"queue_select", 14, 2, rw},
         {"Queue Notify", 16, 2, Access::write},
         {"Device Status", 18, 1, rw},
         {"ISR Status", 19, 1, ro},
         {"config_msix_vector", 20, 2, rw},
         {"queue_msix_vector", 22, 2, rw}});
    EXPECT_EQ(bar, 0);
    EXPECT_EQ(config_offset, 20);
    EXPECT_EQ(config_offset_msix, 24);
}

// §4.1.2: vendor 0x1af4, devices 0x1000 to 0x107f; a modern ID is 0x1040 plus the device type.
TEST(PciSpec, HasTheDeviceIds) {
    EXPECT_EQ(pci::vendor_virtio, 0x1af4);
    EXPECT_EQ(pci::device_transitional_first, 0x1000);
    EXPECT_EQ(pci::device_modern_first, 0x1040);
    EXPECT_EQ(pci::device_last, 0x107f);
}

// §4.1.4: struct virtio_pci_cap, and VIRTIO_PCI_CAP_….
TEST(PciSpec, HasTheCapability) {
    EXPECT_EQ(pci::cap::cfg_type, 3);
    EXPECT_EQ(pci::cap::bar, 4);
    EXPECT_EQ(pci::cap::offset, 8);
    EXPECT_EQ(pci::cap::length, 12);
    EXPECT_EQ(pci::cap::bytes, 16);
    EXPECT_EQ(pci::cap::notify_off_multiplier, 16);
    EXPECT_EQ(pci::cap::pci_cfg_data, 16);
    pci::StructureType const in_order[] = {pci::StructureType::common, pci::StructureType::notify,
                                           pci::StructureType::isr, pci::StructureType::device,
                                           pci::StructureType::window};
    for (unsigned i = 0; i < std::size(in_order); ++i) {
        EXPECT_EQ(static_cast<unsigned>(in_order[i]), i + 1);
    }
}

TEST(PciSpec, HasTheIsrBits) {
    EXPECT_EQ(pci::isr_queue, 1);
    EXPECT_EQ(pci::isr_config, 2);
    EXPECT_EQ(pci::no_vector, 0xffff);
}

// PCI 6.1, 6.2.2 and 6.2.3: the header that all functions share.
TEST(PciSpec, HasTheHeaderOfPci) {
    EXPECT_EQ(pci::vendor_id.offset, 0x00);
    EXPECT_EQ(pci::device_id.offset, 0x02);
    EXPECT_EQ(pci::command.offset, 0x04);
    EXPECT_EQ(pci::status.offset, 0x06);
    EXPECT_EQ(pci::header_type.offset, 0x0e);
    EXPECT_EQ(pci::bar_first, 0x10);
    EXPECT_EQ(pci::subsystem_device_id.offset, 0x2e);
    EXPECT_EQ(pci::capabilities_pointer.offset, 0x34);
    EXPECT_EQ(pci::interrupt_line.offset, 0x3c);
    EXPECT_EQ(pci::interrupt_pin.offset, 0x3d);
    EXPECT_EQ(pci::command_io_space, 1);
    EXPECT_EQ(pci::command_memory_space, 2);
    EXPECT_EQ(pci::command_bus_master, 4);
    EXPECT_EQ(pci::command_interrupt_disable, 0x400);
    EXPECT_EQ(pci::status_capabilities, 0x10);
}

// PCI 6.8.2: the capability of MSI-X, and an entry of its table.
TEST(PciSpec, HasTheMsixTable) {
    EXPECT_EQ(pci::capability_msix, 0x11);
    EXPECT_EQ(pci::msix::control, 2);
    EXPECT_EQ(pci::msix::table, 4);
    EXPECT_EQ(pci::msix::control_size_mask, 0x7ff);
    EXPECT_EQ(pci::msix::control_function_mask, 0x4000);
    EXPECT_EQ(pci::msix::control_enable, 0x8000);
    EXPECT_EQ(pci::msix::table_bar_mask, 7u);
    EXPECT_EQ(pci::msix::entry_bytes, 16u);
    EXPECT_EQ(pci::msix::entry_address.low.offset, 0);
    EXPECT_EQ(pci::msix::entry_address.high.offset, 4);
    EXPECT_EQ(pci::msix::entry_data.offset, 8);
    EXPECT_EQ(pci::msix::entry_control.offset, 12);
    EXPECT_EQ(pci::msix::entry_masked, 1u);
}

}  // namespace
