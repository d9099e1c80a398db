// SPDX-License-Identifier: MIT
#pragma once

#include <device/driver_subject.hpp>
#include <virtq/device/balloon.hpp>
#include <virtq/device/block.hpp>
#include <virtq/device/console.hpp>
#include <virtq/device/entropy.hpp>
#include <virtq/device/gpu.hpp>
#include <virtq/device/input.hpp>
#include <virtq/device/net.hpp>
#include <virtq/device/p9.hpp>

#include <sim/balloon_device.hpp>
#include <sim/block_device.hpp>
#include <sim/console_device.hpp>
#include <sim/entropy_device.hpp>
#include <sim/gpu_device.hpp>
#include <sim/input_device.hpp>
#include <sim/net_device.hpp>
#include <sim/p9_device.hpp>

#include <cstdint>
#include <cstring>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

/// What the contract suite must know about each driver. A new driver adds one of these.
namespace virtq::test {

[[nodiscard]] inline std::vector<unsigned> ring_bits(RingOffer const& offer) {
    std::vector<unsigned> bits;
    auto const add = [&](bool on, unsigned bit) { on ? bits.push_back(bit) : void(); };
    add(offer.packed, sim::wire::feature::ring_packed);
    add(offer.event_idx, sim::wire::feature::event_idx);
    add(offer.indirect, sim::wire::feature::indirect_desc);
    add(offer.in_order, sim::wire::feature::in_order);
    return bits;
}

struct BlockKind {
    static constexpr char const* name = "Block";
    using Traits = BlockTraits;
    using Option = BlockOption;
    template <class T, class Chosen>
    using Driver = BlockDevice<T, 16, Chosen>;
    static constexpr bool has_tokens = true;
    static constexpr bool has_config = true;
    static constexpr std::uint32_t least_queue = 4;

    static std::unique_ptr<sim::DeviceBackend> make_device(sim::ViolationLog& log, RingOffer const& offer) {
        sim::BlockOptions options{.blk_size = 512, .queue_size_max = 16};
        options.packed = offer.packed;
        options.event_idx = offer.event_idx;
        options.indirect = offer.indirect;
        options.in_order = offer.in_order;
        return std::make_unique<sim::BlockDevice>(log, options);
    }
    template <class Disk>
    static Status start(Disk& disk, Segment const& buffer, Token token) {
        Status const added = disk.submit_read(5, buffer, token);
        disk.kick_device();
        return added;
    }
    template <class Disk, class Relax>
    static Status use(Disk& disk, Segment const& buffer, PollLimit limit, Relax& relax) {
        return disk.read(5, buffer, limit, relax);
    }
};

struct EntropyKind {
    static constexpr char const* name = "Entropy";
    using Traits = DriverTraits;
    using Option = DriverOption;
    template <class T, class Chosen>
    using Driver = EntropyDevice<T, 16, Chosen>;
    static constexpr bool has_tokens = true;
    static constexpr bool has_config = false;
    static constexpr std::uint32_t least_queue = 1;

    static std::unique_ptr<sim::DeviceBackend> make_device(sim::ViolationLog& log, RingOffer const& offer) {
        return std::make_unique<sim::EntropyDevice>(
            log, sim::EntropyOptions{.queue_size_max = 16, .features = ring_bits(offer)});
    }
    template <class Source>
    static Status start(Source& source, Segment const& buffer, Token token) {
        Status const added = source.submit(buffer, token);
        source.kick_device();
        return added;
    }
    template <class Source, class Relax>
    static Status use(Source& source, Segment const& buffer, PollLimit limit, Relax& relax) {
        return source.read(buffer, limit, relax);
    }
};

/// Each second request has data, which the device reads or writes.
struct P9Kind {
    static constexpr char const* name = "P9";
    using Traits = P9Traits;
    using Option = DriverOption;
    template <class T, class Chosen>
    using Driver = P9Device<T, 16, Chosen>;
    static constexpr bool has_tokens = true;
    static constexpr bool has_config = true;
    static constexpr std::uint32_t least_queue = 2;  // a message and its answer

