// SPDX-License-Identifier: MIT
#pragma once

#include "driven.hpp"

struct LoadTraits : virtq::BlockTraits {
    using Format = virtq::AnyFormat;
};

/// A disk that is read for the sake of what can be seen meanwhile. All reads go into one sector, which nobody reads.
struct Load : Driven<virtq::BlockDevice<Device::Transport, 64, LoadTraits>> {
    void bring_up(PagePool& pages);
    /// Adds so many reads, or as many as there is room for. The device sees none of them yet.
    void submit(uint32_t count);
    /// Makes them visible.
    void start() { static_cast<void>(driver.kick_device()); }
    /// Takes what has ended. Returns how many reads that were.
    uint32_t take();
    /// Waits until a read has ended, but does not take it.
    void await();
    /// Waits for all reads, and takes them.
    void finish();
    void release(PagePool& pages);

    bool is_present = false;

private:
    void rest();

    virtq::Pages buffer_;
    uint64_t next_ = 0;
};
