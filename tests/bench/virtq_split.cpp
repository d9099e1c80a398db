// SPDX-License-Identifier: MIT
#include "virtq_ring.hpp"

bench::Contender* bench::make_virtq_split(Case const& which) {
    return make_virtq<virtq::Split, SplitDevice>(which);
}
