// SPDX-License-Identifier: MIT
//
// virtq's queue of 256, compiled once for each format and style of request. A driver uses only one of them, and if
// several shared a file, the compiler would inline less.
//
//   BENCH_FORMAT    Split, Packed, NegotiatedSplit, NegotiatedPacked or PlainSplit
//   BENCH_SEGMENTS  how many segments a request has; 0: known at run time only
#include "virtq_ring.hpp"

namespace bench {

struct NegotiatedSplit {
    using Format = virtq::AnyFormat;
    using Device = SplitDevice;
};
struct PlainSplit {
    using Format = virtq::PlainSplit;
    using Device = SplitDevice;
};
struct NegotiatedPacked {
    using Format = virtq::AnyFormat;
    using Device = PackedDevice;
};

template <class Kind, unsigned Segments>
Contender* make_virtq_256(Case const& which) {
    return make_machine<VirtqRing<256, typename Kind::Format, Segments>, typename Kind::Device>(which);
}
template Contender* make_virtq_256<BENCH_FORMAT, BENCH_SEGMENTS>(Case const& which);

}  // namespace bench
