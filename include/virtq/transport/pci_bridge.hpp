// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/detail/pci/bus_numbering.hpp>
#include <virtq/transport/pci_bus_range.hpp>
#include <virtq/transport/pci_function.hpp>
#include <virtq/transport/pci_option.hpp>

#include <stdint.h>

/// Bridges, PCI-to-PCI Bridge Architecture Specification 1.2: what firmware does of them, for kernels without any.
namespace virtq {

namespace detail {

/// Whether all bridges before a function pass a range of addresses on to it. The host bridge passes on everything.
template <PciConfigAccess Access>
[[__nodiscard__]] bool is_passed_on(PciFunction<Access> const& function, PciBar::Kind kind, PciRange const& range) {
    for (uint8_t bus = function.address().bus;
         bus != 0;) {  // ends: the bus of a bridge is lower than the one behind it
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

/// For a probe: gives each BAR that has no address one out of the host bridge's windows, if the bridges before the
/// function pass it on. Errors: `pci_window_full`, `pci_bridge_closed`; then some may have an address. Not inlined,
/// because it takes stack that the rest of a probe does not need.
template <PciConfigAccess Access>
[[__nodiscard__]] [[gnu::__noinline__]] Status place_bars(PciBars& bars, PciFunction<Access> const& function,
                                                          PciProbeOption const& option) {
    return bars.assign(function, option.memory, option.ports,
                       [&](PciBar::Kind kind, PciRange const& range) { return is_passed_on(function, kind, range); });
}

}  // namespace detail

/// For a kernel without firmware, before it scans: numbers the buses behind the bridges of a host bridge, places the
/// BARs of all devices behind them, and opens the bridges for these BARs and for what the devices read and write in
/// memory. `buses` are those of the host bridge, the first of them its own. `option` has the host bridge's windows, as
/// for `probe_pci`: memory below 4 GiB, since that is what all bridges pass on; without them devices are found, and
/// have no addresses. Returns the buses that there are now, for `for_each_virtio_function`.
///
/// What is numbered already stays as it is, so a second call changes nothing. Devices of the host bridge's own bus are
/// left to `probe_pci`. Not while a device is in use. Errors, with all that could be done done: `pci_buses_used_up`,
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
    return detail::BusNumbering<Access>{access, buses, option}.run();
}

/// Where INTx of a function arrives at the host bridge: what a machine without firmware routes interrupts by.
struct PciRootPin {
    uint8_t device = 0;  ///< on the host bridge's own bus
    uint8_t pin = 0;     ///< 1 to 4: INTA# to INTD#; 0: none
};

/// PCI-to-PCI Bridge Architecture Specification 1.2, 9.1: each bridge passes the pin of a device on as another one, by
/// the device's number. `buses` are those that `number_buses` returned. A function whose bridge is not found has none.
template <PciConfigAccess Access>
[[__nodiscard__]] PciRootPin find_root_pin(PciFunction<Access> const& function, PciBusRange buses) {
    PciAddress at = function.address();
    uint8_t const pin = function.read(spec::pci::interrupt_pin);
    PciRootPin root{at.device, pin <= spec::pci::interrupt_pins ? pin : uint8_t{0}};
    while (root.pin != 0 && at.bus > buses.first) {  // ends: the bus of a bridge is lower than the one behind it
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
