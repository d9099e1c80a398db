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
#include <sim/pci_layout.hpp>
#include <sim/queue_config.hpp>
#include <sim/queue_manner.hpp>
#include <sim/rule.hpp>
#include <sim/schedule.hpp>
#include <sim/wire.hpp>
#include <sim/wire_pci.hpp>

/// All queues of a function on PCI, and the registers behind queue_select: those of the common configuration
/// (§4.1.4.3) and of the legacy header (§4.1.4.10).
namespace virtq::sim {

struct PciQueue : DeviceQueue {
    using DeviceQueue::DeviceQueue;

    uint16_t vector = wire::pci::no_vector;  ///< queue_msix_vector
    bool vector_unread = false;              ///< mapped, and not read back
    uint16_t notify_off = 0;                 ///< survives a reset, as `notif_config_data` does
    uint16_t notif_config_data = 0;

    /// §4.1.4.3: the size that the driver requested; on reset, the maximum.
    [[nodiscard]] uint16_t shown_size() const { return size_written ? static_cast<uint16_t>(size) : size_max; }
    void forget() {
        reset();
        set_default();
    }
    /// §2.6.1.1, §4.1.5.1.2.1: the registers' values on reset.
    void set_default() {
        size = 0;
        size_written = false;
        area[0] = area[1] = area[2] = 0;
        area_written = 0;
        vector = wire::pci::no_vector;
        vector_unread = false;
    }
};

class PciQueueBank {
public:
    static constexpr size_t never = ~size_t{0};

    PciQueueBank(GuestMemory& memory, DeviceBackend& backend, DeviceStatus& status, PciLayout const& layout)
        : memory_(memory), status_(status), multiplier_(layout.notify_off_multiplier) {
        for (uint16_t i = 0; i < backend.queue_count(); ++i) {
            PciQueue& queue = queues_.emplace_back(memory, backend.queue_size_max(i), backend.parking(i));
            queue.notify_off = i < layout.notify_off.size() ? layout.notify_off[i] : i;
            queue.notif_config_data = i;
        }
    }
    PciQueueBank(PciQueueBank const&) = delete;
    PciQueueBank& operator=(PciQueueBank const&) = delete;
    ~PciQueueBank() { reset(); }

    [[nodiscard]] size_t size() const { return queues_.size(); }
    [[nodiscard]] PciQueue& at(size_t index) { return queues_.at(index); }
    [[nodiscard]] PciQueue const& at(size_t index) const { return queues_.at(index); }

    /// Sets the features of queues that start, and their interface.
    void use(FeatureExchange const& features, bool legacy) {
        features_ = &features;
        legacy_ = legacy;
    }

    // Modern: offsets of the common configuration.
    [[nodiscard]] uint32_t read(uint16_t offset);
    void write(uint16_t offset, uint32_t value, uint16_t vectors);
    /// A write to the notification structure, `offset` bytes from its start.
    [[nodiscard]] bool notify_at(uint32_t offset, uint32_t value, unsigned bytes);

    // Legacy.
    [[nodiscard]] uint32_t read_legacy(uint16_t offset);
    void write_legacy(uint16_t offset, uint32_t value, uint16_t vectors);
    [[nodiscard]] bool notify_legacy(uint32_t value);

    /// §4.1.5.1.2: both interfaces map a vector that the driver writes in this way.
    [[nodiscard]] uint16_t map_vector(uint32_t value, uint16_t vectors);
    [[nodiscard]] bool any_vector_unread() const;

    void reset() {
        for (auto& queue : queues_) {
            queue.forget();
        }
        select_ = 0;
    }

