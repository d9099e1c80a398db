// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <sim/violation.hpp>

/// The rules of the input device (§5.8), as those of rule.hpp.
namespace virtq::sim::rule {

inline constexpr Rule input_event_readable{"D-5.8.6.1-2", "5.8.6.1",
                                           "A buffer of the eventq is for the device to write"};
inline constexpr Rule input_event_size{"D-5.8.6.1-3", "5.8.6.1", "A buffer of the eventq holds an event"};
inline constexpr Rule input_status_size{"D-5.8.6.1-4", "5.8.6.1", "A buffer of the statusq holds an event"};
inline constexpr Rule input_status_writable{"S-5.8.6-status", "5.8.6",
                                            "A buffer of the statusq is for the device to read"};
inline constexpr Rule input_select{"D-5.8.5.1-1", "5.8.5.1", "Set both select and subsel for each query"};
inline constexpr Rule input_size{"D-5.8.5.1-3", "5.8.5.1", "Check size before the information is read"};

}  // namespace virtq::sim::rule
