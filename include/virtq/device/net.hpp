// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/detail/net/net_config.hpp>
#include <virtq/device/detail/net/net_header.hpp>
#include <virtq/device/detail/net/net_own_receiver.hpp>
#include <virtq/device/detail/net/net_receiver.hpp>
#include <virtq/device/detail/net/net_sender.hpp>
#include <virtq/device/driver_core.hpp>
#include <virtq/device/net_commands.hpp>
#include <virtq/device/net_types.hpp>

#include <stdint.h>

namespace virtq {

/// A network card.
///
/// **Spec** §5.1 (Network Device).
/// **Receive** `receive_each` calls a handler for each packet that has come. Its parts are in buffers of the driver, which
/// does not copy them. A handler that returns `NetUse::kept` holds them until `give_back`. The driver keeps the ring full. With
/// `NetTraits::own_buffers` the buffers are the kernel's own: `submit_receive` fills the ring, and each packet is a
/// `NetOwnPacket`.
/// **Send** `submit`, once or many times, then `kick_device`. `take_sent` hands the tokens back, in the order in which
/// the device finished. `queue_full` is back-pressure: take what was sent, or sleep until something was.
/// **Threading** Calls on one pair of queues may run concurrently with calls on other pairs. So may receiving and sending
/// on one pair. Receiving is `receive_each`, `give_back`, `submit_receive`, `buffers_kept`, `dropped` and the
/// notifications of receiving. Sending is `submit`, `kick_device`, `take_sent`, `in_flight` and their like. Calls on the
/// control queue (`NetCommands`) may run concurrently with those, but not with each other. `mac` belongs to them, because
/// `set_mac` changes the address. `is_link_up`, `speed` and `wants_announcement` belong to `on_config_change`. `mtu`,
/// `pair_count`, `can_checksum` and `can_split` may always be called. `init`, `reset`, `release` and `on_config_change`
/// must not run concurrently with any other call.
/// **Recovery** As of every driver, see `DriverCore`: `reset` hands the token of each packet back that was not sent.
/// Buffers that the kernel held are the driver's again. Filters, address and pairs are those of a new device.
template <class T, uint32_t N, class Traits = NetTraits>
class NetDevice : public NetCommands<NetDevice<T, N, Traits>, T, N, Traits> {
    using Core = DriverCore<NetDevice, T>;
    using Commands = NetCommands<NetDevice, T, N, Traits>;
    friend Core;
    using Bit = spec::net::Feature;
    using Receiver = typename detail::NetReceiverOf<N, Traits, Traits::own_buffers>::Type;
    using Sender = detail::NetSender<N, Traits>;
    using Control = typename Commands::Control;
    using Commands::config_;
    using Commands::control_;
    using Commands::header_;
    using Commands::pairs_;
    using Commands::pairs_in_use_;
    static_assert(Traits::pair_max >= 1, "NetTraits: pair_max is 0. Use at least 1.");
    static_assert(Traits::buffer_bytes >= 1534,
                  "NetTraits: buffer_bytes is too small for a packet. Use at least 1534.");
    static_assert(!Traits::own_buffers || Traits::buffer_bytes + 12 - 1534 >= Traits::receive_headroom,
                  "NetTraits: receive_headroom leaves too little of a buffer for a packet. Leave at least 1522.");
    static_assert(!Traits::own_buffers || Traits::receive_headroom >= sizeof(spec::net::Header),
                  "NetTraits: receive_headroom is too small for a header. Use at least 12.");
    static_assert(
        !Traits::own_buffers || detail::SameAs<typename Traits::Mapper, NoMapper>,
        "NetTraits: own_buffers and a Mapper do not go together yet. Map your buffers before you give them.");
    static_assert(!Traits::large_packets || N >= Receiver::parts_max,
                  "NetTraits: large_packets needs an N whose buffers hold a packet of 64 KiB, for example 64 with "
                  "buffer_bytes of 2048. Raise N or buffer_bytes.");
    static_assert(N >= 4, "NetDevice<T, N>: N is too small. Use an N of at least 4.");

public:
    static constexpr spec::DeviceId device_type = spec::DeviceId::net;  ///< `init` rejects every other type
    using Mapper = typename Traits::Mapper;  ///< makes the packets of `submit` visible to the device

