// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/address_range.hpp>
#include <virtq/diag/detail/block_chain.hpp>
#include <virtq/diag/detail/segment_check.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/index.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Finds memory that the device may write in two chains in flight, for example a status byte shared by two requests.
/// Compares each segment with the first `compared` ones only. All pairs would take seconds in a large queue, and the
/// ranges are on a kernel's stack.
class WritableOverlap {
public:
    /// Adds a segment of the current chain, which is in descriptor `desc`.
    void add(uint16_t desc, spec::Descriptor const& entry) {
        if ((entry.flags & static_cast<uint16_t>(spec::DescFlag::write)) == 0) {
            return;
        }
        if (finding_.cause == Cause::none && is_written_by_another(entry)) {
            finding_ = {Cause::buffer_shared, desc, entry.addr};
        }
        if (count_ < compared) {
            ranges_[count_++] = {entry.addr, entry.len, chain_};
        }
    }
    void end_chain() { ++chain_; }

    /// The first segment that overlaps one of another chain.
    [[__nodiscard__]] Finding const& finding() const { return finding_; }

private:
    struct Range {
        uint64_t start = 0;
        uint32_t bytes = 0;
        uint32_t chain = 0;
    };
    static constexpr unsigned compared = 32;  // 512 bytes

    [[__nodiscard__]] bool is_written_by_another(spec::Descriptor const& entry) const {
        for (unsigned i = 0; i < count_; ++i) {
            Range const& range = ranges_[i];
            if (range.chain != chain_ &&
                detail::overlaps(PhysAddr{entry.addr}, entry.len, {PhysAddr{range.start}, range.bytes})) {
                return true;
            }
        }
        return false;
    }

    Range ranges_[compared] = {};  // valid below count_
    unsigned count_ = 0;
    uint32_t chain_ = 0;
    Finding finding_;
};

/// The first finding of each kind among the chains in flight, and the state of the checks. Some 1200 bytes: too many
/// for a small stack.
class ChainFindings {
public:
    /// The first descriptor that is not what the driver wrote; `Cause::none` if all are.
    [[__nodiscard__]] Finding const& overwritten() const { return overwritten_; }
    /// The first address that cannot be right.
    [[__nodiscard__]] Finding const& bad_address() const { return bad_address_; }
    /// The first address below 4 GiB, if the queue is above.
    [[__nodiscard__]] Finding const& low_address() const { return low_address_; }
    /// The first segment that the device writes in two chains.
    [[__nodiscard__]] Finding const& shared_buffer() const { return overlap_.finding(); }
    /// The first chain that cannot be a block request, and why.
    [[__nodiscard__]] Finding const& not_a_block_request() const { return not_a_block_request_; }
    /// The first chain with fewer device-writable bytes than `require_writable` asks for.
    [[__nodiscard__]] Finding const& too_small() const { return too_small_; }
    /// Whether any chain has device-readable bytes.
    [[__nodiscard__]] bool has_readable() const { return has_readable_; }

    /// The least device-writable bytes of a chain. Set it before the check.
    void require_writable(uint32_t bytes) { least_writable_ = bytes; }

private:
    friend class ChainJudge;

    static constexpr unsigned ids_told_apart = 4096;

    /// Whether a chain with this id was seen before; marks it as seen. In a queue above size 4096 several ids share a
    /// bit, so that some chains are not checked.
    [[__nodiscard__]] bool met_before(uint16_t id) {
        uint8_t& octet = met_[id / 8u % sizeof met_];
        auto const bit = static_cast<uint8_t>(1u << id % 8u);
        bool const met = (octet & bit) != 0;
        octet = static_cast<uint8_t>(octet | bit);
        return met;
    }

    Finding overwritten_;
    Finding bad_address_;
    Finding low_address_;
    Finding not_a_block_request_;
    Finding too_small_;
    WritableOverlap overlap_;
    uint32_t least_writable_ = 0;
    bool has_readable_ = false;
    uint8_t met_[ids_told_apart / 8] = {};  ///< a bit for each
};

