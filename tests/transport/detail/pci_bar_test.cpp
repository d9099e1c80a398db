// SPDX-License-Identifier: MIT
#include <virtq/transport/detail/pci/pci_bar.hpp>

#include <transport/config_bytes.hpp>

#include <gtest/gtest.h>

#include <cstdint>

/// PCI 6.2.5.1 (Address Maps): measures BARs and places them.
namespace virtq::test {

using namespace virtq::detail;

namespace {

using BarKind = PciBar::Kind;

class PciBarTest : public testing::Test {
protected:
    ~PciBarTest() override {
        EXPECT_EQ(config.crooked, 0u);
        EXPECT_EQ(config.bars_live, 0u);  // the device never decoded an address while it was measured
        EXPECT_EQ(config.stray_writes, 0u);
    }

    PciBars measure() {
        auto const before = config.bytes;
        PciBars bars;
        bars.measure(function);
        EXPECT_EQ(config.bytes, before);  // addresses and command register are restored
        return bars;
    }
    Status assign(PciBars& bars, PciWindow* memory, PciWindow* ports = nullptr) {
        std::uint32_t const before = config.get(spec::pci::command.offset, 2);
        Status const assigned = bars.assign(function, memory, ports);
        EXPECT_EQ(config.get(spec::pci::command.offset, 2), before);
        return assigned;
    }

