// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/guest_memory.hpp>
#include <sim/pci_capability_list.hpp>
#include <sim/pci_common_config.hpp>
#include <sim/pci_config_registers.hpp>
#include <sim/pci_core.hpp>
#include <sim/pci_endpoint.hpp>
#include <sim/pci_layout.hpp>
#include <sim/pci_legacy_header.hpp>
#include <sim/queue_manner.hpp>
#include <sim/rule.hpp>
#include <sim/schedule.hpp>
#include <sim/wire_pci.hpp>

/// A virtio function on PCI (§4.1): configuration space and BARs in front of a `DeviceBackend`. Like `MmioDevice` it
/// checks what the standard requires of the driver, reports which rule was broken, and misbehaves on request.
namespace virtq::sim {

/// **Threading** As for `MmioDevice`: a lock serialises accesses and `step`, and callbacks run under it.
class PciDevice final : public PciEndpoint {
public:
    /// A number of reads after which it never happens.
    static constexpr size_t never = ~size_t{0};
    static constexpr uint8_t stray_byte = DeviceQueue::stray_byte;

    PciDevice(GuestMemory& memory, DeviceBackend& backend, PciLayout layout = PciLayout::modern());

    // What the bus sees.

    [[nodiscard]] uint32_t read_config(uint16_t offset, unsigned bytes) override;
    void write_config(uint16_t offset, uint32_t value, unsigned bytes) override;
    [[nodiscard]] std::optional<PciTarget> decode(PciAddressSpace space, uint64_t address,
                                                  unsigned bytes) const override;
    [[nodiscard]] uint32_t read_bar(PciTarget target, unsigned bytes) override;
    void write_bar(PciTarget target, uint32_t value, unsigned bytes) override;
    void set_multifunction() override;

    /// Lets the device work once; returns how many chains it completed.
    size_t step() {
        return locked([&] { return vanished_ ? size_t{0} : core_.step(); });
    }

    // What happened.

    [[nodiscard]] ViolationLog& violations() const { return core_.log(); }
    [[nodiscard]] uint32_t status() const {
        return locked([&] { return core_.status().value(); });
    }
    [[nodiscard]] std::vector<uint32_t> status_history() const {
        return locked([&] { return core_.status().history(); });
    }
    [[nodiscard]] FeatureWords accepted_features() const {
        return locked([&] { return core_.features().accepted(); });
    }
    [[nodiscard]] size_t notifications(uint16_t queue = 0) const {
        return locked([&] { return core_.queues().at(queue).notifications; });
    }
    [[nodiscard]] size_t backlog(uint16_t queue = 0) const {
        return locked([&] { return core_.queues().at(queue).unused(); });
    }
    /// Number of interrupts by line and by message.
    [[nodiscard]] size_t interrupts() const {
        return locked([&] { return core_.interrupts().count(); });
    }
    /// Whether the device drives INTx.
    [[nodiscard]] bool interrupt_line() const {
        return locked([&] { return !vanished_ && core_.interrupts().line(); });
    }
    /// All MSI-X messages, oldest first.
    [[nodiscard]] std::vector<MsixMessage> messages() const {
        return locked([&] { return core_.interrupts().messages(); });
    }
    /// Number of messages of one vector.
    [[nodiscard]] size_t messages_of(uint16_t vector) const;
    /// §4.1.4.5.2: with MSI-X a driver should have no reason to read the ISR status.
    [[nodiscard]] size_t isr_reads() const {
        return locked([&] { return core_.interrupts().isr_reads(); });
    }
    [[nodiscard]] uint16_t queue_vector(uint16_t queue = 0) const {
        return locked([&] { return core_.queues().at(queue).vector; });
    }
    [[nodiscard]] size_t config_accesses() const {
        return locked([&] { return config_accesses_; });
    }
    [[nodiscard]] size_t bar_accesses() const {
        return locked([&] { return bar_accesses_; });
    }
    [[nodiscard]] PciBar bar(unsigned index) const {
        return locked([&] { return registers_.bar(index); });
    }
    [[nodiscard]] SplitQueue* ring(uint16_t queue = 0) {
        return locked([&] { return core_.queues().at(queue).ring.split(); });
    }
    [[nodiscard]] PackedQueue* packed_ring(uint16_t queue = 0) {
        return locked([&] { return core_.queues().at(queue).ring.packed(); });
    }

