// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/config.hpp>
#include <virtq/spec/input.hpp>

#include <stdint.h>

namespace virtq::detail {

/// What a device says about one selection (§5.8.4): how many bytes it has, and as many fields as they are.
template <class Field, uint32_t field_max>
struct InputAnswer {
    static constexpr uint32_t bytes_max = field_max * sizeof(Field);

    uint8_t size = 0;
    Field fields[field_max] = {};

    friend constexpr bool operator==(InputAnswer const&, InputAnswer const&) = default;
};

using InputBytes = InputAnswer<uint8_t, spec::input::data_bytes_max>;
using InputWords = InputAnswer<uint32_t, sizeof(spec::input::AbsInfo) / sizeof(uint32_t)>;
using InputHalves = InputAnswer<uint16_t, sizeof(spec::input::DeviceIds) / sizeof(uint16_t)>;

/// §4.1.3.1: each field is read with its own width.
template <class T, class Field>
void read_input_field(T& device, uint16_t offset, Field& field) {
    if constexpr (sizeof(Field) == 1) {
        field = device.read_config8(offset);
    } else if constexpr (sizeof(Field) == 2) {
        field = device.read_config16(offset);
    } else {
        field = device.read_config32(offset);
    }
}

template <class T, class Answer>
void read_input_answer(T& device, Answer& answer) {
    answer = {};
    answer.size = device.read_config8(spec::input::config::size.offset);
    if (check_config(device, spec::input::config::data + answer.size) != Error::none) {
        return;
    }
    uint16_t offset = spec::input::config::data;
    for (auto& field : answer.fields) {
        if (offset + sizeof field > spec::input::config::data + uint32_t{answer.size}) {
            return;
        }
        read_input_field(device, offset, field);
        offset = static_cast<uint16_t>(offset + sizeof field);
    }
}

/// Asks the device for `select` and `subsel`. Errors: `not_supported` if it has no such information; `answer_invalid` if
/// the size is above the standard's or below `least`; `config_unstable`, and those of `check_config`.
template <class T, class Answer>
[[__nodiscard__]] Error ask_input_config(T& device, spec::input::Select select, uint8_t subsel, uint32_t least,
                                         Answer& answer) {
    namespace config = spec::input::config;
    if (Error const error = check_config(device, config::data); error != Error::none) {
        return error;
    }
    device.write_config8(config::select.offset, static_cast<uint8_t>(select));
    device.write_config8(config::subsel.offset, subsel);
    if (Error const error = read_config(device, answer, [&](Answer& fields) { read_input_answer(device, fields); });
        error != Error::none) {
        return error;
    }
    if (answer.size == 0) {
        return Error::not_supported;
    }
    if (answer.size > spec::input::data_bytes_max || answer.size < least) {
        return Error::answer_invalid;
    }
    return check_config(device, config::data + answer.size);
}

}  // namespace virtq::detail
