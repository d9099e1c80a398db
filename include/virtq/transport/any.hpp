// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/mmio_space.hpp>
#include <virtq/platform/port_space.hpp>
#include <virtq/transport/detail/pci/pci_either_space.hpp>
#include <virtq/transport/detail/pci/pci_kept_access.hpp>
#include <virtq/transport/detail/transport_record.hpp>
#include <virtq/transport/mmio.hpp>
#include <virtq/transport/pci_legacy.hpp>
#include <virtq/transport/pci_modern.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

namespace virtq {

/// One attempt to reach a PCI device, and its result.
struct PciAttempt {
    bool tried = false;         ///< whether `probe_pci` probed this interface
    Error error = Error::none;  ///< `none`: it works; otherwise why it failed, or why it was not tried
};

/// What `AnyTransport::probe_pci` tried, in this order. It stops at the first interface that works.
struct PciAttempts {
    PciAttempt modern;  ///< the modern interface, through BARs
    PciAttempt legacy;  ///< the legacy interface, in ports or memory (§4.1.4.10)
    PciAttempt window;  ///< the modern interface through the configuration space, §4.1.4.9
};

namespace detail {

/// Whether another interface may work after this error. Other errors end the search: there is no VirtIO device, or the
/// kernel's mappings cannot be right.
[[__nodiscard__]] constexpr bool leaves_another_way(Error error) {
    switch (error) {
        case Error::pci_modern_absent:
        case Error::pci_legacy_absent:
        case Error::pci_structure_missing:
        case Error::pci_structure_invalid:
        case Error::pci_bar_unassigned:
        case Error::pci_window_full:
        case Error::pci_bridge_closed:
        case Error::pci_not_mapped:
        case Error::pci_command_refused: return true;
        default: return false;
    }
}

/// Whether the device has a modern interface, and only its registers could not be reached.
[[__nodiscard__]] constexpr bool has_structures(Error modern) {
    return modern != Error::pci_modern_absent && modern != Error::pci_structure_missing &&
           modern != Error::pci_structure_invalid;
}

/// Whether to report `pci_config_window_off` in place of this error. The window fails too if the command register keeps
/// no bit. `pci_bridge_closed` has a better advice of its own.
[[__nodiscard__]] constexpr bool may_need_window(Error modern) {
    return modern != Error::pci_command_refused && modern != Error::pci_bridge_closed;
}

/// Whether the device has the capability of §4.1.4.9 and registers behind it. Measures BARs, as a probe does. Not
/// inlined: its stack would add to that of the probes before it.
template <PciConfigAccess Access>
[[__nodiscard__]] [[gnu::__noinline__]] bool has_config_window(PciFunction<Access> const& function) {
    PciBars bars;
    bars.measure(function);
    PciLayout layout;
    return find_layout(function, bars, layout) == Error::none && layout.window != 0;
}

/// Returned if no interface works: the error that all interfaces of the device have in common, or `pci_unreachable` if
/// they failed differently.
[[__nodiscard__]] constexpr Error error_of(PciAttempts const& attempts) {
    Error const modern = attempts.modern.error;
    if (modern == Error::pci_modern_absent) {
        return attempts.legacy.error;
    }
    bool const has_legacy = attempts.legacy.error != Error::pci_legacy_absent;
    bool const has_window = attempts.window.tried && attempts.window.error != Error::pci_structure_missing;
    bool const all_alike =
        (!has_legacy || attempts.legacy.error == modern) && (!has_window || attempts.window.error == modern);
    return all_alike ? modern : Error::pci_unreachable;
}

}  // namespace detail

/// Any of the transports, chosen at probe time: one driver works with all of them. The choice is a number, not a table
/// of functions.
///
/// The transports are stored side by side. This costs some hundred bytes a device, and leaves no lifetime to get
/// wrong.
/// **Threading** and **Life** are those of the transports. If `kind()` is `pci_window`, serialise all calls, including
/// those of interrupt handlers (`PciConfigWindow`). All zero at first. `queue_count_max` is that of
/// `PciModernTransport`.
///
/// ```
/// static virtq::AnyTransport<> transport;
/// virtq::Status found = transport.probe_pci(function, device_mapper);
/// ```
template <class Memory = MmioSpace, class Ports = PortSpace, uint16_t queue_count_max = 0>
class AnyTransport {
    static_assert(detail::check_mapped_space<Memory>());
    static_assert(detail::check_port_register_space<Ports>());

public:
    /// Which transport is in use. For PCI: which interface of the device, and where its registers are.
    enum class Kind : uint8_t { none, mmio, pci_modern, pci_legacy_ports, pci_legacy_memory, pci_window };

