// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/page_allocator.hpp>

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <vector>

namespace virtq::vhost_user {

/// The memory of a guest that does not exist: pages that another process maps, too. Their physical addresses differ from
/// the virtual ones of both processes, and are above 4 GiB, so that a mix-up is noticed.
class SharedMemory {
public:
    static constexpr std::uint64_t default_guest_base = 0x1'4000'0000;

    explicit SharedMemory(std::size_t page_count, std::uint64_t guest_base = default_guest_base)
        : taken_(page_count), guest_base_(guest_base), file_(::memfd_create("virtq", MFD_CLOEXEC)) {
        if (file_ < 0 || ::ftruncate(file_, static_cast<::off_t>(bytes())) != 0) {
            throw std::runtime_error("memfd_create or ftruncate failed: is there enough memory?");
        }
        void* const mapped = ::mmap(nullptr, bytes(), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, file_, 0);
        if (mapped == MAP_FAILED) {
            ::close(file_);
            throw std::runtime_error("mmap failed: is there enough memory?");
        }
        base_ = static_cast<std::byte*>(mapped);
    }
    SharedMemory(SharedMemory const&) = delete;
    SharedMemory& operator=(SharedMemory const&) = delete;
    ~SharedMemory() {
        ::munmap(base_, bytes());
        ::close(file_);
    }

    // --- for virtq ---

    /// The first run that is free, filled with garbage, as a kernel's pages are.
    Pages allocate_pages(std::size_t count) {
        std::size_t run = 0;
        for (std::size_t page = 0; page < taken_.size(); ++page) {
            run = taken_[page] ? 0 : run + 1;
            if (run == count) {
                std::size_t const first = page + 1 - count;
                mark(first, count, true);
                std::memset(base_ + first * page_bytes, 0xa5, count * page_bytes);
                return {base_ + first * page_bytes, PhysAddr{guest_base_ + first * page_bytes}, count};
            }
        }
        return {};
    }
    void free_pages(Pages pages) { mark((pages.phys.value - guest_base_) / page_bytes, pages.count, false); }
    [[nodiscard]] PhysAddr phys_addr(void const* virt) {
        return PhysAddr{guest_base_ + static_cast<std::uint64_t>(static_cast<std::byte const*>(virt) - base_)};
    }
    [[nodiscard]] void* virt_of(PhysAddr phys) { return base_ + (phys.value - guest_base_); }

    // --- for the transport and the test ---

    [[nodiscard]] std::uint64_t guest_base() const { return guest_base_; }
    [[nodiscard]] int file() const { return file_; }
    [[nodiscard]] std::byte* base() const { return base_; }
    [[nodiscard]] std::size_t bytes() const { return taken_.size() * page_bytes; }
    [[nodiscard]] std::size_t pages_outstanding() const { return outstanding_; }

private:
    void mark(std::size_t first, std::size_t count, bool taken) {
        for (std::size_t page = first; page < first + count; ++page) {
            if (taken_.at(page) == taken) {
                throw std::logic_error(
                    "A page was given back that nobody has, or handed out twice. Look for the run that was freed twice or in part.");
            }
            taken_[page] = taken;
        }
        outstanding_ += taken ? count : std::size_t{0} - count;
    }

    std::vector<bool> taken_;
    std::size_t outstanding_ = 0;
    std::uint64_t guest_base_;
    int file_;
    std::byte* base_ = nullptr;
};

static_assert(PageAllocator<SharedMemory> && TranslatesAddresses<SharedMemory> && LocatesPages<SharedMemory>);

}  // namespace virtq::vhost_user
