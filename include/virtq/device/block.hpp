// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/block_frame.hpp>
#include <virtq/device/config.hpp>
#include <virtq/device/init.hpp>
#include <virtq/device/negotiation.hpp>
#include <virtq/device/request_pool.hpp>
#include <virtq/platform/relax.hpp>
#include <virtq/queue/virtqueue.hpp>
#include <virtq/spec/block.hpp>

#include <stdint.h>

namespace virtq {

/// Options of `BlockDevice::init`.
struct BlockOption {
    Features unwanted{};           ///< bits not to be negotiated, to try a device without them
    Looks reset_looks{1'000'000};  ///< budget for the reset
    QueueOption queue{};
};

/// What `BlockDevice::complete` found.
struct BlockCompletion {
    Token token;                ///< the caller's, when `state` is `completion`
    Error error = Error::none;  ///< how the request ended
    TakeState state = TakeState::none;

    [[nodiscard]] constexpr explicit operator bool() const { return state == TakeState::completion; }
};

/// A disk.
///
/// **Spec** §5.2 (Block Device). **Use** Asynchronous at any depth: `submit_…`, `start`, then `complete` until it has
/// nothing more. Blocking: `read`, `write`, `flush`, each with a budget of looks and a relax hook. Both may be mixed.
/// **Threading** Calls must be serialised by the caller; none takes a lock, and only the blocking ones wait.
/// **Memory** Request headers and status bytes lie in pages of the driver's own. The data is the caller's; until a
/// request has completed, or the device has been reset, it belongs to the device. **Life** All zero at first, in
/// place: a static object lies in `.bss`. `transport` must outlive it.
///
/// ```
/// static virtq::BlockDevice<virtq::MmioTransport<>, 256> disk;
/// virtq::Status up = disk.init(transport, pages);
/// virtq::Status done = disk.read(0, virtq::Segment{buffer_phys, 512}, virtq::Looks{100'000'000}, relax);
/// ```
template <Transport T, uint32_t N>
class BlockDevice {
    static_assert(N >= 4, "BlockDevice<T, N>: a read takes three descriptors, so N is at least 4");

public:
    constexpr BlockDevice() = default;
    BlockDevice(BlockDevice const&) = delete;
    BlockDevice& operator=(BlockDevice const&) = delete;

    // --- life ---------------------------------------------------------------------------------------------------

    /// Initialises the device behind `transport` (§3.1.1, §5.2.5) and takes pages. On an error FAILED is set, the
    /// device is reset, and everything is given back; only if that reset fails too, after the device was told of the
    /// queue, its pages are kept, and `release` tries again. `relax` is called while a reset is waited for.
    template <PageAllocator Allocator, Relax R = SpinRelax>
    [[nodiscard]] Status init(T& transport, Allocator& allocator, BlockOption const& option = {}, R relax = {}) {
        VIRTQ_ASSERT(transport_ == nullptr, "init() of a BlockDevice that is in use: release() it first");
        if (transport.device_id() != spec::DeviceId::block) {
            return Error::wrong_device_type;
        }
        transport_ = &transport;
        Status const up = bring_up(allocator, option, relax);
        if (!up) {
            Status const down = release(allocator, option.reset_looks, relax);
            static_cast<void>(down);
        }
        return up;
    }

    /// Resets the device and gives all pages back. Requests in flight are forgotten; their buffers are the caller's
    /// again. If the device does not answer the reset nothing is given back, and the error says so: call again.
    template <PageAllocator Allocator, Relax R = SpinRelax>
    [[nodiscard]] Status release(Allocator& allocator, Looks reset_looks = Looks{1'000'000}, R relax = {}) {
        if (transport_ == nullptr) {
            return {};
        }
        Status const reset = reset_device(*transport_, reset_looks, relax);
        if (!reset && queue_.live()) {
            return reset;
        }
        queue_.detach();
        Status const released = queue_.release(allocator);
        frames_.release(allocator);
        ready_ = false;
        transport_ = nullptr;
        return released;
    }

    // --- what it is ---------------------------------------------------------------------------------------------

    [[nodiscard]] uint64_t capacity_sectors() const { return capacity_sectors_; }
    [[nodiscard]] bool is_read_only() const { return negotiation_.negotiated.has(spec::block::Feature::ro); }
    /// Whether there is a write cache that `flush` empties (§5.2.5).
    [[nodiscard]] bool can_flush() const { return negotiation_.negotiated.has(spec::block::Feature::flush); }
    [[nodiscard]] uint16_t queue_size() const { return queue_.size(); }
    [[nodiscard]] uint16_t in_flight() const { return pool_.in_flight(); }
    [[nodiscard]] Negotiation const& negotiation() const { return negotiation_; }
    /// Why the queue is broken, if it is.
    [[nodiscard]] Fault const& fault() const { return queue_.fault(); }

