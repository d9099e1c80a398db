// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/guest_memory.hpp>
#include <sim/pci_bus.hpp>
#include <sim/pci_device.hpp>
#include <sim/pci_layout.hpp>
#include <sim/raw_driver.hpp>
#include <sim/raw_pci_driver.hpp>

/// A machine with one simulated PCI device, which its tests share.
namespace virtq::sim_test {

using namespace virtq::sim;
namespace pci = virtq::sim::wire::pci;
namespace common = virtq::sim::wire::pci::common;
namespace status = virtq::sim::wire::status;

/// A device that answers each chain with 3 bytes, with two queues and a config field of each width.
class PlainBackend final : public DeviceBackend {
public:
    [[nodiscard]] uint32_t device_id() const override { return id_; }
    [[nodiscard]] FeatureWords features() const override { return features_; }
    [[nodiscard]] uint16_t queue_count() const override { return 2; }
    [[nodiscard]] uint16_t queue_size_max(uint16_t) const override { return 16; }
    [[nodiscard]] std::vector<ConfigField> config_fields() const override {
        return {{0, 8}, {8, 4, ConfigField::always, true}, {12, 2}, {14, 1}};
    }
    [[nodiscard]] uint8_t read_config(size_t offset) override { return config_[offset]; }
    void write_config(size_t offset, uint8_t value) override { config_[offset] = value; }
    void start(Session const& session) override { session_ = session; }
    [[nodiscard]] Completion process(uint16_t, Chain const&) override {
        return swallow_ ? Completion{} : Completion{3};
    }

    uint32_t id_ = 2;
    FeatureWords features_{1u << 5, 0, 0, 0};
    uint8_t config_[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    Session session_;
    bool swallow_ = false;
};

/// A machine whose driver has mapped the BARs and set bus master.
class PciMachine : public ::testing::Test {
protected:
    explicit PciMachine(PciLayout machine_layout = PciLayout::modern()) : layout(std::move(machine_layout)) {}

    void SetUp() override {
        device.emplace(memory, backend, layout);
        bus.add(slot, *device);
        bus.assign();
        driver.emplace(bus, *device, layout, slot);
    }
    void expect_only(char const* id) {
        EXPECT_EQ(log.entries().size(), 1u) << log;
        EXPECT_TRUE(log.contains(id)) << "expected " << id << "; " << log;
    }
    void submit(RawQueue& to, uint16_t index = 0) {
        Buffer const buffer = memory.allocate_buffer(64);
        to.write(index, {buffer.phys, 64, wire::split::flag_write, 0});
        to.submit(index);
    }

    PciLayout layout;
    PciSlot slot{1, 4, 0};
    GuestMemory memory;
    ViolationLog& log = memory.violations();
    PlainBackend backend;
    PciBus bus{log};
    std::optional<PciDevice> device;
    std::optional<RawPciDriver> driver;
    RawQueue queue{memory, 8};
};

}  // namespace virtq::sim_test
