// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <sim/violation.hpp>

/// The rules of the network card (§5.1), as those of rule.hpp.
namespace virtq::sim::rule {

inline constexpr Rule net_receive_readable{"S-5.1.9.3-readable", "5.1.9.3",
                                           "A receive buffer is for the device to write"};
inline constexpr Rule net_receive_size{"D-5.1.9.3.1-2", "5.1.9.3.1", "A receive buffer holds a packet and its header"};
inline constexpr Rule net_receive_header{"D-5.1.9.3.1-3", "5.1.9.3.1", "A receive buffer holds at least the header"};
inline constexpr Rule net_transmit_writable{"S-5.1.9.2-writable", "5.1.9.2",
                                            "A packet to send is for the device to read"};
inline constexpr Rule net_header_size{"D-5.1.9.2.1-1", "5.1.9.2.1", "The header is as long as on receive"};
inline constexpr Rule net_num_buffers{"D-5.1.9.2.1-2", "5.1.9.2.1", "num_buffers is 0"};
inline constexpr Rule net_flags{"D-5.1.9.2.1-3", "5.1.9.2.1", "Without CSUM, flags are 0"};
inline constexpr Rule net_gso{"D-5.1.9.2.1-31", "5.1.9.2.1", "gso_type is of a negotiated feature, or NONE"};
inline constexpr Rule net_gso_checksum{"D-5.1.9.2.1-32", "5.1.9.2.1", "With gso_type, set NEEDS_CSUM"};
inline constexpr Rule net_gso_size{"D-5.1.9.2.1-33", "5.1.9.2.1", "With gso_type, set gso_size"};
inline constexpr Rule net_data_valid{"D-5.1.9.2.1-45", "5.1.9.2.1", "Do not set DATA_VALID"};
inline constexpr Rule net_checksum_place{"D-5.1.9.2.1-30", "5.1.9.2.1", "The checksum is inside the packet"};
inline constexpr Rule net_mtu{"D-5.1.4.2-9", "5.1.4.2", "Send no packet above the MTU"};
inline constexpr Rule net_control_command{"S-5.1.9.5-command", "5.1.9.5",
                                          "A command is one of a negotiated feature, with its data"};
inline constexpr Rule net_pairs{"S-5.1.9.5.6-pairs", "5.1.9.5.6", "Use 1 to max_virtqueue_pairs pairs"};
inline constexpr Rule net_pair_unused{"S-5.1.9.5.5-pair", "5.1.9.5.5", "Send only on pairs that are in use"};
inline constexpr Rule legacy_net_header{"L-5.1.11-1", "5.1.11", "Without ANY_LAYOUT, the header is one descriptor"};
inline constexpr Rule legacy_net_control{"L-5.1.11-2", "5.1.11",
                                         "Without ANY_LAYOUT, class and command are one descriptor"};

}  // namespace virtq::sim::rule
