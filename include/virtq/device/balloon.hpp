// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/detail/endian.hpp>
#include <virtq/device/balloon_types.hpp>
#include <virtq/device/config.hpp>
#include <virtq/device/detail/balloon/balloon_queue.hpp>
#include <virtq/device/driver_core.hpp>
#include <virtq/device/slot_queue.hpp>
#include <virtq/spec/balloon.hpp>

#include <stdint.h>

namespace virtq {

/// A memory balloon: the kernel lends pages to the host, and takes them back.
///
/// **Spec** §5.5 (Traditional Memory Balloon Device).
/// **Use** When the transport reports a configuration change, call `on_config_change`. While `held_pages()` is below
/// `target_pages()`, give unused pages with `inflate`; while it is above, take up to `deflatable_pages()` back with
/// `deflate`. The kernel keeps the list of the pages that the host has. A page has 4096 bytes, whatever the kernel's has.
/// The blocking calls wait; `submit_…`, `kick_device` and `take_completed` do not. `report` tells the host of free pages.
/// `wants_stats` and `answer_stats` are for statistics.
/// **Trust** The target is the host's, and may be any number: give no more than the kernel can spare.
/// **Memory** What a page holds is lost as soon as it was given or reported. Until that request has ended, the page belongs
/// to the device.
/// **Recovery** As of `DriverCore`. After `reset` and `release` the balloon is empty: all pages are the kernel's again.
/// **Threading** The caller serialises all calls.
///
/// ```
/// static virtq::BalloonDevice<virtq::MmioTransport<>> balloon;
/// virtq::Status up = balloon.init(transport, pages);
/// virtq::PhysAddr given[] = {unused_page};  // while balloon.held_pages() < balloon.target_pages()
/// virtq::Status gave = balloon.inflate(given, virtq::PollLimit{100'000'000});
/// ```
template <class T, uint32_t N = 8, class Traits = BalloonTraits>
class BalloonDevice : public DriverCore<BalloonDevice<T, N, Traits>, T> {
    using Core = DriverCore<BalloonDevice, T>;
    friend Core;
    using Bit = spec::balloon::Feature;
    using Queue = spec::balloon::Queue;
    /// The host gets page numbers of the guest, which nobody can map.
    struct Unmapped : Traits {
        using Mapper = NoMapper;
    };
    using PageQueue = detail::BalloonPageQueue<N, Unmapped>;
    using StatQueue = detail::BalloonStatQueue<N, Unmapped>;
    using ReportQueue = SlotQueue<N, Unmapped, SlotShape<0, 0>>;
    static_assert(Traits::pages_at_once >= 1, "BalloonTraits: pages_at_once is 0. Use at least 1.");

public:
    static constexpr spec::DeviceId device_type =
        spec::DeviceId::traditional_balloon;  ///< `init` rejects every other type
    using Mapper = typename Traits::Mapper;   ///< of `init`; nothing is mapped

    /// The most pages that `init` takes.
    [[__nodiscard__]] static constexpr uint32_t page_count(IndirectOption const& indirect = {}) {
        return 2 * PageQueue::page_count(indirect) + StatQueue::page_count(indirect) +
               ReportQueue::page_count(indirect);
    }

    // --- what the host wants ---

    /// Reads `target_pages` again. Call it when the transport's `on_interrupt` reports a configuration change. Errors:
    /// `config_unstable`, `not_initialised`, those of `check_alive`.
    [[__nodiscard__]] Status on_config_change() {
        Status const alive = this->check_alive();
        return alive ? read_target() : alive;
    }
    /// How many pages the host wants to have: any number, also more than there are.
    [[__nodiscard__]] uint32_t target_pages() const { return target_; }
    /// How many pages the host has: those whose inflation has ended, and whose deflation has not.
    [[__nodiscard__]] uint32_t held_pages() const { return held_; }
    /// How many pages may be deflated now: those above the target. If the host permits it (DEFLATE_ON_OOM), all that it
    /// has, but those below the target only when the kernel needs them to go on.
    [[__nodiscard__]] uint32_t deflatable_pages() const {
        uint32_t const left = held_ - deflating_;
        uint32_t const kept = this->negotiated().has(Bit::deflate_on_oom) ? 0 : target_;
        return left > kept ? left - kept : 0;
    }
    /// Whether a page that is taken back must not be used before its request has ended (MUST_TELL_HOST). Otherwise it may
    /// be used once that request was submitted.
    [[__nodiscard__]] bool must_tell_host() const { return this->negotiated().has(Bit::must_tell_host); }
    /// Whether the host wants to be told of free pages (PAGE_REPORTING).
    [[__nodiscard__]] bool can_report() const { return this->negotiated().has(Bit::page_reporting); }

