// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/block_chain.hpp>
#include <virtq/diag/ring_inspector.hpp>
#include <virtq/diag/segment_check.hpp>

#include <stdint.h>

namespace virtq {

/// The chain whose completion was taken last, as it still stands in the descriptor table. To be asked for when nothing
/// is in flight and all descriptors are free: then nothing was added since, so nothing has been written over it.
template <uint32_t N>
class LastChain {
public:
    LastChain(RingInspector<N> const& ring, QueueSnapshot const& seen, Span<AddressRange const> ram) {
        if (number(seen.taken) == 0 || seen.num_free != seen.size || seen.in_order) {
            return;  // with IN_ORDER it may have no used entry
        }
        uint32_t desc = ring.used_element(advance(seen.taken, UINT16_MAX)).id;
        shape_ = ChainShape{static_cast<DescIndex>(static_cast<uint16_t>(desc))};
        // A look at the table only: what it says is checked, and it may end in a circle.
        for (uint32_t count = 0; count < seen.size && desc < seen.size; ++count) {
            auto const index = static_cast<DescIndex>(static_cast<uint16_t>(desc));
            spec::Descriptor const entry = ring.descriptor(index);
            is_known_ = true;
            shape_.add(entry);
            if (bad_address_.cause == Cause::none) {
                bad_address_ = detail::judge_segment(index, entry, seen.pages, ram);
            }
            bool const linked = (entry.flags & static_cast<uint16_t>(spec::DescFlag::next)) != 0;
            desc = linked ? entry.next : seen.size;
        }
    }

    /// Whether there is one; otherwise the next two say nothing.
    [[nodiscard]] bool is_known() const { return is_known_; }
    [[nodiscard]] ChainShape const& shape() const { return shape_; }
    /// Its first address that cannot be right.
    [[nodiscard]] Finding const& bad_address() const { return bad_address_; }

private:
    bool is_known_ = false;
    ChainShape shape_{DescIndex{}};
    Finding bad_address_;
};

}  // namespace virtq
