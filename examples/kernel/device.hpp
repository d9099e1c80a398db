// SPDX-License-Identifier: MIT
#pragma once

#include "machine.hpp"

#include <virtq/virtq.hpp>

/// How a device interrupts: not at all, by its line, or by a message.
enum class InterruptWay : uint8_t { none, line, message };

/// A device in a virtio-mmio slot or on PCI, without its driver: `DeviceSearch` finds it. A global object: it is all
/// zero at first, and no part of it is ever on the stack.
struct Device {
    using Transport = virtq::AnyTransport<>;

    /// Called by the handlers, with the cause that the transport reported.
    void on_interrupt(virtq::InterruptCause cause);
    /// Sleeps until the device interrupts. `enable()` enables its notifications, and returns whether it has nothing to
    /// say. False: an interrupt was lost.
    template <class Enable>
    [[nodiscard]] bool sleep(Enable enable) {
        // One tick may fall between the device's write and its interrupt, but not a second one.
        return machine::wait() || enable() != virtq::MaySleep::no || machine::wait();
    }
    /// How many rests in a row may bring nothing.
    [[nodiscard]] virtq::PollLimit patience() const;
    /// Whether this kernel was built to never start a request over this transport: examples/run --break.
    [[nodiscard]] bool is_broken_on_purpose() const;

    Transport transport;
    unsigned slot = 0;  ///< of virtio-mmio, or the device number on PCI
    InterruptWay way = InterruptWay::none;
    unsigned number = 0;  ///< the line, or the first message
    bool config_changed = false;
    uint64_t interrupts = 0;
    uint64_t most_interrupts = 0;  ///< one more is a storm, which never lets `machine::wait` return
};

[[nodiscard]] char const* name_of(Device::Transport const& transport);

/// Prints how the negotiation of features ended. A failure ends the kernel.
void print_negotiation(virtq::Negotiation const& negotiation, virtq::spec::DeviceId type, virtq::Status status);
