// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>

#include <stddef.h>
#include <stdint.h>

/// Console device, §5.3 (Console Device).
namespace virtq::spec::console {

/// §5.3.3 (Feature bits).
enum class Feature : uint8_t {
    size = 0,         ///< VIRTIO_CONSOLE_F_SIZE
    multiport = 1,    ///< VIRTIO_CONSOLE_F_MULTIPORT
    emerg_write = 2,  ///< VIRTIO_CONSOLE_F_EMERG_WRITE
};

/// §5.3.2 (Virtqueues): the device's messages about ports, with MULTIPORT.
inline constexpr uint16_t control_receive_queue = 2;
/// §5.3.2 (Virtqueues): the driver's messages about ports, with MULTIPORT.
inline constexpr uint16_t control_transmit_queue = 3;

/// §5.3.2 (Virtqueues): the queue in which the device puts the input of `port`. Port 0 comes before the control
/// queues, all others after them. `port` is below 32767, so that the number of both queues fits 16 bits.
[[__nodiscard__]] constexpr uint16_t receive_queue(uint32_t port) {
    return static_cast<uint16_t>(port == 0 ? 0 : 2 * port + 2);
}
/// §5.3.2 (Virtqueues): the queue in which the driver puts the output of `port`.
[[__nodiscard__]] constexpr uint16_t transmit_queue(uint32_t port) {
    return static_cast<uint16_t>(receive_queue(port) + 1);
}

/// §5.3.4 (Device configuration layout): offsets in the configuration space.
namespace config {
inline constexpr detail::ReadOnly<uint16_t> cols{0};          ///< SIZE: width of port 0, in characters
inline constexpr detail::ReadOnly<uint16_t> rows{2};          ///< SIZE: height of port 0, in characters
inline constexpr detail::ReadOnly<uint32_t> max_nr_ports{4};  ///< MULTIPORT: how many ports there can be
inline constexpr detail::WriteOnly<uint32_t> emerg_wr{8};     ///< EMERG_WRITE offered: prints a character at any time
}  // namespace config

/// §5.3.6.2 (Multiport Device Operation): what a control message is about.
enum class Event : uint16_t {
    device_ready = 0,   ///< VIRTIO_CONSOLE_DEVICE_READY: driver, `value` 1 if it is ready for messages, 0 if it failed
    device_add = 1,     ///< VIRTIO_CONSOLE_DEVICE_ADD: device, there is a new port
    device_remove = 2,  ///< VIRTIO_CONSOLE_DEVICE_REMOVE: device, a port is gone
    port_ready = 3,     ///< VIRTIO_CONSOLE_PORT_READY: driver, `value` 1 if it uses the port, 0 if it failed
    console_port = 4,   ///< VIRTIO_CONSOLE_CONSOLE_PORT: device, the port is a console
    resize = 5,         ///< VIRTIO_CONSOLE_RESIZE: device, a `Resize` follows
    port_open = 6,      ///< VIRTIO_CONSOLE_PORT_OPEN: both, `value` 1 if the sender has opened the port, 0 if closed
    port_name = 7,      ///< VIRTIO_CONSOLE_PORT_NAME: device, a name in UTF-8 follows, without a NUL
};

/// §5.3.6.2: a message of a control queue.
struct Control {
    uint32_t id;     ///< number of the port
    uint16_t event;  ///< an `Event`
    uint16_t value;  ///< depends on the event
};
static_assert(sizeof(Control) == 8 && offsetof(Control, event) == 4 && offsetof(Control, value) == 6,
              "A console control message is 8 bytes: le32 id, le16 event, le16 value (§5.3.6.2)");

/// §5.3.6.2: follows a `Control` whose event is `resize`.
struct Resize {
    uint16_t cols;  ///< width, in characters
    uint16_t rows;  ///< height, in characters
};
static_assert(sizeof(Resize) == 4 && offsetof(Resize, rows) == 2,
              "A console size is 4 bytes: le16 cols, le16 rows (§5.3.6.2)");

}  // namespace virtq::spec::console