    /// What `diagnose` of diag/ looks at. The transport is null before `init`.
    [[nodiscard]] T* transport() { return transport_; }
    [[nodiscard]] VirtQueue<N> const& ring(uint16_t queue) const {
        VIRTQ_ASSERT(queue == request_queue, "ring() of a queue that this driver does not use");
        return queue_;
    }

    // --- asynchronous -------------------------------------------------------------------------------------------

    /// Adds a read of whole sectors from `sector` on into `data`. The device hears of it with `start`. Errors:
    /// `beyond_capacity`, `length_not_sector_multiple`, `queue_full` (call `complete` and try again), and those of
    /// `VirtQueue::add`; then nothing has changed.
    [[nodiscard]] Status submit_read(uint64_t sector, Span<Segment const> data, Token token) {
        return submit({spec::block::RequestType::in, sector, data}, token).error();
    }

    /// Adds a write; as `submit_read`, and `read_only`.
    [[nodiscard]] Status submit_write(uint64_t sector, Span<Segment const> data, Token token) {
        return submit({spec::block::RequestType::out, sector, data}, token).error();
    }

    /// Adds a flush of what was completed before. Error: `not_supported` when the device has no write cache to flush.
    [[nodiscard]] Status submit_flush(Token token) {
        return submit({spec::block::RequestType::flush, 0, {}}, token).error();
    }

    /// Makes all that was submitted visible, and notifies the device if it wants that; returns whether it was
    /// notified.
    bool start() {
        if (!ready_ || !queue_.publish()) {
            return false;
        }
        transport_->notify(request_queue);
        return true;
    }

    /// The next request that has ended. With the state `broken` its error is `queue_broken`, once all that ended
    /// before has been handed out.
    [[nodiscard]] BlockCompletion complete() {
        if (!ready_) {
            return {};
        }
        TakeState const state = collect();
        if (auto const finished = pool_.take_finished(); finished.found) {
            return {finished.token, finished.error, TakeState::completion};
        }
        return {Token{}, state == TakeState::broken ? Error::queue_broken : Error::none, state};
    }

    /// Why a device may be silent: `device_gone`, `reset_needed`, `queue_broken`, or no error. Reads the status
    /// register, which is slow in a virtual machine: for a caller whose patience is at its end.
    [[nodiscard]] Status check_alive() {
        if (!ready_) {
            return Error::not_initialised;
        }
        if (queue_.fault()) {
            return Error::queue_broken;
        }
        DeviceStatus const status = transport_->status();
        if (status.is_gone()) {
            return Error::device_gone;
        }
        return status.has(spec::StatusBit::device_needs_reset) ? Status{Error::reset_needed} : Status{};
    }

    /// To be called when the transport's `on_interrupt` was handled; see `VirtQueue`.
    [[nodiscard]] UsedPending enable_used_notifications() { return queue_.enable_used_notifications(); }
    void disable_used_notifications() { queue_.disable_used_notifications(); }

    // --- blocking -----------------------------------------------------------------------------------------------

    /// Reads whole sectors and waits. Completions of asynchronous requests that arrive meanwhile are kept for
    /// `complete`. Errors: those of `submit_read`, the device's, and `timed_out`, `queue_broken`, `device_gone`,
    /// `reset_needed`: after these four the data still belongs to the device until `release`.
    template <Relax R = SpinRelax>
    [[nodiscard]] Status read(uint64_t sector, Segment const& data, Looks looks, R&& relax = R{}) {
        return perform({spec::block::RequestType::in, sector, {&data, 1}}, looks, relax);
    }

    template <Relax R = SpinRelax>
    [[nodiscard]] Status write(uint64_t sector, Segment const& data, Looks looks, R&& relax = R{}) {
        return perform({spec::block::RequestType::out, sector, {&data, 1}}, looks, relax);
    }

    /// Makes all completed writes durable. A device without a write cache has nothing to do (§5.2.5.1).
    template <Relax R = SpinRelax>
    [[nodiscard]] Status flush(Looks looks, R&& relax = R{}) {
        if (ready_ && !can_flush()) {
            return {};
        }
        return perform({spec::block::RequestType::flush, 0, {}}, looks, relax);
    }

private:
    static constexpr uint16_t request_queue = 0;      // §5.2.2: requestq1
    static constexpr uint32_t request_count = N / 2;  // a request has at least a header and a status

    using Pool = RequestPool<request_count>;
    using Type = spec::block::RequestType;

    struct Request {
        Type type;
        uint64_t sector;
        Span<Segment const> data;
    };

