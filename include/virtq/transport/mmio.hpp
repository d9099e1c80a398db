// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/platform/detail/register_access.hpp>
#include <virtq/platform/mmio_space.hpp>
#include <virtq/platform/register_space.hpp>
#include <virtq/spec/mmio.hpp>
#include <virtq/transport/detail/transport_record.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

namespace virtq {

/// A virtio-mmio device, modern (version 2) or legacy (version 1, the default of QEMU).
///
/// **Spec** §4.2 (Virtio Over MMIO). **Threading** `notify` and `on_interrupt` may run at any time, on any CPU. All
/// other calls belong to initialisation; the caller serialises them. **Life** Call `probe`, then device code does the
/// rest. All zero at first.
///
/// ```
/// static virtq::MmioTransport<> transport;
/// virtq::Status found = transport.probe(virtq::MmioSpace{mapped_slot_address});
/// if (found.error() == virtq::Error::no_device) { /* an empty slot: try the next */ }
/// ```
template <class Space = MmioSpace>
class MmioTransport {
    static_assert(detail::check_register_space<Space>());

public:
    constexpr MmioTransport() = default;

    /// Identifies the device behind `space`, in the order that §4.2.3.1.1 requires. Errors: `no_device` for an empty
    /// slot (usual), `not_virtio`, `version_unknown`, `device_gone` (all ones: not mapped).
    [[__nodiscard__]] Status probe(Space space) {
        VIRTQ_ASSERT(
            !record_.is_in_use(),
            "probe() was called on a transport in use: its device has a queue. Give each device a transport of its "
            "own. If it is not in use, check that your boot code clears .bss.");
        space_ = space;
        record_.begin_probe();
        record_.set_probed();
        device_id_ = spec::DeviceId::none;  // an empty slot must not keep the type of the slot before
        legacy_ = false;
        notification_data_ = false;
        uint32_t const magic = read(spec::mmio::magic_value);
        if (magic == UINT32_MAX) {
            return Error::device_gone;
        }
        if (magic != spec::mmio::magic) {
            return Error::not_virtio;
        }
        uint32_t const version = read(spec::mmio::version);
        if (version != spec::mmio::version_modern && version != spec::mmio::version_legacy) {
            return Error::version_unknown;
        }
        legacy_ = version == spec::mmio::version_legacy;
        device_id_ = static_cast<spec::DeviceId>(read(spec::mmio::device_id));
        return device_id_ == spec::DeviceId::none ? Status{Error::no_device} : Status{};
    }

    /// The device type (§5); `none` until a probe has succeeded.
    [[__nodiscard__]] spec::DeviceId device_id() const { return device_id_; }
    [[__nodiscard__]] bool is_legacy() const { return legacy_; }  ///< version 1 (§4.2.4)
    /// Whether `probe` was called, whatever it found. Before that, there are no registers to access.
    [[__nodiscard__]] bool is_probed() const { return record_.is_probed(); }

    /// Whether a queue was configured, and the device not reset since.
    [[__nodiscard__]] bool is_in_use() const { return record_.is_in_use(); }

    /// One above the highest queue that was enabled since `probe`.
    [[__nodiscard__]] uint32_t enabled_queue_end() const { return record_.enabled_queue_end(); }

    /// A record of the calls so far, for diag/.
    [[__nodiscard__]] detail::TransportRecord const& record() const { return record_; }

    /// The registers, for diag/: it reads some that no driver needs.
    [[__nodiscard__]] Space& mmio_space() { return space_; }

    /// Leaves out the bits that need PCI: §4.2.5 (Features reserved for future use) and §6.
    [[__nodiscard__]] Features possible_features() const {
        Features possible;
        for (unsigned word = 0; word < (legacy_ ? 1u : Features::word_count); ++word) {
            possible.set_word(word, UINT32_MAX);
        }
        possible.clear(spec::Feature::admin_vq);
        possible.clear(spec::Feature::sr_iov);
        possible.clear(spec::Feature::notif_config_data);
        return possible;
    }

    /// The device status field (§2.1); all ones if nothing answers.
    [[__nodiscard__]] DeviceStatus status() {
        check_probed();
        return DeviceStatus{static_cast<uint8_t>(read(spec::mmio::status))};
    }
    /// Writes the device status field (§2.1). Before status 0 it stops the queues of a modern device (§4.2.2.2).
    void set_status(DeviceStatus status) {
        check_probed();
        if (status.is_reset() && record_.is_in_use() && !legacy_) {
            stop_queues();
        }
        record_.set_status(status);
        write(spec::mmio::status, uint32_t{status.bits()});
    }

