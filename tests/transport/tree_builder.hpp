// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/transport/device_tree.hpp>

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

/// Builds flattened device trees, including invalid ones, from the tables of Devicetree Specification v0.4 §5.
namespace virtq::test {

class TreeBuilder {
public:
    TreeBuilder& begin(std::string_view name) {
        token(1);
        return text(name);
    }
    TreeBuilder& end() { return token(2); }
    TreeBuilder& nothing() { return token(4); }

    TreeBuilder& cells(std::string_view name, std::initializer_list<std::uint32_t> values) {
        property(name, static_cast<std::uint32_t>(values.size() * 4));
        for (std::uint32_t const value : values) {
            token(value);
        }
        return *this;
    }
    /// Several strings, separated by NULs; the last NUL is added.
    TreeBuilder& strings(std::string_view name, std::string_view value) {
        property(name, static_cast<std::uint32_t>(value.size() + 1));
        return text(value);
    }
    TreeBuilder& bytes(std::string_view name, std::string_view value) {
        property(name, static_cast<std::uint32_t>(value.size()));
        structure_.insert(structure_.end(), value.begin(), value.end());
        return pad();
    }
    /// The header of a property. The caller adds its value.
    TreeBuilder& property(std::string_view name, std::uint32_t bytes) {
        std::string const with_nul = std::string(name) + '\0';
        std::size_t at = strings_.find(with_nul);
        if (at == std::string::npos) {
            at = strings_.size();
            strings_ += with_nul;
        }
        return token(3).token(bytes).token(static_cast<std::uint32_t>(at));
    }
    TreeBuilder& token(std::uint32_t value) {
        put(structure_, value);
        return *this;
    }

    /// Where the next token will be in the blob.
    [[nodiscard]] std::uint32_t position() const {
        return static_cast<std::uint32_t>(header_bytes + structure_.size());
    }

    [[nodiscard]] std::vector<std::uint8_t> finish() {
        token(9);
        return blob();
    }
    [[nodiscard]] std::vector<std::uint8_t> blob() const {
        auto const structure_bytes = static_cast<std::uint32_t>(structure_.size());
        auto const strings_bytes = static_cast<std::uint32_t>(strings_.size());
        std::vector<std::uint8_t> out;
        for (std::uint32_t const field : {0xd00dfeedu, header_bytes + structure_bytes + strings_bytes, header_bytes,
                                          header_bytes + structure_bytes, header_bytes - 16, 17u, 16u, 0u,
                                          strings_bytes, structure_bytes, 0u, 0u, 0u, 0u}) {
            put(out, field);
        }
        out.insert(out.end(), structure_.begin(), structure_.end());
        out.insert(out.end(), strings_.begin(), strings_.end());
        return out;
    }

    static void put(std::vector<std::uint8_t>& out, std::uint32_t value) {
        for (int shift = 24; shift >= 0; shift -= 8) {
            out.push_back(static_cast<std::uint8_t>(value >> shift));
        }
    }

private:
    static constexpr std::uint32_t header_bytes = 40 + 16;  // with the terminator of an empty memory reservation list

    TreeBuilder& text(std::string_view value) {
        structure_.insert(structure_.end(), value.begin(), value.end());
        structure_.push_back(0);
        return pad();
    }
    TreeBuilder& pad() {
        while (structure_.size() % 4 != 0) {
            structure_.push_back(0);
        }
        return *this;
    }

    std::vector<std::uint8_t> structure_;
    std::string strings_;
};

/// Writes a big-endian word into a blob.
inline void overwrite(std::vector<std::uint8_t>& blob, std::size_t at, std::uint32_t value) {
    std::vector<std::uint8_t> word;
    TreeBuilder::put(word, value);
    for (std::size_t i = 0; i < 4; ++i) {
        blob.at(at + i) = word[i];
    }
}

}  // namespace virtq::test
