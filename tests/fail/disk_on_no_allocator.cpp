// SPDX-License-Identifier: MIT
// EXPECT: This page allocator has no public, non-const `void free_pages\(virtq::Pages pages\)`: add it
#include <virtq/virtq.hpp>

struct HalfAllocator {
    virtq::Pages allocate_pages(size_t count);
};

void bring_up(virtq::MmioTransport<>& transport, HalfAllocator& pages) {
    static virtq::BlockDevice<virtq::MmioTransport<>, 256> disk;
    static_cast<void>(disk.init(transport, pages));
}
