// SPDX-License-Identifier: MIT
#pragma once

#include <device/bounce_mapper.hpp>
#include <virtq/device/entropy.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/entropy_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>

/// A simulated machine with one entropy device on virtio-mmio, and a driver for it.
namespace virtq::test {

struct BouncingEntropy : DriverTraits {
    using Mapper = BounceMapper;
};

template <class Traits = DriverTraits>
class EntropyMachine {
public:
    using T = MmioTransport<sim::MmioRegisters>;
    static constexpr PollLimit patience{1000};

    explicit EntropyMachine(std::uint64_t phys_base = sim::GuestMemory::default_phys_base)
        : memory(sim::GuestMemory::default_bytes, phys_base) {
        mapper.memory = &memory;
    }
    ~EntropyMachine() {
        EXPECT_TRUE(driver.release(memory).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        EXPECT_TRUE(mapper.mapped.empty());
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }

    void bring_up(DriverOption option = {}) {
        option.reset_limit = PollLimit{100};
        ASSERT_TRUE(transport.probe(device.registers()).ok());
        Status up;
        if constexpr (std::is_same_v<typename Traits::Mapper, BounceMapper>) {
            up = driver.init(transport, memory, mapper, option);
        } else {
            up = driver.init(transport, memory, option);
        }
        ASSERT_TRUE(up.ok()) << describe(up.error());
        EXPECT_LE(memory.pages_outstanding(), driver.page_count());
    }
    [[nodiscard]] sim::Buffer buffer(std::size_t bytes) { return memory.allocate_buffer(bytes, 1); }
    [[nodiscard]] static Segment segment(sim::Buffer const& buffer) {
        return {buffer.phys, static_cast<std::uint32_t>(buffer.bytes)};
    }
    [[nodiscard]] auto stepping() {
        return [this] { device.step(); };
    }
    [[nodiscard]] Error read(sim::Buffer const& to, PollLimit limit = patience) {
        return driver.read(segment(to), limit, stepping()).error();
    }
    void submit(sim::Buffer const& to, std::uintptr_t token) {
        Status const added = driver.submit(segment(to), Token{token});
        ASSERT_TRUE(added.ok()) << describe(added.error());
    }
    void expect_ended(std::uintptr_t token, std::uint32_t bytes, Error error = Error::none) {
        RequestCompletion const ended = driver.take_completed();
        EXPECT_EQ(ended.state, CompletionState::ready);
        EXPECT_EQ(ended.token, Token{token});
        EXPECT_EQ(ended.bytes, bytes);
        EXPECT_EQ(ended.error, error) << describe(ended.error);
    }

    sim::GuestMemory memory;
    sim::EntropyDevice source{memory.violations(), {.queue_size_max = 8}};
    sim::MmioDevice device{memory, source};
    BounceMapper mapper;
    T transport;
    EntropyDevice<T, 8, Traits> driver;
};

}  // namespace virtq::test
