// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/bit.hpp>
#include <virtq/base/detail/code_size.hpp>
#include <virtq/queue/burst.hpp>
#include <virtq/queue/detail/re_entry.hpp>
#include <virtq/queue/layout.hpp>
#include <virtq/queue/split.hpp>

#include <stdint.h>

namespace virtq {

namespace detail {

template <uint32_t N>
class PackedInspector;

}  // namespace detail

/// The driver's side of a virtqueue with up to `N` descriptors.
///
/// **Spec** VIRTIO 1.4 §2.6 to §2.9. **Tiers** Drivers use the chain tier (`add`, `publish`, `take_used`), which is
/// the same for all formats. The descriptor tier (`alloc_desc` … `poll_used`) is the classic kernel interface; only
/// `Split` without IN_ORDER has it. One queue may use both.
///
/// **Threading** No call takes a lock, sleeps or allocates, so all may be called in interrupt context. For `init` and
/// `release` this depends on the allocator. The table says which calls may run concurrently on one queue, on several
/// CPUs or in an interrupt:
///
/// | call                                                       | may run concurrently with                        |
/// |------------------------------------------------------------|--------------------------------------------------|
/// | `add`, `add_gathered`, `publish`, `take_used`, `enable_…`, | `size`, `addresses` and its parts (`pfn`,        |
/// | `disable_used_notifications`, both bursts, and the         | `phys_…`), `pages`, `table_pages`, and use of a  |
/// | descriptor tier except for `has_used`                      | `Notification`: notifying needs no lock          |
/// | `num_free`, `is_live`, `fault`, `has_used`                 | the calls above on the right, and each other     |
/// | `init`, `drain`, `restart`, `release`, `attach`, `detach`  | no call (see `drain` for its callback)           |
///
/// The caller serialises all other calls, with one lock a queue. If an interrupt handler takes that lock too, mask the
/// interrupt while the lock is held. With assertions on, a call that begins inside another one fails an assertion
/// (`ReEntry`). Calls on different queues need no lock.
///
/// **Memory** The queue shares one physically contiguous run with the device (`SplitLayout`, `PackedLayout`), and with
/// INDIRECT_DESC a second one with the tables. The object itself is private: 18 bytes a descriptor (16 without tables,
/// in `PlainSplit`). It is all zero at first, so a static one is in `.bss`. It is neither copied nor moved.
///
/// **Errors** A call that returns an error has changed nothing. The queue checks what the device writes. The first
/// violation breaks the queue: `fault()` keeps the reason and the value, and every later call reports it. To leave
/// that state, reset the device, then call `detach` and `restart`.
///
/// ```
/// static virtq::VirtQueue<256> queue;                              // in .bss
/// virtq::Status status = queue.init(pages, 256, negotiated_features);
/// if (status) {
///     queue.attach();                                              // from here on the device may write to it
///     status = transport.enable_queue(0, queue.addresses());
/// }
/// if (status) { status = queue.add(request_segments, answer_segments, virtq::Token{&request}); }
/// if (auto notification = queue.publish()) { transport.notify(0, notification.next); }
/// while (auto done = queue.take_used()) { finish(done.token.as<Request>(), done.written); }
/// ```
template <uint32_t N, class Format = Split>
class VirtQueue {
    static_assert(N <= spec::queue_size_max, "VirtQueue<N>: N is above 32768, the largest queue size (§2.7)");
    static constexpr bool fits_format = detail::is_power_of_two(N) || !Format::needs_power_of_two;
    static_assert(fits_format, "VirtQueue<N>: N must be a power of two, as a split queue's size is (§2.7)");
    static_assert(N != 0, "VirtQueue<N>: N is the number of descriptors, and 0 here. Use at least 1.");

public:
    static constexpr uint32_t capacity = N;  ///< the largest size that `init` accepts, in descriptors

