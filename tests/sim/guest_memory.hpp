// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <utility>
#include <vector>

#include <sim/rule.hpp>
#include <sim/violation.hpp>
#include <virtq/base/phys_addr.hpp>
#include <virtq/platform/page_allocator.hpp>

#if defined(__SANITIZE_ADDRESS__)
#define VIRTQ_SIM_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define VIRTQ_SIM_ASAN 1
#endif
#endif
#if defined(VIRTQ_SIM_ASAN)
#include <sanitizer/asan_interface.h>
#endif

/// The RAM of the simulated guest, and the page allocator of its kernel. It is as unfriendly as a real machine can be.
/// Physical and virtual addresses differ, and physical ones are above 4 GiB. Pages arrive dirty, freed pages are
/// poisoned, and the device cannot reach a page that nobody owns.
namespace virtq::sim {

/// A data buffer of a test, not counted among the allocated pages.
struct Buffer {
    uint8_t* virt = nullptr;
    PhysAddr phys;
    size_t bytes = 0;
};

/// **Threading** All functions may be called from several threads.
/// **Violations** `violations()` collects those of the whole machine: queues and devices over this memory report to
/// the same log.
class GuestMemory {
public:
    static constexpr size_t page = 4096;
    static constexpr size_t default_bytes = size_t{16} << 20;
    static constexpr uint64_t default_phys_base = 0x1'4000'0000;

    explicit GuestMemory(size_t bytes = default_bytes, uint64_t phys_base = default_phys_base);
    ~GuestMemory();
    GuestMemory(GuestMemory const&) = delete;
    GuestMemory& operator=(GuestMemory const&) = delete;

    // What the driver sees: PageAllocator, TranslatesAddresses, ReportsLeaks.

    [[nodiscard]] Pages allocate_pages(size_t count);
    void free_pages(Pages pages);
    /// Translates an address in allocated memory. Any other address is a violation and translates to all ones.
    [[nodiscard]] PhysAddr phys_addr(void const* virt) const;
    /// Counts the pages. They stay allocated, and may be freed later.
    void pages_leaked(Pages pages);

    // Knobs: faults of the next runs.

    /// The `n`-th allocation from now (0 is the next one) fails, once. May be called for several `n`.
    void fail_allocation(size_t n) {
        locked([&] { failing_.push_back(allocations_ + n); });
    }
    void fail_all(bool on = true) {
        locked([&] { fail_all_ = on; });
    }
    /// The next run starts `bytes` after a page boundary, physically or virtually.
    void misalign_next_phys(size_t bytes = 8) {
        locked([&] { next_.misalign_phys = bytes; });
    }
    void misalign_next_virt(size_t bytes = 8) {
        locked([&] { next_.misalign_virt = bytes; });
    }
    /// The next run of two or more pages is not contiguous: its second page is elsewhere, and nothing follows its
    /// first page.
    void scatter_next_run() {
        locked([&] { next_.scatter = true; });
    }
    /// The next run is at `phys`, for example above 16 TiB, where a 32-bit page number ends.
    void place_next_run(PhysAddr phys) {
        locked([&] { next_.phys = phys; });
    }
    /// The next run claims a physical address `bytes` off the true one, which `phys_addr` returns.
    void misstate_next_phys(uint64_t bytes = page) {
        locked([&] { next_.misstate_phys = bytes; });
    }

    // Counters.

    /// Pages allocated and not freed, including leaked ones.
    [[nodiscard]] size_t pages_outstanding() const;
    /// Calls of `allocate_pages`, including failed ones.
    [[nodiscard]] size_t allocations() const {
        return locked([&] { return allocations_; });
    }
    /// Pages ever reported by `pages_leaked`.
    [[nodiscard]] size_t leaked_pages() const {
        return locked([&] { return leaked_pages_; });
    }

    // For tests.

    /// Dirty memory that ends at a page that nobody owns, so that an access past its end is detected.
    [[nodiscard]] Buffer allocate_buffer(size_t bytes, size_t alignment = 16);
    void free_buffer(Buffer const& buffer);
    [[nodiscard]] ViolationLog& violations() const { return log_; }

    // For the device.

