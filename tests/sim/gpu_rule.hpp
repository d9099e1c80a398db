// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <sim/violation.hpp>

/// The rules of the GPU (§5.7), as those of rule.hpp.
namespace virtq::sim::rule {

inline constexpr Rule gpu_command{"S-5.7.6.7-command", "5.7.6.7", "A command is one of 2D mode, with all its fields"};
inline constexpr Rule gpu_queue{"S-5.7.2-queue", "5.7.2",
                                "Send cursor commands to cursorq, and the others to controlq"};
inline constexpr Rule gpu_header{"S-5.7.6.7-header", "5.7.6.7", "In 2D mode, ctx_id and ring_idx are 0"};
inline constexpr Rule gpu_answer_room{"S-5.7.6.7-answer", "5.7.6.7", "Leave room for the answer to a command"};
inline constexpr Rule gpu_edid{"S-5.7.6.8-edid", "5.7.6.8", "Send GET_EDID only if EDID was negotiated"};
inline constexpr Rule gpu_scanout{"S-5.7.6.8-scanout", "5.7.6.8", "A scanout is below num_scanouts"};
inline constexpr Rule gpu_resource_id{"S-5.7.6.8-id", "5.7.6.8", "A new resource has an id that is free and not 0"};
inline constexpr Rule gpu_resource_shape{"S-5.7.6.8-shape", "5.7.6.8", "A resource has a known format, and pixels"};
inline constexpr Rule gpu_resource_unknown{"S-5.7.6.8-unknown", "5.7.6.8", "Use only resources that were created"};
inline constexpr Rule gpu_scanout_rect{"S-5.7.6.8-covered", "5.7.6.8",
                                       "The resource covers the rectangle of a scanout completely"};
inline constexpr Rule gpu_rect{"S-5.7.6.8-rect", "5.7.6.8", "A rectangle is inside its resource, and not empty"};
inline constexpr Rule gpu_backing_missing{"S-5.7.6-backing", "5.7.6", "Attach backing memory before a transfer"};
inline constexpr Rule gpu_backing_bounds{"S-5.7.6.8-bounds", "5.7.6.8",
                                         "The backing memory has all that a transfer reads"};
inline constexpr Rule gpu_backing_entries{"S-5.7.6.8-entries", "5.7.6.8",
                                          "nr_entries pieces of memory follow, each with bytes"};
inline constexpr Rule gpu_backing_twice{"S-5.7.6.8-attached", "5.7.6.8",
                                        "Attach backing memory only to a resource that has none"};
inline constexpr Rule gpu_cursor_size{"S-5.7.6.6-size", "5.7.6.6", "A cursor is 64 by 64 pixels"};
inline constexpr Rule gpu_cursor_filled{"S-5.7.6.10-filled", "5.7.6.10",
                                        "Transfer a cursor, and wait for the fence, before it is set"};

}  // namespace virtq::sim::rule
