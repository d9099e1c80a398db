// SPDX-License-Identifier: MIT
// EXPECT: This register space lacks one of `void write8\(uint16_t offset, uint8_t\)`
#include <virtq/virtq.hpp>

struct Bus {
    uint8_t read8(uint16_t) { return 0; }
    uint16_t read16(uint16_t) { return 0; }
    uint32_t read32(uint16_t) { return 0; }
    void write16(uint16_t, uint16_t) {}
    void write32(uint16_t, uint32_t) {}
};

void write(Bus& bus) {
    virtq::platform::write_register(bus, virtq::detail::WriteOnly<uint32_t>{0x50}, uint32_t{1});
}
