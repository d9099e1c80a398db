// SPDX-License-Identifier: MIT
// EXPECT: A register space of I/O ports needs `static constexpr bool is_port_space = true;`
// EXPECT: virtq/platform/register_space\.hpp
#include <virtq/virtq.hpp>

// A space of ports without its mark was taken for memory (faults A13).

struct Ports {
    Ports() = default;
    explicit Ports(uintptr_t) {}
    uint8_t read8(uint16_t) { return 0; }
    uint16_t read16(uint16_t) { return 0; }
    uint32_t read32(uint16_t) { return 0; }
    void write8(uint16_t, uint8_t) {}
    void write16(uint16_t, uint16_t) {}
    void write32(uint16_t, uint32_t) {}
    Ports at(uint32_t) const { return *this; }
};

static virtq::AnyTransport<virtq::MmioSpace, Ports> transport;

bool is_probed() {
    return transport.is_probed();
}
