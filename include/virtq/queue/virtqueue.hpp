// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/bit.hpp>
#include <virtq/base/detail/code_size.hpp>
#include <virtq/queue/detail/re_entry.hpp>
#include <virtq/queue/layout.hpp>
#include <virtq/queue/split.hpp>

#include <stdint.h>

namespace virtq {

namespace detail {

template <uint32_t N>
class PackedInspector;

}  // namespace detail

/// A virtqueue of up to `N` descriptors, driven from the driver's side.
///
/// **Spec** VIRTIO 1.4 §2.6 to §2.9. **Tiers** The chain tier (`add`, `publish`, `take_used`) is what drivers are
/// written with, the same for all formats. The descriptor tier (`alloc_desc` … `poll_used`) is the classic kernel
/// interface, of `Split` without IN_ORDER. Both may be used on one queue.
///
/// **Threading** No call takes a lock, sleeps or allocates, `init` and `release` excepted; all may be called in
/// interrupt context. Which may run at the same time, on several CPUs or one in an interrupt of the other:
///
/// | a call on one queue | beside it, on the same queue |
/// |------------------------------------------------------------|--------------------------------------------------|
/// | `add`, `add_gathered`, `publish`, `take_used`, `enable_…`, | `size`, `addresses` and its parts (`pfn`,        |
/// | `disable_used_notifications`, and of the descriptor tier   | `phys_…`), `pages`, `table_pages`, and what      |
/// | all but `has_used`                                         | `publish` has returned: notifying needs no lock  |
/// | `num_free`, `is_live`, `fault`, `has_used`                 | the same, and each other                         |
/// | `init`, `drain`, `restart`, `release`, `attach`, `detach`  | nothing, nor from a callback of theirs           |
///
/// All else the caller serialises, with one lock a queue, and masks interrupts where a handler takes it too. With
/// assertions on, a call that begins while another is inside is a breach (`ReEntry`). Calls on different queues need
/// nothing. **Memory** One physically contiguous run (`SplitLayout`,
/// `PackedLayout`) is shared with the device, and with INDIRECT_DESC a second one of tables; 18 bytes a descriptor
/// (16 without tables, in `PlainSplit`) are private, inside this object, which is all zero at first and so lies in
/// `.bss`, and which is neither copied nor moved. **Errors** A call that the world refuses changes nothing and says
/// why. What the device writes is checked; the first lie breaks the queue, `fault()` keeps the reason and the value,
/// and every later call says so, until the device is reset and the queue initialised again.
///
/// ```
/// static virtq::VirtQueue<256> queue;                              // lies in .bss
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
    static_assert(N != 0, "VirtQueue<N>: N is the number of descriptors, and at least 1");

public:
    static constexpr uint32_t capacity = N;

    /// How many pages `init` takes at most for a queue of `size`, whatever was negotiated: one run for the ring, and
    /// one for the indirect tables. Each must be physically contiguous.
    [[__nodiscard__]] static constexpr uint32_t page_count(uint32_t size = N, IndirectOption const& indirect = {}) {
        constexpr Features tables = Features::of(spec::Feature::indirect_desc);
        uint32_t const table_pages =
            Format::has_tables ? detail::IndirectShape::of(size, tables, indirect).page_count() : uint32_t{0};
        return Format::ring_pages(size) + table_pages;
    }

    constexpr VirtQueue() = default;
    VirtQueue(VirtQueue const&) = delete;  // the device knows where it is: pass the queue by reference
    VirtQueue& operator=(VirtQueue const&) = delete;

    // --- life ---

    /// Takes pages, zeroes them and lays out a queue of `size` descriptors, as agreed with the device. `features` are
    /// the negotiated ones: what a queue can use of them is used, a set without VERSION_1 makes a legacy queue. Used
    /// buffer notifications are off. Errors: the sizes, the pages, a legacy page number above 32 bits, a feature that
    /// changes the ring and that this format has not (RING_PACKED, IN_ORDER); then nothing is kept. One that may be
    /// left unused is ignored: INDIRECT_DESC by `PlainSplit`. May call the allocator, a `PageAllocator`.
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

