// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/chain_finding.hpp>
#include <virtq/diag/detail/packed/packed_inspector.hpp>
#include <virtq/queue/detail/mark.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Compares the chains in flight in the shared memory of a packed ring with what the driver knows, and judges their
/// addresses. Reads each word of a descriptor once.
///
/// The device overwrites descriptors, so only those after its last used one are as the driver wrote them. With
/// IN_ORDER the place of each chain is known. Otherwise chains are found by the ids that the driver wrote, from the
/// last added one backwards. If an id of published descriptors is in the ring twice, the later chain is in flight and
/// the earlier one is answered.
template <uint32_t N>
class PackedChainCheck : ChainJudge {
public:
    PackedChainCheck(ChainFindings& found, PackedInspector<N> const& ring, QueueSnapshot const& seen,
                     Span<AddressRange const> ram)
        : ChainJudge(found, seen, ram),
          ring_(ring),
          at_(seen.packed_ring.taken),
          flags_offset_(at_.offset()),
          flags_(seen.packed_ring.flags),
          hidden_(ring.first_pending()) {}

    void check() {
        if (seen_.in_order) {
            check_in_order();
        } else if (seen_.fault.reason != FaultReason::drained && skip_used()) {
            check_published(seen_.fault ? distance() : check_pending());
        }
    }

private:
    /// With IN_ORDER chains and ids are in sequence.
    void check_in_order() {
        BufferId id = ring_.oldest();
        uint32_t const all = seen_.outstanding();
        uint32_t used_count = seen_.packed_ring.batch;
        for (uint32_t i = 0; i < all; ++i) {
            if (i == used_count && i < seen_.packed_ring.in_flight && is_used(at_)) {
                used_count += ahead(id, ring_.used_at(at_.offset()).id) + 1u;
                if (used_count > seen_.packed_ring.in_flight) {
                    return;  // invalid: taking it will break the queue
                }
            }
            Extent const extent = ring_.shadow().extent(id);
            // In a broken queue it is unknown which descriptor is hidden.
            if (i >= used_count && (i < seen_.packed_ring.in_flight || !seen_.fault)) {
                check(at_, id, extent, ring_.id(place(extent.descriptors() - 1u).offset()));
            }
            at_.advance(extent.descriptors(), seen_.size);
            id = ring_.following(id);
        }
    }
    /// Distance from one id to a later one. For an invalid id of the device: the queue size, more than any valid
    /// distance.
    [[__nodiscard__]] uint32_t ahead(BufferId from, uint32_t id) const {
        return id < seen_.size ? (id + seen_.size - number(from)) % seen_.size : seen_.size;
    }

    /// Moves `at_` past the descriptors that the device has used. False if the device wrote an invalid id. `at_` never
    /// moves past what was published, even if the device uses an unpublished id or one id twice.
    [[__nodiscard__]] bool skip_used() {
        uint32_t left = distance() - uint32_t{seen_.packed_ring.pending_descriptors};
        while (left != 0 && is_used(at_)) {
            uint16_t const id = ring_.used_at(at_.offset()).id;
            if (id >= seen_.size || !ring_.is_published(static_cast<BufferId>(id))) {
                return false;  // invalid: taking it will break the queue
            }
            uint16_t const count = ring_.shadow().extent(static_cast<BufferId>(id)).descriptors();
            if (count > left) {
                return false;
            }
            at_.advance(count, seen_.size);
            left -= count;
        }
        return true;
    }

    /// Checks the unpublished chains, from the last to the first, and returns how many descriptors are before them. The
    /// id of each pending chain is there once, and no other id. A wrong one ends the check, because the length of its
    /// chain is unknown then. In a queue above `ids_told_apart` an id that is there twice is not found.
    [[__nodiscard__]] uint32_t check_pending() {
        uint32_t const before = distance() - uint32_t{seen_.packed_ring.pending_descriptors};
        for (uint32_t left = distance(); left != before;) {
            PackedPosition const last = place(left - 1);
            uint16_t const id = ring_.id(last.offset());
            if (!is_next_pending(id, left - before)) {
                note(last.offset(), id, missing_id());
                break;
            }
            auto const buffer = static_cast<BufferId>(id);
            Extent const extent = ring_.shadow().extent(buffer);
            left -= extent.descriptors();
            check(place(left), buffer, extent, id);
        }
        return before;
    }
    /// Whether `id` is of a pending chain that was not met, with at most `room` descriptors.
    [[__nodiscard__]] bool is_next_pending(uint16_t id, uint32_t room) {
        auto const buffer = static_cast<BufferId>(id);
        if (id >= seen_.size || !ring_.is_pending(buffer) || ring_.shadow().extent(buffer).descriptors() > room) {
            return false;
        }
        return !met_before(id) || seen_.size > ids_told_apart;
    }
    /// The lowest id of a pending chain that was not met. If one chain is left, it is the id that was overwritten.
    [[__nodiscard__]] uint16_t missing_id() {
        for (uint16_t id = 0; id < seen_.size; ++id) {
            if (ring_.is_pending(static_cast<BufferId>(id)) && !met_before(id)) {
                return id;
            }
        }
        return 0;  // several ids share a bit
    }

