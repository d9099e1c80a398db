// SPDX-License-Identifier: MIT
#include <virtq/queue/mutation.hpp>

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <fstream>

/// The tests of queue/ over its mutated copy. VIRTQ_MUTANT is the number of the mutant that acts; VIRTQ_REACHED a file
/// for which mutants each test evaluates, and how long it takes.
namespace {

class Reached : public testing::EmptyTestEventListener {
public:
    explicit Reached(char const* path) : out_(path) {}

private:
    void OnTestStart(testing::TestInfo const&) override {
        std::memset(virtq::mutation::reached, 0, sizeof virtq::mutation::reached);
    }
    void OnTestEnd(testing::TestInfo const& test) override {
        out_ << test.test_suite_name() << '.' << test.name() << ' ' << test.result()->elapsed_time();
        for (std::size_t id = 0; id < sizeof virtq::mutation::reached; ++id) {
            if (virtq::mutation::reached[id] != 0) {
                out_ << ' ' << id;
            }
        }
        out_ << '\n';
    }

    std::ofstream out_;
};

}  // namespace

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (char const* const number = std::getenv("VIRTQ_MUTANT")) {
        virtq::mutation::chosen = std::atoi(number);
    }
    if (char const* const path = std::getenv("VIRTQ_REACHED")) {
        testing::UnitTest::GetInstance()->listeners().Append(new Reached(path));
    }
    return RUN_ALL_TESTS();
}
