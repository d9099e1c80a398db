// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/detail/net/net_config.hpp>
#include <virtq/device/detail/net/net_control.hpp>
#include <virtq/device/detail/net/net_header.hpp>
#include <virtq/device/detail/net/net_own_receiver.hpp>
#include <virtq/device/detail/net/net_receiver.hpp>
#include <virtq/device/detail/net/net_sender.hpp>
#include <virtq/device/detail/net/shared_count.hpp>
#include <virtq/device/driver_core.hpp>
#include <virtq/device/net_types.hpp>

#include <stdint.h>

namespace virtq {

/// A network card.
///
/// **Spec** §5.1 (Network Device).
/// **Receive** `receive_each` calls a handler for each packet that has come. Its parts lie in buffers of the driver's, and
/// are not copied. A handler that returns `NetUse::kept` holds them until `give_back`. The driver keeps the ring full. With
/// `NetTraits::own_buffers` the buffers are the kernel's own: `submit_receive` fills the ring, and each packet is a
/// `NetOwnPacket`.
/// **Send** `submit`, once or many times, then `kick_device`. `take_sent` hands the tokens back, in the order in which
/// the device finished. `queue_full` is back-pressure: take what was sent, or sleep until something was.
/// **Threading** Calls on one pair of queues may run concurrently with calls on other pairs. So may receiving and sending
/// on one pair. Receiving is `receive_each`, `give_back`, `submit_receive`, `buffers_kept`, `dropped` and the
/// notifications of receiving. Sending is `submit`, `kick_device`, `take_sent`, `in_flight` and their like. Calls on the
/// control queue (`set_…`, `use_pairs`, …) may run concurrently with those, but not with each other. `mac` belongs to
/// them, because `set_mac` changes the address. `is_link_up`, `speed` and `wants_announcement` belong to
/// `on_config_change`. `mtu`, `pair_count`, `can_checksum` and `can_split` may always be called. `init`, `reset`,
/// `release` and `on_config_change` must not run concurrently with any other call.
/// **Recovery** As of every driver, see `DriverCore`: `reset` hands the token of each packet back that was not sent.
/// Buffers that the kernel held are the driver's again. Filters, address and pairs are those of a new device.
template <class T, uint32_t N, class Traits = NetTraits>
class NetDevice : public DriverCore<NetDevice<T, N, Traits>, T> {
    using Core = DriverCore<NetDevice, T>;
    friend Core;
    using Bit = spec::net::Feature;
    using Receiver = typename detail::NetReceiverOf<N, Traits, Traits::own_buffers>::Type;
    using Sender = detail::NetSender<N, Traits>;
    using Control = detail::NetControl<Traits>;
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
        auto& queue = pair_[pair].receiver.queue();
        this->notify(spec::net::receive_queue(pair), queue.publish());
        return this->enable_notifications(queue);
    }
    /// Asks for no interrupts on received packets, for polling.
    void disable_receive_notifications(uint16_t pair = 0) {
        if (check_pair(pair) == Error::none) {
            pair_[pair].receiver.queue().ring().disable_used_notifications();
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
        bool const is_plain = offload.checksum != NetChecksum::partial && offload.gso == spec::net::Gso::none;
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
            size_t good = 0;
            while (good < frames.size() && header_.is_plain_packet(frames[good].data.bytes)) {
                ++good;
            }
            SubmittedBurst burst = pair_[pair].sender.send_burst({frames.data(), good}, header_.bytes());
            if (burst.error == Error::none && good != frames.size()) {
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
    /// How many more packets of one segment `submit` takes before it returns `queue_full`. A kernel that forwards
    /// packets receives no more than these.
    [[__nodiscard__]] uint16_t send_room(uint16_t pair = 0) const {
        return pair < pairs_ ? pair_[pair].sender.room() : uint16_t{0};
    }

    // --- control: each waits for the device. Errors: `not_supported` without the feature, `command_refused`,
    // --- `answer_invalid`, `timed_out`, `queue_broken`, `device_gone`, `reset_needed`, `not_initialised`

    /// Switches a way to receive: all packets (`promisc`), all multicast packets (`all_multi`) (CTRL_RX, §5.1.9.5.1).
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status set_receive_mode(spec::net::RxCommand mode, NetSwitch value, PollLimit poll_limit,
                                              R&& relax = R{}) {
        ControlData data = control_data();
        data.put8(static_cast<uint8_t>(value));
        bool const is_extra = mode > spec::net::RxCommand::all_multi;
        return command(is_extra ? Bit::ctrl_rx_extra : Bit::ctrl_rx, spec::net::ControlClass::rx,
                       static_cast<uint8_t>(mode), data, poll_limit, relax);
    }

    /// Receives packets to these addresses only, and to its own (CTRL_RX, §5.1.9.5.2). Both lists together have at most
    /// `mac_table_max` addresses. Error: `not_supported` for more.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status set_mac_table(Span<MacAddress const> unicast, Span<MacAddress const> multicast,
                                           PollLimit poll_limit, R&& relax = R{}) {
        if (unicast.size() > Traits::mac_table_max || multicast.size() > Traits::mac_table_max - unicast.size()) {
            return Error::not_supported;
        }
        ControlData data = control_data();
        put_addresses(data, unicast);
        data.split();
        put_addresses(data, multicast);
        return command(Bit::ctrl_rx, spec::net::ControlClass::mac,
                       static_cast<uint8_t>(spec::net::MacCommand::table_set), data, poll_limit, relax);
    }

    /// Changes the card's address (CTRL_MAC_ADDR, §5.1.9.5.2).
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status set_mac(MacAddress const& address, PollLimit poll_limit, R&& relax = R{}) {
        ControlData data = control_data();
        data.put_address(address);
        Status const done = command(Bit::ctrl_mac_addr, spec::net::ControlClass::mac,
                                    static_cast<uint8_t>(spec::net::MacCommand::addr_set), data, poll_limit, relax);
        if (done) {
            config_.mac = address;
        }
        return done;
    }

    /// Lets packets of a VLAN through, or no more (CTRL_VLAN, §5.1.9.5.3). With CTRL_VLAN the device begins with none.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status set_vlan(uint16_t vlan, NetSwitch value, PollLimit poll_limit, R&& relax = R{}) {
        ControlData data = control_data();
        data.put16(vlan);
        auto const number = value == NetSwitch::on ? spec::net::VlanCommand::add : spec::net::VlanCommand::del;
        return command(Bit::ctrl_vlan, spec::net::ControlClass::vlan, static_cast<uint8_t>(number), data, poll_limit,
                       relax);
    }

    /// The driver has announced its addresses (GUEST_ANNOUNCE, §5.1.9.5.4); see `wants_announcement`.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status acknowledge_announcement(PollLimit poll_limit, R&& relax = R{}) {
        return command(Bit::guest_announce, spec::net::ControlClass::announce, spec::net::announce_ack, control_data(),
                       poll_limit, relax);
    }