    static std::unique_ptr<sim::DeviceBackend> make_device(sim::ViolationLog& log, RingOffer const& offer) {
        auto device =
            std::make_unique<sim::P9Device>(log, sim::P9Options{.queue_size_max = 16, .features = ring_bits(offer)});
        device->set_server([](sim::P9Device::Message request) {
            request.resize(11);  // the data is not sent back
            return sim::P9Device::echo(request);
        });
        return device;
    }
    template <class Server>
    static Status start(Server& server, Segment const& buffer, Token token) {
        static std::uint8_t answers[16][32];  // all that are in flight have different tags
        auto const tag = static_cast<std::uint16_t>(token.value());
        bool const sends = tag % 4 == 2;
        bool const has_data = tag % 2 == 0;
        auto message = sim::P9Device::message(100, tag, {1, 2, 3, 4});
        sim::encode(message.data(), 4, message.size() + (sends ? buffer.bytes : 0), sim::ByteOrder::little);
        Status const added = server.submit({message,
                                            answers[tag % 16],
                                            {&buffer, has_data ? std::size_t{1} : std::size_t{0}},
                                            sends ? DmaDirection::device_reads : DmaDirection::device_writes},
                                           token);
        server.kick_device();
        return added;
    }
    template <class Server, class Relax>
    static Status use(Server& server, Segment const&, PollLimit limit, Relax& relax) {
        std::uint8_t answer[32];
        Span<char const> const tag = server.mount_tag();
        EXPECT_LE(tag.size(), P9Traits::mount_tag_bytes);
        return server.call({sim::P9Device::message(100, 0xffff, {1, 2, 3, 4}), answer}, limit, relax);
    }
};

/// The device counts page numbers, and touches no page: the suite gives one page again and again.
struct BalloonKind {
    static constexpr char const* name = "Balloon";
    struct Traits : BalloonTraits {
        static constexpr std::uint32_t pages_at_once = 4;
    };
    using Option = DriverOption;
    template <class T, class Chosen>
    using Driver = BalloonDevice<T, 16, Chosen>;
    static constexpr bool has_tokens = true;
    static constexpr bool has_config = true;
    static constexpr std::uint32_t least_queue = 1;

    static std::unique_ptr<sim::DeviceBackend> make_device(sim::ViolationLog& log, RingOffer const& offer) {
        using namespace sim::wire::balloon;
        std::vector<unsigned> features = ring_bits(offer);
        features.insert(features.end(), {must_tell_host, stats_vq, deflate_on_oom, page_reporting});
        return std::make_unique<sim::BalloonDevice>(
            log, sim::BalloonOptions{.features = std::move(features), .num_pages = 1000, .queue_size_max = 16});
    }
    template <class Balloon>
    static Status start(Balloon& balloon, Segment const& buffer, Token token) {
        PhysAddr const page{buffer.addr.value / 4096 * 4096};
        PhysAddr const pages[] = {page, page, page, page};
        Status const added = balloon.submit_inflate({pages, 1 + token.value() % 4}, token);
        balloon.kick_device();
        return added;
    }
    template <class Balloon, class Relax>
    static Status use(Balloon& balloon, Segment const& buffer, PollLimit limit, Relax& relax) {
        PhysAddr const page{buffer.addr.value / 4096 * 4096};
        return balloon.inflate({&page, 1}, limit, relax);
    }
    template <class Balloon>
    static void call_others(Balloon& balloon, unsigned choice) {
        PhysAddr const pages[4] = {};
        BalloonStat const stats[10] = {};
        Segment const free{PhysAddr{4096}, 4096};
        std::uint32_t const some = balloon.deflatable_pages() < 4 ? balloon.deflatable_pages() : 4;
        switch (choice % 4) {
            case 0: static_cast<void>(balloon.on_config_change()); break;
            case 1: static_cast<void>(balloon.answer_stats({stats, 1 + choice / 4 % 10})); break;
            case 2: static_cast<void>(balloon.report(free, PollLimit{2})); break;
            default:
                if (some != 0) {
                    static_cast<void>(balloon.deflate({pages, some}, PollLimit{2}));
                }
        }
        static_cast<void>(balloon.wants_stats() && balloon.held_pages() > balloon.target_pages());
    }
};

/// Events that the kernel sends are what it starts; events of the device are what it takes.
struct InputKind {
    static constexpr char const* name = "Input";
    using Traits = InputTraits;
    using Option = DriverOption;
    template <class T, class Chosen>
    using Driver = InputDevice<T, 16, Chosen>;
    static constexpr bool has_tokens = false;
    static constexpr bool has_config = true;
    static constexpr std::uint32_t least_queue = 1;

