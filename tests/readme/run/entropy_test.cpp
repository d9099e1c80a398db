// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <algorithm>
#include <cstdint>

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

namespace virtq::readme {
namespace {

/// §5.4: fills what it is given.
class EntropyBackend final : public sim::DeviceBackend {
public:
    static constexpr std::uint8_t filling = 0xa7;

    [[nodiscard]] std::uint32_t device_id() const override { return 4; }
    [[nodiscard]] sim::FeatureWords features() const override { return {}; }
    [[nodiscard]] std::uint16_t queue_count() const override { return 1; }
    [[nodiscard]] std::uint16_t queue_size_max(std::uint16_t) const override { return 8; }
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

TEST(Entropy, FillsBuffer) {
    EntropyBackend backend;
    MmioMachine machine({.pace = Pace::at_each_access, .disk = {}, .instead = &backend});
    entropy::KernelPages pages;
    AnyTransport<> transport;
    ASSERT_TRUE(
        transport.probe_mmio(MmioSpace{machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, 0)}).ok());
    ASSERT_EQ(transport.device_id(), spec::DeviceId::entropy);
    Status const up = entropy::bring_up_entropy(transport, pages);
    ASSERT_TRUE(up.ok()) << describe(up.error());
    for (unsigned round = 0; round < 20; ++round) {  // more than the queue is long
        sim::Buffer const buffer = machine.buffer(64);
        Result<std::uint32_t> const bytes = entropy::read_entropy(transport, Machine::segment(buffer));
        ASSERT_TRUE(bytes.ok());
        EXPECT_EQ(*bytes, 64u);
        EXPECT_EQ(std::count(buffer.virt, buffer.virt + 64, EntropyBackend::filling), 64);
    }
    SpinRelax relax;
    ASSERT_TRUE(reset_device(transport, PollLimit{100}, relax).ok());
    entropy::queue.detach();
    EXPECT_TRUE(entropy::queue.release(pages).ok());
}

}  // namespace
}  // namespace virtq::readme
