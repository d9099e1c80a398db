// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <array>
#include <cstddef>
#include <vector>

#include <sim/pci_bar.hpp>
#include <sim/wire_pci.hpp>

/// The configuration space of a function: bytes, some of whose bits a driver may write, and BARs between them.
namespace virtq::sim {

class PciConfigRegisters {
public:
    /// `bars` is the number of BARs in the header; a bridge has two.
    explicit PciConfigRegisters(size_t bytes = 256, unsigned bars = wire::pci::bar_count)
        : bytes_(bytes, 0), writable_(bytes, 0), bar_count_(bars) {}

    [[nodiscard]] size_t size() const { return bytes_.size(); }
    [[nodiscard]] PciBar& bar(unsigned index) { return bars_[index]; }
    [[nodiscard]] PciBar const& bar(unsigned index) const { return bars_[index]; }
    [[nodiscard]] uint16_t command() const { return static_cast<uint16_t>(peek(wire::pci::command, 2)); }

    /// A driver's read; all ones after the end.
    [[nodiscard]] uint32_t read(uint16_t offset, unsigned bytes) const {
        uint32_t value = 0;
        for (unsigned i = 0; i < bytes; ++i) {
            value |= uint32_t{read_byte(size_t{offset} + i)} << (8 * i);
        }
        return value;
    }
    /// A driver's write: bits that are not writable keep their value.
    void write(uint16_t offset, uint32_t value, unsigned bytes) {
        for (unsigned i = 0; i < bytes; ++i) {
            size_t const at = size_t{offset} + i;
            if (at < bytes_.size() && !is_bar(at)) {
                auto const byte = static_cast<uint8_t>(value >> (8 * i));
                bytes_[at] = static_cast<uint8_t>((bytes_[at] & ~writable_[at]) | (byte & writable_[at]));
            }
        }
        if (is_bar(offset)) {
            write_bar(offset, value, bytes);
        }
    }

    // Accesses of the device, and of tests that make it misbehave.

    [[nodiscard]] uint32_t peek(uint16_t offset, unsigned bytes) const {
        uint32_t value = 0;
        for (unsigned i = 0; i < bytes; ++i) {
            value |= uint32_t{bytes_.at(size_t{offset} + i)} << (8 * i);
        }
        return value;
    }
    void poke(uint16_t offset, uint32_t value, unsigned bytes) {
        for (unsigned i = 0; i < bytes; ++i) {
            bytes_.at(size_t{offset} + i) = static_cast<uint8_t>(value >> (8 * i));
        }
    }
    void set_writable(uint16_t offset, uint32_t mask, unsigned bytes) {
        for (unsigned i = 0; i < bytes; ++i) {
            writable_.at(size_t{offset} + i) = static_cast<uint8_t>(mask >> (8 * i));
        }
    }

private:
    [[nodiscard]] bool is_bar(size_t offset) const {
        return offset >= wire::pci::bar && offset < wire::pci::bar + 4 * size_t{bar_count_};
    }
    /// Names the BAR whose register, or upper half, is at an offset.
    struct Register {
        unsigned bar;
        bool upper;
    };
    [[nodiscard]] Register register_at(size_t offset) const {
        auto const index = static_cast<unsigned>((offset - wire::pci::bar) / 4);
        bool const upper = index != 0 && bars_[index - 1].is_wide();
        return {upper ? index - 1 : index, upper};
    }
    [[nodiscard]] uint8_t read_byte(size_t offset) const {
        if (offset >= bytes_.size()) {
            return 0xff;
        }
        if (!is_bar(offset)) {
            return bytes_[offset];
        }
        Register const which = register_at(offset);
        return static_cast<uint8_t>(bars_[which.bar].read(which.upper) >> (8 * (offset % 4)));
    }
    void write_bar(uint16_t offset, uint32_t value, unsigned bytes) {
        Register const which = register_at(offset);
        unsigned const shift = 8 * (offset % 4u);
        uint32_t const mask = (bytes == 4 ? ~uint32_t{0} : (uint32_t{1} << (8 * bytes)) - 1) << shift;
        uint32_t const old = bars_[which.bar].read(which.upper);
        bars_[which.bar].write(which.upper, (old & ~mask) | ((value << shift) & mask));
    }

    std::vector<uint8_t> bytes_;
    std::vector<uint8_t> writable_;
    std::array<PciBar, wire::pci::bar_count> bars_;
    unsigned bar_count_;
};

}  // namespace virtq::sim