    // Knobs of the device; they survive a reset.
    Schedule schedule;
    Attention attention = Attention::when_notified;
    UsedEntries used_entries = UsedEntries::each;
    bool refuse_enable = false;
    bool ignore_size = false;
    size_t vectors_refused_from = never;  ///< mapping this or a higher vector fails
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
    [[nodiscard]] bool negotiated(unsigned bit) const { return features_ != nullptr && features_->negotiated(bit); }
    [[nodiscard]] bool is_packed() const { return negotiated(wire::feature::ring_packed); }
    [[nodiscard]] PciQueue* selected() { return select_ < queues_.size() ? &queues_[select_] : nullptr; }
    [[nodiscard]] bool check_exists(uint16_t offset);
    [[nodiscard]] bool check_writable(PciQueue const& queue, uint16_t offset);
    void write_size(PciQueue& queue, uint32_t value);
    void write_area(PciQueue& queue, uint16_t offset, uint32_t value);
    void write_enable(PciQueue& queue, uint32_t value);
    void write_reset(PciQueue& queue, uint32_t value);
    void write_address(PciQueue& queue, uint32_t value);
    [[nodiscard]] uint32_t read_reset(PciQueue& queue);
    [[nodiscard]] bool start(PciQueue& queue);
    [[nodiscard]] PciQueue* find_notified(uint32_t value, bool with_data);
    void check_notification_data(PciQueue& queue, uint32_t value);
    static void count_notification(PciQueue& queue) {
        ++queue.notifications;
        queue.notified = true;
    }

