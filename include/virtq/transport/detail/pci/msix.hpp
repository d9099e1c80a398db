// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/base/span.hpp>
#include <virtq/platform/detail/msi_format.hpp>
#include <virtq/platform/device_mapper.hpp>
#include <virtq/platform/mmio_space.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/detail/pci/pci_bar.hpp>
#include <virtq/transport/detail/pci/pci_capability.hpp>
#include <virtq/transport/detail/pci/pci_structure.hpp>
#include <virtq/transport/msi_message.hpp>
#include <virtq/transport/pci_function.hpp>

#include <stdint.h>

/// MSI-X, PCI 6.8.2 (MSI-X Capability and Table Structures).
namespace virtq::detail {

/// The MSI-X capability of a function.
template <PciConfigAccess Access>
class Msix {
public:
    /// Errors: `msix_absent`, `pci_capability_list_broken`.
    [[__nodiscard__]] static Result<Msix> find(PciFunction<Access> const& function) {
        CapabilityWalk<Access> walk{function};
        while (walk.next()) {
            if (walk.id() == spec::pci::capability_msix) {
                bool const fits = walk.offset() + spec::pci::msix::capability_bytes <= spec::pci::capability_end;
                return fits ? Result<Msix>{Msix{function, walk.offset()}}
                            : Result<Msix>{Error::pci_capability_list_broken};
            }
        }
        return walk.is_broken() ? Error::pci_capability_list_broken : Error::msix_absent;
    }

    constexpr Msix() = default;

    [[__nodiscard__]] bool is_enabled() const { return (control() & spec::pci::msix::control_enable) != 0; }

    /// How many vectors the device has. Read it once: a misbehaving device may answer differently the next time.
    [[__nodiscard__]] uint16_t size() const {
        return static_cast<uint16_t>((control() & spec::pci::msix::control_size_mask) + 1);
    }

    /// The table entries of the first `count` vectors.
    [[__nodiscard__]] PciStructure table(uint16_t count) const {
        uint32_t const where = function_.read32(static_cast<uint16_t>(offset_ + spec::pci::msix::table));
        return {static_cast<uint8_t>(where & spec::pci::msix::table_bar_mask),
                where & ~spec::pci::msix::table_bar_mask, uint32_t{count} * spec::pci::msix::entry_bytes};
    }

    /// Switches the function from INTx to MSI-X, and gives its first vectors one message each. `table` holds the
    /// entries of these vectors. Errors: `msix_refused`, `pci_access_misplaces_writes`.
    template <DivisibleSpace Space>
    [[__nodiscard__]] Status enable(Space const& table, Span<MsiMessage const> messages) {
        // Enable first: a disabled function need not have entries. All vectors are masked while the entries are
        // filled.
        uint16_t const on = static_cast<uint16_t>(control() | spec::pci::msix::control_enable);
        set_control(static_cast<uint16_t>(on | spec::pci::msix::control_function_mask));
        uint32_t offset = 0;
        for (MsiMessage const& message : messages) {
            fill(table.at(offset), message);
            offset += spec::pci::msix::entry_bytes;
        }
        set_control(static_cast<uint16_t>(on & ~spec::pci::msix::control_function_mask));
        if (is_enabled()) {
            return {};
        }
        return takes_word() ? Error::pci_access_misplaces_writes : Error::msix_refused;
    }

    void disable() { set_control(static_cast<uint16_t>(control() & ~spec::pci::msix::control_enable)); }

private:
    Msix(PciFunction<Access> const& of, uint16_t offset) : function_(of), offset_(offset) {}

    [[__nodiscard__]] ReadWrite<uint16_t> control_register() const {
        return {static_cast<uint16_t>(offset_ + spec::pci::msix::control)};
    }
    [[__nodiscard__]] uint16_t control() const { return function_.read(control_register()); }
    void set_control(uint16_t value) { function_.write(control_register(), value); }

    /// Retries the enable as a 32-bit write, and undoes it. If that works where the 16-bit write did not, the kernel's
    /// write16 goes to the wrong offset. The other fields of the word are read-only (PCI 6.8.2).
    [[__nodiscard__]] bool takes_word() {
        uint32_t const before = function_.read32(offset_);
        function_.write32(offset_,
                          before | uint32_t{spec::pci::msix::control_enable} << (8 * spec::pci::msix::control));
        bool const taken = is_enabled();
        function_.write32(offset_, before);
        return taken;
    }

    template <class Space>
    static void fill(Space entry, MsiMessage const& message) {
        platform::write_register(entry, spec::pci::msix::entry_control, spec::pci::msix::entry_masked);
        platform::write_register(entry, spec::pci::msix::entry_address, message.address);
        platform::write_register(entry, spec::pci::msix::entry_data, message.data);
        platform::write_register(entry, spec::pci::msix::entry_control, uint32_t{0});
    }

    PciFunction<Access> function_;
    uint16_t offset_ = 0;
};

/// Switches a function from INTx to MSI-X, with one message per vector. Returns the number of vectors: that of the
/// messages, or that of the device if it has fewer. Not while the device is in use. Errors: `msix_absent`,
/// `msi_message_invalid`, `msix_refused`, `pci_access_misplaces_writes`, `pci_bar_unassigned`, `pci_not_mapped`,
/// `pci_structure_invalid` for a table outside its BAR, `pci_capability_list_broken`. After an error MSI-X is off,
/// whatever it was before, and interrupts come by INTx.
template <DivisibleSpace Space, PciConfigAccess Access, DeviceMapper Mapper>
[[__nodiscard__]] Result<uint16_t> enable_msix(PciFunction<Access> const& function, Mapper& mapper,
                                               Span<MsiMessage const> messages) {
    bring_descriptions<ErrorGroup::pci>();
    bring_descriptions<ErrorGroup::msix>();
    Result<Msix<Access>> found = Msix<Access>::find(function);
    if (!found) {
        return found.error();
    }
    Msix<Access> msix = *found;
    msix.disable();
    if (messages.empty()) {
        return Error::msix_absent;
    }
    uint16_t const size = msix.size();  // read once: exactly the mapped entries are written
    uint16_t const count = messages.size() < size ? static_cast<uint16_t>(messages.size()) : size;
    Span<MsiMessage const> const given{messages.data(), count};
    for (MsiMessage const& message : given) {
        if (!platform::takes_msi_message(message.address, message.data)) {
            return Error::msi_message_invalid;
        }
    }
    PciBars bars;
    bars.measure(function);
    Result<uintptr_t> const table = map_structure(bars, msix.table(count), mapper);
    if (!table) {
        return table.error();
    }
    if (Status const enabled = msix.enable(Space{*table}, given); !enabled) {
        msix.disable();
        return enabled.error();
    }
    return count;
}

/// Firmware may have left MSI-X on. A legacy device then has its configuration at another offset, and INTx is silent.
template <PciConfigAccess Access>
void disable_msix(PciFunction<Access> const& function) {
    if (Result<Msix<Access>> const found = Msix<Access>::find(function); found) {
        Msix<Access> msix = *found;
        msix.disable();
    }
}

}  // namespace virtq::detail
