// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/fence.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/platform/page_allocator.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <stdexcept>

/// What both sides of a litmus program share: some pages, and the content of the buffers.
namespace virtq::order {

/// Converts to little-endian, or back. Our own, like all of the device.
template <class Word>
[[nodiscard]] constexpr Word wire(Word word) {
    if constexpr (std::endian::native == std::endian::little) {
        return word;
    } else {
        Word swapped = 0;
        for (std::size_t i = 0; i < sizeof(Word); ++i) {
            swapped = static_cast<Word>(swapped << 8 | (word >> 8 * i & 0xff));
        }
        return swapped;
    }
}

/// The memory of one queue, and the page allocator of the driver. It hands out each page once, so that a program that
/// runs again finds the same addresses. `forget` starts over.
class Guest {
public:
    static constexpr std::size_t page_count = 6;
    static constexpr std::uint64_t phys_base = 0x180000000;

    [[nodiscard]] Pages allocate_pages(std::size_t count) {
        if (taken_ + count > data_page) {
            return {};
        }
        Pages const run{pages_ + taken_ * page_bytes, PhysAddr{phys_base + taken_ * page_bytes}, count};
        taken_ += count;
        return run;
    }
    void free_pages(Pages) {}
    void forget() { taken_ = 0; }

    /// The word at an address, for the device.
    template <class Word>
    [[nodiscard]] Word* at(std::uint64_t phys) {
        if (phys < phys_base || phys + sizeof(Word) > phys_base + sizeof(pages_) || phys % sizeof(Word) != 0) {
            throw std::runtime_error("the device was given an address where nothing is");
        }
        return reinterpret_cast<Word*>(pages_ + (phys - phys_base));
    }

    /// The words of chain `number`: the device reads two and writes one.
    [[nodiscard]] static PhysAddr request(unsigned number, unsigned word) {
        return PhysAddr{phys_base + data_page * page_bytes + 16 * (number % 256) + 4 * word};
    }
    [[nodiscard]] static PhysAddr answer(unsigned number) { return request(number, 2); }

private:
    static constexpr std::size_t data_page = page_count - 1;

    alignas(page_bytes) unsigned char pages_[page_count * page_bytes] = {};
    std::size_t taken_ = 0;
};

/// A request, as the device has read it.
struct Request {
    static constexpr unsigned segments_max = 3;
    struct Piece {
        std::uint64_t addr;
        std::uint32_t bytes;
        bool is_writable;
    };

    std::uint16_t id = 0;           ///< head of the chain, or buffer id
    std::uint16_t descriptors = 0;  ///< number of descriptors in the ring
    unsigned count = 0;
    Piece pieces[segments_max] = {};

    void add(Piece const& piece) {
        if (count == segments_max) {
            throw std::runtime_error("the device was given a chain that is too long");
        }
        pieces[count++] = piece;
    }
};

}  // namespace virtq::order
