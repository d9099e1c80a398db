// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/input_types.hpp>
#include <virtq/spec/input.hpp>

namespace virtq::detail {

/// Finds out what a device is, from the codes of its types of events.
class InputKindFinder {
    using EventType = spec::input::EventType;

public:
    /// `type` is `abs`, `rel` or `key`.
    constexpr void add(EventType type, InputBitmap const& codes) {
        namespace code = spec::input::code;
        if (type == EventType::abs) {
            has_fingers_ = codes.has(code::abs_mt_position_x) && codes.has(code::abs_mt_position_y);
            has_position_ = codes.has(code::abs_x) && codes.has(code::abs_y);
        } else if (type == EventType::rel) {
            has_movement_ = codes.has(code::rel_x) && codes.has(code::rel_y);
        } else {
            has_key_ = codes.has_any();
            has_stick_ = codes.has_any(code::btn_joystick, code::btn_digi);
        }
    }

    /// Mice and tablets have buttons, which are keys: so what moves decides first. A wheel alone makes no mouse.
    [[__nodiscard__]] constexpr InputKind kind() const {
        if (has_fingers_) {
            return InputKind::touch;
        }
        if (has_position_) {
            return has_stick_ ? InputKind::joystick : InputKind::tablet;
        }
        if (has_movement_) {
            return InputKind::mouse;
        }
        return has_key_ ? InputKind::keyboard : InputKind::other;
    }

private:
    bool has_fingers_ = false;
    bool has_position_ = false;
    bool has_movement_ = false;
    bool has_key_ = false;
    bool has_stick_ = false;
};

}  // namespace virtq::detail
