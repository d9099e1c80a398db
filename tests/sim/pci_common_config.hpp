// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <sim/pci_core.hpp>
#include <sim/rule.hpp>
#include <sim/wire_pci.hpp>

/// The common configuration structure (§4.1.4.3): checks widths and directions, and passes each field to its part of
/// the device.
namespace virtq::sim {

class PciCommonConfig {
public:
    explicit PciCommonConfig(PciCore& core) : core_(core) {}

    [[nodiscard]] uint32_t read(uint32_t offset, unsigned bytes) {
        auto const field = static_cast<uint16_t>(offset);
        return check(offset, bytes, false) ? read_field(field) : 0;
    }
    void write(uint32_t offset, uint32_t value, unsigned bytes) {
        auto const field = static_cast<uint16_t>(offset);
        if (check(offset, bytes, true) && core_.check_during_reset(field == wire::pci::common::device_status, value)) {
            write_field(field, value);
        }
    }

private:
    /// §4.1.3.1. False: the access has no effect.
    [[nodiscard]] bool check(uint32_t offset, unsigned bytes, bool is_write) {
        for (auto const& row : wire::pci::common::rows) {
            if (offset < row.offset || offset >= row.offset + uint32_t{row.width}) {
                continue;
            }
            if (offset != row.offset || bytes != row.width) {
                core_.log().report(row.width == 1   ? rule::pci_width_8
                                   : row.width == 2 ? rule::pci_width_16
                                                    : rule::pci_width_32,
                                   offset);
                return false;
            }
            if (is_write && !row.writable) {
                core_.log().report(rule::pci_read_only, offset);
                return false;
            }
            return true;
        }
        core_.log().report(rule::pci_unknown, offset);
        return false;
    }

    [[nodiscard]] uint32_t read_field(uint16_t field) {
        using namespace wire::pci::common;
        switch (field) {
            case device_feature_select: return core_.features().offered_word();
            case device_feature: return core_.features().read_offered();
            case driver_feature_select: return core_.features().accepted_word();
            case driver_feature: return core_.features().read_accepted();
            case config_msix_vector: return core_.read_config_vector();
            case num_queues: return static_cast<uint32_t>(core_.queues().size());
            case device_status: return core_.read_status();
            case config_generation: return core_.read_generation();
            case admin_queue_index:
            case admin_queue_num:
                if (!core_.features().negotiated(wire::feature::admin_vq)) {
                    core_.log().report(rule::pci_field_absent, field);
                }
                return field == admin_queue_index ? static_cast<uint32_t>(core_.queues().size()) : 0;
            default: return core_.queues().read(field);
        }
    }

    void write_field(uint16_t field, uint32_t value) {
        using namespace wire::pci::common;
        switch (field) {
            case device_feature_select: return core_.features().select_offered(value);
            case driver_feature_select: return core_.features().select_accepted(value);
            case driver_feature: return core_.accept_features(value);
            case config_msix_vector: return core_.write_config_vector(value);
            case device_status: return core_.write_status(value);
            default: return core_.queues().write(field, value, core_.interrupts().msix().size());
        }
    }

    PciCore& core_;
};

}  // namespace virtq::sim
