// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/diag/page_finding.hpp>
#include <virtq/platform/detail/word.hpp>
#include <virtq/platform/page_allocator.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq {

/// Checks every call of a kernel's page allocator. Put it between the allocator and the library while you bring up a
/// kernel. It is a page allocator itself. It also translates addresses, locates pages and reports leaks if the
/// kernel's allocator does.
///
/// **What it finds** Each `PageFinding` goes with its sentence to `Sink`, a callable that takes a `PageReport const&`.
/// The result of an allocation is passed on unchanged; a wrong free is not passed on. For a run of several pages it
/// also checks that the allocator does not hand out one of them again. Each such `allocate_pages` is therefore
/// followed by two more, for one page and for two, which it gives back at once.
/// **What it cannot find** A translation that is wrong in both directions alike, for example the same wrong offset in
/// `phys_addr` and `virt_of`. So let `phys_addr` walk the page table here. A page that is mapped but absent may seem
/// to be memory while the CPU's cache holds it. A second free goes unnoticed if the pages were handed out again in the
/// same shape. It then looks like the new owner's free, and the new owner's own is reported as `freed_twice`.
/// **Memory** No heap: the object contains a table of `Runs` outstanding runs, about 32 bytes each. Make it a global,
/// not a local variable. It writes the first and the last word of each allocated page, if the addresses are sound and
/// no outstanding run has them.
/// **Threading** May be called where the kernel's allocator may be called. Serialise the calls.
///
/// ```
/// auto say = [](virtq::PageReport const& report) { kernel_print(report.sentence()); };
/// virtq::CheckedPages checked(pages, say);
/// virtq::Status const up = disk.init(transport, checked);
/// virtq::Status const down = disk.release(checked);
/// if (up && down && checked.leaks() == 0 && checked.findings() == 0) { kernel_print("page allocator: checked"); }
/// ```
template <class Allocator, class Sink, size_t Runs = 64>
class CheckedPages {
    static_assert(detail::check_page_allocator<Allocator>());
    static_assert(
        requires(Sink & sink, PageReport const& report) { sink(report); },
        "CheckedPages: the sink must be callable with a virtq::PageReport const&, for example "
        "[](virtq::PageReport const& report) { kernel_print(report.sentence()); }");
    static_assert(Runs != 0, "CheckedPages: a table of 0 runs can follow nothing. Use at least 1.");

public:
    /// `allocator` is kept by reference.
    constexpr CheckedPages(Allocator& allocator, Sink sink) : allocator_(allocator), sink_(sink) {}
    CheckedPages(CheckedPages const&) = delete;  // two tables over one allocator would each miss the other's runs
    CheckedPages& operator=(CheckedPages const&) = delete;

    /// Allocates from the kernel's allocator, and checks the numbers, the translation and the memory of the result.
    [[__nodiscard__]] Pages allocate_pages(size_t count) {
        Pages const run = allocator_.allocate_pages(count);
        if (run.virt == nullptr) {
            if (run.count != 0 || run.phys != PhysAddr{}) {
                say(PageFinding::no_virt, run);
            }
            return run;
        }
        if (has_sound_numbers(run, count) && is_where_it_claims(run)) {
            try_memory(run);
            ask_again(run);
        }
        follow(run);
        return run;
    }

    /// Gives `run` back to the kernel's allocator, if it was handed out exactly so and is still outstanding.
    void free_pages(Pages run) {
        if (Entry* const entry = find(run)) {
            entry->state = State::freed;
            allocator_.free_pages(run);
        } else if (!complain_of_free(run)) {
            --unfollowed_;
            allocator_.free_pages(run);
        }
    }

    /// The kernel's translation, passed on for `init`.
    [[__nodiscard__]] PhysAddr phys_addr(void const* virt) const requires TranslatesAddresses<Allocator> {
        return allocator_.phys_addr(virt);
    }

    /// The kernel's translation back, passed on.
    [[__nodiscard__]] void* virt_of(PhysAddr phys) const requires LocatesPages<Allocator> {
        return allocator_.virt_of(phys);
    }

    /// Passes the leak on, and reports pages that are not outstanding.
    void pages_leaked(Pages run) requires ReportsLeaks<Allocator> {
        if (find(run) == nullptr && unfollowed_ == 0) {
            say(PageFinding::leaked_unknown, run);
        }
        allocator_.pages_leaked(run);
    }

    /// Reports each outstanding run, and returns how many there are. Call it when all runs should have been given
    /// back.
    size_t leaks() {
        size_t count = unfollowed_;
        for (Entry const& entry : entries_) {
            if (entry.state == State::outstanding) {
                ++count;
                say(PageFinding::still_outstanding, entry.run);
            }
        }
        return count;
    }

    /// Number of findings so far, without notes.
    [[__nodiscard__]] uint32_t findings() const { return findings_; }

private:
    enum class State : uint8_t { empty, outstanding, freed };
    struct Entry {
        Pages run;
        State state = State::empty;
    };

