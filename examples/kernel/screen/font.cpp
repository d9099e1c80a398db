// SPDX-License-Identifier: MIT
#include "font.hpp"

namespace {

constexpr uint32_t head_1_bytes = 4;
constexpr uint32_t head_2_bytes = 32;

uint32_t word16(uint8_t const* bytes) {
    return bytes[0] | uint32_t{bytes[1]} << 8;
}
uint32_t word32(uint8_t const* bytes) {
    return word16(bytes) | word16(bytes + 2) << 16;
}

}  // namespace

bool Font::load(virtq::Span<uint8_t const> file) {
    uint32_t begin = 0;
    if (!load_head(file, begin) || width_ == 0 || width_ > side_max || height_ == 0 || height_ > side_max) {
        return false;
    }
    glyph_bytes_ = (width_ + 7) / 8 * height_;
    if (begin > file.size() || glyph_count_ == 0 || glyph_count_ > (file.size() - begin) / glyph_bytes_) {
        return false;
    }
    glyphs_ = file.data() + begin;
    uint32_t const table = begin + glyph_count_ * glyph_bytes_;
    load_table({file.data() + table, file.size() - table});
    return true;
}

/// `begin` is where the glyphs begin.
bool Font::load_head(virtq::Span<uint8_t const> file, uint32_t& begin) {
    uint8_t const* const head = file.data();
    if (file.size() >= head_1_bytes && head[0] == 0x36 && head[1] == 0x04) {
        is_version_1_ = true;
        begin = head_1_bytes;
        width_ = 8;
        height_ = head[3];
        glyph_count_ = (head[2] & 1) != 0 ? 512 : 256;
        return true;
    }
    if (file.size() < head_2_bytes || word32(head) != 0x864ab572) {
        return false;
    }
    is_version_1_ = false;
    begin = word32(head + 8);
    glyph_count_ = word32(head + 16);
    height_ = word32(head + 24);
    width_ = word32(head + 28);
    return true;
}

/// For each glyph the characters that it shows, then an end mark: words of UTF-16, or bytes of UTF-8. After a mark of
/// sequences follow several characters that are shown as one, and they are skipped.
void Font::load_table(virtq::Span<uint8_t const> table) {
    uint32_t const step = is_version_1_ ? 2 : 1;
    uint32_t const end = is_version_1_ ? 0xffff : 0xff;
    bool is_sequence = false;
    uint32_t glyph = 0;
    for (size_t at = 0; at + step <= table.size() && glyph < glyph_count_; at += step) {
        uint32_t const value = is_version_1_ ? word16(table.data() + at) : table.data()[at];
        if (value == end) {
            is_sequence = false;
            ++glyph;
        } else if (value == end - 1) {
            is_sequence = true;
        } else if (value < ascii_count && !is_sequence) {
            glyph_of_[value] = glyph;
        }
    }
}

void Font::draw(virtq::Framebuffer& frame, virtq::GpuPoint const& place, char character, uint32_t colour,
                uint32_t background) const {
    auto const code = static_cast<uint8_t>(character);
    if (glyphs_ == nullptr || place.x + width_ > frame.width() || place.y + height_ > frame.height()) {
        return;
    }
    uint8_t const* const glyph = glyphs_ + glyph_of_[code < ascii_count ? code : '?'] * glyph_bytes_;
    for (uint32_t y = 0; y < height_; ++y) {
        uint32_t* const row = frame.row(place.y + y) + place.x;
        uint8_t const* const bits = glyph + y * ((width_ + 7) / 8);
        for (uint32_t x = 0; x < width_; ++x) {
            row[x] = (bits[x / 8] << (x % 8) & 0x80) != 0 ? colour : background;
        }
    }
    frame.touch({place.x, place.y, width_, height_});
}

void Font::draw(virtq::Framebuffer& frame, virtq::GpuPoint place, char const* text, uint32_t colour,
                uint32_t background) const {
    for (; *text != '\0'; ++text, place.x += width_) {
        draw(frame, place, *text, colour, background);
    }
}
