// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/mmio_space.hpp>
#include <virtq/platform/port_space.hpp>
#include <virtq/transport/mmio.hpp>
#include <virtq/transport/pci_legacy.hpp>
#include <virtq/transport/pci_modern.hpp>
#include <virtq/transport/probe_mark.hpp>
#include <virtq/transport/transport.hpp>

#include <stdint.h>

namespace virtq {

/// Whichever transport a device is found behind: one driver for all of them, decided at probe time by a number and not
/// by a table of functions.
///
/// The alternatives stand side by side, which costs some hundred bytes a device and leaves no lifetime to get wrong.
/// **Threading** and **Life** as of the transports. All zero at first.
///
/// ```
/// static virtq::AnyTransport<> transport;
/// virtq::Status found = transport.probe_pci(function, device_mapper);
/// ```
template <class Memory = MmioSpace, class Ports = PortSpace>
class AnyTransport {
public:
    enum class Kind : uint8_t { none, mmio, pci_modern, pci_legacy_ports, pci_legacy_memory };

    constexpr AnyTransport() = default;

    /// As of `MmioTransport`.
    [[__nodiscard__]] Status probe_mmio(Memory space) {
        check_unused();
        return found(Kind::mmio, mmio_.probe(space));
    }

    /// §4.1.5.1.1.1: the modern interface of a device that has one, the legacy one of a device that does not. Errors:
    /// those of `PciModernTransport` and `PciLegacyTransport`.
    template <PciConfigAccess Access, DeviceMapper Mapper>
    [[__nodiscard__]] Status probe_pci(PciFunction<Access> const& function, Mapper& mapper,
                                       PciProbeOption const& option = {}) {
        check_unused();
        Status const modern = pci_modern_.probe(function, mapper, option);
        return modern.error() == Error::pci_modern_absent ? probe_pci_legacy(function, mapper, option)
                                                          : found(Kind::pci_modern, modern);
    }

    /// The legacy interface, also of a transitional device.
    template <PciConfigAccess Access, DeviceMapper Mapper>
    [[__nodiscard__]] Status probe_pci_legacy(PciFunction<Access> const& function, Mapper& mapper,
                                              PciProbeOption const& option = {}) {
        check_unused();
        Status const ports = pci_legacy_ports_.probe(function, mapper, option);
        return ports.error() == Error::pci_legacy_absent
                   ? found(Kind::pci_legacy_memory, pci_legacy_memory_.probe(function, mapper, option))
                   : found(Kind::pci_legacy_ports, ports);
    }

    /// Interrupts by MSI-X, as of the PCI transports. Error: `msix_absent` also of a device that is not on PCI.
    template <PciConfigAccess Access, DeviceMapper Mapper>
    [[__nodiscard__]] Result<uint16_t> use_msix(PciFunction<Access> const& function, Mapper& mapper,
                                                Span<MsiMessage const> messages) {
        switch (kind_) {
            case Kind::pci_modern: return pci_modern_.use_msix(function, mapper, messages);
            case Kind::pci_legacy_ports:
                return pci_legacy_ports_.template use_msix<Memory>(function, mapper, messages);
            case Kind::pci_legacy_memory:
                return pci_legacy_memory_.template use_msix<Memory>(function, mapper, messages);
            default: return Error::msix_absent;
        }
    }

    /// What was probed last, whatever it found: an earlier device is forgotten.
    [[__nodiscard__]] Kind kind() const { return kind_; }
    /// Whether there are registers to look at: a probe came so far, whatever it found in them.
    [[__nodiscard__]] bool is_probed() const {
        return probe_mark_.is_set() && visit([](auto const& transport) { return transport.is_probed(); });
    }
    /// Whether the device was told of a queue, and not reset since.
    [[__nodiscard__]] bool is_in_use() const { return in_use_; }
    /// Whether FEATURES_OK was written since the last reset, for diag/: one that was refused does not read back.
    [[__nodiscard__]] bool has_asked_features_ok() const { return asked_features_ok_; }

