// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/raw_machine.hpp>

namespace virtq::sim_test {

using namespace virtq::sim;

namespace {

/// Parks every chain of two queues.
class ParkingBackend final : public DeviceBackend {
public:
    [[nodiscard]] uint32_t device_id() const override { return 42; }
    [[nodiscard]] FeatureWords features() const override { return features_; }
    [[nodiscard]] uint16_t queue_count() const override { return 2; }
    [[nodiscard]] uint16_t queue_size_max(uint16_t) const override { return 16; }
    [[nodiscard]] Completion process(uint16_t, Chain const&) override { return std::nullopt; }
    void work(uint16_t queue) override {
        if (answers_ && queue == 1) {
            for (auto const& chain : parked(1)) {
                EXPECT_TRUE(complete(1, chain, static_cast<uint32_t>(chain.chain.write(0, "done", 4))));
            }
        }
    }

    FeatureWords features_{};
    bool answers_ = false;
};

class Parking : public ::testing::TestWithParam<RawKind> {
protected:
    /// Posts device-writable buffers of 8 bytes.
    void post(size_t count) {
        for (size_t i = 0; i < count; ++i) {
            static_cast<void>(machine.post(0, buffers.emplace_back(memory.allocate_buffer(8)), 8));
        }
    }
    void bring_up(size_t count) {
        machine.bring_up();
        post(count);
        EXPECT_EQ(machine.step(), 0u);
        EXPECT_EQ(backend.parked().size(), count);
    }
    void complete(size_t index, uint32_t length) {
        EXPECT_TRUE(backend.complete(0, backend.parked().at(index), length));
    }
    [[nodiscard]] std::string text(size_t buffer, size_t bytes) const {
        return {reinterpret_cast<char const*>(buffers.at(buffer).virt), bytes};
    }
    [[nodiscard]] size_t interrupts() {
        return machine.on_device([](auto& device) { return device.interrupts(); });
    }
    static std::vector<uint8_t> bytes(std::string const& of) { return {of.begin(), of.end()}; }
    void expect_used(std::vector<RawUsed> const& wanted) {
        for (auto const& used : wanted) {
            EXPECT_EQ(machine.take(), std::optional(used));
        }
        EXPECT_EQ(machine.take(), std::nullopt);
        EXPECT_TRUE(log.empty()) << log;
    }

