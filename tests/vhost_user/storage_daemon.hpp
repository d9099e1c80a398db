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

/// QEMU's storage daemon, which exports an image of its own over vhost-user: a disk that we did not write.
class StorageDaemon {
public:
    explicit StorageDaemon(std::vector<std::uint8_t> const& image, unsigned queues = 1) : queues_(queues) {
        std::ofstream file{folder_.path("image"), std::ios::binary};
        file.write(reinterpret_cast<char const*>(image.data()), static_cast<std::streamsize>(image.size()));
        file.close();
        start();
    }

    [[nodiscard]] static bool is_installed() { return std::filesystem::exists(program); }

    /// Returns before the daemon listens: retry the connection.
    void start() {
        std::filesystem::remove(socket());
        process_.start({program, "--blockdev",
                        "driver=file,node-name=disk,discard=unmap,filename=" + folder_.path("image"), "--export",
                        "type=vhost-user-blk,id=export,node-name=disk,writable=on,addr.type=unix,addr.path=" +
                            socket() + ",num-queues=" + std::to_string(queues_)},
                       folder_.path("log"));
    }
    /// Kills the daemon at once, also with requests in flight.
    void kill() { process_.kill(); }

    [[nodiscard]] std::string socket() const { return folder_.path("socket"); }
    [[nodiscard]] std::vector<std::uint8_t> image() const {
        std::ifstream file{folder_.path("image"), std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

private:
    static constexpr char const* program = "/usr/bin/qemu-storage-daemon";

    unsigned queues_;
    TestFolder folder_;
    Process process_;
};

}  // namespace virtq::test
