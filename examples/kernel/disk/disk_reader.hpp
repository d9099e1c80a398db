// SPDX-License-Identifier: MIT
#pragma once

#include "disk.hpp"
#include "sha256.hpp"

/// Reads a whole disk with as many requests in flight as fit. Hashes its bytes in their order on the disk, in whatever
/// order the device completes the requests. Sleeps while there is nothing to do, if the disk interrupts. Used once; a
/// failure ends the kernel.
class DiskReader {
public:
    struct Report {
        uint64_t bytes;
        uint64_t requests;
        uint64_t notifications;  ///< how often the device was notified
        uint32_t most_in_flight;
        uint64_t interrupts;
        uint64_t out_of_order;  ///< completions that overtook an earlier request
        Sha256::Text sum;
    };

    [[nodiscard]] Report read(Disk& disk, PagePool& pages);

private:
    static constexpr uint32_t request_bytes = 64 * 1024;
    static constexpr uint32_t window = 256;  ///< requests between the oldest unsummed and the newest submitted

    /// Request `number` uses the buffer `number % window`.
    struct Buffer {
        virtq::Pages pages;
        uint32_t bytes;
        bool arrived;
    };

    void submit(Disk& disk);
    void take(Disk& disk);
    void note(virtq::BlockCompletion const& completion);
    void sum_up();

    Buffer buffers_[window] = {};
    uint64_t sectors_ = 0;
    uint64_t request_count_ = 0;
    uint64_t submitted_ = 0;       ///< requests, as the next three
    uint64_t completed_ = 0;       ///< in whatever order
    uint64_t complete_until_ = 0;  ///< the first that has not completed
    uint64_t summed_ = 0;
    Report report_ = {};
    Sha256 sum_ = {};
    uint32_t tenths_shown_ = 0;
};
