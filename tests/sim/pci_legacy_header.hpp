// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <sim/pci_core.hpp>
#include <sim/rule.hpp>
#include <sim/wire_pci.hpp>

/// The legacy interface (§4.1.4.10): a header of 20 bytes, or 24 while MSI-X is enabled. The device configuration
/// follows it directly.
namespace virtq::sim {

class PciLegacyHeader {
public:
    explicit PciLegacyHeader(PciCore& core) : core_(core) {}

    [[nodiscard]] uint32_t read(uint32_t offset, unsigned bytes) {
        if (offset >= bytes_now()) {
            return core_.read_config(static_cast<uint16_t>(offset - bytes_now()), bytes);
        }
        return check(offset, bytes, false) ? read_field(static_cast<uint16_t>(offset)) : 0;
    }
    void write(uint32_t offset, uint32_t value, unsigned bytes) {
        bool const in_header = offset < bytes_now();
        if ((in_header && !check(offset, bytes, true)) ||
            !core_.check_during_reset(offset == wire::pci::legacy::device_status, value)) {
            return;
        }
        if (in_header) {
            write_field(static_cast<uint16_t>(offset), value);
        } else {
            core_.write_config(static_cast<uint16_t>(offset - bytes_now()), value, bytes);
        }
    }

private:
    [[nodiscard]] uint32_t bytes_now() const {
        return core_.interrupts().msix().enabled() ? wire::pci::legacy::bytes_with_msix : wire::pci::legacy::bytes;
    }

    [[nodiscard]] bool check(uint32_t offset, unsigned bytes, bool is_write) {
        for (auto const& row : wire::pci::legacy::rows) {
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
        return false;
    }

    [[nodiscard]] uint32_t read_field(uint16_t field) {
        using namespace wire::pci::legacy;
        switch (field) {
            case device_features: return core_.features().read_offered();
            case driver_features: return core_.features().read_accepted();
            case queue_notify: core_.log().report(rule::pci_notify_read, field); return 0;
            case device_status: return core_.read_status();
            case isr_status: return core_.interrupts().read_isr();
            case config_msix_vector: return core_.read_config_vector();
            default: return core_.queues().read_legacy(field);
        }
    }

    void write_field(uint16_t field, uint32_t value) {
        using namespace wire::pci::legacy;
        switch (field) {
            case driver_features: return core_.accept_features(value);
            case queue_notify: return core_.notify_legacy(value);
            case device_status: return core_.write_status(value);
            case config_msix_vector: return core_.write_config_vector(value);
            default:
                if (field == queue_address && value != 0) {
                    core_.begin_session();  // §3.1.2: the driver may use the queue at once
                }
                return core_.queues().write_legacy(field, value, core_.interrupts().msix().size());
        }
    }

    PciCore& core_;
};

}  // namespace virtq::sim
