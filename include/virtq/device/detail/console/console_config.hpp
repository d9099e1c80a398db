// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/config.hpp>
#include <virtq/device/console_types.hpp>
#include <virtq/spec/console.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The configuration of a console (§5.3.4), as far as features make it valid.
struct ConsoleConfig {
    ConsoleSize size{};
    uint32_t ports = 1;

    friend constexpr bool operator==(ConsoleConfig const&, ConsoleConfig const&) = default;

    /// Errors: `config_unstable`, `config_absent`, `config_refused`, `config_too_short`.
    template <class T>
    [[__nodiscard__]] static Result<ConsoleConfig> read(T& transport, Features const& negotiated) {
        bool const has_size = negotiated.has(spec::console::Feature::size);
        bool const has_ports = negotiated.has(spec::console::Feature::multiport);
        if (!has_size && !has_ports) {
            return ConsoleConfig{};
        }
        if (Error const error = check_config(transport, has_ports ? 8 : 4); error != Error::none) {
            return error;
        }
        ConsoleConfig config;
        Error const error =
            read_config(transport, config, [&](ConsoleConfig& fields) { read_once(transport, negotiated, fields); });
        return error == Error::none ? Result<ConsoleConfig>{config} : Result<ConsoleConfig>{error};
    }

private:
    template <class T>
    static void read_once(T& transport, Features const& negotiated, ConsoleConfig& fields) {
        namespace field = spec::console::config;
        if (negotiated.has(spec::console::Feature::size)) {
            fields.size = {transport.read_config16(field::cols.offset), transport.read_config16(field::rows.offset)};
        }
        if (negotiated.has(spec::console::Feature::multiport)) {
            fields.ports = transport.read_config32(field::max_nr_ports.offset);
        }
    }
};

}  // namespace virtq::detail
