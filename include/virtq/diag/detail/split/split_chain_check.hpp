// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/chain_finding.hpp>
#include <virtq/diag/detail/split/split_inspector.hpp>
#include <virtq/queue/detail/mark.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Compares the chains in flight in the shared memory of a split ring with what the driver knows, and judges their
/// addresses. Visits each descriptor once, and reads each of its words once.
template <class Ring>
class SplitChainCheck : ChainJudge {
public:
    SplitChainCheck(ChainFindings& found, Ring const& ring, QueueSnapshot const& seen, Span<AddressRange const> ram)
        : ChainJudge(found, seen, ram), ring_(ring) {}

    void check() {
        if (seen_.in_order) {
            check_in_order();
        } else {
            check_heads();
        }
    }

private:
    void check_heads() {
        for (uint32_t i = 0; i < seen_.size; ++i) {
            auto const head = static_cast<DescIndex>(static_cast<uint16_t>(i));
            Mark const mark = ring_.shadow().mark(head);
            if (mark.is_added_head()) {
                check_added(head, ring_.extent(head), ring_.shadow().bytes(head));
            } else if (mark.is_held_by(Mark::Holder::pushed_head)) {
                check_pushed(head);
            }
        }
    }

    void check_in_order() {
        DescIndex head = ring_.oldest_head();
        for (RingIndex index = seen_.taken; index != seen_.added; index = advance(index)) {
            DescIndex const place = ring_.place(index);
            Extent const extent = ring_.shadow().mark(place).extent();
            check_added(head, extent, ring_.shadow().bytes(place));
            head = ring_.behind(head, extent);
        }
    }

    /// A chain of `add`: the driver knows its links, and how many bytes are writable.
    void check_added(DescIndex head, Extent extent, uint32_t bytes) {
        if (extent.has_table()) {
            spec::Descriptor const in_ring = ring_.descriptor(head);
            note(number(head), in_ring.flags, indirect_flag);
            return check_table(ring_, number(head), in_ring, extent.table(), next_flag, bytes);
        }
        check_descriptors(head, extent, bytes);
    }

    /// Not inlined: the check of a table does not need its stack.
    [[gnu::__noinline__]] void check_descriptors(DescIndex head, Extent extent, uint32_t bytes) {
        ChainShape shape{head};
        DescIndex desc = head;
        uint16_t direction = 0;
        for (uint16_t left = extent.descriptors(); left != 0; --left) {
            spec::Descriptor const entry = load(desc);
            shape.add(entry);
            auto const linked = left == 1 ? uint16_t{0} : next_flag;
            note(number(desc), entry.flags, static_cast<uint16_t>(linked | direction | (entry.flags & write_flag)));
            direction = entry.flags & write_flag;
            if (left != 1) {
                DescIndex const next = ring_.shadow().next(desc);
                note(number(desc), entry.next, number(next));
                desc = next;
            }
        }
        judge_chain(shape, bytes);
    }

    /// A chain of the descriptor tier: the driver knows everything except its addresses. With assertions off the
    /// caller may have freed it, so its links may be circular.
    void check_pushed(DescIndex head) {
        ChainShape shape{head};
        DescIndex desc = head;
        for (uint32_t count = 0; count < seen_.size; ++count) {
            Mark const mark = ring_.shadow().mark(desc);
            bool const last = !mark.has(spec::DescFlag::next);
            spec::Descriptor const entry = load(desc);
            shape.add(entry);
            note(number(desc), entry.flags, mark.flags());
            note(number(desc), entry.next, last ? 0 : number(ring_.shadow().next(desc)));
            note(number(desc), entry.len, ring_.shadow().bytes(desc));
            if (last) {
                break;
            }
            desc = ring_.shadow().next(desc);
        }
        judge_shape(shape);
    }

    [[__nodiscard__]] spec::Descriptor load(DescIndex desc) {
        spec::Descriptor const entry = ring_.descriptor(desc);
        judge_segment(number(desc), entry);
        return entry;
    }

    Ring const& ring_;
};

}  // namespace virtq::detail
