// SPDX-License-Identifier: MIT
// The control: what the other programs do wrong, done right. It must compile, or their failures would prove nothing.
#include <virtq/virtq.hpp>

struct Pool {
    virtq::Pages allocate_pages(size_t) { return {}; }
    void free_pages(virtq::Pages) {}
    void pages_leaked(virtq::Pages) {}
};

uint64_t virt_to_phys(void const* pointer);

virtq::Status use(virtq::VirtQueue<8>& queue, Pool& pool, char const* buffer, virtq::MmioSpace& space) {
    virtq::ScopedQueue<8, Pool> scoped(pool);
    virtq::Segment const segment{virtq::PhysAddr{virt_to_phys(buffer)}, 512};
    virtq::platform::write_register(space, virtq::detail::WriteOnly<uint32_t>{0x50},
                                    virtq::platform::read_register(space, virtq::detail::ReadOnly<uint32_t>{0}));
    if (virtq::Result<virtq::DescIndex> const desc = queue.alloc_desc(); desc && !queue.has_used()) {
        queue.write_desc(*desc, segment.addr, segment.bytes, 0);
        queue.free_desc(*desc);
    }
    virtq::Status const up = queue.init(pool, 8, {});
    return up ? queue.release(pool) : up;
}
