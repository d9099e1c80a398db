// SPDX-License-Identifier: MIT
#include <virtq/transport/device_tree.hpp>

#include <support/contract.hpp>
#include <transport/tree_builder.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace virtq::test {
namespace {

using Blob = std::vector<std::uint8_t>;

constexpr auto first_cell = [](DeviceTreeProperty cells) { return cells[0]; };

/// Walks an exactly sized copy, so that the address sanitizer detects a read beyond its end.
struct Found {
    explicit Found(Blob const& blob, std::size_t readable = SIZE_MAX) {
        std::size_t const bytes = std::min(readable, blob.size());
        std::unique_ptr<std::uint8_t[]> const copy(new std::uint8_t[bytes]);
        std::memcpy(copy.get(), blob.data(), bytes);
        discovery = for_each_mmio_slot(DeviceTree{copy.get(), bytes}, first_cell,
                                       [&](MmioSlot const& slot) { slots.push_back(slot); });
    }

    std::vector<MmioSlot> slots;
    Discovery discovery;
};

constexpr MmioSlot slot_of_the_standard{PhysAddr{0x1e000}, 0x200, 42};

TreeBuilder& add_slot(TreeBuilder& tree) {
    return tree.strings("compatible", "virtio,mmio").cells("reg", {0x1e000, 0x200}).cells("interrupts", {42});
}

/// A root with one address cell and one size cell, which contains the example of §4.2.1.
TreeBuilder small_tree() {
    TreeBuilder tree;
    tree.begin("").cells("#address-cells", {1}).cells("#size-cells", {1});
    add_slot(tree.begin("virtio_block@1e000")).end();
    return tree;
}

Blob small_blob() {
    return small_tree().end().finish();
}

void expect_malformed(Blob const& blob, std::uint32_t position) {
    Found const found(blob);
    EXPECT_EQ(found.discovery.error, Error::device_tree_malformed);
    EXPECT_EQ(found.discovery.error_position, position);
}

TEST(DeviceTree, FindsTheExampleOfTheStandard) {
    Found const found(small_blob());
    EXPECT_TRUE(found.discovery);
    EXPECT_EQ(found.discovery.found, 1u);
    EXPECT_EQ(found.slots, std::vector{slot_of_the_standard});
}

TEST(DeviceTree, MayStartAtAnyAddress) {
    Blob const blob = small_blob();
    for (std::size_t shift = 0; shift < 4; ++shift) {
        Blob moved(shift);
        moved.insert(moved.end(), blob.begin(), blob.end());
        Discovery const found =
            for_each_mmio_slot(DeviceTree{moved.data() + shift, blob.size()}, first_cell,
                               [](MmioSlot const& slot) { EXPECT_EQ(slot, slot_of_the_standard); });
        EXPECT_EQ(found.found, 1u);
    }
}

TEST(DeviceTree, DefaultsToTwoAndOneCells) {
    TreeBuilder tree;
    tree.begin("").begin("virtio").strings("compatible", "virtio,mmio").cells("reg", {0x12, 0x34567000, 0x200});
    EXPECT_EQ(Found(tree.end().end().finish()).slots, (std::vector{MmioSlot{PhysAddr{0x12'34567000}, 0x200, 0}}));
}

TEST(DeviceTree, ReadsSizesOfTwoCells) {
    TreeBuilder tree;
    tree.begin("").cells("#size-cells", {2}).begin("virtio").strings("compatible", "virtio,mmio");
    tree.cells("reg", {0, 0x1000, 1, 0x200}).end().end();
    EXPECT_EQ(Found(tree.finish()).slots, (std::vector{MmioSlot{PhysAddr{0x1000}, 0x1'0000'0200, 0}}));
}

TEST(DeviceTree, ReadsEachStringOfCompatible) {
    using namespace std::string_view_literals;
    auto const matches = [](std::string_view compatible) {
        TreeBuilder tree;
        tree.begin("").begin("node").bytes("compatible", compatible).cells("reg", {0, 0x1000, 0x200}).end().end();
        return Found(tree.finish()).discovery.found == 1;
    };
    EXPECT_TRUE(matches("virtio,mmio\0"sv));
    EXPECT_TRUE(matches("acme,special\0virtio,mmio\0"sv));
    EXPECT_TRUE(matches("virtio,mm\0virtio,mmio\0other\0"sv));
    EXPECT_TRUE(matches("\0virtio,mmio\0"sv));
    EXPECT_FALSE(matches("virtio,mmio"sv));  // not terminated
    EXPECT_FALSE(matches("virtio,mmio2\0"sv));
    EXPECT_FALSE(matches("xvirtio,mmio\0"sv));
    EXPECT_FALSE(matches("virtio,mmi\0"sv));
    EXPECT_FALSE(matches("vvirtio,mmio\0"sv));
    EXPECT_FALSE(matches(""sv));
}

TEST(DeviceTree, SkipsUnavailableNodes) {
    auto const found = [](char const* of_bus, char const* of_node) {
        TreeBuilder tree;
        tree.begin("").cells("#address-cells", {1}).cells("#size-cells", {1});
        tree.begin("soc").cells("#address-cells", {1}).cells("#size-cells", {1}).cells("ranges", {});
        if (of_bus != nullptr) {
            tree.strings("status", of_bus);
        }
        add_slot(tree.begin("virtio"));
        if (of_node != nullptr) {
            tree.strings("status", of_node);
        }
        Found const walk(tree.end().end().end().finish());
        EXPECT_TRUE(walk.discovery);
        return walk.discovery.found;
    };
    EXPECT_EQ(found(nullptr, nullptr), 1u);
    EXPECT_EQ(found("okay", "ok"), 1u);
    EXPECT_EQ(found(nullptr, "disabled"), 0u);
    EXPECT_EQ(found(nullptr, "fail-bus"), 0u);
    EXPECT_EQ(found("disabled", "okay"), 0u);
}

TEST(DeviceTree, TranslatesThroughNestedRanges) {
    TreeBuilder tree;
    tree.begin("").cells("#address-cells", {2}).cells("#size-cells", {2});
    tree.begin("outer").cells("#address-cells", {1}).cells("#size-cells", {1});
    tree.cells("ranges", {0x0, 0x8, 0x0, 0x1000, 0x10000, 0x9, 0x0, 0x20000});
    tree.begin("inner").cells("#address-cells", {1}).cells("#size-cells", {1}).cells("ranges", {0, 0x12000, 0x20000});
    add_slot(tree.begin("virtio@1e000")).end().end().end().end();
    // The inner range maps it to 0x30000, beyond the last range of the outer bus.
    EXPECT_EQ(Found(tree.finish()).discovery.error, Error::device_tree_no_address);

    TreeBuilder lower;
    lower.begin("").cells("#address-cells", {2}).cells("#size-cells", {2});
    lower.begin("outer").cells("#address-cells", {1}).cells("#size-cells", {1});
    lower.cells("ranges", {0x0, 0x8, 0x0, 0x1000, 0x10000, 0x9, 0x0, 0x20000});
    lower.begin("inner").cells("#address-cells", {1}).cells("#size-cells", {1}).cells("ranges", {0x1000, 0, 0x1d200});
    add_slot(lower.begin("virtio@1e000")).end().end().end().end();
    EXPECT_EQ(Found(lower.finish()).slots, (std::vector{MmioSlot{PhysAddr{0x9'0000'd000}, 0x200, 42}}));
}

TEST(DeviceTree, KeepsTheAddressWithEmptyRanges) {
    TreeBuilder tree;
    tree.begin("").begin("soc").cells("#address-cells", {1}).cells("#size-cells", {1}).cells("ranges", {});
    add_slot(tree.begin("virtio@1e000")).end().end().end();
    EXPECT_EQ(Found(tree.finish()).slots, std::vector{slot_of_the_standard});
}

/// A node that cannot be used, among nodes that can.
void expect_no_address(TreeBuilder& (*add)(TreeBuilder& tree)) {
    TreeBuilder tree = small_tree();
    std::uint32_t const position = tree.position();
    add(tree);
    add_slot(tree.begin("after")).end();
    Found const found(tree.end().finish());
    EXPECT_EQ(found.discovery.error, Error::device_tree_no_address);
    EXPECT_GE(found.discovery.error_position, position);
    EXPECT_EQ(found.discovery.found, 2u);
    EXPECT_EQ(found.slots, (std::vector{slot_of_the_standard, slot_of_the_standard}));
}

TreeBuilder& begin_virtio(TreeBuilder& tree) {
    return tree.begin("bad").strings("compatible", "virtio,mmio");
}

TEST(DeviceTree, ReportsNodesWithoutAnAddress) {
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& { return begin_virtio(tree).end(); });
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& { return begin_virtio(tree).cells("reg", {}).end(); });
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& { return begin_virtio(tree).cells("reg", {1}).end(); });
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& { return begin_virtio(tree).cells("reg", {1, 0}).end(); });
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& {  // no ranges
        tree.begin("soc").cells("#address-cells", {1}).cells("#size-cells", {1});
        return add_slot(tree.begin("virtio")).end().end();
    });
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& {  // three cells, as on PCI
        tree.begin("pci").cells("#address-cells", {3}).cells("#size-cells", {2}).cells("ranges", {});
        return begin_virtio(tree).cells("reg", {0, 0, 0x1000, 0, 0x200}).end().end();
    });
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& {  // three cells on a bus between
        tree.begin("pci").cells("#address-cells", {3}).cells("#size-cells", {2}).cells("ranges", {1});
        tree.begin("bus").cells("ranges", {});
        return begin_virtio(tree).cells("reg", {0, 0x1000, 0x200}).end().end().end();
    });
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& {  // three cells around it
        tree.begin("pci").cells("#address-cells", {3}).cells("#size-cells", {2}).cells("ranges", {});
        tree.begin("bus").cells("ranges", {0, 0, 0, 0, 0, 0x10000});
        return begin_virtio(tree).cells("reg", {0, 0x1000, 0x200}).end().end().end();
    });
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& {  // unusable cell counts
        tree.begin("cpus").cells("#size-cells", {0}).cells("ranges", {});
        return begin_virtio(tree).cells("reg", {0, 1}).end().end();
    });
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& {  // beyond 64 bits
        tree.begin("soc").cells("#address-cells", {2}).cells("#size-cells", {2}).cells("ranges", {});
        return begin_virtio(tree).cells("reg", {0xffffffff, 0xfffff000, 0, 0x1001}).end().end();
    });
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& {  // partly outside its range, or too large
        tree.begin("soc").cells("#address-cells", {1}).cells("#size-cells", {1});
        tree.cells("ranges", {0x1e001, 0, 0x1000, 0x1d000, 0, 0x11ff, 0x1e000, 0, 0x1ff, 7});
        return add_slot(tree.begin("virtio")).end().end();
    });
    expect_no_address([](TreeBuilder& tree) -> TreeBuilder& {  // beyond 64 bits when translated
        tree.begin("outer").cells("#address-cells", {2}).cells("#size-cells", {1}).cells("ranges", {});
        tree.begin("inner").cells("#address-cells", {1}).cells("#size-cells", {1});
        tree.cells("ranges", {0x1e000, 0xffffffff, 0xffffff00, 0x200});
        return add_slot(tree.begin("virtio")).end().end().end();
    });
}

