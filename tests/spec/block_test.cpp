// SPDX-License-Identifier: MIT
#include <virtq/spec/block.hpp>

#include <gtest/gtest.h>

#include <cstddef>

namespace {

namespace block = virtq::spec::block;

TEST(BlockRequestHeader, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(sizeof(block::RequestHeader), 16u);
    EXPECT_EQ(offsetof(block::RequestHeader, type), 0u);
    EXPECT_EQ(offsetof(block::RequestHeader, reserved), 4u);
    EXPECT_EQ(offsetof(block::RequestHeader, sector), 8u);
}

TEST(BlockRequestType, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(static_cast<unsigned>(block::RequestType::in), 0u);
    EXPECT_EQ(static_cast<unsigned>(block::RequestType::out), 1u);
    EXPECT_EQ(static_cast<unsigned>(block::RequestType::flush), 4u);
    EXPECT_EQ(static_cast<unsigned>(block::RequestType::get_id), 8u);
    EXPECT_EQ(static_cast<unsigned>(block::RequestType::get_lifetime), 10u);
    EXPECT_EQ(static_cast<unsigned>(block::RequestType::discard), 11u);
    EXPECT_EQ(static_cast<unsigned>(block::RequestType::write_zeroes), 13u);
    EXPECT_EQ(static_cast<unsigned>(block::RequestType::secure_erase), 14u);
}

TEST(BlockRequestStatus, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(static_cast<unsigned>(block::RequestStatus::ok), 0u);
    EXPECT_EQ(static_cast<unsigned>(block::RequestStatus::ioerr), 1u);
    EXPECT_EQ(static_cast<unsigned>(block::RequestStatus::unsupp), 2u);
}

TEST(BlockFeature, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(static_cast<unsigned>(block::Feature::size_max), 1u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::seg_max), 2u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::geometry), 4u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::ro), 5u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::blk_size), 6u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::flush), 9u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::topology), 10u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::config_wce), 11u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::mq), 12u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::discard), 13u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::write_zeroes), 14u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::lifetime), 15u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::secure_erase), 16u);
    EXPECT_EQ(static_cast<unsigned>(block::Feature::zoned), 17u);
}

TEST(BlockConfiguration, HasTheOffsetsOfTheStandard) {
    EXPECT_EQ(block::config::capacity, 0);
    EXPECT_EQ(block::config::size_max.offset, 8);
    EXPECT_EQ(block::config::seg_max.offset, 12);
    EXPECT_EQ(block::config::blk_size.offset, 20);
    EXPECT_EQ(block::sector_bytes, 512u);
}

}  // namespace
