// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/block_types.hpp>
#include <virtq/device/detail/block/block_driver.hpp>
#include <virtq/device/init.hpp>
#include <virtq/platform/dma_mapper.hpp>
#include <virtq/platform/relax.hpp>
#include <virtq/spec/block.hpp>

#include <stdint.h>

namespace virtq {

/// A disk, with asynchronous and blocking calls to read and write it.
///
/// **Spec** §5.2 (Block Device).
/// **Use** Asynchronous, at any depth: `submit`, `kick_device`, then `take_completed` until it has nothing more, or
/// `for_each_completed` with a handler. Blocking: `perform`, `read`, `write`, `flush` …, each with a poll limit and a
/// relax hook. Both may be mixed, and both take the same `BlockRequest`. A request that exceeds the limits of the
/// device is split into parts, unless `Traits::long_request` says to refuse it.
/// **Threading** No call takes a lock, and only the blocking ones wait. These rules hold for several CPUs, and for an
/// interrupt handler on one of them:
///
/// - Calls on one queue may run concurrently with calls on other queues, and with queries. They are `submit…`,
///   `kick_device`, `take_completed`, `for_each_completed`, `in_flight`, `fault`, `last_error`, `check_alive`,
///   `enable_…`, `disable_…`, `perform`, `read`, `write`, `flush`, `read_id`. Queries are `capacity_sectors`,
///   `block_bytes`, `topology`, `is_read_only`, `can_…`, `queue_count`, `queue_size`, `part_limit`, `negotiation`, `transport`.
/// - `cache_mode` and `set_cache_mode` may run concurrently with calls on queues, but not with each other.
/// - `init`, `reset`, `release` and `on_config_change` must not run concurrently with any other call.
///
/// The caller serialises everything else, with one lock per queue; `init`, `reset`, `release` and `on_config_change`
/// need the locks of all queues. If an interrupt handler takes a lock, interrupts are masked wherever else it is held.
/// With assertions on, the library detects a call into a ring that begins while another one is inside (`ReEntry`).
/// It calls callbacks from outside the rings. `relax` of a blocking call and the handler of `for_each_completed` may
/// call the disk; `each` of `reset` and the mapper may not. With `PciConfigWindow`, all calls need one common lock.
/// **Memory** Request headers and status bytes are in the driver's own pages. The data is the caller's; it belongs to
/// the device until its request has ended, or `reset` has handed it back.
/// **Recovery** Every call returns `reset_needed` after a time-out, and after the device violated the standard
/// (`queue_broken`), set DEVICE_NEEDS_RESET or disappeared. Then call `reset`: it hands every request back once, and
/// brings the disk up again.
/// **Life** The object is all zero at first, so a static one is in `.bss`. It must not be moved. `transport` and
/// `mapper` must outlive it.
///
/// ```
/// static virtq::BlockDevice<virtq::MmioTransport<>, 256> disk;
/// virtq::Status up = disk.init(transport, pages);
/// virtq::Status done = disk.read(0, virtq::Segment{buffer_phys, 512}, virtq::PollLimit{100'000'000}, relax);
/// ```
template <class T, uint32_t N, class Traits = BlockTraits>
class BlockDevice : detail::BlockDriver<T, N, Traits> {
    using Driver = detail::BlockDriver<T, N, Traits>;
    static_assert(check_transport<T>());
    static_assert(N >= 4,
                  "BlockDevice<T, N>: N is too small. A read takes three descriptors: use an N of at least 4.");
    static_assert(Traits::queue_count_max >= 1, "BlockTraits: queue_count_max is 0. Use at least 1.");
    static_assert(detail::check_dma_mapper<typename Traits::Mapper>());

public:
    /// Makes the caller's data visible to the device: see `DmaMapper`.
    using Mapper = typename Traits::Mapper;

    /// §5.2.1: `init` rejects every other type.
    static constexpr spec::DeviceId device_type = spec::DeviceId::block;

    /// The most pages that `init` takes, for all queues of the disk. Each queue takes up to three runs, each
    /// physically contiguous: the ring, its indirect tables, and the headers of its requests. For 256 descriptors and
    /// the default options these are 3 + 4 + 2 = 9 pages. `indirect` is that of `BlockOption::queue`.
    [[__nodiscard__]] static constexpr uint32_t page_count(IndirectOption const& indirect = {}) {
        using Queue = typename detail::BlockQueueSet<N, Traits>::Queue;
        return Traits::queue_count_max * Queue::page_count(indirect);
    }

