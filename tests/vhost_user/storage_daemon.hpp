// SPDX-License-Identifier: MIT
#pragma once

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace virtq::test {

/// QEMU's storage daemon, which exports an image of its own over vhost-user: a disk that we did not write.
class StorageDaemon {
public:
    explicit StorageDaemon(std::vector<std::uint8_t> const& image) : folder_(make_folder()) {
        std::ofstream file{folder_ / "image", std::ios::binary};
        file.write(reinterpret_cast<char const*>(image.data()), static_cast<std::streamsize>(image.size()));
        file.close();
        start();
    }
    StorageDaemon(StorageDaemon const&) = delete;
    StorageDaemon& operator=(StorageDaemon const&) = delete;
    ~StorageDaemon() {
        kill();
        std::filesystem::remove_all(folder_);
    }

    [[nodiscard]] static bool is_installed() { return std::filesystem::exists(program); }

    /// Returns before the daemon listens: retry the connection.
    void start() {
        std::filesystem::remove(socket());
        std::string const file = "driver=file,node-name=disk,discard=unmap,filename=" + (folder_ / "image").string();
        std::string const socket_path =
            "type=vhost-user-blk,id=export,node-name=disk,writable=on,addr.type=unix,addr.path=" + socket();
        process_ = ::fork();
        if (process_ == 0) {
            ::execl(program, program, "--blockdev", file.c_str(), "--export", socket_path.c_str(), nullptr);
            ::_exit(127);
        }
    }
    /// Kills the daemon at once, also with requests in flight.
    void kill() {
        if (process_ > 0) {
            ::kill(process_, SIGKILL);
            ::waitpid(process_, nullptr, 0);
            process_ = -1;
        }
    }

    [[nodiscard]] std::string socket() const { return (folder_ / "socket").string(); }
    [[nodiscard]] std::vector<std::uint8_t> image() const {
        std::ifstream file{folder_ / "image", std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

private:
    static constexpr char const* program = "/usr/bin/qemu-storage-daemon";

    [[nodiscard]] static std::filesystem::path make_folder() {
        std::string name = (std::filesystem::temp_directory_path() / "virtq-XXXXXX").string();
        if (::mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error("mkdtemp failed");
        }
        return name;
    }

    std::filesystem::path folder_;
    ::pid_t process_ = -1;
};

}  // namespace virtq::test