    GuestMemory memory;
    ViolationLog& log = memory.violations();
    ParkingBackend backend;
    RawMachine machine{memory, backend, GetParam()};
    std::vector<Buffer> buffers;
};

TEST_P(Parking, CompletesInAnyOrder) {
    bring_up(4);
    complete(2, 7);
    complete(0, 0);
    EXPECT_EQ(machine.take(), std::nullopt);  // only a step writes
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(interrupts(), 1u);
    complete(1, 8);
    complete(0, 1000);  // above what the buffer holds
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(machine.step(), 0u);
    expect_used({{2, 7}, {0, 0}, {3, 8}, {1, 1000}});
    EXPECT_TRUE(backend.parked().empty());
}

TEST_P(Parking, CompletesEachOnlyOnce) {
    bring_up(1);
    auto const once = backend.parked().at(0);
    EXPECT_TRUE(backend.complete(0, once, 8));
    EXPECT_FALSE(backend.complete(0, once, 8));
    EXPECT_FALSE(backend.complete(1, once, 8));
    EXPECT_EQ(machine.step(), 1u);
    post(1);
    EXPECT_EQ(machine.step(), 0u);
    EXPECT_FALSE(backend.complete(0, once, 8));
    expect_used({{0, 8}});
}

TEST_P(Parking, CompletesInTheBackEnd) {
    backend.answers_ = true;
    machine.bring_up();
    Buffer const in = memory.allocate_buffer(16);
    Buffer const out = memory.allocate_buffer(16);
    machine.post(1,
                 {{out.phys, 16}, {in.phys, 2, wire::split::flag_write}, {in.phys + 8, 6, wire::split::flag_write}});
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(machine.take(1), (RawUsed{0, 4}));
    EXPECT_EQ(std::memcmp(in.virt, "do", 2), 0);
    EXPECT_EQ(std::memcmp(in.virt + 8, "ne", 2), 0);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(Parking, KeepsItsMemoryInUse) {
    bring_up(1);
    memory.free_buffer(buffers.at(0));
    EXPECT_TRUE(log.contains("D-3.3.1-2")) << log;
}

TEST_P(Parking, EndsWithTheDevice) {
    bring_up(3);
    auto const stale = backend.parked().at(0);
    complete(1, 8);  // not yet used
    machine.reset();
    EXPECT_TRUE(backend.parked().empty());
    EXPECT_FALSE(backend.complete(0, stale, 8));
    for (auto const& buffer : buffers) {
        memory.free_buffer(buffer);
    }
    buffers.clear();
    bring_up(1);
    EXPECT_FALSE(backend.complete(0, stale, 8));
    complete(0, 5);
    EXPECT_EQ(machine.step(), 1u);
    expect_used({{0, 5}});
}

TEST_P(Parking, TakesInjectedBytes) {
    bring_up(2);
    backend.inject(0, {bytes("first")});
    backend.inject(0, {bytes("second, and longer")});
    backend.inject(0, {bytes("third")});
    EXPECT_EQ(backend.injected(), 3u);
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(backend.injected(), 1u);
    post(1);
    EXPECT_EQ(machine.step(), 1u);
    expect_used({{0, 5}, {1, 8}, {2, 5}});
    EXPECT_EQ(text(0, 5), "first");
    EXPECT_EQ(text(1, 8), "second, ");
    EXPECT_EQ(text(2, 5), "third");
}

TEST_P(Parking, ReportsAnInjectedLength) {
    bring_up(2);
    backend.inject(0, {bytes("four"), 0});
    backend.inject(0, {{}, 4000});
    EXPECT_EQ(machine.step(), 2u);
    expect_used({{0, 0}, {1, 4000}});
    EXPECT_EQ(text(0, 4), "four");
}

TEST_P(Parking, PassesOverChainsWithoutRoom) {
    machine.bring_up();
    Buffer const out = memory.allocate_buffer(16);
    machine.post(0, out, 16, 0);
    post(1);
    backend.inject(0, {bytes("in")});
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(backend.parked().size(), 1u);
    expect_used({{1, 2}});
}

TEST_P(Parking, KeepsInjectedBytesOverReset) {
    backend.inject(0, {bytes("early")});
    bring_up(0);
    machine.reset();
    machine.bring_up();
    post(2);
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(text(0, 5), "early");
    backend.inject(0, {bytes("late")});
    backend.drop_injected();
    EXPECT_EQ(machine.step(), 0u);
}

TEST_P(Parking, PublishesEachSeparately) {
    machine.on_device([](auto& device) { device.publish_each(); });
    bring_up(2);
    complete(0, 1);
    complete(0, 2);
    EXPECT_EQ(machine.step(), 2u);
    EXPECT_EQ(interrupts(), 2u);
    expect_used({{0, 1}, {1, 2}});
}

TEST_P(Parking, FollowsTheSchedule) {
    machine.on_device([](auto& device) { device.set_schedule(Schedule::reversed()); });
    bring_up(3);
    backend.inject(0, {bytes("a")});
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(text(2, 1), "a");
    expect_used({{2, 1}});
}

TEST_P(Parking, InterruptsOnlyWhenAsked) {
    if (is_packed(GetParam())) {
        machine.offer(wire::feature::event_idx);
    } else {
        backend.features_ = {};
    }
    bring_up(2);
    if (is_packed(GetParam())) {
        machine.port().packed()->set_driver_event({0, wire::packed::event_disable});
    } else {
        machine.port().split()->set_flags(wire::split::no_interrupt);
    }
    complete(0, 1);
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(interrupts(), 0u);
    if (is_packed(GetParam())) {
        machine.port().packed()->set_driver_event({0, wire::packed::event_enable});
    } else {
        machine.port().split()->set_flags(0);
    }
    complete(0, 1);
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(interrupts(), 1u);
    expect_used({{0, 1}, {1, 1}});
}

TEST_P(Parking, WorksFromAnotherThread) {
    bring_up(4);
    std::thread device([&] {
        for (size_t used = 0; used < 4;) {
            used += machine.step();
        }
    });
    for (int i = 0; i < 2; ++i) {
        backend.inject(0, {bytes("input")});
    }
    while (backend.parked().size() > 2) {
    }
    complete(1, 3);
    complete(0, 2);
    device.join();
    expect_used({{0, 5}, {1, 5}, {3, 3}, {2, 2}});
}

INSTANTIATE_TEST_SUITE_P(Kinds, Parking, ::testing::ValuesIn(raw_kinds),
                         [](auto const& one) { return name_of(one.param); });

/// What only a modern device has.
class ParkingModern : public Parking {
protected:
    void reset_queue() {
        if (machine.mmio()) {
            machine.mmio_driver().write(wire::mmio::queue_sel, 0);
            machine.mmio_driver().write(wire::mmio::queue_reset, 1);
            EXPECT_EQ(machine.mmio_driver().read(wire::mmio::queue_reset), 0u);
        } else {
            machine.pci_driver().select(0);
            machine.pci_driver().common.write16(wire::pci::common::queue_reset, 1);
            EXPECT_EQ(machine.pci_driver().common.read16(wire::pci::common::queue_reset), 0u);
        }
    }
};

TEST_P(ParkingModern, EndsWithTheQueue) {
    machine.offer(wire::feature::ring_reset);
    bring_up(2);
    machine.post(1, memory.allocate_buffer(8), 8);
    EXPECT_EQ(machine.step(), 0u);
    reset_queue();
    EXPECT_TRUE(backend.parked(0).empty());
    EXPECT_EQ(backend.parked(1).size(), 1u);
    memory.free_buffer(buffers.at(0));
    backend.inject(0, {bytes("lost?")});
    EXPECT_EQ(machine.step(), 0u);
    EXPECT_EQ(backend.injected(), 1u);
    EXPECT_TRUE(log.empty()) << log;
}

TEST_P(ParkingModern, IsOverwrittenAfterQueueReset) {
    machine.offer(wire::feature::ring_reset);
    machine.on_device([](auto& device) { device.set_queue_reset(QueueReset::keeps_writing); });
    bring_up(1);
    reset_queue();
    EXPECT_EQ(machine.step(), 0u);
    EXPECT_EQ(buffers[0].virt[0], sim::MmioDevice::stray_byte);
}

TEST_P(ParkingModern, WaitsForOlderChainsWithInOrder) {
    machine.offer(wire::feature::in_order);
    bring_up(3);
    complete(2, 3);
    complete(1, 2);
    EXPECT_EQ(machine.step(), 0u);
    complete(0, 1);
    EXPECT_EQ(machine.step(), 3u);
    expect_used({{0, 1}, {1, 2}, {2, 3}});
}

TEST_P(ParkingModern, FillsInOrderOfUse) {
    machine.offer(wire::feature::in_order);
    machine.on_device([](auto& device) { device.set_schedule(Schedule::reversed()); });
    bring_up(3);
    backend.inject(0, {bytes("a")});
    EXPECT_EQ(machine.step(), 1u);
    EXPECT_EQ(text(0, 1), "a");
    EXPECT_EQ(backend.parked().at(0).number, 1u);
    expect_used({{0, 1}});
}

TEST_P(ParkingModern, WaitsWhileSuspended) {
    machine.offer(wire::feature::suspend);
    bring_up(1);
    complete(0, 8);
    auto const set_status = [&](uint32_t bits) {
        if (machine.mmio()) {
            machine.mmio_driver().write(wire::mmio::status, bits);
        } else {
            machine.pci_driver().common.write8(wire::pci::common::device_status, static_cast<uint8_t>(bits));
        }
    };
    set_status(15 | wire::status::suspend);
    EXPECT_EQ(machine.step(), 0u);
    set_status(15 | wire::status::suspend);
    EXPECT_EQ(machine.step(), 1u);
    expect_used({{0, 8}});
}

INSTANTIATE_TEST_SUITE_P(Kinds, ParkingModern,
                         ::testing::Values(RawKind::mmio_split, RawKind::mmio_packed, RawKind::pci_split,
                                           RawKind::pci_packed),
                         [](auto const& one) { return name_of(one.param); });

}  // namespace
}  // namespace virtq::sim_test
