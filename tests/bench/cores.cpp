// SPDX-License-Identifier: MIT
//
// Runs driver and device on a core each, or queues on two cores.
//
//   cores lockstep|pipelined CORE CORE ROUNDS MILLISECONDS CASE…   the driver on the first core, the device on the
//   second cores queues CORE CORE|- ROUNDS MILLISECONDS NUMBER CASE…      NUMBER queues, each with its device, on one
//   core or two
//
// Runs all cases in turn, ROUNDS times, so that a disturbance meets all of them, and prints a line a run: CASE PING-PONG
// NANOSECONDS. PING-PONG is the time of a cache line there and back just before, NANOSECONDS that of a request.
// lockstep waits for a whole batch before it adds the next one. pipelined adds as soon as a batch fits.
#include "case.hpp"

#include <pthread.h>
#include <sys/resource.h>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

void stay_on(char const* core) {
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(static_cast<unsigned>(std::atoi(core)), &set);
    if (pthread_setaffinity_np(pthread_self(), sizeof set, &set) != 0) {
        std::fprintf(stderr, "cores: there is no core %s\n", core);
        std::exit(1);
    }
}

double nanoseconds_since(Clock::time_point start) {
    return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

/// How often threads of this process had to make way for another process.
long times_displaced() {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_nivcsw;
}

/// Repeats `measure()` until no other process interrupted it, at most five times, and returns its result.
template <class Measure>
double undisturbed(Measure const& measure) {
    constexpr int attempts = 5;
    for (int attempt = 1;; ++attempt) {
        long const before = times_displaced();
        double const found = measure();
        if (times_displaced() == before || attempt == attempts) {
            return found;
        }
    }
}

/// The other core. It serves a contender, or answers ping-pong.
class Other {
public:
    explicit Other(char const* core) : thread_([this, core] { live(core); }) {}
    ~Other() {
        tell(quit);
        thread_.join();
    }

    void serve(bench::Contender* contender) {
        contender_ = contender;
        tell(serving);
    }
    void rest() { tell(resting); }

    /// Nanoseconds that a cache line takes there and back.
    double ping_pong() {
        constexpr unsigned balls = 2000;
        tell(playing);
        unsigned const first = ball_.load();
        auto const start = Clock::now();
        for (unsigned i = 1; i <= balls; ++i) {
            ball_.store(first + 2 * i - 1, std::memory_order_release);
            while (ball_.load(std::memory_order_acquire) != first + 2 * i) {
            }
        }
        double const each = nanoseconds_since(start) / balls;
        rest();
        return each;
    }

private:
    enum What { resting, serving, playing, quit };

    void tell(What what) {
        wanted_.store(what);
        while (doing_.load() != what) {
        }
    }

    void live(char const* core) {
        stay_on(core);
        for (;;) {
            What const what = wanted_.load(std::memory_order_relaxed);
            if (doing_.load(std::memory_order_relaxed) != what) {
                std::atomic_thread_fence(std::memory_order_seq_cst);
                doing_.store(what);
            }
            if (what == serving) {
                contender_->serve();
            } else if (what == playing) {
                if (unsigned const ball = ball_.load(std::memory_order_acquire); ball % 2 != 0) {
                    ball_.store(ball + 1, std::memory_order_release);
                }
            } else if (what == quit) {
                return;
            }
        }
    }

    alignas(128) std::atomic<What> wanted_{resting};
    bench::Contender* contender_ = nullptr;
    alignas(128) std::atomic<What> doing_{resting};
    alignas(128) std::atomic<unsigned> ball_{0};
    alignas(128) std::thread thread_;
};

struct Run {
    char const* name;
    bench::Case which;
    bench::Contender* contender;
};

std::vector<Run> read_cases(int argc, char** argv, int from, unsigned copies) {
    std::vector<Run> all;
    for (int i = from; i < argc; ++i) {
        for (unsigned copy = 0; copy < copies; ++copy) {
            Run run{argv[i], {}, nullptr};
            if (bench::read_case(argv[i], run.which)) {
                run.contender = bench::make_contender(run.which);
            }
            if (run.contender == nullptr) {
                std::fprintf(stderr, "There is no case %s.\n", argv[i]);
                std::exit(2);
            }
            all.push_back(run);
        }
    }
    return all;
}

/// Nanoseconds a request.
double lockstep(Run const& run, double nanoseconds) {
    unsigned long requests = 0;
    auto const start = Clock::now();
    do {
        for (unsigned turn = 0; turn < 64; ++turn) {
            run.contender->submit();
            for (unsigned left = run.which.batch; left != 0;) {
                left -= run.contender->take(left);
            }
            requests += run.which.batch;
        }
    } while (nanoseconds_since(start) < nanoseconds);
    return nanoseconds_since(start) / static_cast<double>(requests);
}

double pipelined(Run const& run, double nanoseconds) {
    unsigned long in_flight = 0;
    unsigned long requests = 0;
    auto const start = Clock::now();
    do {
        for (unsigned turn = 0; turn < 256; ++turn) {
            in_flight += run.contender->submit_what_fits();
            unsigned const taken = run.contender->take(run.which.batch);
            in_flight -= taken;
            requests += taken;
        }
    } while (requests == 0 || nanoseconds_since(start) < nanoseconds);
    double const each = nanoseconds_since(start) / static_cast<double>(requests);
    while (in_flight != 0) {
        in_flight -= run.contender->take(run.which.batch);
    }
    return each;
}

/// Serves the queues of one core in turn.
unsigned long serve_queues(Run const* first, size_t count, Clock::time_point start, double nanoseconds) {
    unsigned long requests = 0;
    if (count == 0) {
        return 0;
    }
    do {
        for (size_t i = 0; i < count; ++i) {
            first[i].contender->run(4);
            requests += 4ul * first[i].which.batch;
        }
    } while (nanoseconds_since(start) < nanoseconds);
    return requests;
}

/// Nanoseconds a request; negative if another process interrupted the run.
double run_queues_once(Run const* first, size_t count, char const* other_core, double nanoseconds) {
    size_t const ours = other_core == nullptr ? count : (count + 1) / 2;
    unsigned long theirs = 0;
    std::atomic<bool> there{other_core == nullptr};
    std::atomic<bool> go{false};
    std::thread other;
    Clock::time_point start;
    if (other_core != nullptr) {
        other = std::thread([&] {
            stay_on(other_core);
            there = true;
            while (!go.load()) {
            }
            theirs = serve_queues(first + ours, count - ours, start, nanoseconds);
        });
    }
    while (!there.load()) {
        std::this_thread::yield();  // the other thread starts on this core
    }
    long const displaced = times_displaced();
    start = Clock::now();
    go = true;
    unsigned long const requests = serve_queues(first, ours, start, nanoseconds);
    double const took = nanoseconds_since(start);
    bool const is_disturbed = times_displaced() != displaced;
    if (other.joinable()) {
        other.join();
    }
    double const each = took / static_cast<double>(requests + theirs);
    return is_disturbed ? -each : each;
}

double run_queues(Run const* first, size_t count, char const* other_core, double nanoseconds) {
    constexpr int attempts = 5;
    double each = -1;
    for (int attempt = 0; each < 0 && attempt != attempts; ++attempt) {
        each = run_queues_once(first, count, other_core, nanoseconds);
    }
    return each < 0 ? -each : each;
}

/// Turns of a loop that touches no memory and keeps a core fully busy. Two threads gain nothing if they share one core
/// of the host (hyperthreads).
unsigned long spin(double nanoseconds) {
    unsigned long turns = 0;
    unsigned long a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
    for (auto const start = Clock::now(); nanoseconds_since(start) < nanoseconds; ++turns) {
        for (unsigned long i = 0; i < 1000; ++i) {
            a += i;
            b ^= i;
            c += i;
            d ^= i;
            e += i;
            f ^= i;
            asm volatile("" : "+r"(a), "+r"(b), "+r"(c), "+r"(d), "+r"(e), "+r"(f));
        }
    }
    return turns;
}

/// The work of two threads, divided by that of one.
double gain_of_two(char const* other_core, double nanoseconds) {
    unsigned long const alone = spin(nanoseconds);
    std::atomic<bool> there{false};
    unsigned long theirs = 0;
    std::thread other{[&] {
        stay_on(other_core);
        there = true;
        theirs = spin(nanoseconds);
    }};
    while (!there.load()) {
        std::this_thread::yield();
    }
    unsigned long const ours = spin(nanoseconds);
    other.join();
    return static_cast<double>(ours + theirs) / static_cast<double>(alone);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 7) {
        return 2;
    }
    std::string_view const mode = argv[1];
    char const* const core = argv[2];
    char const* const other_core = argv[3];
    int const rounds = std::atoi(argv[4]);
    double const nanoseconds = 1e6 * std::atof(argv[5]);
    stay_on(core);
    if (mode == "queues") {
        auto const count = static_cast<unsigned>(std::atoi(argv[6]));
        std::vector<Run> const runs = read_cases(argc, argv, 7, count);
        char const* const second = *other_core == '-' || count < 2 ? nullptr : other_core;
        for (int round = 0; round < rounds; ++round) {
            if (second != nullptr) {
                std::printf("spin 0 %.3f\n", gain_of_two(second, nanoseconds));
            }
            for (size_t i = 0; i < runs.size(); i += count) {
                std::printf("%s 0 %.3f\n", runs[i].name, run_queues(&runs[i], count, second, nanoseconds));
            }
        }
        return 0;
    }
    std::vector<Run> const runs = read_cases(argc, argv, 6, 1);
    Other other{other_core};
    for (int round = 0; round < rounds; ++round) {
        for (Run const& run : runs) {
            double const ping_pong = undisturbed([&] { return other.ping_pong(); });
            double const each = undisturbed([&] {
                other.rest();
                other.serve(run.contender);  // the ping-pong has shown that it runs on its core
                return mode == "lockstep" ? lockstep(run, nanoseconds) : pipelined(run, nanoseconds);
            });
            other.rest();
            std::printf("%s %.1f %.3f\n", run.name, ping_pong, each);
        }
    }
}
