// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/register_access.hpp>
#include <virtq/platform/device_mapper.hpp>
#include <virtq/platform/mmio_space.hpp>
#include <virtq/platform/register_space.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/detail/pci/msix.hpp>
#include <virtq/transport/detail/pci/pci_doorbells.hpp>
#include <virtq/transport/detail/pci/pci_layout.hpp>
#include <virtq/transport/detail/pci/pci_mapping.hpp>
#include <virtq/transport/detail/pci/pci_vectors.hpp>
#include <virtq/transport/detail/transport_record.hpp>
#include <virtq/transport/pci_bridge.hpp>
#include <virtq/transport/pci_option.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

namespace virtq {

/// A virtio device on PCI, through its modern interface.
///
/// **Spec** §4.1 (Virtio Over PCI Bus). **Threading** `notify`, `on_interrupt` and `on_vector` may run at any time, on
/// any CPU. All other calls belong to initialisation; the caller serialises them. **Life** Call `probe`, perhaps
/// `use_msix`, then device code does the rest. All zero at first.
/// **Queues** By default (`queue_count_max` is 0) the first 16 queues of any device can be used. If queue_notify_off
/// of queue n is n, as on all hosts that we know, all queues can be used. Otherwise `queue_count_max` is the limit for
/// any device, at 8 bytes a queue.
///
/// ```
/// static virtq::PciModernTransport<> transport;
/// virtq::PciFunction function{config_access, {0, 3, 0}};
/// virtq::Status found = transport.probe(function, device_mapper);
/// ```
template <class Space = MmioSpace, uint16_t queue_count_max = 0>
class PciModernTransport {
    static_assert(detail::check_divisible_space<Space>());

public:
    constexpr PciModernTransport() = default;

    /// Finds and maps the registers of `function`, and enables the memory space and bus mastering. Errors:
    /// `pci_function_absent`, `pci_access_widths_differ`, `not_virtio`, `pci_modern_absent` (try
    /// `PciLegacyTransport`), `pci_structure_missing`, `pci_structure_invalid`, `pci_capability_list_broken`,
    /// `pci_bar_unassigned`, `pci_command_refused`, `pci_not_mapped`, `pci_mappings_overlap`, `device_gone`.
    template <PciConfigAccess Access, class Mapper>
    [[__nodiscard__]] Status probe(PciFunction<Access> const& function, Mapper& mapper) {
        return probe(function, mapper, detail::PciAssignedByFirmware{});
    }
    /// As above, with a `PciProbeOption`: assigns an address from its windows to each BAR that has none. Errors: also
    /// `pci_window_full`, `pci_bridge_closed`.
    template <PciConfigAccess Access, class Mapper, class Option = PciProbeOption>
    [[__nodiscard__]] Status probe(PciFunction<Access> const& function, Mapper& mapper, Option const& option) {
        static_assert(detail::check_device_mapper<Mapper>());
        Found found;
        if (Error const error = start_probe(function, found); error != Error::none) {
            return error;
        }
        if (Status const placed = detail::place_bars(found.bars, function, option); !placed) {
            return placed;
        }
        detail::PciMappings mappings;
        auto const map = [&](detail::PciStructure const& which, Space& place) {
            Result<uintptr_t> const mapped = detail::map_structure(found.bars, which, mapper);
            if (mapped && !mappings.add(*mapped, which.length)) {
                return Error::pci_mappings_overlap;
            }
            if (mapped) {
                place = Space{*mapped};
            }
            return mapped.error();
        };
        Error const error = map_all(found.layout, map);
        return error == Error::none ? finish_probe(function, spec::pci::command_memory_space, found.type) : error;
    }

    /// As `probe`, for a device whose BARs cannot be mapped. It reaches the registers through the configuration space
    /// (§4.1.4.9), with `PciConfigWindow<Access>` as `Space`. A register access takes four configuration accesses, so
    /// `notify` and `on_interrupt` must be serialised too. Errors: as above; `pci_structure_missing` also if the
    /// device has no such window.
    template <PciConfigAccess Access>
    [[__nodiscard__]] Status probe_through_window(PciFunction<Access> const& function) {
        Found found;
        Error const error = start_probe(function, found);
        if (error != Error::none || found.layout.window == 0) {
            return error == Error::none ? Error::pci_structure_missing : error;
        }
        static_cast<void>(map_all(found.layout, [&](detail::PciStructure const& which, Space& place) {
            place = Space{function, found.layout.window, which.bar, which.offset};
            return Error::none;
        }));
        // Do not enable the memory space: BARs without an address would answer at address 0.
        return finish_probe(function, 0, found.type);
    }

