// SPDX-License-Identifier: MIT
//
// Runs one case after the other for callgrind, which dumps what it counted after each:
//
//   valgrind --tool=callgrind --collect-atstart=no '--toggle-collect=bench::Drive<*' count CASE…
//
// and prints the number of requests of each.
#include "case.hpp"

#include <valgrind/callgrind.h>
#include <cstdio>

int main(int argc, char** argv) {
    constexpr unsigned long requests = 1024;
    for (int i = 1; i < argc; ++i) {
        bench::Case which;
        bench::Contender* const contender = bench::read_case(argv[i], which) ? bench::make_contender(which) : nullptr;
        if (contender == nullptr) {
            std::fprintf(stderr, "There is no case %s.\n", argv[i]);
            return 2;
        }
        unsigned long const turns = (requests + which.batch - 1) / which.batch;
        // Fills the ring once, to measure its usual state. Of 32768 publishes those of the first batches also settle a
        // descriptor of a small queue.
        contender->run(which.style == bench::Case::Style::publish ? which.size + turns : turns);
        unsigned long const sum_before = contender->token_sum();
        CALLGRIND_ZERO_STATS;
        contender->run(turns);
        CALLGRIND_DUMP_STATS_AT(argv[i]);
        bool const has_tokens =
            which.who != bench::Case::Who::unchecked && which.who != bench::Case::Who::unchecked_fence;
        if (has_tokens && 2 * (contender->token_sum() - sum_before) != turns * which.batch * (which.batch + 1)) {
            std::fprintf(stderr, "%s: the tokens that came back are not those that went.\n", argv[i]);
            return 1;
        }
        std::printf("%s %lu\n", argv[i], turns * which.batch);
    }
}
