// SPDX-License-Identifier: MIT
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <vector>

inline constexpr std::uint32_t frame_bytes = 64;
inline constexpr std::uint32_t ethernet_bytes = 14;  // the header of a frame; each packet's number follows

/// Packet rates in short windows: other processes disturb some windows. The median ignores them; a mean would not.
class Windows {
public:
    static constexpr std::uint64_t packets_each = 4096;

    /// Call it after each burst with the number of packets forwarded so far.
    void count(std::uint64_t forwarded) {
        if (forwarded - begin_ >= packets_each) {
            auto const now = Clock::now();
            std::chrono::duration<double, std::nano> const passed = now - last_;
            nanoseconds_.push_back(passed.count() / static_cast<double>(forwarded - begin_));
            begin_ = forwarded;
            last_ = now;
        }
    }
    void restart() { *this = Windows{}; }

    /// Prints the median and the best hundredth, in million packets a second.
    void print() {
        std::sort(nanoseconds_.begin(), nanoseconds_.end());
        if (!nanoseconds_.empty()) {
            std::printf("%.3f %.3f\n", 1e3 / at(0.5), 1e3 / at(0.01));
        }
    }

private:
    using Clock = std::chrono::steady_clock;

    [[nodiscard]] double at(double share) const {
        return nanoseconds_[static_cast<std::size_t>(share * static_cast<double>(nanoseconds_.size() - 1))];
    }

    std::uint64_t begin_ = 0;
    Clock::time_point last_ = Clock::now();
    std::vector<double> nanoseconds_;
};
