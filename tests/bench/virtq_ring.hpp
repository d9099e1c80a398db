// SPDX-License-Identifier: MIT
#pragma once

#include "machine.hpp"

#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

namespace bench {

/// virtq's queue as a driver uses it. `Segments` is 0 for requests whose length the compiler does not know (spans).
template <unsigned N, class Format, unsigned Segments = 0>
class VirtqRing {
public:
    Areas open(Case const& which) {
        using virtq::spec::Feature;
        virtq::Features features = virtq::Features::of(Feature::version_1);
        if (which.is_packed()) {
            features.set(Feature::ring_packed);
        }
        if (which.event_idx) {
            features.set(Feature::event_idx);
        }
        if (which.indirect) {
            features.set(Feature::indirect_desc);
        }
        if (which.in_order) {
            features.set(Feature::in_order);
        }
        virtq::QueueOption option;
        if (which.segments > 16) {
            option.indirect.length = static_cast<uint16_t>(which.segments);
        }
        Pages pages;
        if (!queue_.init(pages, which.size, features, option)) {
            fail("init() of a virtq queue");
        }
        if (which.notifications) {
            static_cast<void>(queue_.enable_used_notifications());
        }
        segments_ = which.segments;
        requests_ =
            static_cast<virtq::Segment*>(allocate(sizeof(virtq::Segment) * segments_ * which.batch, request_offset));
        virtq::QueueAddresses const at = queue_.addresses();
        return {at.descriptor_area.value, at.driver_area.value, at.device_area.value};
    }
    void prepare(unsigned slot) {
        for (unsigned i = 0; i < segments_; ++i) {
            requests_[slot * segments_ + i] = {virtq::PhysAddr{segment_address(slot, i)}, segment_bytes};
        }
    }

    /// Inlined, as that of FLOOR: the count must not depend on how the compiler divides the harness into functions.
    [[gnu::always_inline]] bool add(unsigned slot) {
        virtq::Token const token{uintptr_t{slot + 1}};
        if constexpr (Segments == 0) {
            virtq::Segment const* const first = requests_ + slot * segments_;
            return static_cast<bool>(queue_.add({first, 1}, {first + 1, segments_ - 1}, token));
        } else {
            virtq::Segment const* const first = requests_ + slot * Segments;
            auto const& readable = *reinterpret_cast<virtq::Segment const(*)[1]>(first);
            if constexpr (Segments == 1) {
                return static_cast<bool>(queue_.add(readable, virtq::NoSegments{}, token));
            } else {
                auto const& writable = *reinterpret_cast<virtq::Segment const(*)[Segments - 1]>(first + 1);
                return static_cast<bool>(queue_.add(readable, writable, token));
            }
        }
    }
    bool publish() { return static_cast<bool>(queue_.publish()); }
    [[gnu::always_inline]] unsigned long take() {
        virtq::Completion const done = queue_.take_used();
        return done ? done.token.value() : 0;
    }

    [[nodiscard]] unsigned long private_bytes() const { return sizeof queue_; }

protected:
    virtq::VirtQueue<N, Format> queue_;
    virtq::Segment* requests_ = nullptr;
    unsigned segments_ = 0;

private:
    struct Pages {
        virtq::Pages allocate_pages(size_t count) {
            void* const first = allocate(count * virtq::page_bytes);
            return {first, virtq::PhysAddr{reinterpret_cast<uintptr_t>(first)}, count};
        }
        void free_pages(virtq::Pages) {}
    };
};

/// `publish()` alone. The adds before it are not counted.
template <unsigned N, class Format>
class PublishRing : public VirtqRing<N, Format, 1> {
public:
    void add_before(unsigned batch) {
        for (unsigned i = 0; i < batch; ++i) {
            if (!this->add(i)) {
                fail("a request was refused that should have fitted");
            }
        }
    }
    [[gnu::always_inline]] bool submit(unsigned) { return this->publish(); }
    unsigned take(unsigned most, unsigned long& token_sum) {
        unsigned taken = 0;
        for (; taken < most; ++taken) {
            unsigned long const token = VirtqRing<N, Format, 1>::take();
            if (token == 0) {
                break;
            }
            token_sum += token;
        }
        return taken;
    }
};

/// A format of the ring, with the device that serves it.
struct Split {
    using Format = virtq::Split;
    using Device = SplitDevice;
};
struct Packed {
    using Format = virtq::Packed;
    using Device = PackedDevice;
};

}  // namespace bench
