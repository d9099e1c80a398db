// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/block.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <random>
#include <set>
#include <vector>

/// Random requests to a disk that another process has, and the bytes that it should have now.
namespace virtq::test {

template <class Disk, class Memory>
class DiskTraffic {
public:
    static constexpr std::uint32_t sector_bytes = 512;
    static constexpr std::uint64_t sectors = 4096;
    static constexpr std::size_t depth = 16;

    /// On one queue, in `sectors` sectors behind those of the queues before it.
    DiskTraffic(Disk& disk, Memory& memory, std::uint16_t queue = 0)
        : disk_(disk), memory_(memory), queue_(queue), buffers_(memory.allocate_pages(page_count)) {
        for (auto& byte : first_image) {
            byte = static_cast<std::uint8_t>(random_());
        }
        expected_ = first_image;
    }
    ~DiskTraffic() { memory_.free_pages(buffers_); }

    /// Keeps the queue busy until `count` requests have ended; waits by `wait()` when there is nothing to take.
    template <class Wait>
    void run(std::uint64_t count, Wait wait) {
        std::uint64_t const target = finished_ + count;
        Watch watch;
        while (finished_ < target && !::testing::Test::HasFailure()) {
            submit_all();
            if (take() != 0) {
                watch = {};
                continue;
            }
            wait();
            ASSERT_FALSE(watch.has_run_out()) << "the disk does nothing any more";
        }
    }
    /// As many requests in flight as there can be.
    void submit_all() {
        for (std::size_t number = 0; number < depth; ++number) {
            if (!jobs_[number].busy) {
                submit(number);
            }
        }
        disk_.kick_device(queue_);
    }
    /// Takes the rest.
    template <class Wait>
    void drain(Wait wait) {
        for (Watch const watch; disk_.in_flight(queue_) != 0 && !::testing::Test::HasFailure(); wait()) {
            take();
            ASSERT_FALSE(watch.has_run_out()) << "the disk keeps a request";
        }
    }

    /// The tokens in flight.
    [[nodiscard]] std::set<std::uintptr_t> busy() const {
        std::set<std::uintptr_t> tokens;
        for (std::size_t number = 0; number < depth; ++number) {
            if (jobs_[number].busy) {
                tokens.insert(number + 1);
            }
        }
        return tokens;
    }
    /// A reset has handed this token back: nobody knows what became of the request.
    void forget(Token token) {
        Job& job = jobs_.at(token.value() - 1);
        job.busy = false;
        if (job.operation != BlockOperation::read) {
            mark(job, true);
        }
    }

    /// Compares what is in this image from the first sector of this traffic on. Sectors that were discarded, or written by a
    /// request that a reset ended, may have any bytes.
    void expect_on(std::vector<std::uint8_t> const& image) const {
        ASSERT_GE(image.size(), (first_sector() + sectors) * sector_bytes);
        expect_same(0, sectors, image.data() + first_sector() * sector_bytes);
    }

    std::vector<std::uint8_t> first_image = std::vector<std::uint8_t>(sectors * sector_bytes);

private:
    static constexpr std::uint32_t request_sectors_max = 24;
    static constexpr std::size_t page_count = depth * request_sectors_max * sector_bytes / page_bytes;

    /// A request that is at the device; its number is its token.
    struct Job {
        BlockOperation operation = BlockOperation::read;
        std::uint64_t sector = 0;
        std::uint32_t bytes = 0;
        bool busy = false;
    };

    /// For a disk that never answers.
    class Watch {
    public:
        [[nodiscard]] bool has_run_out() const {
            return std::chrono::steady_clock::now() - start_ > std::chrono::minutes{2};
        }

    private:
        std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    };

    [[nodiscard]] std::uint8_t* buffer(std::size_t number) {
        return static_cast<std::uint8_t*>(buffers_.virt) + number * request_sectors_max * sector_bytes;
    }
    [[nodiscard]] std::uint64_t first_sector() const { return queue_ * sectors; }
    [[nodiscard]] std::uint32_t pick(std::uint32_t below) { return static_cast<std::uint32_t>(random_() % below); }

    /// Whether no request in flight has sectors of these, so that what a read returns is known.
    [[nodiscard]] bool is_apart(std::uint64_t sector, std::uint32_t count) const {
        for (Job const& job : jobs_) {
            if (job.busy && job.sector < sector + count && sector < job.sector + job.bytes / sector_bytes) {
                return false;
            }
        }
        return true;
    }