    /// 32 offered feature bits, from bit `32 * word` on (§2.2).
    [[__nodiscard__]] uint32_t offered_features(unsigned word) {
        check_probed();
        write(spec::mmio::device_features_sel, uint32_t{word});
        return read(spec::mmio::device_features);
    }
    /// Writes 32 accepted feature bits, from bit `32 * word` on (§2.2).
    void accept_features(unsigned word, uint32_t bits) {
        check_probed();
        write(spec::mmio::driver_features_sel, uint32_t{word});
        write(spec::mmio::driver_features, bits);
        if (word == word_of_notification_data) {
            notification_data_ = (bits & notification_data_bit) != 0;
        }
    }

    /// How many queues the device has. No register holds this number, so this counts the queues up to the first of
    /// size 0. Call it after `DeviceInit::negotiate`, before a queue is set up.
    [[__nodiscard__]] uint16_t queue_count() { return count_queues(*this); }
    /// The largest size of a queue, in descriptors; 0 if the device has no such queue (§4.2.2).
    [[__nodiscard__]] uint32_t queue_size_max(uint16_t queue) {
        select(queue);
        return read(spec::mmio::queue_size_max);
    }
    /// §4.2.4: even a legacy driver writes the size it chose, unlike on PCI.
    [[__nodiscard__]] bool is_queue_size_fixed() const { return false; }
    /// Returns `size`: QueueSize cannot be read back, and `enable_queue` writes it.
    [[__nodiscard__]] uint32_t choose_queue_size(uint16_t, uint32_t size) { return size; }

    /// Whether the queue is enabled already: QueueReady, with the legacy interface QueuePFN, is not 0 (§4.2.3.2).
    [[__nodiscard__]] bool is_queue_in_use(uint16_t queue) {
        select(queue);
        return legacy_ ? read(spec::mmio::legacy_queue_pfn) != 0 : read(spec::mmio::queue_ready) != 0;
    }

    /// §4.2.3.2 (Virtqueue Configuration). Error: `queue_not_accepted` if the last register does not read back.
    [[__nodiscard__]] Status enable_queue(uint16_t queue, QueueAddresses const& addresses) {
        record_.add_queue(queue);
        select(queue);
        write(spec::mmio::queue_size, uint32_t{addresses.size});
        return legacy_ ? place_legacy_queue(addresses) : place_modern_queue(addresses);
    }

    /// Notifies the device of new buffers in a queue (§4.2.2). With NOTIFICATION_DATA call the other overload.
    void notify(uint16_t queue) {
        check_probed();  // first: an object that was not probed may hold garbage
        VIRTQ_ASSERT(
            !notification_data_,
            "notify(queue) was called for a device with NOTIFICATION_DATA. Give it also the `next` that publish() "
            "returned.");
        notify(queue, 0);
    }
    /// §4.2.2: writes the queue number, and above it `next` if NOTIFICATION_DATA was negotiated.
    void notify(uint16_t queue, uint16_t next) {
        check_probed();
        uint32_t const data = notification_data_ ? uint32_t{next} << 16 : 0;
        record_.add_notify(queue);
        write(spec::mmio::queue_notify, data | queue);
    }

    /// Begins to reset a queue (§4.2.2.2). QEMU 7.2 offers RING_RESET without this register: there the queue stays
    /// enabled.
    void reset_queue(uint16_t queue) {
        select(queue);
        write(spec::mmio::queue_reset, uint32_t{1});
    }
    /// Whether the reset is complete and the queue disabled (§2.6.1).
    [[__nodiscard__]] bool is_queue_reset(uint16_t queue) {
        select(queue);
        return read(spec::mmio::queue_reset) == 0 && read(spec::mmio::queue_ready) == 0;
    }

    /// Acknowledges, then returns the cause. A second call returns no cause: call it once per interrupt, and keep the
    /// result.
    InterruptCause on_interrupt() {
        check_probed();
        record_.add_interrupt();
        constexpr uint32_t known = spec::mmio::interrupt_used_buffer | spec::mmio::interrupt_config_change;
        uint32_t const causes = read(spec::mmio::interrupt_status) & known;
        if (causes != 0) {
            write(spec::mmio::interrupt_ack, causes);
        }
        return {(causes & spec::mmio::interrupt_used_buffer) != 0,
                (causes & spec::mmio::interrupt_config_change) != 0};
    }

    /// Reads a field of 8 bits, `offset` bytes into the configuration space (§2.5). Nothing checks `offset`.
    [[__nodiscard__]] uint8_t read_config8(uint16_t offset) { return space_.read8(in_config(offset)); }
    /// Reads a field of 16 bits. The result is native, whatever the device's byte order (§2.5.3).
    [[__nodiscard__]] uint16_t read_config16(uint16_t offset) {
        return config_order(space_.read16(in_config(offset)));
    }
    /// Reads a field of 32 bits. The result is native, whatever the device's byte order (§2.5.3).
    [[__nodiscard__]] uint32_t read_config32(uint16_t offset) {
        return config_order(space_.read32(in_config(offset)));
    }

