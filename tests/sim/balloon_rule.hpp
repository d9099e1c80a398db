// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <sim/violation.hpp>

/// The rules of the balloon (§5.5), as those of rule.hpp.
namespace virtq::sim::rule {

inline constexpr Rule balloon_queue{"S-5.5.2-queue", "5.5.2", "Use a queue only if its feature was negotiated"};
inline constexpr Rule balloon_writable{"S-5.5.6-readable", "5.5.6",
                                       "Page numbers and statistics are for the device to read"};
inline constexpr Rule balloon_length{"S-5.5.6-length", "5.5.6", "A buffer is an array of 32-bit page numbers"};
inline constexpr Rule balloon_page{"S-5.5.6-page", "5.5.6", "A page number is that of a page of memory"};
inline constexpr Rule balloon_twice{"S-5.5.6-twice", "5.5.6", "Give no page that is in the balloon already"};
inline constexpr Rule balloon_absent{"D-5.5.6.1-8", "5.5.6.1", "Deflate no page before its inflation has ended"};
inline constexpr Rule balloon_below{"D-5.5.6.1-4", "5.5.6.1",
                                    "Without DEFLATE_ON_OOM leave as many pages as are wanted"};
inline constexpr Rule balloon_stats_one{"D-5.5.6.3.1-1", "5.5.6.3.1", "Make at most one statistics buffer available"};
inline constexpr Rule balloon_stats_length{"S-5.5.6.3-length", "5.5.6.3", "Statistics have 10 bytes each"};
inline constexpr Rule balloon_stats_six{"D-5.5.6.3.1-5", "5.5.6.3.1", "A statistics buffer is a multiple of 6 bytes"};
inline constexpr Rule balloon_stats_same{"D-5.5.6.3.1-8", "5.5.6.3.1", "Supply the same statistics each time"};
inline constexpr Rule balloon_stats_twice{"S-5.5.6.3-twice", "5.5.6.3", "Supply one entry for each statistic"};
inline constexpr Rule balloon_report{"S-5.5.6.7-report", "5.5.6.7", "Report device-writable memory in whole pages"};

}  // namespace virtq::sim::rule
