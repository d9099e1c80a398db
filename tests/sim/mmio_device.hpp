// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <functional>
#include <mutex>
#include <vector>

#include <sim/config_space.hpp>
#include <sim/device_backend.hpp>
#include <sim/device_queue.hpp>
#include <sim/device_status.hpp>
#include <sim/feature_exchange.hpp>
#include <sim/guest_memory.hpp>
#include <sim/packed_queue.hpp>
#include <sim/queue_bank.hpp>
#include <sim/queue_manner.hpp>
#include <sim/queue_worker.hpp>
#include <sim/rule.hpp>
#include <sim/schedule.hpp>
#include <sim/split_queue.hpp>
#include <sim/wire.hpp>
#include <virtq/platform/register_space.hpp>

/// A virtio-mmio device (§4.2): the registers of either layout in front of a `DeviceBackend`. It checks what the
/// standard requires of the driver, reports which rule was broken, and misbehaves on request.
namespace virtq::sim {

class MmioDevice;

/// The device as the driver's register space. A handle that may be copied freely.
class MmioRegisters {
public:
    MmioRegisters() = default;  ///< refers to no device yet
    explicit MmioRegisters(MmioDevice& device) : device_(&device) {}
    [[nodiscard]] uint8_t read8(uint16_t offset);
    [[nodiscard]] uint16_t read16(uint16_t offset);
    [[nodiscard]] uint32_t read32(uint16_t offset);
    void write8(uint16_t offset, uint8_t value);
    void write16(uint16_t offset, uint16_t value);
    void write32(uint16_t offset, uint32_t value);

private:
    MmioDevice* device_ = nullptr;
};

enum class MmioVersion : uint32_t { legacy = 1, modern = 2 };

/// **Threading** Registers and `step` may be used from different threads; a lock serialises them. The lock does not
/// cover the rings. Callbacks run under the lock, and may access registers.
class MmioDevice {
public:
    /// A number of reads after which it never happens.
    static constexpr size_t never = ~size_t{0};
    static constexpr uint8_t stray_byte = DeviceQueue::stray_byte;

    MmioDevice(GuestMemory& memory, DeviceBackend& backend, MmioVersion version = MmioVersion::modern);
    MmioDevice(MmioDevice const&) = delete;
    MmioDevice& operator=(MmioDevice const&) = delete;

    [[nodiscard]] MmioRegisters registers() { return MmioRegisters(*this); }
    [[nodiscard]] uint32_t read(uint16_t offset, unsigned bytes);
    void write(uint16_t offset, uint32_t value, unsigned bytes);

    /// Lets the device work once; returns how many chains it completed. Use `[&] { device.step(); }` as a driver's
    /// relax hook.
    size_t step();

    // What happened.

    [[nodiscard]] ViolationLog& violations() const { return memory_.violations(); }
    [[nodiscard]] uint32_t status() const {
        return locked([&] { return status_.value(); });
    }
    [[nodiscard]] std::vector<uint32_t> status_history() const {
        return locked([&] { return status_.history(); });
    }
    [[nodiscard]] FeatureWords accepted_features() const {
        return locked([&] { return features_.accepted(); });
    }
    [[nodiscard]] size_t notifications(uint16_t queue = 0) const;
    /// How often an interrupt was raised, for used buffers and for configuration changes.
    [[nodiscard]] size_t interrupts() const {
        return locked([&] { return interrupts_; });
    }
    /// Whether the interrupt is asserted: a bit of InterruptStatus is set.
    [[nodiscard]] bool interrupt_line() const {
        return locked([&] { return interrupt_status_ != 0; });
    }
    [[nodiscard]] size_t accesses() const {
        return locked([&] { return accesses_; });
    }
    /// Chains fetched, and neither used nor parked (`DeviceBackend::parked`).
    [[nodiscard]] size_t backlog(uint16_t queue = 0) const;
    /// The ring of a started queue, to read it or to write invalid values; null if it is not started, or packed.
    [[nodiscard]] SplitQueue* ring(uint16_t queue = 0);
    /// As above with RING_PACKED negotiated; otherwise null.
    [[nodiscard]] PackedQueue* packed_ring(uint16_t queue = 0);

    // How it works.