    GuestMemory& memory_;
    DeviceStatus& status_;
    FeatureExchange const* features_ = nullptr;
    uint32_t multiplier_;
    bool legacy_ = false;
    std::vector<PciQueue> queues_;
    uint32_t select_ = 0;
};

/// §4.1.4.3: two fields exist only with a feature.
inline bool PciQueueBank::check_exists(uint16_t offset) {
    using namespace wire::pci::common;
    bool const absent = (offset == queue_notif_config_data && !negotiated(wire::feature::notif_config_data)) ||
                        (offset == queue_reset && !negotiated(wire::feature::ring_reset));
    if (absent) {
        report(rule::pci_field_absent, offset);
    }
    return !absent;
}

inline uint32_t PciQueueBank::read(uint16_t offset) {
    using namespace wire::pci::common;
    if (!check_exists(offset)) {
        return 0;
    }
    if (offset == queue_select) {
        return select_;
    }
    offset == queue_enable ? status_.check_look() : status_.check_setup();
    PciQueue* const queue = selected();
    if (queue == nullptr) {
        return offset == queue_msix_vector ? wire::pci::no_vector : 0;
    }
    switch (offset) {
        case queue_size: return queue->shown_size();
        case queue_msix_vector: queue->vector_unread = false; return queue->vector;
        case queue_enable: return queue->ready ? 1 : 0;
        case queue_notify_off: return queue->notify_off;
        case queue_notif_config_data: return queue->notif_config_data;
        case queue_reset: return read_reset(*queue);
        default: break;
    }
    unsigned const half = (offset - queue_desc) / 4u;
    return static_cast<uint32_t>(queue->area[half / 2] >> (half % 2 * 32));
}

inline uint32_t PciQueueBank::read_reset(PciQueue& queue) {
    if (queue.reset_reads_left != 0 && (queue.reset_reads_left == never || --queue.reset_reads_left != 0)) {
        return 1;
    }
    if (!queue.ready) {
        queue.let_go();
    }
    return 0;
}

inline void PciQueueBank::write(uint16_t offset, uint32_t value, uint16_t vectors) {
    using namespace wire::pci::common;
    offset == queue_select ? status_.check_look() : status_.check_setup();
    if (offset == queue_select) {
        select_ = value;
        return;
    }
    PciQueue* const queue = selected();
    if (queue == nullptr || queue->size_max == 0) {
        return report(rule::pci_queue_absent, select_);
    }
    if (!check_exists(offset)) {
        return;
    }
    switch (offset) {
        case queue_size: return write_size(*queue, value);
        case queue_msix_vector:
            if (value == wire::pci::no_vector || check_writable(*queue, offset)) {  // unmapping is always possible
                queue->vector = map_vector(value, vectors);
                queue->vector_unread = value != wire::pci::no_vector;
            }
            return;
        case queue_enable: return write_enable(*queue, value);
        case queue_reset: return write_reset(*queue, value);
        default: return write_area(*queue, offset, value);
    }
}

/// §4.1.4.3.2: fields are written before queue_enable, and after a queue reset only once it is complete.
inline bool PciQueueBank::check_writable(PciQueue const& queue, uint16_t offset) {
    if (queue.reset_reads_left != 0) {
        report(rule::pci_queue_reset_ongoing, select_);
        return false;
    }
    if (queue.ready) {
        report(rule::pci_queue_fields, offset);
        return false;
    }
    return true;
}

inline uint16_t PciQueueBank::map_vector(uint32_t value, uint16_t vectors) {
    if (value == wire::pci::no_vector) {
        return wire::pci::no_vector;
    }
    if (value >= vectors) {
        report(rule::pci_vector_range, value);
        return wire::pci::no_vector;
    }
    return value >= vectors_refused_from ? wire::pci::no_vector : static_cast<uint16_t>(value);
}

inline bool PciQueueBank::any_vector_unread() const {
    for (auto const& queue : queues_) {
        if (queue.vector_unread) {
            return true;
        }
    }
    return false;
}

inline void PciQueueBank::write_size(PciQueue& queue, uint32_t value) {
    if (!check_writable(queue, wire::pci::common::queue_size)) {
        return;
    }
    if (is_packed() && value == 0) {
        return report(rule::pci_packed_size, value);
    }
    if (!is_packed() && (value == 0 || (value & (value - 1)) != 0)) {
        return report(rule::pci_split_size, value);
    }
    if (value > queue.size_max) {
        return report(rule::pci_queue_size_max, value);
    }
    if (!ignore_size) {
        queue.size = value;
        queue.size_written = true;
    }
}

inline void PciQueueBank::write_area(PciQueue& queue, uint16_t offset, uint32_t value) {
    if (!check_writable(queue, offset)) {
        return;
    }
    unsigned const half = (offset - wire::pci::common::queue_desc) / 4u;
    unsigned const shift = half % 2 * 32;
    uint64_t const other_half = uint64_t{0xffffffff} << (32 - shift);
    queue.area[half / 2] = (queue.area[half / 2] & other_half) | uint64_t{value} << shift;
    queue.area_written |= 1u << half;
    if (!queue.reaches(queue.area[half / 2], 0)) {
        status_.set_needs_reset();
    }
}

inline void PciQueueBank::write_enable(PciQueue& queue, uint32_t value) {
    if (value == 0) {
        return report(rule::pci_queue_disable, select_);
    }
    if (value != 1 || queue.ready) {
        return report(rule::pci_queue_enable_value, value);
    }
    if (!check_writable(queue, wire::pci::common::queue_enable)) {
        return;
    }
    if (queue.area_written != 0x3f) {
        return report(rule::pci_queue_fields, select_);
    }
    if (queue.vector_unread) {
        report(rule::pci_vector_unread, queue.vector);
        queue.vector_unread = false;
    }
    status_.check_enable(select_, queue.was_enabled);
    if (!refuse_enable) {
        queue.size = queue.shown_size();
        queue.ready = start(queue);
        queue.was_enabled = queue.was_enabled || queue.ready;
    }
}

inline bool PciQueueBank::start(PciQueue& queue) {
    bool started = false;
    if (legacy_) {
        uint64_t const base = queue.pfn * wire::pci::legacy::page;
        started = queue.start(legacy_config_of(queue, *features_, base, wire::pci::legacy::page), schedule);
    } else if (is_packed()) {
        started = queue.start(packed_config_of(queue, *features_), schedule);
    } else {
        started = queue.start(split_config_of(queue, *features_), schedule);
    }
    if (started && attention == Attention::polling) {
        queue.ring.forbid_notifications();
    }
    return started;
}

/// §2.6.1, §4.1.4.3.1: during the reset queue_reset reads 1; then it and queue_enable read 0.
inline void PciQueueBank::write_reset(PciQueue& queue, uint32_t value) {
    if (value != 1) {
        return report(rule::pci_queue_reset_use, value);
    }
    if (queue.reset_reads_left != 0) {
        return report(rule::pci_queue_reset_ongoing, select_);
    }
    if (reset_manner == QueueReset::ignored) {
        return;
    }
    auto chains = queue.stop();
    if (reset_manner == QueueReset::keeps_writing) {
        queue.stray(std::move(chains));
    }
    queue.set_default();
    queue.reset_reads_left = reset_takes == never ? never : reset_takes + 1;
}

/// The queue that a value names (§4.1.5.2). Null, and a report, if it names no started queue.
inline PciQueue* PciQueueBank::find_notified(uint32_t value, bool with_data) {
    bool const by_config_data = negotiated(wire::feature::notif_config_data);
    uint32_t const name = with_data ? value & 0xffff : value;
    for (size_t i = 0; i < queues_.size(); ++i) {
        if (name == (by_config_data ? queues_[i].notif_config_data : i) && queues_[i].ring.started()) {
            return &queues_[i];
        }
    }
    if (by_config_data) {
        report(with_data ? rule::pci_notify_both : rule::pci_notify_config_data, value);
    } else {
        report(with_data ? rule::pci_notify_data_index : rule::pci_notify_index, value);
    }
    return nullptr;
}

/// §2.9, the same for all transports.
inline void PciQueueBank::check_notification_data(PciQueue& queue, uint32_t value) {
    uint32_t const wrong = (value >> 16) ^ queue.ring.next_of_driver();
    if ((wrong & 0x7fff) != 0) {
        report(queue.ring.packed() != nullptr ? rule::notify_next_off : rule::pci_notify_next, value);
    }
    if ((wrong & 0x8000) != 0) {
        report(rule::notify_next_wrap, value);
    }
}

inline bool PciQueueBank::notify_at(uint32_t offset, uint32_t value, unsigned bytes) {
    bool const with_data = negotiated(wire::feature::notification_data);
    if (bytes != (with_data ? 4u : 2u)) {
        report(with_data ? rule::pci_notify_width_32 : rule::pci_notify_width_16, offset);
        return false;
    }
    if (!status_.has(wire::status::driver_ok)) {
        report(rule::notify_early, value);
        return false;
    }
    PciQueue* const queue = find_notified(value, with_data);
    if (queue == nullptr) {
        return false;
    }
    if (offset != uint64_t{queue->notify_off} * multiplier_) {
        report(rule::pci_notify_address, offset);
        return false;
    }
    if (with_data) {
        check_notification_data(*queue, value);
    }
    count_notification(*queue);
    return true;
}

// Legacy.

inline uint32_t PciQueueBank::read_legacy(uint16_t offset) {
    using namespace wire::pci::legacy;
    if (offset == queue_select) {
        return select_;
    }
    offset == queue_address ? status_.check_look() : status_.check_setup();
    PciQueue* const queue = selected();
    if (queue == nullptr) {
        return offset == queue_msix_vector ? wire::pci::no_vector : 0;
    }
    switch (offset) {
        case queue_size: return queue->size_max;
        case queue_address: return queue->pfn;
        case queue_msix_vector: queue->vector_unread = false; return queue->vector;
        default: return 0;
    }
}

inline void PciQueueBank::write_legacy(uint16_t offset, uint32_t value, uint16_t vectors) {
    using namespace wire::pci::legacy;
    offset == queue_select ? status_.check_look() : status_.check_setup();
    if (offset == queue_select) {
        select_ = value;
        return;
    }
    PciQueue* const queue = selected();
    if (queue == nullptr || queue->size_max == 0) {
        return report(rule::pci_queue_absent, select_);
    }
    if (offset == queue_msix_vector) {
        queue->vector = map_vector(value, vectors);
        queue->vector_unread = value != wire::pci::no_vector;
    } else {
        write_address(*queue, value);
    }
}

/// §4.1.5.1.3.1: `value` is the address divided by 4096; the driver cannot change the size.
inline void PciQueueBank::write_address(PciQueue& queue, uint32_t value) {
    if (value == 0) {
        queue.stop();
        queue.let_go();
        return;
    }
    if (queue.pfn != 0) {
        return report(rule::pci_legacy_in_use, value);
    }
    if (refuse_enable) {
        return;
    }
    status_.check_enable(select_, queue.was_enabled);
    queue.was_enabled = true;
    queue.pfn = value;
    queue.size = queue.size_max;
    if (!start(queue)) {
        queue.pfn = 0;
    }
}

inline bool PciQueueBank::notify_legacy(uint32_t value) {
    if (!status_.has(wire::status::driver_ok)) {
        report(rule::notify_early, value);  // §3.1.2: a legacy device must accept it
    }
    if (value >= queues_.size() || !queues_[value].ring.started()) {
        report(rule::pci_notify_index, value);
        return false;
    }
    count_notification(queues_[value]);
    return true;
}

}  // namespace virtq::sim
