// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include <cstddef>

#include <sim/pci_bus.hpp>
#include <sim/pci_device.hpp>
#include <sim/pci_layout.hpp>
#include <sim/raw_driver.hpp>
#include <sim/wire.hpp>
#include <sim/wire_pci.hpp>

/// `RawDriver` for PCI: it knows the layout instead of searching for it, and checks nothing.
namespace virtq::sim {

class RawPciDriver {
public:
    RawPciDriver(PciBus& bus, PciDevice& device, PciLayout layout, PciSlot slot = {})
        : bus_(bus), device_(device), layout_(std::move(layout)), where(slot) {
        for (unsigned i = 0; i < wire::pci::bar_count; ++i) {
            map(i);
        }
        locate();
        set_command(wire::pci::command_bus_master, true);
    }

    /// Maps a BAR at its current address.
    void map(unsigned index) {
        PciBar const one = device_.bar(index);
        auto const bytes = one.layout().bytes;
        if (one.is_io()) {
            bars[index] =
                BarSpace(bus_.map_device_ports(static_cast<uint32_t>(one.address()), static_cast<uint32_t>(bytes)));
        } else if (one.is_memory()) {
            bars[index] = BarSpace(bus_.map_device_memory(PhysAddr{one.address()}, bytes));
        }
    }
    [[nodiscard]] BarSpace at(PciStructure const& structure) const { return bars[structure.bar].at(structure.offset); }
    void set_command(uint16_t bits, bool on) {
        uint16_t const old = bus_.read16(where, wire::pci::command);
        bus_.write16(where, wire::pci::command, static_cast<uint16_t>(on ? old | bits : old & ~bits));
    }

    // Modern.

    void reset() {
        common.write8(wire::pci::common::device_status, 0);
        static_cast<void>(common.read8(wire::pci::common::device_status));
        status = 0;
    }
    void add_status(uint32_t bits) {
        status |= bits;
        common.write8(wire::pci::common::device_status, static_cast<uint8_t>(status));
    }
    void greet() {
        reset();
        add_status(wire::status::acknowledge);
        add_status(wire::status::driver);
    }
    [[nodiscard]] FeatureWords read_features() {
        FeatureWords offered{};
        for (uint32_t i = 0; i < offered.size(); ++i) {
            common.write32(wire::pci::common::device_feature_select, i);
            offered[i] = common.read32(wire::pci::common::device_feature);
        }
        return offered;
    }
    void write_features(FeatureWords const& accepted) {
        for (uint32_t i = 0; i < accepted.size(); ++i) {
            common.write32(wire::pci::common::driver_feature_select, i);
            common.write32(wire::pci::common::driver_feature, accepted[i]);
        }
    }
    void negotiate() {
        greet();
        write_features(read_features());
        add_status(wire::status::features_ok);
        static_cast<void>(common.read8(wire::pci::common::device_status));
    }
    template <class Queue>
    void write_areas(Queue const& queue) {
        write64(wire::pci::common::queue_desc, queue.pages.phys.value);
        write64(wire::pci::common::queue_driver, queue.driver_area.value);
        write64(wire::pci::common::queue_device, queue.device_area.value);
    }
    void select(uint16_t index) { common.write16(wire::pci::common::queue_select, index); }
    template <class Queue>
    void start_queue(Queue const& queue, uint16_t index = 0) {
        select(index);
        common.write16(wire::pci::common::queue_size, queue.size);
        write_areas(queue);
        common.write16(wire::pci::common::queue_enable, 1);
    }
    template <class Queue>
    void bring_up(Queue const& queue) {
        negotiate();
        start_queue(queue);
        add_status(wire::status::driver_ok);
    }
    void notify(uint16_t index = 0) {
        auto const offset = static_cast<uint16_t>(index * layout_.notify_off_multiplier);
        notification.write16(offset, index);
    }

    // Legacy.

    void legacy_add_status(uint32_t bits) {
        status |= bits;
        legacy.write8(wire::pci::legacy::device_status, static_cast<uint8_t>(status));
    }
    void legacy_greet() {
        legacy.write8(wire::pci::legacy::device_status, 0);
        status = 0;
        legacy_add_status(wire::status::acknowledge);
        legacy_add_status(wire::status::driver);
    }
    void legacy_bring_up(RawQueue const& queue) {
        legacy_greet();
        legacy.write32(wire::pci::legacy::driver_features, legacy.read32(wire::pci::legacy::device_features));
        legacy.write16(wire::pci::legacy::queue_select, 0);
        legacy.write32(wire::pci::legacy::queue_address, static_cast<uint32_t>(queue.pages.phys.value / 4096));
        legacy_add_status(wire::status::driver_ok);
    }

    // MSI-X.

    [[nodiscard]] uint16_t msix_control() const {
        return static_cast<uint16_t>(device_.capabilities().find_id(wire::pci::capability_msix)->offset +
                                     wire::pci::msix_control);
    }
    void set_message(uint16_t vector, uint64_t address, uint32_t data) const {
        BarSpace const entry = msix_entry(vector);
        entry.write32(0, static_cast<uint32_t>(address));
        entry.write32(4, static_cast<uint32_t>(address >> 32));
        entry.write32(8, data);
        entry.write32(12, 0);
    }
    void mask(uint16_t vector, uint32_t masked) const { msix_entry(vector).write32(12, masked); }
    void enable_msix(uint16_t bits = wire::pci::msix_enable) { bus_.write16(where, msix_control(), bits); }
    [[nodiscard]] BarSpace msix_entry(uint16_t vector) const {
        return bars[layout_.msix_bar].at(layout_.msix_table_offset + vector * wire::pci::msix_entry_bytes);
    }
    /// Maps an event to a vector, and reads it back.
    [[nodiscard]] uint16_t map_vector(uint16_t field, uint16_t vector) const {
        common.write16(field, vector);
        return common.read16(field);
    }

private:
    void locate() {
        for (auto const& one : layout_.structures) {
            switch (one.type) {
                case wire::pci::common_cfg: common = at(one); break;
                case wire::pci::notify_cfg: notification = at(one); break;
                case wire::pci::isr_cfg: isr = at(one); break;
                case wire::pci::device_cfg: config = at(one); break;
                default: break;
            }
        }
        legacy = bars[layout_.legacy_bar];
    }
    void write64(uint16_t offset, uint64_t value) const {
        common.write32(offset, static_cast<uint32_t>(value));
        common.write32(static_cast<uint16_t>(offset + 4), static_cast<uint32_t>(value >> 32));
    }

    PciBus& bus_;
    PciDevice& device_;
    PciLayout layout_;

public:
    PciSlot where;
    BarSpace bars[wire::pci::bar_count];
    BarSpace common;
    BarSpace notification;
    BarSpace isr;
    BarSpace config;
    BarSpace legacy;
    uint32_t status = 0;
};

}  // namespace virtq::sim
