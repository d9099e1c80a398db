// SPDX-License-Identifier: MIT
#include "case.hpp"

namespace bench {

namespace {

/// A part of a case's name.
struct Word {
    char const* first;
    unsigned long length;

    [[nodiscard]] bool operator==(char const* text) const {
        unsigned long i = 0;
        while (i < length && text[i] == first[i]) {
            ++i;
        }
        return i == length && text[i] == '\0';
    }
    [[nodiscard]] bool has(char letter) const {
        for (unsigned long i = 0; i < length; ++i) {
            if (first[i] == letter) {
                return true;
            }
        }
        return false;
    }
    /// The number, or 0 if the word is not one.
    [[nodiscard]] unsigned number() const {
        unsigned made = 0;
        for (unsigned long i = 0; i < length; ++i) {
            if (first[i] < '0' || first[i] > '9') {
                return 0;
            }
            made = 10 * made + static_cast<unsigned>(first[i] - '0');
        }
        return made;
    }
};

Word next_word(char const*& rest) {
    Word word{rest, 0};
    while (rest[0] != '\0' && rest[0] != '/') {
        ++word.length;
        ++rest;
    }
    rest += rest[0] == '/' ? 1 : 0;
    return word;
}

template <class Value>
struct Named {
    char const* name;
    Value value;
};

template <class Value, unsigned long Count>
bool choose(Word word, Named<Value> const (&all)[Count], Value& made) {
    for (Named<Value> const& one : all) {
        if (word == one.name) {
            made = one.value;
            return true;
        }
    }
    return false;
}

constexpr Named<Case::Who> contenders[] = {{"virtq", Case::Who::virtq},
                                           {"before", Case::Who::before},
                                           {"checked", Case::Who::checked},
                                           {"floor", Case::Who::floor},
                                           {"fence", Case::Who::floor_fence},
                                           {"unchecked", Case::Who::unchecked},
                                           {"unchecked-fence", Case::Who::unchecked_fence},
                                           {"linux", Case::Who::linux_ring},
                                           {"linux-sgs", Case::Who::linux_sgs}};
constexpr Named<Case::Format> formats[] = {{"split", Case::Format::split},
                                           {"packed", Case::Format::packed},
                                           {"negotiated-split", Case::Format::negotiated_split},
                                           {"negotiated-packed", Case::Format::negotiated_packed},
                                           {"plain-split", Case::Format::plain_split},
                                           {"disk-split", Case::Format::disk_split},
                                           {"disk-packed", Case::Format::disk_packed}};
constexpr Named<Case::Style> styles[] = {{"span", Case::Style::span},
                                         {"fixed", Case::Style::fixed},
                                         {"burst-span", Case::Style::burst_span},
                                         {"burst", Case::Style::burst},
                                         {"publish", Case::Style::publish}};

}  // namespace

bool read_case(char const* name, Case& made) {
    bool const is_known = choose(next_word(name), contenders, made.who) &&
                          choose(next_word(name), formats, made.format) && choose(next_word(name), styles, made.style);
    Word const features = next_word(name);
    made.event_idx = features.has('e');
    made.indirect = features.has('i');
    made.in_order = features.has('o');
    made.notifications = features.has('n');
    made.size = next_word(name).number();
    made.batch = next_word(name).number();
    made.segments = next_word(name).number();
    return is_known && made.size != 0 && made.batch != 0 && made.segments != 0 && name[0] == '\0';
}

template <class Kind>
static Contender* make_burst([[maybe_unused]] Case const& which) {
#ifdef BENCH_WITH_BURST
    if (which.style == Case::Style::burst_span) {
        return make_virtq_burst<Kind, 0>(which);
    }
    if (which.segments == 1 || which.segments == 3) {
        return which.segments == 1 ? make_virtq_burst<Kind, 1>(which) : make_virtq_burst<Kind, 3>(which);
    }
#endif
    return nullptr;
}

template <class Kind>
static Contender* make_of_style(Case const& which) {
    if (which.style == Case::Style::span) {
        return make_virtq_256<Kind, 0>(which);
    }
    if (which.style == Case::Style::burst || which.style == Case::Style::burst_span) {
        return make_burst<Kind>(which);
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
        // These are compiled only for lengths that are known at run time.
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

}  // namespace bench
