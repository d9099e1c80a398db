// SPDX-License-Identifier: MIT
// EXPECT: This register space lacks one of .*`uint16_t read16\(uint16_t offset\)`
// EXPECT: virtq/platform/register_space\.hpp
#include <virtq/virtq.hpp>

struct Bus {
    uint8_t read8(uint16_t) { return 0; }
    uint32_t read32(uint16_t) { return 0; }
    void write8(uint16_t, uint8_t) {}
    void write16(uint16_t, uint16_t) {}
    void write32(uint16_t, uint32_t) {}
};

uint32_t read(Bus& bus) {
    return virtq::platform::read_register(bus, virtq::detail::ReadOnly<uint32_t>{0});
}
