// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/device/console_types.hpp>
#include <virtq/device/driver_fault.hpp>
#include <virtq/platform/detail/word.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/token.hpp>
#include <virtq/spec/console.hpp>

#include <stdint.h>

namespace virtq::detail {

/// What became of a control message: an event, a violation, or neither.
struct ConsoleNews {
    bool found = false;     ///< there was a message, and its buffer went back to the device
    bool is_event = false;  ///< `event` happened to `port`
    ConsoleEvent event = ConsoleEvent::added;
    uint32_t port = 0;
    DriverReason reason = DriverReason::none;  ///< of a violation
    uint32_t value = 0;                        ///< of a violation
};

/// The control queues (§5.3.6.2), a `PostedQueue` and a `SlotQueue`, and what their messages tell about the ports.
///
/// **Invariant** An answer that found no slot is not lost: for a port of ours a flag asks for it, and a message about
/// another port is held until its answer is sent.
/// **Threading** The caller serialises the calls, except for `state`, which may run concurrently with any.
template <class Traits, class Receive, class Transmit>
class ConsoleControl {
    static constexpr uint32_t header_bytes = sizeof(spec::console::Control);
    static_assert(Traits::name_bytes >= sizeof(spec::console::Resize),
                  "ConsoleTraits: name_bytes is below 4, which a resize message needs. Use at least 4.");
    using Event = spec::console::Event;
    using Filled = typename Receive::Filled;

public:
    static constexpr uint16_t present = 1;  ///< in `state`: the device has added the port
    static constexpr uint16_t console = 2;  ///< it is a console
    static constexpr uint16_t open = 4;     ///< the host has it open

    Receive receive;
    Transmit transmit;

    /// No port is known any more. The driver uses the first `count` of the device's `device_count`.
    void reset(uint32_t count, uint32_t device_count, ByteOrder order) {
        count_ = count;
        device_count_ = device_count;
        order_ = order;
        is_held_ = false;
        for (Port& port : ports_) {
            forget(port);
        }
    }
    /// Without MULTIPORT there is one port, and no message about it.
    void add_only_port() { set_state(ports_[0], present | console | open); }
    /// Keeps the size of port 0, and returns whether it differs. A size of 0 in one direction is unknown.
    [[__nodiscard__]] bool set_size(ConsoleSize size) {
        ConsoleSize const known = size.cols != 0 && size.rows != 0 ? size : ConsoleSize{};
        bool const differs = !(ports_[0].size == known);
        ports_[0].size = known;
        return differs;
    }

    /// Tells the device that the driver takes messages. There is room: the queue was just made.
    void announce() { static_cast<void>(send(0, Event::device_ready, 1)); }

    [[__nodiscard__]] uint16_t state(uint32_t port) const {
        return port < count_ ? platform::load_word(&ports_[port].state) : uint16_t{0};
    }
    [[__nodiscard__]] ConsolePort describe_port(uint32_t number) const {
        uint16_t const now = state(number);
        if ((now & present) == 0) {
            return {};
        }
        return {ports_[number].name, ports_[number].size, true, (now & console) != 0, (now & open) != 0};
    }

    /// Asks for a message that opens or closes a port that is present: `value` is 1 or 0.
    void owe_open(uint32_t port, uint16_t value) {
        ports_[port].open_value = value;
        ports_[port].owes_open = true;
    }

    /// Sends the answers that are due, as far as there is room.
    void send_owed() {
        for (uint32_t number = 0; number < count_; ++number) {
            Port& port = ports_[number];
            // A port is opened after it is ready: without a slot for the first message, there is none for the second.
            port.owes_ready = port.owes_ready && !send(number, Event::port_ready, 1);
            port.owes_open = port.owes_open && !send(number, Event::port_open, port.open_value);
        }
    }

    /// The device violated the rules of one of the rings.
    [[__nodiscard__]] bool is_broken() const { return receive.ring().fault() || transmit.ring().fault(); }

    /// Handles the next message of the device.
    [[__nodiscard__]] ConsoleNews take_news() {
        if (!is_held_) {
            held_ = receive.take();
            if (!held_) {
                return {};
            }
        }
        ConsoleNews const news = read(held_);
        is_held_ = !news.found;
        if (news.found) {
            receive.post(held_.number);
        }
        return news;
    }

private:
    struct Port {
        uint16_t state = 0;  ///< other CPUs read it
        uint16_t open_value = 0;
        bool owes_ready = false;
        bool owes_open = false;
        ConsoleSize size{};
        char name[Traits::name_bytes + 1] = {};
    };

