// SPDX-License-Identifier: MIT
#pragma once

#include <order/model.hpp>

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

/// The litmus programs: what each is about, and what of both sides it takes.
namespace virtq::order {

enum class DriverWaits : std::uint8_t {
    polling,
    asleep,    ///< off while awake; asks for notifications and looks once more before it sleeps
    informed,  ///< asked once, and sleeps whenever nothing is there: the interrupt handler of many kernels
};
enum class DeviceWaits : std::uint8_t {
    polling,
    asleep,    ///< suppresses while awake; asks and looks once more before it sleeps
    informed,  ///< wants each notification
};

struct Litmus {
    std::string name{};

    bool packed = false;
    bool event_idx = false;
    bool in_order = false;
    bool indirect = false;
    bool hardware = false;       ///< VIRTIO_F_ORDER_PLATFORM
    bool tier = false;           ///< the descriptor tier in place of the chain tier
    bool refused_first = false;  ///< before each chain one is added that is refused
    bool buffer_again = false;   ///< all chains have one buffer for the answer, offered again once it was read

    std::uint16_t size = 2;
    unsigned chains = 2;        ///< in all
    unsigned segments = 2;      ///< of each; the last is writable
    unsigned at_once = 1;       ///< chains that are in flight together
    bool one_publish = false;   ///< for all that are added together
    unsigned used_at_once = 1;  ///< chains that the device takes before it uses the first; backwards, if not in order

    bool is_large = false;  ///< too many executions to go through for each mutant

    DriverWaits driver = DriverWaits::polling;
    DeviceWaits device = DeviceWaits::polling;
    InterruptKind interrupt = InterruptKind::message;
};

/// For GoogleTest.
inline void PrintTo(Litmus const& litmus, std::ostream* out) {
    *out << litmus.name;
}

/// Each in both formats, with and without VIRTIO_F_EVENT_IDX, and for a device that is software and one that is
/// hardware, where that makes a difference.
[[nodiscard]] std::vector<Litmus> const& all_litmus();
[[nodiscard]] Program program_of(Litmus const& litmus);

}  // namespace virtq::order
