// SPDX-License-Identifier: MIT
#pragma once

#include "console.hpp"

/// Sends back what comes from a port. What finds no room waits here, and nothing more is read meanwhile.
class Echo {
public:
    /// Returns whether it could do anything.
    bool move(Console& console, uint32_t port);

    [[nodiscard]] uint64_t total() const { return total_; }

private:
    static constexpr uint32_t buffer_bytes = 4096;

    uint8_t buffer_[buffer_bytes] = {};
    uint32_t begin_ = 0;  ///< of what is still to be written
    uint32_t end_ = 0;
    uint64_t total_ = 0;
};
