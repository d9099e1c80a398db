// SPDX-License-Identifier: MIT
#include "virtq_ring.hpp"

namespace bench {

template <unsigned N>
static Contender* make_of(Case const& which) {
    switch (which.format) {
        case Case::Format::split: return make_machine<VirtqRing<N, virtq::Split>, SplitDevice>(which);
        case Case::Format::packed: return make_machine<VirtqRing<N, virtq::Packed>, PackedDevice>(which);
        default: return nullptr;
    }
}

Contender* make_virtq_of_size(Case const& which) {
    if (which.style != Case::Style::span) {
        return nullptr;
    }
    switch (which.size) {
        case 8: return make_of<8>(which);
        case 64: return make_of<64>(which);
        case 1024: return make_of<1024>(which);
        case 4096: return make_of<4096>(which);
        case 32768: return make_of<32768>(which);
        default: return nullptr;
    }
}

}  // namespace bench