    /// The most pages that `init` takes.
    [[__nodiscard__]] static constexpr uint32_t page_count() {
        return Traits::pair_max * (Receiver::Queue::page_count() + Sender::page_count()) +
               Control::Queue::page_count();
    }

    // --- what it is ---

    /// The address of the card; all zero if the device has none: then choose a locally administered one (§5.1.4.2).
    [[__nodiscard__]] MacAddress const& mac() const { return config_.mac; }
    /// The largest packet without its Ethernet header, in bytes; 0: the device does not say, so use 1500.
    [[__nodiscard__]] uint16_t mtu() const { return config_.mtu; }
    /// Whether there is a connection. True if the device does not say (§5.1.4.2).
    [[__nodiscard__]] bool is_link_up() const { return (config_.status & spec::net::status_link_up) != 0; }
    /// Whether the device asks the driver to announce its addresses: send gratuitous ARP packets, then call
    /// `acknowledge_announcement` (§5.1.9.5.4).
    [[__nodiscard__]] bool wants_announcement() const {
        return this->negotiated().has(Bit::guest_announce) && (config_.status & spec::net::status_announce) != 0;
    }
    /// The speed of the link, if the device says it.
    [[__nodiscard__]] NetSpeed const& speed() const { return config_.speed; }
    /// How many pairs of queues there are. Only the first is used until `use_pairs`.
    [[__nodiscard__]] uint16_t pair_count() const { return pairs_; }
    /// Whether the device completes partial checksums of sent packets (CSUM, §5.1.3).
    [[__nodiscard__]] bool can_checksum() const { return this->negotiated().has(Bit::csum); }
    /// Whether the device splits sent packets of this protocol (§5.1.3).
    [[__nodiscard__]] bool can_split(spec::net::Gso gso) const { return header_.can_split(gso); }
    /// Packets that were dropped because the device broke a rule; see `driver_fault`.
    [[__nodiscard__]] uint32_t dropped(uint16_t pair = 0) const { return pair < pairs_ ? pair_[pair].dropped : 0; }
    /// Receive buffers that the kernel holds.
    [[__nodiscard__]] uint32_t buffers_kept(uint16_t pair = 0) const {
        static_assert(!Traits::own_buffers, "The kernel has buffers of its own: it counts them itself.");
        return pair < pairs_ ? pair_[pair].receiver.kept() : 0;
    }

    /// Reads the configuration again: link, speed and announcement. Call it when the transport's `on_interrupt` reports
    /// a configuration change. Returns whether one of these differs. Errors: `config_unstable`, `not_initialised`, those of
    /// `check_alive`.
    [[__nodiscard__]] Result<bool> on_config_change() {
        if (Status const alive = this->check_alive(); !alive) {
            return alive.error();
        }
        detail::NetConfig read;
        if (Error const error = detail::read_net_config(this->device(), this->negotiated(), read);
            error != Error::none) {
            return error;
        }
        bool const differs = read.status != config_.status || !(read.speed == config_.speed);
        config_.status = read.status;
        config_.speed = read.speed;
        return differs;
    }

    // --- receive ---

    /// Calls `each(NetPacket const&)` for the packets that have come. It may return a `NetUse`; without one the packet is
    /// done. It may call the card, except for `receive_each` of this pair, `reset` and `release`. Stops after `most`
    /// packets; those that are dropped count, too. Returns `ready` if there may
    /// be more, `none` if not, and `broken` if none will come before `reset`.
    template <class Each>
    CompletionState receive_each(Each each, uint32_t most = UINT32_MAX, uint16_t pair = 0) {
        if (check_pair(pair) != Error::none) {
            return CompletionState::broken;
        }
        uint16_t const index = spec::net::receive_queue(pair);
        auto const handle = [&](typename Receiver::Packet const& packet) { return use_of(each, packet); };
        auto const lie = [&](DriverReason reason, uint32_t value) {
            ++pair_[pair].dropped;
            this->blame(reason, index, value);
        };
        auto const tell = [&](Notification notification) { this->notify(index, notification); };
        CompletionState const state = pair_[pair].receiver.receive(header_, most, handle, lie, tell);
        if (state == CompletionState::broken) {
            this->give_up();
        }
        return state;
    }

