# SPDX-License-Identifier: MIT
"""Text in pixels: reads with the kernel's font what is on its screen."""

import pathlib
import re
import struct

BACKGROUND, BAR, CARET = b"\x10\x18\x20", b"\x24\x47\x6b", b"\x88\xc0\xd0"  # as in colour.hpp
MARGIN, BAR_HEIGHT = 8, 32  # as in desk.cpp


class Failure(Exception):
    pass


class Font:
    """A font of the format PSF, version 1 or 2."""

    def __init__(self, path):
        data = pathlib.Path(path).read_bytes()
        if data[:2] == b"\x36\x04":
            begin, count, self.width, self.height = 4, 512 if data[2] & 1 else 256, 8, data[3]
        else:
            _, _, begin, _, count, _, self.height, self.width = struct.unpack("<8I", data[:32])
        size = (self.width + 7) // 8 * self.height
        glyphs = [data[begin + i * size : begin + (i + 1) * size] for i in range(count)]
        table = data[begin + count * size :]
        end, step = (b"\xff\xff", 2) if data[:2] == b"\x36\x04" else (b"\xff", 1)
        self.characters = {}
        glyph = 0
        for at in range(0, len(table) - step + 1, step):
            if table[at : at + step] == end:
                glyph += 1
            elif (code := int.from_bytes(table[at : at + step], "little")) < 128:
                self.characters[glyphs[glyph]] = chr(code)

    def character(self, pixels, background):
        """Which one these rows of pixels show."""
        bits = b""
        for row in pixels:
            word = 0
            for x in range(self.width):
                word = word << 1 | (row[3 * x : 3 * x + 3] != background)
            bits += (word << -self.width % 8).to_bytes((self.width + 7) // 8, "big")
        return self.characters.get(bits, "?")


class Screen:
    """What QEMU shows."""

    def __init__(self, data):
        head = re.match(rb"P6\n(\d+) (\d+)\n255\n", data)
        if not head:
            raise Failure(f"QEMU's picture begins with {data[:20]!r}")
        self.width, self.height, self.colours = int(head[1]), int(head[2]), data[head.end() :]

    def row(self, x, y, width):
        begin = 3 * (y * self.width + x)
        return self.colours[begin : begin + 3 * width]

    def line(self, font, y, background):
        text = ""
        for x in range(MARGIN, self.width - font.width + 1, font.width):
            pixels = [self.row(x, y + i, font.width) for i in range(font.height)]
            text += font.character(pixels, CARET if pixels[0][:3] == CARET else background)
        return text

    def text(self, font):
        """The lines of the terminal. Where a picture is, characters are question marks."""
        rows = range(BAR_HEIGHT + MARGIN, self.height - font.height + 1, font.height)
        return [self.line(font, y, BACKGROUND).rstrip() for y in rows]

    def difference(self, other):
        """The smallest rectangle around the pixels that differ: x, y, width, height."""
        rows = [y for y in range(self.height) if self.row(0, y, self.width) != other.row(0, y, self.width)]
        columns = [x for y in rows for x in range(self.width) if self.row(x, y, 1) != other.row(x, y, 1)]
        if not rows:
            return None
        return min(columns), rows[0], max(columns) - min(columns) + 1, rows[-1] - rows[0] + 1
