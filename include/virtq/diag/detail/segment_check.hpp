// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/address_range.hpp>
#include <virtq/diag/diagnosis.hpp>
#include <virtq/queue/index.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

namespace virtq::detail {

[[__nodiscard__]] constexpr Cause cause_of(AddressTrouble trouble) {
    switch (trouble) {
        case AddressTrouble::none: break;
        case AddressTrouble::zero: return Cause::buffer_address_zero;
        case AddressTrouble::looks_virtual: return Cause::buffer_address_virtual;
        case AddressTrouble::inside_ring: return Cause::buffer_inside_ring;
        case AddressTrouble::outside_ram: return Cause::buffer_outside_ram;
    }
    return Cause::none;
}

/// What is wrong with the address of a descriptor; `Cause::none` if nothing.
[[__nodiscard__]] inline Finding judge_segment(DescIndex desc, spec::Descriptor const& entry, Pages const& pages,
                                               Span<AddressRange const> ram) {
    Cause const cause = cause_of(judge_buffer(PhysAddr{entry.addr}, entry.len, pages, ram));
    return cause == Cause::none ? Finding{} : Finding{cause, number(desc), entry.addr};
}

}  // namespace virtq::detail
