// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/detail/any_ring.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <stdint.h>

namespace virtq {

/// Queue format chosen by `init`: packed if VIRTIO_F_RING_PACKED was negotiated, otherwise split.
struct AnyFormat {
    template <uint32_t N>
    using Ring = detail::AnyRing<N>;
    static constexpr Features wanted = detail::queue_features | Features::of(spec::Feature::ring_packed);
    static constexpr Features required{};
    static constexpr bool has_descriptor_tier = false;
    static constexpr bool needs_power_of_two = true;
    static constexpr bool has_fixed_layout = false;
    static constexpr bool has_tables = true;
    /// Pages that a ring of `size` descriptors takes in either format: a split ring takes more.
    [[__nodiscard__]] static constexpr uint32_t ring_pages(uint32_t size) { return Split::ring_pages(size); }
};

}  // namespace virtq
