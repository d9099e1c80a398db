// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/register.hpp>

#include <stddef.h>
#include <stdint.h>

/// Input device, §5.8 (Input Device). It has no feature bits (§5.8.3). Types and codes of events are those of Linux
/// (input-event-codes.h); here are the ones that a driver needs.
namespace virtq::spec::input {

/// §5.8.2 (Virtqueues): the device fills buffers with events.
inline constexpr uint16_t event_queue = 0;
/// §5.8.2 (Virtqueues): the driver sends events, for example to switch a light of a keyboard.
inline constexpr uint16_t status_queue = 1;

/// §5.8.4 (Device configuration layout): the driver writes `select` and `subsel`, reads `size`, then that many bytes
/// from `data` on. A size of 0 means that the device has no such information.
namespace config {
inline constexpr detail::ReadWrite<uint8_t> select{0};  ///< a `Select`
inline constexpr detail::ReadWrite<uint8_t> subsel{1};  ///< an event type or an axis; otherwise 0
inline constexpr detail::ReadOnly<uint8_t> size{2};     ///< how many bytes of `data` are valid
inline constexpr uint16_t data = 8;                     ///< a string, a bitmap, an `AbsInfo` or `DeviceIds`
}  // namespace config

/// §5.8.4: length of `config::data`, in bytes.
inline constexpr uint32_t data_bytes_max = 128;

/// §5.8.4: which information the driver asks for.
enum class Select : uint8_t {
    unset = 0x00,       ///< VIRTIO_INPUT_CFG_UNSET
    id_name = 0x01,     ///< VIRTIO_INPUT_CFG_ID_NAME: a string without a NUL
    id_serial = 0x02,   ///< VIRTIO_INPUT_CFG_ID_SERIAL: a string without a NUL
    id_devids = 0x03,   ///< VIRTIO_INPUT_CFG_ID_DEVIDS: `DeviceIds`
    prop_bits = 0x10,   ///< VIRTIO_INPUT_CFG_PROP_BITS: a bitmap of properties
    event_bits = 0x11,  ///< VIRTIO_INPUT_CFG_EV_BITS: a bitmap of the codes of event type `subsel`
    abs_info = 0x12,    ///< VIRTIO_INPUT_CFG_ABS_INFO: the `AbsInfo` of axis `subsel`
};

/// §5.8.4: the range of an absolute axis.
struct AbsInfo {
    uint32_t min;   ///< least value
    uint32_t max;   ///< largest value
    uint32_t fuzz;  ///< differences up to this one are noise
    uint32_t flat;  ///< values up to this one count as the centre
    uint32_t res;   ///< resolution, in units per millimetre
};
static_assert(sizeof(AbsInfo) == 20 && offsetof(AbsInfo, max) == 4 && offsetof(AbsInfo, res) == 16,
              "Information on an axis is 20 bytes: le32 min, max, fuzz, flat, res (§5.8.4)");

/// §5.8.4: what hardware the device resembles.
struct DeviceIds {
    uint16_t bustype;     ///< a bus type of Linux
    uint16_t vendor_id;   ///< number of the vendor
    uint16_t product_id;  ///< number of the product
    uint16_t version;     ///< its version
};
static_assert(sizeof(DeviceIds) == 8 && offsetof(DeviceIds, vendor_id) == 2 && offsetof(DeviceIds, version) == 6,
              "Input device ids are 8 bytes: le16 bustype, vendor, product, version (§5.8.4)");

/// §5.8.6 (Device Operation): an event of either queue.
struct Event {
    uint16_t type;   ///< for example EV_KEY
    uint16_t code;   ///< for example a key
    uint32_t value;  ///< for example 1 for a key that was pressed
};
static_assert(sizeof(Event) == 8 && offsetof(Event, code) == 2 && offsetof(Event, value) == 4,
              "An input event is 8 bytes: le16 type, le16 code, le32 value (§5.8.6)");

/// Types of events: `Event::type`, and `subsel` of `Select::event_bits`. A device may send others, too.
enum class EventType : uint16_t {
    syn = 0x00,  ///< EV_SYN: ends a packet of events, see `code::syn_report`
    key = 0x01,  ///< EV_KEY: a key or a button. The value is 0 for released, 1 for pressed, 2 for repeated
    rel = 0x02,  ///< EV_REL: the value is how far an axis has moved
    abs = 0x03,  ///< EV_ABS: the value is the position on an axis
    msc = 0x04,  ///< EV_MSC: anything else
    sw = 0x05,   ///< EV_SW: a switch, for example of the lid
    led = 0x11,  ///< EV_LED: a light. The driver sends it; the value is 0 for off, 1 for on
    snd = 0x12,  ///< EV_SND: a sound. The driver sends it
    rep = 0x14,  ///< EV_REP: how a key that is held repeats
};

/// Codes of events: `Event::code`. Keys and buttons have too many to list here.
namespace code {
inline constexpr uint16_t syn_report = 0;            ///< SYN_REPORT: all events of one update have come
inline constexpr uint16_t syn_dropped = 3;           ///< SYN_DROPPED: events were lost
inline constexpr uint16_t btn_joystick = 0x120;      ///< BTN_JOYSTICK: the first button of a joystick or gamepad
inline constexpr uint16_t btn_digi = 0x140;          ///< BTN_DIGI: behind the last button of a joystick or gamepad
inline constexpr uint16_t rel_x = 0;                 ///< REL_X: to the right
inline constexpr uint16_t rel_y = 1;                 ///< REL_Y: downwards
inline constexpr uint16_t abs_x = 0;                 ///< ABS_X: from the left
inline constexpr uint16_t abs_y = 1;                 ///< ABS_Y: from the top
inline constexpr uint16_t abs_mt_slot = 0x2f;        ///< ABS_MT_SLOT: which finger the events behind it are about
inline constexpr uint16_t abs_mt_position_x = 0x35;  ///< ABS_MT_POSITION_X: of a finger, from the left
inline constexpr uint16_t abs_mt_position_y = 0x36;  ///< ABS_MT_POSITION_Y: of a finger, from the top
inline constexpr uint16_t led_num_lock = 0;          ///< LED_NUML
inline constexpr uint16_t led_caps_lock = 1;         ///< LED_CAPSL
inline constexpr uint16_t led_scroll_lock = 2;       ///< LED_SCROLLL
}  // namespace code

}  // namespace virtq::spec::input
