// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/index.hpp>

#include <stdint.h>

namespace virtq {

/// What follows a descriptor of a split ring in the driver's private copy, in 16 bits: another descriptor, or the end
/// of the chain. The end also says which indirect table the chain has, if it has one.
class Link {
public:
    constexpr Link() = default;
    [[__nodiscard__]] static constexpr Link to(DescIndex desc) { return Link{number(desc)}; }
    [[__nodiscard__]] static constexpr Link end() { return Link{end_without_table}; }
    [[__nodiscard__]] static constexpr Link end_with(TableIndex table) {
        return Link{static_cast<uint16_t>(end_bit | number(table))};
    }

    [[__nodiscard__]] constexpr bool is_end() const { return (bits_ & end_bit) != 0; }
    /// Of a link that is not the end.
    [[__nodiscard__]] constexpr DescIndex target() const { return static_cast<DescIndex>(bits_); }
    /// Of an end.
    [[__nodiscard__]] constexpr bool has_table() const { return bits_ != end_without_table; }
    /// Of an end with a table.
    [[__nodiscard__]] constexpr TableIndex table() const {
        return static_cast<TableIndex>(static_cast<uint16_t>(bits_ - end_bit));  // GCC would mask twice
    }

private:
    static constexpr uint16_t end_bit = 0x8000;
    static constexpr uint16_t end_without_table = 0xffff;

    explicit constexpr Link(uint16_t bits) : bits_(bits) {}

    uint16_t bits_ = 0;
};

}  // namespace virtq
