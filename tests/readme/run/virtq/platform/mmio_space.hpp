// SPDX-License-Identifier: MIT
#pragma once

#include <readme/run/address_space.hpp>
#include <virtq/platform/register_space.hpp>

#include <stdint.h>

/// Takes the place of the library's header by include path: the same class, whose addresses are those of the simulated
/// machine. So the documentation's own text runs, which says `virtq::MmioSpace`.
namespace virtq {

class MmioSpace {
public:
    static constexpr bool is_simulated = true;  ///< `machine.hpp` wants to see it

    constexpr MmioSpace() = default;
    explicit MmioSpace(uintptr_t base) : base_(base) {}

    [[nodiscard]] uintptr_t base() const { return base_; }

    [[nodiscard]] uint8_t read8(uint16_t offset) const { return static_cast<uint8_t>(load(offset, 1)); }
    [[nodiscard]] uint16_t read16(uint16_t offset) const { return static_cast<uint16_t>(load(offset, 2)); }
    [[nodiscard]] uint32_t read32(uint16_t offset) const { return load(offset, 4); }

    void write8(uint16_t offset, uint8_t value) { store(offset, value, 1); }
    void write16(uint16_t offset, uint16_t value) { store(offset, value, 2); }
    void write32(uint16_t offset, uint32_t value) { store(offset, value, 4); }

    [[nodiscard]] MmioSpace at(uint32_t offset) const { return MmioSpace{base_ + offset}; }

private:
    [[nodiscard]] uint32_t load(uint16_t offset, unsigned bytes) const {
        return readme::AddressSpace::current().load(base_ + offset, bytes);
    }
    void store(uint16_t offset, uint32_t value, unsigned bytes) const {
        readme::AddressSpace::current().store(base_ + offset, value, bytes);
    }

    uintptr_t base_ = 0;
};

static_assert(RegisterSpace<MmioSpace>);

}  // namespace virtq
