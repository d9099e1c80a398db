// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/queue/index.hpp>
#include <virtq/queue/indirect_shape.hpp>
#include <virtq/queue/page_run.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq {

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

}  // namespace virtq
