// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/indirect_pool.hpp>
#include <virtq/queue/detail/split/descriptor_tier.hpp>
#include <virtq/queue/detail/split/split_burst.hpp>
#include <virtq/queue/detail/split/split_in_order.hpp>
#include <virtq/queue/detail/split/split_ring.hpp>

#include <stdint.h>

namespace virtq {

/// Queue format: the split ring (§2.7), with every feature that the standard defines for it. Other formats are
/// `PlainSplit`, `Packed` (§2.8) and `AnyFormat`.
struct Split {
    /// The implementation, for `VirtQueue<N, Split>`.
    template <uint32_t N>
    using Ring = detail::SplitRing<N, Split>;
    /// Manages the indirect tables (§2.7.5.3).
    template <uint32_t N>
    using Tables = detail::IndirectPool<N>;
    /// What a driver puts into `Negotiation::wanted`: every feature that this format can use (§6).
    static constexpr Features wanted = detail::queue_features;
    static constexpr Features required{};              ///< for `Negotiation::required`: nothing
    static constexpr bool has_in_order = true;         ///< implements IN_ORDER (§2.7.9)
    static constexpr bool has_descriptor_tier = true;  ///< has `alloc_desc` … `poll_used`
    static constexpr bool needs_power_of_two = true;   ///< a queue's size must be one (§2.7)
    static constexpr bool has_fixed_layout = true;     ///< SplitLayout, with an available and a used ring
    static constexpr bool has_tables = true;           ///< can use indirect tables (§2.7.5.3)
    /// Pages that a ring of `size` descriptors takes.
    [[__nodiscard__]] static constexpr uint32_t ring_pages(uint32_t size) { return SplitLayout{size}.page_count(); }
};

/// Queue format: the split ring with the least code. It has the chain tier only, without indirect tables and IN_ORDER.
/// It checks the device as thoroughly as `Split`.
struct PlainSplit : Split {
    /// The implementation, for `VirtQueue<N, PlainSplit>`.
    template <uint32_t N>
    using Ring = detail::SplitRing<N, PlainSplit>;
    /// Takes the place of indirect tables, and no memory.
    template <uint32_t N>
    using Tables = detail::NoTables;
    /// What a driver puts into `Negotiation::wanted`: every feature that this format can use (§6).
    static constexpr Features wanted =
        Features::of(spec::Feature::event_idx, spec::Feature::order_platform, spec::Feature::notification_data);
    static constexpr bool has_in_order = false;         ///< `init` rejects IN_ORDER
    static constexpr bool has_descriptor_tier = false;  ///< calls of the descriptor tier do not compile
    static constexpr bool has_tables = false;           ///< ignores INDIRECT_DESC
};

}  // namespace virtq
