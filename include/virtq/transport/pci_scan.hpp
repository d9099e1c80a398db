// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/description.hpp>
#include <virtq/base/error.hpp>
#include <virtq/transport/detail/pci/pci_echo.hpp>
#include <virtq/transport/pci_bus_range.hpp>
#include <virtq/transport/pci_function.hpp>

#include <stdint.h>

namespace virtq {

/// The result of a scan. If it found no function at all, the configuration access reads the wrong place: check the
/// address of the ECAM, and its mapping.
struct PciScan {
    unsigned functions = 0;           ///< functions that answer, of any vendor
    unsigned virtio = 0;              ///< VirtIO devices among them
    unsigned bridges_unnumbered = 0;  ///< nothing behind them can be found: see `number_buses`
    /// What is wrong with the kernel's configuration access, if it shows: `pci_access_widths_differ`,
    /// `pci_access_echoes`, `pci_vendor_zero` if everything reads 0. `describe` explains each. The scan continues.
    Error trouble = Error::none;

    /// Records an error; the first one stays.
    constexpr void note(Error found) { trouble = trouble == Error::none ? found : trouble; }
};

namespace detail {

/// What a scan found, if the configuration access works.
enum class PciScanOutcome : uint8_t {
    virtio_found,
    bridge_unnumbered,
    function_absent,
    function_alone,
    virtio_absent,
};

[[__nodiscard__]] constexpr PciScanOutcome outcome_of(PciScan const& scan) {
    if (scan.virtio != 0) {
        return PciScanOutcome::virtio_found;
    }
    if (scan.bridges_unnumbered != 0) {
        return PciScanOutcome::bridge_unnumbered;
    }
    switch (scan.functions) {
        case 0: return PciScanOutcome::function_absent;
        case 1: return PciScanOutcome::function_alone;
        default: return PciScanOutcome::virtio_absent;
    }
}

[[__nodiscard__]] constexpr char const* pci_scan_sentence(PciScanOutcome outcome) {
    switch (outcome) {
        case PciScanOutcome::virtio_found:
            return "VirtIO functions are on these buses. Check their types, and what probe_pci() returned.";
        case PciScanOutcome::bridge_unnumbered:
            return "A PCI bridge has no bus number, because no firmware has run. What is behind it cannot be found. "
                   "Call number_buses() first, and scan the buses that it returns.";
        case PciScanOutcome::function_absent:
            return "No PCI function answers on these buses: configuration space is elsewhere. Check the address of "
                   "the ECAM, its mapping (uncached) and its first bus, or the ports 0xcf8 and 0xcfc.";
        case PciScanOutcome::function_alone:
            return "Only one PCI function answers, usually the host bridge. Check where the configuration access puts "
                   "the device number (ECAM: device << 15, function << 12; ports: device << 11, function << 8), and "
                   "whether the devices are on another bus.";
        case PciScanOutcome::virtio_absent:
            return "PCI functions answer on these buses, and none is a VirtIO one (vendor 0x1af4). Scan the buses "
                   "behind bridges too, and check whether the machine has a virtio-…-pci device at all.";
    }
    return nullptr;
}

}  // namespace detail

/// Explains what a scan found, and what to do next if something is missing. Returns a constant string without a line
/// end. With VIRTQ_SENTENCES=numbers, S0 to S4 are the enumerators of `PciScanOutcome`, and E… those of `Error`.
[[__nodiscard__]] constexpr char const* describe(PciScan const& scan) {
    return scan.trouble == Error::none
               ? detail::description_of<detail::pci_scan_sentence, 'S'>(detail::outcome_of(scan))
               : describe(scan.trouble);
}

namespace detail {

template <PciConfigAccess Access>
[[__nodiscard__]] bool is_unnumbered_bridge(PciFunction<Access> const& function) {
    uint8_t const type = function.read(spec::pci::header_type) & spec::pci::header_type_mask;
    return type == spec::pci::bridge::header_type && function.read(spec::pci::bridge::secondary_bus) == 0;
}

}  // namespace detail

/// Calls `each(PciFunction<Access>, spec::DeviceId)` for every VirtIO device on these buses.
///
/// ```
/// using virtq::spec::DeviceId;
/// virtq::PciScan const seen = virtq::for_each_virtio_function(access, {0, 0}, [&](auto function, DeviceId type) {
///     if (type == DeviceId::block) status = transport.probe_pci(function, devices);
/// });
/// kernel_print(virtq::describe(seen));
/// ```
template <class Access, class Each>
PciScan for_each_virtio_function(Access& access, PciBusRange buses, Each each) {
    static_assert(detail::check_pci_config_access<Access>());
    constexpr unsigned frames_a_bus = unsigned{spec::pci::devices} * spec::pci::functions;
    constexpr unsigned functions = spec::pci::functions;
    PciScan scan;
    bool reads_zero = false;
    for (unsigned bus = buses.first; bus <= buses.last; ++bus) {
        for (unsigned frame = 0; frame < frames_a_bus; ++frame) {
            PciFunction<Access> const function{access,
                                               {static_cast<uint8_t>(bus), static_cast<uint8_t>(frame / functions),
                                                static_cast<uint8_t>(frame % functions)}};
            Result<spec::DeviceId> const type = detail::identify(function);
            bool const is_zero = type.error() == Error::pci_vendor_zero;
            bool const exists = type.error() != Error::pci_function_absent && !is_zero;
            scan.functions += exists;
            reads_zero = reads_zero || is_zero;
            if (type.error() == Error::pci_access_widths_differ) {
                scan.note(type.error());
            }
            if (exists && frame == 0 && detail::devices_echo(access, function)) {
                scan.note(Error::pci_access_echoes);
            }
            if (type) {
                ++scan.virtio;
                each(function, *type);
            }
            scan.bridges_unnumbered += exists && detail::is_unnumbered_bridge(function);
            if (frame % functions != 0) {
                continue;
            }
            bool const alone =  // a device without the bit need not decode functions 1 to 7 (PCI 3.2.2.3.4)
                !exists || (function.read(spec::pci::header_type) & spec::pci::header_type_multifunction) == 0;
            if (alone) {
                frame += functions - 1;
            } else if (scan.trouble == Error::none && detail::functions_echo(access, function)) {
                scan.note(Error::pci_access_echoes);
            }
        }
    }
    if (reads_zero && scan.functions == 0) {
        scan.note(Error::pci_vendor_zero);
    }
    return scan;
}

}  // namespace virtq