    /// Enables MSI-X with one message per vector, and returns the number of vectors. Vector 0 is for configuration
    /// changes; the queues share the others (`PciVectors`). Call it after `probe`, before `init`. Errors: those of
    /// `enable_msix`.
    template <PciConfigAccess Access, class Mapper>
    [[__nodiscard__]] Result<uint16_t> use_msix(PciFunction<Access> const& function, Mapper& mapper,
                                                Span<MsiMessage const> messages) {
        static_assert(detail::check_device_mapper<Mapper>());
        VIRTQ_ASSERT(!record_.is_in_use(),
                     "use_msix() was called for a device that has a queue. Call it between probe() and init().");
        Result<uint16_t> const count = detail::enable_msix<Space>(function, mapper, messages);
        use_vectors(count ? *count : uint16_t{0});
        return count;
    }
    /// Sets the number of vectors, for a kernel that has enabled MSI-X itself. Call it after `probe`.
    void use_vectors(uint16_t count) { vectors_ = detail::PciVectors{count}; }

    /// The device type (§5); `none` until a probe has succeeded.
    [[__nodiscard__]] spec::DeviceId device_id() const { return device_id_; }
    [[__nodiscard__]] bool is_legacy() const { return false; }  ///< never (§1.3.1)
    /// Whether `probe` reached the registers, whatever it found there.
    [[__nodiscard__]] bool is_probed() const { return record_.is_probed(); }
    /// A record of the calls so far, for diag/.
    [[__nodiscard__]] detail::TransportRecord const& record() const { return record_; }
    /// Whether interrupts come by MSI-X; otherwise by INTx, on `interrupt_line()`.
    [[__nodiscard__]] bool uses_vectors() const { return vectors_.in_use(); }
    /// The pin and the line register of the function, for INTx.
    [[__nodiscard__]] PciLine interrupt_line() const { return line_; }
    /// The vector that the device has for a queue, for diag/. It is `no_vector` if there is none, or if interrupts
    /// come by INTx.
    [[__nodiscard__]] uint16_t queue_vector(uint16_t queue) {
        if (!vectors_.in_use()) {
            return spec::pci::no_vector;
        }
        select(queue);
        return read(spec::pci::common::queue_msix_vector);
    }
    /// Whether a queue was configured, and the device not reset since.
    [[__nodiscard__]] bool is_in_use() const { return record_.is_in_use(); }
    /// One above the highest queue that was enabled since `probe`.
    [[__nodiscard__]] uint32_t enabled_queue_end() const { return record_.enabled_queue_end(); }
    /// Leaves out the bits of §6 whose registers are beyond the end of the device's structures.
    [[__nodiscard__]] Features possible_features() const {
        Features possible;
        for (unsigned word = 0; word < Features::word_count; ++word) {
            possible.set_word(word, UINT32_MAX);
        }
        if (!has_queue_reset()) {
            possible.clear(spec::Feature::ring_reset);
        }
        if (common_bytes_ < spec::pci::common::bytes_with_notif_config_data) {
            possible.clear(spec::Feature::notif_config_data);
        }
        return possible;
    }

    /// The device status field (§2.1); all ones if nothing answers.
    [[__nodiscard__]] DeviceStatus status() {
        check_probed();
        return DeviceStatus{read(spec::pci::common::device_status)};
    }
    /// Writes the device status field (§2.1); status 0 requests a reset (§2.4).
    void set_status(DeviceStatus status) {
        check_probed();
        record_.set_status(status);
        write(spec::pci::common::device_status, status.bits());
    }

    /// 32 offered feature bits, from bit `32 * word` on (§2.2).
    [[__nodiscard__]] uint32_t offered_features(unsigned word) {
        check_probed();
        write(spec::pci::common::device_feature_select, uint32_t{word});
        return read(spec::pci::common::device_feature);
    }
    /// Writes 32 accepted feature bits, from bit `32 * word` on (§2.2).
    void accept_features(unsigned word, uint32_t bits) {
        check_probed();
        write(spec::pci::common::driver_feature_select, uint32_t{word});
        write(spec::pci::common::driver_feature, bits);
        if (word == word_of_notification_bits) {
            sends_data_ = (bits & notification_data_bit) != 0;
            has_names_ = (bits & notif_config_data_bit) != 0;
        }
    }