    static constexpr size_t words_per_page = page_bytes / sizeof(uint32_t);
    static constexpr uint64_t phys_limit = uint64_t{1} << 52;

    // --- addresses ---

    [[__nodiscard__]] static uint64_t virt_number(Pages const& run) { return reinterpret_cast<uintptr_t>(run.virt); }
    [[__nodiscard__]] static uint64_t bytes(Pages const& run) { return uint64_t{run.count} * page_bytes; }
    [[__nodiscard__]] static bool meet(uint64_t a, uint64_t a_bytes, uint64_t b, uint64_t b_bytes) {
        return a - b < b_bytes || b - a < a_bytes;
    }
    [[__nodiscard__]] static bool meet_phys(Pages const& a, Pages const& b) {
        return meet(a.phys.value, bytes(a), b.phys.value, bytes(b));
    }
    [[__nodiscard__]] static bool meet_virt(Pages const& a, Pages const& b) {
        return meet(virt_number(a), bytes(a), virt_number(b), bytes(b));
    }
    [[__nodiscard__]] static unsigned char* page_of(Pages const& run, size_t page) {
        return static_cast<unsigned char*>(run.virt) + page * page_bytes;
    }

    // --- allocation ---

    [[__nodiscard__]] bool has_sound_numbers(Pages const& run, size_t wanted) {
        uint32_t const before = findings_;
        if (run.count != wanted) {
            say(PageFinding::count_differs, run, wanted);
        }
        if (virt_number(run) % page_bytes != 0) {
            say(PageFinding::virt_misaligned, run, virt_number(run));
        }
        if (run.phys.value % page_bytes != 0) {
            say(PageFinding::phys_misaligned, run, run.phys.value);
        }
        if (run.phys.value == 0) {
            say(PageFinding::phys_zero, run);
        }
        if (run.phys.value > phys_limit || bytes(run) > phys_limit - run.phys.value) {
            say(PageFinding::phys_above_52_bits, run, run.phys.value + bytes(run));
        }
        for (Entry const& entry : entries_) {
            if (entry.state == State::outstanding && (meet_phys(run, entry.run) || meet_virt(run, entry.run))) {
                say(meet_phys(run, entry.run) ? PageFinding::handed_out_twice : PageFinding::virt_shared, run, 0, 0,
                    entry.run);
            }
        }
        if (run.phys.value == virt_number(run) && !identity_noted_) {
            identity_noted_ = true;
            say(PageFinding::phys_is_virt, run);
        }
        return findings_ == before;
    }

    [[__nodiscard__]] bool is_where_it_claims(Pages const& run) {
        if constexpr (TranslatesAddresses<Allocator>) {
            if (run.count == 0) {
                return true;  // there is no page to translate
            }
            for (size_t page = 0; page < run.count; ++page) {
                PhysAddr const seen = allocator_.phys_addr(page_of(run, page));
                if (seen != run.phys + uint64_t{page} * page_bytes) {
                    say(page == 0 ? PageFinding::not_where_claimed : PageFinding::not_contiguous, run, seen.value,
                        page);
                    return false;
                }
            }
            PhysAddr const inside = allocator_.phys_addr(page_of(run, 0) + (page_bytes - 1));
            if (inside != run.phys + (page_bytes - 1)) {
                say(PageFinding::offset_lost, run, inside.value);
                return false;
            }
        }
        return true;
    }

    /// Detects an allocator of single pages that ignores the count. It took only the first page, so it hands out the
    /// other pages of the run again. If it counts downwards, its run of two overlaps the page that it handed out just
    /// before. Asks for one page and then for two, and gives them back.
    void ask_again(Pages const& run) {
        if (run.count < 2) {
            return;
        }
        Pages const one = allocator_.allocate_pages(1);
        if (one.virt == nullptr) {
            return;
        }
        Pages const two = allocator_.allocate_pages(2);
        bool const has_two = two.virt != nullptr;
        if (meet_phys(one, run)) {
            say(PageFinding::not_all_taken, run, 0, 0, one);
        } else if (has_two && (meet_phys(two, run) || meet_phys(two, one))) {
            say(PageFinding::not_all_taken, run, 0, 0, two);
        }
        if (has_two) {
            allocator_.free_pages(two);
        }
        allocator_.free_pages(one);
    }

    // --- memory ---

