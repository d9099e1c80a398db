// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/device/detail/input/input_config.hpp>
#include <virtq/device/detail/input/input_kind.hpp>
#include <virtq/device/detail/input/input_status_queue.hpp>
#include <virtq/device/driver_core.hpp>
#include <virtq/device/input_types.hpp>
#include <virtq/device/posted_queue.hpp>
#include <virtq/device/slot_queue.hpp>
#include <virtq/spec/input.hpp>

#include <stdint.h>

namespace virtq {

/// A keyboard, mouse, tablet, touch screen or joystick.
///
/// **Spec** §5.8 (Input Device).
/// **Use** `take_each` calls a handler for each event, or `take_packets` for all events of one update together: use one
/// of them. `send` switches lights. `kind`, `name`, `codes`, `range` and their like tell what the device is.
/// **Loss** The driver has `N` buffers, and gives each back before a handler sees what was in it. A device may drop events
/// only while all are full (§5.8.6.2).
/// **Threading** No call takes a lock or waits, except for `init`, `reset` and `release`.
///
/// - *Events* (`take_each`, `take_packets`, `dropped`), *status* (`send`, `in_flight`) and *description* (`name`, `serial`,
///   `device_ids`, `properties`, `codes`, `range`) may run concurrently with each other. `enable_…` and `disable_…` belong to
///   what they are about. `kind` may run at any time.
/// - Calls within one of these groups are serialised by the caller.
/// - `init`, `reset` and `release` must not run concurrently with any other call.
///
/// **Recovery** As of `DriverCore`. `reset` drops events that were not taken, and hands nothing back: keys that were held
/// may be released without an event.
///
/// ```
/// static virtq::InputDevice<virtq::MmioTransport<>> keyboard;
/// virtq::Status up = keyboard.init(transport, pages);
/// virtq::CompletionState state = keyboard.take_each([](virtq::InputEvent event) { kernel_input(event); });
/// ```
template <class T, uint32_t N = 64, class Traits = InputTraits>
class InputDevice : public DriverCore<InputDevice<T, N, Traits>, T> {
    using Core = DriverCore<InputDevice, T>;
    friend Core;
    using Select = spec::input::Select;
    using EventType = spec::input::EventType;
    using Wire = spec::input::Event;

    /// No data of the kernel's is mapped: everything is copied.
    struct QueueTraits : Traits {
        using Mapper = NoMapper;
    };
    using Events = PostedQueue<N, typename Traits::Format, sizeof(Wire)>;
    using StatusEvents = detail::InputStatusQueue<SlotQueue<N, QueueTraits, SlotShape<sizeof(Wire), 0>>>;

    static_assert(Traits::packet_events >= 1, "InputTraits: packet_events is 0. Use at least 1.");

public:
    static constexpr spec::DeviceId device_type = spec::DeviceId::input;  ///< `init` rejects every other type
    using Mapper = typename Traits::Mapper;  ///< of `init`; nothing is mapped, because events are copied

    /// The most pages that `init` takes.
    [[__nodiscard__]] static constexpr uint32_t page_count(IndirectOption const& indirect = {}) {
        return Events::page_count(indirect) + StatusEvents::page_count(indirect);
    }

    // --- events ---

    /// Calls `each(InputEvent)` for the events that have come, at most `most`, and about as many as the driver has
    /// buffers: so a device cannot keep it busy for ever. `each` may call the driver, except for `take_each`,
    /// `take_packets`, `reset` and `release`. Events that the device left incomplete are dropped, and count for `most`.
    /// Returns `ready` if there may be more, `none` if not, and `broken` if none will come before `reset`.
    template <class Each>
    CompletionState take_each(Each each, uint32_t most = UINT32_MAX) {
        return take_bursts(
            [&](Taken const& taken) {
                if (taken.is_valid) {
                    each(taken.event);
                }
            },
            most);
    }

