// SPDX-License-Identifier: MIT
#pragma once

#include <support/process.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace virtq::test {

struct StorageOption {
    unsigned queues = 1;
    unsigned requests_a_second = 0;  ///< 0: as many as it can
};

/// QEMU's storage daemon, which exports an image of its own over vhost-user: a disk that we did not write.
class StorageDaemon {
public:
    explicit StorageDaemon(std::vector<std::uint8_t> const& image, StorageOption const& option = {})
        : option_(option) {
        std::ofstream file{folder_.path("image"), std::ios::binary};
        file.write(reinterpret_cast<char const*>(image.data()), static_cast<std::streamsize>(image.size()));
        file.close();
        start();
    }

    [[nodiscard]] static bool is_installed() { return std::filesystem::exists(program); }

    /// Returns before the daemon listens: retry the connection.
    void start() {
        std::filesystem::remove(socket());
        std::string const speed =
            option_.requests_a_second == 0 ? "" : ",x-iops-total=" + std::to_string(option_.requests_a_second);
        process_.start({program, "--object", "throttle-group,id=speed" + speed, "--blockdev",
                        "file,node-name=file,discard=unmap,filename=" + folder_.path("image"), "--blockdev",
                        "throttle,node-name=disk,throttle-group=speed,discard=unmap,file=file", "--export",
                        "vhost-user-blk,id=export,node-name=disk,writable=on,addr.type=unix,addr.path=" + socket() +
                            ",num-queues=" + std::to_string(option_.queues)},
                       folder_.path("log"));
    }
    /// Kills the daemon at once, also with requests in flight.
    void kill() { process_.kill(); }
    [[nodiscard]] bool is_running() const { return process_.is_running(); }

    [[nodiscard]] std::string socket() const { return folder_.path("socket"); }
    [[nodiscard]] std::vector<std::uint8_t> image() const {
        std::ifstream file{folder_.path("image"), std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

private:
    static constexpr char const* program = "/usr/bin/qemu-storage-daemon";

    StorageOption option_;
    TestFolder folder_;
    Process process_;
};

}  // namespace virtq::test
