// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/result.hpp>
#include <virtq/queue/page_run.hpp>

#include <stdint.h>

namespace virtq {

/// The pages of a ring, and whether the device may still write to them.
class QueuePages {
public:
    template <PageAllocator Allocator>
    [[nodiscard]] Status take(Allocator& allocator, uint32_t count) {
        Result<Pages> const run = take_run(allocator, count);
        if (!run) {
            return run.error();
        }
        virt_ = run->virt;
        phys_ = run->phys;
        count_ = count;
        return {};
    }
    template <PageAllocator Allocator>
    void give_back(Allocator& allocator) {
        allocator.free_pages(run());
        virt_ = nullptr;
    }

    [[nodiscard]] bool held() const { return virt_ != nullptr; }
    [[nodiscard]] Pages run() const { return held() ? Pages{virt_, phys_, count_} : Pages{}; }
    [[nodiscard]] PhysAddr phys() const { return phys_; }
    [[nodiscard]] uint32_t count() const { return count_; }

    void attach() { live_ = true; }
    void detach() { live_ = false; }
    [[nodiscard]] bool live() const { return live_; }

private:
    void* virt_ = nullptr;
    PhysAddr phys_;
    uint32_t count_ = 0;  ///< 32 bits, as all numbers of a queue fit them
    bool live_ = false;
};

}  // namespace virtq
