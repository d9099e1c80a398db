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

/// The indirect tables of a queue (§2.7.5.3, §2.8.7): which are free, and where each lies. The tables are memory that
/// the device reads; which of them are free is private. A queue without VIRTIO_F_INDIRECT_DESC has none, and `takes`
/// of no chain is true.
template <uint32_t N>
class IndirectPool {
public:
    static constexpr bool exist = true;

    /// Takes pages for all tables of `shape`; none if there are none.
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

    /// All tables of `wish` become free, or as many as there are pages for. Their pages are zeroed: the device can
    /// read all of them.
    void reset(IndirectShape wish) {
        if (pages_.held()) {
            pages_.zero();
        }
        IndirectShape const shape = wish.within(pages_.run().count);
        length_ = shape.length;
        shortest_ = shape.tables != 0 ? shape.shortest : no_chain;
        free_head_ = none;
        for (uint16_t i = shape.tables; i != 0; --i) {
            give_back(static_cast<TableIndex>(static_cast<uint16_t>(i - 1)));
        }
    }

    /// Whether a chain of `count` segments shall use a table, and there is one.
    [[__nodiscard__]] bool takes(size_t count) const {
        return count >= shortest_ && count <= length_ && free_head_ != none;
    }

    /// The table that `take` takes, if `takes` said so.
    [[__nodiscard__]] TableIndex front() const { return free_head_; }
    TableIndex take() {
        TableIndex const table = free_head_;
        free_head_ = next_[number(table)];
        return table;
    }
    void give_back(TableIndex table) {
        platform::prefetch_to_write(descriptors<unsigned char>(table));  // the next chain gets it
        next_[number(table)] = free_head_;
        free_head_ = table;
    }

    /// Descriptors of a table.
    [[__nodiscard__]] uint16_t length() const { return length_; }
    /// Whether there are any: pages of an earlier life may be held without, or be too few for one.
    [[__nodiscard__]] bool has_tables() const { return length_ != 0 && shortest_ != no_chain; }
    /// How far a table lies behind the first. As wide as an address: a 32-bit one reaches every table that there are
    /// pages for.
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
    static constexpr uint16_t no_chain = UINT16_MAX;  // above `length_`
    static constexpr auto none = static_cast<TableIndex>(UINT16_MAX);

    [[__no_unique_address__]] PageRun pages_;
    uint16_t length_ = 0;    ///< descriptors of a table; 0 before `reset`, which no chain has
    uint16_t shortest_ = 0;  ///< the shortest chain that uses one
    TableIndex free_head_{};
    TableIndex next_[N] = {};  ///< of a free table: the next free one, or `none`
};

/// In the place of `IndirectPool`, of a format without indirect tables: no code, and no memory.
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

    // For diag/, which asks them of a chain that has a table: none.

    [[__nodiscard__]] uint16_t length() const { return 0; }
    [[__nodiscard__]] bool has_tables() const { return false; }
    [[__nodiscard__]] PhysAddr phys(TableIndex) const { return {}; }
    template <class Descriptor>
    [[__nodiscard__]] Descriptor* descriptors(TableIndex) const {
        return nullptr;
    }
};

}  // namespace virtq::detail
