// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>
#include <virtq/platform/pci_config_access.hpp>
#include <virtq/spec/pci.hpp>

#include <stdint.h>

namespace virtq {

/// What a transport knows about the interrupts of its device.
struct InterruptSnapshot {
    /// How the device interrupts: as virtio-mmio (§4.2), or on PCI by its line or by MSI-X vectors.
    enum class Way : uint8_t { unknown, mmio, line, vectors };
    Way way = Way::unknown;     ///< which members below are valid; `unknown`: none
    uint16_t line_calls = 0;    ///< calls of on_interrupt()
    uint16_t vector_calls = 0;  ///< calls of on_vector()
    PciLine line;               ///< only on PCI
    uint16_t queue_vector = 0;  ///< as the device reports it; only with `vectors`
};

namespace detail {

/// A transport that counts the calls of its interrupt handler.
template <class T>
concept CountsInterrupts = requires(T const& constant) {
    { constant.record().interrupt_calls() } -> SameAs<uint16_t>;
};

/// A transport on PCI, where a device interrupts by its line or by MSI-X vectors.
template <class T>
concept ChoosesInterrupts = CountsInterrupts<T> && requires(T& transport, T const& constant, uint16_t queue) {
    { constant.record().vector_calls() } -> SameAs<uint16_t>;
    { constant.uses_vectors() } -> SameAs<bool>;
    { constant.interrupt_line() } -> SameAs<PciLine>;
    { transport.queue_vector(queue) } -> SameAs<uint16_t>;
};

}  // namespace detail

/// Reads what a transport knows about interrupts. The device's queue registers must be readable (§3.1.1, step 7). For
/// a transport that does not count its interrupts the snapshot stays empty.
template <class T>
[[__nodiscard__]] InterruptSnapshot take_interrupt_snapshot([[__maybe_unused__]] T& transport,
                                                            [[__maybe_unused__]] uint16_t queue) {
    InterruptSnapshot seen;
    if constexpr (detail::CountsInterrupts<T>) {
        seen.way = InterruptSnapshot::Way::mmio;
        seen.line_calls = transport.record().interrupt_calls();
    }
    if constexpr (detail::ChoosesInterrupts<T>) {
        seen.way = transport.uses_vectors() ? InterruptSnapshot::Way::vectors : InterruptSnapshot::Way::line;
        seen.vector_calls = transport.record().vector_calls();
        seen.line = transport.interrupt_line();
        seen.queue_vector = transport.queue_vector(queue);
    }
    return seen;
}

}  // namespace virtq