    /// Where the device finds `bytes` at `phys`; null if any of them is not in allocated memory.
    [[nodiscard]] uint8_t* virt(PhysAddr phys, size_t bytes) const;
    /// The device uses this range until `drop`. Freeing it earlier is a violation. It then stays allocated, so that
    /// the device does not crash the test.
    [[nodiscard]] uint64_t hold(PhysAddr phys, uint64_t bytes);
    void drop(uint64_t token) {
        locked([&] { held_.erase(token); });
    }

private:
    /// A range of physical memory, and where it is in our mapping.
    struct Extent {
        uint64_t phys;
        size_t offset;
        size_t bytes;
    };
    struct Run {
        Pages pages;
        size_t first_page;  ///< of the mapping
        size_t page_count;  ///< of the mapping: one more than requested if misaligned
        std::vector<Extent> extents;
        bool is_buffer;
    };
    struct NextRun {
        size_t misalign_phys = 0;
        size_t misalign_virt = 0;
        bool scatter = false;
        uint64_t misstate_phys = 0;
        std::optional<PhysAddr> phys;
    };
    struct Range {
        uint64_t phys;
        uint64_t bytes;
    };

    template <class Body>
    auto locked(Body body) const -> decltype(body()) {
        std::lock_guard const lock(mutex_);
        return body();
    }

    [[nodiscard]] bool must_fail();
    [[nodiscard]] std::optional<size_t> find_pages(size_t count);
    [[nodiscard]] std::optional<size_t> find_pages_from(size_t begin, size_t end, size_t count) const;
    [[nodiscard]] std::vector<Extent> lay_out(size_t first_page, size_t count, NextRun const& how);
    [[nodiscard]] Run const* find_run(void const* virt) const;
    [[nodiscard]] bool is_held(Run const& run) const;
    void own(Run run);
    void disown(Run const& run);

    static void hide(void const* begin, size_t bytes);
    static void show(void const* begin, size_t bytes);