    [[__nodiscard__]] static ConsoleNews violation(DriverReason reason, uint32_t value) {
        return {true, false, ConsoleEvent::added, 0, reason, value};
    }
    [[__nodiscard__]] static ConsoleNews happened(uint32_t port, ConsoleEvent event) {
        return {true, true, event, port, DriverReason::none, 0};
    }

    static void set_state(Port& port, unsigned state) {
        platform::store_word(&port.state, static_cast<uint16_t>(state));
    }
    static void forget(Port& port) {
        set_state(port, 0);
        port.owes_ready = port.owes_open = false;
        port.size = {};
        port.name[0] = '\0';
    }

    /// False if there is no slot.
    [[__nodiscard__]] bool send(uint32_t port, Event event, uint16_t value) {
        uint16_t const slot = transmit.take_slot(Token{});
        if (slot == transmit.no_slot) {
            return false;
        }
        spec::console::Control const message{in_order(port, order_), in_order(static_cast<uint16_t>(event), order_),
                                             in_order(value, order_)};
        transmit.put(slot, 0, &message, sizeof message);
        transmit.abandon(slot);  // its completion frees the slot, and so does an error
        // Fails only if the queue is broken; then only a reset helps, which starts all over.
        static_cast<void>(transmit.send(slot, {header_bytes}));
        return true;
    }

    [[__nodiscard__]] ConsoleNews read(Filled const& filled) {
        if (filled.bytes < header_bytes) {
            return violation(DriverReason::console_message_short, filled.bytes);
        }
        spec::console::Control message;
        receive.copy(filled, 0, &message, sizeof message);
        uint32_t const number = in_order(message.id, order_);
        auto const event = static_cast<Event>(in_order(message.event, order_));
        if (number >= device_count_) {
            return violation(DriverReason::console_port_unknown, number);
        }
        if (number >= count_) {
            // We have no room for this port. The message is held until the device can be told.
            ConsoleNews news;
            news.found = event != Event::device_add || send(number, Event::port_ready, 0);
            return news;
        }
        if (event == Event::device_add) {
            return add(number);
        }
        if ((state(number) & present) == 0) {
            return violation(DriverReason::console_port_absent, number);
        }
        return change(number, event, in_order(message.value, order_), filled);
    }

    [[__nodiscard__]] ConsoleNews add(uint32_t number) {
        if ((state(number) & present) != 0) {
            return violation(DriverReason::console_port_twice, number);
        }
        set_state(ports_[number], present);
        ports_[number].owes_ready = true;
        return happened(number, ConsoleEvent::added);
    }

    [[__nodiscard__]] ConsoleNews change(uint32_t number, Event event, uint16_t value, Filled const& filled) {
        Port& port = ports_[number];
        unsigned const now = state(number);
        switch (event) {
            case Event::device_remove: forget(port); return happened(number, ConsoleEvent::removed);
            case Event::console_port:
                set_state(port, now | console);
                owe_open(number, 1);
                return happened(number, ConsoleEvent::console);
            case Event::resize: return resize(number, filled);
            case Event::port_open:
                set_state(port, value != 0 ? now | open : now & ~unsigned{open});
                return happened(number, value != 0 ? ConsoleEvent::opened : ConsoleEvent::closed);
            case Event::port_name: return rename(number, filled);
            default: return violation(DriverReason::console_event_unknown, static_cast<uint16_t>(event));
        }
    }

    [[__nodiscard__]] ConsoleNews resize(uint32_t number, Filled const& filled) {
        spec::console::Resize size;
        if (filled.bytes < header_bytes + sizeof size) {
            return violation(DriverReason::console_message_short, filled.bytes);
        }
        receive.copy(filled, header_bytes, &size, sizeof size);
        ConsoleSize const now{in_order(size.cols, order_), in_order(size.rows, order_)};
        if (now.cols == 0 || now.rows == 0) {
            return violation(DriverReason::console_size_zero, uint32_t{now.rows} << 16 | now.cols);
        }
        ports_[number].size = now;
        return happened(number, ConsoleEvent::resized);
    }

    [[__nodiscard__]] ConsoleNews rename(uint32_t number, Filled const& filled) {
        Port& port = ports_[number];
        uint32_t const bytes = filled.bytes - header_bytes;  // at most name_bytes: the buffer is no larger
        receive.copy(filled, header_bytes, port.name, bytes);
        port.name[bytes] = '\0';
        return happened(number, ConsoleEvent::named);
    }

    Filled held_{0, 0, CompletionState{}};  ///< if `is_held_`: a message whose answer waits for a slot. All zero
    bool is_held_ = false;
    uint32_t count_ = 0;
    uint32_t device_count_ = 0;
    ByteOrder order_ = ByteOrder::little;  // of messages: the guest's for a legacy device (§5.3.6.3)
    Port ports_[Traits::port_max] = {};
};

}  // namespace virtq::detail
