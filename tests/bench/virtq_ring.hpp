// SPDX-License-Identifier: MIT
#pragma once

#include "machine.hpp"

#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

namespace bench {

/// virtq's queue as a driver uses it. `Segments` is 0 for requests whose length is known at run time only (spans).
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

    /// Inlined, as FLOOR's is: what is counted is the queue, not how the compiler cuts the harness.
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
    struct Pages {
        virtq::Pages allocate_pages(size_t count) {
            void* const first = allocate(count * virtq::page_bytes);
            return {first, virtq::PhysAddr{reinterpret_cast<uintptr_t>(first)}, count};
        }
        void free_pages(virtq::Pages) {}
    };

    virtq::VirtQueue<N, Format> queue_;
    virtq::Segment* requests_ = nullptr;
    unsigned segments_ = 0;
};

/// The same in bursts.
template <unsigned N, class Format, unsigned Segments>
class VirtqBurst : public VirtqRing<N, Format, Segments> {
public:
    [[gnu::always_inline]] unsigned long submit_all(unsigned batch) {
        virtq::SubmittedBurst const made = this->queue_.submit_burst(batch, [this](size_t slot) {
            virtq::Segment const* const first = this->requests_ + slot * Segments;
            virtq::Token const token{uintptr_t{slot + 1}};
            if constexpr (Segments == 1) {
                return virtq::ReadableBuffer{{first[0]}, token};
            } else {
                static_assert(Segments == 3);
                return virtq::FixedChain<1, 2>{{first[0], first[1], first[2]}, token};
            }
        });
        if (made.count != batch) {
            fail("a burst was refused that should have fitted");
        }
        return made.notification ? 1 : 0;
    }
    [[gnu::always_inline]] unsigned take_all(unsigned most, unsigned long& token_sum) {
        virtq::TakenBurst const taken = this->queue_.take_burst({done_, most < room ? most : room});
        for (size_t i = 0; i < taken.count; ++i) {
            token_sum += done_[i].token.value();
        }
        return static_cast<unsigned>(taken.count);
    }

private:
    static constexpr unsigned room = N;

    virtq::Completion done_[room];
};

}  // namespace bench
