// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/platform/detail/register_access.hpp>
#include <virtq/platform/device_mapper.hpp>
#include <virtq/platform/port_space.hpp>
#include <virtq/platform/register_space.hpp>
#include <virtq/spec/pci.hpp>
#include <virtq/transport/detail/pci/msix.hpp>
#include <virtq/transport/detail/pci/pci_vectors.hpp>
#include <virtq/transport/detail/transport_record.hpp>
#include <virtq/transport/pci_bridge.hpp>
#include <virtq/transport/pci_option.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

namespace virtq {

/// A virtio device on PCI, through its legacy interface. The registers are in BAR 0: I/O ports (`PortSpace`) in the
/// standard, memory (`MmioSpace`) in some devices.
///
/// **Spec** §4.1.4.10 (Legacy Interfaces: A Note on PCI Device Layout). **Threading** and **Life** are those of
/// `PciModernTransport`. All zero at first.
template <class Space = PortSpace>
class PciLegacyTransport {
    static_assert(detail::check_divisible_space<Space>());

public:
    constexpr PciLegacyTransport() = default;

    /// Finds and maps BAR 0, and enables its space and bus mastering. Errors: `pci_function_absent`,
    /// `pci_access_widths_differ`, `not_virtio`, `pci_legacy_absent` for a device without a legacy interface in this
    /// kind of space, `pci_bar_unassigned`, `pci_command_refused`, `pci_not_mapped`, `device_gone`.
    template <PciConfigAccess Access, class Mapper>
    [[__nodiscard__]] Status probe(PciFunction<Access> const& function, Mapper& mapper) {
        return probe(function, mapper, detail::PciAssignedByFirmware{});
    }
    /// As above, with a `PciProbeOption`: assigns an address from its windows to each BAR that has none. Errors: also
    /// `pci_window_full`, `pci_bridge_closed`.
    template <PciConfigAccess Access, class Mapper, class Option = PciProbeOption>
    [[__nodiscard__]] Status probe(PciFunction<Access> const& function, Mapper& mapper, Option const& option) {
        static_assert(detail::check_device_mapper<Mapper>());
        VIRTQ_ASSERT(!record_.is_in_use(),
                     "probe() was called on a transport in use: its device has a queue. Give each device a transport "
                     "of its own.");
        *this = PciLegacyTransport{};
        Result<spec::DeviceId> const type = detail::identify(function);
        if (!type) {
            return type.error();
        }
        if (function.read(spec::pci::device_id) >= spec::pci::device_modern_first) {
            return Error::pci_legacy_absent;  // §4.1.2.3: such an ID has no legacy interface
        }
        detail::PciBars bars;
        bars.measure(function);
        if (detail::PciBar const bar = bars[spec::pci::legacy::bar];
            !takes(bar.kind) || bar.bytes < spec::pci::legacy::config_offset_msix) {
            return Error::pci_legacy_absent;
        }
        detail::disable_msix(function);  // firmware may have left it on, which moves the configuration
        line_ = detail::find_line(function);
        Status const placed = detail::place_bars(bars, function, option);
        if (!placed && !bars[spec::pci::legacy::bar].is_assigned()) {  // only a failure of BAR 0 matters
            return placed;
        }
        if (Status const mapped = map(bars[spec::pci::legacy::bar], mapper); !mapped) {
            return mapped;
        }
        if (Status const enabled = detail::enable_pci(function, space_bit(bars[spec::pci::legacy::bar].kind));
            !enabled) {
            return enabled;
        }
        return take(*type);
    }

    /// As `PciModernTransport::use_msix`. It also enables the memory space, where the table is. Errors:
    /// `pci_command_refused`, and those of `enable_msix`.
    template <DivisibleSpace TableSpace = MmioSpace, PciConfigAccess Access, class Mapper>
    [[__nodiscard__]] Result<uint16_t> use_msix(PciFunction<Access> const& function, Mapper& mapper,
                                                Span<MsiMessage const> messages) {
        static_assert(detail::check_device_mapper<Mapper>());
        VIRTQ_ASSERT(!record_.is_in_use(),
                     "use_msix() was called for a device that has a queue. Call it between probe() and init().");
        if (Status const enabled = detail::enable_pci(function, spec::pci::command_memory_space); !enabled) {
            return enabled.error();
        }
        Result<uint16_t> const count = detail::enable_msix<TableSpace>(function, mapper, messages);
        use_vectors(count ? *count : uint16_t{0});
        return count;
    }
    /// Sets the number of vectors, for a kernel that has enabled MSI-X itself. Call it after `probe`.
    void use_vectors(uint16_t count) { vectors_ = detail::PciVectors{count}; }

