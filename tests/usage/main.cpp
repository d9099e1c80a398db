// SPDX-License-Identifier: MIT
//
// What a stranger's first program looks like: one include, an allocator of his own, one queue. Exits with 0 when the
// queue came up as it should.
#include <virtq/virtq.hpp>

#include <cstdio>
#include <cstdlib>

extern "C" void virtq_assertion_failed(char const* rule, char const* file, int line) {
    std::fprintf(stderr, "%s:%d: %s\n", file, line, rule);
    std::abort();
}

namespace {

class Heap {
public:
    virtq::Pages allocate_pages(size_t count) {
        void* const memory = std::aligned_alloc(virtq::page_bytes, count * virtq::page_bytes);
        return {memory, virtq::PhysAddr{reinterpret_cast<uintptr_t>(memory)}, count};
    }
    void free_pages(virtq::Pages pages) { std::free(pages.virt); }
};

virtq::VirtQueue<16> queue;

}  // namespace

int main() {
    Heap heap;
    virtq::Features const features = virtq::Features::of(virtq::spec::Feature::version_1);
    if (virtq::Status const up = queue.init(heap, 16, features); !up) {
        std::fprintf(stderr, "%s\n", virtq::describe(up.error()));
        return 1;
    }
    bool const good = queue.size() == 16 && queue.num_free() == 16;
    return good && queue.release(heap) ? 0 : 1;
}
