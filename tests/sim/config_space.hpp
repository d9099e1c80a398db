// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>

#include <sim/device_backend.hpp>
#include <sim/device_status.hpp>
#include <sim/feature_exchange.hpp>
#include <sim/rule.hpp>
#include <sim/wire.hpp>

/// The device-specific configuration space (§2.5, §4.1.4.6, §4.2.2): access widths, fields that depend on a feature,
/// and the generation. With the generation a driver notices that it has read parts of two versions.
namespace virtq::sim {

/// What differs between transports.
struct ConfigRules {
    uint16_t base = wire::mmio::config;  ///< offset of the first field
    Rule const* width_8 = &rule::config_width_8;
    Rule const* width_16 = &rule::config_width_16;
    Rule const* width_32 = &rule::config_width_32;
    Rule const* unknown = &rule::register_unknown;
    Rule const* read_only = &rule::config_read_only;
    bool any_width = false;  ///< §4.1.4.10: legacy PCI
};

class ConfigSpace {
public:
    /// A number of reads for which it never settles.
    static constexpr size_t never = ~size_t{0};

    ConfigSpace(ViolationLog& log, DeviceBackend& backend, DeviceStatus const& status, FeatureExchange const& features,
                bool legacy, ConfigRules const& rules = {})
        : log_(log), backend_(backend), status_(status), features_(features), legacy_(legacy), rules_(rules) {}

    /// Checks an access. False: it has no effect.
    [[nodiscard]] bool check(uint16_t offset, unsigned bytes, bool is_write);
    [[nodiscard]] uint32_t read(uint16_t offset, unsigned bytes);
    void write(uint16_t offset, uint32_t value, unsigned bytes);

    [[nodiscard]] uint32_t read_generation();
    /// The configuration has changed.
    void move_on() { ++generation_; }
    /// The generation changes at each of the next `reads` reads.
    void unsettle(size_t reads) { unsettled_reads_ = reads; }

private:
    void check_moment(ConfigField const& field, uint16_t offset, bool is_write);

    ViolationLog& log_;
    DeviceBackend& backend_;
    DeviceStatus const& status_;
    FeatureExchange const& features_;
    bool legacy_;
    ConfigRules rules_;
    uint32_t generation_ = 0;
    size_t unsettled_reads_ = 0;
};

/// §4.1.3.1, §4.2.2.2: a field is accessed with its own width, a 64-bit field as two 32-bit halves.
inline bool ConfigSpace::check(uint16_t offset, unsigned bytes, bool is_write) {
    size_t const at = size_t{offset} - rules_.base;
    for (auto const& field : backend_.config_fields()) {
        if (at < field.offset || at >= field.offset + field.bytes) {
            continue;
        }
        size_t const wanted = field.bytes == 8 ? 4 : field.bytes;
        if (!rules_.any_width && (bytes != wanted || (at - field.offset) % wanted != 0)) {
            log_.report(wanted == 1 ? *rules_.width_8 : wanted == 2 ? *rules_.width_16 : *rules_.width_32, offset);
        }
        if (field.feature != ConfigField::always && !has_feature(features_.offered(), field.feature)) {
            log_.report(rule::config_optional, offset);
        }
        check_moment(field, offset, is_write);
        return !is_write || field.writable;
    }
    log_.report(*rules_.unknown, offset);
    return false;
}

inline void ConfigSpace::check_moment(ConfigField const& field, uint16_t offset, bool is_write) {
    bool const early = !legacy_ && !status_.has(wire::status::features_ok);
    if (is_write && !field.writable) {
        log_.report(*rules_.read_only, offset);
    } else if (is_write && early && !field.early_write) {
        log_.report(rule::init_config_write, offset);
    } else if (!is_write && early && field.early_read != nullptr) {
        log_.report(*field.early_read, offset);
    }
}

inline uint32_t ConfigSpace::read(uint16_t offset, unsigned bytes) {
    uint32_t value = 0;
    for (unsigned i = 0; i < bytes; ++i) {  // registers are little-endian on the bus, native for the caller
        value |= uint32_t{backend_.read_config(size_t{offset} - rules_.base + i)} << (8 * i);
    }
    return value;
}

inline void ConfigSpace::write(uint16_t offset, uint32_t value, unsigned bytes) {
    for (unsigned i = 0; i < bytes; ++i) {
        backend_.write_config(size_t{offset} - rules_.base + i, static_cast<uint8_t>(value >> (8 * i)));
    }
}

inline uint32_t ConfigSpace::read_generation() {
    if (unsettled_reads_ != 0) {
        unsettled_reads_ -= unsettled_reads_ == never ? 0 : 1;
        ++generation_;
    }
    return generation_;
}

}  // namespace virtq::sim