    /// Gives a part of a packet back that the kernel kept. The device gets it with the next `receive_each`
    /// or `enable_receive_notifications`.
    void give_back(NetPart const& part, uint16_t pair = 0) {
        static_assert(!Traits::own_buffers, "The kernel has buffers of its own: give them to submit_receive() again.");
        if (check_pair(pair) == Error::none) {
            pair_[pair].receiver.give_back(part.buffer);
        }
    }

    /// Gives buffers of the kernel's own to the device (`NetTraits::own_buffers`), and notifies it if it wants that. A buffer
    /// is the device's until `receive_each` or `reset` hands its token out. Stops at the first that is refused: `count` were
    /// taken, and `error` says why not the next. Errors: `queue_full` is the usual end; `no_such_pair`, `queue_broken`,
    /// `reset_needed`, `not_initialised`. The ring is empty after `init` and `reset`: fill it then, and whenever packets
    /// have come.
    [[__nodiscard__]] SubmittedBurst submit_receive(Span<NetBuffer const> buffers, uint16_t pair = 0) {
        static_assert(
            Traits::own_buffers,
            "submit_receive() is for a card whose traits have own_buffers; the driver has its own otherwise.");
        if (Error const error = check_pair(pair); error != Error::none) {
            return {0, error, {}};
        }
        SubmittedBurst const burst = pair_[pair].receiver.post(header_, buffers);
        this->notify(spec::net::receive_queue(pair), burst.notification);
        return burst;
    }

    /// Asks for an interrupt when the next packet comes. Sleep only after `MaySleep::yes`.
    [[__nodiscard__]] MaySleep enable_receive_notifications(uint16_t pair = 0) {
        if (check_pair(pair) != Error::none) {
            return MaySleep::broken;
        }
        // First the buffers of `give_back`: without a buffer the device would never interrupt.
        auto& queue = pair_[pair].receiver.receive_queue();
        this->notify(spec::net::receive_queue(pair), queue.publish());
        return this->enable_notifications(queue);
    }
    /// Asks for no interrupts on received packets, for polling.
    void disable_receive_notifications(uint16_t pair = 0) {
        if (check_pair(pair) == Error::none) {
            pair_[pair].receiver.receive_queue().ring().disable_used_notifications();
        }
    }

    // --- send ---

    /// Adds a packet, which begins with its Ethernet header; `kick_device` tells the device. The bytes are the device's
    /// until `take_sent` hands the token out. Errors: `queue_full`; `packet_length_invalid`, `offload_invalid`,
    /// `not_supported` (an offload that was not negotiated), those of `VirtQueue::add` and of the mapper,
    /// `pair_not_in_use`, `no_such_pair`, `reset_needed`, `not_initialised`; then nothing has changed.
    [[__nodiscard__]] Status submit(Span<Segment const> packet, Token token, NetOffload const& offload = {},
                                    uint16_t pair = 0) {
        if (Error const error = check_pair_in_use(pair); error != Error::none) {
            return error;
        }
        uint64_t bytes = 0;
        for (Segment const& segment : packet) {
            bytes += segment.bytes;
        }
        if (Error const error = header_.check_send(offload, bytes); error != Error::none) {
            return error;
        }
        Sender& sender = pair_[pair].sender;
        bool const is_plain = offload.checksum != NetChecksum::partial;  // a packet that is to be split has one, too
        return is_plain ? sender.send(packet, token, header_.bytes())
                        : sender.send(packet, token, header_.bytes(), header_.encode(offload));
    }

