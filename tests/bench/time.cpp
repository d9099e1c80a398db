// SPDX-License-Identifier: MIT
//
// Times cases with Google Benchmark, driver and device in one thread: time [--benchmark_…] CASE…
//
// To compare cases, interleave them: --benchmark_enable_random_interleaving=true --benchmark_repetitions=27
#include "case.hpp"

#include <benchmark/benchmark.h>

#include <cstdio>

int main(int argc, char** argv) {
    benchmark::Initialize(&argc, argv);
    for (int i = 1; i < argc; ++i) {
        bench::Case which;
        bench::Contender* const contender = bench::read_case(argv[i], which) ? bench::make_contender(which) : nullptr;
        if (contender == nullptr) {
            std::fprintf(stderr, "There is no case %s.\n", argv[i]);
            return 2;
        }
        // Google Benchmark checks its counter once for at least 64 requests.
        unsigned long const turns = (64 + which.batch - 1) / which.batch;
        auto const requests = static_cast<double>(turns * which.batch);
        benchmark::RegisterBenchmark(argv[i], [=](benchmark::State& state) {
            for (auto _ : state) {
                contender->run(turns);
            }
            state.counters["requests"] = benchmark::Counter(requests, benchmark::Counter::kIsIterationInvariantRate);
        });
    }
    benchmark::RunSpecifiedBenchmarks();
}