    /// The most pages that `init` takes for a queue of `size`, whatever is negotiated. `init` takes one run for the
    /// ring and one for the indirect tables. Each run must be physically contiguous.
    [[__nodiscard__]] static constexpr uint32_t page_count(uint32_t size = N, IndirectOption const& indirect = {}) {
        constexpr Features tables = Features::of(spec::Feature::indirect_desc);
        uint32_t const table_pages =
            Format::has_tables ? detail::IndirectShape::of(size, tables, indirect).page_count() : uint32_t{0};
        return Format::ring_pages(size) + table_pages;
    }

    constexpr VirtQueue() = default;
    VirtQueue(VirtQueue const&) = delete;  // two copies would drive one ring: pass the queue by reference
    VirtQueue& operator=(VirtQueue const&) = delete;

    // --- lifetime ---

    /// Takes pages from `allocator`, a `PageAllocator`, zeroes them and lays out a queue. `size` is the number of
    /// descriptors agreed with the device. `features` are the negotiated ones; without VERSION_1 the queue is a legacy
    /// one. Used buffer notifications are off. Errors: the size, the pages, a legacy page number of 0 or above 32
    /// bits. Also a ring feature that this format does not implement (RING_PACKED, IN_ORDER) or requires
    /// (RING_PACKED). Nothing is kept then. Optional features it cannot use are ignored, as INDIRECT_DESC by
    /// `PlainSplit`.
    template <class Allocator>
    [[__nodiscard__]] Status init(Allocator& allocator, uint32_t size, Features const& features,
                                  QueueOption const& option = {}) {
        if constexpr (detail::check_page_allocator<Allocator>()) {
            [[__maybe_unused__]] auto const inside = re_entry_.enter();
            return ring_.init(allocator, size, features, option);
        } else {
            return {};
        }
    }

    /// Hands back every chain that was added and not taken: calls `each(Token)` once for each, in no particular order,
    /// also if the queue is broken. First reset the device (or the queue, with RING_RESET) and call `detach`.
    /// Afterwards call `restart` or `release`. `each` may call only `size`, `num_free` and `fault` of this queue, so
    /// collect what you want to submit again. Error: `queue_still_live`; `each` was not called then.
    template <class Each>
    [[__nodiscard__]] Status drain(Each&& each) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.drain(each);
    }