    /// Calls `each(InputPacket const&)` for each update whose last event, SYN_REPORT, has come. The events of an update that
    /// is not complete yet are kept for the next call. Empty updates are skipped. `most` counts events, not updates.
    /// Otherwise as `take_each`.
    template <class Each>
    CompletionState take_packets(Each each, uint32_t most = UINT32_MAX) {
        return take_bursts(
            [&](Taken const& taken) {
                if (!add_to_packet(taken)) {
                    return;
                }
                if (packet_count_ != 0 || packet_has_gap_) {
                    each(InputPacket{{packet_, packet_count_}, !packet_has_gap_});
                }
                forget_packet();
            },
            most);
    }

    /// How many events were dropped since `init` or `reset`, because the device wrote less than an event. What the device
    /// has dropped itself is not known, but a SYN_DROPPED event may tell that there was something.
    [[__nodiscard__]] uint32_t dropped() const { return dropped_; }

    // --- status ---

    /// Sends an event to the device, for example `{EventType::led, code::led_caps_lock, 1}`. It is copied, and nobody waits
    /// for its end. Errors: `queue_full`, because the device has not used earlier ones: try again later, or drop it;
    /// `queue_broken`, `reset_needed`, `not_initialised`.
    [[__nodiscard__]] Status send(InputEvent const& event) {
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        if (collect() == CompletionState::broken) {
            return Error::queue_broken;
        }
        uint16_t const slot = status_.take_slot(Token{});
        if (slot == status_.no_slot) {
            status_.note_refusal(Error::queue_full);
            return Error::queue_full;
        }
        Wire const wire{detail::in_order(static_cast<uint16_t>(event.type), order_),
                        detail::in_order(event.code, order_),
                        detail::in_order(static_cast<uint32_t>(event.value), order_)};
        status_.put(slot, 0, &wire, sizeof wire);
        status_.abandon(slot);  // its completion frees the slot, and so does an error
        Error const error = status_.send(slot, {sizeof wire});
        this->notify(spec::input::status_queue, status_.publish());
        return error;
    }

    /// How many events that were sent the device has not used yet.
    [[__nodiscard__]] uint16_t in_flight() {
        if (this->check_usable() == Error::none) {
            collect();
        }
        return status_.in_flight();
    }

    // --- description ---

    /// What the device seems to be. Known since `init`.
    [[__nodiscard__]] InputKind kind() const { return kind_; }

    /// The device's name. Errors of this call and of those below: `not_supported` if the device has no such information;
    /// `answer_invalid` if it is longer or shorter than it can be; `config_unstable`, `config_absent`, `config_refused`,
    /// `config_too_short`, `reset_needed`, `not_initialised`. They access the configuration byte by byte, which is slow.
    [[__nodiscard__]] Result<InputText> name() { return read_text(Select::id_name); }
    /// The device's serial number.
    [[__nodiscard__]] Result<InputText> serial() { return read_text(Select::id_serial); }

    /// What hardware it resembles.
    [[__nodiscard__]] Result<spec::input::DeviceIds> device_ids() {
        detail::InputHalves answer;
        if (Error const error = ask_usable(Select::id_devids, 0, answer.bytes_max, answer); error != Error::none) {
            return error;
        }
        auto const& field = answer.fields;
        return spec::input::DeviceIds{field[0], field[1], field[2], field[3]};
    }

    /// Its properties: bit 1 (INPUT_PROP_DIRECT) tells a touch screen from a touch pad.
    [[__nodiscard__]] Result<InputBitmap> properties() { return read_bitmap(Select::prop_bits, 0); }
    /// Which codes of an event type it can send, or of `led` and `snd` can be sent to it. `not_supported`: none. A type
    /// above 255 has none.
    [[__nodiscard__]] Result<InputBitmap> codes(EventType type) {
        auto const number = static_cast<uint16_t>(type);
        return number > UINT8_MAX ? Result<InputBitmap>{Error::not_supported}
                                  : read_bitmap(Select::event_bits, static_cast<uint8_t>(number));
    }

