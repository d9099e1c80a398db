// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <utility>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/device_queue.hpp>
#include <sim/device_status.hpp>
#include <sim/feature_exchange.hpp>
#include <sim/guest_memory.hpp>
#include <sim/queue_config.hpp>
#include <sim/queue_manner.hpp>
#include <sim/rule.hpp>
#include <sim/schedule.hpp>
#include <sim/wire.hpp>

/// All queues of a virtio-mmio device, and the registers behind QueueSel. They size, place, start, stop and notify a
/// queue, in the layout of §4.2.2 or the legacy layout of §4.2.4.
namespace virtq::sim {

class QueueBank {
public:
    static constexpr size_t never = ~size_t{0};

    QueueBank(GuestMemory& memory, DeviceBackend& backend, DeviceStatus& status, FeatureExchange const& features,
              bool legacy)
        : memory_(memory), status_(status), features_(features), legacy_(legacy) {
        for (uint16_t i = 0; i < backend.queue_count(); ++i) {
            queues_.emplace_back(memory, backend.queue_size_max(i), backend.parking(i));
        }
    }
    QueueBank(QueueBank const&) = delete;
    QueueBank& operator=(QueueBank const&) = delete;
    ~QueueBank() { reset(); }

    [[nodiscard]] size_t size() const { return queues_.size(); }
    [[nodiscard]] DeviceQueue& at(size_t index) { return queues_.at(index); }
    [[nodiscard]] DeviceQueue const& at(size_t index) const { return queues_.at(index); }

    [[nodiscard]] uint32_t read(uint16_t offset);
    void write(uint16_t offset, uint32_t value);
    /// Handles a value that the driver wrote to QueueNotify.
    void notify(uint32_t value);
    void reset() {
        for (auto& queue : queues_) {
            queue.reset();
        }
        queue_sel_ = guest_page_size_ = 0;
    }

    // Knobs of the device; they survive a reset.
    Schedule schedule;
    Attention attention = Attention::when_notified;
    UsedEntries used_entries = UsedEntries::each;
    bool refuse_ready = false;
    bool refuse_stop = false;
    size_t reset_takes = 0;
    QueueReset reset_manner = QueueReset::honest;
    /// §2.1.2: if an area is at an address that the device cannot reach, it sets DEVICE_NEEDS_RESET.
    void set_address_end(uint64_t end) {
        for (auto& queue : queues_) {
            queue.address_end = end;
        }
    }

private:
    void report(Rule const& broken, uint64_t value) { memory_.violations().report(broken, value); }

    void write_page_size(uint32_t value);
    [[nodiscard]] bool check_reset_done(DeviceQueue const& queue);
    void write_size(DeviceQueue& queue, uint32_t value);
    void write_area(DeviceQueue& queue, uint16_t offset, uint32_t value);
    void write_ready(DeviceQueue& queue, uint32_t value);
    void write_pfn(DeviceQueue& queue, uint32_t value);
    void write_reset(DeviceQueue& queue, uint32_t value);
    void check_notification_data(DeviceQueue& queue, uint32_t value);
    [[nodiscard]] bool check_configured(DeviceQueue const& queue);
    [[nodiscard]] bool is_packed() const { return features_.negotiated(wire::feature::ring_packed); }
    [[nodiscard]] bool start(DeviceQueue& queue);
    [[nodiscard]] DeviceQueue* selected() { return queue_sel_ < queues_.size() ? &queues_[queue_sel_] : nullptr; }

