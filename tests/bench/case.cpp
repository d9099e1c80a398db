// SPDX-License-Identifier: MIT
#include "case.hpp"

#include "memory.hpp"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

namespace bench {

bool read_case(char const* name, Case& made) {
    char who[16], format[24], style[16], features[16];
    if (std::sscanf(name, "%15[^/]/%23[^/]/%15[^/]/%15[^/]/%u/%u/%u", who, format, style, features, &made.size,
                    &made.batch, &made.segments) != 7) {
        return false;
    }
    struct {
        char const* name;
        Case::Who who;
    } constexpr contenders[] = {{"virtq", Case::Who::virtq},
                                {"before", Case::Who::before},
                                {"checked", Case::Who::checked},
                                {"floor", Case::Who::floor},
                                {"fence", Case::Who::floor_fence},
                                {"unchecked", Case::Who::unchecked},
                                {"unchecked-fence", Case::Who::unchecked_fence},
                                {"linux", Case::Who::linux_ring},
                                {"linux-sgs", Case::Who::linux_sgs}};
    struct {
        char const* name;
        Case::Format format;
    } constexpr formats[] = {{"split", Case::Format::split},
                             {"packed", Case::Format::packed},
                             {"negotiated-split", Case::Format::negotiated_split},
                             {"negotiated-packed", Case::Format::negotiated_packed},
                             {"plain-split", Case::Format::plain_split},
                             {"disk-split", Case::Format::disk_split},
                             {"disk-packed", Case::Format::disk_packed}};
    bool known_who = false;
    for (auto const& one : contenders) {
        if (std::string_view{one.name} == who) {
            made.who = one.who;
            known_who = true;
        }
    }
    bool known_format = false;
    for (auto const& one : formats) {
        if (std::string_view{one.name} == format) {
            made.format = one.format;
            known_format = true;
        }
    }
    made.style = std::string_view{style} == "fixed"     ? Case::Style::fixed
                 : std::string_view{style} == "publish" ? Case::Style::publish
                                                        : Case::Style::span;
    made.event_idx = std::strchr(features, 'e') != nullptr;
    made.indirect = std::strchr(features, 'i') != nullptr;
    made.in_order = std::strchr(features, 'o') != nullptr;
    made.notifications = std::strchr(features, 'n') != nullptr;
    return known_who && known_format && made.size != 0 && made.batch != 0 && made.segments != 0;
}

template <class Kind>
static Contender* make_of_style(Case const& which) {
    if (which.style == Case::Style::span) {
        return make_virtq_256<Kind, 0>(which);
    }
    if (which.style == Case::Style::publish) {
        return which.segments == 1 ? make_virtq_publish<Kind>(which) : nullptr;
    }
    switch (which.segments) {
        case 1: return make_virtq_256<Kind, 1>(which);
        case 2: return make_virtq_256<Kind, 2>(which);
        case 3: return make_virtq_256<Kind, 3>(which);
        case 8: return make_virtq_256<Kind, 8>(which);
        default: return nullptr;
    }
}

static Contender* make_before([[maybe_unused]] Case const& which) {
#ifdef BENCH_WITH_BEFORE
    if (which.size == 256 && which.style == Case::Style::fixed) {
        if (which.format == Case::Format::packed && which.segments == 1) {
            return make_before_256<Packed, 1>(which);
        }
        if (which.format == Case::Format::split && (which.segments == 1 || which.segments == 3)) {
            return which.segments == 1 ? make_before_256<Split, 1>(which) : make_before_256<Split, 3>(which);
        }
    }
#endif
    return nullptr;
}

Contender* make_contender(Case const& which) {
    switch (which.who) {
        case Case::Who::floor:
        case Case::Who::floor_fence: return make_floor(which);
        case Case::Who::unchecked:
        case Case::Who::unchecked_fence: return make_unchecked(which);
        case Case::Who::linux_ring:
        case Case::Who::linux_sgs:
#ifdef BENCH_WITH_LINUX
            return make_linux(which);
#else
            return nullptr;
#endif
        case Case::Who::before: return make_before(which);
        case Case::Who::checked:
            return which.format == Case::Format::disk_split ? make_checked_disk<Split>(which) : nullptr;
        case Case::Who::virtq: break;
    }
    if (which.size != 256) {
        return make_virtq_of_size(which);
    }
    switch (which.format) {
        case Case::Format::split: return make_of_style<Split>(which);
        case Case::Format::packed: return make_of_style<Packed>(which);
        // Of these only what is known at run time is compiled.
        case Case::Format::negotiated_split:
            return which.style == Case::Style::span ? make_virtq_256<NegotiatedSplit, 0>(which) : nullptr;
        case Case::Format::negotiated_packed:
            return which.style == Case::Style::span ? make_virtq_256<NegotiatedPacked, 0>(which) : nullptr;
        case Case::Format::plain_split:
            return which.style == Case::Style::span ? make_virtq_256<PlainSplit, 0>(which) : nullptr;
        case Case::Format::disk_split: return make_virtq_disk<Split>(which);
        case Case::Format::disk_packed: return make_virtq_disk<Packed>(which);
    }
    return nullptr;
}

void* allocate(size_t bytes, size_t offset) {
    constexpr size_t page = 4096;
    size_t const all = (offset + bytes + page - 1) / page * page;
    void* const made = std::aligned_alloc(page, all);
    if (made == nullptr) {
        fail("out of memory");
    }
    return static_cast<char*>(std::memset(made, 0, all)) + offset;
}

void fail(char const* sentence) {
    std::fprintf(stderr, "bench: %s\n", sentence);
    std::exit(1);
}

}  // namespace bench

extern "C" [[noreturn]] void virtq_assertion_failed(char const* rule, char const*, int) {
    bench::fail(rule);
}
