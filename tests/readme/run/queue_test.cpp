// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <sim/split_queue.hpp>

#include <cstdint>
#include <optional>
#include <vector>

/// The README's disk of another format, and the examples of a queue by itself.
namespace which_queue {
#include <blocks/README/which_queue.inc>
}

namespace virtq::readme {
namespace {

void probe(Machine& machine, MmioTransport<>& transport) {
    auto const registers = machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, 0);
    ASSERT_TRUE(transport.probe(MmioSpace{registers}).ok());
}

TEST(WhichQueue, BecomesWhatWasNegotiated) {
    for (bool const packed : {false, true}) {
        MmioMachine machine({.pace = Pace::at_each_access, .disk = {.packed = packed}});
        MachinePages pages;
        MmioTransport<> transport;
        probe(machine, transport);
        ASSERT_TRUE(which_queue::disk.init(transport, pages).ok());
        EXPECT_EQ(machine.device.packed_ring() != nullptr, packed);
        sim::Buffer const data = machine.buffer(512);
        EXPECT_TRUE(which_queue::disk.read(2, Machine::segment(data), PollLimit{1000}).ok());
        EXPECT_TRUE(machine.holds(data, 2));
        EXPECT_TRUE(which_queue::disk.release(pages).ok());
    }
}

struct Request {
    unsigned finished = 0;
    std::uint32_t written = 0;
};

/// A device that answers whatever it is notified of.
class OneQueueTransport {
public:
    static constexpr std::uint32_t answer_bytes = 20;

    explicit OneQueueTransport(sim::GuestMemory& memory) : memory_(memory) {}

    [[nodiscard]] Status enable_queue(std::uint16_t, QueueAddresses const& addresses) {
        device_.emplace(memory_, sim::SplitQueueConfig{addresses.size, addresses.descriptor_area,
                                                       addresses.driver_area, addresses.device_area});
        return {};
    }
    void notify(std::uint16_t, std::uint32_t) {
        while (std::optional<sim::Chain> const chain = device_->fetch()) {
            device_->use(chain->head, answer_bytes);
        }
    }

private:
    sim::GuestMemory& memory_;
    std::optional<sim::SplitQueue> device_;
};

TEST(HeaderExample, VirtQueue) {
    sim::GuestMemory memory;
    sim::GuestMemory& pages = memory;
    Features const negotiated_features = Features::of(spec::Feature::version_1);
    sim::Buffer const question = memory.allocate_buffer(16);
    sim::Buffer const answer = memory.allocate_buffer(32);
    Segment const request_segments[] = {Machine::segment(question)};
    Segment const answer_segments[] = {Machine::segment(answer)};
    Request request;
    auto const finish = [](Request* one, std::uint32_t written) {
        ++one->finished;
        one->written = written;
    };
    OneQueueTransport transport{memory};
#include <blocks/queue/virtqueue.inc>
    EXPECT_TRUE(status.ok()) << describe(status.error());
    EXPECT_EQ(request.finished, 1u);
    EXPECT_EQ(request.written, OneQueueTransport::answer_bytes);
    queue.detach();
    EXPECT_TRUE(queue.release(pages).ok());
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
}

TEST(HeaderExample, ResetQueue) {
    MmioMachine machine({.pace = Pace::while_asleep, .disk = {.ring_reset = true}});
    MachinePages pages;
    MmioTransport<> transport;
    probe(machine, transport);
    SpinRelax relax;
    VirtQueue<16, Split> queue;
    Negotiation negotiation;
    negotiation.wanted = Split::wanted;
    negotiation.wanted.set(spec::Feature::ring_reset);
    negotiation.required = Split::required;
    DeviceInit init{transport};
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{100}, relax).ok());
    Features const negotiated = negotiation.negotiated;
    ASSERT_TRUE(negotiated.has(spec::Feature::ring_reset));
    ASSERT_TRUE(init.set_up_queue(0, queue, pages, negotiated).ok());
    ASSERT_TRUE(init.go_live().ok());
    sim::Buffer const data = machine.buffer(512);
    Segment const readable[] = {{data.phys, 16}};
    ASSERT_TRUE(queue.add(readable, {}, Token{7}).ok());
    std::vector<std::uintptr_t> handed_back;
    auto const hand_back = [&](Token token) { handed_back.push_back(token.value()); };
#include <blocks/device/queue_reset.inc>
    EXPECT_TRUE(status.ok()) << describe(status.error());
    EXPECT_EQ(handed_back, std::vector<std::uintptr_t>{7});
    EXPECT_TRUE(queue.is_live());
    ASSERT_TRUE(reset_device(transport, PollLimit{100}, relax).ok());
    queue.detach();
    EXPECT_TRUE(queue.release(pages).ok());
}

}  // namespace
}  // namespace virtq::readme
