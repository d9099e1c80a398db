// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/device/driver_types.hpp>
#include <virtq/spec/input.hpp>

#include <stdint.h>

/// The events, descriptions and options of `InputDevice`.
namespace virtq {

/// Compile-time options of `InputDevice`. Derive from them and change what differs.
struct InputTraits : DriverTraits {
    static constexpr uint32_t packet_events = 64;  ///< most events of a packet of `take_packets`
};

/// An event, as those of Linux (evdev).
struct InputEvent {
    spec::input::EventType type = spec::input::EventType::syn;  ///< what kind; ignore those that you do not know
    uint16_t code = 0;                                          ///< which key, axis or light
    int32_t value = 0;                                          ///< for example 1 for pressed, or a position

    /// Whether both are the same event.
    friend constexpr bool operator==(InputEvent const&, InputEvent const&) = default;
};

/// All events of one update, for example a movement on two axes, without the SYN_REPORT that ends it.
struct InputPacket {
    Span<InputEvent const> events{};  ///< the driver's, until the handler returns
    /// Whether no event is missing. Otherwise some were invalid, the device has lost some (SYN_DROPPED), or there were
    /// more than `InputTraits::packet_events`: what you know of keys that are held may be wrong.
    bool is_whole = true;
};

/// What a device seems to be, by the events that it can send.
enum class InputKind : uint8_t {
    other,     ///< none of these
    keyboard,  ///< keys or buttons only
    mouse,     ///< it moves on REL_X and REL_Y
    tablet,    ///< it points to a position, ABS_X and ABS_Y
    touch,     ///< a touch screen or touch pad for several fingers, ABS_MT_…
    joystick,  ///< positions, and buttons of a joystick or gamepad
};

/// A text of the device's. The bytes are the host's: they need not be valid UTF-8, and may be control characters.
struct InputText {
    char text[spec::input::data_bytes_max + 1] = {};  ///< with a NUL behind it
    uint32_t bytes = 0;                               ///< how many bytes come before that NUL
};

/// Which codes a device has.
struct InputBitmap {
    uint8_t bytes[spec::input::data_bytes_max] =
        {};  ///< a bit for each code; the first is the lowest of the first byte

    /// Whether it has this code.
    [[__nodiscard__]] constexpr bool has(uint32_t code) const {
        return code / 8 < sizeof bytes && (bytes[code / 8] >> (code % 8) & 1) != 0;
    }
    /// Whether it has one of the codes from `begin` up to, but not including, `end`.
    [[__nodiscard__]] constexpr bool has_any(uint32_t begin = 0,
                                             uint32_t end = 8 * spec::input::data_bytes_max) const {
        while (begin < end && !has(begin)) {
            ++begin;
        }
        return begin < end;
    }
};

/// The range of an absolute axis. `max` may equal `min`: do not divide by their difference without looking.
struct InputRange {
    int32_t min = 0;         ///< least value
    int32_t max = 0;         ///< largest value; not below `min`
    int32_t fuzz = 0;        ///< differences up to this one are noise
    int32_t flat = 0;        ///< values up to this one count as the centre
    int32_t resolution = 0;  ///< in units per millimetre; 0: unknown
};

/// What a kernel may wait for.
enum class InputQueue : uint8_t {
    events,  ///< there are events to take
    status,  ///< the device has used events that were sent, so there is room for more
};

}  // namespace virtq
