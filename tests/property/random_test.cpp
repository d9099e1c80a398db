// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <random>
#include <sstream>
#include <string>

#include "machine.hpp"
#include "operation.hpp"
#include "shrink.hpp"

/// Compares a million random operations of both tiers, driver and device, with a model: 200 000 for each queue
/// capacity, without those that did nothing. The sequences are always the same, unless the environment differs:
///
///   VIRTQ_SEED=1234                 starts with this sequence, which a failure prints; `random` chooses one
///   VIRTQ_OPERATIONS=50000000       the number of operations for each capacity
///   VIRTQ_SEED=1234 VIRTQ_OPERATIONS=1  runs that sequence alone (with --gtest_filter of the capacity)
namespace virtq::property {

namespace {

uint64_t first_seed() {
    char const* const text = std::getenv("VIRTQ_SEED");
    if (text == nullptr) {
        return 1;
    }
    return std::string(text) == "random" ? std::random_device{}() : std::strtoull(text, nullptr, 0);
}

uint64_t operation_count() {
    char const* const text = std::getenv("VIRTQ_OPERATIONS");
    return text == nullptr ? 200'000 : std::strtoull(text, nullptr, 0);
}

/// A crash cannot be shrunk. This at least names the sequence.
uint64_t volatile running_seed = 0;

void say_seed(int) {
    char text[64];
    int const length = std::snprintf(text, sizeof text, "\ncrashed in the sequence of VIRTQ_SEED=%llu\n",
                                     static_cast<unsigned long long>(running_seed));
    std::fwrite(text, 1, static_cast<size_t>(length), stderr);
    std::_Exit(1);
}

template <uint32_t N>
std::string report(uint64_t seed, Sequence const& sequence) {
    std::ostringstream out;
    Reached reached;
    auto const fails = [&](Sequence const& part) { return run<N>(part, reached).has_value(); };
    Sequence const smallest = shrink(sequence, fails);
    out << "VirtQueue<" << N << "> and the model disagree in the sequence of VIRTQ_SEED=" << seed << ", shrunk from "
        << sequence.size() << " to " << smallest.size() << " operations:\n";
    for (Operation const& op : smallest) {
        out << "  " << op << ",\n";
    }
    out << "which is:\n";
    auto const failure = run<N>(smallest, reached, Mistake::none, &out);
    out << "  " << (failure ? failure->what : "no failure any more: it depends on something else than the sequence");
    return out.str();
}

/// Runs sequences until the number of operations is reached. Returns what they covered.
template <uint32_t N>
Reached run_many() {
    Reached reached;
    uint64_t const operations = operation_count();
    uint64_t const seed = first_seed();
    uint64_t sequences = 0;
    std::signal(SIGSEGV, say_seed);
    std::signal(SIGABRT, say_seed);
    while (reached.operations < operations) {
        running_seed = seed + sequences++;
        Sequence const sequence = generate(running_seed, N);
        if (auto const failure = run<N>(sequence, reached)) {
            ADD_FAILURE() << report<N>(running_seed, sequence);
            break;
        }
    }
    std::cout << reached.operations << " operations in " << sequences << " sequences from VIRTQ_SEED=" << seed << "; "
              << reached.completions << " completions\n";
    return reached;
}

}  // namespace

TEST(RandomOperations, AgreeWithModelAtSize1) {
    run_many<1>();
}

TEST(RandomOperations, AgreeWithModelAtSize2) {
    run_many<2>();
}

TEST(RandomOperations, AgreeWithModelAtSize4) {
    run_many<4>();
}

TEST(RandomOperations, AgreeWithModelAtSize64) {
    run_many<64>();
}

TEST(RandomOperations, ReachEverythingAtSize8) {
    Reached const reached = run_many<8>();
    if (HasFailure() || operation_count() < 200'000) {
        return;
    }
    for (size_t i = 0; i < answer_count - 1; ++i) {
        EXPECT_GE(reached.answers[i], 5u) << "answer " << i;
    }
    EXPECT_EQ(reached.answers[answer_count - 1], 0u);
    for (size_t i = 1; i < invalid_value_count; ++i) {
        EXPECT_GE(reached.invalid_values[i], 5u) << "invalid value " << i;
    }
    for (size_t i = 0; i < kind_count; ++i) {
        EXPECT_GE(reached.kinds[i], 100u) << kind_name[i];
    }
    for (size_t i = 0; i < 2; ++i) {
        EXPECT_GE(reached.notifications[i], 100u) << i;
        EXPECT_GE(reached.interrupts[i], 100u) << i;
        EXPECT_GE(reached.may_sleep[i], 100u) << i;
    }
    EXPECT_GE(reached.completions, 10000u);
    EXPECT_GE(reached.cut_lengths, 10u);
    EXPECT_GE(reached.wraps, 100u);
    EXPECT_GE(reached.full_queues, 1000u);
    EXPECT_GE(reached.four_gib_chains, 5u);
}

// Deliberate mistakes of the model prove that a difference is found and shrunk to its cause.

struct ShrinkCase {
    char const* name;
    Mistake mistake;
    size_t most;  ///< most operations that are needed to show the mistake
};

void PrintTo(ShrinkCase const& one, std::ostream* out) {
    *out << one.name;
}

class Shrinking : public ::testing::TestWithParam<ShrinkCase> {};

TEST_P(Shrinking, LeavesOnlyWhatIsNeeded) {
    Reached reached;
    auto const fails = [&](Sequence const& part) { return run<8>(part, reached, GetParam().mistake).has_value(); };
    size_t found = 0;
    for (uint64_t seed = 1; seed < 1000 && found < 3; ++seed) {
        Sequence const sequence = generate(seed, 8);
        if (!fails(sequence)) {
            continue;
        }
        ++found;
        Sequence const smallest = shrink(sequence, fails);
        EXPECT_TRUE(fails(smallest));
        EXPECT_LE(smallest.size(), GetParam().most) << "from " << sequence.size() << ", seed " << seed;
        std::ostringstream trace;
        run<8>(smallest, reached, GetParam().mistake, &trace);
        for (size_t i = 0; i < smallest.size(); ++i) {
            Sequence without = smallest;
            without.erase(without.begin() + static_cast<ptrdiff_t>(i));
            EXPECT_FALSE(fails(without)) << "operation " << i << " is not needed:\n" << trace.str();
        }
    }
    EXPECT_EQ(found, 3u);
}

INSTANTIATE_TEST_SUITE_P(Mistakes, Shrinking,
                         ::testing::Values(ShrinkCase{"LosesOneOfThree", Mistake::loses_one_of_three, 6},
                                           ShrinkCase{"NotifiesOneEarly", Mistake::notifies_one_early, 4},
                                           ShrinkCase{"ForgetsTheOrder", Mistake::forgets_order, 7}),
                         [](auto const& one) { return std::string(one.param.name); });

TEST(Generator, IsReproducible) {
    EXPECT_EQ(generate(7, 8), generate(7, 8));
    EXPECT_NE(generate(7, 8), generate(8, 8));
}

}  // namespace virtq::property
