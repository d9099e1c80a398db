// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/result.hpp>
#include <virtq/platform/detail/device_order.hpp>
#include <virtq/platform/detail/page_run.hpp>
#include <virtq/platform/page_allocator.hpp>
#include <virtq/queue/detail/indirect_shape.hpp>
#include <virtq/queue/detail/mark.hpp>
#include <virtq/queue/fault.hpp>
#include <virtq/queue/layout.hpp>
#include <virtq/queue/option.hpp>
#include <virtq/spec/feature.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stddef.h>
#include <stdint.h>

/// The checks of a requested queue and the lifetime of a ring, for both formats.
namespace virtq::detail {

/// The features that a queue can use, and that a driver therefore wants. A format may leave some out.
inline constexpr Features queue_features =
    Features::of(spec::Feature::indirect_desc, spec::Feature::event_idx, spec::Feature::in_order,
                 spec::Feature::order_platform, spec::Feature::notification_data);

/// Checks the size of a queue with room for `capacity` descriptors (§2.7, §2.8).
[[__nodiscard__]] constexpr Error check_queue_size(uint32_t size, uint32_t capacity) {
    if (size == 0) {
        return Error::queue_size_zero;
    }
    if (size > spec::queue_size_max) {
        return Error::queue_size_above_maximum;
    }
    return size > capacity ? Error::queue_size_above_capacity : Error::none;
}

/// Without VERSION_1 a queue is a legacy one.
[[__nodiscard__]] constexpr bool is_legacy(Features const& features) {
    return !features.has(spec::Feature::version_1);
}

/// With VIRTIO_F_ORDER_PLATFORM the device may be hardware, which needs the platform's fences (§6).
[[__nodiscard__]] constexpr platform::DeviceOrder device_order(Features const& features) {
    using Kind = platform::DeviceOrder::Kind;
    return platform::DeviceOrder{features.has(spec::Feature::order_platform) ? Kind::platform : Kind::smp};
}

/// The lifetime of a ring, for both formats: it takes pages and gives them back, restarts in them, and hands back the
/// chains. This base has no state, so a ring's layout depends on its own members only. A format provides `Layout`,
/// `check_request`, `check_place`, `set_up`, `close` and `drain_chains`.
template <class Ring>
class RingLife {
public:
    /// Placement new, for `AnyRing` to make one ring in place of the other. Our own, because <new> is a library
    /// header.
    static void* operator new(size_t, void* place) { return place; }

    template <PageAllocator Allocator>
    [[__nodiscard__]] Status init(Allocator& allocator, uint32_t size, Features const& features,
                                  QueueOption const& option) {
        VIRTQ_ASSERT(!initialised(),
                     "init() was called on a queue that holds pages. Call release() first. If it holds none, check "
                     "that your boot code clears .bss.");
        if (Error const error = Ring::check_request(size, features); error != Error::none) {
            return error;
        }
        if (Error const error = take_pages(allocator, size, features, option); error != Error::none) {
            return error;
        }
        if (Error const error = Ring::check_place(features, ring().memory_.phys()); error != Error::none) {
            give_back_pages(allocator);
            return error;
        }
        ring().set_up(size, features, option);
        return {};
    }

    [[__nodiscard__]] Status restart(uint32_t size, Features const& features, QueueOption const& option) {
        VIRTQ_ASSERT(initialised(), "restart() was called on a queue without memory. Call init() first.");
        if (!initialised()) {
            return Error::queue_not_initialised;
        }
        if (is_live()) {
            return Error::queue_still_live;
        }
        if (Error const error = Ring::check_request(size, features); error != Error::none) {
            return error;
        }
        if (typename Ring::Layout{size}.page_count() > ring().memory_.count()) {
            return Error::queue_size_above_pages;
        }
        if (Error const error = Ring::check_place(features, ring().memory_.phys()); error != Error::none) {
            return error;
        }
        ring().set_up(size, features, option);
        return {};
    }

    template <PageAllocator Allocator>
    [[__nodiscard__]] Status release(Allocator& allocator) {
        if (is_live()) {
            return Error::queue_still_live;
        }
        if (initialised()) {
            give_back_pages(allocator);
            ring().close();
        }
        return {};
    }

    /// Hands back the token of each chain once, in no particular order.
    template <class Each>
    [[__nodiscard__]] Status drain(Each& each) {
        if (is_live()) {
            return Error::queue_still_live;
        }
        if (!initialised()) {
            return {};
        }
        if (!ring().fault_) {
            ring().fault_ = Fault{FaultReason::drained, 0};
        }
        ring().close();  // before `each`, which otherwise could add to the queue
        ring().drain_chains(each);
        return {};
    }

    void attach() {
        if (initialised()) {
            ring().memory_.attach();
        }
    }
    void detach() { ring().memory_.detach(); }

    [[__nodiscard__]] bool initialised() const { return ring().memory_.held(); }
    [[__nodiscard__]] bool is_live() const { return ring().memory_.is_live(); }
    [[__nodiscard__]] Pages pages() const { return ring().memory_.run(); }
    [[__nodiscard__]] Pages table_pages() const { return ring().pool_.pages(); }
    [[__nodiscard__]] QueueAddresses addresses() const {
        return typename Ring::Layout{size()}.addresses(ring().memory_.phys());
    }
    [[__nodiscard__]] uint16_t size() const { return initialised() ? ring().memory_.size() : uint16_t{0}; }
    [[__nodiscard__]] Fault const& fault() const { return ring().fault_; }

protected:
    /// Why `add` refuses a chain of `count` segments.
    [[gnu::__cold__]] [[gnu::__noinline__]] Error refuse(size_t count) const {
        if (!initialised()) {
            return Error::queue_not_initialised;
        }
        if (fault()) {
            return Error::queue_broken;
        }
        if (count == 0) {
            return Error::chain_empty;
        }
        return count > ring().memory_.size() ? Error::chain_longer_than_queue : Error::queue_full;
    }

    /// Hands back the chains whose heads are marked. Not with IN_ORDER, where marks have another use.
    template <class Head, class Each>
    void drain_heads(Each& each) {
        for (uint32_t i = 0; i < size(); ++i) {
            auto const head = static_cast<Head>(static_cast<uint16_t>(i));
            if (ring().shadow_.mark(head).is_head_in_flight()) {
                ring().shadow_.set_mark(head, Mark{});  // before `each`, so that the token is handed back once
                each(ring().shadow_.token(head));
            }
        }
    }

private:
    [[__nodiscard__]] Ring& ring() { return static_cast<Ring&>(*this); }
    [[__nodiscard__]] Ring const& ring() const { return static_cast<Ring const&>(*this); }

    /// Takes the pages of the ring and those of the indirect tables; keeps neither on an error.
    template <PageAllocator Allocator>
    [[__nodiscard__]] Error take_pages(Allocator& allocator, uint32_t size, Features const& features,
                                       QueueOption const& option) {
        Error error = ring().memory_.take(allocator, typename Ring::Layout{size}.page_count());
        if (error == Error::none) {
            error = ring().pool_.take_pages(allocator, IndirectShape::of(size, features, option.indirect));
            if (error != Error::none) {
                ring().memory_.give_back(allocator);
            } else if (share_pages(ring().memory_.run(), ring().pool_.pages())) {
                give_back_pages(allocator);
                error = Error::pages_handed_out_twice;
            }
        }
        return error;
    }
    template <PageAllocator Allocator>
    void give_back_pages(Allocator& allocator) {
        ring().memory_.give_back(allocator);
        ring().pool_.give_back_pages(allocator);
    }
};

}  // namespace virtq::detail
