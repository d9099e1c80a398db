// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <cstddef>
#include <mutex>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

/// What the driver did wrong, in the words of the rule it broke. The simulated device never stops for it. It records
/// the violation and continues as a real device might, so that one run shows all mistakes.
namespace virtq::sim {

/// A rule for the driver. `id` is that of the conformance table: `D-…` for a driver clause, `L-…` for a legacy clause.
/// `S-…` marks a rule that the standard implies without a normative sentence of its own.
struct Rule {
    char const* id;
    char const* section;
    char const* sentence;
};

/// One violation, with the value that broke the rule: an index, an offset, an address, or whatever the sentence is
/// about.
struct Violation {
    std::string id;
    std::string section;
    std::string sentence;
    uint64_t value = 0;
};

inline std::ostream& operator<<(std::ostream& out, Violation const& violation) {
    out << "the driver broke " << violation.id << " with 0x" << std::hex << violation.value << std::dec << "; ";
    if (violation.section == "-") {
        out << "the page allocator's contract";
    } else {
        out << "VIRTIO 1.4 §" << violation.section;
    }
    return out << " asks: \"" << violation.sentence << "\"";
}

/// All violations of one simulated machine, oldest first. May be written and read from several threads.
class ViolationLog {
public:
    void report(Rule const& rule, uint64_t value = 0) {
        std::lock_guard const lock(mutex_);
        entries_.push_back({rule.id, rule.section, rule.sentence, value});
    }

    [[nodiscard]] bool empty() const {
        std::lock_guard const lock(mutex_);
        return entries_.empty();
    }

    /// A copy, so that the device may report more meanwhile.
    [[nodiscard]] std::vector<Violation> entries() const {
        std::lock_guard const lock(mutex_);
        return entries_;
    }

    /// How often the rule with this id was broken.
    [[nodiscard]] size_t count(std::string_view id) const {
        std::lock_guard const lock(mutex_);
        auto const same = [id](Violation const& violation) { return violation.id == id; };
        return static_cast<size_t>(std::count_if(entries_.begin(), entries_.end(), same));
    }

    [[nodiscard]] bool contains(std::string_view id) const { return count(id) != 0; }

    /// Removes all entries, for a test that breaks a rule on purpose and continues.
    void clear() {
        std::lock_guard const lock(mutex_);
        entries_.clear();
    }

    friend std::ostream& operator<<(std::ostream& out, ViolationLog const& log) {
        auto const entries = log.entries();
        if (entries.empty()) {
            return out << "the driver broke no rule";
        }
        out << entries.size() << " violation(s), oldest first:";
        for (auto const& entry : entries) {
            out << "\n  " << entry;
        }
        return out;
    }

    /// Found by GoogleTest, without depending on it: `EXPECT_TRUE(log.empty()) << log` prints the list.
    friend void PrintTo(ViolationLog const& log, std::ostream* out) { *out << log; }

private:
    mutable std::mutex mutex_;
    std::vector<Violation> entries_;
};

}  // namespace virtq::sim