    // How it works.

    void set_schedule(Schedule const& schedule) {
        locked([&] { core_.queues().schedule = schedule; });
    }
    void set_attention(Attention attention) {
        locked([&] { core_.queues().attention = attention; });
    }
    void publish_each(bool on = true) {
        locked([&] { core_.publish_each = on; });
    }
    void set_used_entries(UsedEntries entries) {
        locked([&] { core_.queues().used_entries = entries; });
    }
    void set_start_index(uint16_t index, uint16_t queue = 0) {
        locked([&] { core_.queues().at(queue).start_index = index; });
    }
    void set_start_position(PackedPosition position, uint16_t queue = 0) {
        locked([&] { core_.queues().at(queue).start_position = position; });
    }
    /// The name of a queue in notifications with NOTIF_CONFIG_DATA.
    void set_notif_config_data(uint16_t data, uint16_t queue = 0) {
        locked([&] { core_.queues().at(queue).notif_config_data = data; });
    }
    void on_interrupt(std::function<void()> callback) {
        locked([&] { core_.interrupts().on_line = std::move(callback); });
    }
    void on_message(std::function<void(MsixMessage const&)> callback) {
        locked([&] { core_.interrupts().on_message = std::move(callback); });
    }
    /// Called before each access to a BAR, so that a test can change something in the middle of a sequence.
    void before_access(std::function<void(PciTarget target, bool is_write)> callback) {
        locked([&] { before_access_ = std::move(callback); });
    }
    void change_config(std::function<void()> const& change) {
        locked([&] { core_.change_config(change); });
    }

    // Faults of the device.

    void offer(unsigned bit, bool on = true) {
        locked([&] { core_.offer(bit, on); });
    }
    void refuse_features_ok(bool on = true) {
        locked([&] { core_.refuse_features = on; });
    }
    void reset_takes(size_t reads) {
        locked([&] { core_.reset_takes(reads); });
    }
    /// From now on: how a device that was live answers a reset.
    void set_device_reset(DeviceReset how) {
        locked([&] { core_.reset_manner = how; });
    }
    /// As in `MmioDevice`.
    void keep_status_as_written(bool on = true) {
        locked([&] { core_.status().keep_as_written(on); });
    }
    void set_address_end(uint64_t end) {
        locked([&] { core_.queues().set_address_end(end); });
    }
    void queue_reset_takes(size_t reads) {
        locked([&] { core_.queues().reset_takes = reads; });
    }
    void set_queue_reset(QueueReset how) {
        locked([&] { core_.queues().reset_manner = how; });
    }
    void set_queue_size_max(uint16_t value, uint16_t queue = 0) {
        locked([&] { core_.queues().at(queue).size_max = value; });
    }
    /// Ignores a written queue_size: the maximum reads back.
    void ignore_queue_size(bool on = true) {
        locked([&] { core_.queues().ignore_size = on; });
    }
    /// queue_enable, or the address of a legacy queue, does not keep what is written.
    void refuse_queue_enable(bool on = true) {
        locked([&] { core_.queues().refuse_enable = on; });
    }
    /// Mapping an event to this or a higher vector fails.
    void refuse_vectors(size_t from = 0) {
        locked([&] { core_.queues().vectors_refused_from = from; });
    }
    void unsettle_config(size_t reads = never) {
        locked([&] { core_.modern_config().unsettle(reads); });
    }
    void need_reset() {
        locked([&] { core_.break_down(); });
    }
    /// Raises the line with any bits in the ISR status.
    void interrupt_unasked(uint8_t bits = 0) {
        locked([&] { core_.interrupts().raise_unasked(bits); });
    }
    /// Sets bits of the ISR status that no read clears, so that the line stays asserted; 0 ends that.
    void storm(uint8_t bits = 1) {
        locked([&] { core_.interrupts().storm(bits); });
    }
    /// The device is gone: reads return all ones, and writes are lost. No reset reaches it, so it keeps its queues: a
    /// driver that releases them breaks `memory_in_use`.
    void vanish(bool on = true) {
        locked([&] { vanished_ = on; });
    }
    /// The device vanishes at the `n`-th access from now (0 is the next one), counting configuration space and BARs.
    void vanish_at(size_t n) {
        locked([&] { vanishes_in_ = n + 1; });
    }