    /// Makes the queue empty and usable again at the same size, in the pages that it has. First reset the device and
    /// call `detach`. Chains in flight are dropped without their tokens, so call `drain` first. Indirect tables are
    /// limited to those that fit the pages taken by `init`. Errors: `queue_still_live`, and those of `init` for
    /// features and the page number; nothing has changed then.
    [[__nodiscard__]] Status restart(Features const& features, QueueOption const& option = {}) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.restart(size(), features, option);
    }
    /// As above with a new size. Errors: `queue_size_above_pages` if it does not fit the pages taken by `init`, and
    /// those of `init` for sizes.
    [[__nodiscard__]] Status restart(uint32_t new_size, Features const& features, QueueOption const& option = {}) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.restart(new_size, features, option);
    }

    /// Gives back exactly the pages that `init` took; does nothing if the queue has none. Chains in flight are dropped
    /// without their tokens, so call `drain` first. Error: `queue_still_live` while the device may still write to the
    /// pages; nothing is given back then.
    template <class Allocator>
    [[__nodiscard__]] Status release(Allocator& allocator) {
        if constexpr (detail::check_page_allocator<Allocator>()) {
            [[__maybe_unused__]] auto const inside = re_entry_.enter();
            return ring_.release(allocator);
        } else {
            return {};
        }
    }

    /// Marks the queue live: from now on the device may write to its pages. Call it before the transport enables the
    /// queue. The first `publish` or `push_avail` marks it too.
    void attach() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        VIRTQ_ASSERT(size() != 0, "attach() was called on a queue without memory. Call init() first.");
        ring_.attach();
    }

    /// Marks the queue not live: the device will not write any more. Call it after the device was reset and its status
    /// read back as 0 (§2.4.2).
    void detach() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        ring_.detach();
    }

    /// Whether the device may still write to the queue's pages.
    [[__nodiscard__]] bool is_live() const { return ring_.is_live(); }

    // --- state and location ---

    /// The agreed size in descriptors; 0 before `init`.
    [[__nodiscard__]] uint16_t size() const { return ring_.size(); }
    /// Descriptors that can be allocated now; 0 before `init`, and while the queue is broken.
    [[__nodiscard__]] uint16_t num_free() const { return ring_.num_free(); }

    /// What a transport programs into the device. Call `init` first.
    [[__nodiscard__]] QueueAddresses addresses() const {
        VIRTQ_ASSERT(size() != 0, "A queue without memory has no address. Call init() first.");
        return ring_.addresses();
    }
    /// Page number of the queue in units of 4096 bytes, for a legacy device (§2.7.2). Split queues only.
    [[__nodiscard__]] uint32_t pfn() const {
        check_layout();
        VIRTQ_ASSERT(phys_desc().value / pfn_unit_bytes <= UINT32_MAX,
                     "A modern queue above 16 TiB has no 32-bit page number. Use addresses(), not pfn().");
        return addresses().pfn();
    }
    /// The descriptor area of `addresses`: descriptor table (§2.7.5), or descriptor ring (§2.8).
    [[__nodiscard__]] PhysAddr phys_desc() const { return addresses().descriptor_area; }
    /// The driver area of `addresses`: the available ring (§2.7.6). Split queues only.
    [[__nodiscard__]] PhysAddr phys_avail() const {
        check_layout();
        return addresses().driver_area;
    }
    /// The device area of `addresses`: the used ring (§2.7.8). Split queues only.
    [[__nodiscard__]] PhysAddr phys_used() const {
        check_layout();
        return addresses().device_area;
    }

    /// The pages that `init` took for the ring.
    [[__nodiscard__]] Pages pages() const { return ring_.pages(); }
    /// The pages that `init` took for the ring's indirect tables; `Pages{}` if it has none.
    [[__nodiscard__]] Pages table_pages() const { return ring_.table_pages(); }

    /// Why the queue is broken: the device's first violation, or `drained`.
    [[__nodiscard__]] Fault const& fault() const { return ring_.fault(); }

    // --- chain tier ---

    /// Adds one chain: the device-readable segments, then the device-writable ones (§2.7.4.2). Each side is `{}`, a
    /// `Segment`, an array, or a container with `data()` and `size()`, such as `std::vector`. The device does not see
    /// the chain before `publish`. `token` comes back with the completion. Errors: `queue_full`; `chain_empty`;
    /// `segment_empty`, a segment of length 0; `chain_longer_than_queue`, more segments than `size()`;
    /// `chain_above_4_gib`, more than 2^32 bytes; `queue_broken`; `queue_not_initialised`. Inlined except with -Os
    /// (`VIRTQ_INLINE_FOR_SPEED`).
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add(Span<Segment const> readable, Span<Segment const> writable,
                                                        Token token) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.add(readable, writable, token);
    }

    /// As above for arrays: the compiler knows their lengths, and makes straight-line code for a short chain.
    template <size_t Readable, size_t Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add(Segment const (&readable)[Readable],
                                                        Segment const (&writable)[Writable], Token token) {
        return add_arrays<Readable, Writable>(readable, writable, token);
    }
    /// As above for a chain that the device only reads.
    template <size_t Readable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add(Segment const (&readable)[Readable], NoSegments, Token token) {
        return add_arrays<Readable, 0>(readable, nullptr, token);
    }
    /// As above for a chain that the device only writes.
    template <size_t Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add(NoSegments, Segment const (&writable)[Writable], Token token) {
        return add_arrays<0, Writable>(nullptr, writable, token);
    }

    /// Rejects an argument that is not a side of a chain, with a sentence that says what a side is.
    template <class Readable, class Writable>
        requires(!detail::IsSide<Readable> || !detail::IsSide<Writable>)
    Status add(Readable const&, Writable const&, Token) {
        static_assert(
            detail::IsSide<Readable> && detail::IsSide<Writable>,
            "add(readable, writable, token): each side is {}, a virtq::Segment, an array of them, or a container of "
            "just that type with data() and size(). For a pointer give {pointer, count}.");
        return Error::chain_empty;
    }

    /// As `add`, with each side in two parts: for a driver that adds its own header and status to the caller's data.
    [[__nodiscard__]] Status add_gathered(Gather const& readable, Gather const& writable, Token token) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.template add<Gather const&, Gather const&>(readable, writable, token);
    }

    /// Makes all added chains visible to the device with one release. Returns whether it wants a notification
    /// (§2.7.13): never if nothing was added since the last call. If the device polls its queue, publish every 4 to 16
    /// chains. With DPDK's vhost, that gave 12 to 22 % more chains a second than one publish for 32.
    Notification publish() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.publish();
    }

    /// Takes the next completion, in the order in which the device finished, and frees its chain. Takes chains of both
    /// tiers. Inlined as `add` is.
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Completion take_used() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.take_used();
    }

    // --- bursts of the chain tier ---

    /// Adds many chains and publishes them, with one fence and one decision whether to notify. Adds them in order, and
    /// stops at the first that `add` would reject: `count` chains were submitted, and `error` is the error of the next
    /// one, as `add` returns it. A full queue is the usual end. Chains that `add` left pending become visible too,
    /// also if `count` is 0. The device may see the first chains before the call returns. To submit the rest, call
    /// again from chain `count` on.
    [[__nodiscard__]] SubmittedBurst submit_burst(Span<Chain const> chains) { return submit_array(chains); }
    /// As above for buffers of one segment that the device writes: fills a receive queue.
    [[__nodiscard__]] SubmittedBurst submit_burst(Span<WritableBuffer const> buffers) { return submit_array(buffers); }
    /// As above for buffers of one segment that the device reads.
    [[__nodiscard__]] SubmittedBurst submit_burst(Span<ReadableBuffer const> buffers) { return submit_array(buffers); }
    /// As above for `count` chains that `chain_at(i)` returns. Each is a `Chain`, or a `FixedChain`, for which the
    /// compiler makes straight-line code. `chain_at` is called once for each chain from 0 on, the last time for the
    /// one that is rejected. It must not call this queue, and its `Chain` must not point at its own locals.
    template <class Get>
    [[__nodiscard__]] SubmittedBurst submit_burst(size_t count, Get&& chain_at) {
        if constexpr (detail::GetsChain<Get>) {
            [[__maybe_unused__]] auto const inside = re_entry_.enter();
            return ring_.template submit_burst<decltype((chain_at))>(count, chain_at);  // by reference
        } else {
            static_assert(
                detail::GetsChain<Get>,
                "submit_burst(count, chain_at): chain_at(size_t) returns a virtq::Chain or a virtq::FixedChain.");
            return {};
        }
    }

    /// Takes completions until `room` is full or there are no more, and frees their chains. After `ready`, call again
    /// until `none`: only then does the queue ask for the next notification. As with `take_used`, do not sleep on
    /// `none` alone. A violation breaks the queue, and `state` is `broken`. The completions before the violation are
    /// valid, and `drain` returns the other tokens. If `room` has size 0, `state` is `ready`, even in a broken queue.
    [[__nodiscard__]] TakenBurst take_burst(Span<Completion> room) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.take_burst(room);
    }

    // --- notifications ---

    /// Asks the device to notify when it uses the next buffer, then checks once more for a completion. Sleep only
    /// after `MaySleep::yes`, which promises a notification if a chain is in flight. With no chain in flight the sleep
    /// has no end. After `no`, take the completion and call this again. After `broken`, leave the loop: no completion
    /// will come, and the device was not asked. Notifications are off after `init` and `restart`. From here they are
    /// on until `disable_used_notifications`.
    [[__nodiscard__]] MaySleep enable_used_notifications() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.enable_used_notifications();
    }

    /// Tells the device that notifications are not needed. It may still send some (§2.7.7).
    void disable_used_notifications() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        ring_.disable_used_notifications();
    }

    // --- descriptor tier ---

    /// Allocates one descriptor. It is the caller's until it is freed. Errors: `queue_full`, `queue_broken`,
    /// `queue_not_initialised`, `descriptor_tier_in_order`.
    [[__nodiscard__]] Result<DescIndex> alloc_desc() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return Tier::alloc_desc(tier_ring());
    }

    /// Frees one descriptor of the caller's.
    void free_desc(DescIndex desc) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        Tier::free_desc(tier_ring(), desc);
    }

    /// Frees a chain that `write_desc` linked by NEXT, or one that `poll_used` returned.
    void free_chain(DescIndex head) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        Tier::free_chain(tier_ring(), head);
    }

    /// Fills one descriptor of the caller's. `flags` may have NEXT and WRITE only. With NEXT, `next` must be the
    /// caller's too.
    void write_desc(DescIndex desc, PhysAddr addr, uint32_t len, uint16_t flags, DescIndex next = DescIndex{0}) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        Tier::write_desc(tier_ring(), desc, Segment{addr, len}, flags, next);
    }

    /// Makes the chain at `head` available to the device at once, as the classic call does. `publish` then only
    /// decides whether to notify. Errors: `segment_empty`, a descriptor of length 0 or never written;
    /// `chain_longer_than_queue`, or a loop; `readable_after_writable`; `chain_above_4_gib`, more than 2^32 bytes;
    /// `queue_broken`; `queue_not_initialised`.
    [[__nodiscard__]] Status push_avail(DescIndex head, Token token = {}) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return Tier::push_avail(tier_ring(), head, token);
    }

    /// Whether `poll_used` or `take_used` would return a completion, or report that the queue is broken. A broken
    /// queue stays broken, so do not loop on this call: use `while (auto used = queue.poll_used())`.
    [[__nodiscard__]] bool has_used() const { return Tier::has_used(tier_ring()); }

    /// Takes the next completion. Its descriptors are the caller's again: push them once more, or free them. A chain
    /// of `add` can only be freed as a chain, and its token is not returned.
    [[__nodiscard__]] UsedChain poll_used() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return Tier::poll_used(tier_ring());
    }

