// SPDX-License-Identifier: MIT
#pragma once

#include <device/bounce_mapper.hpp>
#include <virtq/device/p9.hpp>

#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>
#include <sim/p9_device.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include <virtq/transport/mmio.hpp>

/// A simulated machine with one 9P transport on virtio-mmio, and a driver for it.
namespace virtq::test {

struct BouncingP9 : P9Traits {
    using Mapper = BounceMapper;
};

template <class Traits = P9Traits>
class P9Machine {
public:
    using T = MmioTransport<sim::MmioRegisters>;
    using Message = sim::P9Device::Message;
    static constexpr PollLimit patience{1000};
    static constexpr std::uint8_t type = 100;  // of each request; the answer has 101

    explicit P9Machine(sim::P9Options options = {})
        : server(memory.violations(), std::move(options)), device(memory, server) {
        mapper.memory = &memory;
    }
    ~P9Machine() {
        EXPECT_TRUE(driver.release(memory).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        EXPECT_TRUE(mapper.mapped.empty());
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }

    [[nodiscard]] Status init(DriverOption option = {}) {
        option.reset_limit = PollLimit{100};
        EXPECT_TRUE(transport.probe(device.registers()).ok());
        if constexpr (std::is_same_v<typename Traits::Mapper, BounceMapper>) {
            return driver.init(transport, memory, mapper, option);
        } else {
            return driver.init(transport, memory, option);
        }
    }
    void bring_up(DriverOption option = {}) {
        Status const up = init(option);
        ASSERT_TRUE(up.ok()) << describe(up.error());
        EXPECT_LE(memory.pages_outstanding(), driver.page_count());
    }
    [[nodiscard]] auto stepping() {
        return [this] { device.step(); };
    }
    [[nodiscard]] static Message ask(std::uint16_t tag, Message const& body = {1, 2, 3}) {
        return sim::P9Device::message(type, tag, body);
    }
    [[nodiscard]] static Message echo(std::uint16_t tag, Message const& body = {1, 2, 3}) {
        return sim::P9Device::message(type + 1, tag, body);
    }
    /// A blocking request without data.
    [[nodiscard]] Result<std::uint32_t> call(Message const& message, Span<std::uint8_t> answer,
                                             PollLimit limit = patience) {
        return driver.call({message, answer}, limit, stepping());
    }
    void submit(P9Request const& request, std::uintptr_t token) {
        Status const added = driver.submit(request, Token{token});
        ASSERT_TRUE(added.ok()) << describe(added.error());
    }
    void expect_ended(std::uintptr_t token, std::uint32_t bytes, Error error = Error::none) {
        RequestCompletion const ended = driver.take_completed();
        EXPECT_EQ(ended.state, CompletionState::ready);
        EXPECT_EQ(ended.token, Token{token});
        EXPECT_EQ(ended.bytes, bytes);
        EXPECT_EQ(ended.error, error) << describe(ended.error);
    }
    void expect_fault(DriverReason reason, std::uint32_t value) {
        DriverFault const fault = driver.driver_fault();
        EXPECT_EQ(fault.reason, reason) << describe(fault.reason);
        EXPECT_EQ(fault.queue, 0u);
        EXPECT_EQ(fault.value, value);
    }

    sim::GuestMemory memory;
    sim::P9Device server;
    sim::MmioDevice device;
    BounceMapper mapper;
    T transport;
    P9Device<T, 16, Traits> driver;
};

/// An answer in memory of its own, with bytes around it that must stay.
class GuardedAnswer {
public:
    explicit GuardedAnswer(std::size_t bytes) : all_(bytes + 2 * guard, filling) {}

    [[nodiscard]] Span<std::uint8_t> span() { return {all_.data() + guard, all_.size() - 2 * guard}; }
    /// The first bytes; all behind them must be as they were.
    [[nodiscard]] std::vector<std::uint8_t> first(std::size_t bytes) const {
        auto const begin = all_.begin() + guard;
        auto const end = begin + static_cast<std::ptrdiff_t>(bytes);
        auto const is_filling = [](std::uint8_t value) { return value == filling; };
        EXPECT_TRUE(std::all_of(all_.begin(), begin, is_filling) && std::all_of(end, all_.end(), is_filling));
        return {begin, end};
    }

private:
    static constexpr std::ptrdiff_t guard = 16;
    static constexpr std::uint8_t filling = 0xc3;

    std::vector<std::uint8_t> all_;
};

}  // namespace virtq::test
