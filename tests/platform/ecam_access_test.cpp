// SPDX-License-Identifier: MIT
#include <virtq/platform/ecam_access.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <type_traits>
#include <vector>

namespace virtq::test {
namespace {

// PCIe 7.2.2: bus << 20, device << 15, function << 12.
TEST(EcamAccess, ReachesEachFunction) {
    std::vector<std::uint32_t> words(2 * (std::size_t{1} << 20) / 4);  // two buses
    auto* const bytes = reinterpret_cast<std::uint8_t*>(words.data());
    EcamAccess access{reinterpret_cast<std::uintptr_t>(bytes), 0x10, 0x11};
    PciAddress const address{0x11, 2, 3};
    std::size_t const place = (std::size_t{1} << 20) + (2u << 15) + (3u << 12);

    access.write32(address, 0x10, 0x44332211);
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(bytes[place + 0x10 + i], 0x11 * (i + 1));  // little-endian on any machine
    }
    EXPECT_EQ(access.read32(address, 0x10), 0x44332211u);
    EXPECT_EQ(access.read16(address, 0x12), 0x4433);
    EXPECT_EQ(access.read8(address, 0x11), 0x22);
    access.write16(address, 0xffe, 0xbeef);
    EXPECT_EQ(bytes[place + 0xffe], 0xef);
    access.write8(address, 0xffd, 0x77);
    EXPECT_EQ(bytes[place + 0xffd], 0x77);
    EXPECT_EQ(access.read32(address, 0xffc), 0xbeef7700u);

    EcamAccess const whole{reinterpret_cast<std::uintptr_t>(bytes), 0, 1};
    EXPECT_EQ(whole.read32({1, 2, 3}, 0x10), 0x44332211u);
    EXPECT_EQ(whole.read32({0, 0, 0}, 0), 0u);
}

// The caller says which buses are mapped: 256 would be 256 MiB (faults A5).
TEST(EcamAccess, HasNoDefaultBuses) {
    EXPECT_FALSE((std::is_constructible_v<EcamAccess, std::uintptr_t>));
    EXPECT_FALSE((std::is_constructible_v<EcamAccess, std::uintptr_t, int>));
    EXPECT_TRUE((std::is_constructible_v<EcamAccess, std::uintptr_t, std::uint8_t, std::uint8_t>));
}

/// The memory of some buses, with guard bytes around it.
class EcamMemory {
public:
    static constexpr std::size_t bus_bytes = std::size_t{1} << 20;
    static constexpr std::uint8_t guard = 0x5a;

    EcamMemory() : bytes_(3 * bus_bytes, guard) {}
    [[nodiscard]] std::uintptr_t bus() const { return reinterpret_cast<std::uintptr_t>(bytes_.data()) + bus_bytes; }
    [[nodiscard]] bool is_untouched() const {
        return std::all_of(bytes_.begin(), bytes_.end(), [](std::uint8_t byte) { return byte == guard; });
    }

private:
    std::vector<std::uint8_t> bytes_;
};

void expect_nothing_at(EcamAccess access, PciAddress address, std::uint16_t offset) {
    EXPECT_EQ(access.read8(address, offset), UINT8_MAX);
    EXPECT_EQ(access.read16(address, offset), UINT16_MAX);
    EXPECT_EQ(access.read32(address, offset), UINT32_MAX);
    access.write8(address, offset, 0);
    access.write16(address, offset, 0);
    access.write32(address, offset, 0);
}

// A bus outside the mapping has no functions, and its number does not wrap (faults A5).
TEST(EcamAccess, ReadsAllOnesOutsideItsBuses) {
    EcamMemory const memory;
    EcamAccess const access{memory.bus(), 0x40, 0x40};
    for (std::uint8_t const bus : std::initializer_list<std::uint8_t>{0x3f, 0x41, 0x00, 0xff}) {
        expect_nothing_at(access, {bus, 0, 0}, 0);
        expect_nothing_at(access, {bus, 31, 7}, 0xffc);
    }
    EXPECT_TRUE(memory.is_untouched());
    EXPECT_EQ(access.read8({0x40, 0, 0}, 0), EcamMemory::guard);
    EXPECT_EQ(access.read8({0x40, 31, 7}, 0xfff), EcamMemory::guard);
}

// A configuration space has 4096 bytes. The next function follows it (faults A5).
TEST(EcamAccess, ReadsAllOnesBeyondAFunction) {
    EcamMemory const memory;
    EcamAccess const access{memory.bus(), 0x40, 0x40};
    expect_nothing_at(access, {0x40, 0, 0}, 0x1000);
    expect_nothing_at(access, {0x40, 31, 7}, 0xfffc);
    EXPECT_TRUE(memory.is_untouched());
}

// PCI 3.2.2.3.4: a bus has 32 devices, and a device 8 functions (faults A5).
TEST(EcamAccess, ReadsAllOnesAtImpossibleNumbers) {
    EcamMemory const memory;
    EcamAccess const access{memory.bus(), 0x40, 0x40};
    expect_nothing_at(access, {0x40, 32, 0}, 0);
    expect_nothing_at(access, {0x40, 0, 8}, 0);
    EXPECT_TRUE(memory.is_untouched());
}

// A static object may be read before it is assigned (faults A5).
TEST(EcamAccess, IsEmptyWithoutABase) {
    expect_nothing_at(EcamAccess{}, {0, 0, 0}, 0);
}

TEST(EcamAccess, IsEmptyIfBusesAreReversed) {
    EcamMemory const memory;
    for (std::uint8_t const bus : std::initializer_list<std::uint8_t>{0x3f, 0x40, 0x41}) {
        expect_nothing_at(EcamAccess{memory.bus(), 0x41, 0x40}, {bus, 0, 0}, 0);
    }
    EXPECT_TRUE(memory.is_untouched());
}

}  // namespace
}  // namespace virtq::test