    /// The device type (§5); `none` until a probe has succeeded.
    [[__nodiscard__]] spec::DeviceId device_id() const { return device_id_; }
    [[__nodiscard__]] bool is_legacy() const { return true; }  ///< always (§1.3.1)
    /// Whether `probe` reached the registers, whatever it found there.
    [[__nodiscard__]] bool is_probed() const { return record_.is_probed(); }
    /// A record of the calls so far, for diag/.
    [[__nodiscard__]] detail::TransportRecord const& record() const { return record_; }
    /// The registers, for `AnyTransport`.
    [[__nodiscard__]] Space const& space() const { return space_; }
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
        return read(spec::pci::legacy::queue_msix_vector);
    }
    /// Whether a queue was configured, and the device not reset since.
    [[__nodiscard__]] bool is_in_use() const { return record_.is_in_use(); }
    /// One above the highest queue that was enabled since `probe`.
    [[__nodiscard__]] uint32_t enabled_queue_end() const { return record_.enabled_queue_end(); }

    /// All of word 0: the legacy interface has no other (§4.1.4.10).
    [[__nodiscard__]] Features possible_features() const {
        Features possible;
        possible.set_word(0, UINT32_MAX);
        return possible;
    }

    /// The device status field (§2.1); all ones if nothing answers.
    [[__nodiscard__]] DeviceStatus status() {
        check_probed();
        return DeviceStatus{read(spec::pci::legacy::device_status)};
    }
    /// Writes the device status field (§2.1); status 0 requests a reset (§2.4).
    void set_status(DeviceStatus status) {
        check_probed();
        record_.set_status(status);
        write(spec::pci::legacy::device_status, status.bits());
    }

    /// The legacy interface has one word of features.
    [[__nodiscard__]] uint32_t offered_features(unsigned word) {
        check_probed();
        return word == 0 ? read(spec::pci::legacy::device_features) : 0;
    }
    /// Writes the accepted feature bits of word 0. Does nothing for other words.
    void accept_features(unsigned word, uint32_t bits) {
        check_probed();
        if (word == 0) {
            write(spec::pci::legacy::driver_features, bits);
        }
    }

    /// How many queues the device has. No register holds this number, so this counts the queues up to the first of
    /// size 0. Call it after `DeviceInit::negotiate`, before a queue is set up.
    [[__nodiscard__]] uint16_t queue_count() { return count_queues(*this); }
    /// The size of a queue, in descriptors; 0 if the device has no such queue (§4.1.4.10).
    [[__nodiscard__]] uint32_t queue_size_max(uint16_t queue) {
        select(queue);
        return read(spec::pci::legacy::queue_size);
    }
    /// §4.1.5.1.3.1: a driver cannot request another size.
    [[__nodiscard__]] bool is_queue_size_fixed() const { return true; }
    /// Returns `size`, and requests nothing.
    [[__nodiscard__]] uint32_t choose_queue_size(uint16_t, uint32_t size) { return size; }

    /// Whether the queue is enabled already: its address register is not 0 (§4.1.4.10).
    [[__nodiscard__]] bool is_queue_in_use(uint16_t queue) {
        select(queue);
        return read(spec::pci::legacy::queue_address) != 0;
    }

    /// §4.1.5.1.3.1. Errors: `vector_refused`, `queue_not_accepted`.
    [[__nodiscard__]] Status enable_queue(uint16_t queue, QueueAddresses const& addresses) {
        record_.add_queue(queue);
        select(queue);
        if (vectors_.in_use() && !set_vectors(queue)) {
            return Error::vector_refused;
        }
        write(spec::pci::legacy::queue_address, addresses.pfn());
        return read(spec::pci::legacy::queue_address) == addresses.pfn() ? Status{}
                                                                         : Status{Error::queue_not_accepted};
    }