    void set_schedule(Schedule const& schedule) {
        locked([&] { queues_.schedule = schedule; });
    }
    void set_attention(Attention attention) {
        locked([&] { queues_.attention = attention; });
    }
    /// Publishes each used entry separately, instead of all entries of a step together.
    void publish_each(bool on = true) {
        locked([&] { publish_each_ = on; });
    }
    /// With IN_ORDER: writes one used entry for chains that complete together, where that is allowed.
    void set_used_entries(UsedEntries entries) {
        locked([&] { queues_.used_entries = entries; });
    }
    /// The first index of a queue when it next starts as a split queue.
    void set_start_index(uint16_t index, uint16_t queue = 0);
    /// The first position of a queue when it next starts as a packed queue.
    void set_start_position(PackedPosition position, uint16_t queue = 0);
    void on_interrupt(std::function<void()> callback) {
        locked([&] { on_interrupt_ = std::move(callback); });
    }
    /// Called before each access of the driver, so that a test can change something in the middle of a sequence.
    void before_access(std::function<void(uint16_t offset, bool is_write)> callback);
    /// Changes the configuration: runs `change`, increments ConfigGeneration, and interrupts a live driver.
    void change_config(std::function<void()> const& change);

    // Faults.

    void set_magic(uint32_t value) {
        locked([&] { magic_ = value; });
    }
    void set_version(uint32_t value) {
        locked([&] { version_ = value; });
    }
    void set_device_id(uint32_t value) {
        locked([&] { device_id_ = value; });
    }
    /// Offers one more feature bit, or one fewer, than the backend.
    void offer(unsigned bit, bool on = true) {
        locked([&] { features_.offer(bit, on); });
    }
    void refuse_features_ok(bool on = true) {
        locked([&] { refuse_features_ = on; });
    }
    /// From now on a reset completes only after this many reads of Status, or `never`. A reset in progress is
    /// shortened too.
    void reset_takes(size_t reads) {
        locked([&] {
            reset_takes_ = reads;
            if (reset_reads_left_ > reads) {
                reset_reads_left_ = reads;
                if (reads == 0) {
                    complete_reset();
                }
            }
        });
    }
    /// From now on: how a device that was live answers a reset.
    void set_device_reset(DeviceReset how) {
        locked([&] { reset_manner_ = how; });
    }
    /// The status register is plain memory: a bit that the driver leaves out of a write is cleared (§2.1.1).
    void keep_status_as_written(bool on = true) {
        locked([&] { status_.keep_as_written(on); });
    }
    /// The device cannot reach addresses from `end` on, for example 2^32. A ring or a buffer there makes it set
    /// DEVICE_NEEDS_RESET (§2.1.2), as https://github.com/sysprog21/semu/pull/21 does. 0: no limit.
    void set_address_end(uint64_t end) {
        locked([&] { queues_.set_address_end(end); });
    }
    /// As `reset_takes` for QueueReset, from the next reset of a queue on.
    void queue_reset_takes(size_t reads) {
        locked([&] { queues_.reset_takes = reads; });
    }
    /// What the next reset of a queue does. With `keeps_writing` the device later writes `stray_byte` to the
    /// device-writable memory of chains that it had fetched and not completed. It does so in the first step after the
    /// driver has read 0 from QueueReset. Only a device reset prevents it.
    void set_queue_reset(QueueReset how) {
        locked([&] { queues_.reset_manner = how; });
    }
    /// From now on the device suspends and resumes only after this many reads of Status, or `never`.
    void suspend_takes(size_t reads) {
        locked([&] { suspend_takes_ = reads; });
    }
    /// The device fails to suspend or resume, and sets DEVICE_NEEDS_RESET (§3.4.2).
    void fail_suspend(bool on = true) {
        locked([&] { fail_suspend_ = on; });
    }
    void set_queue_size_max(uint16_t value, uint16_t queue = 0);
    /// QueueReady does not keep a 1: it reads 0, and the queue does not start.
    void refuse_queue_ready(bool on = true) {
        locked([&] { queues_.refuse_ready = on; });
    }
    /// QueueReady stays 1 after the driver writes 0.
    void refuse_queue_stop(bool on = true) {
        locked([&] { queues_.refuse_stop = on; });
    }
    /// ConfigGeneration changes at each of the next reads, or always with `never`.
    void unsettle_config(size_t reads = never) {
        locked([&] { config_.unsettle(reads); });
    }
    /// Sets DEVICE_NEEDS_RESET (§2.1.2) and stops working.
    void need_reset() {
        locked([&] { break_down(); });
    }
    /// The device is gone: reads return all ones, and writes are lost. No reset reaches it, so it keeps its queues: a
    /// driver that releases them breaks `memory_in_use`.
    void vanish(bool on = true) {
        locked([&] { vanished_ = on; });
    }
    /// Raises an interrupt without a reason, or with undefined bits.
    void interrupt_unasked(uint32_t bits = 0) {
        locked([&] { raise(bits); });
    }

private:
    template <class Body>
    auto locked(Body body) const -> decltype(body()) {
        std::lock_guard const lock(mutex_);
        return body();
    }