    /// Ends the life of all chains after the device (or the queue, with RING_RESET) was reset and `detach` was called:
    /// calls `each(Token)` once for each chain that was added and not taken, in no particular order, also of a broken
    /// queue. Then only `restart` and `release` are left. `each` calls nothing of this queue but `size`, `num_free`
    /// and `fault`; collect what is to be submitted again. Error: `queue_still_live`; then nothing was handed back.
    template <class Each>
    [[__nodiscard__]] Status drain(Each&& each) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.drain(each);
    }

    /// Makes the queue empty and sound again in the pages that it has, at the same size, after the device was reset
    /// and `detach` was called. Chains that were in flight are forgotten: `drain` first. Indirect tables are as many
    /// as the pages of `init` have room for. Errors: `queue_still_live`, and those of `init` that concern features,
    /// also the page number; then nothing has changed.
    [[__nodiscard__]] Status restart(Features const& features, QueueOption const& option = {}) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.restart(size(), features, option);
    }
    /// The same at another size, of which `queue_size_above_pages` says that it does not fit.
    [[__nodiscard__]] Status restart(uint32_t new_size, Features const& features, QueueOption const& option = {}) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.restart(new_size, features, option);
    }

    /// Gives back exactly the pages that `init` took. While the device may still write to them nothing is given back:
    /// `Error::queue_still_live`. Without pages: nothing to do. Chains that were in flight are forgotten: `drain`
    /// first.
    template <class Allocator>
    [[__nodiscard__]] Status release(Allocator& allocator) {
        if constexpr (detail::check_page_allocator<Allocator>()) {
            [[__maybe_unused__]] auto const inside = re_entry_.enter();
            return ring_.release(allocator);
        } else {
            return {};
        }
    }

    /// Says that the device has been told where the queue is; from now on it may write. The first `publish` or
    /// `push_avail` says so too.
    void attach() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        VIRTQ_ASSERT(size() != 0, "attach() of a queue without memory: call init() first");
        ring_.attach();
    }

    /// Says that the device has been reset and its status read back as 0 (§2.4.2): it will not write any more.
    void detach() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        ring_.detach();
    }

    /// Whether the device may still write to the queue's pages.
    [[__nodiscard__]] bool is_live() const { return ring_.is_live(); }

    // --- where it is ---

    /// The agreed size in descriptors; 0 before `init`.
    [[__nodiscard__]] uint16_t size() const { return ring_.size(); }
    /// Descriptors that can be allocated now; 0 before `init` and when broken.
    [[__nodiscard__]] uint16_t num_free() const { return ring_.num_free(); }

    /// What a transport tells the device. After `init`.
    [[__nodiscard__]] QueueAddresses addresses() const {
        VIRTQ_ASSERT(size() != 0, "A queue without memory lies nowhere: call init() first");
        return ring_.addresses();
    }
    /// Page number of the queue in units of 4096 bytes, for a legacy device (§2.7.2).
    [[__nodiscard__]] uint32_t pfn() const {
        check_layout();
        VIRTQ_ASSERT(phys_desc().value / pfn_unit_bytes <= UINT32_MAX,
                     "pfn() of a modern queue above 16 TiB: it has no 32-bit page number, use addresses()");
        return addresses().pfn();
    }
    [[__nodiscard__]] PhysAddr phys_desc() const { return addresses().descriptor_area; }
    [[__nodiscard__]] PhysAddr phys_avail() const {
        check_layout();
        return addresses().driver_area;
    }
    [[__nodiscard__]] PhysAddr phys_used() const {
        check_layout();
        return addresses().device_area;
    }

    /// The pages that `init` took for the ring, and those for its indirect tables (`Pages{}` if it has none).
    [[__nodiscard__]] Pages pages() const { return ring_.pages(); }
    [[__nodiscard__]] Pages table_pages() const { return ring_.table_pages(); }

    /// The device's first lie, if it lied.
    [[__nodiscard__]] Fault const& fault() const { return ring_.fault(); }

    // --- chain tier ---

    /// Adds one chain: the device-readable segments, then the device-writable ones (§2.7.4.2). Each side is `{}`, a
    /// `Segment`, an array, or what has `data()` and `size()`, such as `std::vector`. It is not visible to the device
    /// before `publish`. `token` comes back with the completion. Errors: full (`Error::queue_full`), empty
    /// chain, a segment of length 0, more segments than `size()`, more than 2^32 bytes, broken. Inlined where it is
    /// called, except with -Os (`VIRTQ_INLINE_FOR_SPEED`).
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add(Span<Segment const> readable, Span<Segment const> writable,
                                                        Token token) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.add(readable, writable, token);
    }

    /// As above; the arrays' lengths are known to the compiler, which makes straight-line code of a short chain.
    template <size_t Readable, size_t Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add(Segment const (&readable)[Readable],
                                                        Segment const (&writable)[Writable], Token token) {
        return add_arrays<Readable, Writable>(readable, writable, token);
    }
    template <size_t Readable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add(Segment const (&readable)[Readable], NoSegments, Token token) {
        return add_arrays<Readable, 0>(readable, nullptr, token);
    }
    template <size_t Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add(NoSegments, Segment const (&writable)[Writable], Token token) {
        return add_arrays<0, Writable>(nullptr, writable, token);
    }

    /// What is no side of a chain: the sentence that says what one is.
    template <class Readable, class Writable>
        requires(!detail::IsSide<Readable> || !detail::IsSide<Writable>)
    Status add(Readable const&, Writable const&, Token) {
        static_assert(
            detail::IsSide<Readable> && detail::IsSide<Writable>,
            "add(readable, writable, token): each side is {}, a virtq::Segment, an array of them, or what has "
            "data() and size() of just that type; for a pointer give {pointer, count}");
        return Error::chain_empty;
    }

    /// As above, each side in two parts, for a driver that frames the caller's data with its own header and answer.
    [[__nodiscard__]] Status add_gathered(Gather const& readable, Gather const& writable, Token token) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.template add<Gather const&, Gather const&>(readable, writable, token);
    }

    /// Makes all that was added visible with one release, and returns whether the device wants a notification
    /// (§2.7.13). With nothing added since the last call: no. Against a device that polls its queue, publish every 4
    /// to 16 chains: 12 to 22 % more chains a second than one publish for 32, measured with DPDK's vhost.
    Notification publish() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.publish();
    }

    /// The next completion, in whatever order the device finished; frees the chain. Takes chains of either tier.
    /// Inlined as `add` is.
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Completion take_used() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return ring_.take_used();
    }

    /// Asks the device to notify when it uses the next buffer, and looks once more. Only `MaySleep::yes` permits to
    /// sleep: then a notification will come, if a chain is in flight. With none in flight the sleep has no end.
    /// `MaySleep::no`: take it, and enable again. `broken`: leave the loop; nothing will come, and nothing was asked.
    /// Notifications are off after `init` and `restart`, and stay on from here until `disable_used_notifications`.
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

    /// One descriptor, the caller's until it is freed. Errors: full, broken, not initialised.
    [[__nodiscard__]] Result<DescIndex> alloc_desc() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return Tier::alloc_desc(tier_ring());
    }

    /// Gives back one descriptor of the caller's.
    void free_desc(DescIndex desc) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        Tier::free_desc(tier_ring(), desc);
    }

    /// Gives back a chain linked by NEXT, as `write_desc` linked it, or one that `poll_used` returned.
    void free_chain(DescIndex head) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        Tier::free_chain(tier_ring(), head);
    }

    /// Fills one descriptor of the caller's. `flags` are NEXT and WRITE only; with NEXT, `next` is the caller's too.
    void write_desc(DescIndex desc, PhysAddr addr, uint32_t len, uint16_t flags, DescIndex next = DescIndex{0}) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        Tier::write_desc(tier_ring(), desc, Segment{addr, len}, flags, next);
    }

    /// Offers the chain at `head` to the device at once, as the classic call does; `publish` then only decides whether
    /// to notify. Errors: a descriptor of length 0 or never written, a chain longer than the queue (or a loop),
    /// readable after writable, more than 2^32 bytes, broken.
    [[__nodiscard__]] Status push_avail(DescIndex head, Token token = {}) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return Tier::push_avail(tier_ring(), head, token);
    }

    /// Whether `poll_used` or `take_used` has something to say: a completion, or that the queue is broken, for ever.
    /// So take in a loop over what `poll_used` returns, `while (auto used = queue.poll_used())`, not over this.
    [[__nodiscard__]] bool has_used() const { return Tier::has_used(tier_ring()); }

    /// The next completion. The descriptors are the caller's again: push them once more, or free them. A chain of
    /// `add` can only be freed, and its token does not come back.
    [[__nodiscard__]] UsedChain poll_used() {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        return Tier::poll_used(tier_ring());
    }

private:
    friend class detail::SplitInspector<N, Format>;
    friend class detail::PackedInspector<N>;

    using Ring = typename Format::template Ring<N>;
    using Tier = detail::DescriptorTier<Ring>;

    /// The longest chain that is worth straight-line code.
    static constexpr size_t longest_unrolled = 16;

    template <size_t Readable, size_t Writable>
    [[__nodiscard__]] VIRTQ_INLINE_FOR_SPEED Status add_arrays(Segment const* readable, Segment const* writable,
                                                               Token token) {
        [[__maybe_unused__]] auto const inside = re_entry_.enter();
        if constexpr (Readable + Writable <= longest_unrolled) {
            return ring_.add(detail::FixedSegments<Readable>{readable}, detail::FixedSegments<Writable>{writable},
                             token);
        } else {
            return ring_.add(Span<Segment const>{readable, Readable}, Span<Segment const>{writable, Writable}, token);
        }
    }

    /// The ring, for calls of the descriptor tier: where the format has none, the sentence that says so.
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
                      "pfn(), phys_avail() and phys_used() are of a split queue; give addresses() to the device");
    }

    [[__no_unique_address__]] detail::ReEntry re_entry_;
    Ring ring_;
};

}  // namespace virtq
