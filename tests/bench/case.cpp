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
                                {"floor", Case::Who::floor},
                                {"fence", Case::Who::floor_fence},
                                {"linux", Case::Who::linux_ring},
                                {"linux-sgs", Case::Who::linux_sgs}};
    struct {
        char const* name;
        Case::Format format;
    } constexpr formats[] = {{"split", Case::Format::split},
                             {"packed", Case::Format::packed},
                             {"negotiated-split", Case::Format::negotiated_split},
                             {"negotiated-packed", Case::Format::negotiated_packed},
                             {"plain-split", Case::Format::plain_split}};
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
    made.style = std::string_view{style} == "fixed"   ? Case::Style::fixed
                 : std::string_view{style} == "burst" ? Case::Style::burst
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
    if (which.style == Case::Style::burst) {
        return which.segments == 1   ? make_virtq_burst<Kind, 1>(which)
               : which.segments == 3 ? make_virtq_burst<Kind, 3>(which)
                                     : nullptr;
    }
    switch (which.segments) {
        case 1: return make_virtq_256<Kind, 1>(which);
        case 2: return make_virtq_256<Kind, 2>(which);
        case 3: return make_virtq_256<Kind, 3>(which);
        case 8: return make_virtq_256<Kind, 8>(which);
        default: return nullptr;
    }
}

Contender* make_contender(Case const& which) {
    switch (which.who) {
        case Case::Who::floor:
        case Case::Who::floor_fence: return make_floor(which);
        case Case::Who::linux_ring:
        case Case::Who::linux_sgs:
#ifdef BENCH_WITH_LINUX
            return make_linux(which);
#else
            return nullptr;
#endif
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
