// SPDX-License-Identifier: MIT
#include "virtq_ring.hpp"

bench::Contender* bench::make_virtq_negotiated(Case const& which) {
    return which.is_packed() ? make_virtq<virtq::Negotiated, PackedDevice>(which)
                             : make_virtq<virtq::Negotiated, SplitDevice>(which);
}