    /// §4.1.4.3: how many queues the device has, not counting administration virtqueues.
    [[__nodiscard__]] uint16_t queue_count() {
        check_probed();
        return read(spec::pci::common::num_queues);
    }
    /// The largest size of a queue, in descriptors; 0 if the device has no such queue (§4.1.4.3).
    [[__nodiscard__]] uint32_t queue_size_max(uint16_t queue) {
        select(queue);
        return read(spec::pci::common::queue_size);
    }
    [[__nodiscard__]] bool is_queue_size_fixed() const { return false; }  ///< §4.1.4.3: queue_size can be written
    /// §4.1.5.1.3: requests a smaller size, and reads it back, because some devices ignore the request.
    [[__nodiscard__]] uint32_t choose_queue_size(uint16_t queue, uint32_t size) {
        select(queue);
        write(spec::pci::common::queue_size, static_cast<uint16_t>(size));
        return read(spec::pci::common::queue_size);
    }

    /// Whether the queue is enabled already: queue_enable is not 0 (§4.1.4.3).
    [[__nodiscard__]] bool is_queue_in_use(uint16_t queue) {
        select(queue);
        return read(spec::pci::common::queue_enable) != 0;
    }

    /// The configured size and addresses of a queue, for diag/: on PCI these registers read back (§4.1.4.3).
    [[__nodiscard__]] QueueAddresses configured_addresses(uint16_t queue) {
        select(queue);
        return {read(spec::pci::common::queue_size), read(spec::pci::common::queue_desc),
                read(spec::pci::common::queue_driver), read(spec::pci::common::queue_device)};
    }

    /// §4.1.5.1.3 (Virtqueue Configuration). Errors: `queue_above_transport`, `vector_refused`,
    /// `queue_size_not_taken`, `pci_structure_invalid` for a doorbell outside its structure, `queue_not_accepted`.
    [[__nodiscard__]] Status enable_queue(uint16_t queue, QueueAddresses const& addresses) {
        record_.add_queue(queue);
        if (choose_queue_size(queue, addresses.size) != addresses.size) {
            return Error::queue_size_not_taken;
        }
        if (Status const placed = place_doorbell(queue); !placed) {
            return placed;
        }
        if (vectors_.in_use() && !set_vectors(queue)) {
            return Error::vector_refused;
        }
        write(spec::pci::common::queue_desc, addresses.descriptor_area);
        write(spec::pci::common::queue_driver, addresses.driver_area);
        write(spec::pci::common::queue_device, addresses.device_area);
        write(spec::pci::common::queue_enable, uint16_t{1});
        return read(spec::pci::common::queue_enable) == 1 ? Status{} : Status{Error::queue_not_accepted};
    }

    /// Allowed only without NOTIFICATION_DATA, which is negotiated only if the driver wants it.
    void notify(uint16_t queue) {
        check_probed();  // first: an object that was not probed may hold garbage
        VIRTQ_ASSERT(
            !sends_data_,
            "notify(queue) was called for a device with NOTIFICATION_DATA. Give it also the `next` that publish() "
            "returned.");
        notify(queue, 0);
    }
    /// §4.1.5.2 (Available Buffer Notifications). `queue` must be enabled. Without a `queue_count_max` the assertion
    /// covers queues 0 to 15 only. Above, it accepts a queue that is not enabled if a higher one is: the write still
    /// goes to that queue's own place in the structure.
    void notify(uint16_t queue, uint16_t next) {
        check_probed();
        auto const doorbell = doorbells_.of(queue);
        VIRTQ_ASSERT(doorbell.placed,
                     "notify() was called for a queue that was not enabled. Call init() or set_up_queue() first.");
        if (!doorbell.placed) {
            return;
        }
        record_.add_notify(queue);
        Space place = notify_.at(doorbell.offset);
        if (sends_data_) {
            place.write32(0, (uint32_t{next} << 16) | doorbell.value);
        } else {
            place.write16(0, doorbell.value);
        }
    }

    /// §2.6.1, §4.1.4.3.2. Does nothing if the device has no such register, and so cannot have RING_RESET.
    void reset_queue(uint16_t queue) {
        if (has_queue_reset()) {
            select(queue);
            write(spec::pci::common::queue_reset, uint16_t{1});
        }
    }
    /// Whether the reset is complete and the queue disabled (§2.6.1). Always false if the device has no queue_reset.
    [[__nodiscard__]] bool is_queue_reset(uint16_t queue) {
        if (!has_queue_reset()) {
            return false;
        }
        select(queue);
        return read(spec::pci::common::queue_reset) == 0 && read(spec::pci::common::queue_enable) == 0;
    }

