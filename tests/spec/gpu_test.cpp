// SPDX-License-Identifier: MIT
#include <virtq/spec/gpu.hpp>

#include <support/number.hpp>

#include <gtest/gtest.h>

#include <cstddef>

namespace {

namespace gpu = virtq::spec::gpu;
using virtq::test::number_of;

TEST(GpuFeature, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(number_of(gpu::Feature::virgl), 0u);
    EXPECT_EQ(number_of(gpu::Feature::edid), 1u);
    EXPECT_EQ(number_of(gpu::Feature::resource_uuid), 2u);
    EXPECT_EQ(number_of(gpu::Feature::resource_blob), 3u);
    EXPECT_EQ(number_of(gpu::Feature::context_init), 4u);
    EXPECT_EQ(number_of(gpu::Feature::blob_alignment), 5u);
    EXPECT_EQ(gpu::feature_needs[0].bit, 4u);
    EXPECT_EQ(gpu::feature_needs[0].needs, 0u);
    EXPECT_EQ(gpu::feature_needs[1].bit, 5u);
    EXPECT_EQ(gpu::feature_needs[1].needs, 3u);
}

TEST(GpuConfiguration, HasTheOffsetsOfTheStandard) {
    EXPECT_EQ(gpu::control_queue, 0);
    EXPECT_EQ(gpu::cursor_queue, 1);
    EXPECT_EQ(gpu::config::events_read.offset, 0);
    EXPECT_EQ(gpu::config::events_clear.offset, 4);
    EXPECT_EQ(gpu::config::num_scanouts.offset, 8);
    EXPECT_EQ(gpu::config::num_capsets.offset, 12);
    EXPECT_EQ(gpu::config::blob_alignment.offset, 16);
    EXPECT_EQ(gpu::event_display, 1u);
    EXPECT_EQ(gpu::scanouts_max, 16u);
}

TEST(GpuCommand, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(number_of(gpu::Command::get_display_info), 0x100u);
    EXPECT_EQ(number_of(gpu::Command::resource_create_2d), 0x101u);
    EXPECT_EQ(number_of(gpu::Command::resource_unref), 0x102u);
    EXPECT_EQ(number_of(gpu::Command::set_scanout), 0x103u);
    EXPECT_EQ(number_of(gpu::Command::resource_flush), 0x104u);
    EXPECT_EQ(number_of(gpu::Command::transfer_to_host_2d), 0x105u);
    EXPECT_EQ(number_of(gpu::Command::resource_attach_backing), 0x106u);
    EXPECT_EQ(number_of(gpu::Command::resource_detach_backing), 0x107u);
    EXPECT_EQ(number_of(gpu::Command::get_edid), 0x10au);
    EXPECT_EQ(number_of(gpu::Command::update_cursor), 0x300u);
    EXPECT_EQ(number_of(gpu::Command::move_cursor), 0x301u);
}

TEST(GpuResponse, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(number_of(gpu::Response::ok_nodata), 0x1100u);
    EXPECT_EQ(number_of(gpu::Response::ok_display_info), 0x1101u);
    EXPECT_EQ(number_of(gpu::Response::ok_edid), 0x1104u);
    EXPECT_EQ(number_of(gpu::Response::err_unspec), 0x1200u);
    EXPECT_EQ(number_of(gpu::Response::err_out_of_memory), 0x1201u);
    EXPECT_EQ(number_of(gpu::Response::err_invalid_scanout_id), 0x1202u);
    EXPECT_EQ(number_of(gpu::Response::err_invalid_resource_id), 0x1203u);
    EXPECT_EQ(number_of(gpu::Response::err_invalid_context_id), 0x1204u);
    EXPECT_EQ(number_of(gpu::Response::err_invalid_parameter), 0x1205u);
    EXPECT_EQ(gpu::flag_fence, 1u);
}

TEST(GpuFormat, HasTheNumbersOfTheStandard) {
    EXPECT_EQ(number_of(gpu::Format::b8g8r8a8), 1u);
    EXPECT_EQ(number_of(gpu::Format::b8g8r8x8), 2u);
    EXPECT_EQ(number_of(gpu::Format::a8r8g8b8), 3u);
    EXPECT_EQ(number_of(gpu::Format::x8r8g8b8), 4u);
    EXPECT_EQ(number_of(gpu::Format::r8g8b8a8), 67u);
    EXPECT_EQ(number_of(gpu::Format::x8b8g8r8), 68u);
    EXPECT_EQ(number_of(gpu::Format::a8b8g8r8), 121u);
    EXPECT_EQ(number_of(gpu::Format::r8g8b8x8), 134u);
}

TEST(GpuHeader, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(sizeof(gpu::Header), 24u);
    EXPECT_EQ(offsetof(gpu::Header, flags), 4u);
    EXPECT_EQ(offsetof(gpu::Header, fence_id), 8u);
    EXPECT_EQ(offsetof(gpu::Header, ctx_id), 16u);
    EXPECT_EQ(offsetof(gpu::Header, ring_idx), 20u);
    EXPECT_EQ(offsetof(gpu::Rect, y), 4u);
    EXPECT_EQ(offsetof(gpu::Rect, width), 8u);
    EXPECT_EQ(offsetof(gpu::Rect, height), 12u);
}

TEST(GpuDisplay, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(sizeof(gpu::DisplayInfo), 408u);
    EXPECT_EQ(offsetof(gpu::DisplayInfo, pmodes), 24u);
    EXPECT_EQ(offsetof(gpu::Display, enabled), 16u);
    EXPECT_EQ(offsetof(gpu::Display, flags), 20u);
    EXPECT_EQ(offsetof(gpu::GetEdid, scanout), 24u);
    EXPECT_EQ(sizeof(gpu::Edid), 1056u);
    EXPECT_EQ(offsetof(gpu::Edid, size), 24u);
    EXPECT_EQ(offsetof(gpu::Edid, edid), 32u);
    EXPECT_EQ(offsetof(gpu::SetScanout, r), 24u);
    EXPECT_EQ(offsetof(gpu::SetScanout, scanout_id), 40u);
    EXPECT_EQ(offsetof(gpu::SetScanout, resource_id), 44u);
    EXPECT_EQ(sizeof(gpu::SetScanout), 48u);
}

TEST(GpuResource, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(offsetof(gpu::ResourceCreate2d, resource_id), 24u);
    EXPECT_EQ(offsetof(gpu::ResourceCreate2d, format), 28u);
    EXPECT_EQ(offsetof(gpu::ResourceCreate2d, width), 32u);
    EXPECT_EQ(offsetof(gpu::ResourceCreate2d, height), 36u);
    EXPECT_EQ(offsetof(gpu::ResourceCommand, resource_id), 24u);
    EXPECT_EQ(offsetof(gpu::ResourceFlush, resource_id), 40u);
    EXPECT_EQ(offsetof(gpu::TransferToHost2d, offset), 40u);
    EXPECT_EQ(offsetof(gpu::TransferToHost2d, resource_id), 48u);
    EXPECT_EQ(offsetof(gpu::ResourceAttachBacking, resource_id), 24u);
    EXPECT_EQ(offsetof(gpu::ResourceAttachBacking, nr_entries), 28u);
    EXPECT_EQ(offsetof(gpu::MemoryEntry, length), 8u);
}

TEST(GpuCursor, HasTheLayoutOfTheStandard) {
    EXPECT_EQ(sizeof(gpu::UpdateCursor), 56u);
    EXPECT_EQ(offsetof(gpu::UpdateCursor, pos), 24u);
    EXPECT_EQ(offsetof(gpu::CursorPos, x), 4u);
    EXPECT_EQ(offsetof(gpu::CursorPos, y), 8u);
    EXPECT_EQ(offsetof(gpu::UpdateCursor, resource_id), 40u);
    EXPECT_EQ(offsetof(gpu::UpdateCursor, hot_x), 44u);
    EXPECT_EQ(offsetof(gpu::UpdateCursor, hot_y), 48u);
}

}  // namespace
