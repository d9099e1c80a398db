// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <ostream>
#include <vector>

/// The operations of a random test, as plain values, so that a failing sequence can be shrunk and run again. Numbers
/// count modulo what exists when the operation runs, so every part of a sequence is a sequence too. 0 is always the
/// plainest choice.
namespace virtq::property {

enum class Kind : uint8_t {
    // life
    init,
    release,
    attach,
    detach,
    // chain tier
    add,
    publish,
    take_used,
    submit_burst,
    take_burst,
    enable,
    disable,
    // descriptor tier
    alloc_desc,
    free_desc,
    write_desc,
    push_avail,
    push_chain,  ///< alloc_desc, write_desc and push_avail of a whole chain
    has_used,
    poll_used,
    free_chain,
    misuse,  ///< a breach of contract, which must change nothing
    // device
    fetch,
    use,
    flush,
    suppress,
    misbehave,
};
inline constexpr size_t kind_count = static_cast<size_t>(Kind::misbehave) + 1;

inline constexpr std::array<char const*, kind_count> kind_name{
    "init",         "release",    "attach",   "detach",    "add",        "publish",   "take_used",
    "submit_burst", "take_burst", "enable",   "disable",   "alloc_desc", "free_desc", "write_desc",
    "push_avail",   "push_chain", "has_used", "poll_used", "free_chain", "misuse",    "fetch",
    "use",          "flush",      "suppress", "misbehave"};

struct Operation {
    Kind kind = Kind::init;
    uint32_t a = 0;
    uint32_t b = 0;
    uint32_t c = 0;
    uint32_t d = 0;

    friend bool operator==(Operation const&, Operation const&) = default;
};
using Sequence = std::vector<Operation>;

inline std::ostream& operator<<(std::ostream& out, Operation const& op) {
    return out << '{' << "Kind::" << kind_name[static_cast<size_t>(op.kind)] << ", " << op.a << ", " << op.b << ", "
               << op.c << ", " << op.d << '}';
}

/// SplitMix64: the numbers are the same with every library and compiler.
class Random {
public:
    explicit Random(uint64_t seed) : state_(seed) {}

    uint64_t next() {
        uint64_t z = (state_ += 0x9e3779b97f4a7c15u);
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }
    /// 0 to `limit` - 1.
    uint32_t below(uint32_t limit) { return static_cast<uint32_t>((next() >> 32) * limit >> 32); }
    bool once_in(uint32_t n) { return below(n) == 0; }

private:
    uint64_t state_;
};

/// The lengths of segments, by number.
inline constexpr std::array<uint32_t, 8> segment_lengths{64, 1, 512, 4096, 0, 0x4000'0000, 0x8000'0000, 0xffff'ffff};
/// The sizes that `init` requests, by number: first those of the queues under test, then sizes that are refused.
inline constexpr std::array<uint32_t, 12> queue_sizes{1, 2, 4, 8, 64, 16, 32, 0, 3, 128, 65536, 48};

/// What a driver or a device usually does next; the same operation if nothing usually follows.
inline Kind follower(Kind kind, bool other) {
    switch (kind) {
        case Kind::init: return other ? Kind::add : Kind::push_chain;
        case Kind::add: return other ? Kind::publish : Kind::submit_burst;
        case Kind::alloc_desc: return Kind::write_desc;
        case Kind::write_desc: return Kind::push_avail;
        case Kind::publish:
        case Kind::submit_burst:
        case Kind::push_avail:
        case Kind::push_chain: return Kind::fetch;
        case Kind::fetch: return Kind::use;
        case Kind::use:
        case Kind::flush: return other ? Kind::take_burst : Kind::poll_used;
        case Kind::poll_used: return other ? Kind::free_chain : Kind::push_avail;
        default: return kind;
    }
}

/// A random sequence for a `VirtQueue<capacity>`. Each sequence prefers other operations, because an even mixture
/// neither fills a large queue nor empties it.
inline Sequence generate(uint64_t seed, uint32_t capacity) {
    Random random(seed);
    std::array<uint32_t, kind_count> weight{};
    constexpr std::array<uint32_t, 8> factor{0, 1, 1, 2, 3, 4, 9, 9};
    constexpr std::array<uint32_t, kind_count> usual{
        12,  1,   3,   2,                         // life
        150, 100, 120, 60, 100, 30, 30,           // chain tier
        25,  30,  40,  30, 70,  20, 100, 100, 8,  // descriptor tier
        300, 300, 80,  40, 8,                     // device
    };
    uint32_t total = 0;
    for (size_t i = 0; i < kind_count; ++i) {
        bool const is_needed = usual[i] >= 80;  // without this operation nothing moves
        weight[i] = usual[i] * std::max(factor[random.below(factor.size())], is_needed ? 1u : 0u);
        total += weight[i];
    }
    total += usual[0];
    weight[0] += usual[0];  // so that the total is not 0

    auto const length = [&] { return random.once_in(12) ? random.below(8) : random.below(4); };
    auto const lengths = [&] {
        uint32_t const most = length();
        return most + 8 * (random.once_in(3) ? length() : most);
    };
    auto const count = [&] {
        return random.once_in(20) ? random.below(capacity + 3) : random.below(std::min(4u, capacity + 1));
    };
    auto const init = [&] {
        uint32_t valid = 0;  // larger sizes come more often
        for (uint32_t i = 0; i < 5; ++i) {
            valid = queue_sizes[i] <= capacity && !random.once_in(4) ? i : valid;
        }
        uint32_t const size = random.once_in(10) ? random.below(queue_sizes.size()) : valid;
        uint32_t const features = random.once_in(16) ? random.below(8) : random.below(4);
        uint32_t const before_wrap = random.once_in(2) ? random.below(2 * capacity + 2) : random.below(0x10000);
        return Operation{Kind::init, size, features, before_wrap, random.once_in(16) ? 2 : random.below(2)};
    };

    Sequence sequence{init()};
    uint32_t const wanted = 1 + random.below(400);
    uint32_t const wildness = 1 + random.below(4);  // how often an unusual operation follows
    while (sequence.size() < wanted) {
        Kind which = follower(sequence.back().kind, random.once_in(2));
        if (which == sequence.back().kind || random.below(6) < wildness) {
            uint32_t pick = random.below(total);
            size_t kind = 0;
            while (pick >= weight[kind]) {
                pick -= weight[kind++];
            }
            which = static_cast<Kind>(kind);
        }
        if (which ==
            Kind::init) {  // as a kernel restarts a device; Kind::release and Kind::detach test the steps alone
            sequence.push_back({Kind::detach});
            sequence.push_back({Kind::release});
            sequence.push_back(init());
        } else if (which == Kind::add || which == Kind::push_chain || which == Kind::submit_burst) {
            sequence.push_back({which, count(), count(), lengths(), random.below(16)});
        } else {
            sequence.push_back({which, random.below(256), random.below(16), lengths(), random.below(256)});
        }
    }
    return sequence;
}

}  // namespace virtq::property
