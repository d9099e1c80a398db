// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <functional>

#include <sim/config_space.hpp>
#include <sim/device_backend.hpp>
#include <sim/device_status.hpp>
#include <sim/feature_exchange.hpp>
#include <sim/guest_memory.hpp>
#include <sim/pci_config_registers.hpp>
#include <sim/pci_interrupts.hpp>
#include <sim/pci_layout.hpp>
#include <sim/pci_queue_bank.hpp>
#include <sim/queue_manner.hpp>
#include <sim/queue_worker.hpp>
#include <sim/rule.hpp>
#include <sim/wire.hpp>
#include <sim/wire_pci.hpp>

/// The part of a virtio device on PCI that both of its interfaces share: status, features, queues, interrupts, and the
/// work.
namespace virtq::sim {

class PciCore {
public:
    static constexpr size_t never = ~size_t{0};

    PciCore(GuestMemory& memory, DeviceBackend& backend, PciLayout const& layout, PciConfigRegisters& registers);
    PciCore(PciCore const&) = delete;
    PciCore& operator=(PciCore const&) = delete;

    [[nodiscard]] ViolationLog& log() const { return memory_.violations(); }
    [[nodiscard]] DeviceBackend& backend() { return backend_; }
    [[nodiscard]] DeviceStatus& status() { return status_; }
    [[nodiscard]] DeviceStatus const& status() const { return status_; }
    [[nodiscard]] PciQueueBank& queues() { return queues_; }
    [[nodiscard]] PciQueueBank const& queues() const { return queues_; }
    [[nodiscard]] PciInterrupts& interrupts() { return interrupts_; }
    [[nodiscard]] PciInterrupts const& interrupts() const { return interrupts_; }
    /// The features of the interface in use.
    [[nodiscard]] FeatureExchange& features() { return legacy_ ? legacy_features_ : modern_features_; }
    [[nodiscard]] FeatureExchange const& features() const { return legacy_ ? legacy_features_ : modern_features_; }
    void offer(unsigned bit, bool on) {
        modern_features_.offer(bit, on);
        legacy_features_.offer(bit, on);
    }

    /// Each access names its interface. False: the other interface is in use, which was reported.
    [[nodiscard]] bool enter(PciInterface used);
    /// During a reset the driver may only wait (§2.4.2, §4.1.4.3.2). False: the access has no effect.
    [[nodiscard]] bool check_during_reset(bool is_status, uint32_t value);

    [[nodiscard]] uint32_t read_status();
    void write_status(uint32_t value);
    void accept_features(uint32_t value);
    [[nodiscard]] uint32_t read_config(uint16_t offset, unsigned bytes);
    void write_config(uint16_t offset, uint32_t value, unsigned bytes);
    [[nodiscard]] uint8_t read_generation() { return static_cast<uint8_t>(modern_config_.read_generation()); }
    [[nodiscard]] uint16_t read_config_vector() {
        config_vector_unread_ = false;
        return config_vector_;
    }
    void write_config_vector(uint32_t value);
    void notify_at(uint32_t offset, uint32_t value, unsigned bytes);
    void notify_legacy(uint32_t value);
    /// A legacy driver may use a queue at once (§3.1.2).
    void begin_session();

    size_t step();
    void change_config(std::function<void()> const& change);
    void break_down();

    // Knobs; they survive a reset.
    void reset_takes(size_t reads);
    bool publish_each = false;
    bool refuse_features = false;
    DeviceReset reset_manner = DeviceReset::honest;
    ConfigSpace& modern_config() { return modern_config_; }

private:
    void report(Rule const& broken, uint64_t value) { log().report(broken, value); }
    [[nodiscard]] bool is_bus_master() const { return (registers_.command() & wire::pci::command_bus_master) != 0; }
    void check_bus_master(uint64_t value) {
        if (!is_bus_master()) {
            report(rule::pci_bus_master, value);
        }
    }
    void set_legacy(bool legacy);
    void complete_reset();
    void show_legacy_config();
    void rest(uint32_t value, uint32_t added);
    [[nodiscard]] bool may_work() const;

    GuestMemory& memory_;
    DeviceBackend& backend_;
    PciConfigRegisters& registers_;
    PciInterface interface_;
    bool legacy_;
    bool chosen_ = false;  ///< since the last reset
    DeviceStatus status_;
    FeatureExchange modern_features_;
    FeatureExchange legacy_features_;
    ConfigSpace modern_config_;
    ConfigSpace legacy_config_;
    PciQueueBank queues_;
    PciInterrupts interrupts_;