    constexpr BlockDevice() = default;
    BlockDevice(BlockDevice const&) = delete;
    BlockDevice& operator=(BlockDevice const&) = delete;

    // --- life ---

    /// Initialises the device (§3.1.1, §5.2.5) and takes pages; see `DriverCore`. Errors beside those there:
    /// `zoned_host_managed`, `config_unstable`, `config_absent`, `config_refused`, `config_too_short`.
    using Driver::init;
    /// Resets the device, brings the disk up again in the pages that it has, and hands back every request that was
    /// submitted and not handed out, each once: as `BlockCompletion`; see `DriverCore`.
    using Driver::reset;
    /// Resets the device and gives all pages back; see `DriverCore`.
    using Driver::release;

    // --- what it is ---

    /// In units of 512 bytes, whatever `block_bytes` is.
    [[__nodiscard__]] uint64_t capacity_sectors() const { return config_.capacity_sectors; }
    /// The block size in bytes: what the device reports, otherwise 512. A request must start and end at a multiple of
    /// it.
    [[__nodiscard__]] uint32_t block_bytes() const { return config_.block_bytes; }
    /// Which alignment and sizes of requests are fast. All zero without TOPOLOGY (§5.2.3).
    [[__nodiscard__]] BlockTopology const& topology() const { return config_.topology; }
    /// Whether write, discard and write zeroes end with `read_only` (RO, §5.2.3).
    [[__nodiscard__]] bool is_read_only() const { return this->has(spec::block::Feature::ro); }
    /// Whether there is a write cache that `flush` empties (§5.2.5).
    [[__nodiscard__]] bool can_flush() const { return this->has(spec::block::Feature::flush); }
    /// Whether the device takes `discard` (DISCARD, §5.2.3).
    [[__nodiscard__]] bool can_discard() const { return this->has(spec::block::Feature::discard); }
    /// Whether the device takes `write_zeroes` (WRITE_ZEROES, §5.2.3).
    [[__nodiscard__]] bool can_write_zeroes() const { return this->has(spec::block::Feature::write_zeroes); }
    /// The negotiated features, or why negotiation failed; also after `release`.
    using Driver::negotiation;
    /// How many request queues are in use; 0 while the disk is not up.
    [[__nodiscard__]] uint16_t queue_count() const { return queue_count_; }
    /// How many descriptors the ring of a queue has.
    [[__nodiscard__]] uint16_t queue_size(uint16_t queue = 0) const { return queues_.at(queue).ring().size(); }
    /// What one part of a request can carry in a queue. All 0 while the disk is not up.
    [[__nodiscard__]] BlockPartLimit part_limit(BlockOperation operation, uint16_t queue = 0) const {
        if (queue >= queue_count_) {
            return {};
        }
        detail::BlockLimit const limit = queues_.at(queue).limit(config_, operation);
        return {limit.data.segments, limit.data.segment_bytes, limit.data.bytes, limit.range_sectors};
    }
    /// Parts of requests that the device has.
    [[__nodiscard__]] uint16_t in_flight(uint16_t queue = 0) const { return queues_.at(queue).in_flight(); }
    /// Why a queue is broken, if it is.
    [[__nodiscard__]] Fault const& fault(uint16_t queue = 0) const { return queues_.at(queue).ring().fault(); }

    /// Reads the configuration again. Call it when the transport's `on_interrupt` reports a configuration change.
    /// Returns whether the configuration differs, for example in the capacity. Errors: `config_unstable`,
    /// `not_initialised`, and those of `check_alive`.
    [[__nodiscard__]] Result<bool> on_config_change() {
        if (Error const error = check_usable(0); error != Error::none) {
            return error;
        }
        if (Status const alive = check_alive(); !alive) {
            return alive.error();
        }
        return this->read_config_again();
    }

    /// §5.2.5: the current cache mode. Without CONFIG_WCE, and after `release`, it is deduced from FLUSH.
    [[__nodiscard__]] BlockCacheMode cache_mode() { return this->read_cache_mode(); }