    /// Tells the device that a queue has new buffers (§2.3), by the queue's number.
    void notify(uint16_t queue) {
        check_probed();
        record_.add_notify(queue);
        write(spec::pci::legacy::queue_notify, queue);
    }
    /// As above: a legacy device has no NOTIFICATION_DATA, so the last argument is ignored.
    void notify(uint16_t queue, uint16_t) { notify(queue); }

    /// §2.6.1: a legacy device cannot reset one queue, so this does nothing. Page number 0 would disable the queue,
    /// which is not requested here.
    void reset_queue(uint16_t) {}
    /// Always false: a legacy device cannot reset one queue.
    [[__nodiscard__]] bool is_queue_reset(uint16_t) { return false; }

    /// Handles INTx, on a line that other devices may share: without a cause, another device interrupted. Reading
    /// acknowledges, so a second call returns no cause. Call it once per interrupt, and keep the result.
    InterruptCause on_interrupt() {
        check_probed();
        record_.add_interrupt();
        return detail::pci_interrupt_cause(read(spec::pci::legacy::isr_status));
    }
    /// Handles a vector of MSI-X. No other device has it, and it needs no acknowledgement.
    InterruptCause on_vector(uint16_t vector) {
        record_.add_vector();
        return vectors_.cause(vector);
    }

    /// Reads a field of 8 bits, `offset` bytes into the configuration space (§2.5); 0 if BAR 0 ends before it.
    [[__nodiscard__]] uint8_t read_config8(uint16_t offset) {
        return has_config(offset, 1) ? space_.read8(in_config(offset)) : 0;
    }
    /// Reads a field of 16 bits, in the guest's byte order (§2.5.3); 0 if BAR 0 ends before it.
    [[__nodiscard__]] uint16_t read_config16(uint16_t offset) {
        return has_config(offset, 2) ? detail::little_endian(space_.read16(in_config(offset))) : 0;
    }
    /// Reads a field of 32 bits, in the guest's byte order (§2.5.3); 0 if BAR 0 ends before it.
    [[__nodiscard__]] uint32_t read_config32(uint16_t offset) {
        return has_config(offset, 4) ? detail::little_endian(space_.read32(in_config(offset))) : 0;
    }
    /// Writes a field of 8 bits. Does nothing if BAR 0 ends before it.
    void write_config8(uint16_t offset, uint8_t value) {
        if (has_config(offset, 1)) {
            space_.write8(in_config(offset), value);
        }
    }
    /// Writes a field of 16 bits, in the guest's byte order (§2.5.3). Does nothing if BAR 0 ends before it.
    void write_config16(uint16_t offset, uint16_t value) {
        if (has_config(offset, 2)) {
            space_.write16(in_config(offset), detail::little_endian(value));
        }
    }
    /// Writes a field of 32 bits, in the guest's byte order (§2.5.3). Does nothing if BAR 0 ends before it.
    void write_config32(uint16_t offset, uint32_t value) {
        if (has_config(offset, 4)) {
            space_.write32(in_config(offset), detail::little_endian(value));
        }
    }
    /// Whether the device configuration has `bytes` bytes. Error: `config_too_short`.
    [[__nodiscard__]] Status check_config(uint32_t bytes) const {
        check_probed();
        return uint64_t{config_begin()} + bytes <= bytes_ ? Status{} : Status{Error::config_too_short};
    }
    /// Always 0: a legacy device has no generation, and readers compare two reads (§2.5.4).
    [[__nodiscard__]] uint32_t config_generation() { return 0; }

private:
    /// Stops a call that would otherwise access address 0.
    void check_probed() const {
        VIRTQ_ASSERT(record_.is_probed(),
                     "This transport was not probed, or was moved, cleared or overwritten since. Call probe() first, "
                     "and leave it where it is: drivers keep its address.");
    }

    using Kind = detail::PciBar::Kind;
    static constexpr bool is_either = requires { typename Space::Ports; };  // as `PciLegacySpace`
    static constexpr bool by_ports = PortRegisterSpace<Space>;
    static constexpr uint32_t bytes_max = 0x10000;  // a register's offset has 16 bits

