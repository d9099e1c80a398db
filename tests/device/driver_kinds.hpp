// SPDX-License-Identifier: MIT
#pragma once

#include <device/driver_subject.hpp>
#include <virtq/device/block.hpp>
#include <virtq/device/console.hpp>
#include <virtq/device/entropy.hpp>

#include <sim/block_device.hpp>
#include <sim/console_device.hpp>
#include <sim/entropy_device.hpp>

#include <cstdint>
#include <cstring>
#include <memory>
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

}  // namespace virtq::test
