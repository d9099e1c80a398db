// SPDX-License-Identifier: MIT
#pragma once

#include <device/bounce_mapper.hpp>
#include <virtq/device/driver_core.hpp>
#include <virtq/device/posted_queue.hpp>
#include <virtq/device/slot_queue.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/device_backend.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <type_traits>
#include <vector>

/// A device of no standard, with a driver: what the common parts of drivers are tested with. Queue 0 has events of the
/// device, of 8 bytes; queue 1 takes commands of 4 bytes with data, and answers each with its bytes plus one.
namespace virtq::test {

/// The device. Its fields are what the test lets it do.
class EchoBackend : public sim::DeviceBackend {
public:
    [[nodiscard]] uint32_t device_id() const override { return 4; }
    [[nodiscard]] sim::FeatureWords features() const override { return {}; }
    [[nodiscard]] uint16_t queue_count() const override { return 2; }
    [[nodiscard]] uint16_t queue_size_max(uint16_t) const override { return size; }
    [[nodiscard]] sim::Completion process(uint16_t queue, sim::Chain const& chain) override {
        return queue == 0 ? raise_event(chain) : answer(chain);
    }

    std::uint16_t size = 8;
    unsigned events = 0;                       ///< how many events the device may still send
    std::uint32_t event_bytes = 8;             ///< how many bytes of an event it says it wrote
    bool answers = true;                       ///< otherwise it keeps commands for ever
    std::uint32_t answer_bytes = 4;            ///< how many bytes of an answer it writes
    std::optional<std::uint32_t> claims{};     ///< how many it says it wrote, if that differs
    std::uint8_t* last_answer = nullptr;       ///< where it wrote the last answer
    std::uint8_t const* command_at = nullptr;  ///< where the last command is
    std::vector<std::uint8_t> seen;            ///< the bytes of all commands and of their data

private:
    sim::Completion raise_event(sim::Chain const& chain) {
        if (events == 0) {
            return {};
        }
        std::memset(chain.writable[0].virt, static_cast<int>(events--), 8);
        return event_bytes;
    }
    sim::Completion answer(sim::Chain const& chain) {
        command_at = chain.readable[0].virt;
        for (sim::Segment const& segment : chain.readable) {
            seen.insert(seen.end(), segment.virt, segment.virt + segment.bytes);
        }
        if (!answers) {
            return {};
        }
        std::uint8_t* const to = chain.writable.back().virt;
        for (std::uint32_t i = 0; i < answer_bytes && i < 4; ++i) {
            to[i] = static_cast<std::uint8_t>(chain.readable[0].virt[i] + 1);
        }
        last_answer = to;
        return claims.value_or(answer_bytes);
    }
};

/// The driver: the smallest that uses all parts.
template <class T, std::uint32_t N = 8, class Traits = DriverTraits>
class EchoDriver : public DriverCore<EchoDriver<T, N, Traits>, T> {
    using Core = DriverCore<EchoDriver, T>;
    friend Core;

public:
    static constexpr spec::DeviceId device_type = spec::DeviceId::entropy;
    using Mapper = typename Traits::Mapper;

    /// Sends a command and waits for its answer.
    template <class R>
    [[nodiscard]] Result<std::uint32_t> ask(std::uint32_t command, PollLimit limit, R relax) {
        std::uint32_t polls = 0;
        Result<std::uint32_t> const written = this->perform(
            commands, 1, [&] { return send(command, Token{}); }, [this] { return collect(); }, limit, polls, relax);
        return written ? Result<std::uint32_t>{last_answer} : written;
    }

    [[nodiscard]] Result<std::uint16_t> send(std::uint32_t command, Token token, Span<Segment const> data = {}) {
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        std::uint16_t const slot = commands.take_slot(token);
        if (slot == commands.no_slot) {
            return Error::queue_full;
        }
        commands.put(slot, 0, &command, 4);
        Error const error = commands.send(slot, {4, data, DmaDirection::device_reads, 4});
        return error == Error::none ? Result<std::uint16_t>{slot} : Result<std::uint16_t>{error};
    }
    bool kick() { return this->notify(1, commands.publish()); }
    bool kick_events() { return this->notify(0, events.publish()); }
    CompletionState collect() {
        return this->collect_from(commands, [this](std::uint16_t slot, std::uint32_t written) {
            if (written < 4) {
                this->blame(DriverReason::entropy_empty, 1, written);
                return Error::answer_invalid;
            }
            commands.copy_answer(slot, 0, &last_answer, 4);
            return Error::none;
        });
    }
    [[nodiscard]] RequestCompletion take_completed() { return this->next_completed(commands, collect()); }

    PostedQueue<N, Split, 8> events;
    SlotQueue<N, Traits, SlotShape<4, 4>> commands;
    std::uint32_t last_answer = 0;
    unsigned lives = 0;              ///< how often the device became live
    Error refused = Error::none;     ///< what the driver says of the offered features
    Error configured = Error::none;  ///< what reading the configuration returns
    bool has_events = true;          ///< whether the device, as it is configured, has the queue of events

private:
    [[nodiscard]] Negotiation wanted_features() const { return wanted_of<Traits>(); }
    [[nodiscard]] Error check_offer(Features const&) { return refused; }
    [[nodiscard]] Status configure() { return configured; }
    [[nodiscard]] bool uses_queue(std::uint16_t index) const { return index != 0 || has_events; }
    template <class Visit>
    [[nodiscard]] Status visit_queues(Visit visit) {
        Status const first = visit(uint16_t{0}, events);
        return first ? visit(uint16_t{1}, commands) : first;
    }
    void on_live() { ++lives; }
};

/// The device on virtio-mmio, and the driver.
template <class Traits>
struct EchoMachineOf {
    using T = MmioTransport<sim::MmioRegisters>;

    ~EchoMachineOf() {
        static_cast<void>(driver.release(memory));
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        EXPECT_TRUE(mapper.mapped.empty());
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }
    [[nodiscard]] Status init() {
        Status const found = transport.probe(device.registers());
        EXPECT_TRUE(found.ok()) << describe(found.error());
        DriverOption const option{.reset_limit = PollLimit{100}};
        if constexpr (std::is_same_v<typename Traits::Mapper, BounceMapper>) {
            mapper.memory = &memory;
            return driver.init(transport, memory, mapper, option);
        } else {
            return driver.init(transport, memory, option);
        }
    }
    void bring_up() {
        Status const up = init();
        ASSERT_TRUE(up.ok()) << describe(up.error());
    }
    auto stepping() {
        return [this] { device.step(); };
    }

    sim::GuestMemory memory;
    EchoBackend backend;
    sim::MmioDevice device{memory, backend, sim::MmioVersion::modern};
    BounceMapper mapper;
    T transport;
    EchoDriver<T, 8, Traits> driver;
};

struct BouncingEcho : DriverTraits {
    using Mapper = BounceMapper;
};
using EchoMachine = EchoMachineOf<DriverTraits>;
using MappedEchoMachine = EchoMachineOf<BouncingEcho>;

}  // namespace virtq::test