private:
    friend class detail::SplitInspector<N, Format>;
    friend class detail::PackedInspector<N>;

    using Ring = typename Format::template Ring<N>;
    using Tier = detail::DescriptorTier<Ring>;

    template <size_t Readable, size_t Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add_arrays(Segment const* readable, Segment const* writable,
                                                               Token token) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        constexpr size_t total = Readable + Writable;
        return ring_.add(detail::side_of<total, Readable>(readable), detail::side_of<total, Writable>(writable),
                         token);
    }

    template <class One>
    [[__nodiscard__]] SubmittedBurst submit_array(Span<One const> chains) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        auto const chain_at = [first = chains.data()](size_t i) -> One const& { return first[i]; };
        return ring_.submit_burst(chains.size(), chain_at);
    }

    /// The ring, for calls of the descriptor tier. A format without that tier fails to compile here, with a sentence.
    [[__nodiscard__]] Ring& tier_ring() {
        check_tier();
        return ring_;
    }
    [[__nodiscard__]] Ring const& tier_ring() const {
        check_tier();
        return ring_;
    }
    static constexpr void check_tier() {
        static_assert(
            Format::has_descriptor_tier,
            "This queue format has no descriptor tier (alloc_desc, write_desc, push_avail, poll_used and their like): "
            "use the chain tier (add, publish, take_used), or virtq::Split; packed descriptors are not linked by "
            "index");
    }

    static constexpr void check_layout() {
        static_assert(Format::has_fixed_layout,
                      "Only a split queue has pfn(), phys_avail() and phys_used(). Give addresses() to the device.");
    }

    [[__no_unique_address__]] detail::ReEntry re_entry_;
    Ring ring_;
};

}  // namespace virtq
