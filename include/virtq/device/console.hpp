// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/config.hpp>
#include <virtq/device/console_types.hpp>
#include <virtq/device/detail/console/console_config.hpp>
#include <virtq/device/detail/console/console_control.hpp>
#include <virtq/device/detail/console/console_stream.hpp>
#include <virtq/device/driver_core.hpp>
#include <virtq/device/posted_queue.hpp>
#include <virtq/device/slot_queue.hpp>
#include <virtq/spec/console.hpp>

#include <stdint.h>

namespace virtq {

/// A console, or up to `Traits::port_max` ports: each is a stream of bytes in both directions.
///
/// **Spec** §5.3 (Console Device).
/// **Use** `read` and `write` never wait, and return how many bytes they moved. A kernel with several ports also calls
/// `on_events`, which tells about ports that come and go, and answers the device. To sleep, see
/// `enable_used_notifications`. `emergency_write` works without any of this, before `init` and in a panic.
/// **Threading** No call takes a lock or waits, except for `init`, `reset` and `release`.
///
/// - *Input* of a port (`read`), *output* of a port (`write`, `is_drained`), and *control* (`on_events`, `open`, `close`,
///   `port`, `size`, `on_config_change`) may run concurrently with each other, and with those of other ports.
///   `enable_…` and `disable_…` belong to what they are about. `port_count` and `negotiation` may run at any time.
/// - Calls within one of these groups are serialised by the caller.
/// - `init`, `reset` and `release` must not run concurrently with any other call.
///
/// **Memory** Data is copied, to and from pages of the driver's own: 2 · `N` · `Traits::buffer_bytes` bytes a port.
/// **Recovery** As of `DriverCore`. `reset` drops input that was not read and output that the device had not used, and
/// hands nothing back. Afterwards the device adds all ports again: `open` them again.
///
/// ```
/// static virtq::ConsoleDevice<virtq::MmioTransport<>> console;
/// virtq::Status up = console.init(transport, pages);
/// virtq::Result<uint32_t> taken = console.write(text);  // below text.size(): try the rest again later
/// ```
template <class T, uint32_t N = 16, class Traits = ConsoleTraits>
class ConsoleDevice : public DriverCore<ConsoleDevice<T, N, Traits>, T> {
    using Core = DriverCore<ConsoleDevice, T>;
    friend Core;
    using Bit = spec::console::Feature;
    static constexpr bool has_many_ports = Traits::port_max > 1;
    static constexpr uint32_t control_max = has_many_ports ? N : 1;  // one port alone has no control queues
    static constexpr uint32_t message_bytes = sizeof(spec::console::Control);

    /// No data of the kernel's is mapped: everything is copied.
    struct QueueTraits : Traits {
        using Mapper = NoMapper;
    };
    template <uint32_t Size, uint32_t Bytes>
    using Receive = PostedQueue<Size, typename Traits::Format, Bytes>;
    template <uint32_t Size, uint32_t Bytes>
    using Transmit = SlotQueue<Size, QueueTraits, SlotShape<Bytes, 0>>;

    using ControlReceive = Receive<control_max, message_bytes + Traits::name_bytes>;
    using ControlTransmit = Transmit<control_max, message_bytes>;
    using Control = detail::ConsoleControl<Traits, ControlReceive, ControlTransmit>;
    using Input = detail::ConsoleInput<Receive<N, Traits::buffer_bytes>>;
    using Output = detail::ConsoleOutput<Transmit<N, Traits::buffer_bytes>, Traits::buffer_bytes>;

    static constexpr uint32_t most_ports = 32767;  // §5.3.2: the numbers of queues have 16 bits
    static_assert(Traits::port_max >= 1, "ConsoleTraits: port_max is 0. Use at least 1.");
    static_assert(Traits::port_max <= most_ports,
                  "ConsoleTraits: port_max is above 32767, for which there are queues.");

public:
    static constexpr spec::DeviceId device_type = spec::DeviceId::console;  ///< `init` rejects every other type
    using Mapper = typename Traits::Mapper;  ///< of `init`; nothing is mapped, because data is copied

    /// The most pages that `init` takes.
    [[__nodiscard__]] static constexpr uint32_t page_count(IndirectOption const& indirect = {}) {
        uint32_t const control =
            has_many_ports ? ControlReceive::page_count(indirect) + ControlTransmit::page_count(indirect) : 0;
        return control + Traits::port_max * (Input::page_count(indirect) + Output::page_count(indirect));
    }

