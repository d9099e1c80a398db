// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/detail/text_writer.hpp>
#include <virtq/diag/queue_snapshot.hpp>
#include <virtq/diag/text_sink.hpp>
#include <virtq/queue/detail/slot.hpp>
#include <virtq/queue/index.hpp>
#include <virtq/spec/split_ring.hpp>

#include <stdint.h>

namespace virtq::detail {

/// What the pictures of split and packed queues share.
template <class Sink>
class Picture {
protected:
    static constexpr unsigned indent = 14;
    static constexpr unsigned inset = 23;  ///< column at which a descriptor's text continues

    Picture(QueueSnapshot const& seen, Sink& sink, Lines budget) : seen_(seen), out_(sink), budget_(budget.count) {}

    /// From here on, lines count against the budget.
    void begin_entries() { first_ = out_.lines(); }
    /// Whether one more entry may be printed. Counts the entries that are left out. An entry takes two lines if the
    /// device wrote unknown flags into it, so printed lines are counted, not entries.
    [[__nodiscard__]] bool may_print() {
        if (out_.lines() - first_ >= budget_) {
            ++left_out_;
            return false;
        }
        return true;
    }
    TextWriter<Sink>& label(char const* name) { return out_.text("  ").text(name).column(indent); }

    void print_head() {
        out_.text("virtq: ").text(seen_.is_packed() ? "packed " : "").text("queue of ").decimal(seen_.size);
        out_.text(", ").decimal(seen_.num_free).text(" free, ").decimal(seen_.outstanding()).text(" outstanding");
        out_.words(seen_.event_idx ? ", EVENT_IDX" : "", indent).words(seen_.in_order ? ", IN_ORDER" : "", indent);
        out_.line();
        if (seen_.size == 0) {
            return;
        }
        print_pages("pages", seen_.pages);
        if (seen_.table_pages.count != 0) {
            print_pages("tables", seen_.table_pages);
        }
        label("descriptors").hex(seen_.addresses.descriptor_area.value).line();
    }
    void print_fault() {
        if (seen_.fault) {
            label("broken").decimal(seen_.fault.value).text(": ").words(describe(seen_.fault.reason), indent);
            out_.line();
        }
    }
    void print_left_out() {
        if (left_out_ != 0) {
            out_.text("  ... and ").decimal(left_out_).text(" more entries").line();
        }
    }

    /// Number and owner of a descriptor; the rest of the line follows.
    TextWriter<Sink>& begin_descriptor(uint16_t number, char const* owner) {
        return out_.text("  ").decimal(number).column(9).text(owner).column(inset);
    }
    void print_segment(spec::Descriptor const& entry) {
        out_.hex(entry.addr).column(42).text("len ").hex(entry.len);
        out_.text(has(entry, spec::DescFlag::indirect) ? ", indirect"
                  : has(entry, spec::DescFlag::write)  ? ", writable"
                                                       : ", readable");
    }
    /// Prints the segments of an indirect table, whose length is `bytes` according to the ring.
    template <class Inspector>
    void print_table(Inspector const& ring, TableIndex table, uint32_t bytes) {
        uint32_t const entries = bytes / sizeof(spec::Descriptor);
        for (uint16_t i = 0; i < entries && i < ring.table_length(); ++i) {
            if (may_print()) {
                spec::Descriptor const entry = ring.table_entry(table, i);
                out_.column(9).text("[").decimal(i).text("] in table").column(inset);
                print_segment(entry);
                out_.line();
            }
        }
    }
    [[__nodiscard__]] static bool has(spec::Descriptor const& entry, spec::DescFlag flag) {
        return (entry.flags & static_cast<uint16_t>(flag)) != 0;
    }

    QueueSnapshot const seen_;
    TextWriter<Sink> out_;

private:
    void print_pages(char const* name, Pages const& pages) {
        label(name).hex(pages.phys.value).text(", ").decimal(static_cast<uint32_t>(pages.count)).line();
    }

    uint32_t const budget_;  ///< of lines
    uint32_t first_ = 0;     ///< number of the first line that counts
    uint32_t left_out_ = 0;
};

}  // namespace virtq::detail
