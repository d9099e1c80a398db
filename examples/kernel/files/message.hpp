// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/span.hpp>
#include <virtq/device/p9_types.hpp>
#include <virtq/spec/p9.hpp>

#include <stdint.h>

/// Messages of 9P2000.L: requests are written, answers are read, and neither goes beyond its bytes. All numbers are
/// little-endian. Nothing here belongs to a kernel, so a test on the host runs it, too.
namespace p9 {

/// A string of the protocol: bytes without a NUL.
using Text = virtq::Span<char const>;

/// Whether two strings have the same bytes.
[[nodiscard]] inline bool equal(Text left, Text right) {
    return left.size() == right.size() && __builtin_memcmp(left.data(), right.data(), left.size()) == 0;
}

/// The types of requests. Their answers have the next number.
enum class Type : uint8_t {
    tlopen = 12,
    tgetattr = 24,
    treaddir = 40,
    tversion = 100,
    tattach = 104,
    twalk = 110,
    tread = 116,
    tclunk = 120,
};

/// A request that is being written.
class Request {
public:
    Request(Type type, uint16_t tag) : type_(type) { put(0, 4).put(static_cast<uint8_t>(type), 1).put(tag, 2); }

    Request& put(uint64_t number, uint32_t bytes) {
        for (uint32_t i = 0; i < bytes; ++i) {
            put_byte(static_cast<uint8_t>(number));
            number >>= 8;
        }
        return *this;
    }
    Request& put(Text text) {
        put(text.size(), 2);
        for (char const character : text) {
            put_byte(static_cast<uint8_t>(character));
        }
        return *this;
    }
    [[nodiscard]] Type type() const { return type_; }
    /// The whole message; empty if it did not fit.
    [[nodiscard]] virtq::Span<uint8_t const> finish() {
        uint32_t const size = used_;
        used_ = virtq::spec::p9::header::size;
        put(size, 4);
        used_ = size;
        return {bytes_, size <= most_bytes ? size : 0};
    }

private:
    static constexpr uint32_t most_bytes = virtq::P9Traits::request_bytes;

    void put_byte(uint8_t value) {
        if (used_ < most_bytes) {
            bytes_[used_] = value;
        }
        ++used_;
    }

    uint8_t bytes_[most_bytes] = {};
    uint32_t used_ = 0;
    Type type_;
};

/// Reads an answer, or a part of one. Behind its end everything is 0, and `is_sound` is false.
class Reader {
public:
    Reader(uint8_t const* bytes, uint32_t size) : at_(bytes), left_(size) {}

    [[nodiscard]] uint64_t take(uint32_t bytes) {
        uint8_t const* const from = skip(bytes);
        uint64_t number = 0;
        for (uint32_t i = bytes; i != 0 && from != nullptr; --i) {
            number = number << 8 | from[i - 1];
        }
        return number;
    }
    [[nodiscard]] Text take_text() {
        auto const bytes = static_cast<uint32_t>(take(2));
        uint8_t const* const from = skip(bytes);
        return from != nullptr ? Text{reinterpret_cast<char const*>(from), bytes} : Text{};
    }
    /// Passes over bytes, and returns where they are; null if there are not so many.
    uint8_t const* skip(uint32_t bytes) {
        is_sound_ = is_sound_ && bytes <= left_;
        if (!is_sound_) {
            return nullptr;
        }
        uint8_t const* const from = at_;
        at_ += bytes;
        left_ -= bytes;
        return from;
    }
    [[nodiscard]] bool is_sound() const { return is_sound_; }
    [[nodiscard]] uint32_t left() const { return left_; }

private:
    uint8_t const* at_;
    uint32_t left_;
    bool is_sound_ = true;
};

/// Identifies a file.
inline constexpr uint32_t qid_bytes = 13;

/// An entry of a folder, as Rreaddir has it.
struct Entry {
    uint64_t next = 0;  ///< where the folder goes on behind it
    Text name{};

    /// False: there is no whole entry.
    [[nodiscard]] static bool take(Reader& reader, Entry& entry) {
        reader.skip(qid_bytes);
        entry.next = reader.take(8);
        reader.skip(1);  // its type, which Rgetattr has, too
        entry.name = reader.take_text();
        return reader.is_sound();
    }
};

/// The longest name that Linux has.
inline constexpr uint32_t most_name_bytes = 255;

/// Whether this is a folder's name of itself or of its parent.
[[nodiscard]] inline bool is_dots(Text name) {
    return (name.size() == 1 && name[0] == '.') || (name.size() == 2 && name[0] == '.' && name[1] == '.');
}

/// Whether a file can have this name: a server must not make its client leave the folder.
[[nodiscard]] inline bool is_name(Text name) {
    bool is_sound = !name.empty() && name.size() <= most_name_bytes && !is_dots(name);
    for (char const character : name) {
        is_sound = is_sound && character != '/' && character != '\0';
    }
    return is_sound;
}

}  // namespace p9
