// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

#include <cstddef>
#include <optional>
#include <utility>
#include <vector>

#include <sim/guest_memory.hpp>
#include <sim/schedule.hpp>
#include <sim/split_queue.hpp>

/// What a virtio-mmio device keeps for one queue: the registers behind QueueSel (§4.2.2, §4.2.4), the ring once it is
/// started, and what was fetched from it.
namespace virtq::sim {

/// A fetched chain, and the memory of the driver that the device uses until it is done.
struct QueuedChain {
    Chain chain;
    std::vector<uint64_t> held;
};

class MmioQueue {
public:
    MmioQueue(GuestMemory& memory, uint16_t maximum) : size_max(maximum), memory_(memory) {}

    // Registers.
    uint16_t size_max;
    uint32_t size = 0;
    bool size_written = false;
    uint64_t area[3] = {};      ///< descriptor, driver and device area
    unsigned area_written = 0;  ///< a bit for each half
    uint32_t align = 0;         ///< legacy
    uint32_t pfn = 0;           ///< legacy
    bool ready = false;
    bool stop_unread = false;     ///< QueueReady was written 0 and not read back
    size_t reset_reads_left = 0;  ///< how often QueueReset still reads 1

    // The running queue.
    std::optional<SplitQueue> ring;
    Backlog<QueuedChain> backlog;
    bool notified = false;
    size_t notifications = 0;
    uint16_t start_index = 0;  ///< a knob, survives a reset

    /// The device begins to use the ring, and the memory it is in.
    [[nodiscard]] bool start(SplitQueueConfig const& config, Schedule const& schedule) {
        ring.emplace(memory_, config);
        if (!ring->usable()) {
            ring.reset();
            return false;
        }
        backlog = Backlog<QueuedChain>(schedule);
        held_.push_back(memory_.hold(config.descriptor_area, wire::split::descriptor_area_bytes(config.size)));
        held_.push_back(memory_.hold(config.driver_area, wire::split::available_area_bytes(config.size)));
        held_.push_back(memory_.hold(config.device_area, wire::split::used_area_bytes(config.size)));
        return true;
    }

    /// The device fetches nothing more; its memory is still in use until `let_go`.
    void stop() {
        for (auto& work : backlog.take_all()) {
            held_.insert(held_.end(), work.held.begin(), work.held.end());
        }
        ring.reset();
        ready = notified = false;
        pfn = 0;
    }

    void let_go() { drop(held_); }

    /// Takes everything that is available. False if the driver handed over a chain that makes no sense.
    [[nodiscard]] bool fetch_all() {
        while (auto chain = ring->fetch()) {
            if (!chain->intact) {
                return false;
            }
            QueuedChain work{std::move(*chain), {}};
            for (auto const* segments : {&work.chain.readable, &work.chain.writable}) {
                for (auto const& segment : *segments) {
                    work.held.push_back(memory_.hold(segment.phys, segment.bytes));
                }
            }
            backlog.push(std::move(work));
        }
        return true;
    }

    void drop(std::vector<uint64_t>& tokens) {
        for (uint64_t const token : tokens) {
            memory_.drop(token);
        }
        tokens.clear();
    }

    /// Work that the device swallowed: its memory stays in use until the queue is reset.
    void keep(std::vector<uint64_t> const& tokens) { held_.insert(held_.end(), tokens.begin(), tokens.end()); }

    void reset() {
        stop();
        let_go();
        size = align = 0;
        size_written = stop_unread = false;
        area_written = 0;
        reset_reads_left = 0;
    }

private:
    GuestMemory& memory_;
    std::vector<uint64_t> held_;
};

}  // namespace virtq::sim