    /// §5.2.6: switches the cache mode. That does not make earlier writes durable: flush first. Errors:
    /// `not_initialised`, `reset_needed`, and `not_supported` if the device cannot switch, or did not.
    [[__nodiscard__]] Status set_cache_mode(BlockCacheMode mode) {
        if (Error const error = check_usable(0); error != Error::none) {
            return error;
        }
        return this->switch_cache_mode(mode);
    }

    /// Why the last request of a queue was rejected or timed out; no error if it was neither. If the disk is not up,
    /// why `init` failed.
    [[__nodiscard__]] Error last_error(uint16_t queue = 0) const {
        return this->has_transport() ? queues_.at(queue).last_error() : this->init_error();
    }
    /// The least `N` for this disk, after `init` failed with `queue_size_above_capacity`; otherwise 0.
    using Driver::required_queue_size;
    /// For `diagnose` of diag/: the transport; null before `init`.
    using Driver::transport;
    /// For `diagnose`: the object's address at `init`, to detect that it was moved since; null before `init`.
    using Driver::initialised_at;
    /// For diag/: the ring of a queue.
    [[__nodiscard__]] VirtQueue<N, typename Traits::Format> const& ring(uint16_t queue) const {
        return queues_.at(queue).ring();
    }

    // --- asynchronous ---

    /// Adds a request to a queue; `kick_device` tells the device. Errors: `beyond_capacity`,
    /// `length_not_block_multiple`, `read_only`, `not_supported`, `queue_full` (call `take_completed` and try again),
    /// `request_above_queue`, `device_limits_too_small`, `segment_empty`, `segment_address_virtual`, the mapper's,
    /// `queue_broken`, `reset_needed`, `not_initialised`, `no_such_queue`; then nothing has changed.
    [[__nodiscard__]] Status submit(BlockRequest const& request, uint16_t queue = 0) {
        bool added = false;
        if (request.operation == BlockOperation::read) {
            added =
                this->template go_straight<BlockOperation::read>(request.sector, request.data, request.token, queue);
        } else if (request.operation == BlockOperation::write) {
            added =
                this->template go_straight<BlockOperation::write>(request.sector, request.data, request.token, queue);
        }
        return added ? Error::none : add(request, queue);
    }
    /// As `submit` to queue 0: reads from `sector` on, in units of 512 bytes.
    [[__nodiscard__]] Status submit_read(uint64_t sector, Span<Segment const> data, Token token) {
        return this->template go_straight<BlockOperation::read>(sector, data, token, 0)
                   ? Error::none
                   : this->add_to_first(BlockOperation::read, sector, data, token);
    }
    /// As `submit` to queue 0: writes from `sector` on, in units of 512 bytes.
    [[__nodiscard__]] Status submit_write(uint64_t sector, Span<Segment const> data, Token token) {
        return this->template go_straight<BlockOperation::write>(sector, data, token, 0)
                   ? Error::none
                   : this->add_to_first(BlockOperation::write, sector, data, token);
    }
    /// Makes all writes durable that completed before. Errors: those of `submit`; `not_supported` if the device has no
    /// write cache.
    [[__nodiscard__]] Status submit_flush(Token token) { return submit({BlockOperation::flush, 0, 0, {}, token}); }

    /// Makes all submitted requests visible to the device, and notifies it if it wants that. Returns whether it was
    /// notified.
    bool kick_device(uint16_t queue = 0) { return Driver::kick_queue(queue); }

    /// Takes the next request that has ended. If nothing more will end, it returns the state `broken` after the last
    /// one, with the reason in `error`.
    [[__nodiscard__]] BlockCompletion take_completed(uint16_t queue = 0) {
        if (Error const error = check_exists(queue); error != Error::none) {
            return {Token{}, error, CompletionState::none};
        }
        CompletionState const state = collect(queue);
        if (BlockCompletion const finished = queues_[queue].take_finished();
            finished.state == CompletionState::ready) {
            return finished;
        }
        if (state == CompletionState::broken) {
            return {Token{}, Error::queue_broken, state};
        }
        return this->is_stopped() ? BlockCompletion{Token{}, Error::reset_needed, CompletionState::broken}
                                  : BlockCompletion{Token{}, Error::none, state};
    }

