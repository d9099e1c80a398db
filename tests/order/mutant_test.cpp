// SPDX-License-Identifier: MIT
#include <order/litmus.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <utility>
#include <vector>

/// Weakens each acquire, release and fence that the litmus programs reach, one at a time. Some program must fail.
namespace virtq::order {
namespace {

struct Mutant {
    std::size_t point;
    Weakening weakening;
    std::vector<Litmus const*> programs;  ///< programs that reach the point, those with few states first
};

[[nodiscard]] std::vector<Mutant> all_mutants() {
    std::map<std::size_t, std::vector<std::pair<std::uint64_t, Litmus const*>>> programs;
    for (Litmus const& litmus : all_litmus()) {
        if (litmus.is_large) {
            continue;
        }
        Exploration const found = explore(program_of(litmus));
        EXPECT_EQ(found.failure, "") << litmus.name;
        for (std::size_t const point : found.points) {
            programs[point].push_back({found.states, &litmus});
        }
    }
    std::vector<Mutant> mutants;
    for (auto& [point, by_states] : programs) {
        std::stable_sort(by_states.begin(), by_states.end(),
                         [](auto const& a, auto const& b) { return a.first < b.first; });
        Mutant mutant{point, Weakening::to_relaxed, {}};
        for (auto const& [states, litmus] : by_states) {
            mutant.programs.push_back(litmus);
        }
        mutants.push_back(mutant);
        if (order_points()[point].what.starts_with("full fence")) {
            mutant.weakening = Weakening::to_acq_rel;
            mutants.push_back(mutant);
        }
        if (order_points()[point].what == "order of publish") {
            mutant.weakening = Weakening::to_order_of_stores;
            mutants.push_back(mutant);
        }
    }
    return mutants;
}

[[nodiscard]] char const* name_of(Weakening weakening) {
    switch (weakening) {
        case Weakening::none:
        case Weakening::to_relaxed: break;
        case Weakening::to_acq_rel: return ", to acquire and release";
        case Weakening::to_order_of_stores: return ", to an order of stores";
    }
    return "";
}

/// The first program that fails.
[[nodiscard]] std::string caught_by(Mutant const& mutant) {
    for (Litmus const* const litmus : mutant.programs) {
        Exploration const found = explore(program_of(*litmus), mutant.point, mutant.weakening);
        if (!found.failure.empty()) {
            return litmus->name + ": " + found.failure;
        }
    }
    return {};
}

/// The lines of the library with an order, as file:line.
[[nodiscard]] std::set<std::string> lines_that_order() {
    std::regex const call(
        R"(platform::(store_release|load_acquire|full_fence|memory_before_register_write|register_read_before_memory)\()"
        R"(|order_\.(full|before_publish|after_poll)\()");
    std::set<std::string> lines;
    for (auto const& entry : std::filesystem::recursive_directory_iterator(VIRTQ_INCLUDE_DIR)) {
        if (entry.path().extension() != ".hpp") {
            continue;
        }
        std::ifstream file(entry.path());
        std::string text;
        for (int line = 1; std::getline(file, text); ++line) {
            if (std::regex_search(text, call)) {
                lines.insert(entry.path().filename().string() + ":" + std::to_string(line));
            }
        }
    }
    return lines;
}

[[nodiscard]] std::string place_of(OrderPoint const& point) {
    return std::filesystem::path(point.file).filename().string() + ":" + std::to_string(point.line);
}

TEST(Mutants, AreCaught) {
    std::vector<Mutant> const mutants = all_mutants();
    unsigned caught_count = 0;
    for (Mutant const& mutant : mutants) {
        OrderPoint const& point = order_points()[mutant.point];
        std::string const caught = caught_by(mutant);
        std::cout << (point.side == Side::driver ? "driver  " : "device  ") << point.name()
                  << name_of(mutant.weakening) << " (" << place_of(point) << ")\n          ";
        std::cout << (caught.empty() ? "SURVIVES" : "caught by " + caught) << '\n';
        caught_count += !caught.empty();
        EXPECT_NE(caught, "") << point.name() << " may be weakened, and no litmus program notices: remove it";
    }
    std::cout << mutants.size() << " mutants: " << caught_count << " caught\n";
    std::set<std::string> missing = lines_that_order();
    EXPECT_GE(missing.size(), 15u) << "the search for the calls finds them no more";
    for (OrderPoint const& point : order_points()) {
        missing.erase(place_of(point));
    }
    for (std::string const& line : missing) {
        ADD_FAILURE() << line << " orders something, and no litmus program comes there";
    }
}

}  // namespace
}  // namespace virtq::order