    constexpr AnyTransport() = default;

    /// Probes a virtio-mmio slot, with the errors of `MmioTransport::probe`.
    [[__nodiscard__]] Status probe_mmio(Memory space) {
        check_unused();
        return found(Kind::mmio, mmio_.probe(space));
    }

    /// Rejected at compile time, with an explanation: it could not know which transport to probe.
    template <class Where, class... More>
    Status probe(Where const&, More const&...) {
        static_assert(sizeof(Where) == 0,
                      "AnyTransport has no probe(): call probe_mmio(space), or probe_pci(function, mapper, option).");
        return {};
    }

    /// Probes a PCI function: first its modern interface (§4.1.5.1.1.1), then the legacy one. The probe goes on if an
    /// interface is absent or cannot be used, for example because its BAR cannot be mapped. `kind()` returns the
    /// interface that works, `attempts()` the result of each attempt. The access of `function` must live as long as
    /// this transport, unless it has `may_be_copied` (`PciConfigAccess`). Errors: those of `PciModernTransport` and
    /// `PciLegacyTransport`; `pci_config_window_off` if only the configuration space is left; `pci_unreachable` if
    /// several interfaces failed with different errors.
    template <PciConfigAccess Access, class Mapper>
    [[__nodiscard__]] Status probe_pci(PciFunction<Access> const& function, Mapper& mapper) {
        return probe_pci(function, mapper, detail::PciAssignedByFirmware{});
    }
    /// As above, with a `PciProbeOption`. If its `config_window` allows it, the modern interface through the configuration
    /// space comes last; all calls must then be serialised.
    template <PciConfigAccess Access, class Mapper, class Option = PciProbeOption>
    [[__nodiscard__]] Status probe_pci(PciFunction<Access> const& function, Mapper& mapper, Option const& option) {
        check_unused();
        attempts_ = {};
        Function const kept = keep(function);
        Status const modern = noted(attempts_.modern, pci_modern_.probe(kept, mapper, option));
        if (!detail::leaves_another_way(modern.error())) {
            return found(Kind::pci_modern, modern);
        }
        Status const legacy = probe_legacy(kept, mapper, option);
        if (!detail::leaves_another_way(legacy.error())) {
            return legacy;
        }
        if (detail::has_structures(modern.error())) {
            kind_ = Kind::pci_modern;
            if (Status const window = try_window(kept, option, modern); !detail::leaves_another_way(window.error())) {
                return window;
            }
        }
        return detail::error_of(attempts_);
    }

    /// Probes the legacy interface only, also of a transitional device. Errors: those of `PciLegacyTransport`.
    template <PciConfigAccess Access, class Mapper>
    [[__nodiscard__]] Status probe_pci_legacy(PciFunction<Access> const& function, Mapper& mapper) {
        return probe_pci_legacy(function, mapper, detail::PciAssignedByFirmware{});
    }
    /// As above, with a `PciProbeOption`.
    template <PciConfigAccess Access, class Mapper, class Option = PciProbeOption>
    [[__nodiscard__]] Status probe_pci_legacy(PciFunction<Access> const& function, Mapper& mapper,
                                              Option const& option) {
        check_unused();
        attempts_ = {};
        return probe_legacy(keep(function), mapper, option);
    }

    /// The attempts of the last `probe_pci` or `probe_pci_legacy`: a kernel can print why a device is slow or absent.
    [[__nodiscard__]] PciAttempts const& attempts() const { return attempts_; }

