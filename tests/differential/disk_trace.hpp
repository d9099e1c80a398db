// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/block.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <deque>
#include <ostream>
#include <random>
#include <stdexcept>
#include <vector>

/// The same requests for different disks, and what came of each.
namespace virtq::test {

struct DiskStep {
    BlockOperation operation = BlockOperation::read;
    std::uint64_t sector = 0;
    std::uint32_t sectors = 0;
    std::uint32_t first_bytes = 0;  ///< of the first segment; 0 if there is only one
};

struct DiskOutcome {
    Error submitted = Error::none;
    Error ended = Error::none;
    unsigned times = 0;              ///< how often its token came back
    std::vector<std::uint8_t> data;  ///< of the buffer, afterwards

    friend bool operator==(DiskOutcome const&, DiskOutcome const&) = default;
    friend std::ostream& operator<<(std::ostream& out, DiskOutcome const& one) {
        return out << "submitted: " << describe(one.submitted) << " ended: " << describe(one.ended) << " " << one.times
                   << " times, with " << one.data.size() << " bytes";
    }
};

class DiskTrace {
public:
    static constexpr std::uint32_t sector_bytes = 512;
    static constexpr std::uint64_t disk_sectors = 2048;
    static constexpr std::size_t depth = 8;

    /// Writes the whole disk, which has other bytes on each device at first; then requests of all kinds.
    explicit DiskTrace(std::size_t count) {
        for (std::uint64_t sector = 0; sector < disk_sectors; sector += sectors_max) {
            auto const rest = static_cast<std::uint32_t>(disk_sectors - sector);
            add(BlockOperation::write, sector, std::min(rest, sectors_max));
        }
        while (steps_.size() < count) {
            static constexpr BlockOperation kinds[] = {BlockOperation::read,  BlockOperation::read,
                                                       BlockOperation::write, BlockOperation::write,
                                                       BlockOperation::flush, BlockOperation::write_zeroes};
            // Some end behind the disk.
            add(kinds[pick(6)], pick(disk_sectors + 20), 1 + pick(sectors_max));
        }
    }

    [[nodiscard]] std::vector<DiskStep> const& steps() const { return steps_; }

    /// Plays it with up to `depth` requests in flight, none on the sectors of another. `wait()` is called when nothing
    /// has ended; it may throw.
    template <class Disk, class Memory, class Wait>
    [[nodiscard]] std::vector<DiskOutcome> play(Disk& disk, Memory& memory, Wait wait) const {
        Pages const pages = memory.allocate_pages(depth * slot_bytes / page_bytes);
        std::vector<DiskOutcome> outcomes(steps_.size());
        std::deque<std::size_t> busy;
        std::mt19937 filling{7};
        auto const buffer = [&](std::size_t step) {
            return static_cast<std::uint8_t*>(pages.virt) + step % depth * slot_bytes;
        };
        auto const take_one = [&] {
            BlockCompletion done = disk.take_completed();
            for (; done.state == CompletionState::none; done = disk.take_completed()) {
                disk.kick_device();
                wait();
            }
            if (done.state == CompletionState::broken) {
                throw std::runtime_error(describe(done.error));
            }
            std::size_t const step = done.token.value();
            DiskOutcome& outcome = outcomes.at(step);
            outcome.ended = done.error;
            ++outcome.times;
            outcome.data.assign(buffer(step), buffer(step) + data_bytes(steps_[step]));
            busy.erase(std::remove(busy.begin(), busy.end(), step), busy.end());
        };
        for (std::size_t step = 0; step < steps_.size(); ++step) {
            while (std::any_of(busy.begin(), busy.end(),
                               [&](std::size_t other) { return are_in_each_others_way(step, other); })) {
                take_one();
            }
            std::generate(buffer(step), buffer(step) + slot_bytes,
                          [&] { return static_cast<std::uint8_t>(filling()); });
            std::size_t const offset = step % depth * slot_bytes;
            outcomes[step].submitted = submit(disk, steps_[step], pages.phys + offset, Token{step});
            if (outcomes[step].submitted == Error::none) {
                busy.push_back(step);
            }
        }
        while (!busy.empty()) {
            take_one();
        }
        memory.free_pages(pages);
        return outcomes;
    }

private:
    static constexpr std::uint32_t sectors_max = 24;
    static constexpr std::size_t slot_bytes = sectors_max * sector_bytes;

    [[nodiscard]] std::uint32_t pick(std::uint64_t below) { return static_cast<std::uint32_t>(random_() % below); }
    void add(BlockOperation operation, std::uint64_t sector, std::uint32_t sectors) {
        std::uint32_t const first_bytes = pick(2) == 0 ? 0 : sector_bytes * pick(sectors);
        steps_.push_back({operation, sector, sectors, first_bytes});
    }

    [[nodiscard]] static bool has_data(DiskStep const& step) {
        return step.operation == BlockOperation::read || step.operation == BlockOperation::write;
    }
    [[nodiscard]] static std::size_t data_bytes(DiskStep const& step) {
        return has_data(step) ? std::size_t{step.sectors} * sector_bytes : 0;
    }
    /// They have a buffer in common, or sectors.
    [[nodiscard]] bool are_in_each_others_way(std::size_t one, std::size_t other) const {
        DiskStep const& a = steps_[one];
        DiskStep const& b = steps_[other];
        bool const shares_sectors = a.sector < b.sector + b.sectors && b.sector < a.sector + a.sectors;
        return one % depth == other % depth || shares_sectors;
    }

    template <class Disk>
    [[nodiscard]] static Error submit(Disk& disk, DiskStep const& step, PhysAddr where, Token token) {
        auto const bytes = static_cast<std::uint32_t>(data_bytes(step));
        if (step.operation == BlockOperation::flush) {
            return disk.submit({step.operation, 0, 0, {}, token}).error();
        }
        if (!has_data(step)) {
            return disk.submit({step.operation, step.sector, step.sectors, {}, token}).error();
        }
        Segment const one{where, bytes};
        Segment const two[] = {{where, step.first_bytes}, {where + step.first_bytes, bytes - step.first_bytes}};
        Span<Segment const> const data =
            step.first_bytes == 0 ? Span<Segment const>{&one, 1} : Span<Segment const>{two};
        return disk.submit({step.operation, step.sector, 0, data, token}).error();
    }

    std::mt19937 random_{5};
    std::vector<DiskStep> steps_;
};

}  // namespace virtq::test
