// SPDX-License-Identifier: MIT
#include "virtq_ring.hpp"

bench::Contender* bench::make_virtq_packed(Case const& which) {
    return make_virtq<virtq::Packed, PackedDevice>(which);
}
