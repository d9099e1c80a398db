// SPDX-License-Identifier: MIT
#pragma once

#include <sim/mmio_device.hpp>
#include <sim/pci_bus.hpp>

#include <cstdint>

namespace virtq::test {

/// A register space over virtio-mmio or over the simulated bus, because one kernel's device memory holds both.
class EitherSpace {
public:
    EitherSpace() = default;
    explicit EitherSpace(std::uintptr_t base) : bar_(base) {}
    explicit EitherSpace(sim::MmioRegisters mmio) : mmio_(mmio), is_mmio_(true) {}

    [[nodiscard]] std::uint8_t read8(std::uint16_t offset) {
        return is_mmio_ ? mmio_.read8(offset) : bar_.read8(offset);
    }
    [[nodiscard]] std::uint16_t read16(std::uint16_t offset) {
        return is_mmio_ ? mmio_.read16(offset) : bar_.read16(offset);
    }
    [[nodiscard]] std::uint32_t read32(std::uint16_t offset) {
        return is_mmio_ ? mmio_.read32(offset) : bar_.read32(offset);
    }
    void write8(std::uint16_t offset, std::uint8_t value) {
        is_mmio_ ? mmio_.write8(offset, value) : bar_.write8(offset, value);
    }
    void write16(std::uint16_t offset, std::uint16_t value) {
        is_mmio_ ? mmio_.write16(offset, value) : bar_.write16(offset, value);
    }
    void write32(std::uint16_t offset, std::uint32_t value) {
        is_mmio_ ? mmio_.write32(offset, value) : bar_.write32(offset, value);
    }
    [[nodiscard]] EitherSpace at(std::uint32_t offset) const { return EitherSpace{bar_.base() + offset}; }

private:
    sim::MmioRegisters mmio_{};
    sim::BarSpace bar_{};
    bool is_mmio_ = false;
};

}  // namespace virtq::test
