// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/index.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq {

/// What a chain in flight takes of a queue, in 16 bits: so many descriptors of the ring, or one of them and an
/// indirect table.
class Extent {
public:
    constexpr Extent() = default;
    /// 1 to 32768 descriptors.
    [[__nodiscard__]] static constexpr Extent direct(size_t descriptors) {
        return Extent{static_cast<uint16_t>(descriptors - 1)};
    }
    [[__nodiscard__]] static constexpr Extent indirect(TableIndex table) {
        return Extent{static_cast<uint16_t>(table_bit | number(table))};
    }
    [[__nodiscard__]] static constexpr Extent of_bits(uint16_t bits) { return Extent{bits}; }

    [[__nodiscard__]] constexpr bool has_table() const { return (bits_ & table_bit) != 0; }
    [[__nodiscard__]] constexpr TableIndex table() const {
        return static_cast<TableIndex>(static_cast<uint16_t>(bits_ - table_bit));  // GCC would mask twice
    }
    [[__nodiscard__]] constexpr uint16_t descriptors() const {
        return has_table() ? uint16_t{1} : static_cast<uint16_t>(bits_ + 1);
    }
    [[__nodiscard__]] constexpr uint16_t bits() const { return bits_; }

private:
    static constexpr uint16_t table_bit = 0x8000;

    explicit constexpr Extent(uint16_t bits) : bits_(bits) {}

    uint16_t bits_ = 0;
};

}  // namespace virtq
