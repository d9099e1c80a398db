// SPDX-License-Identifier: MIT
#pragma once

#include <fuzz/require.hpp>

#include <virtq/platform/page_allocator.hpp>

#include <sanitizer/asan_interface.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <vector>

/// Dirty pages, above 4 GiB for the device, between inaccessible pages. The sanitizer detects an access there, and to
/// freed pages.
namespace virtq::test {

class FencedPages {
public:
    FencedPages() { fence(); }
    ~FencedPages() {
        require(runs_.empty());
        ASAN_UNPOISON_MEMORY_REGION(bytes_, sizeof(bytes_));
    }
    FencedPages(FencedPages const&) = delete;
    FencedPages& operator=(FencedPages const&) = delete;

    Pages allocate_pages(std::size_t count) {
        if (failing_ != 0 && --failing_ == 0) {
            return {};
        }
        std::size_t const first = next_ + 1;  // after an inaccessible page
        require(count != 0 && first + count < page_count);
        next_ = first + count;
        std::uint8_t* const virt = bytes_ + first * page_bytes;
        ASAN_UNPOISON_MEMORY_REGION(virt, count * page_bytes);
        std::memset(virt, 0xa5, count * page_bytes);
        runs_.push_back({virt, PhysAddr{base + first * page_bytes}, count});
        return runs_.back();
    }
    void free_pages(Pages pages) {
        for (auto run = runs_.begin(); run != runs_.end(); ++run) {
            if (run->virt == pages.virt) {
                require(run->count == pages.count && run->phys == pages.phys);
                runs_.erase(run);
                ASAN_POISON_MEMORY_REGION(pages.virt, pages.count * page_bytes);
                next_ = runs_.empty() ? 0 : next_;
                return;
            }
        }
        require(false);  // never allocated, or already freed
    }

    /// The `which`-th allocation from now fails, counted from 1; 0: none.
    void fail_at(std::uint8_t which) { failing_ = which; }

    /// The memory at a physical address.
    [[nodiscard]] std::uint8_t* virt(PhysAddr address) {
        require(address.value >= base && address.value - base < sizeof(bytes_));
        return bytes_ + (address.value - base);
    }
    [[nodiscard]] bool has(void const* at, std::size_t size) const {
        auto const* const byte = static_cast<std::uint8_t const*>(at);
        for (Pages const& run : runs_) {
            auto const* const begin = static_cast<std::uint8_t const*>(run.virt);
            if (byte >= begin && byte + size <= begin + run.count * page_bytes) {
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] bool has(PhysAddr address, std::size_t size) const {
        for (Pages const& run : runs_) {
            std::uint64_t const offset = address.value - run.phys.value;
            if (address.value >= run.phys.value && offset + size <= run.count * page_bytes) {
                return true;
            }
        }
        return false;
    }
    [[nodiscard]] std::vector<Pages> const& runs() const { return runs_; }

private:
    static constexpr std::uint64_t base = 0x1'2340'0000;
    static constexpr std::size_t page_count = 48;

    void fence() { ASAN_POISON_MEMORY_REGION(bytes_, sizeof(bytes_)); }

    alignas(page_bytes) static inline std::uint8_t bytes_[page_count * page_bytes];
    std::vector<Pages> runs_;
    std::size_t next_ = 0;
    std::uint8_t failing_ = 0;
};

}  // namespace virtq::test