    /// Uses the first `pairs` pairs (MQ, §5.1.9.5.6). The device steers a flow to the pair on which its packets are sent.
    /// After `init` and `reset` only the first pair is in use. Before you call this with fewer pairs, stop to submit to the
    /// others; `take_sent` goes on with those. Error: `no_such_pair` for none, or more than `pair_count()`.
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status use_pairs(uint16_t pairs, PollLimit poll_limit, R&& relax = R{}) {
        if (pairs == 0 || pairs > pairs_) {
            return Error::no_such_pair;
        }
        ControlData data = control_data();
        data.put16(pairs);
        uint16_t const before = pairs_in_use_.get();
        if (pairs < before) {
            pairs_in_use_.set(pairs);  // §5.1.9.5.6.2: from the command on
        }
        Status const done =
            command(Bit::mq, spec::net::ControlClass::mq, spec::net::mq_vq_pairs_set, data, poll_limit, relax);
        if (done) {
            pairs_in_use_.set(pairs);
        } else if (done.error() == Error::command_refused || done.error() == Error::not_supported ||
                   done.error() == Error::queue_full) {
            pairs_in_use_.set(before);  // the device has not changed anything
        }
        return done;
    }

    /// Chooses which offloads the device may use on received packets: of those that were negotiated, the ones in
    /// `features` (CTRL_GUEST_OFFLOADS, §5.1.9.5.9).
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status set_receive_offloads(Features const& features, PollLimit poll_limit, R&& relax = R{}) {
        Features const allowed = features & this->negotiated() & receive_offloads;
        ControlData data = control_data();
        data.put64(uint64_t{allowed.word(1)} << 32 | allowed.word(0));
        return command(Bit::ctrl_guest_offloads, spec::net::ControlClass::guest_offloads,
                       spec::net::guest_offloads_set, data, poll_limit, relax);
    }

