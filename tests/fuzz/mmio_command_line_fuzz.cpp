// SPDX-License-Identifier: MIT
#include <virtq/transport/mmio_command_line.hpp>

#include <fuzz/require.hpp>

#include <cinttypes>
#include <cstddef>
#include <cstdint>
#include <cstdio>

using virtq::test::require;

/// Writes a slot in the form from which it was read, and checks that it is read as the same slot.
static void bring_up_again(virtq::MmioSlot const& slot) {
    char text[128];
    std::snprintf(text, sizeof(text), "virtio_mmio.device=0x%" PRIx64 "@0x%" PRIx64 ":%" PRIu32, slot.bytes,
                  slot.base.value, slot.interrupt);
    virtq::Discovery const found = virtq::for_each_mmio_slot(
        virtq::KernelCommandLine{text}, [&](virtq::MmioSlot const& again) { require(again == slot); });
    require(found.ok() && found.found == 1);
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    virtq::KernelCommandLine const line{reinterpret_cast<char const*>(data), static_cast<std::uint32_t>(size)};
    std::uint32_t slots = 0;
    virtq::Discovery const found = virtq::for_each_mmio_slot(line, [&](virtq::MmioSlot const& slot) {
        ++slots;
        require(slot.bytes != 0 && slot.base.value + (slot.bytes - 1) >= slot.base.value);
        bring_up_again(slot);
    });
    require(found.found == slots && found.error_position <= size);
    require(found.ok() || found.error == virtq::Error::command_line_malformed);
    return 0;
}
