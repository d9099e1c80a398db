// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>

/// The bytes of a fuzzer's input; zeroes after its end.
namespace virtq::test {

class Input {
public:
    Input() = default;
    Input(std::uint8_t const* data, std::size_t size) : data_(data), size_(size) {}

    std::uint8_t byte() { return next_ < size_ ? data_[next_++] : std::uint8_t{0}; }
    std::uint16_t half() {
        std::uint16_t const low = byte();
        return static_cast<std::uint16_t>(low | (byte() << 8));
    }
    std::uint32_t word() {
        std::uint32_t const low = half();
        return low | (std::uint32_t{half()} << 16);
    }
    [[nodiscard]] bool at_end() const { return next_ >= size_; }

private:
    std::uint8_t const* data_ = nullptr;
    std::size_t size_ = 0;
    std::size_t next_ = 0;
};

}  // namespace virtq::test