    // Faults in the configuration space.

    /// To read, and to make it invalid: `poke` writes what a driver cannot write.
    [[nodiscard]] PciConfigRegisters& config() { return registers_; }
    [[nodiscard]] PciCapabilityList& capabilities() { return capabilities_; }
    [[nodiscard]] PciCapabilityList const& capabilities() const { return capabilities_; }
    /// Makes the first capability of a type describe another place than that of the structure.
    void claim(uint8_t type, PciStructure const& structure);
    /// Bits of the command register that do not keep a 1, for example wire::pci::command_bus_master.
    void refuse_command(uint16_t bits);
    /// Makes a BAR keep its address, whatever is written.
    void stick_bar(unsigned index) {
        locked([&] { registers_.bar(index).stick(); });
    }
    /// Links the last capability to the first.
    void loop_capabilities();

private:
    template <class Body>
    auto locked(Body body) const -> decltype(body()) {
        std::lock_guard const lock(mutex_);
        return body();
    }
    void report(Rule const& broken, uint64_t value) { violations().report(broken, value); }
    [[nodiscard]] static PciConfigRegisters registers_of(DeviceBackend const& backend, PciLayout const& layout);
    [[nodiscard]] bool is_gone();

    // Configuration space.
    [[nodiscard]] PciCapability const* window_at(uint16_t offset, unsigned bytes) const;
    void check_capability_write(uint16_t offset, unsigned bytes);
    void check_window_offset(uint16_t offset, unsigned bytes);
    void check_bar_write(uint16_t offset);
    [[nodiscard]] std::optional<PciTarget> window_target(PciCapability const& window, unsigned& bytes);
    void follow_control();

    // BARs.
    [[nodiscard]] PciStructure const* structure_at(PciTarget target, unsigned bytes) const;
    [[nodiscard]] bool is_in(uint32_t begin, uint32_t length, PciTarget target) const {
        return target.bar == layout_.msix_bar && target.offset >= begin && target.offset - begin < length;
    }
    [[nodiscard]] bool is_legacy_bar(PciTarget target) const {
        return layout_.interface != PciInterface::modern && target.bar == layout_.legacy_bar;
    }
    [[nodiscard]] bool enter(PciInterface used, bool is_status, bool may_stay_outside);
    [[nodiscard]] uint32_t read_structure(PciStructure const& structure, uint32_t offset, unsigned bytes);
    void write_structure(PciStructure const& structure, uint32_t offset, uint32_t value, unsigned bytes);
    [[nodiscard]] uint32_t read_inside(PciTarget target, unsigned bytes);
    void write_inside(PciTarget target, uint32_t value, unsigned bytes);

