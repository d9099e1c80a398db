// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/page_allocator.hpp>
#include <virtq/queue/option.hpp>
#include <virtq/spec/feature.hpp>

#include <stdint.h>

namespace virtq::detail {

/// How many indirect tables a queue has, how long each is, and which chains use them.
struct IndirectShape {
    uint16_t tables = 0;
    uint16_t length = 0;
    uint16_t shortest = 0;  ///< chains from here to `length` segments use a table

    /// What `option` requests, within the limits of a queue of `size`. There are not more tables than chains, and no
    /// table is longer than a chain may be (§2.7.5.3.1, §2.8.19). There are no tables without VIRTIO_F_INDIRECT_DESC,
    /// or if no chain would use them.
    [[__nodiscard__]] static constexpr IndirectShape of(uint32_t size, Features const& features,
                                                        IndirectOption const& option) {
        constexpr uint32_t tables_default = 4;  // one for every fourth descriptor
        constexpr uint32_t length_default = 16;
        constexpr uint16_t shortest_default = 3;
        constexpr uint32_t tables_max = 32767;  // table numbers share 16 bits with a flag and an end mark
        if (!features.has(spec::Feature::indirect_desc)) {
            return {};
        }
        uint32_t const tables = option.tables != 0 ? option.tables : (size + tables_default - 1) / tables_default;
        uint32_t const length = option.length != 0 ? option.length : length_default;
        IndirectShape const shape{clamp(tables, size < tables_max ? size : tables_max), clamp(length, size),
                                  option.shortest != 0 ? option.shortest : shortest_default};
        return shape.length < shape.shortest ? IndirectShape{} : shape;
    }

    [[__nodiscard__]] constexpr uint32_t table_bytes() const { return 16 * uint32_t{length}; }
    [[__nodiscard__]] constexpr uint32_t page_count() const {
        // In 64 bits: the most tables of the greatest length take 16 GiB.
        return static_cast<uint32_t>((uint64_t{tables} * table_bytes() + page_bytes - 1) / page_bytes);
    }
    /// This shape, with only as many tables as fit in `pages`.
    [[__nodiscard__]] constexpr IndirectShape within(size_t pages) const {
        IndirectShape shape = *this;
        while (shape.page_count() > pages) {
            --shape.tables;
        }
        return shape;
    }

private:
    [[__nodiscard__]] static constexpr uint16_t clamp(uint32_t value, uint32_t most) {
        return static_cast<uint16_t>(value < most ? value : most);
    }
};

}  // namespace virtq::detail
