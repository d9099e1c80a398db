// SPDX-License-Identifier: MIT
#pragma once

#include <support/process.hpp>

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <chrono>
#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace virtq::qtest {

/// A Unix socket on which both sides send lines. It throws if the other side has gone, or is silent for a minute.
class LineSocket {
public:
    LineSocket() = default;
    LineSocket(LineSocket const&) = delete;
    LineSocket& operator=(LineSocket const&) = delete;
    ~LineSocket() { close(); }

    /// Waits until `listener` listens at `path`.
    void open(std::string const& path, test::Process const& listener) {
        using namespace std::chrono;
        auto const end = steady_clock::now() + patience;
        while (!try_open(path)) {
            if (!listener.is_running() || steady_clock::now() >= end) {
                throw std::runtime_error("QEMU has ended, or does not listen at " + path + ".");
            }
            std::this_thread::sleep_for(milliseconds{5});
        }
    }
    void close() {
        if (file_ >= 0) {
            ::close(std::exchange(file_, -1));
        }
        unread_.clear();
    }

    void send(std::string_view text) {
        while (!text.empty()) {
            auto const sent = ::send(file_, text.data(), text.size(), MSG_NOSIGNAL);
            if (sent <= 0) {
                throw std::runtime_error("QEMU takes nothing from its socket: it has ended or hangs. See its log.");
            }
            text.remove_prefix(static_cast<std::size_t>(sent));
        }
    }
    /// Returns the next line, without its newline.
    [[nodiscard]] std::string receive() {
        for (;;) {
            if (auto const end = unread_.find('\n'); end != std::string::npos) {
                std::string line = unread_.substr(0, end);
                unread_.erase(0, end + 1);
                return line;
            }
            char piece[4096];
            auto const got = ::recv(file_, piece, sizeof piece, 0);
            if (got <= 0) {
                throw std::runtime_error("QEMU does not answer on its socket: it has ended or hangs. See its log.");
            }
            unread_.append(piece, static_cast<std::size_t>(got));
        }
    }

private:
    static constexpr std::chrono::seconds patience{60};

    [[nodiscard]] bool try_open(std::string const& path) {
        close();
        file_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ::sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path) {
            throw std::runtime_error("this path is too long for a socket: " + path);
        }
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        ::timeval const limit{patience.count(), 0};
        ::setsockopt(file_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(file_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        return ::connect(file_, reinterpret_cast<::sockaddr const*>(&address), sizeof address) == 0;
    }

    int file_ = -1;
    std::string unread_;
};

}  // namespace virtq::qtest
