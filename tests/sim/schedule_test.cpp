// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include <sim/schedule.hpp>

namespace virtq::sim {

using Numbers = std::vector<int>;

static void push_five(Backlog<int>& backlog) {
    for (int i = 0; i < 5; ++i) {
        backlog.push(i);
    }
}

TEST(Schedule, CompletesInOrderByDefault) {
    Backlog<int> backlog;
    push_five(backlog);
    EXPECT_EQ(backlog.take_due(), (Numbers{0, 1, 2, 3, 4}));
    EXPECT_EQ(backlog.size(), 0u);
    EXPECT_TRUE(backlog.take_due().empty());
}

TEST(Schedule, ReversesWhatCompletesInOneStep) {
    Backlog<int> backlog(Schedule::reversed());
    push_five(backlog);
    EXPECT_EQ(backlog.take_due(), (Numbers{4, 3, 2, 1, 0}));
}

TEST(Schedule, ShufflesReproducibly) {
    auto const shuffled = [](uint64_t seed) {
        Backlog<int> backlog(Schedule::shuffled(seed));
        for (int i = 0; i < 20; ++i) {
            backlog.push(i);
        }
        return backlog.take_due();
    };
    Numbers const once = shuffled(7);
    EXPECT_EQ(once, shuffled(7));
    EXPECT_NE(once, shuffled(8));
    EXPECT_FALSE(std::is_sorted(once.begin(), once.end()));
    Numbers sorted = once;
    std::sort(sorted.begin(), sorted.end());
    for (int i = 0; i < 20; ++i) {
        EXPECT_EQ(sorted[static_cast<size_t>(i)], i);
    }
}

TEST(Schedule, DelaysWorkBySteps) {
    Backlog<int> backlog(Schedule::delayed(2));
    backlog.push(1);
    EXPECT_TRUE(backlog.take_due().empty());
    backlog.push(2);
    EXPECT_TRUE(backlog.take_due().empty());
    EXPECT_EQ(backlog.take_due(), Numbers{1});
    EXPECT_EQ(backlog.take_due(), Numbers{2});
}

TEST(Schedule, HoldsABurstUntilFull) {
    Backlog<int> backlog(Schedule::bursts(3));
    backlog.push(1);
    backlog.push(2);
    EXPECT_TRUE(backlog.take_due().empty());
    backlog.push(3);
    EXPECT_EQ(backlog.take_due(), (Numbers{1, 2, 3}));
}

TEST(Schedule, ReleasesABurstThatNeverFills) {
    Backlog<int> backlog(Schedule::bursts(3, 2));
    backlog.push(1);
    EXPECT_TRUE(backlog.take_due().empty());
    EXPECT_TRUE(backlog.take_due().empty());
    EXPECT_EQ(backlog.take_due(), Numbers{1});
}

}  // namespace virtq::sim