    /// Checks the `left` descriptors from `at_` on.
    void check_published(uint32_t left) {
        while (left != 0) {
            PackedPosition const last = place(left - 1);
            uint16_t const id = ring_.id(last.offset());
            note(last.offset(), id, id < seen_.size ? id : 0);
            auto const buffer = static_cast<BufferId>(id);
            if (id >= seen_.size || !is_in_flight(buffer) || met_before(id)) {
                check_answered(last);
                --left;
                continue;
            }
            Extent const extent = ring_.shadow().extent(buffer);
            if (extent.descriptors() > left) {
                return;  // the device has overwritten its beginning
            }
            left -= extent.descriptors();
            if (!ring_.is_pending(buffer)) {  // if broken, the hidden one is unknown
                check(place(left), buffer, extent, id);
            }
        }
    }
    [[__nodiscard__]] PackedPosition place(uint32_t behind) const {
        PackedPosition position = at_;
        position.advance(static_cast<uint16_t>(behind), seen_.size);
        return position;
    }

    /// Checks a descriptor that the driver wrote for a chain that the device has used at another place in the ring.
    void check_answered(PackedPosition at) {
        uint16_t const flags = flags_of(at);
        note(at.offset(), flags & PackedPosition::both_flags, at.available_flags());
    }

    /// Checks a chain from its last descriptor, whose id was read already, to its first.
    void check(PackedPosition first, BufferId id, Extent extent, uint16_t last_id) {
        ChainShape shape{static_cast<DescIndex>(first.offset())};
        uint16_t const count = extent.descriptors();
        uint16_t direction = write_flag;
        for (uint16_t i = count; i != 0; --i) {
            PackedPosition at = first;
            at.advance(static_cast<uint16_t>(i - 1), seen_.size);
            uint16_t const offset = at.offset();
            note(offset, i == count ? last_id : ring_.id(offset), number(id));
            uint16_t const flags = flags_of(at);
            Segment const segment = ring_.segment(offset);
            spec::Descriptor const entry{segment.addr.value, segment.bytes, flags, 0};
            if (extent.has_table()) {
                note(offset, flags, expected_flags(at, indirect_flag));
                return check_table(ring_, offset, entry, extent.table(), 0, ring_.shadow().bytes(id));
            }
            direction = static_cast<uint16_t>(direction & flags);
            uint16_t const linked = i != count ? next_flag : uint16_t{0};
            note(offset, flags, expected_flags(at, static_cast<uint16_t>(linked | direction)));
            judge_segment(offset, entry);
            shape.add_in_front(entry);
        }
        judge_chain(shape, ring_.shadow().bytes(id));
    }

    [[__nodiscard__]] uint16_t expected_flags(PackedPosition at, uint16_t flags) const {
        return static_cast<uint16_t>((at.available_flags() ^ (is_hidden(at) ? PackedPosition::avail_flag : 0)) |
                                     flags);
    }
    /// Whether this is the first unpublished descriptor. `publish` corrects its AVAIL flag last: until then the flag is
    /// inverted, and hides all descriptors behind it.
    [[__nodiscard__]] bool is_hidden(PackedPosition at) const {
        return seen_.packed_ring.pending_descriptors != 0 && at.offset() == hidden_;
    }
    /// Whether `id` is of a chain among those that `check_published` visits: in a broken queue also an unpublished one.
    [[__nodiscard__]] bool is_in_flight(BufferId id) const {
        return ring_.is_published(id) || (seen_.fault && ring_.is_pending(id));
    }

    /// Descriptors from `at_` to the last added one.
    [[__nodiscard__]] uint16_t distance() const {
        PackedPosition const next = seen_.packed_ring.next;
        return static_cast<uint16_t>(next.offset() + (next.wrap() != at_.wrap() ? seen_.size : 0) - at_.offset());
    }

    /// Keeps the flags that it reads: those of the first unused descriptor are needed again, and are read only once.
    [[__nodiscard__]] bool is_used(PackedPosition at) {
        flags_ = flags_of(at);
        flags_offset_ = at.offset();
        return (flags_ & PackedPosition::both_flags) == at.used_flags();
    }
    [[__nodiscard__]] uint16_t flags_of(PackedPosition at) const {
        return at.offset() == flags_offset_ ? flags_ : ring_.flags(at.offset());
    }

    PackedInspector<N> const& ring_;
    PackedPosition at_;  ///< after what the device has used
    uint16_t flags_offset_;
    uint16_t flags_;
    uint16_t hidden_;  ///< offset of the first descriptor that is not published
};

}  // namespace virtq::detail
