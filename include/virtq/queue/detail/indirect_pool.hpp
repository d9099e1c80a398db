// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/platform/detail/page_run.hpp>
#include <virtq/platform/detail/prefetch.hpp>
#include <virtq/queue/detail/indirect_shape.hpp>
#include <virtq/queue/detail/slot.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// The indirect tables of a queue (§2.7.5.3, §2.8.7): which are free, and where each is located. The device reads the
/// tables; the list of free ones is private. Without VIRTIO_F_INDIRECT_DESC the pool has no tables: `takes()`
/// always returns false.
template <uint32_t N>
class IndirectPool {
public:
    static constexpr bool exist = true;

    /// Takes pages for all tables of `shape`, or no pages if `shape` has no tables.
    template <PageAllocator Allocator>
    [[__nodiscard__]] Error take_pages(Allocator& allocator, IndirectShape shape) {
        uint32_t const count = shape.page_count();
        return count == 0 ? Error::none : pages_.take(allocator, count);
    }
    template <PageAllocator Allocator>
    void give_back_pages(Allocator& allocator) {
        if (pages_.held()) {
            pages_.give_back(allocator);
        }
    }
    [[__nodiscard__]] Pages pages() const { return pages_.run(); }

    /// Makes all tables of `wanted` free, or as many as the pages have room for. Zeroes the pages, because the device
    /// can read all of them.
    void reset(IndirectShape wanted) {
        if (pages_.held()) {
            pages_.zero();
        }
        IndirectShape const shape = wanted.within(pages_.run().count);
        length_ = shape.length;
        shortest_ = shape.tables != 0 ? shape.shortest : no_chain;
        free_head_ = none;
        for (uint16_t i = shape.tables; i != 0; --i) {
            give_back(static_cast<TableIndex>(static_cast<uint16_t>(i - 1)));
        }
    }

    /// Whether a chain of `count` segments uses a table, and one is free.
    [[__nodiscard__]] bool takes(size_t count) const {
        return count >= shortest_ && count <= length_ && free_head_ != none;
    }

    /// The table that `take` will return. Call it only if `takes` returned true.
    [[__nodiscard__]] TableIndex front() const { return free_head_; }
    TableIndex take() {
        TableIndex const table = free_head_;
        free_head_ = next_[number(table)];
        return table;
    }
    void give_back(TableIndex table) {
        platform::prefetch_to_write(descriptors<unsigned char>(table));  // for the next chain
        next_[number(table)] = free_head_;
        free_head_ = table;
    }

    /// Descriptors in a table.
    [[__nodiscard__]] uint16_t length() const { return length_; }
    /// Whether the pool has tables. Pages alone do not prove it: after `restart` they may be unused, or too few for
    /// one table.
    [[__nodiscard__]] bool has_tables() const { return length_ != 0 && shortest_ != no_chain; }
    /// Bytes from the first table to `table`. A `size_t` of 32 bits suffices: it reaches all pages that the pool has.
    [[__nodiscard__]] size_t offset(TableIndex table) const { return number(table) * (size_t{16} * length_); }
    [[__nodiscard__]] PhysAddr phys_at(size_t offset) const { return pages_.phys() + offset; }
    template <class Descriptor>
    [[__nodiscard__]] Descriptor* descriptors_at(size_t offset) const {
        return reinterpret_cast<Descriptor*>(static_cast<unsigned char*>(pages_.virt()) + offset);
    }
    [[__nodiscard__]] PhysAddr phys(TableIndex table) const { return phys_at(offset(table)); }
    template <class Descriptor>
    [[__nodiscard__]] Descriptor* descriptors(TableIndex table) const {
        return descriptors_at<Descriptor>(offset(table));
    }

private:
    static constexpr uint16_t no_chain = UINT16_MAX;  // above `length_`, so no chain uses a table
    static constexpr auto none = static_cast<TableIndex>(UINT16_MAX);

    [[__no_unique_address__]] PageRun pages_;
    uint16_t length_ = 0;    ///< descriptors in a table; 0 before `reset`: no chain has that length
    uint16_t shortest_ = 0;  ///< the shortest chain that uses a table
    TableIndex free_head_{};
    TableIndex next_[N] = {};  ///< of a free table: the next free one, or `none`
};

/// Replaces `IndirectPool` in a format without indirect tables. It has no code and no memory.
class NoTables {
public:
    static constexpr bool exist = false;

    template <PageAllocator Allocator>
    [[__nodiscard__]] Error take_pages(Allocator&, IndirectShape) {
        return Error::none;
    }
    template <PageAllocator Allocator>
    void give_back_pages(Allocator&) {}
    [[__nodiscard__]] Pages pages() const { return {}; }
    void reset(IndirectShape) {}
    void give_back(TableIndex) {}

    // For diag/, which asks about the tables of chains: here no chain has one.

    [[__nodiscard__]] uint16_t length() const { return 0; }
    [[__nodiscard__]] bool has_tables() const { return false; }
    [[__nodiscard__]] PhysAddr phys(TableIndex) const { return {}; }
    template <class Descriptor>
    [[__nodiscard__]] Descriptor* descriptors(TableIndex) const {
        return nullptr;
    }
};

}  // namespace virtq::detail