    /// Distinct for 2^32 consecutive pages, because the factor is odd.
    [[__nodiscard__]] static uint32_t pattern(uint32_t number) { return (number + 1) * 0x9e37'79b1u; }

    /// Writes and reads back a pattern, then its complement. A page that is not memory may happen to read as one of
    /// them, but not as both.
    void try_memory(Pages const& run) {
        if (keeps(run, 0) && keeps(run, UINT32_MAX)) {
            next_pattern_ += static_cast<uint32_t>(run.count);
        }
    }

    [[__nodiscard__]] bool keeps(Pages const& run, uint32_t flip) {
        for (size_t page = 0; page < run.count; ++page) {
            auto* const words = reinterpret_cast<uint32_t*>(page_of(run, page));
            platform::probe_write(words, wanted_word(page, flip));
            platform::probe_write(words + (words_per_page - 1), wanted_word(page, ~flip));
        }
        for (size_t page = 0; page < run.count; ++page) {
            if (uint32_t const odd = differing_word(page_of(run, page), page, flip); odd != wanted_word(page, flip)) {
                report_memory(run, page, odd, flip);
                return false;
            }
            if (!is_behind_phys(run, page, flip)) {
                return false;
            }
        }
        return true;
    }

    [[__nodiscard__]] uint32_t wanted_word(size_t page, uint32_t flip) const {
        return pattern(next_pattern_ + static_cast<uint32_t>(page)) ^ flip;
    }

    /// The first word if it is wrong; otherwise the last word, inverted as it was written. Equals `wanted_word` if
    /// both are right.
    [[__nodiscard__]] uint32_t differing_word(void const* memory, size_t page, uint32_t flip) const {
        auto const* const words = static_cast<uint32_t const*>(memory);
        uint32_t const first = platform::probe_read(words);
        return first != wanted_word(page, flip) ? first : ~platform::probe_read(words + (words_per_page - 1));
    }

    void report_memory(Pages const& run, size_t page, uint32_t seen, uint32_t flip) {
        for (size_t other = 0; other < run.count; ++other) {
            if (seen == wanted_word(other, flip)) {
                say(PageFinding::pages_alias, run, other, page);
                return;
            }
        }
        say(PageFinding::not_ram, run, seen, page);
    }

    [[__nodiscard__]] bool is_behind_phys(Pages const& run, size_t page, uint32_t flip) {
        if constexpr (LocatesPages<Allocator>) {
            PhysAddr const phys = run.phys + uint64_t{page} * page_bytes;
            void const* const there = allocator_.virt_of(phys);
            if (there == nullptr) {
                say(PageFinding::phys_not_mapped, run, phys.value, page);
                return false;
            }
            if (uint32_t const odd = differing_word(there, page, flip); odd != wanted_word(page, flip)) {
                say(PageFinding::other_memory_there, run, odd, page);
                return false;
            }
        }
        return true;
    }

    // --- the table ---

    /// Adds a run to the table. A freed run stays there until its entry is reused, so that a second free is
    /// recognised.
    void follow(Pages const& run) {
        for (size_t step = 0; step < Runs; ++step) {
            Entry& entry = entries_[next_entry_];
            next_entry_ = next_entry_ + 1 == Runs ? 0 : next_entry_ + 1;
            if (entry.state != State::outstanding) {
                entry = {run, State::outstanding};
                return;
            }
        }
        ++unfollowed_;
        say(PageFinding::table_full, run, Runs);
    }

    /// The entry of the outstanding run that equals `run`; null if there is none.
    [[__nodiscard__]] Entry* find(Pages const& run) {
        for (Entry& entry : entries_) {
            if (entry.state == State::outstanding && entry.run.virt == run.virt && entry.run.phys == run.phys &&
                entry.run.count == run.count) {
                return &entry;
            }
        }
        return nullptr;
    }

    /// Reports why a run that is not in the table must not be given back. False if it may be a run that did not fit.
    [[__nodiscard__]] bool complain_of_free(Pages const& run) {
        for (Entry const& entry : entries_) {
            bool const same_virt = entry.run.virt == run.virt;
            bool const same_phys = entry.run.phys == run.phys;
            if (entry.state != State::outstanding) {
                continue;
            }
            if (same_virt && same_phys) {
                say(PageFinding::freed_other_count, run, 0, 0, entry.run);
                return true;
            }
            if (same_virt || (same_phys && run.count == entry.run.count)) {
                say(PageFinding::freed_other_address, run, 0, 0, entry.run);
                return true;
            }
            if (meet_phys(run, entry.run) || meet_virt(run, entry.run)) {
                say(PageFinding::freed_part, run, 0, 0, entry.run);
                return true;
            }
        }
        for (Entry const& entry : entries_) {
            if (entry.state == State::freed && entry.run.virt == run.virt && entry.run.phys == run.phys) {
                say(PageFinding::freed_twice, run);
                return true;
            }
        }
        if (unfollowed_ != 0) {
            return false;
        }
        say(PageFinding::freed_unknown, run);
        return true;
    }

    void say(PageFinding finding, Pages const& run, uint64_t value = 0, size_t page = 0, Pages const& other = {}) {
        findings_ += detail::is_note(finding) ? 0 : 1;
        sink_(PageReport{finding, run, other, page, value});
    }

    Allocator& allocator_;
    Sink sink_;
    Entry entries_[Runs] = {};
    size_t next_entry_ = 0;      ///< where the search for an unused entry starts
    size_t unfollowed_ = 0;      ///< outstanding runs that did not fit into the table
    uint32_t next_pattern_ = 0;  ///< number of the next page to be written
    uint32_t findings_ = 0;
    bool identity_noted_ = false;
};

}  // namespace virtq
