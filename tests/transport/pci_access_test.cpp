// SPDX-License-Identifier: MIT
#include <virtq/transport/pci_scan.hpp>

#include <transport/config_bytes.hpp>
#include <transport/pci_machine.hpp>

#include <sim/pci_stranger.hpp>

#include <cstdint>
#include <string_view>

/// Mistakes in a kernel's access to configuration space, and what probe() and scan report.
namespace virtq::test {

using namespace virtq::detail;

namespace {

enum class Flaw : std::uint8_t {
    none,
    half_not_shifted,  ///< the dword from 0xcfc, truncated to 16 bits
    byte_not_shifted,  ///< the dword from 0xcfc, truncated to 8 bits
    byte_of_half,      ///< the offset loses one of its low two bits
    word_cut,          ///< 32 bits pass through a 16-bit variable
    no_device,         ///< the address lacks the device number
    no_function,
    write_not_shifted,  ///< writes go to 0xcfc, whatever the low two bits of the offset
};

/// Configuration space through an access with one flaw.
class FlawedAccess {
public:
    FlawedAccess(sim::PciBus& bus, Flaw flaw) : bus_(bus), flaw_(flaw) {}

    [[nodiscard]] std::uint8_t read8(PciAddress address, std::uint16_t offset) {
        unsigned const lost = flaw_ == Flaw::byte_not_shifted ? 3u : flaw_ == Flaw::byte_of_half ? 1u : 0u;
        return bus_.read8(aimed(address), static_cast<std::uint16_t>(offset & ~lost));
    }
    [[nodiscard]] std::uint16_t read16(PciAddress address, std::uint16_t offset) {
        unsigned const lost = flaw_ == Flaw::half_not_shifted ? 3u : 0u;
        return bus_.read16(aimed(address), static_cast<std::uint16_t>(offset & ~lost));
    }
    [[nodiscard]] std::uint32_t read32(PciAddress address, std::uint16_t offset) {
        std::uint32_t const word = bus_.read32(aimed(address), offset);
        return flaw_ == Flaw::word_cut ? word & 0xffff : word;
    }
    void write8(PciAddress address, std::uint16_t offset, std::uint8_t value) {
        bus_.write8(address, placed(offset), value);
    }
    void write16(PciAddress address, std::uint16_t offset, std::uint16_t value) {
        bus_.write16(address, placed(offset), value);
    }
    void write32(PciAddress address, std::uint16_t offset, std::uint32_t value) {
        bus_.write32(address, offset, value);
    }

private:
    [[nodiscard]] std::uint16_t placed(std::uint16_t offset) const {
        return flaw_ == Flaw::write_not_shifted ? static_cast<std::uint16_t>(offset & ~3u) : offset;
    }
    [[nodiscard]] PciAddress aimed(PciAddress address) const {
        address.device = flaw_ == Flaw::no_device ? std::uint8_t{0} : address.device;
        address.function = flaw_ == Flaw::no_function ? std::uint8_t{0} : address.function;
        return address;
    }

    sim::PciBus& bus_;
    Flaw flaw_;
};

constexpr Flaw flaws_of_width[] = {Flaw::half_not_shifted, Flaw::byte_not_shifted, Flaw::byte_of_half, Flaw::word_cut};

class PciAccess : public testing::Test {
protected:
    ~PciAccess() override { EXPECT_TRUE(memory.violations().empty()) << memory.violations(); }

    virtq::PciScan scan(Flaw flaw) {
        FlawedAccess access{bus, flaw};
        return for_each_virtio_function(access, {0, 0}, [](auto const&, spec::DeviceId) {});
    }

