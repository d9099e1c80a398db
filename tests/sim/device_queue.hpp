// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <utility>
#include <vector>

#include <sim/guest_memory.hpp>
#include <sim/packed_queue.hpp>
#include <sim/parked_chains.hpp>
#include <sim/ring.hpp>
#include <sim/schedule.hpp>
#include <sim/split_queue.hpp>

/// What a device keeps for one queue: the registers behind the queue selection (§4.1.4.3, §4.2.2, §4.2.4), the ring
/// once it is started, and what it has fetched.
namespace virtq::sim {

/// How many used entries the device writes for chains that complete together. Without IN_ORDER always `each`.
enum class UsedEntries : uint8_t {
    each,      ///< one entry for each chain
    per_batch  ///< one for chains that were written completely and the one after them (§2.7.9, §2.8.8)
};

class DeviceQueue {
public:
    /// What a device writes into buffers of a queue after the reset of that queue.
    static constexpr uint8_t stray_byte = 0x5e;

    DeviceQueue(GuestMemory& memory, uint16_t maximum, std::shared_ptr<ParkedChains> parked)
        : size_max(maximum), memory_(memory), parked_(std::move(parked)) {}

    // Registers.
    uint16_t size_max;
    uint32_t size = 0;
    bool size_written = false;
    uint64_t area[3] = {};        ///< descriptor, driver and device area
    unsigned area_written = 0;    ///< one bit for each half
    uint32_t align = 0;           ///< legacy only
    uint32_t pfn = 0;             ///< legacy only
    bool ready = false;           ///< QueueReady, queue_enable
    bool stop_unread = false;     ///< QueueReady was written 0 and not read back
    size_t reset_reads_left = 0;  ///< how many more reads of QueueReset or queue_reset return 1
    bool was_enabled = false;     ///< since the last reset of the device
    uint64_t address_end = 0;     ///< a knob: the device cannot reach addresses from here on; 0: no limit

    // The running queue.
    Ring ring;
    Backlog<QueuedChain> backlog;
    bool notified = false;
    size_t notifications = 0;
    uint16_t start_index = 0;       ///< a knob, survives a reset
    PackedPosition start_position;  ///< the same for a packed ring

    /// The device begins to use the ring and its memory.
    template <class Config>
    [[nodiscard]] bool start(Config const& config, Schedule const& schedule) {
        if (!ring.start(memory_, config)) {
            return false;
        }
        backlog = Backlog<QueuedChain>(schedule);
        fetched_ = used_ = parked_count_ = 0;
        for (size_t i = 0; i < 3; ++i) {
            held_.push_back(memory_.hold(ring.area(i).phys, ring.area(i).bytes));
        }
        return true;
    }

    /// The device fetches no more. Its memory stays in use until `let_go`. Returns the chains that it had fetched.
    std::vector<QueuedChain> stop() {
        std::vector<QueuedChain> dropped = backlog.take_all();
        auto parked = parked_->take_all();
        std::move(parked.begin(), parked.end(), std::back_inserter(dropped));
        for (auto& work : dropped) {
            keep(work.held);
        }
        for (auto& [number, done] : finished_) {
            keep(done.work.held);
        }
        finished_.clear();
        ring.stop();
        ready = notified = false;
        pfn = 0;
        return dropped;
    }

    void let_go() { drop(held_); }

    /// Fetches everything that is available. False if a chain is not intact or not reachable.
    [[nodiscard]] bool fetch_all() {
        while (auto chain = ring.fetch()) {
            if (!chain->intact) {
                return false;
            }
            if (!reaches(*chain)) {
                return false;
            }
            QueuedChain work{std::move(*chain), {}, fetched_++};
            for (auto const* segments : {&work.chain.readable, &work.chain.writable}) {
                for (auto const& segment : *segments) {
                    work.held.push_back(memory_.hold(segment.phys, segment.bytes));
                }
            }
            backlog.push(std::move(work));
        }
        return true;
    }