    mutable std::recursive_mutex mutex_;
    PciLayout layout_;
    PciConfigRegisters registers_;
    PciCapabilityList capabilities_;
    PciCore core_;
    PciCommonConfig common_;
    PciLegacyHeader legacy_;
    bool vanished_ = false;
    size_t vanishes_in_ = 0;  ///< 0: it does not vanish
    size_t config_accesses_ = 0;
    size_t bar_accesses_ = 0;
    std::function<void(PciTarget, bool)> before_access_;
};

inline PciDevice::PciDevice(GuestMemory& memory, DeviceBackend& backend, PciLayout layout)
    : layout_(std::move(layout)),
      registers_(registers_of(backend, layout_)),
      capabilities_(registers_, layout_),
      core_(memory, backend, layout_, registers_),
      common_(core_),
      legacy_(core_) {}

/// §4.1.2: fills the header.
inline PciConfigRegisters PciDevice::registers_of(DeviceBackend const& backend, PciLayout const& layout) {
    using namespace wire::pci;
    PciConfigRegisters registers(layout.config_bytes);
    bool const modern = layout.interface == PciInterface::modern;
    auto const type = static_cast<uint16_t>(backend.device_id());
    registers.poke(vendor_id, vendor, 2);
    registers.poke(device_id, modern ? modern_device_base + uint32_t{type} : transitional_id_of(type), 2);
    registers.poke(revision, modern ? 1 : 0, 1);
    registers.poke(class_code, layout.class_code, 3);
    registers.poke(subsystem_vendor, vendor, 2);
    registers.poke(subsystem_id, modern ? 0x1100u : type, 2);
    registers.poke(wire::pci::interrupt_line, layout.interrupt_line, 1);
    registers.poke(interrupt_pin, layout.interrupt_pin, 1);
    registers.set_writable(command, command_writable, 2);
    registers.set_writable(wire::pci::interrupt_line, 0xff, 1);
    for (unsigned i = 0; i < bar_count; ++i) {
        registers.bar(i) = PciBar(layout.bars[i]);
    }
    return registers;
}

inline bool PciDevice::is_gone() {
    if (vanishes_in_ != 0 && --vanishes_in_ == 0) {
        vanished_ = true;
    }
    return vanished_;
}

inline void PciDevice::set_multifunction() {
    using namespace wire::pci;
    locked([&] { registers_.poke(header_type, registers_.peek(header_type, 1) | header_multifunction, 1); });
}

// Configuration space.

inline uint32_t PciDevice::read_config(uint16_t offset, unsigned bytes) {
    std::lock_guard const lock(mutex_);
    ++config_accesses_;
    if (is_gone()) {
        return ~uint32_t{0};
    }
    if (offset % bytes != 0) {
        report(rule::pci_crooked_config, offset);
        return ~uint32_t{0};
    }
    if (PciCapability const* const window = window_at(offset, bytes)) {  // §4.1.4.9.1
        unsigned width = 0;
        if (auto const target = window_target(*window, width)) {
            auto const data = static_cast<uint16_t>(window->offset + wire::pci::pci_cfg_data);
            registers_.poke(data, read_inside(*target, width), width);
        }
    }
    return registers_.read(offset, bytes);
}

inline void PciDevice::write_config(uint16_t offset, uint32_t value, unsigned bytes) {
    std::lock_guard const lock(mutex_);
    ++config_accesses_;
    if (is_gone()) {
        return;
    }
    if (offset % bytes != 0) {
        return report(rule::pci_crooked_config, offset);
    }
    check_bar_write(offset);
    check_capability_write(offset, bytes);
    registers_.write(offset, value, bytes);
    check_window_offset(offset, bytes);
    if (PciCapability const* const window = window_at(offset, bytes)) {
        unsigned width = 0;
        if (auto const target = window_target(*window, width)) {
            auto const data = static_cast<uint16_t>(window->offset + wire::pci::pci_cfg_data);
            write_inside(*target, registers_.peek(data, width), width);
        }
    }
    follow_control();
}

/// The PCI_CFG capability whose pci_cfg_data is at `offset`, or null.
inline PciCapability const* PciDevice::window_at(uint16_t offset, unsigned bytes) const {
    for (auto const& one : capabilities_.all()) {
        auto const data = static_cast<uint16_t>(one.offset + wire::pci::pci_cfg_data);
        if (one.type == wire::pci::pci_cfg && offset < data + 4 && offset + bytes > data) {
            return &one;
        }
    }
    return nullptr;
}

/// §4.1.4.9.2: where the window points to, and how wide it is. Nothing, and a report, if that is not allowed.
inline std::optional<PciTarget> PciDevice::window_target(PciCapability const& window, unsigned& bytes) {
    using namespace wire::pci;
    auto const field = [&](uint16_t which, unsigned width) {
        return registers_.peek(static_cast<uint16_t>(window.offset + which), width);
    };
    bytes = field(cap_length, 4);
    PciTarget const target{field(cap_bar, 1), field(cap_offset, 4)};
    if ((bytes != 1 && bytes != 2 && bytes != 4) || target.offset % bytes != 0) {
        report(rule::pci_window_alignment, target.offset);
        return {};
    }
    if (structure_at(target, bytes) == nullptr) {
        report(rule::pci_window_range, target.offset);
        return {};
    }
    return target;
}

/// §4.1.4.1: only the PCI_CFG capability has writable fields.
inline void PciDevice::check_capability_write(uint16_t offset, unsigned bytes) {
    using namespace wire::pci;
    for (auto const& one : capabilities_.all()) {
        auto const at = static_cast<uint16_t>(offset - one.offset);
        bool const of_window = one.type == pci_cfg && (at == cap_bar || at >= cap_offset);
        if (one.id == capability_vendor && one.overlaps(offset, bytes) && !of_window) {
            report(rule::pci_capability_write, offset);
        }
    }
}

/// [PCI]: decoding must be off while a region is moved or sized.
inline void PciDevice::check_bar_write(uint16_t offset) {
    using namespace wire::pci;
    if (offset < wire::pci::bar || offset >= wire::pci::bar + 4 * bar_count) {
        return;
    }
    unsigned index = (offset - wire::pci::bar) / 4u;
    if (index != 0 && registers_.bar(index - 1).is_wide()) {
        --index;
    }
    PciBar const& which = registers_.bar(index);
    uint16_t const decoding = which.is_io() ? command_io : command_memory;
    if (which.layout().bytes != 0 && (registers_.command() & decoding) != 0) {
        report(rule::pci_bar_live, offset);
    }
}

/// §4.1.4.9.2: a window's offset, when written, must be a multiple of the window's length at that time.
inline void PciDevice::check_window_offset(uint16_t offset, unsigned bytes) {
    using namespace wire::pci;
    for (auto const& one : capabilities_.all()) {
        auto const field = static_cast<uint16_t>(one.offset + cap_offset);
        if (one.type != pci_cfg || offset >= field + 4 || offset + bytes <= field) {
            continue;
        }
        uint32_t const written = registers_.peek(field, 4);
        uint32_t const length = registers_.peek(static_cast<uint16_t>(one.offset + cap_length), 4);
        if (length == 0 ? written != 0 : written % length != 0) {
            report(rule::pci_window_alignment, written);
        }
    }
}

inline void PciDevice::follow_control() {
    if (PciCapability const* const msix = capabilities_.find_id(wire::pci::capability_msix)) {
        auto const at = static_cast<uint16_t>(msix->offset + wire::pci::msix_control);
        core_.interrupts().set_control(static_cast<uint16_t>(registers_.peek(at, 2)));
    }
}

inline void PciDevice::claim(uint8_t type, PciStructure const& structure) {
    locked([&] {
        if (PciCapability const* const capability = capabilities_.find(type)) {
            capabilities_.claim(*capability, structure);
        }
    });
}

inline void PciDevice::refuse_command(uint16_t bits) {
    using namespace wire::pci;
    locked([&] {
        registers_.set_writable(command, command_writable & ~uint32_t{bits}, 2);
        registers_.poke(command, registers_.command() & ~uint32_t{bits}, 2);
    });
}

inline void PciDevice::loop_capabilities() {
    locked([&] {
        auto const& all = capabilities_.all();
        if (!all.empty()) {
            auto const link = static_cast<uint16_t>(all.back().offset + wire::pci::cap_next);
            registers_.poke(link, all.front().offset, 1);
        }
    });
}

// BARs.

inline std::optional<PciTarget> PciDevice::decode(PciAddressSpace space, uint64_t address, unsigned bytes) const {
    using namespace wire::pci;
    std::lock_guard const lock(mutex_);
    bool const io = space == PciAddressSpace::io;
    if (vanished_ || (registers_.command() & (io ? command_io : command_memory)) == 0) {
        return {};
    }
    for (unsigned i = 0; i < bar_count; ++i) {
        PciBar const& one = registers_.bar(i);
        if ((io ? one.is_io() : one.is_memory()) && one.contains(address, bytes)) {
            return PciTarget{i, address - one.address()};
        }
    }
    return {};
}

inline uint32_t PciDevice::read_bar(PciTarget target, unsigned bytes) {
    std::lock_guard const lock(mutex_);
    ++bar_accesses_;
    if (before_access_) {
        before_access_(target, false);
    }
    return is_gone() ? ~uint32_t{0} : read_inside(target, bytes);
}

inline void PciDevice::write_bar(PciTarget target, uint32_t value, unsigned bytes) {
    std::lock_guard const lock(mutex_);
    ++bar_accesses_;
    if (before_access_) {
        before_access_(target, true);
    }
    if (!is_gone()) {
        write_inside(target, value, bytes);
    }
}

inline PciStructure const* PciDevice::structure_at(PciTarget target, unsigned bytes) const {
    if (layout_.interface == PciInterface::legacy) {
        return nullptr;
    }
    for (auto const& one : layout_.structures) {
        if (one.type != wire::pci::pci_cfg && one.bar == target.bar && target.offset >= one.offset &&
            target.offset - one.offset + bytes <= one.length) {
            return &one;
        }
    }
    return nullptr;
}

/// Both interfaces may read the status, and write 0 to it: that is how one takes over from the other.
inline bool PciDevice::enter(PciInterface used, bool is_status, bool may_stay_outside) {
    return (is_status && may_stay_outside) || core_.enter(used);
}

inline uint32_t PciDevice::read_inside(PciTarget target, unsigned bytes) {
    if (is_in(layout_.msix_table_offset, core_.interrupts().msix().table_bytes(), target)) {
        auto const offset = static_cast<uint32_t>(target.offset - layout_.msix_table_offset);
        return core_.interrupts().msix().read_table(offset, bytes);
    }
    if (is_in(layout_.msix_pending_offset, core_.interrupts().msix().pending_bytes(), target)) {
        auto const offset = static_cast<uint32_t>(target.offset - layout_.msix_pending_offset);
        return core_.interrupts().msix().read_pending(offset, bytes);
    }
    if (PciStructure const* const structure = structure_at(target, bytes)) {
        return read_structure(*structure, static_cast<uint32_t>(target.offset - structure->offset), bytes);
    }
    if (is_legacy_bar(target)) {
        auto const offset = static_cast<uint32_t>(target.offset);
        bool const is_status = offset == wire::pci::legacy::device_status;
        return enter(PciInterface::legacy, is_status, true) ? legacy_.read(offset, bytes) : 0;
    }
    report(rule::pci_unknown, target.offset);
    return 0;
}

inline void PciDevice::write_inside(PciTarget target, uint32_t value, unsigned bytes) {
    if (is_in(layout_.msix_table_offset, core_.interrupts().msix().table_bytes(), target)) {
        auto const offset = static_cast<uint32_t>(target.offset - layout_.msix_table_offset);
        return core_.interrupts().msix().write_table(offset, value, bytes);
    }
    if (is_in(layout_.msix_pending_offset, core_.interrupts().msix().pending_bytes(), target)) {
        return core_.interrupts().msix().write_pending(static_cast<uint32_t>(target.offset));
    }
    if (PciStructure const* const structure = structure_at(target, bytes)) {
        return write_structure(*structure, static_cast<uint32_t>(target.offset - structure->offset), value, bytes);
    }
    if (is_legacy_bar(target)) {
        auto const offset = static_cast<uint32_t>(target.offset);
        bool const is_status = offset == wire::pci::legacy::device_status;
        if (enter(PciInterface::legacy, is_status, value == 0)) {
            legacy_.write(offset, value, bytes);
        }
        return;
    }
    report(rule::pci_unknown, target.offset);
}

inline uint32_t PciDevice::read_structure(PciStructure const& structure, uint32_t offset, unsigned bytes) {
    using namespace wire::pci;
    bool const is_status = structure.type == common_cfg && offset == common::device_status;
    if (!enter(PciInterface::modern, is_status, true)) {
        return 0;
    }
    switch (structure.type) {
        case common_cfg: return common_.read(offset, bytes);
        case device_cfg: return core_.read_config(static_cast<uint16_t>(offset), bytes);
        case isr_cfg:
            if (bytes != 1 || offset != 0) {
                report(rule::pci_width_8, offset);
                return 0;
            }
            return core_.interrupts().read_isr();
        default: report(rule::pci_notify_read, offset); return 0;
    }
}

inline void PciDevice::write_structure(PciStructure const& structure, uint32_t offset, uint32_t value,
                                       unsigned bytes) {
    using namespace wire::pci;
    bool const is_status = structure.type == common_cfg && offset == common::device_status;
    if (!enter(PciInterface::modern, is_status, value == 0)) {
        return;
    }
    switch (structure.type) {
        case common_cfg: return common_.write(offset, value, bytes);
        case isr_cfg: return report(rule::pci_read_only, offset);
        case notify_cfg:
            if (core_.check_during_reset(false, value)) {
                core_.notify_at(offset, value, bytes);
            }
            return;
        default:
            if (core_.check_during_reset(false, offset)) {
                core_.write_config(static_cast<uint16_t>(offset), value, bytes);
            }
    }
}

// For tests.

inline size_t PciDevice::messages_of(uint16_t vector) const {
    size_t count = 0;
    for (auto const& message : messages()) {
        count += message.vector == vector ? 1 : 0;
    }
    return count;
}

}  // namespace virtq::sim