    [[nodiscard]] bool is_legacy() const { return layout_ == MmioVersion::legacy; }
    void report(Rule const& broken, uint64_t value) { memory_.violations().report(broken, value); }

    // Every access.
    [[nodiscard]] bool check_access(uint16_t offset, unsigned bytes, bool is_write);
    [[nodiscard]] bool check_probe(uint16_t offset);
    [[nodiscard]] bool check_during_reset(uint16_t offset, uint32_t value);

    // Registers.
    [[nodiscard]] uint32_t read_register(uint16_t offset);
    [[nodiscard]] uint32_t read_probe(uint16_t offset);
    [[nodiscard]] uint32_t read_status();
    void write_register(uint16_t offset, uint32_t value);
    void write_status(uint32_t value);
    void begin_suspend(uint32_t value);
    void begin_resume();
    void complete_suspend();

    // Life.
    void complete_reset();
    void show_legacy_config();
    void begin_session();
    void break_down();
    void raise(uint32_t bits);
    [[nodiscard]] bool may_work() const;
    [[nodiscard]] size_t step_queue(uint16_t index);

    GuestMemory& memory_;
    DeviceBackend& backend_;
    MmioVersion layout_;
    mutable std::recursive_mutex mutex_;

    DeviceStatus status_;
    FeatureExchange features_;
    ConfigSpace config_;
    QueueBank queues_;
    uint32_t interrupt_status_ = 0;

    bool seen_magic_ = false;
    bool seen_version_ = false;
    bool seen_device_id_ = false;
    bool probe_reported_ = false;
    size_t reset_reads_left_ = 0;
    size_t interrupts_ = 0;
    size_t accesses_ = 0;

