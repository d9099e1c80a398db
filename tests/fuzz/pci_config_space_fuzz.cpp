// SPDX-License-Identifier: MIT
#include <virtq/transport/any.hpp>
#include <virtq/transport/pci_bridge.hpp>
#include <virtq/transport/pci_config_window.hpp>
#include <virtq/transport/pci_legacy.hpp>
#include <virtq/transport/pci_modern.hpp>
#include <virtq/transport/pci_scan.hpp>

#include <fuzz/input.hpp>
#include <fuzz/require.hpp>
#include <transport/config_bytes.hpp>

#include <cstddef>
#include <cstdint>
#include <map>

/// A PCI function whose configuration space and registers return the input's bytes. Each probe, and each call after
/// one, must end soon, with success or an error that has a name. It must not access anything that is not mapped.

using namespace virtq;
using virtq::test::ConfigBytes;
using virtq::test::Input;
using virtq::test::is_named;
using virtq::test::require;

namespace {

/// The mappings, and the values that registers return.
struct Bus {
    std::map<std::uintptr_t, std::uint64_t> mapped;
    std::uintptr_t next = 0x1000;
    std::size_t accesses = 0;
    Input answers;
    std::uint8_t failing = 0;  ///< number of the mapping that fails

    void check(std::uintptr_t base, std::uint16_t offset, unsigned width) {
        ++accesses;
        std::uintptr_t const at = base + offset;
        auto after = mapped.upper_bound(at);
        require(after != mapped.begin());
        --after;
        require(at - after->first + width <= after->second);
    }
};
Bus* bus = nullptr;

class Registers {
public:
    constexpr Registers() = default;
    explicit Registers(std::uintptr_t base) : base_(base) {}

    std::uint8_t read8(std::uint16_t offset) const { return check(offset, 1), bus->answers.byte(); }
    std::uint16_t read16(std::uint16_t offset) const { return check(offset, 2), bus->answers.half(); }
    std::uint32_t read32(std::uint16_t offset) const { return check(offset, 4), bus->answers.word(); }
    void write8(std::uint16_t offset, std::uint8_t) const { check(offset, 1); }
    void write16(std::uint16_t offset, std::uint16_t) const { check(offset, 2); }
    void write32(std::uint16_t offset, std::uint32_t) const { check(offset, 4); }
    Registers at(std::uint32_t offset) const { return Registers{base_ + offset}; }

private:
    void check(std::uint16_t offset, unsigned width) const { bus->check(base_, offset, width); }

    std::uintptr_t base_ = 0;
};

class Ports : public Registers {
public:
    static constexpr bool is_port_space = true;
    static constexpr std::uint32_t port_end = 0x10000;

    using Registers::Registers;
    explicit Ports(Registers space) : Registers(space) {}
    Ports at(std::uint32_t offset) const { return Ports{Registers::at(offset)}; }
};

struct Mapper {
    std::uintptr_t map_device_memory(PhysAddr address, std::uint64_t bytes) {
        require(bytes != 0 && bytes <= std::uint64_t{1} << 63);
        require(address.value != 0 && address.value + (bytes - 1) >= address.value);
        return map(bytes, static_cast<std::uintptr_t>(address.value & 0xfff));
    }
    std::uintptr_t map_device_ports(std::uint32_t port, std::uint32_t count) {
        require(count != 0 && port != 0 && std::uint64_t{port} + count <= 0x10000);
        return map(count, 0);
    }

private:
    static std::uintptr_t map(std::uint64_t bytes, std::uintptr_t offset) {
        if (bus->failing != 0 && --bus->failing == 0) {
            return 0;
        }
        std::uintptr_t const virt = bus->next + offset;
        bus->mapped[virt] = bytes;
        bus->next += (offset + (bytes < 0x1'0000'0000 ? bytes : 0x1'0000'0000) + 0x2fff) & ~std::uintptr_t{0xfff};
        return virt;
    }
};

/// A machine made from an input: 256 bytes of configuration space, the writable bits of the BARs, and their answers.
struct Machine {
    explicit Machine(Input input) {
        for (auto& byte : config.bytes) {
            byte = input.byte();
        }
        flags = input.half();
        for (std::size_t i = 0; i < 6; ++i) {
            config.bar_sticky[i] = input.word();
            if ((flags >> i & 1) != 0) {
                config.bar_answer[i] = input.word();
            }
        }
        if ((flags & 0x40) != 0) {
            config.command_sticky = input.half();
        }
        config.sticky.fill((flags & 0x80) != 0 ? 0xff : 0);
        if ((flags & 0x100) != 0) {
            registers.failing = input.byte();
        }
        if ((flags & 0x200) != 0) {
            memory = PciWindow{std::uint64_t{input.word()} << 8, std::uint64_t{input.word()} << 8};
            ports = PciWindow{input.half(), input.half()};
            option = {&memory, &ports};
        }
        option.config_window = PciConfigWindowUse::last_resort;
        registers.answers = input;
        bus = &registers;
    }
    ~Machine() {
        require(config.crooked == 0 && config.stray_writes == 0);
        require(config.bars_live == 0 || (config.command_sticky & 3) != 3);
        require(config.accesses < most_accesses && registers.accesses < 2000);
        bus = nullptr;
    }

