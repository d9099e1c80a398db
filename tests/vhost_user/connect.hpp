// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <thread>

#include <vhost_user/transport.hpp>

namespace virtq::vhost_user {

/// Probes the back end of `program`, which has just been started and may not listen yet: for a minute, or until the program
/// has ended.
template <class Program>
[[nodiscard]] Status connect(VhostUserTransport& transport, BackEnd const& back_end, SharedMemory& memory,
                             Program const& program) {
    using namespace std::chrono;
    for (auto const end = steady_clock::now() + minutes{1};;) {
        Status const found = transport.probe(back_end, memory);
        if (found || steady_clock::now() >= end || !program.is_running()) {
            return found;
        }
        std::this_thread::sleep_for(milliseconds{10});
    }
}

}  // namespace virtq::vhost_user
