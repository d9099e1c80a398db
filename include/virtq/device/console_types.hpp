// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/driver_types.hpp>

#include <stdint.h>

/// The ports, events and options of `ConsoleDevice`.
namespace virtq {

/// Compile-time options of `ConsoleDevice`. Derive from it and change what differs.
struct ConsoleTraits : DriverTraits {
    static constexpr uint32_t port_max = 1;        ///< most ports to use; above 1 the driver asks for MULTIPORT
    static constexpr uint32_t buffer_bytes = 256;  ///< of each input and each output buffer; a port has `N` of both
    static constexpr uint32_t name_bytes = 32;     ///< of a port's name, without the NUL; the rest of it is dropped
};

/// How large a console is, in characters. Both are 0 if that is unknown; otherwise neither is.
struct ConsoleSize {
    uint16_t cols = 0;  ///< width
    uint16_t rows = 0;  ///< height

    /// Whether both are the same size.
    friend constexpr bool operator==(ConsoleSize const&, ConsoleSize const&) = default;
};

/// What `ConsoleDevice::port` tells about a port. Without MULTIPORT, port 0 is present, a console and open.
struct ConsolePort {
    /// The host's name for it, with a NUL behind; empty if it has none. The bytes are the host's: they need not be
    /// valid UTF-8. The text is the driver's, and changes in `on_events`.
    char const* name = "";
    ConsoleSize size{};       ///< the last that the device told
    bool is_present = false;  ///< the device has added it
    bool is_console = false;  ///< it is for a person at a terminal, not for a program
    bool is_open = false;     ///< the host has it open
};

/// What happened to a port (§5.3.6.2).
enum class ConsoleEvent : uint8_t {
    added,    ///< it can be used; `open` it to get input
    removed,  ///< it is gone. What had arrived can still be read; otherwise it precedes what a new port gets
    console,  ///< it is for a person at a terminal. The driver opens it (§5.3.6.2.2)
    resized,  ///< its size has changed
    opened,   ///< the host has opened it, and takes output
    closed,   ///< the host has closed it
    named,    ///< it has a name
};

/// What a kernel may wait for.
enum class ConsoleQueue : uint8_t {
    input,   ///< `read` of a port has something
    output,  ///< `write` of a port has more room than before
    events,  ///< `on_events` has something to do
};

}  // namespace virtq