    [[nodiscard]] BlockOperation pick_operation() {
        std::uint32_t const number = pick(16);
        if (number == 0) {
            return BlockOperation::flush;
        }
        if (number == 1 && disk_.can_write_zeroes()) {
            return BlockOperation::write_zeroes;
        }
        if (number == 2 && disk_.can_discard()) {
            return BlockOperation::discard;
        }
        return number % 2 == 0 ? BlockOperation::read : BlockOperation::write;
    }
    void submit(std::size_t number) {
        std::uint32_t const count = 1 + pick(request_sectors_max);
        std::uint64_t const sector = pick(sectors - count + 1);
        if (!is_apart(sector, count)) {
            return;
        }
        std::uint32_t const bytes = count * sector_bytes;
        Job& job = jobs_[number];
        job = {pick_operation(), sector, bytes, true};
        if (job.operation != BlockOperation::read && job.operation != BlockOperation::write) {
            std::uint32_t const range = job.operation == BlockOperation::flush ? 0 : count;
            job.bytes = range * sector_bytes;
            Status const added = disk_.submit(
                {job.operation, range == 0 ? 0 : first_sector() + sector, range, {}, Token{number + 1}}, queue_);
            ASSERT_TRUE(added.ok()) << describe(added.error());
            return;
        }
        for (std::uint32_t i = 0; i < bytes; ++i) {
            buffer(number)[i] = job.operation == BlockOperation::write ? static_cast<std::uint8_t>(random_()) : 0;
        }
        PhysAddr const where = memory_.phys_addr(buffer(number));
        std::uint32_t const first = sector_bytes * pick(count);  // often two segments, sometimes one
        Segment const parts[] = {{where, first == 0 ? bytes : first}, {where + first, bytes - first}};
        Status const added = disk_.submit({job.operation,
                                           first_sector() + sector,
                                           0,
                                           {parts, first == 0 ? std::size_t{1} : std::size_t{2}},
                                           Token{number + 1}},
                                          queue_);
        ASSERT_TRUE(added.ok()) << describe(added.error());
    }

    /// How many requests had ended.
    unsigned take() {
        unsigned count = 0;
        BlockCompletion done = disk_.take_completed(queue_);
        for (; done.state == CompletionState::ready; done = disk_.take_completed(queue_)) {
            finish(done);
            ++count;
        }
        EXPECT_NE(done.state, CompletionState::broken) << describe(done.error);
        return count;
    }
    void mark(Job const& job, bool is_undefined) {
        std::fill_n(is_undefined_.begin() + static_cast<std::ptrdiff_t>(job.sector), job.bytes / sector_bytes,
                    is_undefined);
    }
    void finish(BlockCompletion const& done) {
        Job& job = jobs_.at(done.token.value() - 1);
        ASSERT_TRUE(job.busy) << "a token came back twice";
        job.busy = false;
        ASSERT_EQ(done.error, Error::none) << describe(done.error);
        std::uint8_t* const disk_bytes = expected_.data() + job.sector * sector_bytes;
        std::uint8_t* const data = buffer(done.token.value() - 1);
        switch (job.operation) {
            case BlockOperation::read: expect_same(job.sector, job.bytes / sector_bytes, data); break;
            case BlockOperation::write:
                std::memcpy(disk_bytes, data, job.bytes);
                mark(job, false);
                break;
            case BlockOperation::write_zeroes:
                std::memset(disk_bytes, 0, job.bytes);
                mark(job, false);
                break;
            case BlockOperation::discard: mark(job, true); break;
            default: break;  // a flush has no sectors
        }
        ++finished_;
    }
    void expect_same(std::uint64_t sector, std::uint64_t count, std::uint8_t const* bytes) const {
        for (std::uint64_t i = 0; i < count; ++i) {
            if (!is_undefined_[sector + i]) {
                ASSERT_EQ(std::memcmp(expected_.data() + (sector + i) * sector_bytes, bytes + i * sector_bytes,
                                      sector_bytes),
                          0)
                    << "sector " << first_sector() + sector + i;
            }
        }
    }

    Disk& disk_;
    Memory& memory_;
    std::uint16_t queue_;
    Pages buffers_;
    std::mt19937_64 random_{20261130};
    std::vector<std::uint8_t> expected_;
    std::vector<bool> is_undefined_ = std::vector<bool>(sectors);
    std::vector<Job> jobs_ = std::vector<Job>(depth);
    std::uint64_t finished_ = 0;
};

}  // namespace virtq::test
