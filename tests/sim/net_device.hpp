// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/net_rule.hpp>
#include <sim/violation.hpp>
#include <sim/wire.hpp>

/// A network card (§5.1). The test puts frames on the wire and looks at those that the driver sent.
namespace virtq::sim {

struct NetOptions {
    /// Bits of `wire::net` and of `wire::feature` that it offers.
    std::vector<unsigned> features{wire::net::mac, wire::net::status};
    std::array<uint8_t, 6> mac{0x02, 0x56, 0x51, 0x00, 0x00, 0x01};
    uint16_t mtu = 1500;
    uint16_t pairs = 1;
    uint32_t speed = 10'000;
    uint8_t duplex = 1;
    uint16_t queue_size_max = 64;
    /// The used length of a sent packet is its length, as of some legacy devices (§5.1.9.1).
    bool transmit_length = false;
};

/// A frame with its header, in the byte order of the machine.
struct NetFrame {
    std::vector<uint8_t> bytes;
    uint8_t flags = 0;
    uint8_t gso_type = 0;
    uint16_t hdr_len = 0;
    uint16_t gso_size = 0;
    uint16_t csum_start = 0;
    uint16_t csum_offset = 0;
    std::optional<uint16_t> num_buffers{};  ///< received: what the device says instead of the truth
    std::optional<uint32_t> used_length{};  ///< received: what it says of the first buffer
};

/// **Threading** A test may call everything while the device works in another thread.
class NetDevice final : public DeviceBackend {
public:
    explicit NetDevice(ViolationLog& log, NetOptions options = {}) : log_(log), options_(std::move(options)) {
        wire_.resize(options_.pairs);
        sent_.resize(options_.pairs);
        may_pass_.resize(options_.pairs, unlimited);
    }

    // The wire.

    /// Puts a frame on the wire. It waits for receive buffers, also over a reset.
    void inject(NetFrame frame, uint16_t pair = 0) {
        locked([&] { wire_.at(pair).push_back(std::move(frame)); });
    }
    /// Frames that no buffer has taken yet.
    [[nodiscard]] size_t waiting(uint16_t pair = 0) const {
        return locked([&] { return wire_.at(pair).size(); });
    }
    /// All frames that the driver has sent, or those since the last `take_sent`.
    [[nodiscard]] std::vector<NetFrame> sent(uint16_t pair = 0) const {
        return locked([&] { return sent_.at(pair); });
    }
    [[nodiscard]] std::vector<NetFrame> take_sent(uint16_t pair = 0) {
        return locked([&] { return std::exchange(sent_.at(pair), {}); });
    }
    /// Frames without MRG_RXBUF that did not fit their buffer.
    [[nodiscard]] size_t dropped() const {
        return locked([&] { return dropped_; });
    }

    // How it behaves.

    /// From now on no more than this goes into a buffer, so that frames are merged on purpose (MRG_RXBUF).
    void fill_at_most(size_t bytes) {
        locked([&] { most_ = bytes; });
    }
    /// Packets to send stay with the device.
    void hold(uint16_t pair = 0) { let_pass(pair, 0); }
    /// The device sends this many more of them, and holds the others.
    void let_pass(uint16_t pair, size_t packets) {
        locked([&] { may_pass_.at(pair) = packets; });
    }
    void release(uint16_t pair = 0) { let_pass(pair, unlimited); }
    /// The newest packets are used first: the tokens come back in another order.
    void use_newest_first() {
        locked([&] { newest_first_ = true; });
    }
    /// Answers the next commands with this, and does nothing.
    void answer_with(std::optional<uint8_t> ack) {
        locked([&] { answer_ = ack; });
    }
    /// Uses commands without an answer, and says that it wrote `used_length` bytes.
    void leave_out_answers(uint32_t used_length) {
        locked([&] { length_of_no_answer_ = used_length; });
    }
    /// Keeps commands for ever.
    void ignore_commands() {
        locked([&] { ignores_commands_ = true; });
    }
    /// These change the configuration: wrap them in `change_config` of the transport.
    void set_link(bool up) {
        locked([&] { link_up_ = up; });
    }
    void set_speed(uint32_t megabits) {
        locked([&] { options_.speed = megabits; });
    }
    void ask_for_announcement() {
        locked([&] { announces_ = true; });
    }
    void set_pairs(uint16_t pairs) {
        locked([&] { options_.pairs = pairs; });
    }

