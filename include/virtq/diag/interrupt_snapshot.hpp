// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>
#include <virtq/platform/pci_config_access.hpp>
#include <virtq/spec/pci.hpp>

#include <stdint.h>

namespace virtq {

/// What a transport knows of the interrupts of its device.
struct InterruptSnapshot {
    enum class Way : uint8_t { unknown, mmio, line, vectors };
    Way way = Way::unknown;
    uint16_t line_calls = 0;    ///< of on_interrupt()
    uint16_t vector_calls = 0;  ///< of on_vector()
    PciLine line;               ///< of a function on PCI
    uint16_t queue_vector = 0;  ///< as the device has it, with `vectors`; otherwise nothing
};

namespace detail {

/// A transport that counts the calls of its handler.
template <class T>
concept CountsInterrupts = requires(T const& constant) {
    { constant.record().interrupt_calls() } -> SameAs<uint16_t>;
};

/// One on PCI, where there are two ways to interrupt.
template <class T>
concept ChoosesInterrupts = CountsInterrupts<T> && requires(T& transport, T const& constant, uint16_t queue) {
    { constant.record().vector_calls() } -> SameAs<uint16_t>;
    { constant.uses_vectors() } -> SameAs<bool>;
    { constant.interrupt_line() } -> SameAs<PciLine>;
    { transport.queue_vector(queue) } -> SameAs<uint16_t>;
};

}  // namespace detail

/// Of a transport whose device may be asked for its queues; one that does not count shows nothing.
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