    /// Calls `each(BlockCompletion)` for all requests that had ended when it was called. Returns `none`, or `broken` if
    /// nothing more will end.
    template <class Each>
    CompletionState for_each_completed(Each each, uint16_t queue = 0) {
        if (check_exists(queue) != Error::none) {
            return CompletionState::none;
        }
        collect(queue);
        for (;;) {  // ends: only a call of `each` collects more
            BlockCompletion const ended = queues_[queue].take_finished();
            if (ended.state != CompletionState::ready) {
                return check_usable(queue) == Error::reset_needed ? CompletionState::broken : CompletionState::none;
            }
            each(ended);
        }
    }

    /// Why a device does not answer: `device_gone`, `reset_needed`, `queue_broken`, or no error. Reads a register,
    /// which is slow in a virtual machine.
    [[__nodiscard__]] Status check_alive(uint16_t queue = 0) { return Driver::find_trouble(queue); }

    /// Asks for an interrupt when the next request ends. Sleep only after `MaySleep::yes`, and only while
    /// `in_flight()` is not 0: otherwise nothing ends, and no interrupt comes. `broken`: nothing more will end before
    /// `reset`. Notifications are off after `init` and after `reset`; this call turns them on until
    /// `disable_used_notifications`.
    [[__nodiscard__]] MaySleep enable_used_notifications(uint16_t queue = 0) {
        MaySleep const pending = queues_.at(queue).ring().enable_used_notifications();
        // A blocking call may have collected requests that nobody has taken yet. A stopped device does not notify.
        if (queues_.at(queue).has_finished()) {
            return MaySleep::no;
        }
        return this->is_stopped() ? MaySleep::broken : pending;
    }
    /// Asks for no interrupts, for polling. The device may send some anyway (§2.7.7, §2.8.10).
    void disable_used_notifications(uint16_t queue = 0) { queues_.at(queue).ring().disable_used_notifications(); }

    // --- blocking ---

    /// Does a request and waits for it, also for room in a full queue. If it has more parts than fit the queue, they
    /// go one after another: the first error ends it, and earlier parts were done (with `LongRequest::refuse` there is
    /// one part). Completions of asynchronous
    /// requests that arrive meanwhile are kept for `take_completed`. `relax` may use the disk itself; if it calls
    /// `reset` or `release`, this ends with `request_cancelled`. Errors: that, those of `submit`, the device's, and
    /// `timed_out`, `queue_broken`, `device_gone`, `reset_needed`. After the last four the data belongs to the device
    /// until `reset`.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status perform(BlockRequest const& request, PollLimit poll_limit, R&& relax = R{},
                                     uint16_t queue = 0) {
        return Driver::perform_request(request, poll_limit, relax, queue);
    }

    /// Reads from `sector` on, in units of 512 bytes, and waits as `perform` does. Errors: those of `perform`.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status read(uint64_t sector, Segment const& data, PollLimit poll_limit, R&& relax = R{}) {
        return perform({BlockOperation::read, sector, 0, {&data, 1}, {}}, poll_limit, relax);
    }

    /// Writes from `sector` on, in units of 512 bytes, and waits as `perform` does. Errors: those of `perform`.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status write(uint64_t sector, Segment const& data, PollLimit poll_limit, R&& relax = R{}) {
        return perform({BlockOperation::write, sector, 0, {&data, 1}, {}}, poll_limit, relax);
    }

    /// Makes all completed writes durable. A device without a write cache has nothing to do (§5.2.5.1).
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status flush(PollLimit poll_limit, R&& relax = R{}) {
        if (check_usable(0) == Error::none && !can_flush()) {
            return {};
        }
        return perform({BlockOperation::flush, 0, 0, {}, {}}, poll_limit, relax);
    }

    /// Reads the device's ID into `data` of exactly 20 bytes: text, padded with zeroes.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status read_id(Segment const& data, PollLimit poll_limit, R&& relax = R{}) {
        return perform({BlockOperation::get_id, 0, 0, {&data, 1}, {}}, poll_limit, relax);
    }

private:
    using Driver::add;
    using Driver::check_exists;
    using Driver::check_usable;
    using Driver::collect;
    using Driver::config_;
    using Driver::queue_count_;
    using Driver::queues_;
};

}  // namespace virtq
