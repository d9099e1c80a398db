// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/address.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/diag/ring_inspector.hpp>
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
            } else if (mark.is_held_by(Mark::Holder::pushed_head) || mark.is_held_by(Mark::Holder::pushed_body)) {
                check_pushed(head, mark);
            }
        }
    }

    /// The first descriptor that is not what the driver wrote; `Cause::none` if all are.
    [[nodiscard]] Finding const& overwritten() const { return overwritten_; }
    /// The first address that cannot be right.
    [[nodiscard]] Finding const& bad_address() const { return bad_address_; }
    /// The first address below 4 GiB, if the queue lies above.
    [[nodiscard]] Finding const& low_address() const { return low_address_; }

private:
    static constexpr auto next_flag = static_cast<uint16_t>(spec::DescFlag::next);
    static constexpr auto write_flag = static_cast<uint16_t>(spec::DescFlag::write);

    /// A chain of `add`: the driver knows its links, of which the last is an end, and how many bytes are writable.
    void check_added(DescIndex head) {
        uint64_t writable_bytes = 0;
        bool writable = false;
        DescIndex desc = head;
        for (;;) {
            spec::Descriptor const entry = look(desc);
            Link const link = ring_.shadow().link(desc);
            bool const last = link.is_end();
            auto const linked = last ? uint16_t{0} : next_flag;
            auto const expected = static_cast<uint16_t>(linked | (writable ? write_flag : entry.flags & write_flag));
            note(desc, entry.flags, expected);
            if (!last) {
                note(desc, entry.next, number(link.target()));
            }
            writable = (entry.flags & write_flag) != 0;
            writable_bytes += writable ? entry.len : 0;
            if (last) {
                break;
            }
            desc = link.target();
        }
        note(head, writable_bytes > UINT32_MAX ? UINT32_MAX : writable_bytes, ring_.shadow().bytes(head));
    }

    /// A descriptor of the descriptor tier: the driver knows all but its address.
    void check_pushed(DescIndex desc, Mark mark) {
        spec::Descriptor const entry = look(desc);
        note(desc, entry.flags, mark.flags());
        note(desc, entry.next, mark.has(spec::DescFlag::next) ? number(ring_.shadow().next(desc)) : 0);
        note(desc, entry.len, ring_.shadow().bytes(desc));
    }

    [[nodiscard]] spec::Descriptor look(DescIndex desc) {
        spec::Descriptor const entry = ring_.descriptor(desc);
        auto const addr = PhysAddr{entry.addr};
        Cause const cause = cause_of(judge_buffer(addr, entry.len, seen_.pages, ram_));
        if (cause != Cause::none && bad_address_.cause == Cause::none) {
            bad_address_ = {cause, entry.addr, 0, number(desc)};
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

    [[nodiscard]] static constexpr Cause cause_of(AddressTrouble trouble) {
        switch (trouble) {
            case AddressTrouble::none: break;
            case AddressTrouble::zero: return Cause::buffer_address_zero;
            case AddressTrouble::looks_virtual: return Cause::buffer_address_virtual;
            case AddressTrouble::inside_ring: return Cause::buffer_inside_ring;
            case AddressTrouble::outside_ram: return Cause::buffer_outside_ram;
        }
        return Cause::none;
    }

    RingInspector<N> const& ring_;
    QueueSnapshot const& seen_;
    Span<AddressRange const> ram_;
    Finding overwritten_;
    Finding bad_address_;
    Finding low_address_;
};

}  // namespace virtq
