// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

/// The README's driver of an entropy device.
namespace entropy {
#include <blocks/README/a_device_of_another_type.inc>

virtq::Pages KernelPages::allocate_pages(std::size_t count) {
    return virtq::readme::Machine::current().memory.allocate_pages(count);
}
void KernelPages::free_pages(virtq::Pages pages) {
    virtq::readme::Machine::current().memory.free_pages(pages);
}
}  // namespace entropy

/// The README's bursts.
namespace bursts {
#include <blocks/README/a_device_of_another_type_2.inc>
}

namespace virtq::readme {
namespace {

/// §5.4: fills what it is given.
class EntropyBackend final : public sim::DeviceBackend {
public:
    static constexpr std::uint8_t filling = 0xa7;
    static constexpr std::uint16_t queue_size = 32;

    [[nodiscard]] std::uint32_t device_id() const override { return 4; }
    [[nodiscard]] sim::FeatureWords features() const override { return {}; }
    [[nodiscard]] std::uint16_t queue_count() const override { return 1; }
    [[nodiscard]] std::uint16_t queue_size_max(std::uint16_t) const override { return queue_size; }
    [[nodiscard]] sim::Completion process(std::uint16_t, sim::Chain const& chain) override {
        std::uint32_t written = 0;
        for (auto const& segment : chain.writable) {
            std::fill_n(segment.virt, segment.bytes, filling);
            written += static_cast<std::uint32_t>(segment.bytes);
        }
        return is_silent ? sim::Completion{} : written;
    }

    bool is_silent = false;
};

class Entropy : public ::testing::Test {
protected:
    void SetUp() override {
        auto const registers = machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, 0);
        ASSERT_TRUE(transport.probe_mmio(MmioSpace{registers}).ok());
        ASSERT_EQ(transport.device_id(), spec::DeviceId::entropy);
    }
    void reset(auto& queue) {
        SpinRelax relax;
        ASSERT_TRUE(reset_device(transport, PollLimit{100}, relax).ok());
        queue.detach();
    }

    EntropyBackend backend;
    MmioMachine machine{{.pace = Pace::at_each_access, .disk = {}, .instead = &backend}};
    entropy::KernelPages pages;
    AnyTransport<> transport;
};

TEST_F(Entropy, FillsBuffer) {
    Status const up = entropy::bring_up_entropy(transport, pages);
    ASSERT_TRUE(up.ok()) << describe(up.error());
    for (unsigned round = 0; round < 20; ++round) {  // more than the queue is long
        sim::Buffer const buffer = machine.buffer(64);
        Result<std::uint32_t> const bytes = entropy::read_entropy(transport, Machine::segment(buffer));
        ASSERT_TRUE(bytes.ok());
        EXPECT_EQ(*bytes, 64u);
        EXPECT_EQ(std::count(buffer.virt, buffer.virt + 64, EntropyBackend::filling), 64);
    }
    reset(entropy::queue);
    EXPECT_TRUE(entropy::queue.release(pages).ok());
}

std::vector<std::uintptr_t> received;

void receive(Completion completion) {
    EXPECT_EQ(completion.written, 64u);
    received.push_back(completion.token.value());
}

TEST_F(Entropy, FillsBurst) {
    static VirtQueue<256> queue;
    DeviceInit init{transport};
    Negotiation negotiation;
    negotiation.wanted = Split::wanted;
    negotiation.required = Split::required;
    SpinRelax relax;
    ASSERT_TRUE(init.negotiate(negotiation, PollLimit{100}, relax).ok());
    ASSERT_TRUE(init.set_up_queue(0, queue, pages, negotiation.negotiated).ok());
    ASSERT_TRUE(init.go_live().ok());
    std::vector<WritableBuffer> buffers;
    std::vector<std::uintptr_t> tokens;
    for (std::uintptr_t i = 0; i < 40; ++i) {  // more than fit, and several of take_all()'s bursts
        buffers.push_back({{Machine::segment(machine.buffer(64))}, Token{i}});
        tokens.push_back(i);
    }
    received.clear();
    std::size_t submitted = 0;
    while (submitted < buffers.size()) {
        Span<WritableBuffer const> const rest{buffers.data() + submitted, buffers.size() - submitted};
        std::size_t const count = bursts::refill(transport, queue, rest);
        ASSERT_EQ(count, std::min<std::size_t>(rest.size(), EntropyBackend::queue_size));
        submitted += count;
        ASSERT_TRUE(bursts::take_all(queue, receive));
        ASSERT_EQ(received.size(), submitted);
    }
    EXPECT_EQ(received, tokens);
    reset(queue);
    EXPECT_TRUE(queue.drain([](Token) {}).ok());
    EXPECT_FALSE(bursts::take_all(queue, receive));
    EXPECT_TRUE(queue.release(pages).ok());
}

}  // namespace
}  // namespace virtq::readme