    /// `none` until a probe has succeeded.
    [[__nodiscard__]] spec::DeviceId device_id() const {
        return kind_ == Kind::none ? spec::DeviceId::none
                                   : visit([](auto const& transport) { return transport.device_id(); });
    }
    [[__nodiscard__]] bool is_legacy() const {
        return visit([](auto const& transport) { return transport.is_legacy(); });
    }
    [[__nodiscard__]] Features possible_features() const {
        return visit([](auto const& transport) { return transport.possible_features(); });
    }
    [[__nodiscard__]] DeviceStatus status() {
        return visit([](auto& transport) { return transport.status(); });
    }
    void set_status(DeviceStatus status) {
        visit([&](auto& transport) { transport.set_status(status); });
        in_use_ = in_use_ && !status.is_reset();
        asked_features_ok_ = !status.is_reset() && (asked_features_ok_ || status.has(spec::StatusBit::features_ok));
    }
    [[__nodiscard__]] uint32_t offered_features(unsigned word) {
        return visit([&](auto& transport) { return transport.offered_features(word); });
    }
    void accept_features(unsigned word, uint32_t bits) {
        visit([&](auto& transport) { transport.accept_features(word, bits); });
    }
    [[__nodiscard__]] uint32_t queue_size_max(uint16_t queue) {
        return visit([&](auto& transport) { return transport.queue_size_max(queue); });
    }
    [[__nodiscard__]] bool is_queue_size_fixed() const {
        return visit([](auto const& transport) { return transport.is_queue_size_fixed(); });
    }
    [[__nodiscard__]] uint32_t choose_queue_size(uint16_t queue, uint32_t size) {
        return visit([&](auto& transport) { return transport.choose_queue_size(queue, size); });
    }
    [[__nodiscard__]] bool is_queue_in_use(uint16_t queue) {
        return visit([&](auto& transport) { return transport.is_queue_in_use(queue); });
    }
    [[__nodiscard__]] Status enable_queue(uint16_t queue, QueueAddresses const& addresses) {
        Status const enabled = visit([&](auto& transport) { return transport.enable_queue(queue, addresses); });
        in_use_ = true;  // also of one that failed: the device may have been told of a part
        return enabled;
    }
    void notify(uint16_t queue) {
        visit([&](auto& transport) { transport.notify(queue); });
    }
    void notify(uint16_t queue, uint16_t next) {
        visit([&](auto& transport) { transport.notify(queue, next); });
    }
    void reset_queue(uint16_t queue) {
        visit([&](auto& transport) { transport.reset_queue(queue); });
    }
    [[__nodiscard__]] bool is_queue_reset(uint16_t queue) {
        return visit([&](auto& transport) { return transport.is_queue_reset(queue); });
    }
    /// A second call finds nothing: the first has acknowledged. So call it once an interrupt, and keep the cause.
    InterruptCause on_interrupt() {
        return visit([](auto& transport) { return transport.on_interrupt(); });
    }
    /// As of the PCI transports; of another device, which has no vectors, as `on_interrupt`.
    InterruptCause on_vector(uint16_t vector) {
        return visit([&](auto& transport) {
            if constexpr (requires { transport.on_vector(vector); }) {
                return transport.on_vector(vector);
            } else {
                return transport.on_interrupt();
            }
        });
    }
    [[__nodiscard__]] uint8_t read_config8(uint16_t offset) {
        return visit([&](auto& transport) { return transport.read_config8(offset); });
    }
    [[__nodiscard__]] uint16_t read_config16(uint16_t offset) {
        return visit([&](auto& transport) { return transport.read_config16(offset); });
    }
    [[__nodiscard__]] uint32_t read_config32(uint16_t offset) {
        return visit([&](auto& transport) { return transport.read_config32(offset); });
    }
    void write_config8(uint16_t offset, uint8_t value) {
        visit([&](auto& transport) { transport.write_config8(offset, value); });
    }
    [[__nodiscard__]] uint32_t config_generation() {
        return visit([](auto& transport) { return transport.config_generation(); });
    }

    /// What is behind, to look at what only that one has: `what` is called with it. After a probe.
    template <class Visit>
    auto behind(Visit const& what) {
        return visit(*this, what);
    }

private:
    /// Also of another kind than before, which the transport that is probed cannot know.
    void check_unused() const {
        VIRTQ_ASSERT(!in_use_,
                     "probe() of a transport whose device has a queue: give each device a transport of its own");
    }
    [[__nodiscard__]] Status found(Kind kind, Status status) {
        kind_ = kind;
        asked_features_ok_ = false;  // of the device before
        probe_mark_.set();
        return status;
    }

    template <class Self, class Visit>
    static auto visit(Self& self, Visit const& visit) {
        VIRTQ_ASSERT(self.probe_mark_.is_set(),
                     "a transport that was not probed, or that was moved, cleared or overwritten since: call "
                     "probe_mmio() or probe_pci() first, and leave it where it is, since drivers keep its address");
        switch (self.kind_) {
            case Kind::pci_modern: return visit(self.pci_modern_);
            case Kind::pci_legacy_ports: return visit(self.pci_legacy_ports_);
            case Kind::pci_legacy_memory: return visit(self.pci_legacy_memory_);
            default: return visit(self.mmio_);
        }
    }
    template <class Visit>
    auto visit(Visit const& what) {
        return visit(*this, what);
    }
    template <class Visit>
    auto visit(Visit const& what) const {
        return visit(*this, what);
    }

    ProbeMark probe_mark_;
    Kind kind_ = Kind::none;
    bool asked_features_ok_ = false;
    bool in_use_ = false;  ///< the device was told of a queue, and not reset since
    MmioTransport<Memory> mmio_;
    PciModernTransport<Memory> pci_modern_;
    PciLegacyTransport<Ports> pci_legacy_ports_;
    PciLegacyTransport<Memory> pci_legacy_memory_;
};

static_assert(Transport<AnyTransport<>>);

}  // namespace virtq