    /// Whether the registers can be in such a BAR.
    [[__nodiscard__]] static constexpr bool takes(Kind kind) {
        return is_either ? kind != Kind::absent : kind == (by_ports ? Kind::ports : Kind::memory);
    }
    /// For a BAR that it takes.
    [[__nodiscard__]] static constexpr bool is_ports(Kind kind) { return is_either ? kind == Kind::ports : by_ports; }
    [[__nodiscard__]] static constexpr uint16_t space_bit(Kind kind) {
        return is_ports(kind) ? spec::pci::command_io_space : spec::pci::command_memory_space;
    }
    [[__nodiscard__]] static Space space_at(Kind kind, uintptr_t mapped) {
        if constexpr (!is_either) {
            return Space{mapped};
        } else if (is_ports(kind)) {
            return Space{typename Space::Ports{mapped}};
        } else {
            return Space{typename Space::Memory{mapped}};
        }
    }
    /// One above the highest port that the space can reach.
    [[__nodiscard__]] static constexpr uint64_t port_end() {
        if constexpr (requires { Space::port_end; }) {
            return Space::port_end;
        } else {
            return UINT64_MAX;
        }
    }

    template <class Word, detail::Access access>
    [[__nodiscard__]] Word read(detail::Register<Word, access> which) {
        return platform::read_register(space_, which);
    }
    template <class Word, detail::Access access>
    void write(detail::Register<Word, access> which, Word value) {
        platform::write_register(space_, which, value);
    }

    void select(uint16_t queue) {
        check_probed();
        write(spec::pci::legacy::queue_select, queue);
    }

    /// Maps BAR 0 before the device decodes it: a BAR with address 0 would answer there.
    template <DeviceMapper Mapper>
    [[__nodiscard__]] Status map(detail::PciBar const& bar, Mapper& mapper) {
        if (!bar.is_assigned()) {
            return Error::pci_bar_unassigned;
        }
        if (is_ports(bar.kind) &&
            bar.address + bar.bytes > port_end()) {  // truncated, it would be another device's port
            return Error::pci_not_mapped;
        }
        uintptr_t const mapped = is_ports(bar.kind) ? mapper.map_device_ports(static_cast<uint32_t>(bar.address),
                                                                              static_cast<uint32_t>(bar.bytes))
                                                    : mapper.map_device_memory(PhysAddr{bar.address}, bar.bytes);
        if (mapped == 0) {
            return Error::pci_not_mapped;
        }
        space_ = space_at(bar.kind, mapped);
        bytes_ = bar.bytes < bytes_max ? static_cast<uint32_t>(bar.bytes) : bytes_max;
        return {};
    }

    [[__nodiscard__]] Status take(spec::DeviceId type) {
        record_.set_probed();
        if (status().is_gone()) {
            return Error::device_gone;
        }
        device_id_ = type;
        return {};
    }

    /// §4.1.5.1.2.2: sets both vectors, and returns whether the device took them.
    [[__nodiscard__]] bool set_vectors(uint16_t queue) {
        write(spec::pci::legacy::config_msix_vector, vectors_.of_config());
        write(spec::pci::legacy::queue_msix_vector, vectors_.of_queue(queue));
        return read(spec::pci::legacy::config_msix_vector) == vectors_.of_config() &&
               read(spec::pci::legacy::queue_msix_vector) == vectors_.of_queue(queue);
    }

    /// With MSI-X enabled, two more registers precede the device configuration.
    [[__nodiscard__]] uint16_t config_begin() const {
        return vectors_.in_use() ? spec::pci::legacy::config_offset_msix : spec::pci::legacy::config_offset;
    }
    [[__nodiscard__]] uint16_t in_config(uint16_t offset) const {
        return static_cast<uint16_t>(config_begin() + offset);
    }
    /// Whether BAR 0 has room for this field. A missing field reads as 0.
    [[__nodiscard__]] bool has_config(uint16_t offset, uint32_t width) const {
        check_probed();
        return uint32_t{config_begin()} + offset + width <= bytes_;
    }

    Space space_{};
    uint32_t bytes_ = 0;
    detail::PciVectors vectors_;
    PciLine line_;
    spec::DeviceId device_id_ = spec::DeviceId::none;
    [[__no_unique_address__]] detail::TransportRecord record_;  // whose padding holds what follows
};

static_assert(Transport<PciLegacyTransport<>>);

}  // namespace virtq
