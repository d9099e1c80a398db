// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/transport/detail/pci/pci_kept_access.hpp>
#include <virtq/transport/pci_config_window.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Registers of a modern device for `AnyTransport`: in mapped BARs, or through the configuration space. One transport
/// over both takes less code than two.
template <class Memory>
class PciEitherSpace {
public:
    constexpr PciEitherSpace() = default;
    explicit PciEitherSpace(uintptr_t mapped) : memory_(mapped) {}
    PciEitherSpace(PciFunction<PciKeptAccess> const& of, uint16_t capability, uint8_t bar, uint32_t base)
        : window_(of, capability, bar, base) {}

    [[__nodiscard__]] uint8_t read8(uint16_t offset) {
        return window_.is_set() ? window_.read8(offset) : memory_.read8(offset);
    }
    [[__nodiscard__]] uint16_t read16(uint16_t offset) {
        return window_.is_set() ? window_.read16(offset) : memory_.read16(offset);
    }
    [[__nodiscard__]] uint32_t read32(uint16_t offset) {
        return window_.is_set() ? window_.read32(offset) : memory_.read32(offset);
    }
    void write8(uint16_t offset, uint8_t value) {
        window_.is_set() ? window_.write8(offset, value) : memory_.write8(offset, value);
    }
    void write16(uint16_t offset, uint16_t value) {
        window_.is_set() ? window_.write16(offset, value) : memory_.write16(offset, value);
    }
    void write32(uint16_t offset, uint32_t value) {
        window_.is_set() ? window_.write32(offset, value) : memory_.write32(offset, value);
    }

    [[__nodiscard__]] PciEitherSpace at(uint32_t offset) const {
        PciEitherSpace further = *this;
        if (window_.is_set()) {
            further.window_ = window_.at(offset);
        } else {
            further.memory_ = memory_.at(offset);
        }
        return further;
    }

private:
    Memory memory_{};
    PciConfigWindow<PciKeptAccess> window_;
};

/// Registers of a legacy device for `AnyTransport`: in ports or in memory.
template <class MemorySpace, class PortsSpace>
class PciLegacySpace {
public:
    using Memory = MemorySpace;
    using Ports = PortsSpace;

    constexpr PciLegacySpace() = default;
    explicit PciLegacySpace(Memory memory) : memory_(memory) {}
    explicit PciLegacySpace(Ports ports) : ports_(ports), is_ports_(true) {}

    [[__nodiscard__]] bool is_ports() const { return is_ports_; }

    static constexpr uint64_t port_end = [] {
        if constexpr (requires { Ports::port_end; }) {
            return uint64_t{Ports::port_end};
        } else {
            return UINT64_MAX;
        }
    }();

    [[__nodiscard__]] uint8_t read8(uint16_t offset) {
        return is_ports_ ? ports_.read8(offset) : memory_.read8(offset);
    }
    [[__nodiscard__]] uint16_t read16(uint16_t offset) {
        return is_ports_ ? ports_.read16(offset) : memory_.read16(offset);
    }
    [[__nodiscard__]] uint32_t read32(uint16_t offset) {
        return is_ports_ ? ports_.read32(offset) : memory_.read32(offset);
    }
    void write8(uint16_t offset, uint8_t value) {
        is_ports_ ? ports_.write8(offset, value) : memory_.write8(offset, value);
    }
    void write16(uint16_t offset, uint16_t value) {
        is_ports_ ? ports_.write16(offset, value) : memory_.write16(offset, value);
    }
    void write32(uint16_t offset, uint32_t value) {
        is_ports_ ? ports_.write32(offset, value) : memory_.write32(offset, value);
    }

    [[__nodiscard__]] PciLegacySpace at(uint32_t offset) const {
        return is_ports_ ? PciLegacySpace{ports_.at(offset)} : PciLegacySpace{memory_.at(offset)};
    }

private:
    Memory memory_{};
    Ports ports_{};
    bool is_ports_ = false;
};

}  // namespace virtq::detail