    // --- pages ---

    /// Gives 1 to `BalloonTraits::pages_at_once` unused pages to the host. Each begins at a multiple of 4096 below 16 TiB,
    /// and the host must not have it already. `bytes` of the completion counts their bytes. Errors: `queue_full`,
    /// `queue_broken`, `reset_needed`, `not_initialised`.
    [[__nodiscard__]] Status submit_inflate(Span<PhysAddr const> pages, Token token) {
        return add(inflates_, pages, token).error();
    }
    /// Takes pages back that the host has: at most `deflatable_pages()`. Otherwise as `submit_inflate`.
    [[__nodiscard__]] Status submit_deflate(Span<PhysAddr const> pages, Token token) {
        return add(deflates_, pages, token).error();
    }
    /// Tells the host of free memory, in whole pages of 4096 bytes; long pieces are better than short ones. When the request
    /// has ended, the kernel may use the memory at once, and what is in it is lost. Errors: `not_supported` if `can_report()`
    /// is false, those of `VirtQueue::add`, and those of `submit_inflate`.
    [[__nodiscard__]] Status submit_report(Span<Segment const> memory, Token token) {
        return add_report(memory, token).error();
    }
    /// Makes all submitted requests visible to the device, and notifies it if it wants that.
    void kick_device() {
        if (this->check_usable() == Error::none) {
            this->notify(number_of(Queue::inflate), inflates_.publish());
            this->notify(number_of(Queue::deflate), deflates_.publish());
            if (can_report()) {
                this->notify(report_queue(), reports_.publish());
            }
        }
    }
    /// Takes the next request that has ended. The state is `broken` if nothing more will end before `reset`.
    [[__nodiscard__]] RequestCompletion take_completed() {
        CompletionState const state = collect();
        if (inflates_.has_finished()) {
            return this->next_completed(inflates_, state);
        }
        return deflates_.has_finished() ? this->next_completed(deflates_, state)
                                        : this->next_completed(reports_, state);
    }
    /// Requests that the device has, without statistics.
    [[__nodiscard__]] uint16_t in_flight() const {
        return static_cast<uint16_t>(inflates_.in_flight() + deflates_.in_flight() + reports_.in_flight());
    }

    /// As `submit_inflate`, and waits for the end. Further errors: `timed_out`, `device_gone`, `request_cancelled`. After an
    /// error of the wait the pages are the device's until `reset`.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status inflate(Span<PhysAddr const> pages, PollLimit poll_limit, R&& relax = R{}) {
        return perform_on(
            inflates_, number_of(Queue::inflate), [&] { return add(inflates_, pages, Token{}); }, poll_limit, relax);
    }
    /// As `submit_deflate`, and waits for the end, as `inflate`.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status deflate(Span<PhysAddr const> pages, PollLimit poll_limit, R&& relax = R{}) {
        return perform_on(
            deflates_, number_of(Queue::deflate), [&] { return add(deflates_, pages, Token{}); }, poll_limit, relax);
    }
    /// As `submit_report`, and waits for the end, as `inflate`.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status report(Span<Segment const> memory, PollLimit poll_limit, R&& relax = R{}) {
        return perform_on(
            reports_, report_queue(), [&] { return add_report(memory, Token{}); }, poll_limit, relax);
    }

    // --- statistics ---

    /// Whether the host waits for statistics: after `init` and `reset`, and each time that it asks.
    [[__nodiscard__]] bool wants_stats() {
        auto const ends = [](uint16_t, uint32_t) { return Error::none; };
        return this->check_usable() == Error::none && this->negotiated().has(Bit::stats_vq) &&
               this->collect_from(stats_, ends) != CompletionState::broken && stats_.in_flight() == 0;
    }
    /// Answers with 1 to `balloon_stats_max` statistics, the same ones each time (§5.5.6.3.1). Errors: `not_supported` if
    /// the host wants none at all, `queue_full` if it does not now, `queue_broken`, `reset_needed`, `not_initialised`.
    [[__nodiscard__]] Status answer_stats(Span<BalloonStat const> stats) {
        VIRTQ_ASSERT(stats.size() != 0 && stats.size() <= balloon_stats_max,
                     "answer_stats() takes 1 to balloon_stats_max statistics. Leave some out, each time the same.");
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        if (!this->negotiated().has(Bit::stats_vq)) {
            return Error::not_supported;
        }
        if (!wants_stats()) {
            return this->is_stopped() ? Error::queue_broken : Error::queue_full;
        }
        Error const error = stats_.send_stats(stats, order());
        this->notify(number_of(Queue::stats), stats_.publish());
        return error;
    }

    // --- sleeping ---

    /// Asks for an interrupt when a request ends or the host asks for statistics. Sleep only after `MaySleep::yes`; after
    /// `no`, call `take_completed` and `wants_stats` first. A configuration change interrupts in any case. Notifications are
    /// off after `init` and `reset`. `broken`: nothing will come before `reset`.
    [[__nodiscard__]] MaySleep enable_used_notifications() {
        if (this->check_usable() != Error::none) {
            return MaySleep::broken;
        }
        MaySleep all = MaySleep::yes;
        this->for_each_queue([&](uint16_t index, auto& queue) { all = may_sleep(all, index, queue); });
        return all;
    }
    /// Asks for no interrupts, for polling.
    void disable_used_notifications() {
        if (this->check_usable() == Error::none) {
            this->for_each_queue([&](uint16_t index, auto& queue) { disable_notifications(index, queue); });
        }
    }

