// SPDX-License-Identifier: MIT
#include <virtq/queue/completion.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <type_traits>

namespace virtq::test {
namespace {

template <class Taken>
void expect_true_only_when_ready() {
    Taken taken;
    EXPECT_FALSE(taken);  // nothing was taken yet
    for (CompletionState const state : {CompletionState::ready, CompletionState::none, CompletionState::broken}) {
        taken.state = state;
        EXPECT_EQ(static_cast<bool>(taken), state == CompletionState::ready);
    }
    EXPECT_FALSE((std::is_convertible_v<Taken, bool>));
    EXPECT_TRUE(std::is_trivially_copyable_v<Taken>);
}

// `while (auto done = queue.take_used())` must also end on a broken queue.
TEST(Completion, IsTrueOnlyWhenReady) {
    expect_true_only_when_ready<Completion>();
    expect_true_only_when_ready<UsedChain>();
}

// The System V ABIs of 64 bits return 16 bytes in two registers.
TEST(Completion, FitsTwoRegisters) {
    EXPECT_LE(sizeof(Completion), 16u);
    EXPECT_LE(sizeof(UsedChain), 16u);
}

TEST(Notification, IsTrueIfNeeded) {
    EXPECT_FALSE(Notification{});
    EXPECT_TRUE((Notification{.needed = true}));
    EXPECT_FALSE((Notification{.needed = false, .next = 0xffff}));
    EXPECT_FALSE((std::is_convertible_v<Notification, bool>));
}

}  // namespace
}  // namespace virtq::test