    // --- data ---

    /// Copies what has arrived at a port, at most all of `to`, and returns how many bytes; 0: nothing now. Errors:
    /// `port_absent` if there is nothing and the device has not added the port, `queue_broken`, `reset_needed`,
    /// `not_initialised`.
    [[__nodiscard__]] Result<uint32_t> read(Span<uint8_t> to, uint32_t port = 0) {
        if (Error const error = check_port(port); error != Error::none) {
            return error;
        }
        auto& input = inputs_[port];
        uint32_t const have = input.read(to);
        this->notify(spec::console::receive_queue(port), input.publish());
        if (have != 0) {
            return have;
        }
        if (input.ring().fault()) {
            this->give_up();
            return Error::queue_broken;
        }
        Error const error = check_present(port);
        return error == Error::none ? Result<uint32_t>{have} : Result<uint32_t>{error};
    }

    /// Takes as many bytes as there is room for, and returns how many: that may be fewer than all, or 0. The device gets
    /// them in order, while the caller does something else. Errors: `port_absent`; `port_closed` if the host has not
    /// opened it and it is no console; `queue_broken`, `reset_needed`, `not_initialised`.
    [[__nodiscard__]] Result<uint32_t> write(Span<uint8_t const> from, uint32_t port = 0) {
        if (Error const error = check_writable(port); error != Error::none) {
            return error;
        }
        auto& output = outputs_[port];
        if (collect(output) == CompletionState::broken) {
            return Error::queue_broken;
        }
        uint32_t const taken = output.write(from);
        this->notify(spec::console::transmit_queue(port), output.publish());
        return taken;
    }

    /// Whether the device has used all output of a port. It may never, if the host does not read: bound the loop that
    /// waits for it, and ask `check_alive`.
    [[__nodiscard__]] bool is_drained(uint32_t port = 0) {
        if (check_port(port) == Error::none) {
            collect(outputs_[port]);
        }
        return port >= port_count_ || outputs_[port].in_flight() == 0;
    }

    /// Prints one character without queues and without `init`, for early boot and a panic (§5.3.4, §5.3.5): the transport
    /// need only be probed. Errors: `not_supported` if the device does not offer EMERG_WRITE, `transport_not_probed`,
    /// `wrong_device_type`, `config_absent`, `config_refused`, `config_too_short`.
    [[__nodiscard__]] static Status emergency_write(T& transport, char character) {
        if (transport.device_id() != device_type) {
            bool const is_probed = transport.device_id() != spec::DeviceId::none;
            return is_probed ? Error::wrong_device_type : Error::transport_not_probed;
        }
        if ((transport.offered_features(0) >> static_cast<unsigned>(Bit::emerg_write) & 1u) == 0) {
            return Error::not_supported;
        }
        Status const there = check_config(transport, spec::console::config::emerg_wr.offset + 4);
        if (there) {
            transport.write_config32(spec::console::config::emerg_wr.offset, static_cast<uint8_t>(character));
        }
        return there;
    }

    // --- ports ---

    /// How many ports the driver has room for and the device can have: the numbers of ports are below that. 1 without
    /// MULTIPORT, and 0 while the driver is not up.
    [[__nodiscard__]] uint32_t port_count() const { return port_count_; }
    /// What is known of a port. One that the device has not added is not present.
    [[__nodiscard__]] ConsolePort port(uint32_t number) const { return control_.describe_port(number); }
    /// How large a port is: what MULTIPORT told, or for port 0 what SIZE did.
    [[__nodiscard__]] ConsoleSize size(uint32_t number = 0) const { return port(number).size; }

    /// Handles the control messages of the device and answers them, then calls `each(uint32_t port, ConsoleEvent)` for
    /// each. `each` may call the console, but not `on_events`, `reset` or `release`. Call this when the device
    /// interrupts. Without MULTIPORT it does nothing. Errors: `queue_broken`, `reset_needed`, `not_initialised`.
    template <class Each>
    [[__nodiscard__]] Status on_events(Each each) {
        Error const error = this->check_usable();
        if constexpr (has_many_ports) {
            if (error == Error::none && is_multiport()) {
                return take_events(each);
            }
        }
        return error;
    }