    GuestMemory& memory_;
    DeviceStatus& status_;
    FeatureExchange const& features_;
    bool legacy_;
    std::vector<DeviceQueue> queues_;
    uint32_t queue_sel_ = 0;
    uint32_t guest_page_size_ = 0;
};

inline void QueueBank::write_page_size(uint32_t value) {
    if (value == 0 || (value & (value - 1)) != 0) {
        report(rule::guest_page_size, value);
    }
    guest_page_size_ = value;
}

inline uint32_t QueueBank::read(uint16_t offset) {
    bool const looks_only = offset == wire::mmio::queue_ready || offset == wire::mmio::queue_pfn;
    looks_only ? status_.check_look() : status_.check_setup();
    DeviceQueue* const queue = selected();
    if (queue == nullptr) {
        return 0;
    }
    if (offset == wire::mmio::queue_size_max) {
        if (legacy_ && queue->pfn != 0) {
            report(rule::queue_in_use, offset);
        }
        return queue->size_max;
    }
    if (offset == wire::mmio::queue_pfn) {
        return queue->pfn;
    }
    if (offset == wire::mmio::queue_ready) {
        if (queue->stop_unread) {  // now driver and device agree that it is stopped
            queue->stop_unread = false;
            queue->let_go();
        }
        return queue->ready ? 1 : 0;
    }
    if (queue->reset_reads_left != 0 && (queue->reset_reads_left == never || --queue->reset_reads_left != 0)) {
        return 1;
    }
    if (!queue->ready) {
        queue->let_go();
    }
    return 0;
}

inline void QueueBank::write(uint16_t offset, uint32_t value) {
    using namespace wire::mmio;
    if (offset == guest_page_size) {
        return write_page_size(value);
    }
    bool const looks_only = offset == queue_sel || (offset == queue_ready && value == 0);
    looks_only ? status_.check_look() : status_.check_setup();
    if (offset == queue_sel) {
        queue_sel_ = value;
        return;
    }
    DeviceQueue* const queue = selected();
    if (queue == nullptr || (queue->size_max == 0 && !queue->ready)) {
        return report(rule::queue_absent, queue_sel_);
    }
    switch (offset) {
        case wire::mmio::queue_size: return write_size(*queue, value);
        case queue_align:
            if (queue->pfn != 0) {
                return report(rule::queue_in_use, value);
            }
            queue->align = value;
            return;
        case queue_pfn: return write_pfn(*queue, value);
        case queue_ready: return write_ready(*queue, value);
        case queue_reset: return write_reset(*queue, value);
        default: return write_area(*queue, offset, value);
    }
}

/// §4.2.2.2: a queue is set up again only after its reset is complete. False: too early.
inline bool QueueBank::check_reset_done(DeviceQueue const& queue) {
    if (queue.reset_reads_left != 0) {
        report(rule::queue_reset_ongoing, queue_sel_);
    }
    return queue.reset_reads_left == 0;
}

inline void QueueBank::write_size(DeviceQueue& queue, uint32_t value) {
    if (!check_reset_done(queue)) {
        return;
    }
    if (queue.ready) {
        return report(rule::queue_live, wire::mmio::queue_size);
    }
    if (queue.pfn != 0) {
        return report(rule::queue_in_use, value);
    }
    if (value > queue.size_max) {
        return report(rule::queue_size_max, value);
    }
    if (is_packed() && value == 0) {
        return report(rule::packed_size_invalid, value);
    }
    if (!is_packed() && (value == 0 || (value & (value - 1)) != 0)) {
        return report(rule::queue_size_invalid, value);
    }
    queue.size = value;
    queue.size_written = true;
}

inline void QueueBank::write_area(DeviceQueue& queue, uint16_t offset, uint32_t value) {
    using namespace wire::mmio;
    if (!check_reset_done(queue)) {
        return;
    }
    if (queue.ready) {
        return report(rule::queue_live, offset);
    }
    unsigned const which = offset < queue_driver_low ? 0 : offset < queue_device_low ? 1 : 2;
    bool const high = offset == queue_desc_high || offset == queue_driver_high || offset == queue_device_high;
    unsigned const shift = high ? 32 : 0;
    uint64_t const other_half = uint64_t{0xffffffff} << (32 - shift);
    queue.area[which] = (queue.area[which] & other_half) | uint64_t{value} << shift;
    queue.area_written |= 1u << (2 * which + (high ? 1 : 0));
    if (!queue.reaches(queue.area[which], 0)) {
        status_.set_needs_reset();
    }
}

inline void QueueBank::write_ready(DeviceQueue& queue, uint32_t value) {
    if (value == 0) {
        if (queue.ready && !refuse_stop) {
            queue.stop();
            queue.stop_unread = true;
        }
        return;
    }
    if (value != 1 || queue.ready) {
        report(rule::queue_ready_value, value);
    }
    if (queue.stop_unread) {
        report(rule::queue_stop_readback, queue_sel_);
        queue.stop_unread = false;
        queue.let_go();
    }
    if (!check_reset_done(queue)) {
        return;
    }
    if (queue.ready || refuse_ready || !check_configured(queue)) {
        return;
    }
    status_.check_enable(queue_sel_, queue.was_enabled);
    queue.ready = start(queue);
    queue.was_enabled = queue.was_enabled || queue.ready;
}

inline bool QueueBank::start(DeviceQueue& queue) {
    bool started = false;
    if (legacy_) {  // §4.2.4
        uint64_t const base = uint64_t{queue.pfn} * guest_page_size_;
        started = queue.start(legacy_config_of(queue, features_, base, queue.align), schedule);
    } else if (is_packed()) {
        started = queue.start(packed_config_of(queue, features_), schedule);
    } else {
        started = queue.start(split_config_of(queue, features_), schedule);
    }
    if (started && attention == Attention::polling) {
        queue.ring.forbid_notifications();
    }
    return started;
}

inline bool QueueBank::check_configured(DeviceQueue const& queue) {
    bool const complete = queue.size_written && (legacy_ || queue.area_written == 0x3f);
    if (!complete) {
        report(rule::queue_unconfigured, queue_sel_);
    }
    return complete;
}

/// §4.2.4: `value` is the page number of the descriptor table. The other areas follow from size and alignment.
inline void QueueBank::write_pfn(DeviceQueue& queue, uint32_t value) {
    if (value == 0) {
        queue.stop();
        queue.let_go();
        return;
    }
    if (queue.pfn != 0) {
        return report(rule::queue_in_use, value);
    }
    if (guest_page_size_ == 0) {
        return report(rule::guest_page_size, 0);
    }
    if (queue.align == 0 || (queue.align & (queue.align - 1)) != 0) {
        return report(rule::queue_align, queue.align);
    }
    if (!check_configured(queue)) {
        return;
    }
    status_.check_enable(queue_sel_, queue.was_enabled);
    queue.was_enabled = true;
    queue.pfn = value;
    if (!start(queue)) {
        queue.pfn = 0;
    }
}

/// §2.6.1, §4.2.2: only with RING_RESET.
inline void QueueBank::write_reset(DeviceQueue& queue, uint32_t value) {
    if (!features_.negotiated(wire::feature::ring_reset) || value != 1) {
        return report(rule::queue_reset_use, value);
    }
    if (!check_reset_done(queue) || reset_manner == QueueReset::ignored) {
        return;
    }
    auto chains = queue.stop();
    if (reset_manner == QueueReset::keeps_writing) {
        queue.stray(std::move(chains));
    }
    queue.size = 0;
    queue.size_written = queue.stop_unread = false;
    queue.area_written = 0;
    queue.reset_reads_left = reset_takes == never ? never : reset_takes + 1;
}

/// §2.9: after the queue index come 15 bits next_off and the bit next_wrap. They name the next descriptor that is not
/// available yet; on a split ring, the available idx.
inline void QueueBank::check_notification_data(DeviceQueue& queue, uint32_t value) {
    uint32_t const wrong = (value >> 16) ^ queue.ring.next_of_driver();
    if ((wrong & 0x7fff) != 0) {
        report(queue.ring.packed() != nullptr ? rule::notify_next_off : rule::notify_data, value);
    }
    if ((wrong & 0x8000) != 0) {
        report(rule::notify_next_wrap, value);
    }
}

inline void QueueBank::notify(uint32_t value) {
    if (!status_.has(wire::status::driver_ok)) {
        report(rule::notify_early, value);
        if (!legacy_) {  // §3.1.2: a legacy device must accept it
            return;
        }
    }
    bool const with_data = features_.negotiated(wire::feature::notification_data);
    uint32_t const index = with_data ? value & 0xffff : value;
    if (index >= queues_.size() || !queues_[index].ring.started()) {
        return report(rule::notify_index, value);
    }
    DeviceQueue& queue = queues_[index];
    if (with_data) {
        check_notification_data(queue, value);
    }
    ++queue.notifications;
    queue.notified = true;
}

}  // namespace virtq::sim
