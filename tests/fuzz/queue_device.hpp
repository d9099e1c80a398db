// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/layout.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>

/// The device's side of a queue in a fuzzer. It uses chains as it is told, correctly or not, and keeps its own
/// position in the ring. Offsets are those of §2.7 and §2.8; the byte order is little-endian. `Memory` has `has(address,
/// bytes)` and `virt(address)`.
namespace virtq::test {

class QueueDevice {
public:
    QueueDevice() = default;
    /// For a queue whose three areas are in one run of memory that begins with the descriptor area.
    QueueDevice(std::uint8_t* run, QueueAddresses const& at, bool packed, std::uint16_t first)
        : ring_(run),
          available_(run + (at.driver_area.value - at.descriptor_area.value)),
          used_(run + (at.device_area.value - at.descriptor_area.value)),
          size_(at.size),
          packed_(packed),
          wrap_(first < 0x8000),
          added_(packed ? first & 0x7fff : first),
          place_(packed ? first & 0x7fff : first),
          fetched_(place_),
          fetched_wrap_(wrap_) {}

    /// A chain as the device reads it.
    struct Fetched {
        std::uint16_t id;
        std::uint16_t descriptors;
        PhysAddr last;           ///< its last segment
        std::uint32_t writable;  ///< bytes, truncated to 32 bits
    };
    /// The next chain, if there is one. The ring may contain anything: the walk ends in any case.
    template <class Memory>
    [[nodiscard]] std::optional<Fetched> fetch(Memory& pages) {
        if (packed_) {
            std::uint16_t const flags = get<std::uint16_t>(ring_ + 16 * fetched_ + 14);
            if (((flags & 0x80) != 0) != fetched_wrap_ || ((flags & 0x8000) != 0) == fetched_wrap_) {
                return std::nullopt;
            }
            Fetched const chain = walk(pages, fetched_);
            unsigned const next = fetched_ + chain.descriptors;
            fetched_wrap_ = next >= size_ ? !fetched_wrap_ : fetched_wrap_;
            fetched_ = static_cast<std::uint16_t>(next % size_);
            return chain;
        }
        if (get<std::uint16_t>(available_ + 2) == fetched_) {
            return std::nullopt;
        }
        std::uint16_t const head = get<std::uint16_t>(available_ + 4 + 2 * (fetched_ % size_)) % size_;
        ++fetched_;
        return walk(pages, head);
    }
    /// Where the queue's memory begins.
    [[nodiscard]] std::uint8_t const* run() const { return ring_; }

    /// The id of the chain that the driver has just added: its head, or its buffer id.
    [[nodiscard]] std::uint16_t id_of_added(std::uint16_t descriptors) {
        std::uint8_t const* at = nullptr;
        if (packed_) {
            at = ring_ + 16 * ((added_ + descriptors - 1u) % size_) + 12;
            added_ = static_cast<std::uint16_t>((added_ + descriptors) % size_);
        } else {
            at = available_ + 4 + 2 * (added_ % size_);
            ++added_;
        }
        return get<std::uint16_t>(at);
    }

    /// Uses one chain, or with IN_ORDER all chains up to this one: `chains` chains with `descriptors` descriptors.
    void use(std::uint32_t id, std::uint32_t length, unsigned chains, unsigned descriptors) {
        if (packed_) {
            std::uint8_t* const at = ring_ + 16 * place_;
            put(at + 8, length);
            put(at + 12, static_cast<std::uint16_t>(id));
            put(at + 14, static_cast<std::uint16_t>((wrap_ ? 0x8080 : 0) | (length != 0 ? 2 : 0)));
            unsigned const next = place_ + descriptors;
            wrap_ = next >= size_ ? !wrap_ : wrap_;
            place_ = static_cast<std::uint16_t>(next % size_);
        } else {
            std::uint8_t* const at = used_ + 4 + 8 * (place_ % size_);
            put(at, id);
            put(at + 4, length);
            place_ = static_cast<std::uint16_t>(place_ + chains);
            put(used_ + 2, place_);
        }
    }

private:
    template <class Memory>
    [[nodiscard]] Fetched walk(Memory& pages, std::uint16_t head) const {
        Fetched chain{head, 0, PhysAddr{}, 0};
        for (std::uint16_t at = head; chain.descriptors < size_;) {
            std::uint8_t const* const descriptor = ring_ + 16 * at;
            std::uint16_t const flags = add_to(chain, descriptor);
            ++chain.descriptors;
            if (packed_) {
                chain.id = get<std::uint16_t>(descriptor + 12);
            }
            if ((flags & 4) != 0) {
                walk_table(pages, chain, descriptor);
                return chain;
            }
            if ((flags & 1) == 0) {
                return chain;
            }
            at = static_cast<std::uint16_t>((packed_ ? at + 1u : get<std::uint16_t>(descriptor + 14)) % size_);
        }
        return chain;
    }
    template <class Memory>
    void walk_table(Memory& pages, Fetched& chain, std::uint8_t const* descriptor) const {
        PhysAddr const table{get<std::uint64_t>(descriptor)};
        std::uint32_t const bytes = get<std::uint32_t>(descriptor + 8);
        chain.writable = 0;
        for (std::uint32_t at = 0; at + 16 <= bytes && pages.has(table + at, 16); at += 16) {
            std::uint16_t const flags = add_to(chain, pages.virt(table + at));
            if (!packed_ && (flags & 1) == 0) {
                return;
            }
        }
    }
    /// Adds a descriptor; returns its flags, whose offset depends on the format.
    std::uint16_t add_to(Fetched& chain, std::uint8_t const* descriptor) const {
        std::uint16_t const flags = get<std::uint16_t>(descriptor + (packed_ ? 14 : 12));
        chain.last = PhysAddr{get<std::uint64_t>(descriptor)};
        if ((flags & 2) != 0) {
            chain.writable += get<std::uint32_t>(descriptor + 8);
        }
        return flags;
    }

    template <class Word>
    [[nodiscard]] static Word get(std::uint8_t const* at) {
        std::uint64_t value = 0;
        for (std::size_t i = 0; i < sizeof(Word); ++i) {
            value |= std::uint64_t{at[i]} << 8 * i;
        }
        return static_cast<Word>(value);
    }
    template <class Word>
    static void put(std::uint8_t* at, Word value) {
        for (std::size_t i = 0; i < sizeof(Word); ++i) {
            at[i] = static_cast<std::uint8_t>(value >> 8 * i);
        }
    }

    std::uint8_t* ring_ = nullptr;
    std::uint8_t* available_ = nullptr;
    std::uint8_t* used_ = nullptr;
    std::uint16_t size_ = 1;
    bool packed_ = false;
    bool wrap_ = true;
    std::uint16_t added_ = 0;
    std::uint16_t place_ = 0;
    std::uint16_t fetched_ = 0;
    bool fetched_wrap_ = true;
};

}  // namespace virtq::test
