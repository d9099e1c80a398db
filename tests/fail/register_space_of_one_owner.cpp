// SPDX-License-Identifier: MIT
// EXPECT: A register space must be made without arguments and be copied
#include <virtq/virtq.hpp>

struct Bus : virtq::MmioSpace {
    Bus(Bus const&) = delete;
};

uint32_t read(Bus& bus) {
    return virtq::platform::read_register(bus, virtq::detail::ReadOnly<uint32_t>{0});
}