    ConfigBytes config;
    PciFunction<ConfigBytes> function{config, {}};
};

void expect_bar(PciBar const& bar, BarKind kind, std::uint64_t address, std::uint64_t bytes) {
    EXPECT_EQ(bar.kind, kind);
    EXPECT_EQ(bar.address, address);
    EXPECT_EQ(bar.bytes, bytes);
}

TEST_F(PciBarTest, MeasuresEachKind) {
    config.put(spec::pci::command.offset, 0x0107, 2);  // live: measuring must disable the decoders
    config.put_bar(0, 0x0000'c001, 0xffff'ff80);
    config.put_bar(1, 0xfebd'1000, 0xffff'f000);
    config.put_bar(2, 0x0000'000c, 0xffff'c000);
    config.put_bar(3, 0x0000'0040, 0xffff'ffff);
    config.put_bar(4, 0, 0);
    config.put_bar(5, 0xfe00'0008, 0xfe00'0000);
    PciBars const bars = measure();
    expect_bar(bars[0], BarKind::ports, 0xc000, 0x80);
    expect_bar(bars[1], BarKind::memory, 0xfebd'1000, 0x1000);
    expect_bar(bars[2], BarKind::memory, 0x40'0000'0000, 0x4000);
    EXPECT_EQ(bars[2].register_count, 2);
    expect_bar(bars[3], BarKind::absent, 0, 0);
    expect_bar(bars[4], BarKind::absent, 0, 0);
    expect_bar(bars[5], BarKind::memory, 0xfe00'0000, 0x0200'0000);
}

TEST_F(PciBarTest, MeasuresLargeBars) {
    config.put_bar(0, 0x0000'0004, 0);  // the size shows only in the upper half
    config.put_bar(1, 0x0000'0010, 0xffff'fff0);
    config.put_bar(2, 0x8000'0000, 0x8000'0000);
    config.put_bar(4, 0x0000'0004, 0);
    config.put_bar(5, 0, 0x8000'0000);
    PciBars const bars = measure();
    expect_bar(bars[0], BarKind::memory, 0x10'0000'0000, 0x10'0000'0000);
    expect_bar(bars[2], BarKind::memory, 0x8000'0000, 0x8000'0000);
    expect_bar(bars[4], BarKind::memory, 0, uint64_t{1} << 63);
}

// hermit#1392: the upper half of a 64-bit BAR is not a BAR, whatever its value.
TEST_F(PciBarTest, SkipsUpperHalvesOf64BitBars) {
    config.put_bar(0, 0x0000'0004, 0xffff'f000);
    config.put_bar(1, 0x0000'0001, 0xffff'ffff);
    config.put_bar(2, 0xfebd'0000, 0xffff'0000);
    PciBars const bars = measure();
    expect_bar(bars[0], BarKind::memory, 0x1'0000'0000, 0x1000);
    expect_bar(bars[1], BarKind::absent, 0, 0);
    expect_bar(bars[2], BarKind::memory, 0xfebd'0000, 0x10000);
    // Measures again with an object that measured another device before, which had two BARs there.
    ConfigBytes other;
    other.put_bar(0, 0xfebe'0000, 0xffff'0000);
    other.put_bar(1, 0xfebf'0000, 0xffff'0000);
    PciBars bars_of_both;
    bars_of_both.measure(PciFunction<ConfigBytes>{other, {}});
    expect_bar(bars_of_both[1], BarKind::memory, 0xfebf'0000, 0x10000);
    bars_of_both.measure(function);
    expect_bar(bars_of_both[1], BarKind::absent, 0, 0);
}

TEST_F(PciBarTest, RejectsALastBarOf64Bits) {
    config.put_bar(5, 0xfe00'0004, 0xffff'f000);
    config.sticky[0x28] = 0xff;
    config.put(0x28, 0x11, 1);  // CardBus CIS pointer: the next register
    expect_bar(measure()[5], BarKind::absent, 0, 0);
}

// On PCs the upper half of an I/O BAR may be hard-wired to 0.
TEST_F(PciBarTest, MeasuresPortsOf16Bits) {
    config.put_bar(0, 0x0000'c041, 0x0000'ffc0);
    config.put_bar(1, 0x0000'0001, 0xffff'fffc);
    PciBars const bars = measure();
    expect_bar(bars[0], BarKind::ports, 0xc040, 0x40);
    expect_bar(bars[1], BarKind::ports, 0, 4);
}

TEST_F(PciBarTest, IgnoresABarWithoutASize) {
    config.put_bar(0, 0x0000'0001, 0);  // ports
    config.put_bar(1, 0x0000'0008, 0);  // memory
    config.put_bar(2, 0x0000'0004, 0);  // 64 bits
    config.put_bar(3, 0x0000'0000, 0);
    PciBars const bars = measure();
    for (std::uint8_t i = 0; i < 6; ++i) {
        expect_bar(bars[i], BarKind::absent, 0, 0);
        EXPECT_FALSE(bars[i].is_assigned());
    }
}

// Hardware never does this. A misbehaving device could make a structure wrap around the last address to the first ones.
TEST_F(PciBarTest, RejectsAnAddressWithinTheSize) {
    config.put_bar(0, 0xffff'f004, 0xffff'f000);
    config.bar_answer[0] = 0xc000'0004;
    config.put_bar(1, 0xffff'ffff, 0xffff'ffff);
    config.put_bar(2, 0x0000'c011, 0xffff'fffc);
    config.bar_answer[2] = 0xffff'ff81;
    config.put_bar(3, 0xfebd'1010, 0xffff'fff0);
    config.bar_answer[3] = 0xffff'f000;
    config.put_bar(4, 0x4000'0004, 0xffff'fff0);
    config.bar_answer[4] = 0x8000'0004;
    config.put_bar(5, 0xffff'ffff, 0xffff'ffff);
    PciBars const bars = measure();
    for (std::uint8_t i = 0; i < 6; ++i) {
        expect_bar(bars[i], BarKind::absent, 0, 0);
    }
    EXPECT_EQ(bars[0].register_count, 2);
    EXPECT_EQ(bars[4].register_count, 2);
}

TEST_F(PciBarTest, MeasuresAnAbsentFunction) {
    config.bytes.fill(0xff);
    config.command_sticky = 0;
    PciBars bars;
    bars.measure(function);
    config.bars_live = 0;  // an absent function cannot be disabled
    EXPECT_FALSE(bars[0].has(0, 16));
}

TEST_F(PciBarTest, HasNoBarBeyondTheLast) {
    expect_bar(measure()[6], BarKind::absent, 0, 0);
    expect_bar(measure()[255], BarKind::absent, 0, 0);
}

TEST_F(PciBarTest, KnowsWhatIsInside) {
    PciBar const bar{BarKind::memory, 1, 0, 0x1000};
    EXPECT_TRUE(bar.has(0, 0x1000));
    EXPECT_TRUE(bar.has(0xfff, 1));
    EXPECT_FALSE(bar.has(0x1000, 1));
    EXPECT_FALSE(bar.has(1, 0x1000));
    EXPECT_FALSE(bar.has(0, 0x1001));
    EXPECT_FALSE(bar.has(0xffff'ffff, 0x1000));
    EXPECT_FALSE(bar.has(UINT64_MAX, 2));
}

// asterinas#3477: OpenSBI does not enumerate PCI, so BARs have no addresses.
TEST_F(PciBarTest, GivesEachBarItsOwnAddress) {
    config.put(spec::pci::command.offset, 0x0003, 2);
    config.put_bar(0, 0x0000'0001, 0xffff'ff80);
    config.put_bar(1, 0x0000'0000, 0xffff'f000);
    config.put_bar(2, 0x0000'000c, 0xffff'c000);
    config.put_bar(3, 0x0000'0000, 0xffff'ffff);
    config.put_bar(4, 0xfebd'0000, 0xffff'0000);
    PciBars bars = measure();
    PciWindow memory{0x4000'0800, 0x10'0000};
    PciWindow ports{0x1000, 0x1000};
    ASSERT_TRUE(assign(bars, &memory, &ports).ok());
    expect_bar(bars[0], BarKind::ports, 0x1000, 0x80);
    expect_bar(bars[1], BarKind::memory, 0x4000'1000, 0x1000);
    expect_bar(bars[2], BarKind::memory, 0x4000'4000, 0x4000);
    expect_bar(bars[4], BarKind::memory, 0xfebd'0000, 0x10000);  // had an address
    EXPECT_EQ(config.bar(0), 0x1001u);
    EXPECT_EQ(config.bar(1), 0x4000'1000u);
    EXPECT_EQ(config.bar(2), 0x4000'400cu);
    EXPECT_EQ(config.bar(3), 0u);
    EXPECT_EQ(config.bar(4), 0xfebd'0000u);
    EXPECT_EQ(memory.left(), 0x10'0000u - 0x7800u);
    EXPECT_EQ(ports.left(), 0x1000u - 0x80u);

    PciWindow untouched = memory;
    ASSERT_TRUE(assign(bars, &untouched, &ports).ok());  // all of them have addresses now
    EXPECT_EQ(untouched.left(), memory.left());
    PciBars const seen = measure();
    expect_bar(seen[2], BarKind::memory, 0x4000'4000, 0x4000);
}

TEST_F(PciBarTest, Places64BitBarsAbove4GiB) {
    config.put_bar(0, 0x0000'0004, 0xffff'0000);
    config.put_bar(1, 0x0000'0000, 0xffff'ffff);
    PciBars bars = measure();
    PciWindow memory{0x80'0000'1000, 0x10'0000};
    ASSERT_TRUE(assign(bars, &memory).ok());
    expect_bar(bars[0], BarKind::memory, 0x80'0001'0000, 0x10000);
    EXPECT_EQ(config.bar(0), 0x0001'0004u);
    EXPECT_EQ(config.bar(1), 0x80u);
}

TEST_F(PciBarTest, Keeps32BitBarsBelow4GiB) {
    config.put_bar(0, 0x0000'0000, 0xffff'f000);
    PciBars bars = measure();
    PciWindow above{0x1'0000'0000, 0x10'0000};
    EXPECT_EQ(assign(bars, &above).error(), Error::pci_window_full);
    EXPECT_EQ(above.left(), 0x10'0000u);  // nothing was taken
    EXPECT_FALSE(bars[0].is_assigned());
    EXPECT_EQ(config.bar(0), 0u);

    PciWindow across{0xffff'f800, 0x10'0000};  // the next multiple is above 4 GiB
    EXPECT_EQ(assign(bars, &across).error(), Error::pci_window_full);
    PciWindow last{0xffff'f000, 0x1000};
    EXPECT_TRUE(assign(bars, &last).ok());
    EXPECT_EQ(bars[0].address, 0xffff'f000u);
}

TEST_F(PciBarTest, ReportsAFullWindow) {
    config.put_bar(0, 0x0000'0000, 0xffff'f000);
    config.put_bar(1, 0x0000'0000, 0xffff'f000);
    PciBars bars = measure();
    PciWindow memory{0x4000'0000, 0x1fff};
    EXPECT_EQ(assign(bars, &memory).error(), Error::pci_window_full);
    EXPECT_EQ(bars[0].address, 0x4000'0000u);
    EXPECT_FALSE(bars[1].is_assigned());
    EXPECT_EQ(memory.left(), 0xfffu);
}

TEST_F(PciBarTest, IgnoresBarsWithoutAWindow) {
    config.put_bar(0, 0x0000'0001, 0xffff'ff80);
    config.put_bar(1, 0x0000'0000, 0xffff'f000);
    PciBars bars = measure();
    ASSERT_TRUE(assign(bars, nullptr).ok());
    EXPECT_FALSE(bars[0].is_assigned());
    PciWindow ports{0x1000, 0x80};
    ASSERT_TRUE(assign(bars, nullptr, &ports).ok());
    EXPECT_EQ(bars[0].address, 0x1000u);
    EXPECT_FALSE(bars[1].is_assigned());
}

/// Makes a window at run time, not at compile time.
PciWindow window_of(std::uint64_t base, std::uint64_t bytes) {
    return PciWindow{base, bytes};
}

TEST(PciWindow, NeverGivesAddressZero) {
    PciWindow window = window_of(0, 0x4000);
    EXPECT_EQ(window.take(0x1000), 0x1000u);
    EXPECT_EQ(window.take(0x1000), 0x2000u);
    EXPECT_EQ(window.left(), 0x1000u);
    PciWindow small = window_of(0, 0x1000);
    EXPECT_EQ(small.take(0x1000), 0u);
    EXPECT_EQ(small.left(), 0x1000u);
    EXPECT_EQ(small.take(0x800), 0x800u);
}

TEST(PciWindow, GivesWhatFits) {
    PciWindow window = window_of(0x1'0000, 0x1000);
    EXPECT_EQ(window.take(0x1001 * 2), 0u);
    EXPECT_EQ(window.take(0x2000), 0u);
    EXPECT_EQ(window.take(0), 0u);
    EXPECT_EQ(window.left(), 0x1000u);
    EXPECT_EQ(window.take(0x10), 0x1'0000u);
    EXPECT_EQ(window.take(0x800), 0x1'0800u);
    EXPECT_EQ(window.take(0x10), 0u);
    EXPECT_EQ(window.left(), 0u);
    EXPECT_EQ(PciWindow{}.take(1), 0u);
}

TEST(PciWindow, EndsWithTheLastAddress) {
    PciWindow window = window_of(0xffff'ffff'ffff'0000, 0x10'0000);
    EXPECT_EQ(window.left(), 0x1'0000u);
    EXPECT_EQ(window.take(0x1'0000), 0xffff'ffff'ffff'0000u);
    EXPECT_EQ(window.take(0x10), 0u);
    PciWindow exact = window_of(0xffff'ffff'ffff'0000, 0x1'0000);
    EXPECT_EQ(exact.left(), 0x1'0000u);
    PciWindow whole = window_of(0, UINT64_MAX);
    EXPECT_EQ(whole.take(std::uint64_t{1} << 63), 0u);  // one byte too small
    EXPECT_EQ(whole.take(std::uint64_t{1} << 62), std::uint64_t{1} << 62);
    EXPECT_EQ(whole.take(std::uint64_t{1} << 62), std::uint64_t{1} << 63);
    EXPECT_EQ(whole.take(std::uint64_t{1} << 62), 0u);
    PciWindow odd = window_of(0x1001, 0x10);
    EXPECT_EQ(odd.take(std::uint64_t{1} << 63), 0u);
}

}  // namespace
}  // namespace virtq::test
