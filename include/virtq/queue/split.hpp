// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/indirect_pool.hpp>
#include <virtq/queue/detail/split/descriptor_tier.hpp>
#include <virtq/queue/detail/split/split_in_order.hpp>
#include <virtq/queue/detail/split/split_ring.hpp>

#include <stdint.h>

namespace virtq {

/// The format of a queue: split (§2.7), with all that the standard has for it. The others are `Packed` (§2.8) and
/// `AnyFormat`.
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
    static constexpr bool has_fixed_layout = true;  ///< that of SplitLayout, with an available and a used ring
    static constexpr bool has_tables = true;
    /// Pages of a ring of `size`.
    [[__nodiscard__]] static constexpr uint32_t ring_pages(uint32_t size) { return SplitLayout{size}.page_count(); }
};

/// The same where each byte of code counts: the chain tier without indirect tables and IN_ORDER. Nothing of the checks
/// is left out.
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
