// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/packed/packed_burst.hpp>
#include <virtq/queue/detail/packed/packed_in_order.hpp>
#include <virtq/queue/detail/packed/packed_ring.hpp>

#include <stdint.h>

namespace virtq {

/// Queue format: the packed ring (§2.8). Its size need not be a power of two. `init` fails unless VIRTIO_F_RING_PACKED
/// was negotiated, so the device must offer it.
///
/// A hand-written driver puts `Packed::wanted` into `Negotiation::wanted` and `Packed::required` into
/// `Negotiation::required`, then passes the negotiated features to `init`. The other formats work in the same way.
struct Packed {
    /// The implementation, for `VirtQueue<N, Packed>`.
    template <uint32_t N>
    using Ring = detail::PackedRing<N>;
    /// What a driver puts into `Negotiation::wanted`: every feature that this format can use (§6).
    static constexpr Features wanted = detail::queue_features | Features::of(spec::Feature::ring_packed);
    static constexpr Features required = Features::of(spec::Feature::ring_packed);  ///< for `Negotiation::required`
    static constexpr bool has_descriptor_tier = false;  ///< packed descriptors are not linked by index
    static constexpr bool needs_power_of_two = false;   ///< any size up to 32768 is allowed (§2.8)
    static constexpr bool has_fixed_layout = false;     ///< `pfn`, `phys_avail` and `phys_used` do not compile
    static constexpr bool has_tables = true;            ///< can use indirect tables (§2.8.7)
    /// Pages that a ring of `size` descriptors takes.
    [[__nodiscard__]] static constexpr uint32_t ring_pages(uint32_t size) { return PackedLayout{size}.page_count(); }
};

}  // namespace virtq