    // What the driver has set.

    [[nodiscard]] bool is_on(uint8_t receive_mode) const {
        return locked([&] { return modes_.count(receive_mode) != 0; });
    }
    [[nodiscard]] std::vector<std::array<uint8_t, 6>> unicast() const {
        return locked([&] { return unicast_; });
    }
    [[nodiscard]] std::vector<std::array<uint8_t, 6>> multicast() const {
        return locked([&] { return multicast_; });
    }
    [[nodiscard]] std::set<uint16_t> vlans() const {
        return locked([&] { return vlans_; });
    }
    [[nodiscard]] std::array<uint8_t, 6> mac() const {
        return locked([&] { return mac_; });
    }
    [[nodiscard]] uint16_t pairs_in_use() const {
        return locked([&] { return pairs_in_use_; });
    }
    [[nodiscard]] std::optional<uint64_t> offloads() const {
        return locked([&] { return offloads_; });
    }
    /// By command: {max_packets, max_usecs}.
    [[nodiscard]] std::map<uint8_t, std::pair<uint32_t, uint32_t>> coalescing() const {
        return locked([&] { return coalescing_; });
    }

    // DeviceBackend.

    [[nodiscard]] uint32_t device_id() const override { return wire::net::device_id; }
    [[nodiscard]] FeatureWords features() const override { return feature_words(options_.features); }
    [[nodiscard]] uint16_t queue_count() const override {
        return static_cast<uint16_t>(2 * wire_.size() + (offers(wire::net::ctrl_vq) ? 1 : 0));
    }
    [[nodiscard]] uint16_t queue_size_max(uint16_t /*queue*/) const override { return options_.queue_size_max; }
    [[nodiscard]] std::vector<ConfigField> config_fields() const override;
    [[nodiscard]] uint8_t read_config(size_t offset) override;
    void start(Session const& session) override {
        locked([&] { session_ = session; });
    }
    void reset() override;
    [[nodiscard]] Completion process(uint16_t queue, Chain const& chain) override;
    void work(uint16_t queue) override;

private:
    static constexpr size_t unlimited = std::numeric_limits<size_t>::max();
    using Mac = std::array<uint8_t, 6>;

    template <class Body>
    auto locked(Body body) const -> decltype(body()) {
        std::lock_guard const lock(mutex_);
        return body();
    }
    void report(Rule const& broken, uint64_t value) { log_.report(broken, value); }
    [[nodiscard]] bool has(unsigned bit) const { return has_feature(session_.features, bit); }
    [[nodiscard]] bool offers(unsigned bit) const {
        return std::find(options_.features.begin(), options_.features.end(), bit) != options_.features.end();
    }
    [[nodiscard]] bool is_framed() const { return session_.legacy && !has(wire::feature::any_layout); }
    [[nodiscard]] bool is_control(uint16_t queue) const {
        return queue == 2 * (has(wire::net::mq) ? wire_.size() : 1);
    }
    /// §5.1.9.1.
    [[nodiscard]] size_t header_bytes() const {
        return session_.legacy && !has(wire::net::mrg_rxbuf) ? wire::net::header_bytes_legacy
                                                             : wire::net::header_bytes;
    }

