// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/picture.hpp>
#include <virtq/diag/detail/split/split_inspector.hpp>
#include <virtq/queue/detail/mark.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stdint.h>

namespace virtq::detail {

/// Prints a split queue: its indices, the owner of each descriptor, and the entries that wait in both rings.
template <class Ring, class Sink>
class SplitPicture : Picture<Sink> {
    using Base = Picture<Sink>;

public:
    SplitPicture(Ring const& ring, Sink& sink, Lines budget) : Base(ring.snapshot(), sink, budget), ring_(ring) {}

    void print_all() {
        this->print_head();
        if (seen_.size != 0) {
            print_numbers();
            if (seen_.in_order) {
                print_in_order();
            } else {
                print_descriptors();
            }
            print_free();
            print_avail();
            print_used();
        }
        this->print_left_out();
    }

private:
    using Holder = Mark::Holder;
    using Base::indent;
    using Base::inset;
    using Base::label;
    using Base::may_print;
    using Base::out_;
    using Base::seen_;

    void print_numbers() {
        label("available").hex(seen_.addresses.driver_area.value).column(34).text("idx ");
        out_.decimal(number(seen_.avail_idx)).text(", flags ").hex(seen_.avail_flags);
        out_.text(", used_event ").decimal(number(seen_.used_event)).line();
        label("used").hex(seen_.addresses.device_area.value).column(34).text("idx ");
        out_.decimal(number(seen_.used_idx)).text(", flags ").hex(seen_.used_flags);
        out_.text(", avail_event ").decimal(number(seen_.avail_event)).line();
        label("driver").text("added ").decimal(number(seen_.added)).text(", published ");
        out_.decimal(number(seen_.published)).text(", decided ").decimal(number(seen_.decided));
        out_.text(", taken ").decimal(number(seen_.taken)).line();
        this->print_fault();
    }

    /// Each descriptor that is not free, chain by chain.
    void print_descriptors() {
        for (uint32_t i = 0; i < seen_.size; ++i) {
            auto const desc = static_cast<DescIndex>(static_cast<uint16_t>(i));
            Mark const mark = ring_.shadow().mark(desc);
            if (mark.is_added_head()) {
                print_added(desc, ring_.extent(desc), ring_.is_pending(desc) ? "added" : "in flight");
            } else if (mark.is_held_by(Holder::taken_head)) {
                print_added(desc, ring_.extent(desc), "taken");
            } else if (mark.is_held_by(Holder::pushed_head)) {
                print_pushed(desc);
            } else if (mark.is_held_by(Holder::caller)) {
                static_cast<void>(print_descriptor(desc, "the caller's"));
            }
        }
    }

    /// With IN_ORDER: the chains, oldest first.
    void print_in_order() {
        DescIndex head = ring_.oldest_head();
        for (RingIndex index = seen_.taken; index != seen_.added; index = advance(index)) {
            Extent const extent = ring_.shadow().mark(ring_.place(index)).extent();
            bool const is_published = distance(seen_.taken, index) < seen_.offered();
            print_added(head, extent, is_published ? "in flight" : "added");
            head = ring_.behind(head, extent);
        }
    }

    /// A chain of `add`.
    void print_added(DescIndex head, Extent extent, char const* owner) {
        uint32_t const bytes = print_descriptor(head, owner);
        if (extent.has_table()) {
            return this->print_table(ring_, extent.table(), bytes);
        }
        DescIndex desc = head;
        for (uint16_t left = extent.descriptors(); left != 1; --left) {
            desc = ring_.shadow().next(desc);
            static_cast<void>(print_descriptor(desc, "  with it"));
        }
    }

    void print_pushed(DescIndex head) {
        char const* owner = "in flight";
        DescIndex desc = head;
        for (uint32_t length = 0; length < seen_.size; ++length) {  // a chain is no longer than the queue
            static_cast<void>(print_descriptor(desc, owner));
            if (!ring_.shadow().mark(desc).has(spec::DescFlag::next)) {
                return;
            }
            owner = "  with it";
            desc = ring_.shadow().next(desc);
        }
    }

    /// Returns its length; 0 if it was not printed.
    [[__nodiscard__]] uint32_t print_descriptor(DescIndex desc, char const* owner) {
        if (!may_print()) {
            return 0;
        }
        spec::Descriptor const entry = ring_.descriptor(desc);
        this->begin_descriptor(number(desc), owner);
        this->print_segment(entry);
        if (this->has(entry, spec::DescFlag::next)) {
            out_.words(", next ", inset).room(5, inset).decimal(entry.next);
        }
        if ((entry.flags & ~uint32_t{7}) != 0) {
            out_.words(", flags ", inset).room(6, inset).hex(entry.flags);
        }
        out_.line();
        return entry.len;
    }

    /// The free list in its order, with runs such as `3-7`.
    void print_free() {
        if (seen_.num_free == 0 || !may_print()) {
            return;
        }
        label("free");
        DescIndex desc = ring_.shadow().free_head();
        uint32_t left = seen_.num_free;
        for (unsigned runs = 0; left != 0; ++runs) {
            if (runs == runs_shown) {
                out_.words("...", indent);
                break;
            }
            DescIndex const first = desc;
            DescIndex last = desc;
            for (--left; left != 0; --left) {
                desc = ring_.shadow().next(last);
                if (number(desc) != number(last) + 1) {
                    break;
                }
                last = desc;
            }
            out_.decimal(number(first));
            if (last != first) {
                out_.text("-").decimal(number(last));
            }
            out_.words(" ", indent);
        }
        out_.line();
    }

    /// What was added and is not used, as far as the used index shows. If the device answers out of order, some of
    /// these are used already, and earlier ones may still wait.
    void print_avail() {
        RingIndex const from = seen_.is_used_idx_believable() ? seen_.used_idx : seen_.taken;
        for (RingIndex index = from; index != seen_.added; index = advance(index)) {
            if (may_print()) {
                label("available").text("[").decimal(number(index)).text("] head ").decimal(ring_.avail_entry(index));
                out_.text(distance(from, index) < distance(from, seen_.published) ? "" : ", not published").line();
            }
        }
    }

    void print_used() {
        if (!seen_.is_used_idx_believable()) {
            label("used").text("idx is ahead of what was published: no entry can be trusted").line();
            return;
        }
        for (RingIndex index = seen_.taken; index != seen_.used_idx; index = advance(index)) {
            if (may_print()) {
                print_used(index);
            }
        }
    }
    void print_used(RingIndex index) {
        label("used").text("[").decimal(number(index)).text("]");
        // With IN_ORDER a batch has only one used entry, its first. Where the next batch begins is not known here.
        if (!seen_.in_order || (index == seen_.taken && ring_.batch() == 0)) {
            spec::UsedElement const entry = ring_.used_element(index);
            out_.text(" head ").decimal(entry.id).text(", written ").hex(entry.len);
            out_.words(seen_.in_order ? " and what was used with it" : "", indent);
        }
        out_.words(", not taken", indent).line();
    }

    static constexpr unsigned runs_shown = 10;

    Ring const& ring_;
};

}  // namespace virtq::detail