/// The checks that split and packed rings share. Everything that outlives a check is in `ChainFindings`.
class ChainJudge {
protected:
    static constexpr auto next_flag = static_cast<uint16_t>(spec::DescFlag::next);
    static constexpr auto write_flag = static_cast<uint16_t>(spec::DescFlag::write);
    static constexpr auto indirect_flag = static_cast<uint16_t>(spec::DescFlag::indirect);

    ChainJudge(ChainFindings& found, QueueSnapshot const& seen, Span<AddressRange const> ram)
        : seen_(seen), found_(found), ram_(ram) {}

    static constexpr unsigned ids_told_apart = ChainFindings::ids_told_apart;

    [[__nodiscard__]] bool met_before(uint16_t id) { return found_.met_before(id); }

    void note(uint16_t desc, uint64_t value, uint64_t expected) {
        if (value != expected && found_.overwritten_.cause == Cause::none) {
            found_.overwritten_ = {Cause::descriptor_overwritten, desc, value, expected};
        }
    }

    /// Judges a segment, which is in the ring or in the indirect table of `desc`.
    void judge_segment(uint16_t desc, spec::Descriptor const& entry) {
        auto const at = static_cast<DescIndex>(desc);
        if (found_.bad_address_.cause == Cause::none) {
            found_.bad_address_ = detail::judge_segment(at, entry, seen_.pages, ram_);
        }
        if (found_.bad_address_.cause == Cause::none && seen_.table_pages.count != 0) {
            found_.bad_address_ = detail::judge_segment(at, entry, seen_.table_pages, ram_);
        }
        found_.overlap_.add(desc, entry);
        bool const truncated = entry.addr <= UINT32_MAX && seen_.pages.phys.value > UINT32_MAX;
        if (truncated && found_.low_address_.cause == Cause::none) {
            found_.low_address_ = {Cause::buffer_address_truncated, desc, entry.addr};
        }
    }

    /// Judges a whole chain. `bytes` is its writable total as the driver recorded it.
    void judge_chain(ChainShape const& shape, uint32_t bytes) {
        note(number(shape.head()), shape.writable() > UINT32_MAX ? UINT32_MAX : shape.writable(), bytes);
        judge_shape(shape);
    }
    void judge_shape(ChainShape const& shape) {
        found_.overlap_.end_chain();
        found_.has_readable_ = found_.has_readable_ || shape.readable() != 0;
        if (shape.writable() < found_.least_writable_ && found_.too_small_.cause == Cause::none) {
            found_.too_small_ = {Cause::receive_buffer_too_small, number(shape.head()), shape.writable(),
                                 found_.least_writable_};
        }
        if (found_.not_a_block_request_.cause == Cause::none) {
            found_.not_a_block_request_ = detail::found(detail::judge_block_chain(shape), shape);
        }
    }

    /// Checks the indirect table of the chain at `head`; `in_ring` is the descriptor that refers to it. All
    /// descriptors of the table except the last have the flags `linked`.
    template <class Inspector>
    void check_table(Inspector const& ring, uint16_t head, spec::Descriptor const& in_ring, TableIndex table,
                     uint16_t linked, uint32_t bytes) {
        note(head, in_ring.addr, ring.table_phys(table).value);
        uint32_t const count = in_ring.len / sizeof(spec::Descriptor);
        if (in_ring.len % sizeof(spec::Descriptor) != 0 || count == 0 || count > ring.table_length()) {
            note(head, in_ring.len, ring.table_length() * sizeof(spec::Descriptor));
            return;  // the length of the table is unknown
        }
        ChainShape shape{static_cast<DescIndex>(head)};
        uint16_t direction = 0;
        for (uint16_t i = 0; i < count; ++i) {
            bool const last = i + 1u == count;
            spec::Descriptor const entry = ring.table_entry(table, i);
            auto const next = static_cast<uint16_t>(last ? 0 : linked);
            note(head, entry.flags, static_cast<uint16_t>(next | direction | (entry.flags & write_flag)));
            if (next != 0) {
                note(head, entry.next, i + 1u);
            }
            judge_segment(head, entry);
            shape.add(entry);
            direction = entry.flags & write_flag;
        }
        judge_chain(shape, bytes);
    }

    QueueSnapshot const& seen_;

private:
    ChainFindings& found_;
    Span<AddressRange const> ram_;
};

}  // namespace virtq::detail
