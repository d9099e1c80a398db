// SPDX-License-Identifier: MIT
//
// Prints FORMAT N BYTES, the private memory of a queue, for each format and size. Then prints "pages" FEATURES RING
// TABLES, the pages that a queue of 256 takes from the kernel.
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <cstdio>
#include <cstdlib>

namespace {

struct Pages {
    virtq::Pages allocate_pages(size_t count) {
        void* const first = std::aligned_alloc(virtq::page_bytes, count * virtq::page_bytes);
        return {first, virtq::PhysAddr{reinterpret_cast<uintptr_t>(first)}, count};
    }
    void free_pages(virtq::Pages pages) { std::free(pages.virt); }
};

template <unsigned N>
void print_bytes() {
    std::printf("Split %u %zu\n", N, sizeof(virtq::VirtQueue<N, virtq::Split>));
    std::printf("PlainSplit %u %zu\n", N, sizeof(virtq::VirtQueue<N, virtq::PlainSplit>));
    std::printf("Packed %u %zu\n", N, sizeof(virtq::VirtQueue<N, virtq::Packed>));
    std::printf("AnyFormat %u %zu\n", N, sizeof(virtq::VirtQueue<N, virtq::AnyFormat>));
}

virtq::VirtQueue<256, virtq::AnyFormat> queue;

void print_pages(char const* name, virtq::Features const& features) {
    Pages pages;
    if (!queue.init(pages, 256, features)) {
        std::exit(1);
    }
    std::printf("pages %s %zu %zu\n", name, queue.pages().count, queue.table_pages().count);
    static_cast<void>(queue.release(pages));
}

}  // namespace

int main() {
    using enum virtq::spec::Feature;
    using virtq::Features;
    print_bytes<8>();
    print_bytes<64>();
    print_bytes<256>();
    print_bytes<1024>();
    print_bytes<4096>();
    print_bytes<32768>();
    print_pages("split", Features::of(version_1));
    print_pages("split-indirect", Features::of(version_1, indirect_desc));
    print_pages("packed", Features::of(version_1, ring_packed));
    print_pages("packed-indirect", Features::of(version_1, ring_packed, indirect_desc));
}
