// SPDX-License-Identifier: MIT
#include <virtq/transport/device_tree.hpp>

#include <fuzz/require.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>

using virtq::test::require;

/// Calls every function of a node. The sanitizers detect a read outside the input.
static void look_at(virtq::DeviceTreeCursor const& node, std::size_t bytes) {
    require(node.error() == virtq::Error::none && node.position() < bytes);
    require(std::strlen(node.name()) < bytes - node.position());
    for (std::uint32_t const index : {0u, 1u, UINT32_MAX}) {
        virtq::Result<virtq::DeviceTreeRegion> const region = node.reg(index);
        require(region.ok() || region.error() == virtq::Error::device_tree_no_address);
        if (region.ok()) {
            require(region->bytes != 0 && region->base.value + (region->bytes - 1) >= region->base.value);
        }
    }
    std::uint64_t sum = node.is_available() ? 1 : 0;
    for (char const* const name : {"compatible", "status", "ranges", "interrupts", ""}) {
        virtq::DeviceTreeProperty const property = node.property(name);
        for (std::uint32_t i = 0; i < property.size(); ++i) {
            sum += property[i];
        }
        for (std::uint8_t const byte : property.bytes()) {
            sum += byte;
        }
        sum += property.has_string("okay") ? 1 : 0;
    }
    asm volatile("" ::"r"(&sum) : "memory");  // so that the reads are not optimised away
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    virtq::DeviceTree const tree{data, size};
    virtq::DeviceTreeCursor cursor(tree);
    std::uint32_t matching = 0;
    while (cursor.next()) {
        look_at(cursor, size);
        matching += cursor.is_available() && cursor.is_compatible("virtio,mmio") ? 1 : 0;
    }
    require(cursor.position() <= size);
    require(!cursor.next());

    std::uint32_t slots = 0;
    virtq::Discovery const found = virtq::for_each_mmio_slot(
        tree, [](virtq::DeviceTreeProperty cells) { return cells[1]; },
        [&](virtq::MmioSlot const& slot) {
            ++slots;
            require(slot.bytes != 0);
        });
    require(found.found == slots && slots <= matching);
    require(found.error_position <= size);
    require(cursor.error() == virtq::Error::none || !found);
    require(found.ok() ? slots == matching : found.error != virtq::Error::command_line_malformed);
    return 0;
}