    [[nodiscard]] std::vector<uint8_t> encoded(NetFrame const& frame, uint16_t buffers) const;
    void check_receive_buffer(uint16_t queue, Chain const& chain);
    void deliver(uint16_t queue);
    [[nodiscard]] bool deliver_frame(uint16_t queue, NetFrame const& frame);
    void send(uint16_t queue);
    [[nodiscard]] NetFrame parsed(std::vector<uint8_t> const& bytes) const;
    void check_sent(uint16_t queue, NetFrame const& frame, size_t bytes);
    [[nodiscard]] bool may_split(uint8_t gso_type) const;
    [[nodiscard]] uint8_t obey(std::vector<uint8_t> const& command);
    [[nodiscard]] std::optional<uint8_t> obey_class(uint8_t group, uint8_t number, std::vector<uint8_t> const& data);
    [[nodiscard]] bool set_mac_tables(std::vector<uint8_t> const& data);
    [[nodiscard]] uint64_t word(std::vector<uint8_t> const& data, size_t at, size_t bytes) const {
        return decode(data.data() + at, bytes, session_.order);
    }

    ViolationLog& log_;
    NetOptions options_;
    mutable std::recursive_mutex mutex_;
    Session session_;
    std::vector<std::deque<NetFrame>> wire_;
    std::vector<std::vector<NetFrame>> sent_;
    std::vector<size_t> may_pass_;
    size_t most_ = unlimited;
    size_t dropped_ = 0;
    bool newest_first_ = false;
    bool ignores_commands_ = false;
    std::optional<uint8_t> answer_;
    std::optional<uint32_t> length_of_no_answer_;
    bool link_up_ = true;
    bool announces_ = false;
    Mac mac_ = options_.mac;
    std::set<uint8_t> modes_;
    std::vector<Mac> unicast_;
    std::vector<Mac> multicast_;
    std::set<uint16_t> vlans_;
    uint16_t pairs_in_use_ = 1;
    std::optional<uint64_t> offloads_;
    std::map<uint8_t, std::pair<uint32_t, uint32_t>> coalescing_;
};

inline std::vector<ConfigField> NetDevice::config_fields() const {
    using namespace wire::net;
    std::vector<ConfigField> fields{{config_status, 2, status},
                                    {config_pairs, 2, mq},
                                    {config_mtu, 2, wire::net::mtu},
                                    {config_speed, 4, speed_duplex},
                                    {config_duplex, 1, speed_duplex}};
    for (size_t i = 0; i < 6; ++i) {
        fields.push_back({config_mac + i, 1});  // u8 mac[6]
    }
    return fields;
}

inline uint8_t NetDevice::read_config(size_t offset) {
    std::lock_guard const lock(mutex_);
    std::array<uint8_t, wire::net::config_bytes> config{};
    std::copy(mac_.begin(), mac_.end(), config.begin());
    auto const status =
        static_cast<uint16_t>((link_up_ ? wire::net::link_up : 0) | (announces_ ? wire::net::announce : 0));
    encode(config.data() + wire::net::config_status, 2, status, session_.order);
    encode(config.data() + wire::net::config_pairs, 2, options_.pairs, session_.order);
    encode(config.data() + wire::net::config_mtu, 2, options_.mtu, session_.order);
    encode(config.data() + wire::net::config_speed, 4, options_.speed, session_.order);
    config[wire::net::config_duplex] = options_.duplex;
    return config.at(offset);
}

/// Addresses, filters and pairs are those of a new device.
inline void NetDevice::reset() {
    std::lock_guard const lock(mutex_);
    session_ = {};
    mac_ = options_.mac;
    modes_.clear();
    unicast_.clear();
    multicast_.clear();
    vlans_.clear();
    pairs_in_use_ = 1;
    offloads_.reset();
    coalescing_.clear();
}

/// Checks the chain. Frames flow in `work`, in the order of the ring; commands are obeyed here.
inline Completion NetDevice::process(uint16_t queue, Chain const& chain) {
    std::lock_guard const lock(mutex_);
    if (!is_control(queue)) {
        if (queue % 2 == 0) {
            check_receive_buffer(queue, chain);
        } else if (!chain.writable.empty()) {
            report(rule::net_transmit_writable, queue);
        }
        return {};
    }
    if (ignores_commands_) {
        return {};
    }
    if (is_framed() && (chain.readable.empty() || chain.readable[0].bytes != 2)) {
        report(rule::legacy_net_control, chain.readable.size());
    }
    if (length_of_no_answer_) {
        return *length_of_no_answer_;
    }
    uint8_t const ack = answer_.has_value() ? *answer_ : obey(chain.read_all());
    return static_cast<uint32_t>(chain.write(0, &ack, 1));
}

inline void NetDevice::work(uint16_t queue) {
    std::lock_guard const lock(mutex_);
    if (!is_control(queue)) {
        queue % 2 == 0 ? deliver(queue) : send(queue);
    }
}

// Receive.

/// §5.1.9.3.1.
inline void NetDevice::check_receive_buffer(uint16_t queue, Chain const& chain) {
    if (!chain.readable.empty()) {
        report(rule::net_receive_readable, queue);
    }
    constexpr size_t largest_frame = 1514;
    if (chain.writable_bytes() < header_bytes()) {
        report(rule::net_receive_header, chain.writable_bytes());
    } else if (!has(wire::net::mrg_rxbuf) && chain.writable_bytes() < header_bytes() + largest_frame) {
        report(rule::net_receive_size, chain.writable_bytes());
    }
    if (is_framed() && (chain.writable.empty() || chain.writable[0].bytes != header_bytes())) {
        report(rule::legacy_net_header, queue);
    }
}

inline std::vector<uint8_t> NetDevice::encoded(NetFrame const& frame, uint16_t buffers) const {
    using namespace wire::net;
    std::vector<uint8_t> bytes(wire::net::header_bytes);
    bytes[header_flags] = frame.flags;
    bytes[header_gso_type] = frame.gso_type;
    encode(bytes.data() + header_hdr_len, 2, frame.hdr_len, session_.order);
    encode(bytes.data() + header_gso_size, 2, frame.gso_size, session_.order);
    encode(bytes.data() + header_csum_start, 2, frame.csum_start, session_.order);
    encode(bytes.data() + header_csum_offset, 2, frame.csum_offset, session_.order);
    encode(bytes.data() + header_num_buffers, 2, frame.num_buffers.value_or(buffers), session_.order);
    bytes.resize(header_bytes());
    bytes.insert(bytes.end(), frame.bytes.begin(), frame.bytes.end());
    return bytes;
}

inline void NetDevice::deliver(uint16_t queue) {
    auto& frames = wire_[queue / 2u];
    while (!frames.empty() && deliver_frame(queue, frames.front())) {
        frames.pop_front();
    }
}

/// False: it waits for buffers. §5.1.9.4.1: all buffers of a packet are used together.
inline bool NetDevice::deliver_frame(uint16_t queue, NetFrame const& frame) {
    size_t const total = header_bytes() + frame.bytes.size();
    std::vector<ParkedChain> buffers;
    size_t room = 0;
    for (auto& buffer : parked(queue)) {
        room += std::min<uint64_t>(buffer.chain.writable_bytes(), most_);
        buffers.push_back(std::move(buffer));
        if (room >= total || !has(wire::net::mrg_rxbuf)) {
            break;
        }
    }
    if (buffers.empty() || (room < total && has(wire::net::mrg_rxbuf))) {
        return false;
    }
    if (room < total) {
        ++dropped_;
        return true;
    }
    std::vector<uint8_t> const bytes = encoded(frame, static_cast<uint16_t>(buffers.size()));
    size_t done = 0;
    for (auto const& buffer : buffers) {
        size_t const part = std::min(bytes.size() - done, most_);
        size_t const written = buffer.chain.write(0, bytes.data() + done, part);
        auto const length = done == 0 && frame.used_length ? *frame.used_length : static_cast<uint32_t>(written);
        static_cast<void>(complete(queue, buffer, length));
        done += written;
    }
    return true;
}

// Send.

inline void NetDevice::send(uint16_t queue) {
    size_t& may_pass = may_pass_[queue / 2u];
    std::vector<ParkedChain> packets = parked(queue);
    packets.resize(std::min(packets.size(), may_pass));
    may_pass -= may_pass == unlimited ? 0 : packets.size();
    if (newest_first_) {
        std::reverse(packets.begin(), packets.end());
    }
    for (auto const& packet : packets) {
        std::vector<uint8_t> const bytes = packet.chain.read_all();
        auto const& readable = packet.chain.readable;
        if (is_framed() && (readable.empty() || readable[0].bytes != header_bytes())) {
            report(rule::legacy_net_header, queue);
        }
        NetFrame frame = parsed(bytes);
        check_sent(queue, frame, bytes.size());
        sent_[queue / 2u].push_back(std::move(frame));
        static_cast<void>(complete(queue, packet, options_.transmit_length ? static_cast<uint32_t>(bytes.size()) : 0));
    }
}

inline NetFrame NetDevice::parsed(std::vector<uint8_t> const& bytes) const {
    using namespace wire::net;
    NetFrame frame;
    if (bytes.size() < header_bytes()) {
        return frame;
    }
    frame.flags = bytes[header_flags];
    frame.gso_type = bytes[header_gso_type];
    frame.hdr_len = static_cast<uint16_t>(word(bytes, header_hdr_len, 2));
    frame.gso_size = static_cast<uint16_t>(word(bytes, header_gso_size, 2));
    frame.csum_start = static_cast<uint16_t>(word(bytes, header_csum_start, 2));
    frame.csum_offset = static_cast<uint16_t>(word(bytes, header_csum_offset, 2));
    if (header_bytes() > header_num_buffers) {
        frame.num_buffers = static_cast<uint16_t>(word(bytes, header_num_buffers, 2));
    }
    frame.bytes.assign(bytes.begin() + static_cast<std::ptrdiff_t>(header_bytes()), bytes.end());
    return frame;
}

inline bool NetDevice::may_split(uint8_t gso_type) const {
    switch (gso_type) {
        case wire::net::gso_tcpv4: return has(wire::net::host_tso4);
        case wire::net::gso_tcpv6: return has(wire::net::host_tso6);
        case wire::net::gso_udp_l4: return has(wire::net::host_uso);
        default: return false;
    }
}

/// §5.1.9.2.1.
inline void NetDevice::check_sent(uint16_t queue, NetFrame const& frame, size_t bytes) {
    constexpr size_t ethernet = 14 + 4;
    if (bytes < header_bytes()) {
        return report(rule::net_header_size, bytes);
    }
    if (queue / 2u >= pairs_in_use_) {
        report(rule::net_pair_unused, queue);
    }
    if (frame.num_buffers.value_or(0) != 0) {
        report(rule::net_num_buffers, *frame.num_buffers);
    }
    if (!has(wire::net::csum) && frame.flags != 0) {
        report(rule::net_flags, frame.flags);
    }
    if ((frame.flags & wire::net::data_valid) != 0) {
        report(rule::net_data_valid, frame.flags);
    }
    bool const needs_checksum = (frame.flags & wire::net::needs_csum) != 0;
    if (needs_checksum && frame.csum_start + frame.csum_offset + 2u > frame.bytes.size()) {
        report(rule::net_checksum_place, frame.csum_start);
    }
    auto const gso = static_cast<uint8_t>(frame.gso_type & ~wire::net::gso_ecn);
    if (gso == wire::net::gso_none) {
        if (has(wire::net::mtu) && frame.bytes.size() > options_.mtu + ethernet) {
            report(rule::net_mtu, frame.bytes.size());
        }
        return;
    }
    if (!may_split(gso)) {
        report(rule::net_gso, frame.gso_type);
    }
    if (!needs_checksum) {
        report(rule::net_gso_checksum, frame.flags);
    }
    if (frame.gso_size == 0) {
        report(rule::net_gso_size, 0);
    }
}

// Control.

inline uint8_t NetDevice::obey(std::vector<uint8_t> const& command) {
    std::optional<uint8_t> ack;
    if (command.size() >= 2) {
        ack = obey_class(command[0], command[1], {command.begin() + 2, command.end()});
    }
    if (ack) {
        return *ack;
    }
    report(rule::net_control_command, command.empty() ? 0 : command[0]);
    return wire::net::err;
}

/// §5.1.9.5.1 to §5.1.9.5.10. Nothing: this is no command, or one of a feature that was not negotiated.
inline std::optional<uint8_t> NetDevice::obey_class(uint8_t group, uint8_t number, std::vector<uint8_t> const& data) {
    using namespace wire::net;
    switch (group) {
        case class_rx: {
            bool const known = number <= 1 ? has(ctrl_rx) : number <= 5 && has(ctrl_rx_extra);
            if (!known || data.size() != 1) {
                return {};
            }
            data[0] != 0 ? static_cast<void>(modes_.insert(number)) : static_cast<void>(modes_.erase(number));
            return ok;
        }
        case class_mac:
            if (number == 0 && has(ctrl_rx) && set_mac_tables(data)) {
                return ok;
            }
            if (number != 1 || !has(ctrl_mac_addr) || data.size() != 6) {
                return {};
            }
            std::copy(data.begin(), data.end(), mac_.begin());
            return ok;
        case class_vlan: {
            if (!has(ctrl_vlan) || data.size() != 2 || number > 1) {
                return {};
            }
            auto const vlan = static_cast<uint16_t>(word(data, 0, 2));
            number == 0 ? static_cast<void>(vlans_.insert(vlan)) : static_cast<void>(vlans_.erase(vlan));
            return ok;
        }
        case class_announce:
            if (!has(guest_announce) || number != 0 || !data.empty()) {
                return {};
            }
            announces_ = false;
            return ok;
        case class_mq: {
            if (!has(mq) || number != 0 || data.size() != 2) {
                return {};
            }
            auto const pairs = static_cast<uint16_t>(word(data, 0, 2));
            if (pairs == 0 || pairs > options_.pairs) {
                report(rule::net_pairs, pairs);
                return err;
            }
            pairs_in_use_ = pairs;
            return ok;
        }
        case class_offloads:
            if (!has(ctrl_guest_offloads) || number != 0 || data.size() != 8) {
                return {};
            }
            offloads_ = word(data, 0, 8);
            return ok;
        case class_coalescing:
            if (!has(notf_coal) || number > 1 || data.size() != 8) {
                return {};
            }
            coalescing_[number] = {static_cast<uint32_t>(word(data, 0, 4)), static_cast<uint32_t>(word(data, 4, 4))};
            return ok;
        default: return {};
    }
}

/// §5.1.9.5.2: two tables, each a count and its addresses.
inline bool NetDevice::set_mac_tables(std::vector<uint8_t> const& data) {
    std::vector<Mac> tables[2];
    size_t at = 0;
    for (auto& table : tables) {
        if (data.size() - at < 4) {
            return false;
        }
        auto const count = static_cast<size_t>(word(data, at, 4));
        at += 4;
        if (count > (data.size() - at) / 6) {
            return false;
        }
        for (size_t i = 0; i < count; ++i, at += 6) {
            Mac address{};
            std::copy_n(data.begin() + static_cast<std::ptrdiff_t>(at), 6, address.begin());
            table.push_back(address);
        }
    }
    if (at != data.size()) {
        return false;
    }
    unicast_ = tables[0];
    multicast_ = tables[1];
    return true;
}

}  // namespace virtq::sim