    static std::unique_ptr<sim::DeviceBackend> make_device(sim::ViolationLog& log, RingOffer const& offer) {
        return std::make_unique<sim::InputDevice>(log, sim::InputOptions{.codes = {{1, {30}}, {3, {0, 1}}, {17, {1}}},
                                                                         .axes = {{0, {0, 100, 0, 0, 0}}},
                                                                         .queue_size_max = 16,
                                                                         .features = ring_bits(offer)});
    }
    template <class Input>
    static Status start(Input& input, Segment const&, Token token) {
        return input.send({spec::input::EventType::led, 1, static_cast<std::int32_t>(token.value() & 1)});
    }
    template <class Input>
    static Ended take(Input& input) {
        unsigned count = 0;
        CompletionState const state = input.take_each([&](InputEvent) { ++count; });
        bool const is_broken = state == CompletionState::broken;
        return {{}, Error::none, count != 0 && !is_broken ? CompletionState::ready : state};
    }
    template <class Input>
    static void call_others(Input& input, unsigned choice) {
        auto const subsel = static_cast<std::uint8_t>(choice / 8 % 32);
        switch (choice % 8) {
            case 0: static_cast<void>(input.range(subsel)); break;
            case 1: static_cast<void>(input.codes(static_cast<spec::input::EventType>(choice / 8))); break;
            case 2: static_cast<void>(input.device_ids()); break;
            case 3: static_cast<void>(input.properties()); break;
            case 4: check_text(choice % 16 == 4 ? input.name() : input.serial()); break;
            case 5: static_cast<void>(input.enable_used_notifications(InputQueue::status)); break;
            default: take_packets(input, choice / 8 % 20);
        }
        static_cast<void>(input.kind() == virtq::InputKind::mouse && input.dropped() != 0);
    }
    template <class Input, class Relax>
    static Status use(Input& input, Segment const& buffer, PollLimit limit, Relax& relax) {
        Status const started = start(input, buffer, {});
        for (std::uint32_t polls = 0; started && input.in_flight() != 0; ++polls) {
            if (polls == limit.count) {
                return Error::timed_out;
            }
            relax();
            if (Status const alive = input.check_alive(); !alive) {
                return alive;
            }
        }
        return started;
    }

private:
    static void check_text(Result<InputText> const& text) {
        if (text) {
            EXPECT_LE(text->bytes, 128u);
            EXPECT_EQ(text->text[text->bytes], '\0');
        }
    }
    template <class Input>
    static void take_packets(Input& input, std::uint32_t most) {
        std::uint32_t sum = 0;
        auto const each = [&](InputPacket const& packet) {
            EXPECT_LE(packet.events.size(), InputTraits::packet_events);
            EXPECT_TRUE(!packet.is_whole || packet.events.size() != 0);
            for (InputEvent const& event : packet.events) {
                sum += event.code;
            }
        };
        static_cast<void>(input.take_packets(each, most) == CompletionState::ready && sum != 0);
    }
};

/// One port, or with MULTIPORT two. Output is what a kernel starts; input is what it takes.
template <std::uint32_t ports>
struct ConsoleKindOf {
    static constexpr char const* name = ports == 1 ? "Console" : "Ports";
    struct Traits : ConsoleTraits {
        static constexpr std::uint32_t port_max = ports;
        static constexpr std::uint32_t buffer_bytes = 64;
    };
    using Option = DriverOption;
    template <class T, class Chosen>
    using Driver = ConsoleDevice<T, 16, Chosen>;
    static constexpr bool has_tokens = false;
    static constexpr bool has_config = true;
    static constexpr std::uint32_t least_queue = 1;