    template <PageAllocator Allocator, Relax R>
    [[nodiscard]] Status bring_up(Allocator& allocator, BlockOption const& option, R& relax) {
        DeviceInit<T> init{*transport_};
        negotiation_ = Negotiation{};
        negotiation_.wanted =
            Features::of(spec::block::Feature::ro, spec::block::Feature::flush, spec::Feature::event_idx)
                .without(option.unwanted);
        if (Status const agreed = init.negotiate(negotiation_, option.reset_looks, relax); !agreed) {
            return agreed;
        }
        Result<uint64_t> const capacity = read_config64(*transport_, spec::block::config::capacity);
        if (!capacity) {
            return init.fail(capacity.error());
        }
        capacity_sectors_ = *capacity;
        if (Status const made =
                init.set_up_queue(request_queue, queue_, allocator, negotiation_.negotiated, option.queue);
            !made) {
            return made;
        }
        auto const requests = static_cast<uint16_t>(queue_.size() / 2);
        ByteOrder const order = transport_->is_legacy() ? native_byte_order : ByteOrder::little;
        if (Status const framed = frames_.init(allocator, requests, order); !framed) {
            return init.fail(framed.error());
        }
        pool_.reset(requests);
        Status const live = init.go_live();
        ready_ = live.ok();
        return live;
    }

    [[nodiscard]] Error check(Request const& request) const {
        if (!ready_) {
            return Error::not_initialised;
        }
        if (request.type == Type::flush) {
            return can_flush() ? Error::none : Error::not_supported;
        }
        if (request.type == Type::out && is_read_only()) {
            return Error::read_only;
        }
        uint64_t const bytes = total_bytes(request.data);
        if (bytes == 0 || bytes % spec::block::sector_bytes != 0) {
            return Error::length_not_sector_multiple;
        }
        uint64_t const sectors = bytes / spec::block::sector_bytes;
        if (sectors > capacity_sectors_ || request.sector > capacity_sectors_ - sectors) {
            return Error::beyond_capacity;
        }
        return Error::none;
    }

    [[nodiscard]] static uint64_t total_bytes(Span<Segment const> data) {
        uint64_t bytes = 0;
        for (Segment const& segment : data) {
            bytes += segment.bytes;
        }
        return bytes;
    }

    /// Adds a request to the queue; the number of its record.
    [[nodiscard]] Result<uint16_t> submit(Request const& request, Token token) {
        if (Error const error = check(request); error != Error::none) {
            return error;
        }
        bool const reads = request.type == Type::in;
        auto const expected = reads ? static_cast<uint32_t>(total_bytes(request.data)) : 0;
        uint16_t const number = pool_.take(token, expected);
        if (number == Pool::none) {
            return Error::queue_full;  // records of requests that ended wait for complete()
        }
        frames_.prepare(number, request.type, request.sector);
        Segment const header = frames_.header(number);
        Segment const status = frames_.status(number);
        Span<Segment const> const nothing;
        Status const added =
            queue_.add(Gather{{&header, 1}, reads ? nothing : request.data},
                       Gather{reads ? request.data : nothing, {&status, 1}}, Token{uintptr_t{number}});
        if (!added) {
            pool_.give_back(number);
            return added.error();
        }
        return number;
    }

    /// Moves what the device has used from the queue to the line of finished requests.
    TakeState collect() {
        for (;;) {  // bounded: a queue hands out at most its size, then it looks again and finds them taken
            Completion const used = queue_.take_used();
            if (!used) {
                return used.state;
            }
            auto const number = static_cast<uint16_t>(used.token.value());
            pool_.finish(number, outcome(number, used.written));
        }
    }

    [[nodiscard]] Error outcome(uint16_t number, uint32_t written) const {
        switch (static_cast<spec::block::RequestStatus>(frames_.load_status(number))) {
            case spec::block::RequestStatus::ok:
                // §2.7.8.3: nothing may be assumed of bytes beyond `written`. A legacy device's length is no news.
                return !transport_->is_legacy() && written < pool_.expected_bytes(number) ? Error::short_read
                                                                                          : Error::none;
            case spec::block::RequestStatus::ioerr: return Error::io_error;
            case spec::block::RequestStatus::unsupp: return Error::not_supported;
        }
        return Error::status_invalid;
    }

    template <Relax R>
    [[nodiscard]] Status perform(Request const& request, Looks looks, R& relax) {
        Result<uint16_t> number = submit(request, Token{});
        uint32_t look = 0;
        for (; number.error() == Error::queue_full && look < looks.count; ++look) {
            start();
            collect();
            relax();
            number = submit(request, Token{});
        }
        if (!number) {
            return number.error() == Error::queue_full ? Error::timed_out : number.error();
        }
        start();
        for (; look < looks.count; ++look) {
            TakeState const state = collect();
            if (pool_.is_finished(*number)) {
                return pool_.take_finished(*number);
            }
            if (state == TakeState::broken) {
                return Error::queue_broken;
            }
            relax();
        }
        pool_.abandon(*number);
        Status const alive = check_alive();
        return alive ? Status{Error::timed_out} : alive;
    }

    T* transport_ = nullptr;
    bool ready_ = false;
    uint64_t capacity_sectors_ = 0;
    Negotiation negotiation_;
    BlockFrames frames_;
    Pool pool_;
    VirtQueue<N> queue_;
};

}  // namespace virtq