    /// Enables MSI-X, as the PCI transports do. The error is `msix_absent` also for a device that is not on PCI, or
    /// that is reached through its configuration space.
    template <PciConfigAccess Access, class Mapper>
    [[__nodiscard__]] Result<uint16_t> use_msix(PciFunction<Access> const& function, Mapper& mapper,
                                                Span<MsiMessage const> messages) {
        switch (kind_) {
            case Kind::pci_modern: return pci_modern_.use_msix(keep(function), mapper, messages);
            case Kind::pci_legacy_ports:
            case Kind::pci_legacy_memory:
                return pci_legacy_.template use_msix<Memory>(keep(function), mapper, messages);
            default: return Error::msix_absent;
        }
    }

    /// Sets the number of vectors, for a kernel that has enabled MSI-X itself. Call it after `probe_pci`. Does nothing
    /// for a device that is not on PCI.
    void use_vectors(uint16_t count) {
        visit([&](auto& chosen) {
            if constexpr (requires { chosen.use_vectors(count); }) {
                chosen.use_vectors(count);
            }
        });
    }
    /// Whether interrupts come by MSI-X.
    [[__nodiscard__]] bool uses_vectors() const {
        return visit([](auto const& chosen) {
            if constexpr (requires { chosen.uses_vectors(); }) {
                return chosen.uses_vectors();
            } else {
                return false;
            }
        });
    }
    /// The pin and the line register of a PCI function; pin 0 for a device that is not on PCI.
    [[__nodiscard__]] PciLine interrupt_line() const {
        return visit([](auto const& chosen) {
            if constexpr (requires { chosen.interrupt_line(); }) {
                return chosen.interrupt_line();
            } else {
                return PciLine{};
            }
        });
    }

    /// The transport that was probed last, successfully or not.
    [[__nodiscard__]] Kind kind() const { return kind_; }
    /// Whether a probe reached the registers of a device, whatever it found there.
    [[__nodiscard__]] bool is_probed() const {
        return probe_mark_.is_set() && visit([](auto const& chosen) { return chosen.is_probed(); });
    }
    /// Whether a queue was configured, and the device not reset since.
    [[__nodiscard__]] bool is_in_use() const {
        return probe_mark_.is_set() && visit([](auto const& chosen) { return chosen.is_in_use(); });
    }
    /// One above the highest queue that was enabled since the probe.
    [[__nodiscard__]] uint32_t enabled_queue_end() const {
        return visit([](auto const& chosen) { return chosen.enabled_queue_end(); });
    }

