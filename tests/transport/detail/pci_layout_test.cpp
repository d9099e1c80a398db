// SPDX-License-Identifier: MIT
#include <virtq/transport/detail/pci/pci_layout.hpp>

#include <transport/config_bytes.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <utility>
#include <vector>

/// §4.1.4 (Virtio Structure PCI Capabilities): the list, and which capabilities the driver accepts.
namespace virtq::test {

using namespace virtq::detail;

namespace {

template <class Access>
Result<PciLayout> found_layout(PciFunction<Access> const& function, PciBars const& bars) {
    PciLayout layout;
    Error const error = find_layout(function, bars, layout);
    return error == Error::none ? Result<PciLayout>{layout} : error;
}

using Type = spec::pci::StructureType;

struct Capability {
    Type type = Type::none;
    std::uint8_t bar = 4;
    std::uint32_t offset = 0;
    std::uint32_t length = 0;
    std::uint8_t bytes = 0;  ///< 0: the length that the type requires
};

class PciLayoutTest : public testing::Test {
protected:
    PciLayoutTest() {
        config.put_bar(0, 0x0000'c001, 0xffff'ff80);
        config.put_bar(1, 0xfebd'1000, 0xffff'f000);
        config.put_bar(4, 0x0000'0004, 0xffff'8000);
        config.put_bar(5, 0x0000'0040, 0xffff'ffff);
        config.put(spec::pci::status.offset, spec::pci::status_capabilities, 2);
    }
    ~PciLayoutTest() override {
        EXPECT_EQ(config.crooked, 0u);  // nor any beyond the 256 bytes
        EXPECT_EQ(config.bars_live + config.stray_writes, 0u);
    }

    void add_raw(std::vector<std::uint8_t> const& bytes) {
        config.put(link, next, 1);
        link = static_cast<std::uint16_t>(next + 1);
        for (std::size_t i = 0; i < bytes.size(); ++i) {
            if (i != 1) {
                config.put(static_cast<std::uint16_t>(next + i), bytes[i], 1);
            }
        }
        next = static_cast<std::uint16_t>(next + (bytes.size() + 3) / 4 * 4);
    }
    void add(Capability const& one, std::uint32_t multiplier = 4) {
        bool const longer = one.type == Type::notify || one.type == Type::window;
        std::uint8_t const length = one.bytes != 0 ? one.bytes : longer ? 20 : 16;
        std::vector<std::uint8_t> bytes{9, 0, length, static_cast<std::uint8_t>(one.type), one.bar, 0, 0, 0};
        for (std::uint32_t const word : {one.offset, one.length, multiplier}) {
            for (unsigned i = 0; i < 4 && (longer || bytes.size() < 16); ++i) {
                bytes.push_back(static_cast<std::uint8_t>(word >> (8 * i)));
            }
        }
        add_raw(bytes);
    }
    void add_all() {
        add({Type::common, 4, 0x0000, 0x38});
        add({Type::isr, 4, 0x1000, 1});
        add({Type::device, 4, 0x2000, 0x100});
        add({Type::notify, 4, 0x3000, 0x1000});
    }

    Result<PciLayout> find() {
        PciBars bars;
        bars.measure(function);
        return found_layout(function, bars);
    }
    Error error() { return find().error(); }

