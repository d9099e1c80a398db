// SPDX-License-Identifier: MIT
#pragma once

namespace virtq::detail {

/// Which part of the library returns an error. A kernel without code of a part does not have the descriptions of its
/// errors either: they are half of what a first disk takes.
enum class ErrorGroup : unsigned char {
    common,         ///< what any kernel may meet: rings, transports, drivers in common, disks
    pci_placement,  ///< BARs that get an address, bridges that get a window
    msix,
    pci,
    discovery,       ///< device trees, command lines
    further_calls,   ///< the reset of one queue alone, suspend_device() and resume_device()
    further_drivers  ///< what no disk returns: of ports, packets, messages, displays
};

/// Groups by ranges of numbers. A template, because `error.hpp` declares the enumeration after it includes this.
template <class Error>
[[__nodiscard__]] constexpr ErrorGroup group_of(Error error) {
    auto const is_in = [error](Error first, Error last) { return first <= error && error <= last; };
    if (is_in(Error::pci_window_full, Error::pci_bridge_closed)) {
        return ErrorGroup::pci_placement;
    }
    if (is_in(Error::msix_absent, Error::msi_message_invalid)) {
        return ErrorGroup::msix;
    }
    if (is_in(Error::pci_virtio_absent, Error::pci_buses_used_up)) {
        return ErrorGroup::pci;
    }
    if (is_in(Error::device_tree_absent, Error::command_line_malformed)) {
        return ErrorGroup::discovery;
    }
    if (is_in(Error::queue_reset_failed, Error::device_was_reset)) {
        return ErrorGroup::further_calls;
    }
    // An error that is added later is common until somebody gives it a group: so every kernel describes it.
    return is_in(Error::port_absent, Error::device_out_of_memory) ? ErrorGroup::further_drivers : ErrorGroup::common;
}

}  // namespace virtq::detail