    /// The device type; `none` until a probe has succeeded.
    [[__nodiscard__]] spec::DeviceId device_id() const {
        return kind_ == Kind::none ? spec::DeviceId::none
                                   : visit([](auto const& chosen) { return chosen.device_id(); });
    }
    /// Whether the interface is the legacy one (§1.3.1).
    [[__nodiscard__]] bool is_legacy() const {
        return visit([](auto const& chosen) { return chosen.is_legacy(); });
    }
    /// The feature bits that the transport in use can carry (§2.2.1).
    [[__nodiscard__]] Features possible_features() const {
        return visit([](auto const& chosen) { return chosen.possible_features(); });
    }
    /// The device status field (§2.1); all ones if nothing answers.
    [[__nodiscard__]] DeviceStatus status() {
        return visit([](auto& chosen) { return chosen.status(); });
    }
    /// Writes the device status field (§2.1); status 0 requests a reset (§2.4).
    void set_status(DeviceStatus status) {
        visit([&](auto& chosen) { chosen.set_status(status); });
    }
    /// 32 offered feature bits, from bit `32 * word` on (§2.2).
    [[__nodiscard__]] uint32_t offered_features(unsigned word) {
        return visit([&](auto& chosen) { return chosen.offered_features(word); });
    }
    /// Writes 32 accepted feature bits, from bit `32 * word` on (§2.2).
    void accept_features(unsigned word, uint32_t bits) {
        visit([&](auto& chosen) { chosen.accept_features(word, bits); });
    }
    /// How many queues the device has. Call it after `DeviceInit::negotiate`, before a queue is set up.
    [[__nodiscard__]] uint16_t queue_count() {
        return visit([](auto& chosen) { return chosen.queue_count(); });
    }
    /// The largest size of a queue, in descriptors; 0 if the device has no such queue.
    [[__nodiscard__]] uint32_t queue_size_max(uint16_t queue) {
        return visit([&](auto& chosen) { return chosen.queue_size_max(queue); });
    }
    /// Whether the device accepts only its largest size, as on PCI with the legacy interface (§4.1.5.1.3.1).
    [[__nodiscard__]] bool is_queue_size_fixed() const {
        return visit([](auto const& chosen) { return chosen.is_queue_size_fixed(); });
    }
    /// Requests a smaller size, in descriptors. Returns the size that the device took, which may differ.
    [[__nodiscard__]] uint32_t choose_queue_size(uint16_t queue, uint32_t size) {
        return visit([&](auto& chosen) { return chosen.choose_queue_size(queue, size); });
    }
    /// Whether the queue is enabled already.
    [[__nodiscard__]] bool is_queue_in_use(uint16_t queue) {
        return visit([&](auto& chosen) { return chosen.is_queue_in_use(queue); });
    }
    /// Enables a queue with this size and these addresses. Errors: those of the transport in use.
    [[__nodiscard__]] Status enable_queue(uint16_t queue, QueueAddresses const& addresses) {
        return visit([&](auto& chosen) { return chosen.enable_queue(queue, addresses); });
    }
    /// Tells the device that a queue has new buffers (§2.3). Allowed only without NOTIFICATION_DATA.
    void notify(uint16_t queue) {
        visit([&](auto& chosen) { chosen.notify(queue); });
    }
    /// As above, with `Notification::next`, which NOTIFICATION_DATA needs (§2.9).
    void notify(uint16_t queue, uint16_t next) {
        visit([&](auto& chosen) { chosen.notify(queue, next); });
    }
    /// Requests the reset of one queue (§2.6.1). Does nothing if the device has no register for it.
    void reset_queue(uint16_t queue) {
        visit([&](auto& chosen) { chosen.reset_queue(queue); });
    }
    /// Whether the reset is complete and the queue disabled (§2.6.1).
    [[__nodiscard__]] bool is_queue_reset(uint16_t queue) {
        return visit([&](auto& chosen) { return chosen.is_queue_reset(queue); });
    }
    /// Acknowledges, then returns the cause. A second call returns no cause: call it once per interrupt, and keep the
    /// result.
    InterruptCause on_interrupt() {
        return visit([](auto& chosen) { return chosen.on_interrupt(); });
    }
    /// Handles an MSI-X vector, as the PCI transports do. virtio-mmio has no vectors, so `on_interrupt` is called
    /// there.
    InterruptCause on_vector(uint16_t vector) {
        return visit([&](auto& chosen) {
            if constexpr (requires { chosen.on_vector(vector); }) {
                return chosen.on_vector(vector);
            } else {
                return chosen.on_interrupt();
            }
        });
    }
    /// Reads a field of 8 bits, `offset` bytes into the configuration space (§2.5).
    [[__nodiscard__]] uint8_t read_config8(uint16_t offset) {
        return visit([&](auto& chosen) { return chosen.read_config8(offset); });
    }
    /// Reads a field of 16 bits, `offset` bytes into the configuration space (§2.5).
    [[__nodiscard__]] uint16_t read_config16(uint16_t offset) {
        return visit([&](auto& chosen) { return chosen.read_config16(offset); });
    }
    /// Reads a field of 32 bits, `offset` bytes into the configuration space (§2.5).
    [[__nodiscard__]] uint32_t read_config32(uint16_t offset) {
        return visit([&](auto& chosen) { return chosen.read_config32(offset); });
    }
    /// Writes a field of 8 bits, `offset` bytes into the configuration space (§2.5).
    void write_config8(uint16_t offset, uint8_t value) {
        visit([&](auto& chosen) { chosen.write_config8(offset, value); });
    }
    /// Writes a field of 16 bits, `offset` bytes into the configuration space (§2.5).
    void write_config16(uint16_t offset, uint16_t value) {
        visit([&](auto& chosen) { chosen.write_config16(offset, value); });
    }
    /// Writes a field of 32 bits, `offset` bytes into the configuration space (§2.5).
    void write_config32(uint16_t offset, uint32_t value) {
        visit([&](auto& chosen) { chosen.write_config32(offset, value); });
    }
    /// Whether the device configuration has `bytes` bytes, as in the PCI transports. virtio-mmio does not report the
    /// size, so the call succeeds there.
    [[__nodiscard__]] Status check_config(uint32_t bytes) const {
        return visit([&](auto const& chosen) {
            if constexpr (requires { chosen.check_config(bytes); }) {
                return chosen.check_config(bytes);
            } else {
                return Status{};
            }
        });
    }
    /// Changes whenever a read may have been torn (§2.5.1). Always 0 for a legacy device.
    [[__nodiscard__]] uint32_t config_generation() {
        return visit([](auto& chosen) { return chosen.config_generation(); });
    }