    /// As `submit` for many plain packets of one segment each, and `kick_device`: with one fence and at most one
    /// notification. Stops at the first packet that is refused: `count` were submitted, and `error` says why not the next.
    [[__nodiscard__]] SubmittedBurst submit_burst(Span<NetFrame const> frames, uint16_t pair = 0) {
        if (Error const error = check_pair_in_use(pair); error != Error::none) {
            return {0, error, {}};
        }
        if constexpr (detail::SameAs<Mapper, NoMapper>) {
            NetFrame const* end = frames.begin();  // of those that may be sent
            while (end != frames.end() && header_.is_plain_packet(end->data.bytes)) {
                ++end;
            }
            auto const good = static_cast<size_t>(end - frames.begin());
            SubmittedBurst burst = pair_[pair].sender.send_burst({frames.begin(), good}, header_.bytes());
            if (burst.error == Error::none && end != frames.end()) {
                burst.error = Error::packet_length_invalid;
            }
            this->notify(spec::net::transmit_queue(pair), burst.notification);
            return burst;
        } else {
            SubmittedBurst burst;
            while (burst.count < frames.size() && burst.error == Error::none) {
                NetFrame const& frame = frames[burst.count];
                burst.error = submit(frame.data, frame.token, {}, pair).error();
                burst.count += burst.error == Error::none ? 1 : 0;
            }
            burst.notification.needed = kick_device(pair);
            return burst;
        }
    }

    /// Makes all submitted packets visible to the device, and notifies it if it wants that. Returns whether it was
    /// notified.
    bool kick_device(uint16_t pair = 0) {
        return check_pair(pair) == Error::none &&
               this->notify(spec::net::transmit_queue(pair), pair_[pair].sender.publish());
    }

    /// Takes the next packet that was sent. `broken`: nothing more will be, before `reset`.
    [[__nodiscard__]] RequestCompletion take_sent(uint16_t pair = 0) {
        if (Error const error = check_pair(pair); error != Error::none) {
            return {Token{}, 0, error, error == Error::reset_needed ? CompletionState::broken : CompletionState::none};
        }
        RequestCompletion const sent = pair_[pair].sender.take();
        if (sent.state == CompletionState::broken) {
            this->give_up();
            return {Token{}, 0, Error::queue_broken, sent.state};
        }
        return sent;
    }

    /// Calls `each(Token)` for all packets that were sent, in bursts. `each` may submit packets, but must not call `reset`
    /// or `release`. Returns `none`; `ready` if there may be more, because `each` submitted some; or `broken` if no more
    /// will be sent before `reset`.
    template <class Each>
    CompletionState for_each_sent(Each each, uint16_t pair = 0) {
        if (check_pair(pair) != Error::none) {
            return CompletionState::broken;
        }
        CompletionState const state = pair_[pair].sender.take_each(each);
        if (state == CompletionState::broken) {
            this->give_up();
        }
        return state;
    }

    /// Asks for an interrupt when the next packet was sent. Sleep only after `MaySleep::yes`, and only while
    /// `in_flight()` is not 0.
    [[__nodiscard__]] MaySleep enable_send_notifications(uint16_t pair = 0) {
        return check_pair(pair) == Error::none ? this->enable_notifications(pair_[pair].sender) : MaySleep::broken;
    }
    /// Asks for no interrupts on sent packets, for polling.
    void disable_send_notifications(uint16_t pair = 0) {
        if (check_pair(pair) == Error::none) {
            pair_[pair].sender.ring().disable_used_notifications();
        }
    }
    /// Packets that the device has.
    [[__nodiscard__]] uint16_t in_flight(uint16_t pair = 0) const {
        return pair < pairs_ ? pair_[pair].sender.in_flight() : uint16_t{0};
    }

private:
    struct Pair {
        Receiver receiver;
        Sender sender;
        uint32_t dropped = 0;
    };

    static constexpr uint16_t no_queue = UINT16_MAX;
    static constexpr uint16_t pair_count_max = 0x7fff;  ///< with one more, no number is left for the control queue

    // --- for `DriverCore` ---

    [[__nodiscard__]] Negotiation wanted_features() const {
        Features own = detail::net_features<Traits>();
        // After a reset only what has pages can be used: a device that offers commands only then gets none.
        if (has_pages() && control_.control_queue().ring().size() == 0) {
            own.clear(Bit::ctrl_vq);  // `net_needs` clears those that need it, also MQ
        }
        Negotiation wanted = wanted_of<Traits>(own);
        wanted.needs = detail::net_needs.rows;
        return wanted;
    }

