// SPDX-License-Identifier: MIT
#include <order/litmus.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <iomanip>
#include <iostream>
#include <iterator>
#include <string>

/// Runs each litmus program in all executions that a model of a weak memory allows.
namespace virtq::order {
namespace {

struct Explored {
    char const* name;
    double executions;
    std::uint64_t states;
};

/// The number of executions when this was written. Fewer would prove less. If a ring needs fewer loads or fences, its
/// executions become fewer: rule out other reasons, then update the numbers.
constexpr Explored explored[] = {
    {"DescriptorBeforeIndexSplit", 1.34e8, 4077},
    {"DescriptorBeforeIndexSplitOnHardware", 1.34e8, 4077},
    {"DescriptorBeforeIndexPacked", 2.23e9, 43105},
    {"DescriptorBeforeIndexPackedOnHardware", 2.23e9, 43105},
    {"BatchBeforeIndexSplit", 9.63e5, 2071},
    {"BatchBeforeIndexSplitOnHardware", 9.63e5, 2071},
    {"BatchBeforeIndexPacked", 3.50e7, 9159},
    {"BatchBeforeIndexPackedOnHardware", 3.50e7, 9159},
    {"WrapWithinChainPacked", 1.46e9, 31056},
    {"WrapWithinChainPackedOnHardware", 1.46e9, 31056},
    {"RefusedChainSplit", 259, 73},
    {"RefusedChainSplitOnHardware", 259, 73},
    {"RefusedChainPacked", 1.30e4, 591},
    {"RefusedChainPackedOnHardware", 1.30e4, 591},
    {"TableBeforeDescriptorSplit", 8.44e3, 256},
    {"TableBeforeDescriptorSplitOnHardware", 8.44e3, 256},
    {"TableBeforeDescriptorPacked", 3.07e4, 488},
    {"TableBeforeDescriptorPackedOnHardware", 3.07e4, 488},
    {"IndexBeforeUsedEntrySplit", 5.86e4, 471},
    {"IndexBeforeUsedEntrySplitOnHardware", 5.86e4, 471},
    {"IndexBeforeUsedEntryPacked", 1.53e7, 9121},
    {"IndexBeforeUsedEntryPackedOnHardware", 1.53e7, 9121},
    {"AnswerBeforeNextOfferSplit", 3.20e8, 3891},
    {"AnswerBeforeNextOfferSplitOnHardware", 3.20e8, 3891},
    {"AnswerBeforeNextOfferPacked", 1.52e10, 47495},
    {"AnswerBeforeNextOfferPackedOnHardware", 1.52e10, 47495},
    {"BatchInOrderSplit", 1.13e5, 723},
    {"BatchInOrderSplitOnHardware", 1.13e5, 723},
    {"BatchInOrderPacked", 1.18e6, 4515},
    {"BatchInOrderPackedOnHardware", 1.18e6, 4515},
    {"BatchInOrderAsleepSplit", 1.45e6, 1812},
    {"BatchInOrderAsleepSplitOnHardware", 1.45e6, 1812},
    {"BatchInOrderAsleepSplitWithEventIdx", 1.33e9, 15619},
    {"BatchInOrderAsleepSplitWithEventIdxOnHardware", 1.33e9, 15619},
    {"BatchInOrderAsleepPacked", 1.61e7, 10816},
    {"BatchInOrderAsleepPackedOnHardware", 1.61e7, 10816},
    {"BatchInOrderAsleepPackedWithEventIdx", 2.88e10, 88863},
    {"BatchInOrderAsleepPackedWithEventIdxOnHardware", 2.88e10, 88863},
    {"LostNotificationSplit", 7.15e5, 6463},
    {"LostNotificationSplitOnHardware", 7.15e5, 6253},
    {"LostNotificationSplitWithEventIdx", 2.87e5, 2378},
    {"LostNotificationSplitWithEventIdxOnHardware", 2.87e5, 2378},
    {"LostNotificationPacked", 2.62e6, 19356},
    {"LostNotificationPackedOnHardware", 2.62e6, 18780},
    {"LostNotificationPackedWithEventIdx", 2.37e6, 15995},
    {"LostNotificationPackedWithEventIdxOnHardware", 2.37e6, 15515},
    {"LostInterruptSplit", 3.42e5, 3013},
    {"LostInterruptSplitOnHardware", 3.42e5, 3013},
    {"LostInterruptSplitWithEventIdx", 1.39e5, 1493},
    {"LostInterruptSplitWithEventIdxOnHardware", 1.39e5, 1493},
    {"LostInterruptPacked", 3.88e6, 6175},
    {"LostInterruptPackedOnHardware", 3.88e6, 6175},
    {"LostInterruptPackedWithEventIdx", 2.85e6, 4399},
    {"LostInterruptPackedWithEventIdxOnHardware", 2.85e6, 4399},
    {"BothAsleepSplit", 7.78e9, 124266},
    {"BothAsleepSplitWithEventIdx", 3.24e9, 42041},
    {"BothAsleepPacked", 3.35e10, 535195},
    {"BothAsleepPackedWithEventIdx", 3.33e10, 523746},
    {"NotificationsStayOnSplit", 1.83e3, 218},
    {"NotificationsStayOnSplitOnHardware", 1.83e3, 218},
    {"NotificationsStayOnSplitWithEventIdx", 1.59e5, 1427},
    {"NotificationsStayOnSplitWithEventIdxOnHardware", 1.59e5, 1427},
    {"NotificationsStayOnPacked", 1.25e4, 473},
    {"NotificationsStayOnPackedOnHardware", 1.25e4, 473},
    {"NotificationsStayOnPackedWithEventIdx", 1.86e6, 3083},
    {"NotificationsStayOnPackedWithEventIdxOnHardware", 1.86e6, 3083},
    {"RingBeforeDoorbellSplit", 4.63e3, 226},
    {"RingBeforeDoorbellSplitOnHardware", 4.63e3, 226},
    {"RingBeforeDoorbellPacked", 7.81e3, 481},
    {"RingBeforeDoorbellPackedOnHardware", 7.81e3, 481},
    {"StatusBeforeRingSplit", 7.47e5, 1266},
    {"StatusBeforeRingSplitOnHardware", 7.47e5, 1266},
    {"StatusBeforeRingPacked", 7.74e6, 6656},
    {"StatusBeforeRingPackedOnHardware", 7.74e6, 6656},
    {"BurstBeforeIndexSplit", 9.65e3, 453},
    {"BurstBeforeIndexSplitOnHardware", 9.65e3, 453},
    {"BurstBeforeIndexPacked", 2.36e6, 4197},
    {"BurstBeforeIndexPackedOnHardware", 2.36e6, 4197},
    {"BurstWrapsPacked", 9.94e6, 6885},
    {"BurstOfTablesSplit", 160, 57},
    {"BurstOfTablesSplitOnHardware", 160, 57},
    {"BurstOfTablesPacked", 436, 109},
    {"BurstOfTablesPackedOnHardware", 436, 109},
    {"BurstOfFixedSplit", 9.65e3, 453},
    {"BurstOfFixedSplitOnHardware", 9.65e3, 453},
    {"BurstOfFixedPacked", 1.86e5, 1045},
    {"BurstOfFixedPackedOnHardware", 1.86e5, 1045},
    {"BurstOfFixedRefusedSplit", 4.80e5, 2099},
    {"BurstOfFixedRefusedSplitOnHardware", 4.80e5, 2167},
    {"BurstOfFixedRefusedPacked", 2.99e7, 6039},
    {"BurstOfFixedRefusedPackedOnHardware", 2.99e7, 6039},
    {"BurstOfFixedReadsOldSplit", 1.42e4, 455},
    {"BurstOfFixedReadsOldSplitOnHardware", 1.42e4, 455},
    {"BurstOfFixedReadsOldPacked", 4.01e5, 1050},
    {"BurstOfFixedReadsOldPackedOnHardware", 4.01e5, 1050},
    {"BurstRefusedSplit", 4.80e5, 2099},
    {"BurstRefusedSplitOnHardware", 4.80e5, 2167},
    {"BurstRefusedPacked", 3.87e8, 22443},
    {"BurstRefusedPackedOnHardware", 3.87e8, 22443},
    {"BurstLostNotificationSplit", 6.53e4, 1882},
    {"BurstLostNotificationSplitOnHardware", 6.48e4, 1758},
    {"BurstLostNotificationSplitWithEventIdx", 3.83e4, 1062},
    {"BurstLostNotificationSplitWithEventIdxOnHardware", 3.83e4, 1062},
    {"BurstLostNotificationPacked", 5.20e5, 5847},
    {"BurstLostNotificationPackedOnHardware", 5.18e5, 5403},
    {"BurstLostNotificationPackedWithEventIdx", 5.20e5, 5847},
    {"BurstLostNotificationPackedWithEventIdxOnHardware", 5.18e5, 5403},
    {"BurstStaysOnSplit", 3.27e4, 1754},
    {"BurstStaysOnSplitOnHardware", 3.27e4, 1754},
    {"BurstStaysOnSplitWithEventIdx", 4.29e8, 120317},
    {"BurstStaysOnSplitWithEventIdxOnHardware", 4.29e8, 121357},
    {"BurstStaysOnPacked", 4.93e5, 5092},
    {"BurstStaysOnPackedOnHardware", 4.93e5, 5092},
    {"BurstStaysOnPackedWithEventIdx", 2.33e9, 131887},
    {"BurstStaysOnPackedWithEventIdxOnHardware", 2.33e9, 131887},
    {"BurstInOrderSplit", 4.87e3, 321},
    {"BurstInOrderSplitOnHardware", 4.87e3, 321},
    {"BurstInOrderPacked", 1.11e5, 1905},
    {"BurstInOrderPackedOnHardware", 1.11e5, 1905},
    {"BurstAnswerBeforeNextOfferSplit", 5.69e4, 399},
    {"BurstAnswerBeforeNextOfferSplitOnHardware", 5.69e4, 399},
    {"BurstAnswerBeforeNextOfferPacked", 9.67e5, 3597},
    {"BurstAnswerBeforeNextOfferPackedOnHardware", 9.67e5, 3597},
    {"BurstAnswerReadWithinSplitOnHardware", 7.09e7, 12726},
    {"BurstAnswerReadWithinPackedOnHardware", 1.00e12, 243947},
    {"DescriptorTierSplit", 3.45e5, 1466},
    {"DescriptorTierSplitOnHardware", 3.45e5, 1506},
    {"DescriptorTierAnswerBeforeNextOfferSplit", 5.82e10, 21677},
    {"DescriptorTierAnswerBeforeNextOfferSplitOnHardware", 5.82e10, 21677},
    {"DescriptorTierAsleepSplit", 1.86e7, 36858},
    {"DescriptorTierAsleepSplitOnHardware", 1.86e7, 36707},
    {"DescriptorTierAsleepSplitWithEventIdx", 2.01e8, 58326},
    {"DescriptorTierAsleepSplitWithEventIdxOnHardware", 2.01e8, 59684},
};

[[nodiscard]] Explored at_least(std::string const& name) {
    auto const* const found = std::find_if(std::begin(explored), std::end(explored),
                                           [&](Explored const& each) { return name == each.name; });
    EXPECT_NE(found, std::end(explored)) << name << " is new: write down what it explores";
    return found == std::end(explored) ? Explored{} : *found;
}

class EveryExecution : public ::testing::TestWithParam<Litmus> {};

TEST_P(EveryExecution, IsGood) {
    Litmus const& litmus = GetParam();
    Exploration const found = explore(program_of(litmus));
    EXPECT_EQ(found.failure, "") << found.trace;
    for (Race const& race : found.races) {
        ADD_FAILURE() << race.load << " may read what " << race.store << " stores plainly, without order";
    }
    Explored const least = at_least(litmus.name);
    EXPECT_GE(found.executions, least.executions);
    EXPECT_GE(found.states, least.states);
    std::cout << litmus.name << ": " << std::setprecision(3) << found.executions << " executions in " << found.states
              << " states\n";
}

TEST(Litmus, NoneIsMissing) {
    EXPECT_EQ(all_litmus().size(), std::size(explored));
}

INSTANTIATE_TEST_SUITE_P(Litmus, EveryExecution, ::testing::ValuesIn(all_litmus()),
                         [](auto const& test) { return test.param.name; });

}  // namespace
}  // namespace virtq::order
