// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/packed/packed_inspector.hpp>
#include <virtq/diag/detail/packed/packed_text.hpp>
#include <virtq/diag/detail/picture.hpp>
#include <virtq/queue/detail/mark.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Prints a packed queue: its positions, the chains in flight with their ids, and the ring from the next used
/// descriptor to the last added one.
///
/// The driver wrote the descriptors after the last used one. If the device answers out of order, an id there may be
/// answered already, and may belong to a later chain by now. Then the later chain counts.
template <uint32_t N, class Sink>
class PackedPicture : Picture<Sink> {
    using Base = Picture<Sink>;

public:
    PackedPicture(PackedInspector<N> const& ring, Sink& sink, Lines budget)
        : Base(ring.snapshot(), sink, budget),
          ring_(ring),
          at_(seen_.packed_ring.taken),
          flags_(seen_.packed_ring.flags) {}

    void print_all() {
        this->print_head();
        if (seen_.size != 0) {
            print_packed(out_, seen_, indent);
            this->print_fault();
            print_ids();
            left_ = seen_.packed_ring.span(seen_.size);
            if (seen_.in_order ? print_used_in_order() : print_used()) {
                print_rest();
            }
        }
        this->print_left_out();
    }

private:
    using Base::indent;
    using Base::inset;
    using Base::label;
    using Base::may_print;
    using Base::out_;
    using Base::seen_;

    void print_ids() {
        if (seen_.in_order) {
            BufferId id = ring_.oldest();
            for (uint32_t i = 0; i < seen_.outstanding(); ++i, id = ring_.following(id)) {
                bool const is_published = i < seen_.packed_ring.in_flight;
                print_id(id, i < seen_.packed_ring.batch ? "used" : is_published ? "in flight" : "added");
            }
            return;
        }
        for (uint32_t i = 0; i < seen_.size; ++i) {
            auto const id = static_cast<BufferId>(static_cast<uint16_t>(i));
            if (ring_.shadow().mark(id).is_head_in_flight()) {
                print_id(id, ring_.is_pending(id) ? "added" : "in flight");
            }
        }
    }
    void print_id(BufferId id, char const* state) {
        if (may_print()) {
            Extent const extent = ring_.shadow().extent(id);
            label("id").decimal(number(id)).column(19).text(state).column(29).decimal(extent.descriptors());
            out_.text(extent.descriptors() == 1 ? " descriptor" : " descriptors")
                .text(extent.has_table() ? " and a table" : "");
            out_.text(", writable ").hex(ring_.shadow().bytes(id)).line();
        }
    }

    /// Prints what the device has used and nobody has taken. True if the rest is what the driver wrote.
    [[__nodiscard__]] bool print_used() {
        while (left_ > seen_.packed_ring.pending_descriptors && is_used()) {
            PackedMemory::Used const entry = ring_.used_at(at_.offset());
            bool const known = entry.id < seen_.size && ring_.is_published(static_cast<BufferId>(entry.id));
            print_used(entry, known ? "" : ", which is not in flight");
            if (!known || !skip(ring_.shadow().extent(static_cast<BufferId>(entry.id)))) {
                return false;
            }
        }
        return true;
    }
    [[__nodiscard__]] bool print_used_in_order() {
        BufferId id = ring_.oldest();
        uint32_t used_count = seen_.packed_ring.batch;
        for (uint32_t i = 0; i < seen_.packed_ring.in_flight; ++i, id = ring_.following(id)) {
            if (i == used_count) {
                if (!is_used()) {
                    return true;
                }
                PackedMemory::Used const last = ring_.used_at(at_.offset());
                used_count += distance(id, last.id) + 1;
                print_used(last, used_count > seen_.packed_ring.in_flight ? ", which is not in flight"
                                                                          : " and what was used with it");
            }
            if (used_count > seen_.packed_ring.in_flight) {
                return false;
            }
            step(ring_.shadow().extent(id).descriptors());
        }
        return true;
    }
    [[__nodiscard__]] uint32_t distance(BufferId from, uint32_t id) const {
        return id < seen_.size ? (id + seen_.size - number(from)) % seen_.size : seen_.size;
    }
    void print_used(PackedMemory::Used const& entry, char const* remark) {
        if (may_print()) {
            this->begin_descriptor(at_.offset(), "used").text("id ").decimal(entry.id).words(remark, inset);
            out_.words(", written ", inset).room(10, inset).hex(entry.len).words(", not taken", inset).line();
        }
    }
    /// Moves past a chain. False if the device cannot have used it here.
    [[__nodiscard__]] bool skip(Extent extent) {
        uint16_t const count = extent.descriptors();
        if (count > left_ - seen_.packed_ring.pending_descriptors) {
            return false;
        }
        step(count);
        return true;
    }

    /// Prints what the driver wrote.
    void print_rest() {
        bool linked = false;
        for (; left_ != 0; step(1)) {
            if (!may_print()) {
                continue;
            }
            uint16_t const id = ring_.id(at_.offset());
            Segment const segment = ring_.segment(at_.offset());
            spec::Descriptor const entry{segment.addr.value, segment.bytes, flags_here(), 0};
            this->begin_descriptor(at_.offset(), linked ? "  with it" : owner_of(id));
            this->print_segment(entry);
            out_.text(", id ").decimal(id).line();
            linked = this->has(entry, spec::DescFlag::next);
            print_table_of(id, entry);
        }
    }
    [[__nodiscard__]] char const* owner_of(uint16_t id) const {
        if (left_ <= seen_.packed_ring.pending_descriptors) {
            return "added";
        }
        return seen_.in_order || is_in_flight(id) ? "in flight" : "answered";
    }
    [[__nodiscard__]] bool is_in_flight(uint16_t id) const {
        if (seen_.in_order) {
            return distance(ring_.oldest(), id) < seen_.outstanding();
        }
        return id < seen_.size && ring_.shadow().mark(static_cast<BufferId>(id)).is_head_in_flight();
    }
    void print_table_of(uint16_t id, spec::Descriptor const& entry) {
        if (this->has(entry, spec::DescFlag::indirect) && is_in_flight(id)) {
            if (Extent const extent = ring_.shadow().extent(static_cast<BufferId>(id)); extent.has_table()) {
                this->print_table(ring_, extent.table(), entry.len);
            }
        }
    }

    [[__nodiscard__]] bool is_used() { return (flags_here() & PackedPosition::both_flags) == at_.used_flags(); }
    /// The flags of the descriptor at `at_`, read once.
    [[__nodiscard__]] uint16_t flags_here() {
        if (!has_flags_) {
            flags_ = ring_.flags(at_.offset());
            has_flags_ = true;
        }
        return flags_;
    }
    void step(uint16_t count) {
        at_.advance(count, seen_.size);
        left_ = static_cast<uint16_t>(left_ - count);
        has_flags_ = false;
    }

    PackedInspector<N> const& ring_;
    PackedPosition at_;
    uint16_t left_ = 0;  ///< descriptors from `at_` to the last added one
    uint16_t flags_;     ///< of the descriptor at `at_`, if they were read
    bool has_flags_ = true;
};

}  // namespace virtq::detail
