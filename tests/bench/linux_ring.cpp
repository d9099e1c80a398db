// SPDX-License-Identifier: MIT
//
// Linux's own ring. It is called in its cheapest way (virtqueue_add_outbuf with one readable scatterlist), or as its
// block driver does (virtqueue_add_sgs with a readable and a writable scatterlist).
#include "linux/glue.h"
#include "machine.hpp"

namespace bench {

template <bool TwoLists>
class LinuxRing {
public:
    Areas open(Case const& which) {
        unsigned long long features = 1ull << 32;
        features |= which.is_packed() ? 1ull << 34 : 0;
        features |= which.event_idx ? 1ull << 29 : 0;
        features |= which.indirect ? 1ull << 28 : 0;
        queue_ = bench_linux_create(which.size, features, which.notifications ? 1 : 0);
        if (queue_ == nullptr) {
            fail("Linux makes no queue");
        }
        segments_ = which.segments;
        sg_bytes_ = bench_linux_sg_bytes();
        stride_ = sg_bytes_ * segments_;
        lists_ = static_cast<char*>(allocate(stride_ * which.batch, request_offset));
        return {virtqueue_get_desc_addr(queue_), virtqueue_get_avail_addr(queue_), virtqueue_get_used_addr(queue_)};
    }
    void prepare(unsigned slot) {
        for (unsigned i = 0; i < segments_; ++i) {
            bool const is_last = i + 1 == segments_ || (TwoLists && i == 0);
            bench_linux_fill_sg(lists_ + stride_ * slot, i, segment_address(slot, i), segment_bytes, is_last ? 1 : 0);
        }
    }

    bool add(unsigned slot) {
        char* const first = lists_ + stride_ * slot;
        void* const token = reinterpret_cast<void*>(uintptr_t{slot + 1});
        if constexpr (!TwoLists) {
            return virtqueue_add_outbuf(queue_, reinterpret_cast<scatterlist*>(first), segments_, token, gfp_atomic) ==
                   0;
        }
        scatterlist* lists[2] = {reinterpret_cast<scatterlist*>(first),
                                 reinterpret_cast<scatterlist*>(first + sg_bytes_)};
        unsigned const writable = segments_ > 1 ? 1 : 0;
        return virtqueue_add_sgs(queue_, lists, 1, writable, token, gfp_atomic) == 0;
    }
    bool publish() { return virtqueue_kick_prepare(queue_); }
    unsigned long take() {
        unsigned written;
        return reinterpret_cast<uintptr_t>(virtqueue_get_buf(queue_, &written));
    }

    [[nodiscard]] unsigned long private_bytes() const { return 0; }

private:
    static constexpr unsigned gfp_atomic = 2;

    virtqueue* queue_ = nullptr;
    char* lists_ = nullptr;
    size_t sg_bytes_ = 0;
    size_t stride_ = 0;  // bytes of a slot's list
    unsigned segments_ = 0;
};

template <bool TwoLists>
static Contender* make_with(Case const& which) {
    return which.is_packed() ? make_machine<LinuxRing<TwoLists>, PackedDevice>(which)
                             : make_machine<LinuxRing<TwoLists>, SplitDevice>(which);
}

Contender* make_linux(Case const& which) {
    if (which.in_order || which.style == Case::Style::fixed) {
        return nullptr;
    }
    return which.who == Case::Who::linux_sgs ? make_with<true>(which) : make_with<false>(which);
}

}  // namespace bench