    /// The range of an axis, for example `code::abs_x`. `answer_invalid`: its least value is above its largest one.
    [[__nodiscard__]] Result<InputRange> range(uint8_t axis) {
        detail::InputWords answer;
        if (Error const error = ask_usable(Select::abs_info, axis, answer.bytes_max, answer); error != Error::none) {
            return error;
        }
        auto const field = [&](unsigned index) { return static_cast<int32_t>(answer.fields[index]); };
        if (field(0) > field(1)) {
            this->blame(DriverReason::input_range, 0, axis);
            return Error::answer_invalid;
        }
        return InputRange{field(0), field(1), field(2), field(3), field(4)};
    }

    // --- sleeping ---

    /// Asks for an interrupt when there are events, or when the device has used some that were sent. Sleep only after
    /// `MaySleep::yes`; after `no`, call `take_each`, `take_packets` or `send` first. `status` wakes only while
    /// `in_flight()` is not 0. Notifications are off after `init` and `reset`. `broken`: nothing will come before `reset`.
    [[__nodiscard__]] MaySleep enable_used_notifications(InputQueue queue = InputQueue::events) {
        if (this->check_usable() != Error::none) {
            return MaySleep::broken;
        }
        return queue == InputQueue::events ? this->enable_notifications(events_) : this->enable_notifications(status_);
    }
    /// Asks for no interrupts, for polling. The device may send some anyway (§2.7.7, §2.8.10).
    void disable_used_notifications(InputQueue queue = InputQueue::events) {
        if (this->check_usable() == Error::none) {
            queue == InputQueue::events ? events_.ring().disable_used_notifications()
                                        : status_.ring().disable_used_notifications();
        }
    }

private:
    /// What was in a buffer.
    struct Taken {
        InputEvent event;
        bool is_valid = false;
    };
    static constexpr uint32_t burst_max = 16;

    // --- for `DriverCore` ---

    [[__nodiscard__]] Negotiation wanted_features() const { return wanted_of<Traits>(); }
    template <class Visit>
    [[__nodiscard__]] Status visit_queues(Visit visit) {
        Status const visited = visit(spec::input::event_queue, events_);
        return visited ? visit(spec::input::status_queue, status_) : visited;
    }
    void on_release() { kind_ = InputKind::other; }

    /// §5.8.5: the device is asked what it is before the event queue is filled.
    [[__nodiscard__]] Status configure() {
        order_ = this->device().is_legacy() ? detail::native_byte_order : detail::ByteOrder::little;
        dropped_ = 0;
        forget_packet();
        return find_kind();
    }

    // --- events ---

    /// Copies a few events, gives their buffers back, and only then lets `each(Taken const&)` see them: a slow handler
    /// keeps no buffer from the device. Ends after `most` events, and after a burst more than the ring has buffers.
    template <class Each>
    CompletionState take_bursts(Each each, uint32_t most) {
        if (this->check_usable() != Error::none) {
            return CompletionState::broken;
        }
        uint32_t const room = events_.count();
        uint32_t left = most < room ? most : room;
        CompletionState state = CompletionState::ready;
        while (state == CompletionState::ready && left != 0) {
            Taken burst[burst_max];
            uint32_t const count = take_burst(burst, left < burst_max ? left : burst_max, state);
            left -= count;
            for (uint32_t i = 0; i < count; ++i) {
                each(burst[i]);
            }
        }
        if (state == CompletionState::broken) {
            this->give_up();
        }
        return state;
    }

    [[__nodiscard__]] uint32_t take_burst(Taken* burst, uint32_t most, CompletionState& state) {
        uint32_t count = 0;
        while (count < most) {
            FilledBuffer const filled = events_.take();
            state = filled.state;
            if (!filled) {
                break;
            }
            burst[count++] = read_event(filled);
            events_.post(filled.number);
        }
        this->notify(spec::input::event_queue, events_.publish());
        return count;
    }

