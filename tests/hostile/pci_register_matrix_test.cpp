// SPDX-License-Identifier: MIT
#include <virtq/queue/any_format.hpp>

#include <hostile/register_matrix.hpp>
#include <sim/pci_endpoint.hpp>
#include <sim/wire.hpp>
#include <transport/pci_machine.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

/// Every invalid value of the registers in the BARs of virtio on PCI (§4.1), modern and legacy. The configuration space
/// is valid here: `pci_config_space_fuzz` is about that.
namespace virtq::test {

using namespace virtq::detail;

namespace {

/// A register as a number: the BAR, and the offset in it.
constexpr std::uint32_t place_of(unsigned bar, std::uint64_t offset) {
    return static_cast<std::uint32_t>(bar << 16 | offset);
}

/// Replaces the device on the bus. The `Interceptor` may change the values of its registers.
class FaultyFunction final : public sim::PciEndpoint {
public:
    FaultyFunction(sim::PciDevice& device, Interceptor& interceptor) : device_(device), interceptor_(interceptor) {}

    [[nodiscard]] std::uint32_t read_config(std::uint16_t offset, unsigned bytes) override {
        return device_.read_config(offset, bytes);
    }
    void write_config(std::uint16_t offset, std::uint32_t value, unsigned bytes) override {
        device_.write_config(offset, value, bytes);
    }
    /// Each access to a BAR begins here, even if no device answers any more.
    [[nodiscard]] std::optional<sim::PciTarget> decode(sim::PciAddressSpace space, std::uint64_t address,
                                                       unsigned bytes) const override {
        interceptor_.before();
        return device_.decode(space, address, bytes);
    }
    [[nodiscard]] std::uint32_t read_bar(sim::PciTarget target, unsigned bytes) override {
        return interceptor_.read(place_of(target.bar, target.offset), device_.read_bar(target, bytes));
    }
    void write_bar(sim::PciTarget target, std::uint32_t value, unsigned bytes) override {
        if (!interceptor_.loses(place_of(target.bar, target.offset))) {
            device_.write_bar(target, value, bytes);
        }
    }

private:
    sim::PciDevice& device_;
    Interceptor& interceptor_;
};

enum class Interrupts { by_line, by_message };

struct PciKind {
    char const* name;
    sim::PciLayout layout = sim::PciLayout::modern();
    sim::BlockOptions disk{};
    Interrupts interrupts = Interrupts::by_line;

    [[nodiscard]] bool is_legacy() const { return layout.interface == sim::PciInterface::legacy; }
};

/// The positions of the registers that the tests change.
struct Places {
    explicit Places(PciKind const& kind) {
        if (kind.is_legacy()) {
            use_legacy(kind);
        } else {
            use_modern(kind.layout);
        }
        disk_queues = config + static_cast<std::uint32_t>(sim::wire::block::config_num_queues);
    }

    /// The real register, without the `Interceptor`.
    [[nodiscard]] static sim::PciTarget target(std::uint32_t place) { return {place >> 16, place & 0xffff}; }
    [[nodiscard]] bool is_notification(std::uint32_t place) const {
        return place >= notify && place < notify + notify_bytes;
    }
    [[nodiscard]] bool is_config(std::uint32_t place) const { return place >= config && place < config + 0x100; }

