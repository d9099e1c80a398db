// SPDX-License-Identifier: MIT
#include <virtq/spec/device_tree.hpp>

#include <gtest/gtest.h>

namespace {

namespace device_tree = virtq::spec::device_tree;

// Copied from struct fdt_header (Devicetree Specification v0.4, §5.2): ten words.
TEST(DeviceTreeSpec, HasTheHeaderOfTheSpecification) {
    EXPECT_EQ(device_tree::magic, 0xd00dfeedu);
    EXPECT_EQ(device_tree::version, 17u);
    EXPECT_EQ(device_tree::magic_offset, 0u * 4);
    EXPECT_EQ(device_tree::total_bytes_offset, 1u * 4);
    EXPECT_EQ(device_tree::structure_start_offset, 2u * 4);
    EXPECT_EQ(device_tree::strings_start_offset, 3u * 4);
    EXPECT_EQ(device_tree::version_offset, 5u * 4);  // behind off_mem_rsvmap
    EXPECT_EQ(device_tree::compatible_version_offset, 6u * 4);
    EXPECT_EQ(device_tree::strings_bytes_offset, 8u * 4);  // behind boot_cpuid_phys
    EXPECT_EQ(device_tree::structure_bytes_offset, 9u * 4);
    EXPECT_EQ(device_tree::header_bytes, 10u * 4);
}

TEST(DeviceTreeSpec, HasTheTokensOfTheSpecification) {
    using device_tree::Token;
    EXPECT_EQ(static_cast<unsigned>(Token::begin_node), 1u);
    EXPECT_EQ(static_cast<unsigned>(Token::end_node), 2u);
    EXPECT_EQ(static_cast<unsigned>(Token::property), 3u);
    EXPECT_EQ(static_cast<unsigned>(Token::nothing), 4u);
    EXPECT_EQ(static_cast<unsigned>(Token::end), 9u);
}

// §2.3.5: a client program assumes 2 for #address-cells and 1 for #size-cells.
TEST(DeviceTreeSpec, HasTheDefaultCells) {
    EXPECT_EQ(device_tree::default_address_cells, 2u);
    EXPECT_EQ(device_tree::default_size_cells, 1u);
}

}  // namespace
