// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <utility>

#include <sim/device_backend.hpp>
#include <sim/device_queue.hpp>
#include <sim/queue_manner.hpp>

/// One step of a device on one queue: poll, fetch, process, complete parked chains, answer.
namespace virtq::sim {

struct WorkManner {
    Attention attention = Attention::when_notified;
    UsedEntries used_entries = UsedEntries::each;
    bool publish_each = false;
};

/// Calls `break_down()` for a meaningless chain, and `interrupt()` for a used buffer notification that the driver
/// wants. `step` returns how many chains completed.
template <class BreakDown, class Interrupt>
class QueueWorker {
public:
    QueueWorker(DeviceQueue& queue, DeviceBackend& backend, WorkManner manner, BreakDown break_down,
                Interrupt interrupt)
        : queue_(queue),
          backend_(backend),
          manner_(manner),
          break_down_(std::move(break_down)),
          interrupt_(std::move(interrupt)) {}

    size_t step(uint16_t index) {
        if (queue_.reset_reads_left == 0) {
            queue_.write_strays();
        }
        if (!queue_.ring.started()) {
            return 0;
        }
        look();
        size_t completed = 0;
        for (auto& work : queue_.backlog.take_due()) {
            Completion const length = backend_.process(index, work.chain);
            if (length) {
                completed += finish(std::move(work), *length);
            } else {
                queue_.park(std::move(work));
            }
        }
        backend_.work(index);
        for (auto& [work, length] : queue_.take_done()) {
            completed += finish(std::move(work), length);
        }
        return completed + publish();
    }

private:
    void look() {
        bool const polling = manner_.attention == Attention::polling;
        if (!queue_.notified && !polling) {
            return;
        }
        queue_.notified = false;
        do {
            if (!queue_.fetch_all()) {
                return break_down_();
            }
            if (polling) {
                queue_.ring.forbid_notifications();
            }
        } while (!polling && queue_.ring.arm_avail_event());
    }

    size_t finish(QueuedChain work, uint32_t length) {
        queue_.finish(std::move(work), length);
        return manner_.publish_each ? publish() : 0;
    }

    size_t publish() {
        size_t const used = queue_.use_finished(manner_.used_entries);
        queue_.ring.flush_used();
        if (queue_.ring.needs_interrupt()) {
            interrupt_();
        }
        return used;
    }

    DeviceQueue& queue_;
    DeviceBackend& backend_;
    WorkManner manner_;
    BreakDown break_down_;
    Interrupt interrupt_;
};

}  // namespace virtq::sim
