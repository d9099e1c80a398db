// SPDX-License-Identifier: MIT
#include <virtq/device/entropy.hpp>

#include <support/contract.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/device_backend.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

namespace virtq::test {
namespace {

class Source : public sim::DeviceBackend {
public:
    uint32_t device_id() const override { return 4; }
    sim::FeatureWords features() const override { return {}; }
    uint16_t queue_count() const override { return 1; }
    uint16_t queue_size_max(uint16_t) const override { return 8; }
    sim::Completion process(uint16_t, sim::Chain const& chain) override {
        uint32_t n = 0;
        for (auto const& s : chain.writable) {
            for (size_t i = 0; i < s.bytes && n < most; ++i) {
                s.virt[i] = static_cast<uint8_t>(next++);
                ++n;
            }
        }
        if (silent) {
            return {};
        }
        return n;
    }
    uint32_t most = 1000;
    bool silent = false;
    unsigned next = 1;
};

TEST(Entropy, ReadsWholeBuffersFromShortAnswers) {
    sim::GuestMemory memory;
    Source source;
    sim::MmioDevice device{memory, source, sim::MmioVersion::modern};
    MmioTransport<sim::MmioRegisters> transport;
    ASSERT_TRUE(transport.probe(device.registers()).ok());
    EntropyDevice<MmioTransport<sim::MmioRegisters>> rng;
    ASSERT_TRUE(rng.init(transport, memory, {.reset_limit = PollLimit{100}}).ok());
    auto const buffer = memory.allocate_buffer(100, 1);
    Segment const segment{buffer.phys, 100};
    source.most = 7;
    auto step = [&] { device.step(); };
    ASSERT_EQ(rng.read(segment, PollLimit{1000}, step).error(), Error::none);
    for (unsigned i = 0; i < 100; ++i) {
        EXPECT_EQ(static_cast<uint8_t const*>(buffer.virt)[i], i + 1);
    }
    ASSERT_TRUE(rng.submit(segment, Token{7}).ok());
    EXPECT_TRUE(rng.kick_device());
    device.step();
    auto const done = rng.take_completed();
    EXPECT_EQ(done.state, CompletionState::ready);
    EXPECT_EQ(done.bytes, 7u);
    EXPECT_EQ(done.token, Token{7});
    source.most = 0;
    EXPECT_EQ(rng.read(segment, PollLimit{1000}, step).error(), Error::answer_invalid);
    EXPECT_EQ(rng.driver_fault().reason, DriverReason::entropy_empty);
    source.silent = true;
    ASSERT_TRUE(rng.submit(segment, Token{9}).ok());
    EXPECT_EQ(rng.read(segment, PollLimit{10}, step).error(), Error::timed_out);
    EXPECT_EQ(rng.submit(segment, Token{10}).error(), Error::reset_needed);
    std::vector<RequestCompletion> back;
    EXPECT_EQ(rng.reset([&](RequestCompletion const& c) { back.push_back(c); }).error(), Error::none);
    ASSERT_EQ(back.size(), 1u);
    EXPECT_EQ(back[0].token, Token{9});
    EXPECT_EQ(back[0].error, Error::request_cancelled);
    source.silent = false;
    source.most = 1000;
    EXPECT_EQ(rng.read(segment, PollLimit{10}, step).error(), Error::none);
    EXPECT_TRUE(rng.release(memory).ok());
    EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    EXPECT_EQ(memory.pages_outstanding(), 0u);
}

}  // namespace
}  // namespace virtq::test
