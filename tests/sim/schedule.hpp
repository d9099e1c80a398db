// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <cstddef>
#include <utility>
#include <vector>

/// When and in which order a device completes what it has fetched. §2.6 does not require "to use buffers in the same
/// order in which they have been made available". Time is counted in steps of the device. The seed determines
/// everything, so that a failure can be repeated.
namespace virtq::sim {

struct Schedule {
    enum class Order : uint8_t { in_order, reversed, shuffled };

    /// A burst that does not fill is released after this many steps without a new arrival.
    static constexpr size_t default_patience = 64;

    Order order = Order::in_order;  ///< order of what completes in one step
    uint64_t seed = 1;              ///< for `shuffled`
    size_t delay = 0;               ///< steps that each piece of work waits
    size_t burst = 1;               ///< how much must be due before any of it completes
    size_t patience = default_patience;

    [[nodiscard]] static Schedule in_order() { return {}; }
    [[nodiscard]] static Schedule reversed() { return {.order = Order::reversed}; }
    [[nodiscard]] static Schedule shuffled(uint64_t seed) { return {.order = Order::shuffled, .seed = seed}; }
    [[nodiscard]] static Schedule delayed(size_t steps) { return {.delay = steps}; }
    [[nodiscard]] static Schedule bursts(size_t count, size_t patience = default_patience) {
        return {.burst = count, .patience = patience};
    }
};

/// Work that was fetched and not completed. Call `take_due` once a step.
template <class Work>
class Backlog {
public:
    explicit Backlog(Schedule const& schedule = {}) : schedule_(schedule), random_(schedule.seed) {}

    void push(Work work) {
        waiting_.push_back({std::move(work), now_ + schedule_.delay});
        idle_steps_ = 0;
    }

    /// What completes in this step, in its order of completion.
    [[nodiscard]] std::vector<Work> take_due() {
        size_t const now = now_++;
        auto const is_due = [now](Item const& item) { return item.due <= now; };
        auto const due = static_cast<size_t>(std::count_if(waiting_.begin(), waiting_.end(), is_due));
        bool const tired = idle_steps_++ >= schedule_.patience;
        if (due == 0 || (due < schedule_.burst && !tired)) {
            return {};
        }
        auto const middle = std::stable_partition(waiting_.begin(), waiting_.end(), is_due);
        std::vector<Work> taken;
        for (auto it = waiting_.begin(); it != middle; ++it) {
            taken.push_back(std::move(it->work));
        }
        waiting_.erase(waiting_.begin(), middle);
        arrange(taken);
        return taken;
    }

    [[nodiscard]] size_t size() const { return waiting_.size(); }

    /// Drops all uncompleted work, as a reset does.
    [[nodiscard]] std::vector<Work> take_all() {
        std::vector<Work> taken;
        for (auto& item : waiting_) {
            taken.push_back(std::move(item.work));
        }
        waiting_.clear();
        return taken;
    }

private:
    struct Item {
        Work work;
        size_t due;
    };

    void arrange(std::vector<Work>& work) {
        if (schedule_.order == Schedule::Order::reversed) {
            std::reverse(work.begin(), work.end());
        } else if (schedule_.order == Schedule::Order::shuffled) {
            for (size_t i = work.size(); i > 1; --i) {  // not std::shuffle: its result differs between libraries
                std::swap(work[i - 1], work[static_cast<size_t>(next_random() % i)]);
            }
        }
    }

    /// A linear congruential step. Only the high bits are used: the low ones are hardly random.
    uint64_t next_random() {
        random_ = random_ * 6364136223846793005u + 1442695040888963407u;
        return random_ >> 33;
    }

    Schedule schedule_;
    uint64_t random_;
    size_t now_ = 0;
    size_t idle_steps_ = 0;
    std::vector<Item> waiting_;
};

}  // namespace virtq::sim
