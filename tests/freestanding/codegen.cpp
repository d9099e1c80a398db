// SPDX-License-Identifier: MIT
//
// Functions whose machine code `codegen` reads.
#include <virtq/platform/detail/guess.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/platform/detail/word.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

using Split = virtq::VirtQueue<256>;
using Packed = virtq::VirtQueue<256, virtq::Packed>;

// Straight-line, but for errors.
extern "C" virtq::Status fixed_split(Split& queue, virtq::Segment const (&readable)[1],
                                     virtq::Segment const (&writable)[2], virtq::Token token) {
    return queue.add(readable, writable, token);
}
extern "C" virtq::Status fixed_packed(Packed& queue, virtq::Segment const (&readable)[1],
                                      virtq::Segment const (&writable)[2], virtq::Token token) {
    return queue.add(readable, writable, token);
}
// A loop: so that the test knows one when it sees one.
extern "C" virtq::Status looping_split(Split& queue, virtq::Span<virtq::Segment const> readable, virtq::Token token) {
    return queue.add(readable, {}, token);
}
extern "C" virtq::Status looping_packed(Packed& queue, virtq::Span<virtq::Segment const> readable,
                                        virtq::Token token) {
    return queue.add(readable, {}, token);
}
// What a queue must not do: load what was stored in parts. So that the test knows it when it sees it.
struct Halves {
    uint16_t low;
    uint16_t high;
};
extern "C" void store_halves(Halves& halves, uint16_t number) {
    halves.low = number;
    halves.high = static_cast<uint16_t>(number + 1);
}
extern "C" Halves load_halves(Halves const& halves) {
    return halves;
}

// With ORDER_PLATFORM, fences for devices.
extern "C" void ordered_publish_split(Split& queue) {
    static_cast<void>(queue.publish());
}
extern "C" void ordered_publish_packed(Packed& queue) {
    static_cast<void>(queue.publish());
}
extern "C" bool ordered_take_split(Split& queue) {
    return static_cast<bool>(queue.take_used());
}
extern "C" bool ordered_take_packed(Packed& queue) {
    return static_cast<bool>(queue.take_used());
}
// Without indirect tables, which are prefetched too.
extern "C" bool take_plain(virtq::VirtQueue<256, virtq::PlainSplit>& queue) {
    return static_cast<bool>(queue.take_used());
}
// Two stores each: the byte between them says to an interrupt handler how far the program is.
extern "C" void byte_first(uint8_t& inside, uint32_t& word) {
    word = 1;
    virtq::platform::store_byte_first(&inside, 1);
    word = 2;
}
extern "C" void byte_last(uint8_t& inside, uint32_t& word) {
    word = 1;
    virtq::platform::store_byte_last(&inside, 0);
    word = 2;
}
// What is right is the number kept; what was loaded is only compared with it.
extern "C" uint16_t guessed(virtq::platform::Guess& guess, uint16_t const& actual) {
    return guess.confirm(actual);
}
#ifdef WITH_HANDLER
// For another target than the file, which is why nothing may be inlined into it by force.
extern "C" [[gnu::target("general-regs-only")]] void handler(Split& queue, uint32_t& sum) {
    while (virtq::Completion const done = queue.take_used()) {
        sum += done.written;
    }
}
#endif
// None.
extern "C" uint32_t unordered(Split& queue) {
    return queue.num_free();
}
// A word that another CPU, or the device, reads: a plain store each (faults B11).
extern "C" void store_ring_word(uint32_t& word, uint32_t value) {
    virtq::platform::store_relaxed(&word, value);
}
extern "C" void store_cpu_word(uint32_t& word, uint32_t value) {
    virtq::platform::store_word(&word, value);
}
// The library has none: so that the test knows one when it sees one.
extern "C" uint32_t atomic_swap(uint32_t& word, uint32_t value) {
    return __atomic_exchange_n(&word, value, __ATOMIC_RELAXED);
}