    static std::unique_ptr<sim::DeviceBackend> make_device(sim::ViolationLog& log, RingOffer const& offer) {
        return std::make_unique<sim::ConsoleDevice>(log, sim::ConsoleOptions{.size = sim::ConsoleSize{80, 25},
                                                                             .ports = ports == 1 ? 0 : ports,
                                                                             .queue_size_max = 16,
                                                                             .features = ring_bits(offer)});
    }
    /// §5.3.6.2: ports are there once the device has added them, and the driver has answered.
    template <class Console>
    static void settle(Console& console, Subject& subject) {
        for (int round = 0; round < 4; ++round) {
            subject.step();
            static_cast<void>(console.on_events([](std::uint32_t, ConsoleEvent) {}));
        }
    }
    template <class Console>
    static Status start(Console& console, Segment const&, Token) {
        std::uint8_t const text[] = {'v'};
        return console.write({text, 1}).error();
    }
    template <class Console>
    static Ended take(Console& console) {
        static_cast<void>(console.on_events([](std::uint32_t, ConsoleEvent) {}));
        std::uint8_t text[100];
        Result<std::uint32_t> const got = console.read(text);
        CompletionState const pending = got && *got != 0 ? CompletionState::ready : CompletionState::none;
        return {{}, got.error(), got ? pending : CompletionState::broken};
    }
    template <class Console>
    static void call_others(Console& console, unsigned choice) {
        std::uint32_t const port = choice / 8 % (ports + 1);  // one of them too many
        std::uint8_t text[100] = {};
        switch (choice % 8) {
            case 0: static_cast<void>(console.open(port)); break;
            case 1: static_cast<void>(console.close(port)); break;
            case 2: static_cast<void>(console.on_config_change()); break;
            case 3: static_cast<void>(console.read({text, 1 + choice % 100}, port)); break;
            case 4: static_cast<void>(console.write({text, choice % 100}, port)); break;
            case 5: static_cast<void>(console.enable_used_notifications(ConsoleQueue::events, port)); break;
            default: {
                ConsolePort const found = console.port(port);
                EXPECT_LE(std::strlen(found.name), ConsoleTraits::name_bytes);
                EXPECT_EQ(found.size.cols == 0, found.size.rows == 0);
            }
        }
    }
    template <class Console, class Relax>
    static Status use(Console& console, Segment const& buffer, PollLimit limit, Relax& relax) {
        Status const started = start(console, buffer, {});
        for (std::uint32_t polls = 0; started && !console.is_drained(); ++polls) {
            if (polls == limit.count) {
                return Error::timed_out;
            }
            relax();
            if (Status const alive = console.check_alive(); !alive) {
                return alive;
            }
        }
        return started;
    }
};
using ConsoleKind = ConsoleKindOf<1>;
using PortsKind = ConsoleKindOf<2>;

/// Two pairs. A kernel starts packets to send; it waits for answers of the control queue.
struct NetKind {
    static constexpr char const* name = "Net";
    struct Traits : NetTraits {
        static constexpr std::uint16_t pair_max = 2;
        static constexpr bool large_packets = true;
        static constexpr std::uint32_t buffer_bytes = 2304;  // 32 of them hold a packet of 64 KiB
    };
    using Option = DriverOption;
    template <class T, class Chosen>
    using Driver =
        NetDevice<T, 32, Chosen>;  // a legacy device fixes the size of each queue, also of the control queue
    static constexpr bool has_tokens = true;
    static constexpr bool waits_collect = false;
    static constexpr bool has_config = true;
    static constexpr std::uint16_t work_queue = spec::net::transmit_queue(0);
    static constexpr std::uint32_t least_queue = 2;  // a header and a segment