    /// Lets the device wait before it notifies: until `packets` packets were received or sent, or until
    /// `microseconds` have passed since the first (NOTF_COAL, §5.1.9.5.10).
    template <Relax R = SpinRelax>
    [[__nodiscard__]] Status set_coalescing(spec::net::CoalescingCommand direction, uint32_t packets,
                                            uint32_t microseconds, PollLimit poll_limit, R&& relax = R{}) {
        ControlData data = control_data();
        data.put32(packets);
        data.put32(microseconds);
        return command(Bit::notf_coal, spec::net::ControlClass::notf_coal, static_cast<uint8_t>(direction), data,
                       poll_limit, relax);
    }

private:
    using ControlData = typename Control::Data;

    struct Pair {
        Receiver receiver;
        Sender sender;
        uint32_t dropped = 0;
    };

    static constexpr uint16_t no_queue = UINT16_MAX;
    /// The standard permits 0x8000, too. But then the number of the control queue does not fit 16 bits.
    static constexpr uint16_t pairs_with_control = 0x7fff;
    static constexpr Features receive_offloads = Features::of(Bit::guest_csum, Bit::guest_tso4, Bit::guest_tso6,
                                                              Bit::guest_ecn, Bit::guest_uso4, Bit::guest_uso6);

    // --- for `DriverCore` ---

    [[__nodiscard__]] Negotiation wanted_features() const {
        Features own = detail::net_features<Traits>();
        // After a reset only what has pages can be used: a device that offers commands only then gets none.
        if (pages_of_pairs() != 0 && control_.queue().ring().size() == 0) {
            own.clear(Bit::ctrl_vq);  // `net_needs` clears those that need it, also MQ
        }
        Negotiation wanted = Core::template wanted_of<Traits>(own);
        wanted.needs = detail::net_needs.rows;
        return wanted;
    }

    [[__nodiscard__]] Status configure() {
        if (Error const error = detail::read_net_config(this->device(), this->negotiated(), config_);
            error != Error::none) {
            return error;
        }
        if (config_.mtu > mtu_max()) {
            return Error::mtu_above_buffers;  // §5.1.4.2
        }
        bool const is_legacy = this->device().is_legacy();
        header_ = detail::NetHeader{this->negotiated(),
                                    is_legacy ? detail::native_byte_order : detail::ByteOrder::little, config_.mtu};
        bool const is_valid = config_.pairs != 0 && config_.pairs <= pairs_with_control;
        if (!is_valid) {
            this->blame(DriverReason::net_pairs_zero, 0, config_.pairs);
        }
        device_pairs_ = is_valid ? config_.pairs : uint16_t{0};
        pairs_ = usable_pairs(is_valid ? config_.pairs : uint16_t{1});
        pairs_in_use_.set(1);
        bool const splits = is_legacy && !this->negotiated().has(spec::Feature::any_layout);
        for (Pair& pair : pair_) {
            pair.receiver.start();
            pair.receiver.queue().split_at(splits ? header_.bytes() : 0);
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
                visit(is_used ? spec::net::receive_queue(pair) : no_queue, pair_[pair].receiver.queue());
            if (!receive) {
                return receive;
            }
            Status const send = visit(is_used ? spec::net::transmit_queue(pair) : no_queue, pair_[pair].sender);
            if (!send) {
                return send;
            }
        }
        bool const has_control = this->negotiated().has(Bit::ctrl_vq) && device_pairs_ != 0;
        return visit(has_control ? control_index() : no_queue, control_.queue());
    }
    [[__nodiscard__]] bool uses_queue(uint16_t index) const { return index != no_queue; }