    sim::GuestMemory memory;
    sim::BlockDevice disk{memory.violations(), {}};
    sim::PciBus bus{memory.violations()};
    sim::PciDevice device{memory, disk};
    sim::PciStranger host_bridge;
};

TEST_F(PciAccess, ProbeRejectsDifferingWidths) {
    bus.add(PciAddress{0, 3, 0}, device);
    bus.assign();
    for (Flaw const flaw : flaws_of_width) {
        FlawedAccess access{bus, flaw};
        Modern modern;
        EXPECT_EQ(modern.probe(PciFunction{access, {0, 3, 0}}, bus).error(), Error::pci_access_widths_differ);
        LegacyPorts legacy;
        EXPECT_EQ(legacy.probe(PciFunction{access, {0, 3, 0}}, bus).error(), Error::pci_access_widths_differ);
    }
}

// Reads are right, so probe() succeeds. The first 16-bit write to an odd half is to the MSI-X control word.
TEST_F(PciAccess, MsixDetectsMisplacedWrites) {
    bus.add(PciAddress{0, 3, 0}, device);
    bus.assign();
    MsiMessage const messages[] = {{0xfee0'0000, 0x30}, {0xfee0'0000, 0x31}};
    for (Flaw const flaw : {Flaw::write_not_shifted, Flaw::none}) {
        FlawedAccess access{bus, flaw};
        PciFunction const function{access, {0, 3, 0}};
        Modern transport;
        ASSERT_TRUE(transport.probe(function, bus).ok());
        Error const expected = flaw == Flaw::none ? Error::none : Error::pci_access_misplaces_writes;
        EXPECT_EQ(transport.use_msix(function, bus, messages).error(), expected);
        EXPECT_EQ(is_msix_enabled(function), flaw == Flaw::none);  // the test's write is restored
        EXPECT_EQ(transport.uses_vectors(), flaw == Flaw::none);
    }
}

TEST_F(PciAccess, ScanReportsDifferingWidths) {
    bus.add(PciAddress{0, 0, 0}, host_bridge);
    for (Flaw const flaw : flaws_of_width) {
        virtq::PciScan const seen = scan(flaw);
        EXPECT_EQ(seen.trouble, Error::pci_access_widths_differ) << static_cast<unsigned>(flaw);
        EXPECT_EQ(seen.functions, 1u);
        EXPECT_EQ(seen.virtio, 0u);
        EXPECT_STREQ(describe(seen), describe(Error::pci_access_widths_differ));  // precedes what the scan saw
    }
    EXPECT_EQ(scan(Flaw::none).trouble, Error::none);
}

TEST_F(PciAccess, ScanDetectsIgnoredDeviceNumbers) {
    bus.add(PciAddress{0, 0, 0}, host_bridge);
    bus.add(PciAddress{0, 3, 0}, device);
    bus.assign();
    virtq::PciScan const seen = scan(Flaw::no_device);
    EXPECT_EQ(seen.trouble, Error::pci_access_echoes);
    EXPECT_EQ(seen.functions, 32u);
    EXPECT_STREQ(describe(seen), describe(Error::pci_access_echoes));
    EXPECT_EQ(scan(Flaw::none).trouble, Error::none);
}

// All devices have the same functions. After the first proof the scan does not check again.
TEST_F(PciAccess, ScanReportsIgnoredNumbersOnce) {
    sim::PciDevice second{memory, disk};
    bus.add(PciAddress{0, 0, 0}, device);
    bus.add(PciAddress{0, 0, 1}, second);
    bus.assign();
    virtq::PciScan const seen = scan(Flaw::no_device);
    EXPECT_EQ(seen.trouble, Error::pci_access_echoes);
    EXPECT_EQ(seen.functions, 64u);
}

TEST_F(PciAccess, ScanDetectsIgnoredFunctionNumbers) {
    sim::PciDevice second{memory, disk};
    bus.add(PciAddress{0, 3, 0}, device);
    bus.add(PciAddress{0, 3, 1}, second);
    EXPECT_EQ(scan(Flaw::no_function).trouble, Error::none);  // no BARs: equal functions possible
    bus.assign();
    virtq::PciScan const seen = scan(Flaw::no_function);
    EXPECT_EQ(seen.trouble, Error::pci_access_echoes);
    EXPECT_EQ(seen.functions, 8u);
    EXPECT_EQ(scan(Flaw::none).trouble, Error::none);
    // Function 1 alone is no proof.
    EXPECT_EQ(scan(Flaw::none).virtio, 2u);
}

// Two equal devices are not aliases.
TEST_F(PciAccess, MayFindEqualDevices) {
    sim::PciDevice second{memory, disk};
    bus.add(PciAddress{0, 0, 0}, device);
    bus.add(PciAddress{0, 1, 0}, second);
    EXPECT_EQ(scan(Flaw::none).trouble, Error::none);
    EXPECT_EQ(scan(Flaw::none).virtio, 2u);
}

/// A device that is unplugged after a few accesses.
struct Vanishing : ConfigBytes {
    [[nodiscard]] std::uint16_t read16(PciAddress address, std::uint16_t offset) {
        return accesses >= last ? UINT16_MAX : ConfigBytes::read16(address, offset);
    }
    [[nodiscard]] std::uint32_t read32(PciAddress address, std::uint16_t offset) {
        return accesses >= last ? UINT32_MAX : ConfigBytes::read32(address, offset);
    }
    std::size_t last = 1;
};

// A device that vanishes between two reads shows different widths, although the access is right.
TEST_F(PciAccess, ToleratesAnUnpluggedDevice) {
    Vanishing config;
    config.put(spec::pci::vendor_id.offset, 0x1af4, 2);
    config.put(spec::pci::device_id.offset, 0x1042, 2);
    EXPECT_EQ(identify(PciFunction<Vanishing>{config, {}}).error(), Error::pci_function_absent);
    config.last = 1000;
    EXPECT_EQ(*identify(PciFunction<Vanishing>{config, {}}), spec::DeviceId::block);
}

// Memory that is no configuration space: the ECAM address is wrong (faults A16).
TEST_F(PciAccess, ReportsASpaceOfZeros) {
    ConfigBytes zeros;
    virtq::PciScan const seen = for_each_virtio_function(zeros, {0, 255}, [](auto const&, spec::DeviceId) {});
    EXPECT_EQ(seen.trouble, Error::pci_vendor_zero);
    EXPECT_EQ(seen.functions, 0u);
    std::string_view const sentence = describe(seen);
    EXPECT_NE(sentence.find("no configuration space is here"), std::string_view::npos) << sentence;
    EXPECT_NE(sentence.find("mapping"), std::string_view::npos) << sentence;
    EXPECT_EQ(identify(PciFunction<ConfigBytes>{zeros, {}}).error(), Error::pci_vendor_zero);
    Modern transport;
    EXPECT_EQ(transport.probe(PciFunction<ConfigBytes>{zeros, {}}, bus).error(), Error::pci_vendor_zero);
}

// On a host that reads 0 for an empty slot the configuration space is right (faults A16).
TEST_F(PciAccess, AllowsZerosNextToFunctions) {
    sim::PciStranger nobody{0, 0};
    bus.add(PciAddress{0, 0, 0}, nobody);
    bus.add(PciAddress{0, 3, 0}, device);
    virtq::PciScan const seen = scan(Flaw::none);
    EXPECT_EQ(seen.trouble, Error::none);
    EXPECT_EQ(seen.functions, 1u);
    EXPECT_EQ(seen.virtio, 1u);
}

TEST_F(PciAccess, KeepsTheFirstTrouble) {
    virtq::PciScan seen;
    seen.note(Error::pci_access_widths_differ);
    seen.note(Error::pci_access_echoes);
    EXPECT_EQ(seen.trouble, Error::pci_access_widths_differ);
}

TEST_F(PciAccess, SentencesNameTheBits) {
    std::string_view const widths = describe(Error::pci_access_widths_differ);
    EXPECT_NE(widths.find("shift"), std::string_view::npos) << widths;
    std::string_view const writes = describe(Error::pci_access_misplaces_writes);
    EXPECT_NE(writes.find("0xcfc + (offset & 3)"), std::string_view::npos) << writes;
    std::string_view const echo = describe(Error::pci_access_echoes);
    EXPECT_NE(echo.find("device"), std::string_view::npos) << echo;
}

}  // namespace
}  // namespace virtq::test
