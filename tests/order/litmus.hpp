// SPDX-License-Identifier: MIT
#pragma once

#include <order/model.hpp>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

/// The litmus programs: what each of them tests, and how both sides behave in it.
namespace virtq::order {

enum class DriverWaits : std::uint8_t {
    polling,
    asleep,    ///< disabled while awake; enables notifications and checks once more before it sleeps
    informed,  ///< enabled once; sleeps whenever nothing is there, as the interrupt handlers of many kernels do
};
enum class DeviceWaits : std::uint8_t {
    polling,
    asleep,    ///< suppressed while awake; requests a notification and checks once more before it sleeps
    informed,  ///< always wants notifications
};

struct Litmus {
    std::string name{};

    bool packed = false;
    bool event_idx = false;
    bool in_order = false;
    bool indirect = false;
    bool hardware = false;       ///< VIRTIO_F_ORDER_PLATFORM
    bool tier = false;           ///< the descriptor tier in place of the chain tier
    bool refused_first = false;  ///< before each chain another one is added and refused
    bool burst = false;          ///< the burst calls; a queue of 4 shows two chains early
    bool fixed = false;          ///< with `burst`: chains of a fixed shape, one writable segment
    bool reads_within = false;   ///< with `burst`: the last of 4 chains offers a buffer that was read during its burst
    bool reads_old = false;      ///< with `burst`: the second chain offers a buffer whose old content is read then
    bool buffer_again = false;   ///< all chains use one answer buffer, offered again after it was read

    std::uint16_t size = 2;
    unsigned chains = 2;        ///< in total
    unsigned segments = 2;      ///< segments of each chain; the last is writable
    unsigned at_once = 1;       ///< chains in flight together
    bool one_publish = false;   ///< one `publish` for all chains that are added together
    unsigned used_at_once = 1;  ///< chains that the device takes before it uses any; reversed unless IN_ORDER

    bool is_large = false;  ///< too many executions to repeat for each mutant

    DriverWaits driver = DriverWaits::polling;
    DeviceWaits device = DeviceWaits::polling;
    InterruptKind interrupt = InterruptKind::message;
};

/// For GoogleTest.
inline void PrintTo(Litmus const& litmus, std::ostream* out) {
    *out << litmus.name;
}

/// Each program in both formats, with and without VIRTIO_F_EVENT_IDX, and for a software and a hardware device where
/// that makes a difference.
[[nodiscard]] std::vector<Litmus> const& all_litmus();
[[nodiscard]] Program program_of(Litmus const& litmus);

}  // namespace virtq::order
