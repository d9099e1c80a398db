// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/dma_mapper.hpp>

#include <sim/guest_memory.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>

namespace virtq::test {

/// A mapper with bounce pages. A request works only if the device gets mapped addresses and the mapper copies the data
/// back.
class BounceMapper {
public:
    Result<PhysAddr> map(PhysAddr address, std::uint32_t bytes, DmaDirection direction) {
        if (fail_after && (*fail_after)-- == 0) {
            return Error::dma_map_failed;
        }
        sim::Buffer const bounce = memory->allocate_buffer(bytes);
        if (direction == DmaDirection::device_reads) {
            std::memcpy(bounce.virt, memory->virt(address, bytes), bytes);
        }
        mapped[bounce.phys.value] = {bounce, address, direction};
        ++maps;
        return bounce.phys;
    }

    void unmap(PhysAddr address, std::uint32_t bytes, DmaDirection direction) {
        auto const found = mapped.find(address.value);
        ASSERT_NE(found, mapped.end()) << "unmapped twice, or never mapped";
        EXPECT_EQ(found->second.bounce.bytes, bytes);
        EXPECT_EQ(found->second.direction, direction);
        if (direction == DmaDirection::device_writes) {
            std::memcpy(memory->virt(found->second.original, bytes), found->second.bounce.virt, bytes);
        }
        memory->free_buffer(found->second.bounce);
        mapped.erase(found);
    }

    struct Mapping {
        sim::Buffer bounce;
        PhysAddr original;
        DmaDirection direction;
    };

    sim::GuestMemory* memory = nullptr;
    std::map<std::uint64_t, Mapping> mapped;
    std::optional<int> fail_after;
    unsigned maps = 0;
};
static_assert(DmaMapper<BounceMapper>);

}  // namespace virtq::test