    [[nodiscard]] bool reaches(uint64_t address, uint64_t bytes) const {
        return address_end == 0 || (address < address_end && bytes <= address_end - address);
    }
    [[nodiscard]] bool reaches(Chain const& chain) const {
        for (auto const* segments : {&chain.readable, &chain.writable}) {
            for (auto const& segment : *segments) {
                if (!reaches(segment.phys.value, segment.bytes)) {
                    return false;
                }
            }
        }
        return true;
    }

    /// Keeps the chain until the back end completes it.
    void park(QueuedChain work) {
        uint64_t const place = ring.in_order() ? work.number : parked_count_++;
        parked_->park(std::move(work), place);
    }
    [[nodiscard]] std::vector<ParkedChains::Done> take_done() { return parked_->take_done(); }

    /// Marks work as done; `use_finished` tells the driver.
    void finish(QueuedChain work, uint32_t length) {
        // With IN_ORDER in the order of fetching, otherwise in the order of completion.
        uint64_t const place = ring.in_order() ? work.number : used_ + finished_.size();
        finished_.emplace(place, Finished{std::move(work), length});
    }

    /// Writes used entries. With IN_ORDER a chain waits until all older ones are done. Returns the number of chains.
    size_t use_finished(UsedEntries entries) {
        uint64_t const before = used_;
        uint16_t batch = 0;
        while (!finished_.empty() && finished_.begin()->first == used_) {
            Finished done = std::move(finished_.begin()->second);
            finished_.erase(finished_.begin());
            ++used_;
            ++batch;
            drop(done.work.held);
            // §2.7.9, §2.8.8: a skipped chain counts as written completely, so a shorter length ends the batch.
            bool const whole = done.length == done.work.chain.writable_bytes();
            bool const more = !finished_.empty() && finished_.begin()->first == used_;
            if (entries == UsedEntries::per_batch && ring.in_order() && whole && more) {
                continue;
            }
            if (batch == 1) {
                ring.put_used(done.work.chain.head, done.length);
            } else {
                ring.put_used_batch(done.work.chain.head, done.length, batch);
            }
            batch = 0;
        }
        return static_cast<size_t>(used_ - before);
    }

    /// Chains that were fetched, and are neither used nor parked.
    [[nodiscard]] size_t unused() const { return backlog.size() + finished_.size(); }

    void drop(std::vector<uint64_t>& tokens) {
        for (uint64_t const token : tokens) {
            memory_.drop(token);
        }
        tokens.clear();
    }

    /// Keeps the memory of dropped work in use until `let_go`.
    void keep(std::vector<uint64_t> const& tokens) { held_.insert(held_.end(), tokens.begin(), tokens.end()); }

    /// Overwrites the device-writable parts of chains from before a queue reset, where that memory still exists.
    void write_strays() {
        for (auto const& work : strays_) {
            for (auto const& segment : work.chain.writable) {
                if (uint8_t* const data = memory_.virt(segment.phys, segment.bytes)) {
                    std::memset(data, stray_byte, segment.bytes);
                }
            }
        }
        strays_.clear();
    }
    void stray(std::vector<QueuedChain> chains) {
        std::move(chains.begin(), chains.end(), std::back_inserter(strays_));
    }

    void reset() {
        stop();
        let_go();
        strays_.clear();
        size = align = 0;
        size_written = stop_unread = was_enabled = false;
        area_written = 0;
        reset_reads_left = 0;
    }

private:
    struct Finished {
        QueuedChain work;
        uint32_t length;
    };

    GuestMemory& memory_;
    std::vector<QueuedChain> strays_;        ///< chains to be written although the queue was reset
    std::map<uint64_t, Finished> finished_;  ///< in the order of use
    std::shared_ptr<ParkedChains> parked_;
    uint64_t parked_count_ = 0;
    uint64_t fetched_ = 0;
    uint64_t used_ = 0;
    std::vector<uint64_t> held_;
};

}  // namespace virtq::sim
