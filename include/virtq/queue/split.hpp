// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/indirect_pool.hpp>
#include <virtq/queue/detail/split/descriptor_tier.hpp>
#include <virtq/queue/detail/split/split_in_order.hpp>
#include <virtq/queue/detail/split/split_ring.hpp>

#include <stdint.h>

namespace virtq {

/// Queue format: the split ring (§2.7), with every feature that the standard defines for it. Other formats are
/// `PlainSplit`, `Packed` (§2.8) and `AnyFormat`.
struct Split {
    template <uint32_t N>
    using Ring = detail::SplitRing<N, Split>;
    template <uint32_t N>
    using Tables = detail::IndirectPool<N>;
    static constexpr Features wanted = detail::queue_features;
    static constexpr Features required{};
    static constexpr bool has_in_order = true;
    static constexpr bool has_descriptor_tier = true;
    static constexpr bool needs_power_of_two = true;
    static constexpr bool has_fixed_layout = true;  ///< SplitLayout, with an available and a used ring
    static constexpr bool has_tables = true;
    /// Pages that a ring of `size` descriptors takes.
    [[__nodiscard__]] static constexpr uint32_t ring_pages(uint32_t size) { return SplitLayout{size}.page_count(); }
};

/// Queue format: the split ring with the least code. It has the chain tier only, without indirect tables and IN_ORDER.
/// It checks the device as thoroughly as `Split`.
struct PlainSplit : Split {
    template <uint32_t N>
    using Ring = detail::SplitRing<N, PlainSplit>;
    template <uint32_t N>
    using Tables = detail::NoTables;
    static constexpr Features wanted =
        Features::of(spec::Feature::event_idx, spec::Feature::order_platform, spec::Feature::notification_data);
    static constexpr bool has_in_order = false;
    static constexpr bool has_descriptor_tier = false;
    static constexpr bool has_tables = false;
};

}  // namespace virtq
