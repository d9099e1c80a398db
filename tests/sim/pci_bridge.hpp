// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include <functional>
#include <map>
#include <optional>
#include <utility>

#include <sim/pci_config_registers.hpp>
#include <sim/pci_endpoint.hpp>
#include <sim/wire_pci.hpp>

/// A PCI-to-PCI bridge, or a port of PCI Express ([BRIDGE]), in its state after reset: no bus numbers, and it forwards
/// nothing. The functions behind it are on the bus with its secondary number, whatever that is.
namespace virtq::sim {

class PciBridge final : public PciEndpoint {
public:
    /// A port of PCI Express need not forward I/O: then the registers are hard-wired to 0.
    enum class Ports : uint8_t { none, narrow, wide };

    explicit PciBridge(Ports ports = Ports::narrow) : registers_(256, wire::pci::bridge::bar_count) {
        using namespace wire::pci;
        registers_.poke(vendor_id, 0x1b36, 2);
        registers_.poke(device_id, 0x000c, 2);
        registers_.poke(class_code, 0x060400, 3);
        registers_.poke(header_type, 1, 1);
        registers_.bar(0) = PciBar({PciBarKind::memory32, 0x1000});  // its own BAR, as root ports of QEMU have one
        uint16_t const io = ports == Ports::none ? uint16_t{0} : command_io;
        registers_.set_writable(command, command_memory | command_bus_master | command_intx_disable | io, 2);
        registers_.set_writable(bridge::primary, 0xffffff, 4);
        registers_.set_writable(bridge::memory_base, 0xfff0fff0, 4);
        registers_.poke(bridge::prefetch_base, 0x00010001, 4);  // of 64 bits
        registers_.set_writable(bridge::prefetch_base, 0xfff0fff0, 4);
        if (ports != Ports::none) {
            registers_.set_writable(bridge::io_base, 0xf0f0, 2);
        }
        if (ports == Ports::wide) {
            registers_.poke(bridge::io_base, 0x0101, 2);
            registers_.set_writable(bridge::io_base_high, 0xffffffff, 4);
        }
    }

    /// Not owned; must live as long as the bridge.
    void add(uint8_t device, uint8_t function, PciEndpoint& endpoint) { behind_[{device, function}] = &endpoint; }

    [[nodiscard]] uint32_t read_config(uint16_t offset, unsigned bytes) override {
        return registers_.read(offset, bytes);
    }
    void write_config(uint16_t offset, uint32_t value, unsigned bytes) override {
        ++writes_;
        registers_.write(offset, value, bytes);
    }
    [[nodiscard]] PciEndpoint* find_behind(uint8_t bus, uint8_t device, uint8_t function) override {
        using namespace wire::pci;
        uint8_t const secondary = byte(bridge::secondary);
        if (secondary == 0 || bus < secondary || bus > byte(bridge::subordinate)) {
            return nullptr;
        }
        if (bus == secondary) {
            auto const found = behind_.find({device, function});
            return found == behind_.end() ? nullptr : found->second;
        }
        for (auto const& [key, endpoint] : behind_) {
            if (PciEndpoint* const found = endpoint->find_behind(bus, device, function)) {
                return found;
            }
        }
        return nullptr;
    }
    void for_each_behind(PciAddressSpace space, uint64_t address, unsigned bytes,
                         std::function<void(PciEndpoint&)> const& visit) override {
        if (!passes(space, address, bytes)) {
            return;
        }
        for (auto const& [key, endpoint] : behind_) {
            visit(*endpoint);
            endpoint->for_each_behind(space, address, bytes, visit);
        }
    }
    /// Decodes its own BAR, which contains nothing of interest.
    [[nodiscard]] std::optional<PciTarget> decode(PciAddressSpace space, uint64_t address,
                                                  unsigned bytes) const override {
        bool const decodes =
            space == PciAddressSpace::memory && (registers_.command() & wire::pci::command_memory) != 0;
        PciBar const& bar = registers_.bar(0);
        return decodes && bar.contains(address, bytes) ? std::optional{PciTarget{0, address - bar.address()}}
                                                       : std::nullopt;
    }

    [[nodiscard]] PciConfigRegisters& config() { return registers_; }
    [[nodiscard]] bool is_bus_master() const { return (registers_.command() & wire::pci::command_bus_master) != 0; }
    [[nodiscard]] unsigned writes() const { return writes_; }

private:
    [[nodiscard]] uint8_t byte(uint16_t offset) const { return static_cast<uint8_t>(registers_.peek(offset, 1)); }

    /// [BRIDGE] 3.2.5.6, 3.2.5.8: whether an address is in a window. A window whose base is above its limit is closed.
    [[nodiscard]] bool passes(PciAddressSpace space, uint64_t address, unsigned bytes) const {
        using namespace wire::pci;
        uint64_t const last = address + bytes - 1;
        if (space == PciAddressSpace::memory) {
            uint64_t const base = uint64_t{registers_.peek(bridge::memory_base, 2) & 0xfff0u} << 16;
            uint64_t const limit = uint64_t{registers_.peek(bridge::memory_limit, 2) & 0xfff0u} << 16 | 0xfffff;
            bool const decodes = (registers_.command() & command_memory) != 0;
            return decodes && ((address >= base && last <= limit) || is_prefetchable(address, last));
        }
        uint64_t const base =
            uint64_t{byte(bridge::io_base) & 0xf0u} << 8 | uint64_t{registers_.peek(bridge::io_base_high, 2)} << 16;
        uint64_t const limit = uint64_t{byte(bridge::io_limit) & 0xf0u} << 8 | 0xfff |
                               uint64_t{registers_.peek(bridge::io_limit_high, 2)} << 16;
        return (registers_.command() & command_io) != 0 && address >= base && last <= limit;
    }

    /// [BRIDGE] 3.2.5.9, 3.2.5.10: the window of 64 bits.
    [[nodiscard]] bool is_prefetchable(uint64_t address, uint64_t last) const {
        using namespace wire::pci;
        uint64_t const base = uint64_t{registers_.peek(bridge::prefetch_base, 2) & 0xfff0u} << 16 |
                              uint64_t{registers_.peek(bridge::prefetch_base_high, 4)} << 32;
        uint64_t const limit = uint64_t{registers_.peek(bridge::prefetch_limit, 2) & 0xfff0u} << 16 | 0xfffff |
                               uint64_t{registers_.peek(bridge::prefetch_limit_high, 4)} << 32;
        return address >= base && last <= limit;
    }

    PciConfigRegisters registers_;
    std::map<std::pair<uint8_t, uint8_t>, PciEndpoint*> behind_;
    unsigned writes_ = 0;
};

}  // namespace virtq::sim
