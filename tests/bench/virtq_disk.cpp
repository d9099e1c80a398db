// SPDX-License-Identifier: MIT
//
// Reads by BlockDevice from a device with registers in memory. Compiled once for each format, as virtq_256.cpp is:
// BENCH_FORMAT is Split or Packed.
#include "disk_ring.hpp"

namespace bench {

struct Split {
    using Format = virtq::Split;
    using Device = SplitDeviceOf<DiskChain>;
};
struct Packed {
    using Format = virtq::Packed;
    using Device = PackedDeviceOf<DiskChain>;
};

template <class Kind>
Contender* make_virtq_disk(Case const& which) {
    return make_machine<DiskRing<typename Kind::Format>, typename Kind::Device>(which);
}
template Contender* make_virtq_disk<BENCH_FORMAT>(Case const& which);

}  // namespace bench
