// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/any_ring.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <stdint.h>

namespace virtq {

/// Queue format chosen by `init`: packed if VIRTIO_F_RING_PACKED was negotiated, otherwise split.
struct AnyFormat {
    /// The implementation, for `VirtQueue<N, AnyFormat>`.
    template <uint32_t N>
    using Ring = detail::AnyRing<N>;
    /// What a driver puts into `Negotiation::wanted`: every feature that this format can use (§6).
    static constexpr Features wanted = detail::queue_features | Features::of(spec::Feature::ring_packed);
    static constexpr Features required{};               ///< for `Negotiation::required`: nothing
    static constexpr bool has_descriptor_tier = false;  ///< only `Split` has it
    static constexpr bool needs_power_of_two = true;    ///< `N` must fit a split ring too (§2.7)
    static constexpr bool has_fixed_layout = false;     ///< `pfn`, `phys_avail` and `phys_used` do not compile
    static constexpr bool has_tables = true;            ///< can use indirect tables (§2.7.5.3, §2.8.7)
    /// Pages that a ring of `size` descriptors takes in either format: a split ring takes more.
    [[__nodiscard__]] static constexpr uint32_t ring_pages(uint32_t size) { return Split::ring_pages(size); }
};

}  // namespace virtq
