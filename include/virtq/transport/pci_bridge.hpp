// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/detail/pci/bus_numbering.hpp>
#include <virtq/transport/pci_bus_range.hpp>
#include <virtq/transport/pci_function.hpp>
#include <virtq/transport/pci_option.hpp>

#include <stdint.h>

/// Sets up PCI bridges as firmware would, for kernels without firmware (PCI-to-PCI Bridge Architecture Specification
/// 1.2).
namespace virtq {

namespace detail {

/// Whether all bridges before a function forward accesses to a range. The host bridge forwards everything.
template <PciConfigAccess Access>
[[__nodiscard__]] bool is_passed_on(PciFunction<Access> const& function, PciBar::Kind kind, PciRange const& range) {
    uint8_t bus = function.address().bus;
    while (bus != 0) {  // ends: a bridge is on a lower bus than the devices behind it
        PciAddress const address = find_bridge(function.access(), bus, 0);
        if (address.bus >= bus) {
            return true;
        }
        if (!PciBridge<Access>{PciFunction<Access>{function.access(), address}}.passes(kind, range)) {
            return false;
        }
        bus = address.bus;
    }
    return true;
}

/// Assigns an address from the host bridge's windows to each BAR without one, if the bridges before the function forward
/// it. Errors: `pci_window_full`, `pci_bridge_closed`; some BARs may then have an address. Not inlined: the rest of a
/// probe does not need its stack.
template <PciConfigAccess Access>
[[__nodiscard__]] [[gnu::__noinline__]] Status place_bars(PciBars& bars, PciFunction<Access> const& function,
                                                          PciProbeOption const& option) {
    bring_descriptions<ErrorGroup::pci_placement>();
    return bars.assign(function, option.memory, option.ports,
                       [&](PciBar::Kind kind, PciRange const& range) { return is_passed_on(function, kind, range); });
}
template <PciConfigAccess Access>
[[__nodiscard__]] Status place_bars(PciBars&, PciFunction<Access> const&, PciAssignedByFirmware) {
    return {};
}

}  // namespace detail

/// Numbers the buses behind the bridges of a host bridge. A kernel without firmware calls this before it scans. It
/// assigns the BARs of all devices behind the bridges, and opens the bridges for these BARs and for DMA. `buses` are
/// those of the host bridge; the first is its own. `option` has the host bridge's windows, as for `probe_pci`. Its
/// memory must be below 4 GiB: some bridges forward nothing above. Without windows, devices are found but have no
/// addresses.
/// Returns the buses that exist now, for `for_each_virtio_function`.
///
/// Buses that have numbers keep them, so a second call changes nothing. It assigns no BAR on the host bridge's
/// own bus; `probe_pci` does. Do not call it while a device is in use. Errors, after doing all that is possible: `pci_buses_used_up`,
/// `pci_window_full`, `pci_command_refused`.
///
/// ```
/// virtq::Result<virtq::PciBusRange> const buses = virtq::number_buses(access, {0, 15}, {.memory = &memory});
/// if (buses) virtq::for_each_virtio_function(access, *buses, each);
/// ```
template <class Access>
[[__nodiscard__]] Result<PciBusRange> number_buses(Access& access, PciBusRange buses,
                                                   PciProbeOption const& option = {}) {
    static_assert(detail::check_pci_config_access<Access>());
    detail::bring_descriptions<detail::ErrorGroup::pci>();
    detail::bring_descriptions<detail::ErrorGroup::pci_placement>();
    return detail::BusNumbering<Access>{access, buses, option}.run();
}

/// Where INTx of a function arrives at the host bridge. A kernel without firmware routes the interrupt by it.
struct PciRootPin {
    uint8_t device = 0;  ///< on the host bridge's own bus
    uint8_t pin = 0;     ///< 1 to 4: INTA# to INTD#; 0: none
};

/// Follows INTx through the bridges. Each bridge forwards a pin as another one, depending on the device number
/// (PCI-to-PCI Bridge Architecture Specification 1.2, 9.1). `buses` are those that `number_buses` returned. The pin is
/// 0 if a bridge is not found.
template <PciConfigAccess Access>
[[__nodiscard__]] PciRootPin find_root_pin(PciFunction<Access> const& function, PciBusRange buses) {
    PciAddress at = function.address();
    uint8_t const pin = function.read(spec::pci::interrupt_pin);
    PciRootPin root{at.device, pin <= spec::pci::interrupt_pins ? pin : uint8_t{0}};
    while (root.pin != 0 && at.bus > buses.first) {  // bounded: a bridge is on a lower bus than the devices behind it
        PciAddress const bridge = detail::find_bridge(function.access(), at.bus, buses.first);
        if (bridge.bus >= at.bus) {
            return {};
        }
        root.pin = static_cast<uint8_t>((root.pin - 1 + at.device) % spec::pci::interrupt_pins + 1);
        at = bridge;
        root.device = at.device;
    }
    return root;
}

}  // namespace virtq