    static std::unique_ptr<sim::DeviceBackend> make_device(sim::ViolationLog& log, RingOffer const& offer) {
        using namespace sim::wire::net;
        std::vector<unsigned> features = ring_bits(offer);
        features.insert(features.end(),
                        {mac, status, mtu, mq, csum, guest_csum, mrg_rxbuf, ctrl_vq, ctrl_rx, ctrl_vlan, ctrl_mac_addr,
                         guest_announce, host_tso4, host_tso6, guest_tso4, guest_tso6, speed_duplex});
        return std::make_unique<sim::NetDevice>(
            log, sim::NetOptions{.features = std::move(features), .pairs = 2, .queue_size_max = 32});
    }
    /// Packets of many lengths. Each fourth leaves its checksum to the device, and each eighth is split by it.
    template <class Net>
    static Status start(Net& net, Segment const& buffer, Token token) {
        auto const number = static_cast<std::uint32_t>(token.value());
        Segment const packet{buffer.addr, 60 + number * 37 % (buffer.bytes - 60)};
        NetOffload offload;
        if (number % 4 == 3 && net.can_checksum()) {
            offload.checksum = NetChecksum::partial;
            offload.csum_start = 34;
            offload.csum_offset = 16;
        }
        if (number % 8 == 7 && net.can_checksum() && net.can_split(spec::net::Gso::tcpv4)) {
            offload.gso = spec::net::Gso::tcpv4;
            offload.header_bytes = 54;
            offload.segment_bytes = 100;
        }
        Status const added = net.submit(packet, token, offload);
        net.kick_device();
        return added;
    }
    template <class Net>
    static Ended take(Net& net) {
        RequestCompletion const sent = net.take_sent();
        return {sent.token, sent.error, sent.state};
    }
    template <class Net>
    static MaySleep enable_notifications(Net& net) {
        return net.enable_send_notifications();
    }
    template <class Net>
    static void disable_notifications(Net& net) {
        net.disable_send_notifications();
    }
    template <class Net, class Relax>
    static Status use(Net& net, Segment const&, PollLimit limit, Relax& relax) {
        return net.set_receive_mode(spec::net::RxCommand::promisc, NetSwitch::on, limit, relax);
    }
    template <class Net>
    static void call_others(Net& net, unsigned choice) {
        constexpr PollLimit few{2};
        auto const pair = static_cast<std::uint16_t>(choice / 16 % 3);  // one of them too many
        auto const value = choice % 2 == 0 ? NetSwitch::on : NetSwitch::off;
        MacAddress const addresses[] = {net.mac(), {{1, 2, 3, 4, 5, 6}}};
        switch (choice % 16) {
            case 0: static_cast<void>(net.on_config_change()); break;
            case 1: static_cast<void>(net.set_mac_table(addresses, addresses, few)); break;
            case 2: static_cast<void>(net.set_mac(addresses[1], few)); break;
            case 3: static_cast<void>(net.set_vlan(static_cast<std::uint16_t>(choice), value, few)); break;
            case 4: static_cast<void>(net.use_pairs(pair, few)); break;
            case 5: static_cast<void>(net.acknowledge_announcement(few)); break;
            case 6: static_cast<void>(net.set_receive_offloads(net.negotiation().negotiated, few)); break;
            case 7: static_cast<void>(net.enable_receive_notifications(pair)); break;
            default: receive(net, choice / 64, pair);
        }
    }

private:
    /// Reads all that came, and keeps some of it: until it is given back, or until the next reset.
    template <class Net>
    static void receive(Net& net, unsigned choice, std::uint16_t pair) {
        std::vector<NetPart> kept;
        unsigned sum = 0;
        auto const each = [&](NetPacket const& packet) {
            std::uint32_t bytes = 0;
            for (NetPart const& part : packet.parts) {
                sum = std::accumulate(part.data, part.data + part.bytes, sum);
                bytes += part.bytes;
            }
            EXPECT_EQ(bytes, packet.bytes);
            EXPECT_GE(bytes, 14u);
            bool const is_partial = packet.offload.checksum == NetChecksum::partial;
            EXPECT_TRUE(!is_partial || packet.offload.csum_start + packet.offload.csum_offset + 2u <= bytes);
            if (choice % 4 == 0) {
                return NetUse::done;
            }
            kept.insert(kept.end(), packet.parts.begin(), packet.parts.end());
            return NetUse::kept;
        };
        std::uint32_t const before = net.buffers_kept(pair);
        static_cast<void>(net.receive_each(each, 1 + choice / 4, pair));
        EXPECT_EQ(net.buffers_kept(pair), before + kept.size());
        for (std::size_t i = choice % 4 == 3 ? 1 : 0; i < kept.size(); ++i) {
            net.give_back(kept[i], pair);
        }
        static_cast<void>(net.is_link_up() && net.wants_announcement() && sum != 0);
    }
};

/// A picture, made when the device is up. A kernel starts flushes of it; it waits for a display.
struct GpuKind {
    static constexpr char const* name = "Gpu";
    static constexpr std::uint32_t side = gpu_cursor_side;  // of the picture, which is the cursor, too
    struct Traits : GpuTraits {
        static constexpr std::uint32_t picture_max = 3;
        static constexpr std::uint32_t segment_max = side * side * gpu_pixel_bytes / Subject::buffer_bytes;
    };
    using Option = DriverOption;
    template <class T, class Chosen>
    using Driver = GpuDevice<T, 16, Chosen>;
    static constexpr bool has_tokens = true;
    static constexpr bool has_config = true;
    static constexpr std::uint32_t least_queue = 4;  // two commands, each with its answer

