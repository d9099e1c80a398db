// SPDX-License-Identifier: MIT
// EXPECT: This register space is one of I/O ports \(is_port_space\)
#include <virtq/virtq.hpp>

static virtq::AnyTransport<virtq::PortSpace, virtq::MmioSpace> transport;

bool is_probed() {
    return transport.is_probed();
}