    /// Handles INTx, on a line that other devices may share: without a cause, another device interrupted. Reading
    /// acknowledges, so a second call returns no cause. Call it once per interrupt, and keep the result.
    InterruptCause on_interrupt() {
        check_probed();
        record_.add_interrupt();
        return detail::pci_interrupt_cause(isr_.read8(spec::pci::isr_status.offset));
    }
    /// Handles a vector of MSI-X. No other device has it, and it needs no acknowledgement.
    InterruptCause on_vector(uint16_t vector) {
        record_.add_vector();
        return vectors_.cause(vector);
    }

    /// Reads a field of 8 bits, `offset` bytes into the configuration space (§2.5); 0 if the device has none there.
    [[__nodiscard__]] uint8_t read_config8(uint16_t offset) {
        return has_config(offset, 1) ? config_.read8(offset) : 0;
    }
    /// Reads a field of 16 bits, converted from little-endian; 0 if the device has none there.
    [[__nodiscard__]] uint16_t read_config16(uint16_t offset) {
        return has_config(offset, 2) ? config_.read16(offset) : 0;
    }
    /// Reads a field of 32 bits, converted from little-endian; 0 if the device has none there.
    [[__nodiscard__]] uint32_t read_config32(uint16_t offset) {
        return has_config(offset, 4) ? config_.read32(offset) : 0;
    }
    /// Writes a field of 8 bits. Does nothing if the device has none there.
    void write_config8(uint16_t offset, uint8_t value) {
        if (has_config(offset, 1)) {
            config_.write8(offset, value);
        }
    }
    /// Writes a field of 16 bits, converted to little-endian. Does nothing if the device has none there.
    void write_config16(uint16_t offset, uint16_t value) {
        if (has_config(offset, 2)) {
            config_.write16(offset, value);
        }
    }
    /// Writes a field of 32 bits, converted to little-endian. Does nothing if the device has none there.
    void write_config32(uint16_t offset, uint32_t value) {
        if (has_config(offset, 4)) {
            config_.write32(offset, value);
        }
    }
    /// Whether the device configuration has `bytes` bytes. Errors: `config_absent`, `config_refused` if the probe
    /// could not use it, `config_too_short`.
    [[__nodiscard__]] Status check_config(uint32_t bytes) const {
        check_probed();
        if (config_error_ != Error::none) {
            return config_error_;
        }
        return bytes <= config_bytes_ ? Status{} : Status{Error::config_too_short};
    }
    /// Changes whenever a read may have been torn (§2.5).
    [[__nodiscard__]] uint32_t config_generation() {
        check_probed();
        return read(spec::pci::common::config_generation);
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
        return platform::read_register(common_, which);
    }
    template <class Word, detail::Access access>
    void write(detail::Register<Word, access> which, Word value) {
        platform::write_register(common_, which, value);
    }
    [[__nodiscard__]] PhysAddr read(detail::ReadWritePair which) {
        return PhysAddr{platform::read_register(common_, which)};
    }
    void write(detail::ReadWritePair which, PhysAddr address) {
        platform::write_register(common_, which, address.value);
    }

    void select(uint16_t queue) {
        check_probed();
        write(spec::pci::common::queue_select, queue);
    }

    // --- probe ---

    /// What both probes read first.
    struct Found {
        spec::DeviceId type = spec::DeviceId::none;
        detail::PciBars bars;
        detail::PciLayout layout;
    };

    /// Identifies the device, and finds its structures. Not inlined, because both probes begin with it.
    template <PciConfigAccess Access>
    [[__nodiscard__]] [[gnu::__noinline__]] Error start_probe(PciFunction<Access> const& function, Found& found) {
        VIRTQ_ASSERT(!record_.is_in_use(),
                     "probe() was called on a transport in use: its device has a queue. Give each device a transport "
                     "of its own.");
        *this = PciModernTransport{};
        Result<spec::DeviceId> const type = detail::identify(function);
        if (!type) {
            return type.error();
        }
        found.type = *type;
        detail::disable_msix(function);  // firmware may have left it on
        line_ = detail::find_line(function);
        found.bars.measure(function);
        detail::PciLayout& layout = found.layout;
        if (Error const error = detail::find_layout(function, found.bars, layout); error != Error::none) {
            return error;
        }
        common_bytes_ = layout.common.length;
        doorbells_.use_structure(layout.notify.offset, layout.notify.length, layout.notify_off_multiplier);
        config_bytes_ = layout.device.length;
        config_error_ = layout.device_error;
        return Error::none;
    }