    static std::unique_ptr<sim::DeviceBackend> make_device(sim::GuestMemory& memory, RingOffer const& offer) {
        return std::make_unique<sim::GpuDevice>(memory,
                                                sim::GpuOptions{.queue_size_max = 16, .features = ring_bits(offer)});
    }
    template <class Gpu>
    static void settle(Gpu& gpu, Subject& subject) {
        std::vector<Segment> const memory(Traits::segment_max, {subject.shared.phys, Subject::buffer_bytes});
        auto const made = gpu.create({side, side}, memory, Subject::patience, subject.stepping());
        picture = made ? *made : GpuPicture{};
        if (made) {
            static_cast<void>(gpu.show(0, picture, Subject::patience, subject.stepping()));
        }
    }
    template <class Gpu>
    static Status start(Gpu& gpu, Segment const&, Token token) {
        auto const number = static_cast<std::uint32_t>(token.value());
        GpuRect const rect{number % side, number % 8, 1 + number % (side - number % side), 1};
        Status const added = gpu.submit_flush(picture, rect, token);
        gpu.kick_device();
        return added;
    }
    template <class Gpu, class Relax>
    static Status use(Gpu& gpu, Segment const&, PollLimit limit, Relax& relax) {
        return gpu.display(0, limit, relax);
    }
    template <class Gpu>
    static void call_others(Gpu& gpu, unsigned choice) {
        constexpr PollLimit few{2};
        std::uint8_t edid[1024] = {};
        std::uint32_t const number = choice / 16 % 3;
        GpuRect const rect{choice / 16 % 65, choice / 64 % 65, choice / 32 % 65, choice / 128 % 65};
        switch (choice % 16) {
            case 0: static_cast<void>(gpu.on_config_change()); break;
            case 1: static_cast<void>(gpu.edid(number, {edid, choice % 1025}, few)); break;
            case 2: static_cast<void>(gpu.show(number, picture, rect, few)); break;
            case 3: static_cast<void>(gpu.hide(number, few)); break;
            case 4: static_cast<void>(gpu.flush(picture, rect, few)); break;
            case 5: static_cast<void>(gpu.transfer(picture, rect, few)); break;
            case 6: static_cast<void>(gpu.set_cursor(number, picture, {number, 1})); break;
            case 7: static_cast<void>(gpu.hide_cursor(number)); break;
            case 8: static_cast<void>(gpu.destroy(picture, few)); break;
            case 9: {
                Result<GpuDisplay> const found = gpu.display(number, few);
                EXPECT_TRUE(!found || !found->is_enabled || !found->rect.empty());
                EXPECT_LE(gpu.display_count(), 16u);
                break;
            }
            default: static_cast<void>(gpu.move_cursor(number, {choice, choice}));
        }
    }

private:
    static inline GpuPicture picture{};  ///< of the one machine that a test has
};

}  // namespace virtq::test
