// SPDX-License-Identifier: MIT
#pragma once

#include "font.hpp"

/// Lines of text. It draws only the characters that differ from what it has drawn before: so a letter that is typed
/// changes a letter, and what a scroll leaves as it was is not drawn again.
class Terminal {
public:
    /// Takes a part of the screen. The last lines stay; call it whenever the screen is new.
    void place(virtq::GpuRect const& area, Font const& font);

    void put(char character);
    /// The colour of what is put from now on.
    void use(uint32_t colour) { colour_ = colour; }
    /// Erases the last character of the line.
    void erase();
    /// Draws what has changed, and the caret.
    void draw(virtq::Framebuffer& frame, Font const& font);

private:
    static constexpr uint32_t column_max = 240;
    static constexpr uint32_t row_max = 80;

    struct Cell {
        char character;  ///< '\0': nothing, or not drawn yet
        bool has_caret;
        uint32_t colour;

        friend bool operator==(Cell const&, Cell const&) = default;
    };

    void start_line();
    void scroll(uint32_t rows);

    virtq::GpuRect area_{};
    uint32_t columns_ = 0;
    uint32_t rows_ = 0;
    uint32_t column_ = 0;
    uint32_t row_ = 0;
    uint32_t colour_ = 0;
    Cell cells_[row_max][column_max] = {};
    Cell drawn_[row_max][column_max] = {};
};
