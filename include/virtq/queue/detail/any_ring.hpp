// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/code_size.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <stdint.h>

namespace virtq::detail {

/// A split or a packed ring: `init` chooses by the negotiated features. It costs one branch a call, and the memory of
/// the larger ring.
template <uint32_t N>
class AnyRing {
public:
    constexpr AnyRing() : split_() {}

    template <PageAllocator Allocator>
    [[__nodiscard__]] Status init(Allocator& allocator, uint32_t size, Features const& features,
                                  QueueOption const& option) {
        VIRTQ_ASSERT(!initialised(), "init() was called on a queue that holds pages. Call release() first.");
        if (bool const packed_ring = features.has(spec::Feature::ring_packed); packed_ring != packed_) {
            become(packed_ring ? Format::packed_ring : Format::split_ring);
        }
        return visit([&](auto& ring) { return ring.init(allocator, size, features, option); });
    }

    /// Errors if the features select another format than at `init`: `feature_not_supported_by_queue`,
    /// `ring_packed_not_negotiated`.
    [[__nodiscard__]] Status restart(uint32_t size, Features const& features, QueueOption const& option) {
        return visit([&](auto& ring) { return ring.restart(size, features, option); });
    }
    template <PageAllocator Allocator>
    [[__nodiscard__]] Status release(Allocator& allocator) {
        return visit([&](auto& ring) { return ring.release(allocator); });
    }
    template <class Each>
    [[__nodiscard__]] Status drain(Each& each) {
        return visit([&](auto& ring) { return ring.drain(each); });
    }

    void attach() {
        visit([](auto& ring) { ring.attach(); });
    }
    void detach() {
        visit([](auto& ring) { ring.detach(); });
    }
    [[__nodiscard__]] bool initialised() const {
        return visit([](auto& ring) { return ring.initialised(); });
    }
    [[__nodiscard__]] bool is_live() const {
        return visit([](auto& ring) { return ring.is_live(); });
    }
    [[__nodiscard__]] Pages pages() const {
        return visit([](auto& ring) { return ring.pages(); });
    }
    [[__nodiscard__]] Pages table_pages() const {
        return visit([](auto& ring) { return ring.table_pages(); });
    }
    [[__nodiscard__]] QueueAddresses addresses() const {
        return visit([](auto& ring) { return ring.addresses(); });
    }
    [[__nodiscard__]] uint16_t size() const {
        return visit([](auto& ring) { return ring.size(); });
    }
    [[__nodiscard__]] uint16_t num_free() const {
        return visit([](auto& ring) { return ring.num_free(); });
    }
    [[__nodiscard__]] Fault const& fault() const { return packed_ ? packed_ring_.fault() : split_.fault(); }

    template <class Readable, class Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add(Readable readable, Writable writable, Token token) {
        // Not with visit(): its lambda would pass the segments through memory.
        return packed_ ? packed_ring_.template add<Readable, Writable>(readable, writable, token)
                       : split_.template add<Readable, Writable>(readable, writable, token);
    }
    Notification publish() {
        return visit([](auto& ring) { return ring.publish(); });
    }
    [[__nodiscard__]] Completion take_used() {
        return visit([](auto& ring) { return ring.take_used(); });
    }
    template <class Get>
    [[__nodiscard__]] SubmittedBurst submit_burst(size_t count, Get chain_at) {
        return visit([&](auto& ring) { return ring.template submit_burst<Get>(count, chain_at); });
    }
    [[__nodiscard__]] TakenBurst take_burst(Span<Completion> room) {
        return visit([&](auto& ring) { return ring.take_burst(room); });
    }
    [[__nodiscard__]] MaySleep enable_used_notifications() {
        return visit([](auto& ring) { return ring.enable_used_notifications(); });
    }
    void disable_used_notifications() {
        visit([](auto& ring) { ring.disable_used_notifications(); });
    }

    // For diag/, which inspects both rings.
    [[__nodiscard__]] bool is_packed() const { return packed_; }
    [[__nodiscard__]] SplitRing<N> const& split_ring() const { return split_; }
    [[__nodiscard__]] PackedRing<N> const& packed_ring() const { return packed_ring_; }

private:
    enum class Format : uint8_t { split_ring, packed_ring };

    /// Replaces a ring without pages by one of the other format. Both are trivially destructible.
    void become(Format format) {
        packed_ = format == Format::packed_ring;
        if (packed_) {
            new (&packed_ring_) PackedRing<N>{};
        } else {
            new (&split_) SplitRing<N>{};
        }
    }

    template <class Visit>
    auto visit(Visit visit) {
        return packed_ ? visit(packed_ring_) : visit(split_);
    }
    template <class Visit>
    auto visit(Visit visit) const {
        return packed_ ? visit(packed_ring_) : visit(split_);
    }

    bool packed_ = false;
    union {
        SplitRing<N> split_;
        PackedRing<N> packed_ring_;
    };
};

}  // namespace virtq::detail