    void on_release() {
        pairs_ = 0;
        pairs_in_use_.set(0);
    }

    // --- workings ---

    /// Valid if the number of pairs is.
    [[__nodiscard__]] uint16_t control_index() const { return spec::net::receive_queue(device_pairs_); }

    /// How many pairs have pages.
    [[__nodiscard__]] uint16_t pages_of_pairs() const {
        uint16_t count = 0;
        while (count < Traits::pair_max && pair_[count].receiver.queue().ring().size() != 0 &&
               pair_[count].sender.ring().size() != 0) {
            ++count;
        }
        return count;
    }
    /// How many of the device's pairs the driver uses. After a reset only those that have pages.
    [[__nodiscard__]] uint16_t usable_pairs(uint16_t offered) const {
        uint16_t const with_pages = pages_of_pairs();
        uint16_t const most = with_pages == 0 ? Traits::pair_max : with_pages;
        return offered < most ? offered : most;
    }

    [[__nodiscard__]] Error check_pair(uint16_t pair) const {
        Error const error = this->check_usable();
        return error == Error::none && pair >= pairs_ ? Error::no_such_pair : error;
    }

    /// §5.1.9.5.6.2: nothing is queued on a pair that the device does not use.
    [[__nodiscard__]] Error check_pair_in_use(uint16_t pair) const {
        Error const error = this->check_usable();
        if (error != Error::none || pair < pairs_in_use_.get()) [[__likely__]] {
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

    [[__nodiscard__]] ControlData control_data() const { return ControlData{header_.order()}; }
    static void put_addresses(ControlData& data, Span<MacAddress const> addresses) {
        data.put32(static_cast<uint32_t>(addresses.size()));
        for (MacAddress const& address : addresses) {
            data.put_address(address);
        }
    }

    template <Relax R>
    [[__nodiscard__]] Status command(Bit feature, spec::net::ControlClass group, uint8_t number,
                                     ControlData const& data, PollLimit poll_limit, R& relax) {
        if (Error const error = this->check_usable(); error != Error::none) {
            return error;
        }
        if (!this->negotiated().has(feature) || !control_.queue().ring().is_live()) {
            return Error::not_supported;
        }
        auto const send = [&] { return control_.send({static_cast<uint8_t>(group), number}, data); };
        auto const look = [this] {
            return this->collect_from(control_.queue(),
                                      [this](uint16_t slot, uint32_t written) { return outcome(slot, written); });
        };
        uint32_t polls = 0;
        return this->perform(control_.queue(), control_index(), send, look, poll_limit, polls, relax).error();
    }

    /// §5.1.9.5: the answer of the device. A legacy one may report any used length.
    [[__nodiscard__]] Error outcome(uint16_t slot, uint32_t written) {
        bool const has_answer = written != 0 || this->device().is_legacy();
        uint8_t const answer = has_answer ? control_.answer(slot) : Control::unanswered;
        if (answer == static_cast<uint8_t>(spec::net::Ack::ok)) {
            return Error::none;
        }
        if (answer == static_cast<uint8_t>(spec::net::Ack::err)) {
            return Error::command_refused;
        }
        this->blame(DriverReason::net_answer_unknown, control_index(), answer);
        return Error::answer_invalid;
    }

    uint16_t pairs_ = 0;
    uint16_t device_pairs_ = 0;  ///< before the control queue; 0: the device's number is invalid
    detail::SharedCount pairs_in_use_;
    detail::NetConfig config_{};
    detail::NetHeader header_;
    Pair pair_[Traits::pair_max];
    Control control_;
};

}  // namespace virtq
