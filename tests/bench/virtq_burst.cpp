// SPDX-License-Identifier: MIT
//
// submit_burst() and take_burst() of a queue of 256. Compiled once for each format and number of segments, as
// virtq_256.cpp is.
#include "virtq_ring.hpp"

#include <virtq/queue/burst.hpp>

namespace bench {

/// `Segments` is 0 for an array of chains, whose lengths the compiler does not know.
template <class Format, unsigned Segments>
class BurstRing : public VirtqRing<256, Format, Segments> {
    using Base = VirtqRing<256, Format, Segments>;

public:
    Areas open(Case const& which) {
        Areas const areas = Base::open(which);
        chains_ = static_cast<virtq::Chain*>(allocate(sizeof(virtq::Chain) * which.batch, chains_offset));
        room_ = static_cast<virtq::Completion*>(allocate(sizeof(virtq::Completion) * which.size, room_offset));
        return areas;
    }
    void prepare(unsigned slot) {
        Base::prepare(slot);
        virtq::Segment const* const first = this->requests_ + slot * this->segments_;
        chains_[slot] = {{first, 1}, {first + 1, this->segments_ - 1}, virtq::Token{uintptr_t{slot + 1}}};
    }

    [[gnu::always_inline]] bool submit(unsigned batch) {
        virtq::SubmittedBurst const done = submit_all(batch);
        if (done.count != batch) {
            fail("a request was refused that should have fitted");
        }
        return static_cast<bool>(done.notification);
    }
    [[gnu::always_inline]] unsigned take(unsigned most, unsigned long& token_sum) {
        auto const count = static_cast<unsigned>(this->queue_.take_burst({room_, most}).count);
        for (unsigned i = 0; i < count; ++i) {
            token_sum += room_[i].token.value();
        }
        return count;
    }

private:
    static constexpr size_t chains_offset = 1088;
    static constexpr size_t room_offset = 3264;

    [[gnu::always_inline]] virtq::SubmittedBurst submit_all(unsigned batch) {
        if constexpr (Segments == 0) {
            return this->queue_.submit_burst({chains_, batch});
        } else {
            return this->queue_.submit_burst(batch, [requests = this->requests_](size_t slot) {
                virtq::Segment const* const first = requests + slot * Segments;
                virtq::Token const token{uintptr_t{slot + 1}};
                if constexpr (Segments == 1) {
                    return virtq::FixedChain<1, 0>{{first[0]}, token};
                } else {
                    static_assert(Segments == 3);
                    return virtq::FixedChain<1, 2>{{first[0], first[1], first[2]}, token};
                }
            });
        }
    }

    virtq::Chain* chains_ = nullptr;
    virtq::Completion* room_ = nullptr;
};

template <class Kind, unsigned Segments>
Contender* make_virtq_burst(Case const& which) {
    return make_machine<BurstRing<typename Kind::Format, Segments>, typename Kind::Device>(which);
}
template Contender* make_virtq_burst<BENCH_FORMAT, BENCH_SEGMENTS>(Case const& which);

}  // namespace bench
