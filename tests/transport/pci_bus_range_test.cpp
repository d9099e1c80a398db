// SPDX-License-Identifier: MIT
#include <virtq/transport/pci_bus_range.hpp>

#include <virtq/transport/pci_scan.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <set>

namespace virtq::test {
namespace {

/// No function is there; remembers which buses were asked for.
struct EmptyBuses {
    std::set<unsigned> asked;

    std::uint8_t read8(PciAddress at, std::uint16_t) { return static_cast<std::uint8_t>(ask(at)); }
    std::uint16_t read16(PciAddress at, std::uint16_t) { return static_cast<std::uint16_t>(ask(at)); }
    std::uint32_t read32(PciAddress at, std::uint16_t) { return ask(at); }
    void write8(PciAddress, std::uint16_t, std::uint8_t) {}
    void write16(PciAddress, std::uint16_t, std::uint16_t) {}
    void write32(PciAddress, std::uint16_t, std::uint32_t) {}

private:
    std::uint32_t ask(PciAddress at) {
        asked.insert(at.bus);
        return UINT32_MAX;
    }
};

std::set<unsigned> buses_of(PciBusRange range) {
    EmptyBuses access;
    for_each_virtio_function(access, range, [](auto const&, spec::DeviceId) {});
    return access.asked;
}

TEST(PciBusRange, IncludesBothEnds) {
    EXPECT_EQ(buses_of({}), (std::set<unsigned>{0}));
    EXPECT_EQ(buses_of({2, 4}), (std::set<unsigned>{2, 3, 4}));
}

// Bus 255 is the last: its number does not wrap.
TEST(PciBusRange, EndsWithBus255) {
    EXPECT_EQ(buses_of({254, 255}), (std::set<unsigned>{254, 255}));
    EXPECT_EQ(buses_of({0, 255}).size(), 256u);
}

TEST(PciBusRange, IsEmptyIfReversed) {
    EXPECT_TRUE(buses_of({3, 2}).empty());
}

}  // namespace
}  // namespace virtq::test