    std::uint32_t status = 0;
    std::uint32_t offered = 0;
    std::uint32_t queue_size = 0;
    std::uint32_t queue_in_use = 0;  ///< queue_enable, or the page number
    std::uint32_t config_vector = 0;
    std::uint32_t queue_vector = 0;
    std::uint32_t isr = 0;
    std::uint32_t config = 0;
    std::uint32_t notify = 0;
    std::uint32_t notify_bytes = 0;
    std::uint32_t queue_select = 0;
    std::uint32_t disk_queues = 0;  ///< the number of queues in the disk's configuration
    std::uint32_t num_queues = 0;   ///< modern: the number of queues of the transport
    std::uint32_t notify_off = 0;   ///< modern

private:
    void use_modern(sim::PciLayout layout) {
        auto const at = [&](std::uint8_t type, std::uint32_t offset) {
            sim::PciStructure const& found = layout.structure(type);
            return place_of(found.bar, found.offset + offset);
        };
        status = at(wire::common_cfg, wire::common::device_status);
        offered = at(wire::common_cfg, wire::common::device_feature);
        queue_size = at(wire::common_cfg, wire::common::queue_size);
        queue_in_use = at(wire::common_cfg, wire::common::queue_enable);
        config_vector = at(wire::common_cfg, wire::common::config_msix_vector);
        queue_vector = at(wire::common_cfg, wire::common::queue_msix_vector);
        num_queues = at(wire::common_cfg, wire::common::num_queues);
        queue_select = at(wire::common_cfg, wire::common::queue_select);
        notify_off = at(wire::common_cfg, wire::common::queue_notify_off);
        isr = at(wire::isr_cfg, 0);
        config = at(wire::device_cfg, 0);
        notify = at(wire::notify_cfg, 0);
        notify_bytes = layout.structure(wire::notify_cfg).length;
    }
    void use_legacy(PciKind const& kind) {
        status = place_of(0, wire::legacy::device_status);
        offered = place_of(0, wire::legacy::device_features);
        queue_select = place_of(0, wire::legacy::queue_select);
        queue_size = place_of(0, wire::legacy::queue_size);
        queue_in_use = place_of(0, wire::legacy::queue_address);
        config_vector = place_of(0, wire::legacy::config_msix_vector);
        queue_vector = place_of(0, wire::legacy::queue_msix_vector);
        isr = place_of(0, wire::legacy::isr_status);
        bool const by_line = kind.interrupts == Interrupts::by_line;
        config = place_of(0, by_line ? wire::legacy::bytes : wire::legacy::bytes_with_msix);
        notify = place_of(0, wire::legacy::queue_notify);
        notify_bytes = 2;
    }
};

struct TraitsOfTwo : BlockTraits {
    using Format = AnyFormat;
    static constexpr std::uint16_t queue_count_max = 2;
};

template <class T>
class PciFaultMachine : public PciDiskMachine<T, 16, TraitsOfTwo> {
public:
    using Device = sim::PciDevice;
    using Kind = PciKind;

    explicit PciFaultMachine(PciKind const& kind)
        : PciDiskMachine<T, 16, TraitsOfTwo>(
              {.disk = kind.disk, .layout = kind.layout, .memory_bytes = std::size_t{1} << 20}),
          kind_(kind) {
        this->hostile = true;
        this->bus.add(this->function.address(), faulty_);  // in place of the device
    }
    ~PciFaultMachine() { this->bus.add(this->function.address(), this->device); }
    PciFaultMachine(PciFaultMachine const&) = delete;
    PciFaultMachine& operator=(PciFaultMachine const&) = delete;

