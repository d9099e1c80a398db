// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/detail/pci/pci_bar.hpp>
#include <virtq/transport/detail/pci/pci_capability.hpp>
#include <virtq/transport/detail/pci/pci_structure.hpp>
#include <virtq/transport/pci_function.hpp>

#include <stdint.h>

/// Locates the registers of a modern device, §4.1.4 (Virtio Structure PCI Capabilities).
namespace virtq::detail {

struct PciLayout {
    PciStructure common;
    PciStructure notify;
    PciStructure isr;
    PciStructure device;  ///< optional
    /// Why `device` does not exist: `config_absent`, or `config_refused` if it is unusable.
    Error device_error = Error::config_absent;
    uint32_t notify_off_multiplier = 0;
    uint16_t window = 0;  ///< offset of the PCI configuration access capability; 0: none
};

/// Takes the first usable structure of each type, and remembers whether one was unusable.
template <PciConfigAccess Access>
class LayoutSearch {
public:
    LayoutSearch(PciFunction<Access> const& of, PciBars const& bars, PciLayout& layout)
        : function_(of), bars_(bars), layout_(layout) {}

    void inspect(uint16_t capability) {
        using Type = spec::pci::StructureType;
        auto const type = static_cast<Type>(octet(capability, spec::pci::cap::cfg_type));
        switch (type) {  // reserved types must be ignored
            case Type::common: take(layout_.common, capability, {spec::pci::common::bytes, 4}); break;
            case Type::notify: take_notify(capability); break;
            case Type::isr: take(layout_.isr, capability, {1, 1}); break;
            case Type::device: take_device(capability); break;
            case Type::window: take_window(capability); break;
            default: break;
        }
    }

    /// The PCI configuration access capability if its length leaves out its data, otherwise 0.
    [[__nodiscard__]] uint16_t short_window() const { return window_is_short_ ? layout_.window : uint16_t{0}; }
    void refuse_window() { layout_.window = 0; }

    [[__nodiscard__]] Error result() const {
        PciStructure const* const all[] = {&layout_.common, &layout_.notify, &layout_.isr, &layout_.device};
        for (unsigned i = 0; i < 4; ++i) {
            for (unsigned j = 0; j < i; ++j) {
                if (all[i]->overlaps(*all[j])) {
                    return Error::pci_structure_invalid;
                }
            }
        }
        if (layout_.common.exists() && layout_.notify.exists() && layout_.isr.exists()) {
            return Error::none;
        }
        return refused_ ? Error::pci_structure_invalid
               : any()  ? Error::pci_structure_missing
                        : Error::pci_modern_absent;
    }

private:
    struct Demand {
        uint32_t length;
        uint32_t alignment;
        uint32_t mapped = 4096;  ///< at most this much is mapped, as §4.1.4.1 suggests
        uint8_t capability_bytes = spec::pci::cap::bytes;
    };

    bool take(PciStructure& place, uint16_t capability, Demand const& demand) {
        if (place.exists()) {
            return false;
        }
        if (!has_room(capability, demand.capability_bytes)) {  // its fields would be another capability's
            refused_ = true;
            return false;
        }
        PciStructure found{octet(capability, spec::pci::cap::bar), word(capability, spec::pci::cap::offset),
                           word(capability, spec::pci::cap::length)};
        if (found.bar >= spec::pci::bar_count) {  // a reserved BAR must be ignored
            return false;
        }
        bool const usable =
            found.length >= demand.length && (found.offset & (demand.alignment - 1)) == 0 && found.is_within(bars_);
        if (usable) {
            found.length = found.length < demand.mapped ? found.length : demand.mapped;
            place = found;
        }
        refused_ = refused_ || !usable;
        return usable;
    }

    void take_notify(uint16_t capability) {
        constexpr uint8_t capability_bytes = spec::pci::cap::notify_off_multiplier + 4;
        if (take(layout_.notify, capability, {2, 2, UINT32_MAX, capability_bytes})) {
            layout_.notify_off_multiplier = word(capability, spec::pci::cap::notify_off_multiplier);
        }
    }

    void take_device(uint16_t capability) {
        take(layout_.device, capability, {1, 4});
        layout_.device_error = layout_.device.exists() ? Error::none : Error::config_refused;
    }

    /// Some devices report a length of 16 and have the four bytes of data after it. `find_layout` checks that no other
    /// capability begins there.
    void take_window(uint16_t capability) {
        uint16_t const end = spec::pci::cap::pci_cfg_data + spec::pci::cap::pci_cfg_data_bytes;
        bool const has_fields = has_room(capability, spec::pci::cap::bytes);
        if (layout_.window == 0 && has_fields && capability + end <= spec::pci::capability_end) {
            layout_.window = capability;
            window_is_short_ = octet(capability, spec::pci::capability_length) < end;
        }
    }

    /// A capability may be longer than its known fields, but not shorter.
    [[__nodiscard__]] bool has_room(uint16_t capability, uint8_t bytes) const {
        return octet(capability, spec::pci::capability_length) >= bytes &&
               capability + bytes <= spec::pci::capability_end;
    }

    [[__nodiscard__]] bool any() const {
        return layout_.common.exists() || layout_.notify.exists() || layout_.isr.exists() || layout_.device.exists();
    }

    [[__nodiscard__]] uint8_t octet(uint16_t capability, uint16_t offset) const {
        return function_.read8(static_cast<uint16_t>(capability + offset));
    }
    [[__nodiscard__]] uint32_t word(uint16_t capability, uint16_t offset) const {
        return function_.read32(static_cast<uint16_t>(capability + offset));
    }

    PciFunction<Access> const& function_;
    PciBars const& bars_;
    PciLayout& layout_;
    bool refused_ = false;
    bool window_is_short_ = false;
};

/// Finds the structures of a modern device. `layout` is empty at first, and undefined after an error. Errors:
/// `pci_modern_absent` for a device with only a legacy interface, `pci_structure_missing`, `pci_structure_invalid`,
/// `pci_capability_list_broken`.
template <PciConfigAccess Access>
[[__nodiscard__]] Error find_layout(PciFunction<Access> const& function, PciBars const& bars, PciLayout& layout) {
    detail::LayoutSearch<Access> search{function, bars, layout};
    CapabilityWalk<Access> walk{function};
    while (walk.next()) {
        if (walk.id() == spec::pci::capability_vendor) {
            search.inspect(walk.offset());
        }
    }
    if (walk.is_broken()) {
        return Error::pci_capability_list_broken;
    }
    if (uint16_t const window = search.short_window(); window != 0) {
        CapabilityWalk<Access> others{function};
        while (others.next() && others.offset() != window + spec::pci::cap::pci_cfg_data) {
        }
        if (others.offset() != 0) {  // there is one, or the list is broken
            search.refuse_window();
        }
    }
    return search.result();
}

}  // namespace virtq::detail
