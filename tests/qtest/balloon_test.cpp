// SPDX-License-Identifier: MIT
#include <qtest/qemu_device.hpp>
#include <virtq/device/balloon.hpp>

#include <cstdint>
#include <cstring>
#include <string>
#include <vector>

namespace virtq::test {
namespace {

class QemuBalloon : public QemuDevice {
protected:
    /// The size of the machine's memory without the balloon, as its owner wants it.
    void ask_for(std::uint64_t bytes) { machine.monitor.run("balloon", "{\"value\": " + std::to_string(bytes) + "}"); }
    [[nodiscard]] std::uint64_t actual_bytes() {
        return qtest::Monitor::number(machine.monitor.run("query-balloon"), "actual");
    }

    [[nodiscard]] bool has_target(std::uint32_t pages) {
        return balloon.on_config_change().ok() && balloon.target_pages() == pages;
    }

    BalloonDevice<qtest::Transport, 128, OnQemu<BalloonTraits>> balloon;
};

TEST_P(QemuBalloon, GivesAndTakesPages) {
    constexpr std::uint32_t count = 64;
    ASSERT_NO_FATAL_FAILURE(bring_up(balloon, "virtio-balloon"));
    std::uint64_t const all = machine.memory.bytes();
    EXPECT_EQ(actual_bytes(), all);
    ask_for(all - count * page_bytes);
    ASSERT_TRUE(wait_until([&] { return has_target(count); }));

    Pages const run = machine.memory.allocate_pages(count);
    std::vector<PhysAddr> pages;
    for (std::uint32_t i = 0; i < count; ++i) {
        pages.push_back(run.phys + i * page_bytes);
    }
    for (std::uint32_t i = 0; i < count; i += 16) {
        Status const given = balloon.inflate({pages.data() + i, 16}, patience, relaxing());
        ASSERT_TRUE(given.ok()) << describe(given.error());
        EXPECT_EQ(balloon.held_pages(), i + 16);
        ASSERT_TRUE(wait_until([&] { return actual_bytes() == all - (i + 16) * page_bytes; }));
    }
    // QEMU has thrown the pages away: what was in them is gone.
    std::vector<std::uint8_t> const zeros(count * page_bytes);
    EXPECT_EQ(std::memcmp(run.virt, zeros.data(), zeros.size()), 0);

    ask_for(all);
    ASSERT_TRUE(wait_until([&] { return has_target(0); }));
    for (std::uint32_t i = 0; i < count; i += 16) {
        Status const taken = balloon.deflate({pages.data() + i, 16}, patience, relaxing());
        ASSERT_TRUE(taken.ok()) << describe(taken.error());
    }
    EXPECT_EQ(balloon.held_pages(), 0u);
    ASSERT_TRUE(wait_until([&] { return actual_bytes() == all; }));
    check_idle(0);
    check_idle(1);
    shut_down(balloon);
    machine.memory.free_pages(run);
}

INSTANTIATE_TEST_SUITE_P(Qemu, QemuBalloon, ::testing::ValuesIn(every_choice), choice_name);

}  // namespace
}  // namespace virtq::test
