// SPDX-License-Identifier: MIT
#pragma once

#include <support/contract.hpp>
#include <virtq/device/block.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/block_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <vector>

/// A simulated machine with one disk on virtio-mmio, and a driver for it. Most tests of `device/` use it.
namespace virtq::test {

struct PackedTraits : BlockTraits {
    using Format = Packed;
};
struct NegotiatedTraits : BlockTraits {
    using Format = AnyFormat;
};

using Transport = MmioTransport<sim::MmioRegisters>;

struct MachineSetup {
    sim::BlockOptions disk{};
    sim::MmioVersion version = sim::MmioVersion::modern;
};

template <std::uint32_t N = 64, class Traits = BlockTraits>
class DiskMachine {
public:
    explicit DiskMachine(MachineSetup const& setup = {})
        : disk(memory.violations(), setup.disk), device(memory, disk, setup.version) {}

    ~DiskMachine() {
        static_cast<void>(driver.release(memory));
        if (!hostile) {
            EXPECT_EQ(memory.pages_outstanding(), 0u);
            EXPECT_TRUE(memory.violations().empty()) << memory.violations();
        }
    }

    Status probe() { return transport.probe(device.registers()); }
    Status init(BlockOption const& option = {.reset_limit = PollLimit{100}}) {
        Status const found = probe();
        EXPECT_TRUE(found.ok()) << describe(found.error());
        return driver.init(transport, memory, option);
    }
    void bring_up(BlockOption const& option = {.reset_limit = PollLimit{100}}) {
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

    /// A relax hook for a blocking call: it lets the device make one step.
    auto stepping() {
        return [this] { device.step(); };
    }

    sim::GuestMemory memory;
    sim::BlockDevice disk;
    sim::MmioDevice device;
    Transport transport;
    BlockDevice<Transport, N, Traits> driver;
    bool hostile = false;  ///< the test breaks rules, or leaks, on purpose
};

inline constexpr PollLimit patience{1000};

inline Features modern_features() {
    return Features::of(spec::Feature::version_1);
}

}  // namespace virtq::test
