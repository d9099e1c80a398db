// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/address.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

namespace virtq {

/// Finds memory that two chains in flight both let the device write, as requests do that share one status byte. Each
/// segment is compared with the first `compared` ones, and no more: all with all would take seconds in a large queue,
/// and their ranges lie on a kernel's stack.
class WritableOverlap {
public:
    /// A segment of the present chain, in descriptor `desc`.
    void add(uint16_t desc, spec::Descriptor const& entry) {
        if ((entry.flags & static_cast<uint16_t>(spec::DescFlag::write)) == 0) {
            return;
        }
        if (finding_.cause == Cause::none && is_written_by_another(entry)) {
            finding_ = {Cause::buffer_shared, entry.addr, 0, desc};
        }
        if (count_ < compared) {
            ranges_[count_++] = {entry.addr, entry.len, chain_};
        }
    }
    void end_chain() { ++chain_; }

    /// The first such segment.
    [[__nodiscard__]] Finding const& finding() const { return finding_; }

private:
    struct Range {
        uint64_t start = 0;
        uint32_t bytes = 0;
        uint32_t chain = 0;
    };
    static constexpr unsigned compared = 32;  // 512 bytes

    [[__nodiscard__]] bool is_written_by_another(spec::Descriptor const& entry) const {
        for (unsigned i = 0; i < count_; ++i) {
            Range const& range = ranges_[i];
            if (range.chain != chain_ &&
                detail::overlaps(PhysAddr{entry.addr}, entry.len, {PhysAddr{range.start}, range.bytes})) {
                return true;
            }
        }
        return false;
    }

    Range ranges_[compared] = {};  // those from count_ on say nothing
    unsigned count_ = 0;
    uint32_t chain_ = 0;
    Finding finding_;
};

}  // namespace virtq
