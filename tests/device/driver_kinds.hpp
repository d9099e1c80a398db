// SPDX-License-Identifier: MIT
#pragma once

#include <device/driver_subject.hpp>
#include <virtq/device/block.hpp>
#include <virtq/device/entropy.hpp>

#include <sim/block_device.hpp>
#include <sim/entropy_device.hpp>

#include <cstdint>
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
    static Status submit(Disk& disk, Segment const& buffer, Token token) {
        return disk.submit_read(5, buffer, token);
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
    static constexpr bool has_config = false;
    static constexpr std::uint32_t least_queue = 1;

    static std::unique_ptr<sim::DeviceBackend> make_device(sim::ViolationLog& log, RingOffer const& offer) {
        return std::make_unique<sim::EntropyDevice>(
            log, sim::EntropyOptions{.queue_size_max = 16, .features = ring_bits(offer)});
    }
    template <class Source>
    static Status submit(Source& source, Segment const& buffer, Token token) {
        return source.submit(buffer, token);
    }
    template <class Source, class Relax>
    static Status use(Source& source, Segment const& buffer, PollLimit limit, Relax& relax) {
        return source.read(buffer, limit, relax);
    }
};

}  // namespace virtq::test
