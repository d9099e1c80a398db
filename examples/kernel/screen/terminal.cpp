// SPDX-License-Identifier: MIT
#include "terminal.hpp"

#include "colour.hpp"

namespace {

uint32_t smaller(uint32_t one, uint32_t other) {
    return one < other ? one : other;
}

}  // namespace

void Terminal::place(virtq::GpuRect const& area, Font const& font) {
    area_ = area;
    columns_ = smaller(area.width / font.width(), column_max);
    rows_ = smaller(area.height / font.height(), row_max);
    if (rows_ != 0 && row_ >= rows_) {
        scroll(row_ - (rows_ - 1));
    }
    __builtin_memset(drawn_, 0, sizeof drawn_);
}

void Terminal::put(char character) {
    if (rows_ == 0 || columns_ == 0) {
        return;
    }
    if (character == '\n') {
        start_line();
    } else if (character >= ' ') {
        if (column_ >= columns_) {
            start_line();
        }
        cells_[row_][column_++] = {character, false, colour_};
    }
}

void Terminal::erase() {
    if (column_ != 0) {
        cells_[row_][--column_] = {};
    }
}

void Terminal::start_line() {
    column_ = 0;
    if (++row_ >= rows_) {
        scroll(row_ - (rows_ - 1));
    }
}

void Terminal::scroll(uint32_t rows) {
    __builtin_memmove(cells_[0], cells_[rows], sizeof cells_[0] * (row_max - rows));
    __builtin_memset(cells_[row_max - rows], 0, sizeof cells_[0] * rows);
    row_ -= rows;
}

void Terminal::draw(virtq::Framebuffer& frame, Font const& font) {
    for (uint32_t row = 0; row < rows_; ++row) {
        for (uint32_t column = 0; column < columns_; ++column) {
            Cell cell = cells_[row][column];
            cell.has_caret = row == row_ && column == column_;
            cell.character = cell.character == '\0' ? ' ' : cell.character;
            if (cell == drawn_[row][column]) {
                continue;
            }
            drawn_[row][column] = cell;
            font.draw(frame, {area_.x + column * font.width(), area_.y + row * font.height()}, cell.character,
                      cell.colour, cell.has_caret ? colour::caret : colour::background);
        }
    }
}