    /// Maps the structures before the device decodes its BARs: a BAR with address 0 would answer there.
    /// `map(PciStructure, Space&)` maps a structure and stores where its registers are.
    template <class Map>
    [[__nodiscard__]] Error map_all(detail::PciLayout const& layout, Map const& map) {
        for (Part const& part : parts) {
            if ((layout.*part.structure).exists()) {
                if (Error const error = map(layout.*part.structure, this->*part.space); error != Error::none) {
                    return error;
                }
            }
        }
        return Error::none;
    }

    /// Enables the device, and checks that it answers.
    template <PciConfigAccess Access>
    [[__nodiscard__]] Status finish_probe(PciFunction<Access> const& function, uint16_t spaces, spec::DeviceId type) {
        if (Status const enabled = detail::enable_pci(function, spaces); !enabled) {
            return enabled;
        }
        record_.set_probed();
        if (status().is_gone()) {
            return Error::device_gone;
        }
        device_id_ = type;
        return {};
    }

    // --- queues ---

    /// §4.1.4.4 (Notification structure layout). Errors: those of `PciDoorbells::place`.
    [[__nodiscard__]] Status place_doorbell(uint16_t queue) {
        uint16_t const value = has_names_ ? read(spec::pci::common::queue_notif_config_data) : queue;
        return doorbells_.place(queue, read(spec::pci::common::queue_notify_off), value, sends_data_ ? 4 : 2);
    }

    /// §4.1.5.1.2.2: sets both vectors, and returns whether the device took them.
    [[__nodiscard__]] bool set_vectors(uint16_t queue) {
        write(spec::pci::common::config_msix_vector, vectors_.of_config());
        write(spec::pci::common::queue_msix_vector, vectors_.of_queue(queue));
        return read(spec::pci::common::config_msix_vector) == vectors_.of_config() &&
               read(spec::pci::common::queue_msix_vector) == vectors_.of_queue(queue);
    }

    /// Older devices have a shorter structure, without this register.
    [[__nodiscard__]] bool has_queue_reset() const {
        return common_bytes_ >= spec::pci::common::bytes_with_queue_reset;
    }
    /// Whether the device configuration has this field. A missing field reads as 0.
    [[__nodiscard__]] bool has_config(uint16_t offset, uint32_t bytes) const {
        check_probed();
        return offset + bytes <= config_bytes_;
    }

    static constexpr unsigned word_of_notification_bits = static_cast<unsigned>(spec::Feature::notification_data) / 32;
    static constexpr uint32_t notification_data_bit =
        uint32_t{1} << (static_cast<unsigned>(spec::Feature::notification_data) % 32);
    static constexpr uint32_t notif_config_data_bit =
        uint32_t{1} << (static_cast<unsigned>(spec::Feature::notif_config_data) % 32);

    Space common_{};
    Space notify_{};
    Space isr_{};
    Space config_{};
    uint32_t common_bytes_ = 0;
    detail::PciVectors vectors_;
    PciLine line_;
    spec::DeviceId device_id_ = spec::DeviceId::none;
    Error config_error_ = Error::none;
    [[__no_unique_address__]] detail::TransportRecord record_;  // first: its padding holds the members below
    bool sends_data_ = false;                                   ///< NOTIFICATION_DATA was accepted
    bool has_names_ = false;                                    ///< NOTIF_CONFIG_DATA was accepted
    uint32_t config_bytes_ = 0;
    detail::PciDoorbells<queue_count_max> doorbells_;

    // After the members that it points to.
    struct Part {
        detail::PciStructure detail::PciLayout::*structure;
        Space PciModernTransport::*space;
    };
    static constexpr Part parts[] = {{&detail::PciLayout::common, &PciModernTransport::common_},
                                     {&detail::PciLayout::notify, &PciModernTransport::notify_},
                                     {&detail::PciLayout::isr, &PciModernTransport::isr_},
                                     {&detail::PciLayout::device, &PciModernTransport::config_}};
};

static_assert(Transport<PciModernTransport<>>);

}  // namespace virtq