    /// Writes a field of 8 bits, `offset` bytes into the configuration space (§2.5).
    void write_config8(uint16_t offset, uint8_t value) { space_.write8(in_config(offset), value); }
    /// Writes a field of 16 bits. `value` is native, whatever the device's byte order (§2.5.3).
    void write_config16(uint16_t offset, uint16_t value) { space_.write16(in_config(offset), config_order(value)); }
    /// Writes a field of 32 bits. `value` is native, whatever the device's byte order (§2.5.3).
    void write_config32(uint16_t offset, uint32_t value) { space_.write32(in_config(offset), config_order(value)); }

    /// Changes whenever a read may have been torn (§2.5). A legacy device has none and
    /// returns 0: read a field twice and compare.
    [[__nodiscard__]] uint32_t config_generation() {
        check_probed();
        return legacy_ ? 0 : read(spec::mmio::config_generation);
    }

private:
    /// Stops a call that would otherwise access address 0.
    void check_probed() const {
        VIRTQ_ASSERT(record_.is_probed(),
                     "This transport was not probed, or was moved, cleared or overwritten since. Call probe() first, "
                     "and leave it where it is: drivers keep its address.");
    }

    template <class Word, detail::Access access>
    [[__nodiscard__]] Word read(detail::Register<Word, access> which) {
        return platform::read_register(space_, which);
    }
    template <class Word, detail::Access access>
    void write(detail::Register<Word, access> which, Word value) {
        platform::write_register(space_, which, value);
    }
    void write(detail::WriteOnlyPair which, PhysAddr address) {
        platform::write_register(space_, which, address.value);
    }

    void select(uint16_t queue) {
        check_probed();
        write(spec::mmio::queue_sel, uint32_t{queue});
    }

    /// §4.2.2.2: stops each queue by writing 0 to QueueReady and reading it back. `reset_device` checks the value
    /// after the reset. A queue that reads 0 needs none of that, and may be one that the device does not have.
    void stop_queues() {
        for (uint32_t queue = 0; queue < record_.enabled_queue_end(); ++queue) {
            write(spec::mmio::queue_sel, queue);
            if (read(spec::mmio::queue_ready) != 0) {
                write(spec::mmio::queue_ready, uint32_t{0});
                static_cast<void>(read(spec::mmio::queue_ready));
            }
        }
    }

    [[__nodiscard__]] Status place_modern_queue(QueueAddresses const& addresses) {
        write(spec::mmio::queue_desc, addresses.descriptor_area);
        write(spec::mmio::queue_driver, addresses.driver_area);
        write(spec::mmio::queue_device, addresses.device_area);
        write(spec::mmio::queue_ready, uint32_t{1});
        return read(spec::mmio::queue_ready) == 1 ? Status{} : Status{Error::queue_not_accepted};
    }

    [[__nodiscard__]] Status place_legacy_queue(QueueAddresses const& addresses) {
        // A reset may clear the page size, without which the page number means nothing. So it is written with each
        // queue.
        write(spec::mmio::legacy_guest_page_size, pfn_unit_bytes);
        write(spec::mmio::legacy_queue_align, spec::legacy_queue_align);
        write(spec::mmio::legacy_queue_pfn, addresses.pfn());
        return read(spec::mmio::legacy_queue_pfn) == addresses.pfn() ? Status{} : Status{Error::queue_not_accepted};
    }

    [[__nodiscard__]] uint16_t in_config(uint16_t offset) const {
        check_probed();
        return static_cast<uint16_t>(spec::mmio::config_offset + offset);
    }
    /// The register space converts words from and to little-endian. A legacy configuration is in the guest's byte order
    /// (§2.5.3), so this undoes it.
    template <class Word>
    [[__nodiscard__]] Word config_order(Word word) const {
        return legacy_ ? detail::little_endian(word) : word;
    }

    static constexpr unsigned word_of_notification_data = static_cast<unsigned>(spec::Feature::notification_data) / 32;
    static constexpr uint32_t notification_data_bit =
        uint32_t{1} << (static_cast<unsigned>(spec::Feature::notification_data) % 32);

    Space space_{};
    [[__no_unique_address__]] detail::TransportRecord record_;  // first: its padding holds the members below
    bool legacy_ = false;
    bool notification_data_ = false;  ///< NOTIFICATION_DATA was accepted
    spec::DeviceId device_id_ = spec::DeviceId::none;
};

static_assert(Transport<MmioTransport<>>);

}  // namespace virtq
