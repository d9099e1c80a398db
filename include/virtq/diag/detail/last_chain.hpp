// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/block_chain.hpp>
#include <virtq/diag/detail/segment_check.hpp>
#include <virtq/diag/detail/split/split_inspector.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The chain whose completion was taken last, as it is still stored in the descriptor table or in an indirect table.
/// Use it only when nothing is in flight and all descriptors are free. Then nothing was added since, so nothing has
/// overwritten the chain.
template <class Ring>
class LastChain {
public:
    LastChain(Ring const& ring, QueueSnapshot const& seen, Span<AddressRange const> ram)
        : ring_(ring), seen_(seen), ram_(ram) {
        if (number(seen.taken) == 0 || seen.num_free != seen.size || seen.in_order) {
            return;  // with IN_ORDER it may have no used entry
        }
        uint32_t desc = ring.used_element(advance(seen.taken, UINT16_MAX)).id;
        shape_ = ChainShape{static_cast<DescIndex>(static_cast<uint16_t>(desc))};
        // The table is shared memory: each index is checked, and the loop also ends if the links are circular.
        for (uint32_t count = 0; count < seen.size && desc < seen.size; ++count) {
            auto const index = static_cast<DescIndex>(static_cast<uint16_t>(desc));
            spec::Descriptor const entry = ring.descriptor(index);
            if (count == 0 && entry.len == 0) {
                return;  // never written: the ring began later (`QueueOption::first_index`)
            }
            is_known_ = true;
            inspect(index, entry);
            bool const linked = (entry.flags & static_cast<uint16_t>(spec::DescFlag::next)) != 0;
            desc = linked && !is_indirect(entry) ? entry.next : seen.size;  // a table ends the chain (§2.7.5.3.1)
        }
    }

    /// Whether the chain is known. If it is not, the other functions mean nothing.
    [[__nodiscard__]] bool is_known() const { return is_known_; }
    [[__nodiscard__]] ChainShape const& shape() const { return shape_; }
    /// Its first address that cannot be right.
    [[__nodiscard__]] Finding const& bad_address() const { return bad_address_; }
    /// Its first address below 4 GiB, if the queue is above.
    [[__nodiscard__]] Finding const& low_address() const { return low_address_; }

private:
    /// Judges a descriptor of the ring, or all descriptors of the indirect table that it refers to.
    void inspect(DescIndex index, spec::Descriptor const& entry) {
        uint16_t const count = table_entries(entry);
        if (count == 0) {
            return judge(index, entry);
        }
        for (uint16_t i = 0; i < count; ++i) {
            judge(index, ring_.table_entry(table_at(entry.addr), i));
        }
    }

    void judge(DescIndex index, spec::Descriptor const& entry) {
        shape_.add(entry);
        if (bad_address_.cause == Cause::none) {
            bad_address_ = detail::judge_segment(index, entry, seen_.pages, ram_);
        }
        if (bad_address_.cause == Cause::none && seen_.table_pages.count != 0 && !is_indirect(entry)) {
            bad_address_ = detail::judge_segment(index, entry, seen_.table_pages, ram_);
        }
        bool const is_low = entry.addr <= UINT32_MAX && seen_.pages.phys.value > UINT32_MAX;
        if (is_low && low_address_.cause == Cause::none) {
            low_address_ = {Cause::buffer_address_truncated, number(index), entry.addr};
        }
    }

    [[__nodiscard__]] static bool is_indirect(spec::Descriptor const& entry) {
        return (entry.flags & static_cast<uint16_t>(spec::DescFlag::indirect)) != 0;
    }
    /// The number of descriptors in the indirect table that `entry` refers to; 0 if it is no table of this queue. The
    /// device may have overwritten `entry`, so only a table inside the queue's pages is accepted.
    [[__nodiscard__]] uint16_t table_entries(spec::Descriptor const& entry) const {
        if (!is_indirect(entry) || seen_.table_length == 0) {
            return 0;
        }
        uint64_t const behind = entry.addr - seen_.table_pages.phys.value;
        uint64_t const all = uint64_t{seen_.table_pages.count} * page_bytes;
        bool const names_table =
            behind < all && all - behind >= table_bytes() && static_cast<uint32_t>(behind) % table_bytes() == 0;
        bool const is_whole = entry.len % sizeof(spec::Descriptor) == 0 && entry.len <= table_bytes();
        return static_cast<uint16_t>(names_table && is_whole ? entry.len / sizeof(spec::Descriptor) : 0);
    }
    [[__nodiscard__]] TableIndex table_at(uint64_t addr) const {
        auto const behind = static_cast<uint32_t>(addr - seen_.table_pages.phys.value);
        return static_cast<TableIndex>(static_cast<uint16_t>(behind / table_bytes()));
    }
    [[__nodiscard__]] uint32_t table_bytes() const {
        return seen_.table_length * static_cast<uint32_t>(sizeof(spec::Descriptor));
    }

    Ring const& ring_;
    QueueSnapshot const& seen_;
    Span<AddressRange const> ram_;
    bool is_known_ = false;
    ChainShape shape_{DescIndex{}};
    Finding bad_address_;
    Finding low_address_;
};

}  // namespace virtq::detail
