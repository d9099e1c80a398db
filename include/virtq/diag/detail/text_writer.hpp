// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/text_sink.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Writes words, numbers and lines to a `TextSink`. Keeps only the column and a pending blank. Calls can be chained.
template <TextSink Sink>
class TextWriter {
public:
    static constexpr unsigned width = 79;  ///< in columns: `words` stays within it

    explicit TextWriter(Sink& sink) : sink_(sink) {}

    TextWriter& text(char const* characters) {
        for (; *characters != '\0'; ++characters) {
            put(*characters);
        }
        return *this;
    }

    TextWriter& decimal(uint32_t value) {
        char digits[11] = {};
        unsigned first = 10;
        do {
            digits[--first] = static_cast<char>('0' + value % 10);
            value /= 10;
        } while (value != 0);
        return text(digits + first);
    }

    /// With 0x, and without leading zeroes.
    TextWriter& hex(uint64_t value) {
        char digits[17] = {};
        unsigned first = 16;
        do {
            digits[--first] = digit(static_cast<unsigned>(value & 15));
            value >>= 4;
        } while (value != 0);
        return text("0x").text(digits + first);
    }

    /// Continues at `column`, or after the present text if that reaches further. Prints at least one blank.
    TextWriter& column(unsigned column) {
        do {
            put(' ');
        } while (column_ < column);
        return *this;
    }

    /// Prints a text, and breaks long lines between words. The next lines start at `indent`. A trailing blank is
    /// printed only if something follows on the line.
    TextWriter& words(char const* characters, unsigned indent) {
        while (*characters != '\0') {
            if (*characters == ' ') {
                blank_ = true;
                ++characters;
                continue;
            }
            room(length_of_word(characters), indent);
            while (*characters != '\0' && *characters != ' ') {
                put(*characters++);
            }
        }
        return *this;
    }

    /// Begins a new line at `indent` unless `columns` more fit on this one.
    TextWriter& room(unsigned columns, unsigned indent) {
        if (column_ + (blank_ ? 1 : 0) + columns > width && column_ > indent) {
            line().column(indent);
        }
        return *this;
    }

    TextWriter& line() {
        sink_('\n');
        ++lines_;
        column_ = 0;
        blank_ = false;
        return *this;
    }

    /// How many lines have ended; it may wrap.
    [[__nodiscard__]] uint32_t lines() const { return lines_; }

private:
    [[__nodiscard__]] static constexpr char digit(unsigned value) {
        return static_cast<char>(value < 10 ? '0' + value : 'a' + (value - 10));
    }
    /// The second and later bytes of a UTF-8 character take no column.
    [[__nodiscard__]] static constexpr bool takes_a_column(char octet) {
        return (static_cast<unsigned char>(octet) & 0xc0u) != 0x80u;
    }
    [[__nodiscard__]] static unsigned length_of_word(char const* characters) {
        unsigned length = 0;
        for (; *characters != '\0' && *characters != ' '; ++characters) {
            length += takes_a_column(*characters) ? 1 : 0;
        }
        return length;
    }
    void put(char character) {
        if (blank_) {
            blank_ = false;
            sink_(' ');
            ++column_;
        }
        sink_(character);
        column_ += takes_a_column(character) ? 1u : 0u;
    }

    Sink& sink_;
    uint32_t lines_ = 0;
    unsigned column_ = 0;
    bool blank_ = false;  ///< to be printed before the next character
};

}  // namespace virtq::detail