    /// Calls `what` with the transport in use, to reach what only that transport has. Call it after a probe.
    template <class Visit>
    auto visit(Visit const& what) {
        return visit(*this, what);
    }

private:
    using Function = PciFunction<detail::PciKeptAccess>;

    /// The function through the kept access: one copy of the code that follows, whatever accesses the kernel has.
    template <PciConfigAccess Access>
    [[__nodiscard__]] Function keep(PciFunction<Access> const& function) {
        access_.keep(function.access());
        return {access_, function.address()};
    }

    // Not inlined, as `probe_window`: its stack would add to that of the probe before it.
    template <class Mapper, class Option>
    [[__nodiscard__]] [[gnu::__noinline__]] Status probe_legacy(Function const& function, Mapper& mapper,
                                                                Option const& option) {
        Status const legacy = noted(attempts_.legacy, pci_legacy_.probe(function, mapper, option));
        return found(pci_legacy_.space().is_ports() ? Kind::pci_legacy_ports : Kind::pci_legacy_memory, legacy);
    }
    /// The way through the configuration space, after `modern` failed. Says if it is there, but off.
    [[__nodiscard__]] Status try_window(Function const& function, PciProbeOption const& option, Status modern) {
        return option.config_window == PciConfigWindowUse::last_resort
                   ? probe_window(function)
                   : try_window(function, detail::PciAssignedByFirmware{}, modern);
    }
    [[__nodiscard__]] Status try_window(Function const& function, detail::PciAssignedByFirmware, Status modern) {
        if (!detail::may_need_window(modern.error()) || !detail::has_config_window(function)) {
            return modern;
        }
        return attempts_.window.error = Error::pci_config_window_off;
    }
    [[__nodiscard__]] [[gnu::__noinline__]] Status probe_window(Function const& function) {
        Status const window = noted(attempts_.window, pci_modern_.probe_through_window(function));
        return detail::leaves_another_way(window.error()) ? window : found(Kind::pci_window, window);
    }
    /// Rejects a probe while a device is in use, also through another of the transports stored here.
    void check_unused() const {
        VIRTQ_ASSERT(!is_in_use(),
                     "probe() was called on a transport in use: its device has a queue. Give each device a transport "
                     "of its own.");
    }
    [[__nodiscard__]] static Status noted(PciAttempt& attempt, Status status) {
        attempt = {true, status.error()};
        return status;
    }
    [[__nodiscard__]] Status found(Kind kind, Status status) {
        kind_ = kind;
        probe_mark_.set();
        return status;
    }

    template <class Self, class Visit>
    static auto visit(Self& self, Visit const& visit) {
        VIRTQ_ASSERT(self.probe_mark_.is_set(),
                     "This transport was not probed, or was moved, cleared or overwritten since. Call probe_mmio() or "
                     "probe_pci() first, and leave it where it is: drivers keep its address.");
        switch (self.kind_) {
            case Kind::pci_modern:
            case Kind::pci_window: return visit(self.pci_modern_);
            case Kind::pci_legacy_ports:
            case Kind::pci_legacy_memory: return visit(self.pci_legacy_);
            default: return visit(self.mmio_);
        }
    }
    template <class Visit>
    auto visit(Visit const& what) const {
        return visit(*this, what);
    }

    detail::ProbeMark probe_mark_;
    Kind kind_ = Kind::none;
    PciAttempts attempts_;
    detail::PciKeptAccess access_;  ///< of the last call with a function; `pci_window` goes on with it
    MmioTransport<Memory> mmio_;
    PciModernTransport<detail::PciEitherSpace<Memory>, queue_count_max> pci_modern_;
    PciLegacyTransport<detail::PciLegacySpace<Memory, Ports>> pci_legacy_;
};

static_assert(Transport<AnyTransport<>>);

}  // namespace virtq
