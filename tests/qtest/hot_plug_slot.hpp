// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/pci_config_access.hpp>
#include <virtq/transport/pci_option.hpp>

#include <cstdint>
#include <string>
#include <vector>

#include <qtest/access.hpp>

namespace virtq::qtest {

/// A slot of PCI Express for one device: a root port. The registers are those of PCI Express Base 2.0, 7.8.
class HotPlugSlot {
public:
    enum class Power : std::uint8_t { off, on };

    /// Of QEMU: the slot, which is the bus `hot` for a device.
    [[nodiscard]] static std::vector<std::string> options() {
        return {"-device", "pcie-root-port,id=hot,chassis=1,addr=4"};
    }

    /// What a kernel does when the attention button was pressed, or a device has come.
    void set_power(Ecam& ecam, Power power) const {
        std::uint16_t const control = static_cast<std::uint16_t>(express(ecam) + 0x18);
        std::uint16_t const other = ecam.read16(port, control) & static_cast<std::uint16_t>(~(indicator | controller));
        ecam.write16(port, control, power == Power::on ? other | indicator_on : other | indicator | controller);
    }
    /// Which memory the port passes on, for the BARs of a device that has come.
    [[nodiscard]] PciWindow memory(Ecam& ecam) const {
        std::uint64_t const base = std::uint64_t{ecam.read16(port, 0x20)} >> 4 << 20;
        std::uint64_t const limit = (std::uint64_t{ecam.read16(port, 0x22)} >> 4 << 20) + 0xf'ffff;
        return PciWindow{base, limit - base + 1};
    }

private:
    static constexpr PciAddress port{0, 4, 0};
    static constexpr std::uint16_t indicator = 3 << 8;  // Power Indicator Control: 3 is off
    static constexpr std::uint16_t indicator_on = 1 << 8;
    static constexpr std::uint16_t controller = 1 << 10;  // Power Controller Control: 1 is off
    static constexpr std::uint8_t express_id = 0x10;

    [[nodiscard]] static std::uint8_t express(Ecam& ecam) {
        std::uint8_t at = ecam.read8(port, 0x34);
        for (int left = 48; left != 0 && at != 0 && ecam.read8(port, at) != express_id; --left) {
            at = ecam.read8(port, static_cast<std::uint16_t>(at + 1));
        }
        return at;
    }
};

}  // namespace virtq::qtest
