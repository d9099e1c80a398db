// SPDX-License-Identifier: MIT
#include <device/console_machine.hpp>

#include <algorithm>
#include <random>

/// A console moves a mebibyte each way, byte for byte, with each form of ring and completions in any order.
namespace virtq::test {
namespace {

struct BytesSetting {
    char const* name;
    std::vector<unsigned> features;
    sim::MmioVersion version = sim::MmioVersion::modern;
};

class ConsoleBytes : public testing::TestWithParam<BytesSetting> {
protected:
    static constexpr std::size_t mebibyte = 1u << 20;

    ConsoleMachine<SmallConsole, 16> machine{{.features = GetParam().features}, GetParam().version};
};

std::string random_text(std::size_t bytes, unsigned seed) {
    std::mt19937 random{seed};
    std::string text(bytes, '\0');
    std::generate(text.begin(), text.end(), [&] { return static_cast<char>(random()); });
    return text;
}

TEST_P(ConsoleBytes, LosesAndReordersNothing) {
    machine.device.set_schedule(sim::Schedule::shuffled(7));
    machine.bring_up();
    std::string const in = random_text(mebibyte, 1);
    std::string const out = random_text(mebibyte, 2);
    machine.console.fill_at_most(13);
    std::mt19937 random{3};
    std::string got;
    std::size_t typed = 0;
    std::size_t sent = 0;
    for (std::size_t step = 0; step < mebibyte && (got.size() < in.size() || sent < out.size()); ++step) {
        if (machine.console.untaken(0) < 100) {
            machine.console.type(0, std::string_view{in}.substr(typed, 1000));
            typed = std::min(typed + 1000, in.size());
        }
        got += machine.read(0, 1 + random() % 40);
        sent += machine.taken(std::string_view{out}.substr(sent, random() % 300));
        machine.device.step();
    }
    EXPECT_TRUE(got == in) << got.size();
    EXPECT_TRUE(machine.console.printed(0) == out) << sent;
}

INSTANTIATE_TEST_SUITE_P(
    Rings, ConsoleBytes,
    testing::Values(BytesSetting{"Split", {}}, BytesSetting{"EventIdx", {sim::wire::feature::event_idx}},
                    BytesSetting{"Packed", {sim::wire::feature::ring_packed, sim::wire::feature::event_idx}},
                    BytesSetting{"InOrder", {sim::wire::feature::in_order}},
                    BytesSetting{"Legacy", {}, sim::MmioVersion::legacy}),
    [](auto const& setting) { return std::string{setting.param.name}; });

}  // namespace
}  // namespace virtq::test
