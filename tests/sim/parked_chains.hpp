// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <cstddef>
#include <deque>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <sim/chain.hpp>

/// Chains that a device keeps to complete them later: receive buffers without input, or requests that take their time.
namespace virtq::sim {

/// A fetched chain, and the driver's memory that the device holds until it has used the chain.
struct QueuedChain {
    Chain chain;
    std::vector<uint64_t> held;
    uint64_t number = 0;  ///< number in the order of fetching
};

/// A chain that is parked, as the back end or a test sees it. Its memory is the driver's: read and write it only while
/// the chain is parked.
struct ParkedChain {
    uint64_t ticket = 0;  ///< names the chain, and never another one
    uint64_t number = 0;  ///< its number in the order of fetching since the queue started
    Chain chain;
};

/// What the device puts into the next parked chain that has a device-writable byte.
struct Injection {
    std::vector<uint8_t> bytes;             ///< the device drops what does not fit
    std::optional<uint32_t> used_length{};  ///< what the device reports instead of the number of bytes that it wrote
};

/// The parked chains of one queue, and what waits for them.
///
/// **Threading** Any thread may call any function.
class ParkedChains {
public:
    using Done = std::pair<QueuedChain, uint32_t>;

    /// In the order of use: with IN_ORDER the order of fetching, otherwise the order in which they were parked.
    [[nodiscard]] std::vector<ParkedChain> list() const {
        std::lock_guard const lock(mutex_);
        std::vector<ParkedChain> all;
        for (auto const& entry : parked_) {
            all.push_back({entry.ticket, entry.work.number, entry.work.chain});
        }
        return all;
    }
    /// The device uses the chain in its next step. False: the chain is not parked, or no longer.
    [[nodiscard]] bool complete(uint64_t ticket, uint32_t length) {
        std::lock_guard const lock(mutex_);
        auto const has_ticket = [ticket](Entry const& entry) { return entry.ticket == ticket; };
        auto const found = std::find_if(parked_.begin(), parked_.end(), has_ticket);
        if (found == parked_.end()) {
            return false;
        }
        finish(found, length);
        return true;
    }

    void inject(Injection what) {
        std::lock_guard const lock(mutex_);
        injected_.push_back(std::move(what));
    }
    /// What waits for a parked chain.
    [[nodiscard]] size_t injected() const {
        std::lock_guard const lock(mutex_);
        return injected_.size();
    }
    void drop_injected() {
        std::lock_guard const lock(mutex_);
        injected_.clear();
    }

    // For the queue.

    /// Chains with a lower `place` are used first.
    void park(QueuedChain work, uint64_t place) {
        std::lock_guard const lock(mutex_);
        auto const is_behind = [](uint64_t mine, Entry const& other) { return mine < other.place; };
        parked_.insert(std::upper_bound(parked_.begin(), parked_.end(), place, is_behind),
                       {std::move(work), place, next_ticket_++});
    }
    /// Places what was injected, and returns what was completed since the last call, in the order of completion.
    [[nodiscard]] std::vector<Done> take_done() {
        std::lock_guard const lock(mutex_);
        place_injected();
        return std::exchange(done_, {});
    }
    /// As a reset does. What was injected waits for the next chains.
    [[nodiscard]] std::vector<QueuedChain> take_all() {
        std::lock_guard const lock(mutex_);
        std::vector<QueuedChain> taken;
        for (auto& done : done_) {
            taken.push_back(std::move(done.first));
        }
        for (auto& entry : parked_) {
            taken.push_back(std::move(entry.work));
        }
        done_.clear();
        parked_.clear();
        return taken;
    }

private:
    struct Entry {
        QueuedChain work;
        uint64_t place;
        uint64_t ticket;
    };
    using Entries = std::vector<Entry>;

    void finish(Entries::iterator entry, uint32_t length) {
        done_.emplace_back(std::move(entry->work), length);
        parked_.erase(entry);
    }
    void place_injected() {
        while (!injected_.empty()) {
            auto const has_room = [](Entry const& entry) { return entry.work.chain.writable_bytes() != 0; };
            auto const found = std::find_if(parked_.begin(), parked_.end(), has_room);
            if (found == parked_.end()) {
                return;
            }
            Injection const what = std::move(injected_.front());
            injected_.pop_front();
            size_t const written = found->work.chain.write(0, what.bytes.data(), what.bytes.size());
            finish(found, what.used_length.value_or(static_cast<uint32_t>(written)));
        }
    }

    mutable std::mutex mutex_;
    Entries parked_;
    std::vector<Done> done_;
    std::deque<Injection> injected_;
    uint64_t next_ticket_ = 1;
};

}  // namespace virtq::sim
