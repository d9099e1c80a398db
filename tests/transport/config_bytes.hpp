// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/pci_config_access.hpp>
#include <virtq/spec/pci.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

/// The configuration space of one function as arbitrary bytes: what a hostile device may show and a simulated one
/// never does.
namespace virtq::test {

class ConfigBytes {
public:
    [[nodiscard]] std::uint8_t read8(PciAddress, std::uint16_t offset) {
        return static_cast<std::uint8_t>(read(offset, 1));
    }
    [[nodiscard]] std::uint16_t read16(PciAddress, std::uint16_t offset) {
        return static_cast<std::uint16_t>(read(offset, 2));
    }
    [[nodiscard]] std::uint32_t read32(PciAddress, std::uint16_t offset) { return read(offset, 4); }
    void write8(PciAddress, std::uint16_t offset, std::uint8_t value) { write(offset, value, 1); }
    void write16(PciAddress, std::uint16_t offset, std::uint16_t value) { write(offset, value, 2); }
    void write32(PciAddress, std::uint16_t offset, std::uint32_t value) { write(offset, value, 4); }

    /// Accesses of the device's side.
    [[nodiscard]] std::uint32_t get(std::uint16_t offset, unsigned width) const {
        std::uint32_t value = 0;
        for (unsigned i = 0; i < width; ++i) {
            value |= std::uint32_t{bytes.at(std::size_t{offset} + i)} << (8 * i);
        }
        return value;
    }
    void put(std::uint16_t offset, std::uint32_t value, unsigned width) {
        for (unsigned i = 0; i < width; ++i) {
            bytes.at(std::size_t{offset} + i) = static_cast<std::uint8_t>(value >> (8 * i));
        }
    }
    /// A BAR that reads `value` now, and whose `writable` bits can be written.
    void put_bar(unsigned index, std::uint32_t value, std::uint32_t writable) {
        put(static_cast<std::uint16_t>(spec::pci::bar_first + 4 * index), value, 4);
        bar_sticky.at(index) = writable;
    }
    [[nodiscard]] std::uint32_t bar(unsigned index) const {
        return get(static_cast<std::uint16_t>(spec::pci::bar_first + 4 * index), 4);
    }

    std::array<std::uint8_t, 256> bytes{};
    std::array<std::uint32_t, 6> bar_sticky{};
    /// What a BAR reads after all ones were written to it, in place of its true answer.
    std::array<std::optional<std::uint32_t>, 6> bar_answer{};
    std::uint16_t command_sticky = 0x0547;
    /// The writable bits of bytes from 0x40 on. Normally only a configuration window has any.
    std::array<std::uint8_t, 256> sticky{};

    /// After this many reads the device is gone, and reads return all ones.
    std::size_t reads_left = SIZE_MAX;

    std::size_t accesses = 0;
    std::size_t crooked = 0;       ///< misaligned accesses, and accesses past the end
    std::size_t bars_live = 0;     ///< writes to a BAR while the function decodes
    std::size_t stray_writes = 0;  ///< writes to the header other than to the command register and BARs

private:
    [[nodiscard]] bool is_crooked(std::uint16_t offset, unsigned width) {
        ++accesses;
        bool const wrong = offset % width != 0 || offset + width > bytes.size();
        crooked += wrong ? 1 : 0;
        return wrong;
    }
    [[nodiscard]] std::uint32_t read(std::uint16_t offset, unsigned width) {
        if (reads_left == 0 || is_crooked(offset, width)) {
            return UINT32_MAX;
        }
        --reads_left;
        return is_bar(offset) && asked_[index_of(offset)] ? *bar_answer[index_of(offset)] : get(offset, width);
    }
    void write(std::uint16_t offset, std::uint32_t value, unsigned width) {
        if (is_crooked(offset, width)) {
            return;
        }
        std::uint32_t mask = 0;
        if (is_bar(offset)) {
            std::size_t const index = index_of(offset);
            asked_[index] = value == UINT32_MAX && bar_answer[index].has_value();
            mask = asked_[index] ? 0 : bar_sticky[index];
            bars_live += (get(spec::pci::command.offset, 2) & 3) != 0 && !is_of_bridge(offset) ? 1 : 0;
        } else if (offset == spec::pci::command.offset) {
            mask = command_sticky;
        } else {
            stray_writes += offset < spec::pci::header_bytes && !is_of_bridge(offset) ? 1 : 0;
            for (unsigned i = 0; i < width; ++i) {
                mask |= std::uint32_t{sticky[offset + i]} << (8 * i);
            }
        }
        put(offset, (get(offset, width) & ~mask) | (value & mask), width);
    }
    [[nodiscard]] static bool is_bar(std::uint16_t offset) {
        return offset >= spec::pci::bar_first && offset < spec::pci::bar_first + 24;
    }
    /// Whether this is a bus number or a window of a bridge. Some are where a device has BARs 2 to 5.
    [[nodiscard]] bool is_of_bridge(std::uint16_t offset) const {
        bool const bridge = (get(spec::pci::header_type.offset, 1) & 0x7fu) == spec::pci::bridge::header_type;
        return bridge && offset >= 0x18 && offset < 0x34;
    }
    [[nodiscard]] static std::size_t index_of(std::uint16_t offset) { return (offset - spec::pci::bar_first) / 4u; }

    std::array<bool, 6> asked_{};
};

static_assert(PciConfigAccess<ConfigBytes>);

}  // namespace virtq::test
