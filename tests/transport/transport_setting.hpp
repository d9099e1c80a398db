// SPDX-License-Identifier: MIT
#pragma once

#include <transport/either_space.hpp>
#include <transport/pci_machine.hpp>

#include <sim/device_backend.hpp>
#include <sim/mmio_device.hpp>

#include <cstdint>

/// Each transport, with a device of each kind that it can reach: for tests that run over all of them.
namespace virtq::test {

using EitherAny = AnyTransport<EitherSpace, BarPorts>;

/// A device on virtio-mmio.
template <class T, sim::MmioVersion version>
struct OnMmio {
    using Transport = T;
    using Device = sim::MmioDevice;
    static constexpr bool legacy = version == sim::MmioVersion::legacy;

    OnMmio(sim::GuestMemory& memory, sim::DeviceBackend& backend) : device(memory, backend, version) {}
    Status probe(T& transport) {
        if constexpr (SameAs<T, EitherAny>) {
            return transport.probe_mmio(EitherSpace{device.registers()});
        } else {
            return transport.probe(device.registers());
        }
    }
    Device device;
};

enum class Layout { modern, transitional, legacy, legacy_memory };

/// A device on PCI.
template <class T, Layout layout>
struct OnPci {
    using Transport = T;
    using Device = sim::PciDevice;
    static constexpr bool legacy = layout == Layout::legacy || layout == Layout::legacy_memory;

    OnPci(sim::GuestMemory& memory, sim::DeviceBackend& backend)
        : bus(memory.violations()), device(memory, backend, layout_of()) {
        bus.add(function.address(), device);
        bus.assign();
    }
    Status probe(T& transport) {
        if constexpr (SameAs<T, EitherAny>) {
            return transport.probe_pci(function, bus);
        } else {
            return probe_pci(transport, function, bus);
        }
    }
    static sim::PciLayout layout_of() {
        switch (layout) {
            case Layout::modern: return sim::PciLayout::modern();
            case Layout::transitional: return sim::PciLayout::transitional();
            case Layout::legacy: return sim::PciLayout::legacy();
            default: return legacy_in_memory();
        }
    }

    sim::PciBus bus;
    Function function{bus, {0, 7, 0}};
    Device device;
};

using Transports =
    testing::Types<OnMmio<MmioTransport<sim::MmioRegisters>, sim::MmioVersion::modern>,
                   OnMmio<MmioTransport<sim::MmioRegisters>, sim::MmioVersion::legacy>, OnPci<Modern, Layout::modern>,
                   OnPci<Modern, Layout::transitional>, OnPci<LegacyPorts, Layout::legacy>,
                   OnPci<LegacyPorts, Layout::transitional>, OnPci<LegacyMemory, Layout::legacy_memory>,
                   OnPci<Window, Layout::modern>, OnMmio<EitherAny, sim::MmioVersion::modern>,
                   OnMmio<EitherAny, sim::MmioVersion::legacy>, OnPci<EitherAny, Layout::modern>,
                   OnPci<EitherAny, Layout::transitional>, OnPci<EitherAny, Layout::legacy>,
                   OnPci<EitherAny, Layout::legacy_memory>>;

}  // namespace virtq::test