    [[__nodiscard__]] Taken read_event(FilledBuffer const& filled) {
        Wire wire;
        if (filled.bytes < sizeof wire) {
            ++dropped_;
            this->blame(DriverReason::input_event_short, spec::input::event_queue, filled.bytes);
            return {};
        }
        events_.copy(filled, 0, &wire, sizeof wire);
        return {{static_cast<EventType>(detail::in_order(wire.type, order_)), detail::in_order(wire.code, order_),
                 static_cast<int32_t>(detail::in_order(wire.value, order_))},
                true};
    }

    /// Returns whether the packet is complete.
    [[__nodiscard__]] bool add_to_packet(Taken const& taken) {
        InputEvent const& event = taken.event;
        bool const is_syn = taken.is_valid && event.type == EventType::syn;
        if (is_syn && event.code == spec::input::code::syn_report) {
            return true;
        }
        bool const is_lost = !taken.is_valid || (is_syn && event.code == spec::input::code::syn_dropped);
        if (is_lost || packet_count_ == Traits::packet_events) {
            packet_has_gap_ = true;
        } else {
            packet_[packet_count_++] = event;
        }
        return false;
    }
    void forget_packet() {
        packet_count_ = 0;
        packet_has_gap_ = false;
    }

    // --- status ---

    /// Everything was copied, so a completion only frees its slot.
    CompletionState collect() {
        return this->collect_from(status_, [](uint16_t, uint32_t) { return Error::none; });
    }

    // --- description ---

    template <class Answer>
    [[__nodiscard__]] Error ask(Select select, uint8_t subsel, uint32_t least, Answer& answer) {
        Error const error = detail::ask_input_config(this->device(), select, subsel, least, answer);
        if (error == Error::answer_invalid) {
            this->blame(DriverReason::input_size, 0, answer.size);
        }
        return error;
    }
    template <class Answer>
    [[__nodiscard__]] Error ask_usable(Select select, uint8_t subsel, uint32_t least, Answer& answer) {
        Error const error = this->check_usable();
        return error == Error::none ? ask(select, subsel, least, answer) : error;
    }

    [[__nodiscard__]] Result<InputText> read_text(Select select) {
        detail::InputBytes answer;
        if (Error const error = ask_usable(select, 0, 1, answer); error != Error::none) {
            return error;
        }
        InputText found;
        found.bytes = answer.size;
        for (uint32_t i = 0; i < answer.size; ++i) {
            found.text[i] = static_cast<char>(answer.fields[i]);
        }
        return found;
    }
    [[__nodiscard__]] Result<InputBitmap> read_bitmap(Select select, uint8_t subsel) {
        detail::InputBytes answer;
        Error const error = ask_usable(select, subsel, 1, answer);
        return error == Error::none ? Result<InputBitmap>{bitmap_of(answer)} : Result<InputBitmap>{error};
    }
    [[__nodiscard__]] static InputBitmap bitmap_of(detail::InputBytes const& answer) {
        InputBitmap found;
        for (uint32_t i = 0; i < sizeof found.bytes; ++i) {
            found.bytes[i] = answer.fields[i];
        }
        return found;
    }

    /// A type that the device does not have, or describes wrongly, has no codes.
    [[__nodiscard__]] Status find_kind() {
        constexpr EventType asked[] = {EventType::abs, EventType::rel, EventType::key};
        detail::InputKindFinder finder;
        for (EventType const type : asked) {
            detail::InputBytes answer;
            Error const error = ask(Select::event_bits, static_cast<uint8_t>(type), 1, answer);
            if (error == Error::none) {
                finder.add(type, bitmap_of(answer));
            } else if (error != Error::not_supported && error != Error::answer_invalid) {
                return error;
            }
        }
        kind_ = finder.kind();
        return {};
    }

    Events events_;
    StatusEvents status_;
    detail::ByteOrder order_ = detail::ByteOrder::little;  // of buffers: the guest's for a legacy device (§2.5.3)
    InputKind kind_ = InputKind::other;
    uint32_t dropped_ = 0;
    uint32_t packet_count_ = 0;
    bool packet_has_gap_ = false;
    InputEvent packet_[Traits::packet_events] = {};
};

}  // namespace virtq