    uint32_t magic_ = wire::mmio::magic;
    uint32_t version_;
    uint32_t device_id_;
    bool publish_each_ = false;
    bool refuse_features_ = false;
    bool vanished_ = false;
    size_t reset_takes_ = 0;
    enum class Rest : uint8_t { none, suspending, suspended, resuming };
    Rest rest_ = Rest::none;
    size_t suspend_takes_ = 0;
    size_t suspend_reads_left_ = 0;
    bool fail_suspend_ = false;
    DeviceReset reset_manner_ = DeviceReset::honest;
    bool was_live_ = false;  ///< DRIVER_OK was set since the last reset
    std::function<void()> on_interrupt_;
    std::function<void(uint16_t, bool)> before_access_;
};

namespace detail {

/// The features offered through this layout. VERSION_1 belongs to the transport (§6.2), and legacy registers reach
/// word 0 only.
[[nodiscard]] inline FeatureWords offered_through(DeviceBackend const& backend, MmioVersion version) {
    FeatureWords words = backend.features();
    if (version == MmioVersion::legacy) {
        return {words[0], 0, 0, 0};
    }
    set_feature(words, wire::feature::version_1);
    set_feature(words, wire::feature::any_layout, false);  // §6.3: implied since 1.0
    return words;
}

}  // namespace detail

inline MmioDevice::MmioDevice(GuestMemory& memory, DeviceBackend& backend, MmioVersion version)
    : memory_(memory),
      backend_(backend),
      layout_(version),
      status_(memory.violations(), version == MmioVersion::legacy),
      features_(memory.violations(), detail::offered_through(backend, version), backend.features(),
                version == MmioVersion::legacy),
      config_(memory.violations(), backend, status_, features_, version == MmioVersion::legacy),
      queues_(memory, backend, status_, features_, version == MmioVersion::legacy),
      version_(static_cast<uint32_t>(version)),
      device_id_(backend.device_id()) {
    show_legacy_config();
}

// Every access.

inline uint32_t MmioDevice::read(uint16_t offset, unsigned bytes) {
    std::lock_guard const lock(mutex_);
    ++accesses_;
    if (before_access_) {
        before_access_(offset, false);
    }
    if (vanished_) {
        return ~uint32_t{0};
    }
    if (!check_access(offset, bytes, false)) {
        return 0;
    }
    return offset >= wire::mmio::config ? config_.read(offset, bytes) : read_register(offset);
}

inline void MmioDevice::write(uint16_t offset, uint32_t value, unsigned bytes) {
    std::lock_guard const lock(mutex_);
    ++accesses_;
    if (before_access_) {
        before_access_(offset, true);
    }
    if (vanished_ || !check_access(offset, bytes, true) || !check_during_reset(offset, value)) {
        return;
    }
    if (offset >= wire::mmio::config) {
        if (rest_ != Rest::none) {
            return report(rule::suspended_config, offset);
        }
        config_.write(offset, value, bytes);
    } else {
        write_register(offset, value);
    }
}

/// §4.2.2.2: checks offset, width and direction. False: the access has no effect.
inline bool MmioDevice::check_access(uint16_t offset, unsigned bytes, bool is_write) {
    if (offset >= wire::mmio::config) {
        return check_probe(offset) && config_.check(offset, bytes, is_write);
    }
    if (bytes != 4 || offset % 4 != 0) {
        report(rule::register_width, offset);
        return false;
    }
    for (auto const& row : wire::mmio::rows) {
        if (row.offset != offset || !(is_legacy() ? row.legacy : row.modern)) {
            continue;
        }
        if (!(is_write ? row.writable : row.readable)) {
            report(is_write ? rule::register_read_only : rule::register_write_only, offset);
            return false;
        }
        return check_probe(offset);
    }
    report(rule::register_unknown, offset);
    return false;
}

/// §4.2.3.1.1: the driver reads magic, version and device ID first. If one is wrong, it must not access anything else.
inline bool MmioDevice::check_probe(uint16_t offset) {
    using namespace wire::mmio;
    bool const numbers_seen = seen_magic_ && seen_version_;
    if (offset == magic_value || offset == version) {
        return true;
    }
    bool const in_order = offset == device_id ? numbers_seen : numbers_seen && seen_device_id_;
    if (!in_order && !probe_reported_) {
        probe_reported_ = true;
        report(numbers_seen ? rule::probe_device_id : rule::probe_first, offset);
    }
    if (offset == device_id) {
        return true;
    }
    if (magic_ != magic) {
        report(rule::magic_ignored, offset);
        return false;
    }
    if (version_ != static_cast<uint32_t>(layout_)) {
        report(rule::version_ignored, offset);
        return false;
    }
    if (device_id_ == 0) {
        report(rule::placeholder, offset);
        return false;
    }
    return true;
}

/// §2.4.2: during a reset the driver waits, or gives up with FAILED.
inline bool MmioDevice::check_during_reset(uint16_t offset, uint32_t value) {
    if (reset_reads_left_ == 0) {
        return true;
    }
    bool const harmless = offset == wire::mmio::status && (value == 0 || (value & wire::status::failed) != 0);
    if (!harmless) {
        report(rule::reset_incomplete, offset);
    }
    return false;
}

// Reading.

inline uint32_t MmioDevice::read_register(uint16_t offset) {
    using namespace wire::mmio;
    switch (offset) {
        case device_features: return features_.read_offered();
        case interrupt_status: return interrupt_status_;
        case wire::mmio::status: return read_status();
        case config_generation: return config_.read_generation();
        case queue_size_max:
        case queue_ready:
        case queue_pfn:
        case queue_reset: return queues_.read(offset);
        case shm_len_low:
        case shm_len_high:
        case shm_base_low:
        case shm_base_high: report(rule::shared_memory, offset); return ~uint32_t{0};  // §4.2.2: no such region
        default: return read_probe(offset);
    }
}

inline uint32_t MmioDevice::read_probe(uint16_t offset) {
    using namespace wire::mmio;
    switch (offset) {
        case magic_value: seen_magic_ = true; return magic_;
        case version: seen_version_ = true; return version_;
        case device_id: seen_device_id_ = true; return device_id_;
        default: return 0x71747276;  // VendorID: any value
    }
}

inline uint32_t MmioDevice::read_status() {
    if (reset_reads_left_ == 0) {
        uint32_t const value = status_.read();
        if (suspend_reads_left_ != 0 && suspend_reads_left_ != never && --suspend_reads_left_ == 0) {
            complete_suspend();
        }
        return value;
    }
    // Not 0 until the reset is complete, not even for the first reset.
    uint32_t const value = status_.value() != 0 ? status_.value() : wire::status::acknowledge;
    if (reset_reads_left_ != never && --reset_reads_left_ == 0) {
        complete_reset();
    }
    return value;
}

// Writing.

inline void MmioDevice::write_register(uint16_t offset, uint32_t value) {
    using namespace wire::mmio;
    switch (offset) {
        case device_features_sel: return features_.select_offered(value);
        case driver_features_sel: return features_.select_accepted(value);
        case driver_features:
            if (status_.has(wire::status::features_ok) || status_.has(wire::status::driver_ok)) {
                return report(rule::features_frozen, value);
            }
            if (!status_.has(wire::status::driver)) {
                report(rule::init_driver, value);
            }
            return features_.accept(value);
        case queue_notify: return rest_ != Rest::none ? report(rule::suspended_notify, value) : queues_.notify(value);
        case interrupt_ack:
            if ((value & ~(used_buffer | config_change)) != 0) {
                report(rule::interrupt_ack, value);
            }
            interrupt_status_ &= ~value;
            return;
        case wire::mmio::status: return write_status(value);
        case shm_sel: return report(rule::shared_memory, offset);
        default:
            if (offset == queue_pfn && value != 0) {
                begin_session();  // §3.1.2: a legacy driver may use the queue at once
            }
            return queues_.write(offset, value);
    }
}

inline void MmioDevice::write_status(uint32_t value) {
    if (value == 0) {
        status_.begin_reset();
        if (was_live_ && (reset_manner_ == DeviceReset::fails_alone || reset_manner_ == DeviceReset::adds_failed)) {
            return status_.answer_failed(reset_manner_ == DeviceReset::fails_alone);
        }
        reset_reads_left_ = reset_takes_;
        if (reset_reads_left_ == 0) {
            complete_reset();
        }
        return;
    }
    uint32_t const added = status_.write(value);
    was_live_ = was_live_ || status_.has(wire::status::driver_ok);
    if (!is_legacy() && (added & wire::status::features_ok) != 0) {
        if (!features_.were_read()) {
            report(rule::init_features, value);
        }
        if (!features_.acceptable() || !backend_.accepts(features_.accepted()) || refuse_features_) {
            status_.refuse_features();
        } else {
            begin_session();
        }
    }
    if ((added & wire::status::suspend) != 0) {
        begin_suspend(value);
    } else if (rest_ == Rest::suspended && (added & wire::status::driver_ok) != 0) {
        begin_resume();
    }
    if (is_legacy() && (added & wire::status::driver_ok) != 0) {
        if (!features_.were_read()) {
            report(rule::init_features, value);
        }
        static_cast<void>(features_.acceptable());  // §3.1.2: a legacy device has no way to refuse
        begin_session();
    }
}

/// §3.4.2: a device that is not completely initialised ignores SUSPEND.
inline void MmioDevice::begin_suspend(uint32_t value) {
    if (!has_feature(features_.accepted(), wire::feature::suspend) || !status_.has(wire::status::driver_ok)) {
        report(rule::suspend_unasked, value);
        return status_.ignore_suspend();
    }
    rest_ = Rest::suspending;
    suspend_reads_left_ = suspend_takes_;
    if (suspend_reads_left_ == 0) {
        complete_suspend();
    }
}

inline void MmioDevice::begin_resume() {
    rest_ = Rest::resuming;
    suspend_reads_left_ = suspend_takes_;
    if (suspend_reads_left_ == 0) {
        complete_suspend();
    } else {
        status_.set_suspended();  // DRIVER_OK reads 1 once the device runs again
    }
}

inline void MmioDevice::complete_suspend() {
    suspend_reads_left_ = 0;
    if (fail_suspend_) {
        break_down();
    } else if (rest_ == Rest::suspending) {
        rest_ = Rest::suspended;
        status_.set_suspended();
    } else {
        rest_ = Rest::none;
        status_.set_running();
    }
}

// Life.

/// §2.4.1, §4.2.2.1: nothing of the session remains.
inline void MmioDevice::complete_reset() {
    reset_reads_left_ = suspend_reads_left_ = 0;
    rest_ = Rest::none;
    status_.complete_reset();
    features_.reset();
    if (reset_manner_ != DeviceReset::keeps_queues) {
        queues_.reset();
    }
    was_live_ = false;
    interrupt_status_ = 0;
    backend_.reset();
    show_legacy_config();
}

/// §2.5.3: a legacy configuration is in the guest's byte order, also before negotiation.
inline void MmioDevice::show_legacy_config() {
    if (is_legacy()) {
        backend_.start({{}, true, guest_order});
    }
}

inline void MmioDevice::begin_session() {
    backend_.start({features_.accepted(), is_legacy(), is_legacy() ? guest_order : ByteOrder::little});
}

inline void MmioDevice::break_down() {
    status_.set_needs_reset();
    if (status_.has(wire::status::driver_ok)) {  // §2.1.2
        raise(wire::mmio::config_change);
    }
}

inline void MmioDevice::raise(uint32_t bits) {
    interrupt_status_ |= bits;
    ++interrupts_;
    if (on_interrupt_) {
        on_interrupt_();
    }
}

/// §2.1.2: no buffer is consumed before DRIVER_OK. The exception is a legacy device, whose drivers depend on it
/// (§3.1.2).
inline bool MmioDevice::may_work() const {
    return !vanished_ && reset_reads_left_ == 0 && !status_.has(wire::status::needs_reset) &&
           (is_legacy() || status_.has(wire::status::driver_ok));
}

inline size_t MmioDevice::step() {
    std::lock_guard const lock(mutex_);
    size_t completed = 0;
    for (uint16_t i = 0; i < queues_.size() && may_work(); ++i) {
        completed += step_queue(i);
    }
    return completed;
}

inline size_t MmioDevice::step_queue(uint16_t index) {
    QueueWorker worker(
        queues_.at(index), backend_, {queues_.attention, queues_.used_entries, publish_each_},
        [this] { break_down(); }, [this] { raise(wire::mmio::used_buffer); });
    return worker.step(index);
}

// For tests.

inline size_t MmioDevice::notifications(uint16_t queue) const {
    return locked([&] { return queues_.at(queue).notifications; });
}

inline size_t MmioDevice::backlog(uint16_t queue) const {
    return locked([&] { return queues_.at(queue).unused(); });
}

inline SplitQueue* MmioDevice::ring(uint16_t queue) {
    return locked([&] { return queues_.at(queue).ring.split(); });
}

inline PackedQueue* MmioDevice::packed_ring(uint16_t queue) {
    return locked([&] { return queues_.at(queue).ring.packed(); });
}

inline void MmioDevice::set_start_index(uint16_t index, uint16_t queue) {
    locked([&] { queues_.at(queue).start_index = index; });
}

inline void MmioDevice::set_start_position(PackedPosition position, uint16_t queue) {
    locked([&] { queues_.at(queue).start_position = position; });
}

inline void MmioDevice::set_queue_size_max(uint16_t value, uint16_t queue) {
    locked([&] { queues_.at(queue).size_max = value; });
}

inline void MmioDevice::before_access(std::function<void(uint16_t offset, bool is_write)> callback) {
    locked([&] { before_access_ = std::move(callback); });
}

inline void MmioDevice::change_config(std::function<void()> const& change) {
    locked([&] {
        change();
        config_.move_on();
        if (status_.has(wire::status::driver_ok)) {
            raise(wire::mmio::config_change);
        }
    });
}

inline uint8_t MmioRegisters::read8(uint16_t offset) {
    return static_cast<uint8_t>(device_->read(offset, 1));
}
inline uint16_t MmioRegisters::read16(uint16_t offset) {
    return static_cast<uint16_t>(device_->read(offset, 2));
}
inline uint32_t MmioRegisters::read32(uint16_t offset) {
    return device_->read(offset, 4);
}
inline void MmioRegisters::write8(uint16_t offset, uint8_t value) {
    device_->write(offset, value, 1);
}
inline void MmioRegisters::write16(uint16_t offset, uint16_t value) {
    device_->write(offset, value, 2);
}
inline void MmioRegisters::write32(uint16_t offset, uint32_t value) {
    device_->write(offset, value, 4);
}

static_assert(RegisterSpace<MmioRegisters>);

}  // namespace virtq::sim