    /// Tells the device that a program uses the port: now there can be input. The driver opens consoles itself. Without
    /// MULTIPORT it does nothing. Errors: `port_absent`, `reset_needed`, `not_initialised`.
    [[__nodiscard__]] Status open(uint32_t port) { return tell_open(port, 1); }
    /// Tells the device that no program uses the port. If the queue is full, this is sent by the next `on_events`; of
    /// several calls of `open` and `close` meanwhile, the last one counts. Errors: those of `open`.
    [[__nodiscard__]] Status close(uint32_t port) { return tell_open(port, 0); }

    /// Reads the size of port 0 again (SIZE). Call it when the transport's `on_interrupt` reports a configuration
    /// change. Returns whether the size differs. Errors: `config_unstable`, `not_initialised`, those of `check_alive`.
    [[__nodiscard__]] Result<bool> on_config_change() {
        if (Status const alive = this->check_alive(); !alive) {
            return alive.error();
        }
        auto const config = detail::ConsoleConfig::read(this->device(), this->negotiated());
        return config ? Result<bool>{control_.set_size(config->size)} : Result<bool>{config.error()};
    }

    // --- sleeping ---

    /// Asks for an interrupt when there is more input, when the device uses more output, or when there is an event.
    /// Sleep only after `MaySleep::yes`; after `no`, call `read`, `write` or `on_events` first. `output` wakes only if
    /// something is on its way: while `is_drained` is false. Notifications are off after `init` and `reset`. `broken`:
    /// nothing will come, or there is no such port.
    [[__nodiscard__]] MaySleep enable_used_notifications(ConsoleQueue queue = ConsoleQueue::input, uint32_t port = 0) {
        if (check_port(port) != Error::none) {
            return MaySleep::broken;
        }
        if (queue == ConsoleQueue::events) {
            return enable_events();
        }
        if (queue == ConsoleQueue::output) {
            return this->enable_notifications(outputs_[port]);
        }
        MaySleep const pending = this->enable_notifications(inputs_[port]);
        return inputs_[port].has_rest() ? MaySleep::no : pending;
    }
    /// Asks for no interrupts, for polling. The device may send some anyway (§2.7.7, §2.8.10).
    void disable_used_notifications(ConsoleQueue queue = ConsoleQueue::input, uint32_t port = 0) {
        if (check_port(port) != Error::none) {
            return;
        }
        if (queue == ConsoleQueue::events) {
            disable_events();
        } else if (queue == ConsoleQueue::output) {
            outputs_[port].ring().disable_used_notifications();
        } else {
            inputs_[port].ring().disable_used_notifications();
        }
    }

private:
    // --- for `DriverCore` ---

    [[__nodiscard__]] Negotiation wanted_features() const {
        Features own = Features::of(Bit::size);
        // After a reset only what has pages can be used: a device that offers ports only then has one.
        bool const is_first = inputs_[0].ring().size() == 0;
        if (has_many_ports && (is_first || control_.receive.ring().size() != 0)) {
            own.set(Bit::multiport);
        }
        return wanted_of<Traits>(own);
    }

    [[__nodiscard__]] Status configure() {
        Result<detail::ConsoleConfig> const config = detail::ConsoleConfig::read(this->device(), this->negotiated());
        if (!config) {
            return config.error();
        }
        if (config->ports == 0 || config->ports > most_ports) {
            this->blame(DriverReason::console_port_count, 0, config->ports);
        }
        uint32_t const offered = config->ports == 0 ? 1 : config->ports;  // port 0 always exists (§5.3.2)
        uint32_t const usable = usable_ports();
        port_count_ = offered < usable ? offered : usable;
        auto const manner = this->device().is_legacy() ? detail::Interface::legacy : detail::Interface::modern;
        control_.reset(port_count_, offered, detail::byte_order(manner));
        static_cast<void>(control_.set_size(config->size));
        if (!is_multiport()) {
            control_.add_only_port();
        }
        return {};
    }

    [[__nodiscard__]] bool uses_queue(uint16_t index) const {
        bool const is_control =
            index == spec::console::control_receive_queue || index == spec::console::control_transmit_queue;
        return is_control ? is_multiport() : index < 2 * port_count_ + 2;
    }

