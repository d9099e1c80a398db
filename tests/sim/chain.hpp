// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <vector>

#include <sim/wire.hpp>
#include <virtq/base/phys_addr.hpp>

/// A descriptor chain as the device sees it after the walk: two byte streams instead of descriptors. A device must not
/// depend on how they are split (§2.7.4.1), so the functions here count bytes across segments.
namespace virtq::sim {

/// An entry of a descriptor table (§2.7.5), in the host's byte order.
struct Descriptor {
    uint64_t addr = 0;
    uint32_t bytes = 0;
    uint16_t flags = 0;
    uint16_t next = 0;

    friend bool operator==(Descriptor const&, Descriptor const&) = default;
};

/// One contiguous piece of a chain.
struct Segment {
    PhysAddr phys;
    uint32_t bytes = 0;
    uint8_t* virt = nullptr;
};

struct Chain {
    uint16_t head = 0;
    std::vector<Segment> readable;
    std::vector<Segment> writable;
    /// False: the driver broke a rule, and the chain is meaningless. The violation was reported, and the device gives
    /// up.
    bool intact = true;
    ByteOrder order = ByteOrder::little;

    [[nodiscard]] uint64_t readable_bytes() const { return total(readable); }
    [[nodiscard]] uint64_t writable_bytes() const { return total(writable); }

    /// Copies from the device-readable bytes at `offset`; returns how many there were.
    size_t read(uint64_t offset, void* to, size_t bytes) const {
        auto* const out = static_cast<uint8_t*>(to);
        return each_piece(readable, offset, bytes, [out](uint8_t const* data, size_t count, size_t done) {
            std::memcpy(out + done, data, count);
        });
    }

    /// All device-readable bytes.
    [[nodiscard]] std::vector<uint8_t> read_all() const {
        std::vector<uint8_t> bytes(static_cast<size_t>(readable_bytes()));
        static_cast<void>(read(0, bytes.data(), bytes.size()));
        return bytes;
    }

    /// Copies to the device-writable bytes at `offset`; returns how many fitted.
    size_t write(uint64_t offset, void const* from, size_t bytes) const {
        auto const* const in = static_cast<uint8_t const*>(from);
        return each_piece(writable, offset, bytes,
                          [in](uint8_t* data, size_t count, size_t done) { std::memcpy(data, in + done, count); });
    }

    /// Fills device-writable bytes.
    size_t fill(uint64_t offset, uint8_t value, uint64_t bytes) const {
        return each_piece(writable, offset, bytes,
                          [value](uint8_t* data, size_t count, size_t) { std::memset(data, value, count); });
    }

private:
    [[nodiscard]] static uint64_t total(std::vector<Segment> const& segments) {
        uint64_t sum = 0;
        for (auto const& segment : segments) {
            sum += segment.bytes;
        }
        return sum;
    }

    template <class Visit>
    static size_t each_piece(std::vector<Segment> const& segments, uint64_t offset, uint64_t bytes, Visit visit) {
        size_t done = 0;
        for (auto const& segment : segments) {
            if (done == bytes) {
                break;
            }
            if (offset >= segment.bytes) {
                offset -= segment.bytes;
                continue;
            }
            auto const count = static_cast<size_t>(std::min<uint64_t>(bytes - done, segment.bytes - offset));
            visit(segment.virt + offset, count, done);
            done += count;
            offset = 0;
        }
        return done;
    }
};

/// Reads a number of `bytes` bytes in the given order.
[[nodiscard]] inline uint64_t decode(uint8_t const* from, size_t bytes, ByteOrder order) {
    uint64_t value = 0;
    for (size_t i = 0; i < bytes; ++i) {
        value = value << 8 | from[order == ByteOrder::little ? bytes - 1 - i : i];
    }
    return value;
}

inline void encode(uint8_t* to, size_t bytes, uint64_t value, ByteOrder order) {
    for (size_t i = 0; i < bytes; ++i) {
        to[order == ByteOrder::little ? i : bytes - 1 - i] = static_cast<uint8_t>(value >> (8 * i));
    }
}

}  // namespace virtq::sim