    [[__nodiscard__]] Status configure() {
        detail::NetConfig read;
        if (Error const error = detail::read_net_config(this->device(), this->negotiated(), read);
            error != Error::none) {
            return error;
        }
        has_control_ = this->negotiated().has(Bit::ctrl_vq);
        if (read.pairs == 0 || read.pairs > pair_count_max) {
            this->blame(DriverReason::net_pairs_zero, 0, read.pairs);
            read.pairs = 1;
            has_control_ = false;
        }
        // The pages are those of `init`. With another number of pairs the control queue would be elsewhere, too.
        if (has_pages() && read.pairs != config_.pairs) {
            return Error::config_unstable;
        }
        if (read.mtu > mtu_max()) {
            return Error::mtu_above_buffers;  // §5.1.4.2
        }
        config_ = read;
        bool const is_legacy = this->device().is_legacy();
        header_ = detail::NetHeader{this->negotiated(),
                                    is_legacy ? detail::native_byte_order : detail::ByteOrder::little, config_.mtu};
        pairs_ = config_.pairs < Traits::pair_max ? config_.pairs : Traits::pair_max;
        pairs_in_use_.store(1);
        bool const splits = is_legacy && !this->negotiated().has(spec::Feature::any_layout);
        for (Pair& pair : pair_) {
            pair.receiver.start();
            pair.receiver.receive_queue().split_at(splits ? header_.bytes() : 0);
            pair.dropped = 0;
        }
        return {};
    }

    /// The largest MTU for which the receive buffers have room, with two VLAN tags.
    [[__nodiscard__]] uint32_t mtu_max() const {
        constexpr uint32_t around =
            sizeof(spec::net::Header) + detail::NetHeader::ethernet_bytes + 2 * detail::NetHeader::vlan_bytes;
        constexpr uint32_t parts = Receiver::parts_max < N ? Receiver::parts_max : N;
        bool const merges = this->negotiated().has(Bit::mrg_rxbuf);
        return detail::net_usable_bytes<Traits> * (merges ? parts : 1) - around;
    }

    /// §5.1.2: the control queue is behind all pairs that the device has, also behind those that are not used.
    template <class Visit>
    [[__nodiscard__]] Status visit_queues(Visit visit) {
        for (uint16_t pair = 0; pair < Traits::pair_max; ++pair) {
            bool const is_used = pair < pairs_;
            Status const receive =
                visit(is_used ? spec::net::receive_queue(pair) : no_queue, pair_[pair].receiver.receive_queue());
            if (!receive) {
                return receive;
            }
            Status const send = visit(is_used ? spec::net::transmit_queue(pair) : no_queue, pair_[pair].sender);
            if (!send) {
                return send;
            }
        }
        return visit(has_control_ ? this->control_index() : no_queue, control_.control_queue());
    }
    [[__nodiscard__]] bool uses_queue(uint16_t index) const { return index != no_queue; }

    void on_release() {
        pairs_ = 0;
        pairs_in_use_.store(0);
    }

    // --- workings ---

    /// Whether `init` has set the queues up before: this is a reset.
    [[__nodiscard__]] bool has_pages() const { return pair_[0].sender.ring().size() != 0; }

    [[__nodiscard__]] Error check_pair(uint16_t pair) const {
        Error const error = this->check_usable();
        return error == Error::none && pair >= pairs_ ? Error::no_such_pair : error;
    }

    /// §5.1.9.5.6.2: nothing is queued on a pair that the device does not use.
    [[__nodiscard__]] Error check_pair_in_use(uint16_t pair) const {
        Error const error = this->check_usable();
        if (error != Error::none || pair < pairs_in_use_.load()) [[__likely__]] {
            return error;
        }
        return pair < pairs_ ? Error::pair_not_in_use : Error::no_such_pair;
    }

    template <class Each, class Packet>
    [[__nodiscard__]] static NetUse use_of(Each& each, Packet const& packet) {
        if constexpr (requires { NetUse{each(packet)}; }) {
            return each(packet);
        } else {
            each(packet);
            return NetUse::done;
        }
    }

    bool has_control_ = false;  ///< the control queue can be used
    Pair pair_[Traits::pair_max];
};

}  // namespace virtq
