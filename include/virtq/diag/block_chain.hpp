// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/diagnosis.hpp>
#include <virtq/queue/index.hpp>
#include <virtq/spec/block.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

namespace virtq {

/// How many bytes of a chain the device reads, and how many it writes.
class ChainShape {
public:
    explicit constexpr ChainShape(DescIndex head) : head_(head) {}

    constexpr void add(spec::Descriptor const& entry) {
        bool const is_writable = (entry.flags & static_cast<uint16_t>(spec::DescFlag::write)) != 0;
        (is_writable ? writable_ : readable_) += entry.len;
        has_table_ = has_table_ || (entry.flags & static_cast<uint16_t>(spec::DescFlag::indirect)) != 0;
    }

    [[nodiscard]] constexpr DescIndex head() const { return head_; }
    [[nodiscard]] constexpr uint64_t readable() const { return readable_; }
    [[nodiscard]] constexpr uint64_t writable() const { return writable_; }
    /// The segments are in an indirect table: nothing is known of them.
    [[nodiscard]] constexpr bool has_table() const { return has_table_; }

private:
    DescIndex head_;
    uint64_t readable_ = 0;
    uint64_t writable_ = 0;
    bool has_table_ = false;
};

namespace detail {

/// Whether a chain can be a request of a disk (§5.2.6): at least a header that the device reads, at the end a status
/// byte that it writes. Only totals count, because a driver may cut a request where it likes (§2.7.4). What is between
/// depends on the type, which is not in the ring; but writable data is whole sectors, or less, so that a writable
/// total of whole sectors lacks the status byte.
[[nodiscard]] constexpr bool can_be_block_request(ChainShape const& shape) {
    return shape.has_table() || (shape.readable() >= sizeof(spec::block::RequestHeader) &&
                                 shape.writable() % spec::block::sector_bytes != 0);
}

/// A finding that says how many bytes a chain has.
[[nodiscard]] constexpr Finding found(Cause cause, ChainShape const& shape) {
    return {cause, shape.readable(), shape.writable(), number(shape.head())};
}

}  // namespace detail

}  // namespace virtq