    uint16_t config_vector_ = wire::pci::no_vector;
    bool config_vector_unread_ = false;
    bool config_moved_ = false;
    bool suspended_ = false;
    bool was_live_ = false;  ///< DRIVER_OK was set since the last reset
    bool reset_unread_ = false;
    size_t reset_takes_ = 0;
    size_t reset_reads_left_ = 0;
};

namespace detail {

inline constexpr FeatureRules pci_feature_rules{&rule::pci_device_feature_select, &rule::pci_driver_feature_select,
                                                true};
inline constexpr ConfigRules pci_config_rules{
    0, &rule::pci_width_8, &rule::pci_width_16, &rule::pci_width_32, &rule::pci_unknown, &rule::pci_config_read_only};
/// §4.1.4.10: any width is allowed.
inline constexpr ConfigRules pci_legacy_config_rules{0,
                                                     &rule::pci_width_8,
                                                     &rule::pci_width_16,
                                                     &rule::pci_width_32,
                                                     &rule::pci_legacy_unknown,
                                                     &rule::pci_config_read_only,
                                                     true};

/// VERSION_1 belongs to the transport (§6.2), and a legacy driver reaches word 0 only (§4.1.4.10).
[[nodiscard]] inline FeatureWords offered_on_pci(DeviceBackend const& backend, bool legacy) {
    FeatureWords words = backend.features();
    if (legacy) {
        return {words[0], 0, 0, 0};
    }
    set_feature(words, wire::feature::version_1);
    set_feature(words, wire::feature::any_layout, false);  // §6.3: implied since 1.0
    return words;
}

}  // namespace detail

inline PciCore::PciCore(GuestMemory& memory, DeviceBackend& backend, PciLayout const& layout,
                        PciConfigRegisters& registers)
    : memory_(memory),
      backend_(backend),
      registers_(registers),
      interface_(layout.interface),
      legacy_(layout.interface == PciInterface::legacy),
      status_(memory.violations(), legacy_),
      modern_features_(memory.violations(), detail::offered_on_pci(backend, false), backend.features(), false,
                       detail::pci_feature_rules),
      legacy_features_(memory.violations(), detail::offered_on_pci(backend, true), backend.features(), true,
                       detail::pci_feature_rules),
      modern_config_(memory.violations(), backend, status_, modern_features_, false, detail::pci_config_rules),
      legacy_config_(memory.violations(), backend, status_, legacy_features_, true, detail::pci_legacy_config_rules),
      queues_(memory, backend, status_, layout),
      interrupts_(memory.violations(), registers, layout.msix_vectors) {
    set_legacy(legacy_);
    show_legacy_config();
}

// Which interface.

inline void PciCore::set_legacy(bool legacy) {
    legacy_ = legacy;
    status_.set_legacy(legacy);
    queues_.use(features(), legacy);
    if (legacy) {  // the legacy header has no select register
        legacy_features_.select_offered(0);
        legacy_features_.select_accepted(0);
    }
}

inline bool PciCore::enter(PciInterface used) {
    bool const legacy = used == PciInterface::legacy;
    if (chosen_ && legacy != legacy_) {
        report(rule::pci_mixed, legacy ? 1 : 0);
        return false;
    }
    if (interface_ == PciInterface::transitional && !chosen_ && legacy != legacy_) {
        set_legacy(legacy);
        if (legacy) {
            show_legacy_config();
        } else {
            backend_.start({});
        }
    }
    chosen_ = true;
    return true;
}

/// §2.5.3: a legacy configuration is in the guest's byte order, also before negotiation.
inline void PciCore::show_legacy_config() {
    if (legacy_) {
        backend_.start({{}, true, guest_order});
    }
}

// Status.

inline bool PciCore::check_during_reset(bool is_status, uint32_t value) {
    bool const may_end = is_status && (value == 0 || (value & wire::status::failed) != 0);
    if (reset_reads_left_ != 0) {
        if (!may_end) {
            report(legacy_ ? rule::reset_incomplete : rule::pci_reset_incomplete, value);
        }
        return false;
    }
    if (reset_unread_ && !legacy_ && !may_end) {
        reset_unread_ = false;
        report(rule::pci_reset_incomplete, value);
    }
    return true;
}

inline uint32_t PciCore::read_status() {
    if (reset_reads_left_ == 0) {
        reset_unread_ = false;
        return status_.read();
    }
    // Not 0 until the reset is complete, not even for the first reset.
    uint32_t const value = status_.value() != 0 ? status_.value() : wire::status::acknowledge;
    if (reset_reads_left_ != never && --reset_reads_left_ == 0) {
        complete_reset();
    }
    return value;
}

inline void PciCore::write_status(uint32_t value) {
    if (value == 0) {
        status_.begin_reset();
        if (was_live_ && (reset_manner == DeviceReset::fails_alone || reset_manner == DeviceReset::adds_failed)) {
            return status_.answer_failed(reset_manner == DeviceReset::fails_alone);
        }
        reset_unread_ = true;
        reset_reads_left_ = reset_takes_;
        if (reset_reads_left_ == 0) {
            complete_reset();
        }
        return;
    }
    uint32_t const added = status_.write(value);
    was_live_ = was_live_ || status_.has(wire::status::driver_ok);
    rest(value, added);
    if (!legacy_ && (added & wire::status::features_ok) != 0) {
        if (!features().were_read()) {
            report(rule::init_features, value);
        }
        if (!features().acceptable() || !backend_.accepts(features().accepted()) || refuse_features) {
            status_.refuse_features();
        } else {
            begin_session();
        }
    }
    if ((added & wire::status::driver_ok) == 0) {
        return;
    }
    if (config_vector_unread_ || queues_.any_vector_unread()) {
        config_vector_unread_ = false;
        report(rule::pci_vector_unread, value);
    }
    if (legacy_) {
        if (!features().were_read()) {
            report(rule::init_features, value);
        }
        static_cast<void>(features().acceptable());  // §3.1.2: a legacy device has no way to refuse
        begin_session();
    }
}

/// §3.4: suspends and resumes at once.
inline void PciCore::rest(uint32_t value, uint32_t added) {
    if (suspended_ && (added & wire::status::driver_ok) != 0) {
        suspended_ = false;
        return status_.set_running();
    }
    if ((added & wire::status::suspend) == 0) {
        return;
    }
    if (!features().negotiated(wire::feature::suspend) || !status_.has(wire::status::driver_ok)) {
        report(rule::suspend_unasked, value);
        return status_.ignore_suspend();
    }
    suspended_ = true;
    status_.set_suspended();
}

inline void PciCore::reset_takes(size_t reads) {
    reset_takes_ = reads;
    if (reset_reads_left_ > reads) {
        reset_reads_left_ = reads;
        if (reads == 0) {
            complete_reset();
        }
    }
}

/// §2.4.1, §4.1.4.3.1, §4.1.5.1.2.1: nothing of the session remains, and all events are unmapped.
inline void PciCore::complete_reset() {
    reset_reads_left_ = 0;
    suspended_ = chosen_ = config_moved_ = false;
    status_.complete_reset();
    modern_features_.reset();
    legacy_features_.reset();
    if (reset_manner != DeviceReset::keeps_queues) {
        queues_.reset();
    }
    was_live_ = false;
    interrupts_.reset();
    config_vector_ = wire::pci::no_vector;
    config_vector_unread_ = false;
    backend_.reset();
    set_legacy(interface_ == PciInterface::legacy);
    show_legacy_config();
}

inline void PciCore::begin_session() {
    backend_.start({features().accepted(), legacy_, legacy_ ? guest_order : ByteOrder::little});
}

inline void PciCore::accept_features(uint32_t value) {
    if (status_.has(wire::status::features_ok) || status_.has(wire::status::driver_ok)) {
        return report(rule::features_frozen, value);
    }
    if (!status_.has(wire::status::driver)) {
        report(rule::init_driver, value);
    }
    features().accept(value);
}

// Device configuration.

inline uint32_t PciCore::read_config(uint16_t offset, unsigned bytes) {
    if (config_moved_) {  // §4.1.4.3.1: changes only when read, because the generation has only 8 bits
        config_moved_ = false;
        modern_config_.move_on();
    }
    ConfigSpace& config = legacy_ ? legacy_config_ : modern_config_;
    return config.check(offset, bytes, false) ? config.read(offset, bytes) : 0;
}

inline void PciCore::write_config(uint16_t offset, uint32_t value, unsigned bytes) {
    if (suspended_) {
        return report(rule::suspended_config, offset);
    }
    ConfigSpace& config = legacy_ ? legacy_config_ : modern_config_;
    if (config.check(offset, bytes, true)) {
        config.write(offset, value, bytes);
    }
}

inline void PciCore::change_config(std::function<void()> const& change) {
    change();
    config_moved_ = true;
    if (status_.has(wire::status::driver_ok)) {
        interrupts_.raise_config(config_vector_);
    }
}

inline void PciCore::write_config_vector(uint32_t value) {
    config_vector_ = queues_.map_vector(value, interrupts_.msix().size());
    config_vector_unread_ = value != wire::pci::no_vector;
}

// Work.

inline void PciCore::notify_at(uint32_t offset, uint32_t value, unsigned bytes) {
    if (suspended_) {
        return report(rule::suspended_notify, value);
    }
    if (queues_.notify_at(offset, value, bytes)) {
        check_bus_master(value);
    }
}

inline void PciCore::notify_legacy(uint32_t value) {
    if (queues_.notify_legacy(value)) {
        check_bus_master(value);
    }
}

inline void PciCore::break_down() {
    status_.set_needs_reset();
    if (status_.has(wire::status::driver_ok)) {  // §2.1.2
        interrupts_.raise_config(config_vector_);
    }
}

/// §2.1.2: no buffer is consumed before DRIVER_OK. The exception is a legacy device, whose drivers depend on it
/// (§3.1.2). Without bus master the device reaches no memory. SUSPEND clears DRIVER_OK.
inline bool PciCore::may_work() const {
    return is_bus_master() && reset_reads_left_ == 0 && !status_.has(wire::status::needs_reset) &&
           (legacy_ || status_.has(wire::status::driver_ok));
}

inline size_t PciCore::step() {
    size_t completed = 0;
    for (uint16_t i = 0; i < queues_.size() && may_work(); ++i) {
        PciQueue& queue = queues_.at(i);
        QueueWorker worker(
            queue, backend_, {queues_.attention, queues_.used_entries, publish_each}, [this] { break_down(); },
            [this, &queue] { interrupts_.raise_queue(queue.vector); });
        completed += worker.step(i);
    }
    return completed;
}

}  // namespace virtq::sim
