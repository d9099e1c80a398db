// SPDX-License-Identifier: MIT
#pragma once

#include <support/contract.hpp>
#include <virtq/device/block.hpp>
#include <virtq/diag/pci_interrupt_state.hpp>
#include <virtq/transport/any.hpp>
#include <virtq/transport/pci_config_window.hpp>
#include <virtq/transport/pci_legacy.hpp>
#include <virtq/transport/pci_modern.hpp>
#include <virtq/transport/pci_scan.hpp>

#include <sim/block_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/pci_bus.hpp>
#include <sim/pci_device.hpp>
#include <sim/pci_layout.hpp>
#include <sim/wire_pci.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <utility>

/// A simulated machine with one disk on PCI, and a driver for it. Most tests of the PCI transports use it.
namespace virtq::test {

using namespace virtq::detail;

/// Uses as many queues as the device has, up to four.
struct FourQueues : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 4;
};

namespace wire = sim::wire::pci;

/// Whether MSI-X is on, as diag/ reads it.
template <PciConfigAccess Access>
[[nodiscard]] bool is_msix_enabled(PciFunction<Access> function) {
    return (take_pci_interrupt_state(function).msix_control & spec::pci::msix::control_enable) != 0;
}

/// I/O ports of the simulated bus.
class BarPorts : public sim::BarSpace {
public:
    static constexpr bool is_port_space = true;

    using BarSpace::BarSpace;
    explicit BarPorts(BarSpace space) : BarSpace(space) {}

    [[nodiscard]] BarPorts at(std::uint32_t offset) const { return BarPorts{BarSpace::at(offset)}; }
};

using Modern = PciModernTransport<sim::BarSpace>;
using LegacyPorts = PciLegacyTransport<BarPorts>;
using LegacyMemory = PciLegacyTransport<sim::BarSpace>;
using Window = PciModernTransport<PciConfigWindow<sim::PciBus>>;
using Any = AnyTransport<sim::BarSpace, BarPorts>;

static_assert(PciConfigAccess<sim::PciBus>);
static_assert(DeviceMapper<sim::PciBus>);
static_assert(DivisibleSpace<BarPorts>);

using Function = PciFunction<sim::PciBus>;

/// Probes any of the transports.
template <class T>
[[nodiscard]] Status probe_pci(T& transport, Function const& function, sim::PciBus& bus,
                               PciProbeOption const& option = {}) {
    return transport.probe(function, bus, option);
}
[[nodiscard]] inline Status probe_pci(Window& transport, Function const& function, sim::PciBus&,
                                      PciProbeOption const& = {}) {
    return transport.probe_through_window(function);
}
template <std::uint16_t queue_count_max>
[[nodiscard]] Status probe_pci(AnyTransport<sim::BarSpace, BarPorts, queue_count_max>& transport,
                               Function const& function, sim::PciBus& bus, PciProbeOption const& option = {}) {
    return transport.probe_pci(function, bus, option);
}

template <class T>
[[nodiscard]] Result<std::uint16_t> use_msix(T& transport, Function const& function, sim::PciBus& bus,
                                             Span<MsiMessage const> messages) {
    if constexpr (SameAs<T, LegacyPorts>) {
        return transport.template use_msix<sim::BarSpace>(function, bus, messages);
    } else {
        return transport.use_msix(function, bus, messages);
    }
}
template <>
[[nodiscard]] inline Result<std::uint16_t> use_msix(LegacyMemory& transport, Function const& function,
                                                    sim::PciBus& bus, Span<MsiMessage const> messages) {
    return transport.use_msix<sim::BarSpace>(function, bus, messages);
}

/// A legacy layout whose BAR 0 is in memory.
[[nodiscard]] inline sim::PciLayout legacy_in_memory() {
    sim::PciLayout layout = sim::PciLayout::legacy();
    layout.bars[0] = {sim::PciBarKind::memory32, 0x80};
    return layout;
}
/// A modern layout of a device with registers for all features.
[[nodiscard]] inline sim::PciLayout modern_layout() {
    return sim::PciLayout::modern();
}