TEST(DeviceTree, ReportsTheFirstErrorOfSeveral) {
    TreeBuilder tree = small_tree();
    std::uint32_t const position = tree.position();
    begin_virtio(tree).end();
    Found const found(tree.blob());  // malformed as well: it has no end
    EXPECT_EQ(found.discovery.error, Error::device_tree_no_address);
    EXPECT_EQ(found.discovery.error_position, position);
    EXPECT_EQ(found.discovery.found, 1u);
}

TEST(DeviceTree, ReachesTheLastAddress) {
    TreeBuilder tree;
    tree.begin("").cells("#size-cells", {2});
    begin_virtio(tree).cells("reg", {0xffffffff, 0xfffff000, 0, 0x1000}).end().end();
    EXPECT_EQ(Found(tree.finish()).slots, (std::vector{MmioSlot{PhysAddr{0xffff'ffff'ffff'f000}, 0x1000, 0}}));
}

TEST(DeviceTree, PassesInterruptCellsToTheCaller) {
    TreeBuilder tree;
    tree.begin("").begin("virtio").strings("compatible", "virtio,mmio").cells("reg", {0, 0xa000000, 0x200});
    Blob const blob = tree.cells("interrupts", {0, 16, 1}).end().end().finish();
    auto const gic = [](DeviceTreeProperty cells) {
        EXPECT_TRUE(cells.is_present());
        EXPECT_EQ(cells.size(), 3u);
        EXPECT_EQ(cells[2], 1u);
        EXPECT_EQ(cells[3], 0u);  // beyond the end
        EXPECT_EQ(cells[UINT32_MAX], 0u);
        return cells[0] == 0 ? 32 + cells[1] : 16 + cells[1];
    };
    Discovery const found = for_each_mmio_slot(DeviceTree{blob.data(), blob.size()}, gic,
                                               [](MmioSlot const& slot) { EXPECT_EQ(slot.interrupt, 48u); });
    EXPECT_EQ(found.found, 1u);
}

TEST(DeviceTree, PassesNoCellsWithoutAnInterrupt) {
    TreeBuilder tree;
    tree.begin("").begin("virtio").strings("compatible", "virtio,mmio").cells("reg", {0, 0xa000000, 0x200});
    Blob const blob = tree.end().end().finish();
    Discovery const found = for_each_mmio_slot(
        DeviceTree{blob.data(), blob.size()},
        [](DeviceTreeProperty cells) { return cells.is_present() ? cells[0] : 7; },
        [](MmioSlot const& slot) { EXPECT_EQ(slot.interrupt, 7u); });
    EXPECT_EQ(found.found, 1u);
}

TEST(DeviceTree, FindsAnyNodeAndItsProperties) {
    TreeBuilder tree = small_tree();
    tree.begin("pcie@10000000").strings("compatible", "pci-host-ecam-generic");
    tree.cells("reg", {0x3f000000, 0x1000000, 0x50000000, 0x1000}).cells("bus-range", {0, 15}).nothing();
    std::uint32_t const position = tree.position();
    tree.begin("child@0").end().end();
    Blob const blob = tree.end().finish();
    unsigned found = 0;
    Discovery const end = for_each_compatible(
        DeviceTree{blob.data(), blob.size()}, "pci-host-ecam-generic", [&](DeviceTreeCursor const& node) {
            ++found;
            EXPECT_STREQ(node.name(), "pcie@10000000");
            EXPECT_EQ(node.reg().value(), (DeviceTreeRegion{PhysAddr{0x3f000000}, 0x1000000}));
            EXPECT_EQ(node.reg(1).value(), (DeviceTreeRegion{PhysAddr{0x50000000}, 0x1000}));
            EXPECT_EQ(node.reg(2).error(), Error::device_tree_no_address);
            EXPECT_EQ(node.reg(3).error(), Error::device_tree_no_address);
            EXPECT_EQ(node.reg(UINT32_MAX).error(), Error::device_tree_no_address);
            EXPECT_EQ(node.property("bus-range")[1], 15u);
            EXPECT_EQ(node.property("bus-range").number(0, 2), 15u);
            EXPECT_FALSE(node.property("bus").is_present());
            EXPECT_FALSE(node.property("bus-range2").is_present());
            EXPECT_LT(node.position(), position);
        });
    EXPECT_TRUE(end);
    EXPECT_EQ(found, 1u);
}

TEST(DeviceTree, HasRegionsThatCanBeCompared) {
    DeviceTreeRegion const region{PhysAddr{1}, 2};
    EXPECT_EQ(region, (DeviceTreeRegion{PhysAddr{1}, 2}));
    EXPECT_NE(region, (DeviceTreeRegion{PhysAddr{2}, 2}));
    EXPECT_NE(region, (DeviceTreeRegion{PhysAddr{1}, 3}));
}

TEST(DeviceTree, CanBeWalkedStepByStep) {
    Blob const blob = small_blob();
    DeviceTreeCursor cursor(DeviceTree{blob.data(), blob.size()});
    ASSERT_TRUE(cursor.next());
    EXPECT_STREQ(cursor.name(), "");
    EXPECT_EQ(cursor.position(), 56u);
    EXPECT_EQ(cursor.reg().error(), Error::device_tree_no_address);  // the root is on no bus
    ASSERT_TRUE(cursor.next());
    EXPECT_TRUE(cursor.is_compatible("virtio,mmio"));
    EXPECT_FALSE(cursor.next());
    EXPECT_FALSE(cursor.next());
    EXPECT_EQ(cursor.error(), Error::none);
    EXPECT_BREACH(cursor.name(), "is on no node");
}

TEST(DeviceTreeContract, AssertsBeforeTheFirstNode) {
    Blob const blob = small_blob();
    DeviceTreeCursor const cursor(DeviceTree{blob.data(), blob.size()});
    EXPECT_BREACH(cursor.name(), "is on no node");
    EXPECT_BREACH(cursor.property("reg"), "is on no node");
    EXPECT_BREACH(cursor.reg(), "is on no node");
    EXPECT_BREACH(cursor.is_available(), "is on no node");
}

TEST(DeviceTreeContract, AssertsAfterAnError) {
    TreeBuilder tree;
    Blob const blob = tree.begin("").property("reg", 0x1000).blob();
    DeviceTreeCursor cursor(DeviceTree{blob.data(), blob.size()});
    EXPECT_FALSE(cursor.next());
    EXPECT_FALSE(cursor.next());
    EXPECT_EQ(cursor.error(), Error::device_tree_malformed);
    EXPECT_BREACH(cursor.property("reg"), "is on no node");
}

// --- what the header may contain ------------------------------------------------------------------------------------

TEST(DeviceTreeHeader, IsAbsentWithoutItsMagic) {
    EXPECT_EQ(for_each_mmio_slot(DeviceTree{nullptr, 0}, first_cell, [](MmioSlot const&) {}).error,
              Error::device_tree_absent);
    Blob const blob = small_blob();
    for (std::size_t bytes = 0; bytes < 4; ++bytes) {
        EXPECT_EQ(Found(blob, bytes).discovery.error, Error::device_tree_absent);
    }
    EXPECT_EQ(Found(Blob{0xed, 0xfe, 0x0d, 0xd0}).discovery.error, Error::device_tree_absent);  // wrong byte order
    EXPECT_EQ(Found(Blob(64)).discovery.error, Error::device_tree_absent);
}

TEST(DeviceTreeHeader, DetectsEveryTruncation) {
    Blob const blob = small_blob();
    for (std::size_t bytes = 4; bytes < blob.size(); ++bytes) {
        Found const found(blob, bytes);
        EXPECT_EQ(found.discovery.error, Error::device_tree_cut_short) << bytes;
        EXPECT_EQ(found.discovery.found, 0u);
    }
}

TEST(DeviceTreeHeader, HasAVersion) {
    Blob blob = small_blob();
    overwrite(blob, 0x14, 16);
    EXPECT_EQ(Found(blob).discovery.error, Error::device_tree_absent);
    overwrite(blob, 0x14, 18);  // a newer version, compatible with 17
    EXPECT_EQ(Found(blob).discovery.error, Error::none);
    overwrite(blob, 0x18, 18);
    EXPECT_EQ(Found(blob).discovery.error, Error::device_tree_absent);
}

TEST(DeviceTreeHeader, KeepsItsBlocksInside) {
    Blob const good = small_blob();
    auto const total = static_cast<std::uint32_t>(good.size());
    auto const expect = [&](std::size_t field, std::uint32_t value) {
        Blob blob = good;
        overwrite(blob, field, value);
        EXPECT_EQ(Found(blob).discovery.error, Error::device_tree_malformed) << field << " " << value;
    };
    for (std::uint32_t const value : {total + 1, total + 4, 0x7fff'fffcu, 0xffff'fffcu, 0xffff'ffffu}) {
        expect(0x08, value);  // offset of the structure block
        expect(0x0c, value);  // offset of the strings block
        expect(0x20, value);  // size of the strings block
        expect(0x24, value);  // size of the structure block
    }
    expect(0x08, 57);  // not aligned
    expect(0x24, 62);  // not whole tokens
    expect(0x04, 40);  // the whole is smaller than its parts
    expect(0x20, 3);   // the last name is not terminated
    expect(0x20, 0);   // no names
    expect(0x24, 0);   // no tokens
}

TEST(DeviceTreeHeader, IsBelow4GiB) {
    Blob blob = small_blob();
    overwrite(blob, 0x04, 0xffff'fffb);  // no sum of two offsets wraps; nothing after the header is read
    EXPECT_EQ(for_each_mmio_slot(DeviceTree{blob.data(), UINT32_MAX}, first_cell, [](MmioSlot const&) {}).error,
              Error::device_tree_malformed);
}

TEST(DeviceTreeHeader, GivesTheSizeToMap) {
    Blob const blob = small_blob();
    EXPECT_EQ(device_tree_bytes(DeviceTree{blob.data(), 8}).value(), blob.size());
    EXPECT_EQ(device_tree_bytes(DeviceTree{blob.data(), 7}).error(), Error::device_tree_cut_short);
    EXPECT_EQ(device_tree_bytes(DeviceTree{nullptr, 0}).error(), Error::device_tree_cut_short);
    EXPECT_EQ(device_tree_bytes(DeviceTree{blob.data() + 4, 8}).error(), Error::device_tree_absent);
}

// --- what the structure may contain ---------------------------------------------------------------------------------

TEST(DeviceTreeStructure, MayHaveNothingBetweenTokens) {
    TreeBuilder tree;
    tree.nothing().begin("").nothing().cells("#address-cells", {1}).nothing().cells("#size-cells", {1}).nothing();
    add_slot(tree.begin("virtio").nothing()).nothing().end().nothing().end().nothing();
    EXPECT_EQ(Found(tree.finish()).slots, std::vector{slot_of_the_standard});
}

TEST(DeviceTreeStructure, IsNotReadBeyondItsBlock) {
    TreeBuilder tree;
    tree.begin("").strings("model", "any");
    expect_malformed(tree.blob(), tree.position());  // END_NODE is missing, not read beyond
}

TEST(DeviceTreeStructure, HasAnEnd) {
    TreeBuilder open = small_tree();
    expect_malformed(open.blob(), open.position());
    TreeBuilder unfinished = small_tree();
    unfinished.end();
    expect_malformed(unfinished.blob(), unfinished.position());
    TreeBuilder too_early = small_tree();
    std::uint32_t const position = too_early.position();
    expect_malformed(too_early.finish(), position);
}

TEST(DeviceTreeStructure, ReportsNodesBeforeTheError) {
    TreeBuilder tree = small_tree();
    Found const found(tree.blob());
    EXPECT_EQ(found.discovery.error, Error::device_tree_malformed);
    EXPECT_EQ(found.slots, std::vector{slot_of_the_standard});
}

TEST(DeviceTreeStructure, HasOneRoot) {
    TreeBuilder none;
    expect_malformed(none.finish(), 56);

    TreeBuilder two = small_tree();
    two.end();
    std::uint32_t const position = two.position();
    expect_malformed(two.begin("").end().finish(), position);
}

TEST(DeviceTreeStructure, ClosesEachNodeOnce) {
    TreeBuilder tree = small_tree();
    tree.end();
    std::uint32_t const position = tree.position();
    expect_malformed(tree.end().finish(), position);
}

TEST(DeviceTreeStructure, HasKnownTokens) {
    for (std::uint32_t const token : {0u, 5u, 8u, 10u, 0x01000000u, 0xffffffffu}) {
        TreeBuilder tree = small_tree();
        std::uint32_t const position = tree.position();
        expect_malformed(tree.token(token).end().finish(), position);
    }
}

TEST(DeviceTreeStructure, HasPropertiesBeforeChildren) {
    TreeBuilder tree = small_tree();
    std::uint32_t const position = tree.position();
    expect_malformed(tree.cells("late", {1}).end().finish(), position);

    TreeBuilder outside;
    expect_malformed(outside.cells("nowhere", {1}).begin("").end().finish(), 56);
}

TEST(DeviceTreeStructure, EndsItsNames) {
    TreeBuilder tree = small_tree();
    std::uint32_t const position = tree.position();
    expect_malformed(tree.token(1).token(0x61616161).token(0x61616161).blob(), position);
}

TEST(DeviceTreeStructure, KeepsValuesInside) {
    // The block ends 4 bytes after the property's header.
    for (std::uint32_t const bytes : {5u, 8u, 0x7fff'ffffu, 0xffff'fffcu, 0xffff'fffdu, 0xffff'ffffu}) {
        TreeBuilder tree = small_tree();
        tree.begin("node");
        std::uint32_t const position = tree.position();
        expect_malformed(tree.property("reg", bytes).token(0).blob(), position);
    }
    TreeBuilder tree = small_tree();
    tree.begin("node");
    std::uint32_t const position = tree.position();
    expect_malformed(tree.token(3).token(0).blob(), position);  // no space for the property's header
}

TEST(DeviceTreeStructure, KeepsNamesOfPropertiesInside) {
    for (std::uint32_t const name : {0x1000u, 0xffff'ffffu}) {
        TreeBuilder tree = small_tree();
        tree.begin("node");
        std::uint32_t const position = tree.position();
        expect_malformed(tree.token(3).token(0).token(name).end().end().finish(), position);
    }
}

TEST(DeviceTreeStructure, LimitsItsDepth) {
    auto const nested = [](std::uint32_t levels) {
        TreeBuilder tree;
        for (std::uint32_t i = 0; i < levels; ++i) {
            tree.begin("");
        }
        for (std::uint32_t i = 0; i < levels; ++i) {
            tree.end();
        }
        return tree.finish();
    };
    EXPECT_TRUE(Found(nested(DeviceTreeCursor::depth_limit)).discovery);
    expect_malformed(nested(DeviceTreeCursor::depth_limit + 1), 56 + DeviceTreeCursor::depth_limit * 8);
}

/// Any wrong byte: no crash, and no read outside, which the sanitizers detect.
TEST(DeviceTreeStructure, SurvivesAnyWrongByte) {
    Blob const good = small_blob();
    for (std::size_t at = 0; at < good.size(); ++at) {
        for (unsigned const value : {0x00u, 0x01u, 0x03u, 0x04u, 0x7fu, 0x80u, 0xffu}) {
            Blob blob = good;
            blob[at] = static_cast<std::uint8_t>(value);
            Found const found(blob);
            EXPECT_LE(found.discovery.found, 1u);
            EXPECT_EQ(found.discovery.found, found.slots.size());
        }
    }
}

}  // namespace
}  // namespace virtq::test
