// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/block_chain.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/diag/ring_inspector.hpp>
#include <virtq/diag/segment_check.hpp>
#include <virtq/queue/mark.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

namespace virtq {

/// Compares the chains in flight in shared memory with what the driver knows of them, and judges their addresses. Each
/// word of a descriptor is read once. It goes through all descriptors once.
template <uint32_t N>
class ChainCheck {
public:
    ChainCheck(RingInspector<N> const& ring, QueueSnapshot const& seen, Span<AddressRange const> ram)
        : ring_(ring), seen_(seen), ram_(ram) {
        for (uint32_t i = 0; i < seen.size; ++i) {
            auto const head = static_cast<DescIndex>(static_cast<uint16_t>(i));
            Mark const mark = ring.shadow().mark(head);
            if (mark.is_pending_head() || mark.is_held_by(Mark::Holder::added_head)) {
                check_added(head);
            } else if (mark.is_held_by(Mark::Holder::pushed_head)) {
                check_pushed(head);
            }
        }
    }

    /// The first descriptor that is not what the driver wrote; `Cause::none` if all are.
    [[nodiscard]] Finding const& overwritten() const { return overwritten_; }
    /// The first address that cannot be right.
    [[nodiscard]] Finding const& bad_address() const { return bad_address_; }
    /// The first address below 4 GiB, if the queue lies above.
    [[nodiscard]] Finding const& low_address() const { return low_address_; }
    /// The first chain that no disk understands.
    [[nodiscard]] Finding const& not_a_block_request() const { return not_a_block_request_; }

private:
    static constexpr auto next_flag = static_cast<uint16_t>(spec::DescFlag::next);
    static constexpr auto write_flag = static_cast<uint16_t>(spec::DescFlag::write);

    /// A chain of `add`: the driver knows its links, of which the last is to itself, and how many bytes are writable.
    void check_added(DescIndex head) {
        ChainShape shape{head};
        bool writable = false;
        DescIndex desc = head;
        for (;;) {
            spec::Descriptor const entry = look(desc);
            shape.add(entry);
            DescIndex const next = ring_.shadow().next(desc);
            bool const last = next == desc;
            auto const linked = last ? uint16_t{0} : next_flag;
            auto const expected = static_cast<uint16_t>(linked | (writable ? write_flag : entry.flags & write_flag));
            note(desc, entry.flags, expected);
            if (!last) {
                note(desc, entry.next, number(next));
            }
            writable = (entry.flags & write_flag) != 0;
            if (last) {
                break;
            }
            desc = next;
        }
        note(head, shape.writable() > UINT32_MAX ? UINT32_MAX : shape.writable(), ring_.shadow().bytes(head));
        judge(shape);
    }

    /// A chain of the descriptor tier: the driver knows all but its addresses. Its caller, who may have freed it with
    /// assertions off, is not trusted to have left it without a circle.
    void check_pushed(DescIndex head) {
        ChainShape shape{head};
        DescIndex desc = head;
        for (uint32_t count = 0; count < seen_.size; ++count) {
            Mark const mark = ring_.shadow().mark(desc);
            bool const last = !mark.has(spec::DescFlag::next);
            spec::Descriptor const entry = look(desc);
            shape.add(entry);
            note(desc, entry.flags, mark.flags());
            note(desc, entry.next, last ? 0 : number(ring_.shadow().next(desc)));
            note(desc, entry.len, ring_.shadow().bytes(desc));
            if (last) {
                break;
            }
            desc = ring_.shadow().next(desc);
        }
        judge(shape);
    }

    void judge(ChainShape const& shape) {
        if (not_a_block_request_.cause == Cause::none && !detail::can_be_block_request(shape)) {
            not_a_block_request_ = detail::found(Cause::not_a_block_request, shape);
        }
    }

    [[nodiscard]] spec::Descriptor look(DescIndex desc) {
        spec::Descriptor const entry = ring_.descriptor(desc);
        if (bad_address_.cause == Cause::none) {
            bad_address_ = detail::judge_segment(desc, entry, seen_.pages, ram_);
        }
        bool const cut = entry.addr <= UINT32_MAX && seen_.pages.phys.value > UINT32_MAX;
        if (cut && low_address_.cause == Cause::none) {
            low_address_ = {Cause::buffer_address_cut, entry.addr, 0, number(desc)};
        }
        return entry;
    }

    void note(DescIndex desc, uint64_t value, uint64_t expected) {
        if (value != expected && overwritten_.cause == Cause::none) {
            overwritten_ = {Cause::descriptor_overwritten, value, expected, number(desc)};
        }
    }

    RingInspector<N> const& ring_;
    QueueSnapshot const& seen_;
    Span<AddressRange const> ram_;
    Finding overwritten_;
    Finding bad_address_;
    Finding low_address_;
    Finding not_a_block_request_;
};

}  // namespace virtq