/// Counts the pages that a driver allocates and frees. `GuestMemory` itself refuses to free pages that a vanished
/// device still holds.
class CountingPages {
public:
    explicit CountingPages(sim::GuestMemory& memory) : memory_(memory) {}

    [[nodiscard]] Pages allocate_pages(std::size_t count) {
        Pages const pages = memory_.allocate_pages(count);
        outstanding_ += pages.virt != nullptr ? pages.count : 0;
        return pages;
    }
    void free_pages(Pages pages) {
        outstanding_ -= pages.count;
        memory_.free_pages(pages);
    }
    void pages_leaked(Pages pages) { memory_.pages_leaked(pages); }
    [[nodiscard]] std::size_t outstanding() const { return outstanding_; }

private:
    sim::GuestMemory& memory_;
    std::size_t outstanding_ = 0;
};

struct PciSetup {
    sim::BlockOptions disk{};
    sim::PciLayout layout = sim::PciLayout::modern();
    bool assigned = true;  ///< firmware has placed the BARs
    std::size_t memory_bytes = sim::GuestMemory::default_bytes;
};

template <class T = Modern, std::uint32_t N = 64, class Traits = BlockTraits>
class PciDiskMachine {
public:
    explicit PciDiskMachine(PciSetup const& setup = {})
        : memory(setup.memory_bytes),
          disk(memory.violations(), setup.disk),
          bus(memory.violations()),
          device(memory, disk, setup.layout) {
        bus.add(function.address(), device);
        if (setup.assigned) {
            bus.assign();
        }
    }

    ~PciDiskMachine() {
        static_cast<void>(driver.release(pages, PollLimit{100}));
        EXPECT_EQ(pages.outstanding(), 0u);
        if (!hostile) {
            EXPECT_EQ(memory.pages_outstanding(), 0u);
            EXPECT_TRUE(memory.violations().empty()) << memory.violations();
        }
    }

    Status probe(PciProbeOption const& option = {}) { return probe_pci(transport, function, bus, option); }
    Status init(BlockOption const& option = {.reset_limit = PollLimit{100}}) {
        return driver.init(transport, pages, option);
    }
    /// Probes first, unless that was done before.
    void bring_up(BlockOption const& option = {.reset_limit = PollLimit{100}}) {
        if (transport.device_id() == spec::DeviceId::none) {
            Status const found = probe();
            ASSERT_TRUE(found.ok()) << describe(found.error());
        }
        Status const up = init(option);
        ASSERT_TRUE(up.ok()) << describe(up.error());
    }

    sim::Buffer buffer(std::size_t bytes) { return memory.allocate_buffer(bytes, 512); }
    static Segment segment(sim::Buffer const& buffer) {
        return {buffer.phys, static_cast<std::uint32_t>(buffer.bytes)};
    }
    [[nodiscard]] bool holds(sim::Buffer const& buffer, std::uint64_t sector) {
        return std::memcmp(buffer.virt, disk.current().data() + sector * 512, buffer.bytes) == 0;
    }
    auto stepping() {
        return [this] { device.step(); };
    }
    /// Reads one sector and writes another.
    void expect_works() {
        sim::Buffer const data = buffer(512);
        Status const read = driver.read(3, segment(data), PollLimit{1000}, stepping());
        ASSERT_TRUE(read.ok()) << describe(read.error());
        EXPECT_TRUE(holds(data, 3));
        std::memset(data.virt, 0x5a, data.bytes);
        ASSERT_TRUE(driver.write(4, segment(data), PollLimit{1000}, stepping()).ok());
        EXPECT_TRUE(holds(data, 4));
    }
    [[nodiscard]] std::uint16_t command() { return bus.read16(function.address(), wire::command); }

    sim::GuestMemory memory;
    CountingPages pages{memory};
    sim::BlockDevice disk;
    sim::PciBus bus;
    sim::PciDevice device;
    Function function{bus, {0, 3, 0}};
    T transport;
    BlockDevice<T, N, Traits> driver;
    bool hostile = false;  ///< the test breaks rules on purpose
};

}  // namespace virtq::test