    template <class Visit>
    [[__nodiscard__]] Status visit_queues(Visit visit) {
        for (uint32_t port = 0; port < Traits::port_max; ++port) {
            Status visited = visit(spec::console::receive_queue(port), inputs_[port]);
            visited = visited ? visit(spec::console::transmit_queue(port), outputs_[port]) : visited;
            visited = visited && port == 0 ? visit_control(visit) : visited;
            if (!visited) {
                return visited;
            }
        }
        return {};
    }
    template <class Visit>
    [[__nodiscard__]] Status visit_control(Visit& visit) {
        if constexpr (has_many_ports) {
            Status const visited = visit(spec::console::control_receive_queue, control_.receive);
            return visited ? visit(spec::console::control_transmit_queue, control_.transmit) : visited;
        } else {
            return {};
        }
    }

    void on_release() {
        port_count_ = 0;
        control_.reset(0, 0, detail::ByteOrder::little);
    }

    /// §5.3.6.2.2: the device waits for this message.
    void on_live() {
        if constexpr (has_many_ports) {
            if (is_multiport()) {
                control_.announce();
                this->notify(spec::console::control_transmit_queue, control_.transmit.publish());
            }
        }
    }

    [[__nodiscard__]] bool is_multiport() const { return this->negotiated().has(Bit::multiport); }

    /// How many ports have pages; before there are any, how many may get some.
    [[__nodiscard__]] uint32_t usable_ports() const {
        uint32_t count = 0;
        while (count < Traits::port_max && inputs_[count].ring().size() != 0) {
            ++count;
        }
        return count == 0 ? Traits::port_max : count;
    }

    // --- ports ---

    /// Whether a port has queues.
    [[__nodiscard__]] Error check_port(uint32_t port) const {
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        return port < port_count_ ? Error::none : Error::port_absent;
    }
    [[__nodiscard__]] Error check_present(uint32_t port) const {
        Error const error = check_port(port);
        return error == Error::none && (control_.state(port) & Control::present) == 0 ? Error::port_absent : error;
    }
    [[__nodiscard__]] Error check_writable(uint32_t port) const {
        Error const error = check_present(port);
        // What is written to a console is read sooner or later; Linux does the same.
        bool const takes_output = (control_.state(port) & (Control::open | Control::console)) != 0;
        return error == Error::none && !takes_output ? Error::port_closed : error;
    }

    /// Everything was copied, so a completion only frees its slot.
    template <class Queue>
    CompletionState collect(Queue& queue) {
        return this->collect_from(queue, [](uint16_t, uint32_t) { return Error::none; });
    }

    // --- control ---

    template <class Each>
    [[__nodiscard__]] Status take_events(Each& each) {
        send_messages();
        for (detail::ConsoleNews news = control_.take_news(); news.found; news = control_.take_news()) {
            // ends: the device gets no buffer back before `publish`
            if (news.reason != DriverReason::none) {
                this->blame(news.reason, spec::console::control_receive_queue, news.value);
            }
            if (news.is_event) {
                each(news.port, news.event);
            }
        }
        send_messages();
        this->notify(spec::console::control_receive_queue, control_.receive.publish());
        if (!control_.is_broken()) {
            return {};
        }
        this->give_up();
        return Error::queue_broken;
    }

    void send_messages() {
        collect(control_.transmit);
        control_.send_owed();
        this->notify(spec::console::control_transmit_queue, control_.transmit.publish());
    }

    [[__nodiscard__]] Status tell_open(uint32_t port, uint16_t value) {
        Error const error = check_present(port);
        if constexpr (has_many_ports) {
            if (error == Error::none && is_multiport()) {
                control_.owe_open(port, value);
                send_messages();
            }
        }
        return error;
    }

    /// Also when there is room for messages: an answer may wait for it.
    [[__nodiscard__]] MaySleep enable_events() {
        if constexpr (has_many_ports) {
            if (is_multiport()) {
                MaySleep const sent = this->enable_notifications(control_.transmit);
                MaySleep const received = this->enable_notifications(control_.receive);
                return received == MaySleep::yes ? sent : received;
            }
        }
        return MaySleep::yes;
    }
    void disable_events() {
        if constexpr (has_many_ports) {
            if (is_multiport()) {
                control_.transmit.ring().disable_used_notifications();
                control_.receive.ring().disable_used_notifications();
            }
        }
    }

    uint32_t port_count_ = 0;
    Control control_;
    Input inputs_[Traits::port_max];
    Output outputs_[Traits::port_max];
};

}  // namespace virtq