private:
    static constexpr uint16_t no_queue = UINT16_MAX;
    static constexpr uint32_t config_bytes = spec::balloon::config::actual.offset + 4;

    [[__nodiscard__]] static constexpr uint16_t number_of(Queue queue) { return static_cast<uint16_t>(queue); }

    // --- for `DriverCore` ---

    /// Without PAGE_POISON: a reported page need not keep what is in it.
    [[__nodiscard__]] Negotiation wanted_features() const {
        // After a reset only what has pages can be used.
        bool const is_first = inflates_.ring().size() == 0;
        Features own = Features::of(Bit::must_tell_host, Bit::deflate_on_oom);
        if (is_first || stats_.ring().size() != 0) {
            own.set(Bit::stats_vq);
        }
        if (is_first || reports_.ring().size() != 0) {
            own.set(Bit::page_reporting);
        }
        return wanted_of<Unmapped>(own);
    }
    [[__nodiscard__]] Status configure() {
        held_ = deflating_ = 0;
        find_report_queue();
        Error const error = check_config(this->device(), config_bytes);
        return error == Error::none ? read_target() : Status{error};
    }
    /// The device may still count pages from before.
    void on_live() { write_actual(); }
    [[__nodiscard__]] bool uses_queue(uint16_t index) const {
        if (index <= number_of(Queue::deflate)) {
            return true;
        }
        if (index == report_queue()) {
            return can_report();
        }
        return this->negotiated().has(Bit::stats_vq);
    }
    template <class Visit>
    [[__nodiscard__]] Status visit_queues(Visit visit) {
        Status visited = visit(number_of(Queue::inflate), inflates_);
        visited = visited ? visit(number_of(Queue::deflate), deflates_) : visited;
        visited = visited ? visit(stats_queue(), stats_) : visited;
        return visited ? visit(report_queue(), reports_) : visited;
    }
    void on_release() { target_ = held_ = deflating_ = 0; }

    /// The standard gives the reporting_vq number 4. QEMU, and Linux as its driver, leave out the queues before it that are
    /// not offered; then there is no queue 4, unless both are offered.
    void find_report_queue() {
        Features const& offered = this->negotiation().offered;
        queues_left_out_ = 0;
        if (can_report() && this->device().queue_size_max(number_of(Queue::reporting)) == 0) {
            queues_left_out_ = static_cast<uint16_t>((offered.has(Bit::stats_vq) ? 0 : 1) +
                                                     (offered.has(Bit::free_page_hint) ? 0 : 1));
        }
    }
    [[__nodiscard__]] uint16_t report_queue() const {
        return static_cast<uint16_t>(number_of(Queue::reporting) - queues_left_out_);
    }
    /// Without a number if the reporting_vq has its: it may still have pages from before a reset.
    [[__nodiscard__]] uint16_t stats_queue() const {
        return report_queue() == number_of(Queue::stats) ? no_queue : number_of(Queue::stats);
    }

    // --- configuration ---

    /// §5.5.4: little-endian on a legacy device too, where the transport reads in the guest's order.
    [[__nodiscard__]] uint32_t in_config(uint32_t word) const {
        return this->device().is_legacy() ? detail::little_endian(word) : word;
    }
    [[__nodiscard__]] Status read_target() {
        uint32_t target = 0;
        Error const error = read_config(this->device(), target, [this](uint32_t& wanted) {
            wanted = in_config(this->device().read_config32(spec::balloon::config::num_pages.offset));
        });
        target_ = error == Error::none ? target : target_;
        return error;
    }
    void write_actual() { this->device().write_config32(spec::balloon::config::actual.offset, in_config(held_)); }

    // --- sleeping ---

    /// `before`, unless this queue has a reason not to sleep.
    template <class AnyQueue>
    [[__nodiscard__]] MaySleep may_sleep(MaySleep before, uint16_t index, AnyQueue& queue) {
        MaySleep const one = uses_queue(index) ? this->enable_notifications(queue) : MaySleep::yes;
        return one == MaySleep::yes ? before : one;
    }
    template <class AnyQueue>
    void disable_notifications(uint16_t index, AnyQueue& queue) {
        if (uses_queue(index)) {
            queue.ring().disable_used_notifications();
        }
    }

    // --- requests ---

    [[__nodiscard__]] detail::ByteOrder order() const {
        return this->device().is_legacy() ? detail::native_byte_order : detail::ByteOrder::little;
    }
    [[__nodiscard__]] Result<uint16_t> add(PageQueue& queue, Span<PhysAddr const> pages, Token token) {
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        check_pages(pages);
        bool const is_deflate = &queue == &deflates_;
        VIRTQ_ASSERT(!is_deflate || pages.size() <= deflatable_pages(),
                     "More pages were deflated than deflatable_pages() permits (§5.5.6.1). Ask it before.");
        Result<uint16_t> const slot = queue.send_pages(pages, token, order());
        deflating_ += is_deflate && slot ? static_cast<uint32_t>(pages.size()) : 0;
        return slot;
    }
    static void check_pages([[__maybe_unused__]] Span<PhysAddr const> pages) {
        VIRTQ_ASSERT(pages.size() != 0 && pages.size() <= Traits::pages_at_once,
                     "A request of a balloon has 1 to BalloonTraits::pages_at_once pages. Submit several.");
        for ([[__maybe_unused__]] PhysAddr const& page : pages) {
            VIRTQ_ASSERT(page.value % spec::balloon::page_unit_bytes == 0 &&
                             page.value / spec::balloon::page_unit_bytes <= UINT32_MAX,
                         "A page of a balloon begins at a multiple of 4096 bytes, below 16 TiB. Give others.");
        }
    }
    [[__nodiscard__]] Result<uint16_t> add_report(Span<Segment const> memory, Token token) {
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        if (!can_report()) {
            return Error::not_supported;
        }
        for ([[__maybe_unused__]] Segment const& segment : memory) {
            VIRTQ_ASSERT((segment.addr.value | segment.bytes) % spec::balloon::page_unit_bytes == 0,
                         "Memory that is reported begins and ends at a multiple of 4096 bytes.");
        }
        return reports_.send_data(memory, DmaDirection::device_writes, token);
    }

    CompletionState collect() {
        uint32_t const before = held_;
        auto const inflated = [this](uint16_t slot, uint32_t) {
            held_ += inflates_.bytes(slot) / spec::balloon::page_unit_bytes;
            return Error::none;
        };
        auto const deflated = [this](uint16_t slot, uint32_t) {
            uint32_t const count = deflates_.bytes(slot) / spec::balloon::page_unit_bytes;
            held_ -= count;
            deflating_ -= count;
            return Error::none;
        };
        CompletionState const states[] = {
            this->collect_from(inflates_, inflated), this->collect_from(deflates_, deflated),
            this->collect_from(reports_, [](uint16_t, uint32_t) { return Error::none; })};
        if (held_ != before && this->check_usable() == Error::none) {
            write_actual();  // once for all
        }
        for (CompletionState const state : states) {
            if (state == CompletionState::broken) {
                return state;
            }
        }
        return CompletionState::none;
    }
    template <class Requests, class Send, Relax R>
    [[__nodiscard__]] Status perform_on(Requests& queue, uint16_t index, Send send, PollLimit poll_limit, R& relax) {
        uint32_t polls = 0;
        return this
            ->perform(
                queue, index, send, [this] { return collect(); }, poll_limit, polls, relax)
            .error();
    }

    PageQueue inflates_;
    PageQueue deflates_;
    StatQueue stats_;
    ReportQueue reports_;
    uint16_t queues_left_out_ = 0;  ///< before the reporting_vq
    uint32_t target_ = 0;
    uint32_t held_ = 0;
    uint32_t deflating_ = 0;  ///< pages of deflations that have not ended
};

}  // namespace virtq
