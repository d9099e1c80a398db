// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/device/framebuffer.hpp>

#include <stdint.h>

/// A console font of Linux, version 1 or 2 of PSF, with a table that says which character a glyph shows. Only ASCII is
/// looked up. All zero before `load`.
class Font {
public:
    /// Reads a font's file, which stays in use. False: it is none, or it is cut off.
    [[nodiscard]] bool load(virtq::Span<uint8_t const> file);

    [[nodiscard]] uint32_t width() const { return width_; }
    [[nodiscard]] uint32_t height() const { return height_; }
    /// Draws a character, and the background around it.
    void draw(virtq::Framebuffer& frame, virtq::GpuPoint const& place, char character, uint32_t colour,
              uint32_t background) const;
    void draw(virtq::Framebuffer& frame, virtq::GpuPoint place, char const* text, uint32_t colour,
              uint32_t background) const;

private:
    static constexpr uint32_t ascii_count = 128;
    static constexpr uint32_t side_max = 64;

    [[nodiscard]] bool load_head(virtq::Span<uint8_t const> file, uint32_t& begin);
    void load_table(virtq::Span<uint8_t const> table);

    uint8_t const* glyphs_ = nullptr;
    uint32_t width_ = 0;
    uint32_t height_ = 0;
    uint32_t glyph_bytes_ = 0;
    uint32_t glyph_count_ = 0;
    bool is_version_1_ = false;
    uint32_t glyph_of_[ascii_count] = {};
};
