// SPDX-License-Identifier: MIT
#include <transport/transport_setting.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

/// What the disk does not need of a transport, and other devices do: many queues, and configuration fields of 16 and
/// 32 bits that a driver writes.
namespace virtq::test {

using namespace virtq::detail;

namespace {

/// A console with 31 ports, for example: queues for each port, and two for control (§5.3.2).
class WideBackend final : public sim::DeviceBackend {
public:
    static constexpr std::uint16_t queues = 64;
    static constexpr std::uint16_t size = 4;

    [[nodiscard]] std::uint32_t device_id() const override { return 3; }
    [[nodiscard]] sim::FeatureWords features() const override { return {}; }
    [[nodiscard]] std::uint16_t queue_count() const override { return queues; }
    [[nodiscard]] std::uint16_t queue_size_max(std::uint16_t) const override { return size; }
    [[nodiscard]] std::vector<sim::ConfigField> config_fields() const override {
        return {field(0, 2), field(2, 2), field(4, 4), field(8, 4)};
    }
    [[nodiscard]] std::uint8_t read_config(std::size_t offset) override { return config.at(offset); }
    void write_config(std::size_t offset, std::uint8_t value) override { config.at(offset) = value; }
    [[nodiscard]] sim::Completion process(std::uint16_t queue, sim::Chain const&) override {
        processed.push_back(queue);
        return queue;  // as the used length, so that the driver sees which queue it was
    }

    std::array<std::uint8_t, 12> config{};
    std::vector<std::uint16_t> processed;

private:
    [[nodiscard]] static sim::ConfigField field(std::size_t offset, std::size_t bytes) {
        return {offset, bytes, sim::ConfigField::always, true, nullptr};
    }
};

template <class Setting>
class WideDevice : public testing::Test {
protected:
    WideDevice() : setting(memory, backend) {}
    ~WideDevice() override {
        SpinRelax relax;
        EXPECT_TRUE(reset_device(transport, PollLimit{10}, relax).ok());
        for (auto& queue : queues) {
            queue.detach();
            EXPECT_TRUE(queue.release(memory).ok());
        }
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }

    void bring_up(std::uint16_t first = 0) {
        ASSERT_TRUE(setting.probe(transport).ok());
        DeviceInit init{transport};
        SpinRelax relax;
        ASSERT_TRUE(init.negotiate(negotiation, PollLimit{10}, relax).ok());
        ASSERT_EQ(transport.queue_count(), WideBackend::queues);
        for (std::uint16_t i = first; i < WideBackend::queues; ++i) {
            ASSERT_TRUE(init.set_up_queue(i, queues[i], memory, negotiation.negotiated).ok()) << i;
        }
        ASSERT_TRUE(init.go_live().ok());
    }

    sim::GuestMemory memory;
    WideBackend backend;
    Setting setting;
    typename Setting::Transport transport;
    Negotiation negotiation;
    std::array<VirtQueue<WideBackend::size>, WideBackend::queues> queues;
};
TYPED_TEST_SUITE(WideDevice, Transports);

TYPED_TEST(WideDevice, AllWork) {
    this->bring_up();
    EXPECT_EQ(this->transport.enabled_queue_end(), 64u);
    sim::Buffer const data = this->memory.allocate_buffer(64, 64);
    Segment const segment{data.phys, 64};
    for (unsigned turn = 0; turn < 128; ++turn) {
        auto const index = static_cast<std::uint16_t>(turn * 37 % 64);  // each of them twice, in no simple order
        auto& queue = this->queues[index];
        ASSERT_TRUE(queue.add({}, {&segment, 1}, Token{turn + 1}).ok());
        ASSERT_TRUE(queue.publish());
        this->transport.notify(index);
        this->setting.device.step();
        Completion const done = queue.take_used();
        ASSERT_EQ(done.state, CompletionState::ready) << index;
        EXPECT_EQ(done.token.value(), turn + 1);
        EXPECT_EQ(this->backend.processed.back(), index);
        EXPECT_EQ(done.written, index);
        EXPECT_EQ(this->setting.device.notifications(index), turn / 64 + 1);
    }
}

// A device that leaves queue 63 enabled after a reset may still write to it (faults A9).
TYPED_TEST(WideDevice, ResetChecksTheLast) {
    this->bring_up(63);
    this->setting.device.set_device_reset(sim::DeviceReset::keeps_queues);
    if constexpr (requires { this->setting.device.refuse_queue_stop(); }) {
        this->setting.device.refuse_queue_stop();
    }
    SpinRelax relax;
    EXPECT_EQ(reset_device(this->transport, PollLimit{10}, relax).error(), Error::queue_survived_reset);
    EXPECT_TRUE(this->transport.is_queue_in_use(63));
    this->setting.device.set_device_reset(sim::DeviceReset::honest);
}

/// The bytes of a field in the order of the device: little-endian, or the guest's with the legacy interface (§2.5.3).
template <class Word>
[[nodiscard]] std::vector<std::uint8_t> bytes_of(Word word, bool legacy) {
    std::vector<std::uint8_t> bytes(sizeof(Word));
    for (std::size_t i = 0; i < sizeof(Word); ++i) {
        bytes[i] = static_cast<std::uint8_t>(word >> (8 * i));
    }
    if (legacy) {
        std::memcpy(bytes.data(), &word, sizeof(Word));
    }
    return bytes;
}

TYPED_TEST(WideDevice, ConfigurationWritesHaveTheirWidth) {
    this->bring_up();
    auto const at = [&](std::size_t offset, std::size_t bytes) {
        auto const* const first = this->backend.config.data() + offset;
        return std::vector<std::uint8_t>(first, first + bytes);
    };
    this->transport.write_config16(2, std::uint16_t{0xa1b2});
    this->transport.write_config32(4, std::uint32_t{0xc3d4e5f6});
    bool const legacy = this->transport.is_legacy();
    EXPECT_EQ(at(0, 2), (std::vector<std::uint8_t>{0, 0}));
    EXPECT_EQ(at(2, 2), bytes_of(std::uint16_t{0xa1b2}, legacy));
    EXPECT_EQ(at(4, 4), bytes_of(std::uint32_t{0xc3d4e5f6}, legacy));
    EXPECT_EQ(at(8, 4), (std::vector<std::uint8_t>{0, 0, 0, 0}));
    EXPECT_EQ(this->transport.read_config16(2), 0xa1b2);
    EXPECT_EQ(this->transport.read_config32(4), 0xc3d4e5f6u);
}

}  // namespace
}  // namespace virtq::test
