// SPDX-License-Identifier: MIT
#pragma once

#include "driven.hpp"

struct ConsoleTraits : virtq::ConsoleTraits {
    using Format = virtq::AnyFormat;  // split or packed queues, as the device offers
    static constexpr uint32_t port_max = 4;
};

/// QEMU's queues for a port have this size, and a legacy device on PCI uses no other one.
inline constexpr uint32_t console_queue_size = 128;

/// A console: port 0 is a terminal, and every other port a stream of bytes of some program on the host.
struct Console : Driven<virtq::ConsoleDevice<Device::Transport, console_queue_size, ConsoleTraits>> {
    static constexpr uint32_t terminal = 0;

    /// Prints without queues, which works before `bring_up`.
    void print_early(char const* text);
    /// Answers the device, prints on the serial port what happened to which port, and opens every port.
    void handle_events();
    /// Writes all of `text` to the terminal, however long that takes.
    void write_all(virtq::Span<uint8_t const> text);
    /// Waits until the device has used all output of the terminal.
    void drain();
    /// Sleeps until there is input, more room for output that waits, or an event; or pauses before the next poll.
    void rest();

    bool has_output[ConsoleTraits::port_max] = {};  ///< of each port: whether output waits for room

private:
    void expect(virtq::Status status);
    [[nodiscard]] virtq::ConsoleQueue awaited(uint32_t port) const;
    [[nodiscard]] virtq::MaySleep enable_notifications();
    void disable_notifications();
};
