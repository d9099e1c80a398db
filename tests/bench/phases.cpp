// SPDX-License-Identifier: MIT
//
// Times submit, device and take separately, driver and device in one thread: phases ROUNDS CASE…
//
// Runs all cases in turn, ROUNDS times, so that a disturbance meets all of them, and prints a line a run: CASE SUBMIT
// DEVICE TAKE CLOCK, in nanoseconds a request. The same loop measures the cost of the clock, which is subtracted from
// each phase. The clock is read without a barrier, so a phase may end before its last loads and stores do.
#include "case.hpp"

#include <x86intrin.h>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

namespace {

struct Run {
    char const* name;
    unsigned batch;
    bench::Contender* contender;
};

double ticks_a_nanosecond() {
    using Clock = std::chrono::steady_clock;
    auto const start = Clock::now();
    unsigned long long const first = __rdtsc();
    double passed = 0;
    while (passed < 5e7) {
        passed = std::chrono::duration<double, std::nano>(Clock::now() - start).count();
    }
    return static_cast<double>(__rdtsc() - first) / passed;
}

void measure(Run const& run, double ticks) {
    unsigned const turns = (1024 + run.batch - 1) / run.batch;
    unsigned long long submit = 0, device = 0, take = 0, clock = 0;
    for (unsigned turn = 0; turn < turns; ++turn) {
        unsigned long long const start = __rdtsc();
        run.contender->submit();
        unsigned long long const submitted = __rdtsc();
        run.contender->serve();
        unsigned long long const served = __rdtsc();
        unsigned const taken = run.contender->take(run.batch);
        unsigned long long const took = __rdtsc();
        clock += __rdtsc() - took;
        submit += submitted - start;
        device += served - submitted;
        take += took - served;
        if (taken != run.batch) {
            std::fprintf(stderr, "%s: a completion is missing\n", run.name);
            std::exit(1);
        }
    }
    double const scale = 1 / (ticks * turns * run.batch);
    auto const each = [&](unsigned long long sum) { return scale * static_cast<double>(sum); };
    double const of_clock = each(clock);
    std::printf("%s %.3f %.3f %.3f %.3f\n", run.name, each(submit) - of_clock, each(device) - of_clock,
                each(take) - of_clock, of_clock);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        return 2;
    }
    std::vector<Run> runs;
    for (int i = 2; i < argc; ++i) {
        bench::Case which;
        bench::Contender* const contender = bench::read_case(argv[i], which) ? bench::make_contender(which) : nullptr;
        if (contender == nullptr) {
            std::fprintf(stderr, "There is no case %s.\n", argv[i]);
            return 2;
        }
        contender->run(1024 / which.batch);  // fills the ring once
        runs.push_back({argv[i], which.batch, contender});
    }
    double const ticks = ticks_a_nanosecond();
    int const rounds = std::atoi(argv[1]);
    for (int round = 0; round < rounds; ++round) {
        for (Run const& run : runs) {
            measure(run, ticks);
        }
    }
}
