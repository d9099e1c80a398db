// SPDX-License-Identifier: MIT
//
// The one C++ file of a kernel in C. It includes no header of the kernel, and declares the few functions that it needs.
#include <virtq/virtq.hpp>

extern "C" {
uint64_t kernel_alloc_contiguous(size_t pages);
void kernel_free_contiguous(uint64_t physical, size_t pages);
[[noreturn]] void panic(char const* sentence);

int disk_start(uintptr_t registers);
int disk_read(uint64_t sector, uint64_t buffer_physical);

void virtq_assertion_failed(char const* rule, char const*, int) {
    panic(rule);
}
}

namespace {

struct KernelPages {
    virtq::Pages allocate_pages(size_t count) {
        uint64_t const physical = kernel_alloc_contiguous(count);
        return {reinterpret_cast<void*>(static_cast<uintptr_t>(physical)), virtq::PhysAddr{physical}, count};
    }
    void free_pages(virtq::Pages pages) { kernel_free_contiguous(pages.phys.value, pages.count); }
};

KernelPages pages;
virtq::MmioTransport<> transport;
virtq::BlockDevice<virtq::MmioTransport<>, 64> disk;

}  // namespace

int disk_start(uintptr_t registers) {
    virtq::Status status = transport.probe(virtq::MmioSpace{registers});
    if (status) {
        status = disk.init(transport, pages);
    }
    return static_cast<int>(status.error());
}

int disk_read(uint64_t sector, uint64_t buffer_physical) {
    virtq::Segment const buffer{virtq::PhysAddr{buffer_physical}, 512};
    return static_cast<int>(disk.read(sector, buffer, virtq::PollLimit{1000}).error());
}