    ConfigBytes config;
    PciFunction<ConfigBytes> function{config, {}};
    std::uint16_t next = 0x40;
    std::uint16_t link = spec::pci::capabilities_pointer.offset;
};

void expect_structure(PciStructure const& seen, std::uint8_t bar, std::uint32_t offset, std::uint32_t length) {
    EXPECT_EQ(seen.bar, bar);
    EXPECT_EQ(seen.offset, offset);
    EXPECT_EQ(seen.length, length);
}

TEST_F(PciLayoutTest, FindsEachStructure) {
    add_raw({1, 0, 3, 0, 0, 0, 0, 0});  // power management
    add_all();
    add({Type::window, 0, 0, 0});
    Result<PciLayout> const found = find();
    ASSERT_TRUE(found.ok());
    expect_structure(found->common, 4, 0, 0x38);
    expect_structure(found->isr, 4, 0x1000, 1);
    expect_structure(found->device, 4, 0x2000, 0x100);
    expect_structure(found->notify, 4, 0x3000, 0x1000);
    EXPECT_EQ(found->notify_off_multiplier, 4u);
    EXPECT_EQ(found->window, 0x40 + 8 + 3 * 16 + 20);
}

TEST_F(PciLayoutTest, NeedsNoDeviceConfiguration) {
    add({Type::common, 4, 0x0000, 0x38});
    add({Type::isr, 1, 0x3, 1});
    add({Type::notify, 4, 0x3000, 2}, 0);
    Result<PciLayout> const found = find();
    ASSERT_TRUE(found.ok());
    EXPECT_FALSE(found->device.exists());
    EXPECT_EQ(found->device_error, Error::config_absent);
    EXPECT_EQ(found->window, 0);
    EXPECT_EQ(found->notify_off_multiplier, 0u);
}

// --- the list ---

TEST_F(PciLayoutTest, ReadsAMissingListAsLegacy) {
    add_all();
    config.put(spec::pci::status.offset, 0xffff & ~spec::pci::status_capabilities, 2);
    EXPECT_EQ(error(), Error::pci_modern_absent);
}

TEST_F(PciLayoutTest, ReadsAnEmptyListAsLegacy) {
    EXPECT_EQ(error(), Error::pci_modern_absent);
    add_raw({1, 0, 3, 0});
    add_raw({0x11, 0, 2, 0, 1, 0, 0, 0, 1, 8, 0, 0});
    add({Type::window, 0, 0, 0});  // leads to no structure
    EXPECT_EQ(error(), Error::pci_modern_absent);
}

TEST_F(PciLayoutTest, RejectsACircularList) {
    add_all();
    config.put(link, 0x40, 1);
    EXPECT_EQ(error(), Error::pci_capability_list_broken);
    config.put(link, link - 1u, 1);  // to itself
    EXPECT_EQ(error(), Error::pci_capability_list_broken);
    EXPECT_LT(config.accesses, 2000u);
}

TEST_F(PciLayoutTest, RejectsAListIntoTheHeader) {
    add_all();
    for (unsigned const into : {0x04u, 0x10u, 0x3cu, 0x3fu}) {
        config.put(link, into, 1);
        EXPECT_EQ(error(), Error::pci_capability_list_broken) << into;
    }
    config.put(spec::pci::capabilities_pointer.offset, 0x34, 1);
    EXPECT_EQ(error(), Error::pci_capability_list_broken);
}

// PCI 6.7: software must mask the low two bits, which are reserved.
TEST_F(PciLayoutTest, MasksReservedPointerBits) {
    add_all();
    config.put(spec::pci::capabilities_pointer.offset, 0x43, 1);
    config.put(0x41, 0x50 | 1, 1);
    config.put(link, 3, 1);
    EXPECT_TRUE(find().ok());
}

TEST_F(PciLayoutTest, WalksAFullList) {
    for (std::uint16_t offset = 0x40; offset < 0x100; offset = static_cast<std::uint16_t>(offset + 4)) {
        config.put(offset, 0x05, 1);
        config.put(static_cast<std::uint16_t>(offset + 1), offset + 4u == 0x100 ? 0u : offset + 4u, 1);
    }
    config.put(spec::pci::capabilities_pointer.offset, 0x40, 1);
    EXPECT_EQ(error(), Error::pci_modern_absent);  // 48 capabilities, and the walk saw the end of the list
    config.put(0xfd, 0x40, 1);
    EXPECT_EQ(error(), Error::pci_capability_list_broken);
}

TEST_F(PciLayoutTest, ReadsNothingBeyondTheSpace) {
    add_all();
    for (auto const type : {Type::common, Type::notify, Type::isr, Type::device, Type::window}) {
        for (std::uint16_t at = 0xf0; at < 0x100; at = static_cast<std::uint16_t>(at + 4)) {
            config.put(link, at, 1);
            config.put(at, 0x09, 1);
            config.put(static_cast<std::uint16_t>(at + 1), 0, 1);
            config.put(static_cast<std::uint16_t>(at + 2), 0xff, 1);
            config.put(static_cast<std::uint16_t>(at + 3), static_cast<std::uint32_t>(type), 1);
            EXPECT_TRUE(find().ok());
        }
    }
}

// The fields of such a capability would be in another register, or in none.
TEST_F(PciLayoutTest, ReadsNoFieldsBeyondTheSpace) {
    for (auto const type : {Type::common, Type::notify, Type::isr, Type::device, Type::window}) {
        for (std::uint16_t at = 0xf4; at < 0x100; at = static_cast<std::uint16_t>(at + 4)) {
            config.bytes[spec::pci::capabilities_pointer.offset] = static_cast<std::uint8_t>(at);
            config.put(at, 0xff00'0009 | (static_cast<std::uint32_t>(type) << 24), 4);
            config.put(static_cast<std::uint16_t>(at + 2), 0xff, 1);
            config.put(static_cast<std::uint16_t>(at + 3), static_cast<std::uint32_t>(type), 1);
            EXPECT_EQ(error(), type == Type::window ? Error::pci_modern_absent : Error::pci_structure_invalid);
        }
    }
}

TEST_F(PciLayoutTest, RejectsCapabilitiesThatDoNotFit) {
    add({Type::isr, 4, 0x1000, 1});
    add({Type::notify, 4, 0x3000, 0x1000});
    next = 0xf0;
    add({Type::common, 4, 0x0000, 0x38});
    EXPECT_TRUE(find().ok());  // ends with the last byte

    config.put(static_cast<std::uint16_t>(link - 1 + 2), 15, 1);  // its cap_len
    EXPECT_EQ(error(), Error::pci_structure_invalid);
}

TEST_F(PciLayoutTest, RejectsNotificationsWithoutAMultiplier) {
    add({Type::common, 4, 0x0000, 0x38});
    add({Type::isr, 4, 0x1000, 1});
    add({Type::notify, 4, 0x3000, 0x1000, 16});
    EXPECT_EQ(error(), Error::pci_structure_invalid);
}

TEST_F(PciLayoutTest, TakesTheFirstCompleteWindow) {
    add_all();
    add({Type::window, 0, 0, 0, 15});
    EXPECT_EQ(find()->window, 0);
    std::uint16_t const second = next;
    add({Type::window, 0, 0, 0, 20});
    add({Type::window, 0, 0, 0, 20});
    EXPECT_EQ(find()->window, second);
}

// Cloud Hypervisor reported 16 for years, although the data followed (faults A7).
TEST_F(PciLayoutTest, AcceptsAWindowLengthWithoutData) {
    add_all();
    for (std::uint8_t length = 16; length < 20; ++length) {
        ConfigBytes const before = config;
        std::uint16_t const place = next;
        std::uint16_t const place_of_link = link;
        add({Type::window, 0, 0, 0, length});
        EXPECT_EQ(find()->window, place) << int{length};
        config = before;
        next = place;
        link = place_of_link;
    }
}

// The data would overlap the header of another capability, which is earlier or later in the list (faults A7).
TEST_F(PciLayoutTest, RejectsAWindowOverAnotherCapability) {
    for (bool const other_is_first : {false, true}) {
        std::uint16_t const window = 0x40;
        std::uint16_t const other = window + 16;
        next = other_is_first ? other : window;
        link = spec::pci::capabilities_pointer.offset;
        if (other_is_first) {
            add_raw({1, 0, 3, 0, 0, 0, 0, 0});
        }
        next = window;
        add_raw({9, 0, 16, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
        next = other;
        if (!other_is_first) {
            add_raw({1, 0, 3, 0, 0, 0, 0, 0});
        }
        next = other + 8;
        add_all();
        EXPECT_EQ(find()->window, 0) << other_is_first;
        config.put(window + 2, 20, 1);  // a length that includes the data is accepted
        EXPECT_EQ(find()->window, window);
    }
}

// To check for an overlap the driver walks the list again. The device may be gone by then.
TEST_F(PciLayoutTest, RejectsAWindowItCannotCheck) {
    std::uint16_t const window = next;
    add({Type::window, 0, 0, 0, 16});
    add_all();
    PciBars bars;
    bars.measure(function);
    unsigned refused = 0;
    unsigned reads = 0;
    for (; reads < 1000; ++reads) {
        config.reads_left = reads;
        Result<PciLayout> const found = found_layout(function, bars);
        if (found && found->window == window) {
            break;  // the device lasted to the end
        }
        if (found) {
            EXPECT_EQ(found->window, 0) << reads;
            ++refused;
        } else {
            EXPECT_EQ(refused, 0u) << reads;  // the driver has found all structures by then
        }
    }
    EXPECT_GT(refused, 0u);
    EXPECT_LT(reads, 1000u);
}

// The data would be beyond the configuration space (faults A7).
TEST_F(PciLayoutTest, RejectsAWindowPastTheEnd) {
    add_all();
    next = 0xf0;
    add_raw({9, 0, 16, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0});
    EXPECT_EQ(find()->window, 0);
}

// §4.1.4.1: "The driver MUST accept a cap_len value which is larger than specified here."
TEST_F(PciLayoutTest, AcceptsLongerCapabilities) {
    add({Type::common, 4, 0x0000, 0x38, 24});
    next = static_cast<std::uint16_t>(next + 8);
    add({Type::isr, 4, 0x1000, 1, 0xff});
    add({Type::notify, 4, 0x3000, 0x1000, 64});
    EXPECT_TRUE(find().ok());
}

// --- which capabilities are accepted ---

TEST_F(PciLayoutTest, IgnoresReservedTypesAndBars) {
    for (unsigned const type : {0u, 6u, 7u, 8u, 9u, 0x80u, 0xffu}) {
        add({static_cast<Type>(type), 0xff, 0xffff'ffff, 0xffff'ffff});
        if (next > 0x80) {
            break;
        }
    }
    add({Type::common, 6, 0x0000, 0x38});
    add({Type::common, 4, 0x0000, 0x38});
    add({Type::isr, 4, 0x1000, 1});
    add({Type::notify, 4, 0x3000, 0x1000});
    Result<PciLayout> const found = find();
    ASSERT_TRUE(found.ok());
    expect_structure(found->common, 4, 0, 0x38);
}

TEST_F(PciLayoutTest, TreatsReservedBarsAsMissing) {
    add({Type::common, 4, 0x0000, 0x38});
    add({Type::isr, 6, 0x1000, 1});
    add({Type::notify, 255, 0x3000, 0x1000});
    EXPECT_EQ(error(), Error::pci_structure_missing);
}

TEST_F(PciLayoutTest, IgnoresOtherTypesOfHigherNumber) {
    add_all();
    for (unsigned const type : {8u, 9u, 0xffu}) {
        add({static_cast<Type>(type), 4, 0, 0x38});
    }
    Result<PciLayout> const found = find();
    ASSERT_TRUE(found.ok());
    expect_structure(found->common, 4, 0, 0x38);
}

// "The driver SHOULD use the first instance of each virtio structure type they can support."
TEST_F(PciLayoutTest, TakesTheFirstUsableInstance) {
    add({Type::notify, 0, 0x0000, 0x10});  // ports
    add({Type::common, 4, 0x0002, 0x38});  // misaligned
    add({Type::common, 4, 0x0400, 0x38});
    add({Type::common, 4, 0x0000, 0x40});  // a later instance
    add({Type::isr, 4, 0x1000, 1});
    add({Type::notify, 4, 0x3000, 0x1000}, 8);
    add({Type::notify, 4, 0x4000, 0x1000}, 2);
    Result<PciLayout> const found = find();
    ASSERT_TRUE(found.ok());
    expect_structure(found->common, 4, 0x400, 0x38);
    expect_structure(found->notify, 4, 0x3000, 0x1000);
    EXPECT_EQ(found->notify_off_multiplier, 8u);
}

TEST_F(PciLayoutTest, ReportsWhatIsMissing) {
    Capability const all[] = {{Type::common, 4, 0, 0x38}, {Type::isr, 4, 0x1000, 1}, {Type::notify, 4, 0x3000, 4}};
    for (unsigned without = 0; without < 3; ++without) {
        next = 0x40;
        link = spec::pci::capabilities_pointer.offset;
        for (unsigned i = 0; i < 3; ++i) {
            if (i != without) {
                add(all[i]);
            }
        }
        EXPECT_EQ(error(), Error::pci_structure_missing) << without;
    }
    for (Capability const& alone : {all[0], all[1], all[2], Capability{Type::device, 4, 0x2000, 4}}) {
        next = 0x40;
        link = spec::pci::capabilities_pointer.offset;
        add(alone);
        EXPECT_EQ(error(), Error::pci_structure_missing);
    }
}

TEST_F(PciLayoutTest, RejectsInvalidStructures) {
    add_all();
    struct Row {
        std::uint16_t capability;
        std::uint8_t bar;
        std::uint32_t offset;
        std::uint32_t length;
        bool fits;
    };
    std::uint16_t const common = 0x40;
    std::uint16_t const isr = 0x50;
    std::uint16_t const notify = 0x70;
    Row const rows[] = {
        {common, 4, 0, 0x37, false},        {common, 4, 0, 0, false},
        {common, 4, 2, 0x38, false},        {common, 4, 1, 0x38, false},
        {common, 4, 0x8000, 0x38, false},   {common, 4, 0x7fcc, 0x38, false},
        {common, 4, 0x7fc8, 0x38, true},    {common, 4, 0xffff'fffc, 0x38, false},
        {common, 4, 0, 0xffff'ffff, false}, {common, 0, 0, 0x38, false},
        {common, 2, 0, 0x38, false},        {common, 5, 0, 0x38, false},
        {common, 1, 0, 0x38, true},         {common, 1, 0xfc8, 0x38, true},
        {common, 1, 0xfcc, 0x38, false},    {isr, 4, 0x1001, 1, true},
        {isr, 4, 0x1000, 0, false},         {isr, 4, 0x8000, 1, false},
        {isr, 4, 0x7fff, 1, true},          {isr, 4, 0x7fff, 2, false},
        {notify, 4, 0x3000, 1, false},      {notify, 4, 0x3001, 2, false},
        {notify, 4, 0x3002, 2, true},       {notify, 4, 0x7000, 0x1001, false},
        {notify, 4, 0xffff'fffe, 2, false},
    };
    for (Row const& row : rows) {
        ConfigBytes const before = config;
        config.put(static_cast<std::uint16_t>(row.capability + 4), row.bar, 1);
        config.put(static_cast<std::uint16_t>(row.capability + 8), row.offset, 4);
        config.put(static_cast<std::uint16_t>(row.capability + 12), row.length, 4);
        EXPECT_EQ(error(), row.fits ? Error::none : Error::pci_structure_invalid)
            << "bar " << int{row.bar} << " offset " << row.offset << " length " << row.length;
        config = before;
    }
}

// A device may lack a configuration. An unusable one is omitted, with the reason (faults A10).
TEST_F(PciLayoutTest, OmitsAnUnusableConfiguration) {
    add_all();
    ConfigBytes const before = config;
    auto const expect_refused = [&] {
        Result<PciLayout> const found = find();
        ASSERT_TRUE(found.ok());
        EXPECT_FALSE(found->device.exists());
        EXPECT_EQ(found->device_error, Error::config_refused);
        config = before;
    };
    config.put(0x60 + 8, 0x2002, 4);
    expect_refused();
    config.put(0x60 + 12, 0, 4);
    expect_refused();
    config.put(0x60 + 4, 0, 1);  // ports
    expect_refused();
    config.put(0x60 + 4, 6, 1);  // reserved
    expect_refused();
    EXPECT_EQ(find()->device_error, Error::none);
    add({Type::device, 4, 0x2200, 0x100});
    config.put(0x60 + 8, 0x2002, 4);
    EXPECT_EQ(find()->device.offset, 0x2200u);
    EXPECT_EQ(find()->device_error, Error::none);
}

// "The drivers MUST handle an unexpectedly large length."
TEST_F(PciLayoutTest, UsesPartOfALargeStructure) {
    add({Type::common, 4, 0x0000, 0x1001});
    add({Type::isr, 4, 0x1000, 0x1000});
    add({Type::device, 4, 0x2000, 0x6000});
    add({Type::notify, 1, 0, 0x1000});
    Result<PciLayout> const found = find();
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(found->common.length, 0x1000u);
    EXPECT_EQ(found->device.length, 0x1000u);
    EXPECT_EQ(found->notify.length, 0x1000u);
}

TEST_F(PciLayoutTest, RejectsOverlappingStructures) {
    add_all();
    std::uint16_t const offset_of[] = {0x48, 0x58, 0x68, 0x78};
    std::uint32_t const length_of[] = {0x38, 1, 0x100, 0x1000};
    for (unsigned i = 0; i < 4; ++i) {
        for (unsigned j = 0; j < 4; ++j) {
            if (i == j) {
                continue;
            }
            ConfigBytes const before = config;
            std::uint32_t const start = config.get(offset_of[j], 4);
            config.put(offset_of[i], start, 4);
            EXPECT_EQ(error(), Error::pci_structure_invalid) << i << " on " << j;
            if (i != 3) {  // the notification structure is too long to fit between the others
                config.put(offset_of[i], (start + length_of[j] + 3) & ~3u, 4);  // directly after it
                EXPECT_TRUE(find().ok()) << i << " behind " << j;
            }
            config = before;
        }
    }
    config.put(0x44, 1, 1);  // the same offset in another BAR
    config.put(0x48, 0x800, 4);
    config.put(0x58, 0x800, 4);
    EXPECT_TRUE(find().ok());
}

/// A device whose capability list breaks after the first walk.
class ListBreaksLater : public ConfigBytes {
public:
    explicit ListBreaksLater(ConfigBytes const& config) : ConfigBytes(config) {}

    [[nodiscard]] std::uint8_t read8(PciAddress address, std::uint16_t offset) {
        bool const is_start = offset == spec::pci::capabilities_pointer.offset;
        looks += is_start ? 1u : 0u;
        return is_start && looks > 1 ? std::uint8_t{0x10} : ConfigBytes::read8(address, offset);
    }

    unsigned looks = 0;
};

// Then nobody can check whether the data overlaps another capability.
TEST_F(PciLayoutTest, RejectsShortWindowIfListBreaks) {
    add_all();
    add({Type::window, 0, 0, 0, 16});
    ASSERT_NE(find()->window, 0);
    ListBreaksLater access{config};
    PciFunction<ListBreaksLater> const breaking{access, {}};
    PciBars bars;
    bars.measure(breaking);
    Result<PciLayout> const found = found_layout(breaking, bars);
    ASSERT_TRUE(found.ok());
    EXPECT_EQ(access.looks, 2u);
    EXPECT_EQ(found->window, 0);
}

TEST_F(PciLayoutTest, EndsWhenTheDeviceIsGone) {
    config.bytes.fill(0xff);
    config.bar_sticky = {};
    config.command_sticky = 0;
    PciBars const bars;
    EXPECT_FALSE(found_layout(function, bars).ok());
    EXPECT_LT(config.accesses, 300u);
}

}  // namespace
}  // namespace virtq::test
