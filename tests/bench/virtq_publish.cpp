// SPDX-License-Identifier: MIT
//
// publish() of a queue of 256 alone, compiled once for each format: BENCH_FORMAT is Split or Packed.
#include "virtq_ring.hpp"

namespace bench {

template <class Kind>
Contender* make_virtq_publish(Case const& which) {
    return make_machine<PublishRing<256, typename Kind::Format>, typename Kind::Device>(which);
}
template Contender* make_virtq_publish<BENCH_FORMAT>(Case const& which);

}  // namespace bench
