// SPDX-License-Identifier: MIT
#pragma once

#include <support/process.hpp>

#include <filesystem>
#include <string>

namespace virtq::test {

/// DPDK's `dpdk-testpmd` with a network card over vhost-user that sends each packet back.
class Testpmd {
public:
    Testpmd() {
        // DPDK keeps megabytes in its folder, so it gets one that goes with the test.
        process_.start({"/usr/bin/env", "RUNTIME_DIRECTORY=" + folder_.path(""), program, "--lcores",
                        "0@(0-1),1@(0-1)", "--no-huge", "-m", "128", "--no-pci", "--no-telemetry", "--vdev",
                        "net_vhost0,iface=" + socket() + ",queues=1", "--", "--total-num-mbufs=2048",
                        "--forward-mode=io", "--port-topology=loop", "--auto-start", "--stats-period=3600"},
                       folder_.path("log"));
    }

    [[nodiscard]] static bool is_installed() { return std::filesystem::exists(program); }
    [[nodiscard]] std::string socket() const { return folder_.path("socket"); }
    void kill() { process_.kill(); }
    [[nodiscard]] bool is_running() const { return process_.is_running(); }

private:
    static constexpr char const* program = "/usr/bin/dpdk-testpmd";

    TestFolder folder_;
    Process process_;
};

}  // namespace virtq::test
