// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <stdexcept>
#include <vector>

#include <sim/pci_config_registers.hpp>
#include <sim/pci_layout.hpp>
#include <sim/wire_pci.hpp>

/// The capability list of a virtio function (§4.1.4, [PCI]), built once. It records where each capability is, so that
/// a test can make one invalid.
namespace virtq::sim {

/// A capability in the list.
struct PciCapability {
    uint8_t id = 0;
    uint8_t type = 0;  ///< cfg_type of a vendor capability, otherwise 0
    uint16_t offset = 0;
    uint16_t bytes = 0;

    [[nodiscard]] bool overlaps(uint16_t at, unsigned count) const {
        return at < offset + bytes && at + count > offset;
    }
};

class PciCapabilityList {
public:
    PciCapabilityList(PciConfigRegisters& registers, PciLayout const& layout) : registers_(registers) {
        for (auto const& bytes : layout.other_capabilities) {
            add_other(bytes);
        }
        if (layout.interface != PciInterface::legacy) {
            for (auto const& structure : layout.structures) {
                add_structure(structure, layout);
            }
        }
        if (layout.msix_vectors != 0) {
            add_msix(layout);
        }
    }

    [[nodiscard]] std::vector<PciCapability> const& all() const { return entries_; }
    /// The `n`-th virtio capability of a type, or null.
    [[nodiscard]] PciCapability const* find(uint8_t type, size_t n = 0) const {
        return find_if([type](PciCapability const& one) { return one.type == type; }, n);
    }
    [[nodiscard]] PciCapability const* find_id(uint8_t id, size_t n = 0) const {
        return find_if([id](PciCapability const& one) { return one.id == id; }, n);
    }

    /// Writes the fields of a capability, whether they are true or not.
    void claim(PciCapability const& capability, PciStructure const& structure) {
        using namespace wire::pci;
        auto const at = [&](uint16_t field) { return static_cast<uint16_t>(capability.offset + field); };
        registers_.poke(at(cap_type), structure.type, 1);
        registers_.poke(at(cap_bar), structure.bar, 1);
        registers_.poke(at(cap_id), structure.id, 1);
        registers_.poke(at(cap_offset), structure.offset, 4);
        registers_.poke(at(cap_length), structure.length, 4);
    }

private:
    template <class Which>
    [[nodiscard]] PciCapability const* find_if(Which which, size_t n) const {
        for (auto const& one : entries_) {
            if (which(one) && n-- == 0) {
                return &one;
            }
        }
        return nullptr;
    }

    PciCapability add(uint8_t id, uint8_t type, size_t bytes) {
        using namespace wire::pci;
        if (next_ + bytes > 0x100) {
            throw std::length_error("more capabilities than the configuration space has room for");
        }
        PciCapability const added{id, type, next_, static_cast<uint16_t>(bytes)};
        registers_.poke(link_, next_, 1);
        registers_.poke(next_, id, 1);
        registers_.poke(status, registers_.peek(status, 2) | status_capabilities, 2);
        link_ = static_cast<uint16_t>(next_ + cap_next);
        next_ = static_cast<uint16_t>(next_ + (bytes + 3) / 4 * 4);
        entries_.push_back(added);
        return added;
    }

    void add_other(std::vector<uint8_t> const& bytes) {
        PciCapability const added = add(bytes.at(0), 0, bytes.size());
        for (size_t i = 2; i < bytes.size(); ++i) {  // without the link, which `add` writes
            registers_.poke(static_cast<uint16_t>(added.offset + i), bytes[i], 1);
        }
    }

    void add_structure(PciStructure const& structure, PciLayout const& layout) {
        using namespace wire::pci;
        bool const longer = structure.type == notify_cfg || structure.type == pci_cfg;
        PciCapability const added =
            add(capability_vendor, structure.type, size_t{cap_bytes} + (longer ? 4u : 0u) + structure.extra_bytes);
        uint32_t const stated = structure.stated_bytes != 0 ? structure.stated_bytes : added.bytes;
        registers_.poke(static_cast<uint16_t>(added.offset + cap_len), stated, 1);
        claim(added, structure);
        if (structure.type == notify_cfg) {
            registers_.poke(static_cast<uint16_t>(added.offset + notify_multiplier), layout.notify_off_multiplier, 4);
        }
        if (structure.type == pci_cfg) {  // §4.1.4.9: the driver writes these
            registers_.set_writable(static_cast<uint16_t>(added.offset + cap_bar), 0xff, 1);
            registers_.set_writable(static_cast<uint16_t>(added.offset + cap_offset), ~uint32_t{0}, 4);
            registers_.set_writable(static_cast<uint16_t>(added.offset + cap_length), ~uint32_t{0}, 4);
            registers_.set_writable(static_cast<uint16_t>(added.offset + pci_cfg_data), ~uint32_t{0}, 4);
        }
    }

    void add_msix(PciLayout const& layout) {
        using namespace wire::pci;
        PciCapability const added = add(capability_msix, 0, msix_cap_bytes);
        registers_.poke(static_cast<uint16_t>(added.offset + msix_control), layout.msix_vectors - 1u, 2);
        registers_.set_writable(static_cast<uint16_t>(added.offset + msix_control), msix_enable | msix_function_mask,
                                2);
        registers_.poke(static_cast<uint16_t>(added.offset + msix_table), layout.msix_table_offset | layout.msix_bar,
                        4);
        registers_.poke(static_cast<uint16_t>(added.offset + msix_pending),
                        layout.msix_pending_offset | layout.msix_bar, 4);
    }

    PciConfigRegisters& registers_;
    std::vector<PciCapability> entries_;
    uint16_t next_ = wire::pci::first_capability;
    uint16_t link_ = wire::pci::capability_pointer;
};

}  // namespace virtq::sim