    std::size_t most_accesses = 6000;  ///< of configuration space, before the device counts as endless
    ConfigBytes config;
    Bus registers;
    std::uint16_t flags = 0;
    PciWindow memory;
    PciWindow ports;
    PciProbeOption option;
    Mapper mapper;
    PciFunction<ConfigBytes> function{config, {0, 3, 0}};
};

/// Makes all calls that a driver makes to a transport, in the usual order.
template <class T>
void drive(T& transport, Machine& machine) {
    Input& input = machine.registers.answers;
    static_cast<void>(transport.is_legacy());
    transport.set_status(DeviceStatus{});
    static_cast<void>(transport.status());
    for (unsigned word = 0; word < 2; ++word) {
        std::uint32_t const possible = transport.possible_features().word(word);
        transport.accept_features(word, transport.offered_features(word) & possible);
    }
    for (int i = 0; i < 4; ++i) {
        std::uint16_t const queue = i == 0 ? 0 : static_cast<std::uint16_t>(input.half() & 15);
        static_cast<void>(transport.is_queue_in_use(queue));
        std::uint32_t const maximum = transport.queue_size_max(queue);
        static_cast<void>(transport.choose_queue_size(queue, maximum & 0x7fff));
        QueueAddresses const addresses{static_cast<std::uint16_t>(maximum & 0x7fff), PhysAddr{0x1000},
                                       PhysAddr{0x2000}, PhysAddr{0x3000}};
        Status const enabled = transport.enable_queue(queue, addresses);
        require(is_named(enabled.error()));
        if (enabled) {
            transport.notify(queue, 7);
        }
        transport.reset_queue(queue);
        static_cast<void>(transport.is_queue_reset(queue));
    }
    for (int i = 0; i < 8; ++i) {
        std::uint16_t const offset = input.half();
        static_cast<void>(transport.read_config8(offset));
        static_cast<void>(transport.read_config16(static_cast<std::uint16_t>(offset & ~1u)));
        static_cast<void>(transport.read_config32(static_cast<std::uint16_t>(offset & ~3u)));
        transport.write_config8(offset, 1);
        transport.write_config16(static_cast<std::uint16_t>(offset & ~1u), 1);
        transport.write_config32(static_cast<std::uint16_t>(offset & ~3u), 1);
    }
    static_cast<void>(transport.config_generation());
    static_cast<void>(transport.on_interrupt());
    static_cast<void>(transport.on_vector(input.half()));
    transport.set_status(DeviceStatus{});
}

template <class T, class Probe>
void probe_and_drive(Input input, Probe probe) {
    Machine machine{input};
    T transport;
    Status const found = probe(transport, machine);
    require(is_named(found.error()));
    require(found.ok() == (transport.device_id() != spec::DeviceId::none));
    if (!found) {
        return;
    }
    drive(transport, machine);
    MsiMessage const messages[] = {{0xfee0'0000, 0x31}, {0xfee0'0000, 0x32}, {0xfee0'0000, 0x33}};
    if constexpr (!detail::SameAs<T, PciModernTransport<PciConfigWindow<ConfigBytes>>>) {
        auto const count = [&] {
            if constexpr (requires { transport.kind(); } || detail::SameAs<T, PciModernTransport<Registers>>) {
                return transport.use_msix(machine.function, machine.mapper, messages);
            } else {
                return transport.template use_msix<Registers>(machine.function, machine.mapper, messages);
            }
        }();
        require(is_named(count.error()) && (!count || (*count >= 1 && *count <= 3)));
        drive(transport, machine);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    Input const input{data, size};
    auto const probe = [](auto& transport, Machine& machine) {
        return transport.probe(machine.function, machine.mapper, machine.option);
    };
    probe_and_drive<PciModernTransport<Registers>>(input, probe);
    probe_and_drive<PciLegacyTransport<Ports>>(input, probe);
    probe_and_drive<PciLegacyTransport<Registers>>(input, probe);
    probe_and_drive<AnyTransport<Registers, Ports>>(input, [](auto& transport, Machine& machine) {
        return transport.probe_pci(machine.function, machine.mapper, machine.option);
    });
    probe_and_drive<PciModernTransport<PciConfigWindow<ConfigBytes>>>(
        input, [](auto& transport, Machine& machine) { return transport.probe_through_window(machine.function); });

    Machine machine{input};
    machine.most_accesses = 4 * 256 * 16;  // four buses of 256 functions, at most 16 accesses each
    unsigned found = 0;
    for_each_virtio_function(machine.config, {0, 0}, [&](auto const&, spec::DeviceId type) {
        ++found;
        require(type != spec::DeviceId::none);
    });
    require(found == 0 || found == 32 || found == 256);
    Result<PciBusRange> const buses = number_buses(machine.config, {0, 3}, machine.option);
    require(is_named(buses.error()) && (!buses || buses->last <= 3));
    require(find_root_pin(machine.function, {0, 3}).pin <= 4);
    return 0;
}
