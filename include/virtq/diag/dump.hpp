// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/ring_inspector.hpp>
#include <virtq/diag/text_writer.hpp>
#include <virtq/queue/mark.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

namespace virtq {

/// How many lines `dump` may print: a queue can have 32768 descriptors, and a serial line is slow.
struct Lines {
    uint32_t count;
};

namespace detail {

/// Prints a queue: its numbers, whose each descriptor is, and what waits in both rings.
template <uint32_t N, class Sink>
class Picture {
public:
    Picture(VirtQueue<N, Split> const& queue, Sink& sink, Lines budget)
        : ring_(queue), seen_(ring_.snapshot()), out_(sink), left_(budget.count) {}

    void print() {
        print_numbers();
        if (seen_.size != 0) {
            print_descriptors();
            print_free();
            print_avail();
            print_used();
        }
        if (left_out_ != 0) {
            out_.text("  ... and ").decimal(left_out_).text(" more lines").line();
        }
    }

private:
    using Holder = Mark::Holder;

    static constexpr unsigned indent = 14;

    /// Whether one more line may be printed; counts those that may not.
    [[nodiscard]] bool may_print() {
        if (left_ == 0) {
            ++left_out_;
            return false;
        }
        --left_;
        return true;
    }
    TextWriter<Sink>& label(char const* name) { return out_.text("  ").text(name).column(indent); }

    void print_numbers() {
        out_.text("virtq: queue of ").decimal(seen_.size).text(", ").decimal(seen_.num_free).text(" free, ");
        out_.decimal(seen_.outstanding()).text(seen_.event_idx ? " outstanding, EVENT_IDX" : " outstanding").line();
        if (seen_.size == 0) {
            return;
        }
        label("pages").hex(seen_.pages.phys.value).text(", ");
        out_.decimal(static_cast<uint32_t>(seen_.pages.count)).line();
        label("descriptors").hex(seen_.addresses.descriptor_area.value).line();
        label("available").hex(seen_.addresses.driver_area.value).column(34).text("idx ");
        out_.decimal(number(seen_.avail_idx)).text(", flags ").hex(seen_.avail_flags);
        out_.text(", used_event ").decimal(number(seen_.used_event)).line();
        label("used").hex(seen_.addresses.device_area.value).column(34).text("idx ");
        out_.decimal(number(seen_.used_idx)).text(", flags ").hex(seen_.used_flags);
        out_.text(", avail_event ").decimal(number(seen_.avail_event)).line();
        label("driver").text("added ").decimal(number(seen_.added)).text(", published ");
        out_.decimal(number(seen_.published)).text(", decided ").decimal(number(seen_.decided));
        out_.text(", taken ").decimal(number(seen_.taken)).line();
        if (seen_.fault) {
            label("broken").decimal(seen_.fault.value).text(": ").words(describe(seen_.fault.reason), indent);
            out_.line();
        }
    }

    /// Each descriptor that is not free, chain by chain.
    void print_descriptors() {
        for (uint32_t i = 0; i < seen_.size; ++i) {
            auto const desc = static_cast<DescIndex>(static_cast<uint16_t>(i));
            Mark const mark = ring_.shadow().mark(desc);
            if (mark.is_pending_head()) {
                print_added(desc, "added");
            } else if (mark.is_held_by(Holder::added_head)) {
                print_added(desc, "in flight");
            } else if (mark.is_held_by(Holder::taken_head)) {
                print_added(desc, "taken");
            } else if (mark.is_held_by(Holder::pushed_head)) {
                print_pushed(desc);
            } else if (mark.is_held_by(Holder::caller)) {
                print_descriptor(desc, "the caller's");
            }
        }
    }

    /// A chain of `add`; its last descriptor links to an end.
    void print_added(DescIndex head, char const* owner) {
        print_descriptor(head, owner);
        for (Link link = ring_.shadow().link(head); !link.is_end();) {
            DescIndex const desc = link.target();
            link = ring_.shadow().link(desc);
            print_descriptor(desc, "  with it");
        }
    }

    void print_pushed(DescIndex head) {
        char const* owner = "in flight";
        DescIndex desc = head;
        for (uint32_t length = 0; length < seen_.size; ++length) {  // a chain is no longer than the queue
            print_descriptor(desc, owner);
            if (!ring_.shadow().mark(desc).has(spec::DescFlag::next)) {
                return;
            }
            owner = "  with it";
            desc = ring_.shadow().next(desc);
        }
    }

    void print_descriptor(DescIndex desc, char const* owner) {
        if (!may_print()) {
            return;
        }
        spec::Descriptor const entry = ring_.descriptor(desc);
        out_.text("  ").decimal(number(desc)).column(9).text(owner).column(23).hex(entry.addr).column(42);
        out_.text("len ").hex(entry.len);
        out_.text(has(entry, spec::DescFlag::write) ? ", writable" : ", readable");
        if (has(entry, spec::DescFlag::next)) {
            out_.text(", next ").decimal(entry.next);
        }
        if ((entry.flags & ~uint32_t{3}) != 0) {
            out_.text(", flags ").hex(entry.flags);
        }
        out_.line();
    }
    [[nodiscard]] static bool has(spec::Descriptor const& entry, spec::DescFlag flag) {
        return (entry.flags & static_cast<uint16_t>(flag)) != 0;
    }

    /// The free list in its order, runs as `3-7`.
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

    /// What was added and, as far as the used index shows, not used. After completions out of order some of these are
    /// used already, and some that wait stand before.
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
            label("used").text("idx is ahead of what was published: no entry can be believed").line();
            return;
        }
        for (RingIndex index = seen_.taken; index != seen_.used_idx; index = advance(index)) {
            if (may_print()) {
                spec::UsedElement const entry = ring_.used_element(index);
                label("used").text("[").decimal(number(index)).text("] head ").decimal(entry.id);
                out_.text(", written ").hex(entry.len).text(", not taken").line();
            }
        }
    }

    static constexpr unsigned runs_shown = 10;

    RingInspector<N> ring_;
    QueueSnapshot seen_;
    TextWriter<Sink> out_;
    uint32_t left_;
    uint32_t left_out_ = 0;
};

}  // namespace detail

/// Prints a picture of a queue, at most `budget` lines and about ten more, of at most 79 columns, to any callable
/// `void(char)`. Shared memory is only read, each word once. Calls on the queue must be serialised with it.
template <uint32_t N, class Sink>
    requires TextSink<Sink>
void dump(VirtQueue<N, Split> const& queue, Sink&& sink, Lines budget = Lines{64}) {
    detail::Picture{queue, sink, budget}.print();
}

/// The same of the first queue of a driver; of another one with `driver.ring(index)`.
template <class Driver, class Sink>
    requires TextSink<Sink> && requires(Driver const& driver) {
        driver.ring(uint16_t{0});
    }
void dump(Driver const& driver, Sink&& sink, Lines budget = Lines{64}) {
    dump(driver.ring(0), sink, budget);
}

}  // namespace virtq
