// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/diagnosis.hpp>
#include <virtq/queue/index.hpp>
#include <virtq/spec/block.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

namespace virtq::detail {

/// How many bytes of a chain the device reads, and how many it writes.
class ChainShape {
public:
    explicit constexpr ChainShape(DescIndex head) : head_(head) {}

    constexpr void add(spec::Descriptor const& entry) {
        last_writable_ = is_writable(entry) ? entry.len : last_writable_;
        count(entry);
    }
    /// Adds a descriptor in front of all others, for a walk from the end of the chain.
    constexpr void add_in_front(spec::Descriptor const& entry) {
        last_writable_ = is_writable(entry) && writable_ == 0 ? entry.len : last_writable_;
        count(entry);
    }

    [[__nodiscard__]] constexpr DescIndex head() const { return head_; }
    [[__nodiscard__]] constexpr uint64_t readable() const { return readable_; }
    [[__nodiscard__]] constexpr uint64_t writable() const { return writable_; }
    /// Bytes of the last device-writable segment.
    [[__nodiscard__]] constexpr uint32_t last_writable() const { return last_writable_; }
    /// The segments are in an indirect table: their sizes are unknown.
    [[__nodiscard__]] constexpr bool has_table() const { return has_table_; }

private:
    [[__nodiscard__]] static constexpr bool is_writable(spec::Descriptor const& entry) {
        return (entry.flags & static_cast<uint16_t>(spec::DescFlag::write)) != 0;
    }
    constexpr void count(spec::Descriptor const& entry) {
        (is_writable(entry) ? writable_ : readable_) += entry.len;
        has_table_ = has_table_ || (entry.flags & static_cast<uint16_t>(spec::DescFlag::indirect)) != 0;
    }

    DescIndex head_;
    uint64_t readable_ = 0;
    uint64_t writable_ = 0;
    uint32_t last_writable_ = 0;
    bool has_table_ = false;
};

/// Why this chain cannot be a block request (§5.2.6): it needs a readable header first and a writable status byte
/// last. The request type is not in the ring, and a driver may split a request anywhere (§2.7.4). But data consists of
/// whole sectors. Anything else that the device returns is less than 64 bytes, and anything else that it receives is
/// an array of ranges.
[[__nodiscard__]] constexpr Cause judge_block_chain(ChainShape const& shape) {
    constexpr uint32_t header_bytes = sizeof(spec::block::RequestHeader);
    constexpr uint32_t sector = spec::block::sector_bytes;
    constexpr uint32_t other_bytes_end = 64;
    if (shape.has_table()) {
        return Cause::none;
    }
    if (shape.readable() < header_bytes || shape.writable() == 0) {
        return Cause::not_a_block_request;
    }
    bool const has_status_alone = shape.last_writable() == 1;
    if (shape.last_writable() % sector == 0 || (shape.writable() % sector == 0 && !has_status_alone)) {
        return Cause::block_status_in_data;
    }
    uint64_t const data_in = shape.writable() - 1;
    uint64_t const data_out = shape.readable() - header_bytes;
    bool const fits =
        (data_in % sector == 0 || data_in < other_bytes_end) && data_out % sizeof(spec::block::Range) == 0;
    return fits ? Cause::none : Cause::block_data_not_sectors;
}

/// A finding that names a chain: its readable bytes, its writable bytes, its head.
[[__nodiscard__]] constexpr Finding found(Cause cause, ChainShape const& shape) {
    return {cause, number(shape.head()), shape.readable(), shape.writable()};
}

}  // namespace virtq::detail