    mutable std::mutex mutex_;
    mutable ViolationLog log_;
    size_t bytes_;
    uint64_t phys_base_;
    void* mapping_ = nullptr;  ///< with a guard page on either side
    uint8_t* ram_ = nullptr;
    std::vector<bool> owned_;             ///< by page of the mapping
    std::map<size_t, Run> runs_;          ///< by first page of the mapping
    std::map<uint64_t, Extent> extents_;  ///< of all runs, by physical address
    size_t cursor_ = 0;                   ///< where the next search starts: freed pages are reused as late as possible
    uint64_t window_;                     ///< physical addresses for runs that are placed elsewhere
    NextRun next_;
    std::vector<size_t> failing_;  ///< numbers of allocations that fail
    bool fail_all_ = false;
    size_t allocations_ = 0;
    size_t leaked_pages_ = 0;
    std::map<uint64_t, Range> held_;
    uint64_t next_token_ = 1;
};

inline GuestMemory::GuestMemory(size_t bytes, uint64_t phys_base)
    : bytes_((bytes + page - 1) / page * page), phys_base_(phys_base), owned_(bytes_ / page, false) {
    window_ = (phys_base_ + bytes_ + (uint64_t{1} << 30)) & ~uint64_t{page - 1};
    mapping_ = mmap(nullptr, bytes_ + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (mapping_ == MAP_FAILED) {
        throw std::bad_alloc();
    }
    ram_ = static_cast<uint8_t*>(mapping_) + page;
    if (mprotect(ram_, bytes_, PROT_READ | PROT_WRITE) != 0) {
        munmap(mapping_, bytes_ + 2 * page);
        throw std::bad_alloc();
    }
    hide(ram_, bytes_);
}

inline GuestMemory::~GuestMemory() {
    show(ram_, bytes_);
    munmap(mapping_, bytes_ + 2 * page);
}

inline Pages GuestMemory::allocate_pages(size_t count) {
    std::lock_guard const lock(mutex_);
    if (must_fail() || count == 0) {
        return {};
    }
    NextRun how = next_;
    how.scatter = how.scatter && count > 1;
    size_t const mapped = count + (how.misalign_virt != 0 ? 1 : 0);
    auto const first = find_pages(mapped);
    if (!first) {
        return {};
    }
    bool const keep_scatter = next_.scatter && !how.scatter;  // one page cannot be scattered: wait for a longer run
    next_ = {};
    next_.scatter = keep_scatter;
    auto extents = lay_out(*first, count, how);
    Pages const pages{ram_ + *first * page + how.misalign_virt, PhysAddr{extents[0].phys + how.misstate_phys}, count};
    own({pages, *first, mapped, std::move(extents), false});
    return pages;
}

inline void GuestMemory::free_pages(Pages pages) {
    std::lock_guard const lock(mutex_);
    Run const* const run = find_run(pages.virt);
    if (run == nullptr || run->is_buffer) {
        log_.report(rule::free_unknown_run, reinterpret_cast<uintptr_t>(pages.virt));
        return;
    }
    if (run->pages.virt != pages.virt || run->pages.phys != pages.phys || run->pages.count != pages.count) {
        log_.report(rule::free_other_run, run->pages.phys != pages.phys ? pages.phys.value : pages.count);
        return;
    }
    if (is_held(*run)) {
        log_.report(rule::memory_in_use, pages.phys.value);
        return;
    }
    disown(*run);
}

inline PhysAddr GuestMemory::phys_addr(void const* virt) const {
    std::lock_guard const lock(mutex_);
    if (Run const* const run = find_run(virt)) {
        auto const offset = static_cast<size_t>(static_cast<uint8_t const*>(virt) - ram_);
        for (auto const& extent : run->extents) {
            if (offset >= extent.offset && offset - extent.offset < extent.bytes) {
                return PhysAddr{extent.phys + (offset - extent.offset)};
            }
        }
    }
    log_.report(rule::translate_foreign, reinterpret_cast<uintptr_t>(virt));
    return PhysAddr{~uint64_t{0}};
}

inline void GuestMemory::pages_leaked(Pages pages) {
    std::lock_guard const lock(mutex_);
    Run const* const run = find_run(pages.virt);
    if (run == nullptr || run->pages.virt != pages.virt || run->pages.count != pages.count) {
        log_.report(rule::leak_unknown_run, reinterpret_cast<uintptr_t>(pages.virt));
        return;
    }
    leaked_pages_ += pages.count;
}

inline size_t GuestMemory::pages_outstanding() const {
    std::lock_guard const lock(mutex_);
    size_t count = 0;
    for (auto const& [first_page, run] : runs_) {
        count += run.is_buffer ? 0 : run.pages.count;
    }
    return count;
}

inline Buffer GuestMemory::allocate_buffer(size_t bytes, size_t alignment) {
    std::lock_guard const lock(mutex_);
    size_t const count = (bytes + alignment + page - 1) / page;
    auto const first = find_pages(count);
    if (!first) {
        throw std::bad_alloc();
    }
    auto extents = lay_out(*first, count, {});
    size_t const start = (count * page - bytes) / alignment * alignment;
    Buffer const buffer{ram_ + *first * page + start, PhysAddr{extents[0].phys + start}, bytes};
    own({{ram_ + *first * page, PhysAddr{extents[0].phys}, count}, *first, count, std::move(extents), true});
    return buffer;
}

inline void GuestMemory::free_buffer(Buffer const& buffer) {
    std::lock_guard const lock(mutex_);
    Run const* const run = find_run(buffer.virt);
    if (run == nullptr || !run->is_buffer) {
        log_.report(rule::free_unknown_run, reinterpret_cast<uintptr_t>(buffer.virt));
    } else if (is_held(*run)) {
        log_.report(rule::memory_in_use, buffer.phys.value);
    } else {
        disown(*run);
    }
}

inline uint8_t* GuestMemory::virt(PhysAddr phys, size_t bytes) const {
    std::lock_guard const lock(mutex_);
    auto after = extents_.upper_bound(phys.value);
    if (after == extents_.begin()) {
        return nullptr;
    }
    Extent const& extent = std::prev(after)->second;
    uint64_t const inside = phys.value - extent.phys;
    bool const fits = inside <= extent.bytes && bytes <= extent.bytes - inside;
    return fits ? ram_ + extent.offset + inside : nullptr;
}

inline uint64_t GuestMemory::hold(PhysAddr phys, uint64_t bytes) {
    std::lock_guard const lock(mutex_);
    held_.emplace(next_token_, Range{phys.value, bytes});
    return next_token_++;
}

inline bool GuestMemory::must_fail() {
    size_t const number = allocations_++;
    return fail_all_ || std::find(failing_.begin(), failing_.end(), number) != failing_.end();
}

/// First fit after the last run, then from the start. Leaves one page that nobody owns between two runs.
inline std::optional<size_t> GuestMemory::find_pages(size_t count) {
    auto found = find_pages_from(cursor_, owned_.size(), count);
    if (!found) {
        found = find_pages_from(0, owned_.size(), count);
    }
    if (found) {
        cursor_ = *found + count + 1;
    }
    return found;
}

inline std::optional<size_t> GuestMemory::find_pages_from(size_t begin, size_t end, size_t count) const {
    for (size_t first = begin; first + count <= end;) {
        if (first != 0 && owned_[first - 1]) {  // before page 0 is the guard page
            ++first;
            continue;
        }
        size_t const behind = std::min(first + count + 1, end);
        size_t i = first;
        while (i < behind && !owned_[i]) {
            ++i;
        }
        if (i == behind) {
            return first;
        }
        first = i + 1;
    }
    return std::nullopt;
}

/// The physical addresses of a run: in step with the mapping, unless a knob changes that.
inline std::vector<GuestMemory::Extent> GuestMemory::lay_out(size_t first_page, size_t count, NextRun const& how) {
    size_t const offset = first_page * page + how.misalign_virt;
    bool const elsewhere = how.misalign_virt != 0 || how.misalign_phys != 0 || how.scatter;
    uint64_t const start = how.phys ? how.phys->value : elsewhere ? window_ : phys_base_ + first_page * page;
    window_ += 2 * (count + 1) * page;
    if (!how.scatter) {
        return {{start + how.misalign_phys, offset, count * page}};
    }
    std::vector<Extent> extents;
    for (size_t i = 0; i < count; ++i) {  // every other physical page, with nothing in between
        extents.push_back({start + how.misalign_phys + 2 * i * page, offset + i * page, page});
    }
    return extents;
}

inline GuestMemory::Run const* GuestMemory::find_run(void const* virt) const {
    auto const* const address = static_cast<uint8_t const*>(virt);
    if (address < ram_ || address >= ram_ + bytes_) {
        return nullptr;
    }
    size_t const wanted = static_cast<size_t>(address - ram_) / page;
    auto const after = runs_.upper_bound(wanted);
    if (after == runs_.begin()) {
        return nullptr;
    }
    Run const& run = std::prev(after)->second;
    return wanted < run.first_page + run.page_count ? &run : nullptr;
}

inline bool GuestMemory::is_held(Run const& run) const {
    for (auto const& [token, range] : held_) {
        for (auto const& extent : run.extents) {
            if (range.phys < extent.phys + extent.bytes && extent.phys < range.phys + range.bytes) {
                return true;
            }
        }
    }
    return false;
}

inline void GuestMemory::own(Run run) {
    uint8_t* const begin = ram_ + run.first_page * page;
    show(begin, run.page_count * page);
    constexpr size_t period = 256;
    for (size_t i = 0; i < period; ++i) {
        begin[i] = static_cast<uint8_t>(0x80u | (i * 7 + run.first_page));  // dirty, and never 0
    }
    for (size_t i = period; i < run.page_count * page; i += period) {
        std::memcpy(begin + i, begin, period);
    }
    for (size_t i = 0; i < run.page_count; ++i) {
        owned_[run.first_page + i] = true;
    }
    for (auto const& extent : run.extents) {
        extents_[extent.phys] = extent;
    }
    size_t const first_page = run.first_page;
    runs_.emplace(first_page, std::move(run));
}

inline void GuestMemory::disown(Run const& run) {
    std::memset(ram_ + run.first_page * page, 0xdd, run.page_count * page);
    hide(ram_ + run.first_page * page, run.page_count * page);
    for (size_t i = 0; i < run.page_count; ++i) {
        owned_[run.first_page + i] = false;
    }
    for (auto const& extent : run.extents) {
        extents_.erase(extent.phys);
    }
    runs_.erase(run.first_page);
}

inline void GuestMemory::hide([[maybe_unused]] void const* begin, [[maybe_unused]] size_t bytes) {
#if defined(VIRTQ_SIM_ASAN)
    __asan_poison_memory_region(begin, bytes);
#endif
}

inline void GuestMemory::show([[maybe_unused]] void const* begin, [[maybe_unused]] size_t bytes) {
#if defined(VIRTQ_SIM_ASAN)
    __asan_unpoison_memory_region(begin, bytes);
#endif
}

static_assert(PageAllocator<GuestMemory>);
static_assert(TranslatesAddresses<GuestMemory>);
static_assert(ReportsLeaks<GuestMemory>);

}  // namespace virtq::sim
