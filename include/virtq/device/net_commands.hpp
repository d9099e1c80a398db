// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/detail/net/net_config.hpp>
#include <virtq/device/detail/net/net_control.hpp>
#include <virtq/device/detail/net/net_header.hpp>
#include <virtq/device/detail/net/shared_count.hpp>
#include <virtq/device/driver_core.hpp>
#include <virtq/device/net_types.hpp>

#include <stdint.h>

namespace virtq {

/// What a kernel can tell a network card: filters, address, VLANs, pairs, offloads and coalescing. It is the base of
/// `NetDevice`.
///
/// **Spec** §5.1.9.5 (Control Virtqueue).
/// **Waiting** Each call waits for the device. Errors: `not_supported` without the feature, `command_refused`,
/// `answer_invalid`, `timed_out`, `queue_broken`, `device_gone`, `reset_needed`, `not_initialised`.
/// **Threading** The calls may run concurrently with receiving and sending, but not with each other.
template <class Driver, class T, uint32_t N, class Traits>
class NetCommands : public DriverCore<Driver, T> {
    using Bit = spec::net::Feature;

public:
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
        uint16_t const before = pairs_in_use_.load();
        if (pairs < before) {
            pairs_in_use_.store(pairs);  // §5.1.9.5.6.2: from the command on
        }
        Status const done =
            command(Bit::mq, spec::net::ControlClass::mq, spec::net::mq_vq_pairs_set, data, poll_limit, relax);
        if (done) {
            pairs_in_use_.store(pairs);
        } else if (done.error() == Error::command_refused || done.error() == Error::not_supported ||
                   done.error() == Error::queue_full) {
            pairs_in_use_.store(before);  // the device has not changed anything
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

protected:
    /// The queue of the commands.
    using Control = detail::NetControl<N, Traits>;

    /// Its number: it is behind all pairs that the device has.
    [[__nodiscard__]] uint16_t control_index() const { return spec::net::receive_queue(config_.pairs); }

    uint16_t pairs_ = 0;                ///< that the driver uses
    detail::SharedCount pairs_in_use_;  ///< of them; sending reads it
    detail::NetConfig config_{};        ///< as read last
    detail::NetHeader header_;          ///< of each packet
    Control control_;                   ///< the queue

private:
    using ControlData = typename Control::Data;

    static constexpr Features receive_offloads = Features::of(Bit::guest_csum, Bit::guest_tso4, Bit::guest_tso6,
                                                              Bit::guest_ecn, Bit::guest_uso4, Bit::guest_uso6);

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
        if (!this->negotiated().has(feature) || !control_.control_queue().ring().is_live()) {
            return Error::not_supported;
        }
        auto const send = [&] { return control_.send({static_cast<uint8_t>(group), number}, data); };
        auto const look = [this] {
            return this->collect_from(control_.control_queue(),
                                      [this](uint16_t slot, uint32_t written) { return outcome(slot, written); });
        };
        uint32_t polls = 0;
        return this->perform(control_.control_queue(), control_index(), send, look, poll_limit, polls, relax).error();
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
};

}  // namespace virtq