    Status probe() {
        Status const found = probe_pci(this->transport, this->function, this->bus);
        if (!found || kind_.interrupts == Interrupts::by_line) {
            return found;
        }
        MsiMessage const messages[] = {{0xfee0'0000, 0x30}, {0xfee0'1000, 0x31}, {0xfee0'2000, 0x32}};
        return use_msix(this->transport, this->function, this->bus, messages).error();
    }

    void heal() {
        interceptor.pass_on();
        this->device.vanish(false);
        this->device.unsettle_config(0);
        this->device.refuse_features_ok(false);
        this->device.refuse_queue_enable(false);
        this->device.reset_takes(0);
        this->device.write_bar(Places::target(Places{kind_}.status), 0, 1);  // like the reset button of a machine
    }
    static std::vector<sim::Rule> watched_rules() {
        using namespace sim::rule;
        return {pci_unmapped, pci_bar_overlap,        pci_bar_live,        pci_capability_write, pci_crooked_config,
                pci_width_8,  pci_width_16,           pci_width_32,        pci_read_only,        pci_legacy_unknown,
                pci_mixed,    pci_notify_width_16,    pci_notify_width_32, pci_notify_read,      pci_bus_master,
                msix_width,   pci_queue_enable_value, pci_queue_disable,   pci_split_size,       pci_vector_range};
    }

    Interceptor interceptor;

private:
    PciKind kind_;
    FaultyFunction faulty_{this->device, interceptor};
};

using Fault = RegisterFault<sim::PciDevice>;

std::vector<Fault> faults_of_both(Places const& at) {
    return {
        {"vanishes", [](Interceptor&, sim::PciDevice& d) { d.vanish(); }, {Error::device_gone}, true},
        {"needs_a_reset",
         [](Interceptor&, sim::PciDevice& d) { d.need_reset(); },
         {Error::init_needs_reset, Error::reset_needed, Error::reset_timed_out}},
        {"resets_itself",
         [at](Interceptor&, sim::PciDevice& d) { d.write_bar(Places::target(at.status), 0, 1); },
         {Error::status_not_kept, Error::reset_needed, Error::feature_required_not_offered, Error::features_refused,
          Error::queue_size_above_capacity, Error::queue_size_not_taken, Error::queue_not_accepted,
          Error::vector_refused, Error::timed_out}},
        {"status_flips_all_bits",
         change(at.status, [](std::uint32_t v) { return v ^ 0xffu; }),
         {Error::device_gone, Error::status_not_kept, Error::reset_refused, Error::features_refused,
          Error::init_needs_reset, Error::reset_needed},
         true},
        {"status_is_zero",
         read_as(at.status, 0),
         {Error::status_not_kept, Error::features_refused, Error::reset_needed},
         true},
        {"status_is_never_zero",
         change(at.status, [](std::uint32_t v) { return v | 0x0fu; }),
         {Error::reset_timed_out}},
        {"status_alternates", alternate(at.status, 0x4f), {Error::init_needs_reset, Error::reset_needed}, true},
        {"reset_never_ends",
         [](Interceptor&, sim::PciDevice& d) { d.reset_takes(sim::PciDevice::never); },
         {Error::reset_timed_out}},
        {"queue_size_is_zero",
         read_as(at.queue_size, 0),
         {Error::queue_absent, Error::queue_size_zero, Error::queue_size_not_taken}},
        {"queue_size_is_three",
         read_as(at.queue_size, 3),
         {Error::queue_size_fixed_no_power_of_two, Error::queue_too_small, Error::queue_size_not_taken}},
        {"queue_size_is_huge",
         read_as(at.queue_size, 0xffff),
         {Error::queue_size_above_maximum, Error::queue_size_not_taken}},
        {"queue_size_is_the_largest",
         read_as(at.queue_size, 0x8000),
         {Error::queue_size_above_capacity, Error::queue_size_not_taken}},
        {"queue_size_shrinks", shrink(at.queue_size, 16), {Error::queue_size_not_taken, Error::timed_out}},
        {"queue_is_in_use",
         read_as(at.queue_in_use, 1),
         {Error::queue_in_use, Error::queue_not_accepted, Error::queue_survived_reset}},
        {"queue_does_not_get_ready",
         [](Interceptor&, sim::PciDevice& d) { d.refuse_queue_enable(); },
         {Error::queue_not_accepted}},
        {"notifications_are_lost",
         lose_writes([at](std::uint32_t place) { return at.is_notification(place); }),
         {Error::timed_out}},
        {"all_writes_are_lost",
         lose_all_writes(),
         {Error::status_not_kept, Error::feature_required_not_offered, Error::features_refused,
          Error::queue_size_above_capacity, Error::queue_size_not_taken, Error::queue_not_accepted,
          Error::queue_in_use, Error::vector_refused, Error::timed_out, Error::reset_timed_out},
         true},
        {"interrupts_are_asserted_for_ever", read_as(at.isr, 0x03), {}},
        {"interrupt_status_is_all_ones", read_as(at.isr, 0xff), {}},
        {"all_reads_are_random", read_all_at_random(), any_reason(), true},
        {"all_reads_alternate_with_zero", alternate_all_with_zero(), any_reason(), true},
    };
}

std::vector<Fault> faults_of_modern(Places const& at) {
    return {
        {"features_alternate", alternate(at.offered, 0xffffffff), {Error::features_refused}},
        {"features_are_none", read_as(at.offered, 0), {Error::nothing_offered, Error::feature_required_not_offered}},
        {"features_are_refused",
         [](Interceptor&, sim::PciDevice& d) { d.refuse_features_ok(); },
         {Error::features_refused}},
        {"generation_never_settles",
         [](Interceptor&, sim::PciDevice& d) { d.unsettle_config(); },
         {Error::config_unstable}},
        // With a stable generation the driver must believe the value.
        {"configuration_is_random", read_at_random([at](std::uint32_t place) { return at.is_config(place); }), {}},
        {"queue_enable_is_two",
         read_as(at.queue_in_use, 2),
         {Error::queue_in_use, Error::queue_not_accepted, Error::queue_survived_reset}},
        {"queue_notify_off_is_huge", read_as(at.notify_off, 0xffff), {Error::pci_structure_invalid}},
        {"queue_notify_off_is_another", read_as(at.notify_off, 7), {Error::timed_out}},
        // The driver does not read these registers.
        {"num_queues_is_zero", read_as(at.num_queues, 0), {}},
        {"num_queues_is_huge", read_as(at.num_queues, 0xffff), {}},
    };
}

std::vector<Fault> faults_of_legacy(Places const& at) {
    return {
        // A legacy device cannot refuse features, and need not offer any.
        {"features_alternate", alternate(at.offered, 0xffffffff), {}},
        {"features_are_none", read_as(at.offered, 0), {}},
        {"configuration_is_random",
         read_at_random([at](std::uint32_t place) { return at.is_config(place); }),
         {Error::config_unstable}},
        {"page_number_is_another",
         change(at.queue_in_use, [](std::uint32_t v) { return v + 1; }),
         {Error::queue_in_use, Error::queue_not_accepted, Error::queue_survived_reset}},
    };
}

std::vector<Fault> faults_of_two_queues(Places const& at) {
    return {
        {"queue_select_is_lost",
         lose_writes([at](std::uint32_t place) { return place == at.queue_select; }),
         {Error::queue_in_use, Error::queue_size_not_taken}},
        {"disk_has_no_queues", read_as(at.disk_queues, 0), {}},
        {"disk_has_too_many_queues", read_as(at.disk_queues, 0xffff), {}},
    };
}

std::vector<Fault> faults_of_messages(Places const& at) {
    return {
        {"config_vector_is_refused", read_as(at.config_vector, 0xffff), {Error::vector_refused}},
        {"queue_vector_is_refused", read_as(at.queue_vector, 0xffff), {Error::vector_refused}},
        {"vectors_alternate", alternate(at.queue_vector, 0), {Error::vector_refused}},
    };
}

std::vector<Fault> faults_of(PciKind const& kind) {
    Places const at{kind};
    std::vector<Fault> faults = faults_of_both(at);
    auto const add = [&](std::vector<Fault> const& more) { faults.insert(faults.end(), more.begin(), more.end()); };
    add(kind.is_legacy() ? faults_of_legacy(at) : faults_of_modern(at));
    if (kind.disk.queues > 1) {
        add(faults_of_two_queues(at));
    }
    if (kind.interrupts == Interrupts::by_message) {
        add(faults_of_messages(at));
    }
    return faults;
}

template <class T>
std::size_t try_all(PciKind const& kind) {
    return RegisterMatrix<PciFaultMachine<T>>{kind, faults_of(kind)}.run();
}

/// The device fixes the size of a legacy queue, so it must fit the driver's.
sim::BlockOptions legacy_disk() {
    return {.sectors = 8, .event_idx = true, .queue_size_max = 16};
}

TEST(EveryPciRegisterFault, Modern) {
    EXPECT_GE(try_all<Modern>({.name = "PciModern", .disk = {.sectors = 8, .event_idx = true}}), 3700u);
}

TEST(EveryPciRegisterFault, ModernPacked) {
    EXPECT_GE(try_all<Modern>({.name = "PciModernPacked", .disk = {.sectors = 8, .event_idx = true, .packed = true}}),
              3700u);
}

TEST(EveryPciRegisterFault, ModernInOrder) {
    PciKind const kind{.name = "PciModernInOrder", .disk = {.sectors = 8, .event_idx = true, .in_order = true}};
    EXPECT_GE(try_all<Modern>(kind), 3700u);
}

TEST(EveryPciRegisterFault, ModernTwoQueues) {
    PciKind const kind{.name = "PciModernTwoQueues", .disk = {.sectors = 8, .event_idx = true, .queues = 2}};
    EXPECT_GE(try_all<Modern>(kind), 5800u);
}

TEST(EveryPciRegisterFault, ModernMessages) {
    PciKind const kind{
        .name = "PciModernMessages", .disk = {.sectors = 8, .event_idx = true}, .interrupts = Interrupts::by_message};
    EXPECT_GE(try_all<Modern>(kind), 5800u);
}

TEST(EveryPciRegisterFault, LegacyPorts) {
    PciKind const kind{.name = "PciLegacyPorts", .layout = sim::PciLayout::legacy(), .disk = legacy_disk()};
    EXPECT_GE(try_all<LegacyPorts>(kind), 1700u);
}

TEST(EveryPciRegisterFault, LegacyMemory) {
    PciKind const kind{.name = "PciLegacyMemory", .layout = legacy_in_memory(), .disk = legacy_disk()};
    EXPECT_GE(try_all<LegacyMemory>(kind), 1700u);
}

TEST(EveryPciRegisterFault, LegacyMessages) {
    PciKind const kind{.name = "PciLegacyMessages",
                       .layout = sim::PciLayout::legacy(),
                       .disk = legacy_disk(),
                       .interrupts = Interrupts::by_message};
    EXPECT_GE(try_all<LegacyPorts>(kind), 3400u);
}

}  // namespace
}  // namespace virtq::test
