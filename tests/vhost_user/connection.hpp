// SPDX-License-Identifier: MIT
#pragma once

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string>
#include <type_traits>
#include <utility>

#include <vhost_user/message.hpp>

namespace virtq::vhost_user {

/// The front end's side of the socket. A back end that has gone, or does not keep to the protocol, makes it *gone*:
/// then nothing is sent any more, and every answer is zero.
class Connection {
public:
    Connection() = default;
    Connection(Connection const&) = delete;
    Connection& operator=(Connection const&) = delete;
    ~Connection() { close(); }

    [[nodiscard]] bool open(std::string const& path) {
        close();
        socket_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ::sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.size() >= sizeof address.sun_path) {
            return false;
        }
        std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
        ::timeval const limit{60, 0};  // a back end that says nothing for a minute has gone
        ::setsockopt(socket_, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
        ::setsockopt(socket_, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
        gone_ = ::connect(socket_, reinterpret_cast<::sockaddr const*>(&address), sizeof address) != 0;
        return !gone_;
    }
    void close() {
        if (socket_ >= 0) {
            ::close(std::exchange(socket_, -1));
        }
        gone_ = true;
        acknowledges_ = false;
    }

    /// From now on the back end confirms each message that has no answer of its own.
    void use_acknowledgements() { acknowledges_ = true; }

    [[nodiscard]] bool is_gone() {
        if (!gone_) {
            char byte = 0;
            auto const seen = ::recv(socket_, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
            gone_ = seen == 0 || (seen < 0 && errno != EAGAIN);
        }
        return gone_;
    }
    [[nodiscard]] int file() const { return socket_; }

    /// Sends a message that has no answer, with a file descriptor if `file` is one.
    template <class Body>
    void tell(Request request, Body const& body, int file = -1) {
        Header header{static_cast<std::uint32_t>(request), Header::version, size_of(body)};
        if (acknowledges_) {
            header.flags |= Header::needs_reply;
        }
        send(header, body, file);
        if (acknowledges_) {
            std::uint64_t const error = receive<std::uint64_t>(header.request);
            gone_ = gone_ || error != 0;
        }
    }
    void tell(Request request) {
        send(Header{static_cast<std::uint32_t>(request), Header::version, 0}, Nothing{}, -1);
    }

    /// Sends a message and returns its answer.
    template <class Answer, class Body>
    [[nodiscard]] Answer ask(Request request, Body const& body) {
        Header const header{static_cast<std::uint32_t>(request), Header::version, size_of(body)};
        send(header, body, -1);
        return receive<Answer>(header.request);
    }
    [[nodiscard]] std::uint64_t ask(Request request) { return ask<std::uint64_t>(request, Nothing{}); }

private:
    struct Nothing {};

    template <class Body>
    [[nodiscard]] static constexpr std::uint32_t size_of(Body const&) {
        return std::is_empty_v<Body> ? 0 : static_cast<std::uint32_t>(sizeof(Body));
    }
    [[nodiscard]] static constexpr std::uint32_t size_of(Config const& config) {
        return static_cast<std::uint32_t>(offsetof(Config, data)) + config.bytes;
    }

    template <class Body>
    void send(Header const& header, Body const& body, int file) {
        if (gone_) {
            return;
        }
        ::iovec parts[] = {{const_cast<Header*>(&header), sizeof header}, {const_cast<Body*>(&body), size_of(body)}};
        alignas(::cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        ::msghdr message{};
        message.msg_iov = parts;
        message.msg_iovlen = 2;
        if (file >= 0) {
            message.msg_control = control;
            message.msg_controllen = sizeof control;
            ::cmsghdr* const first = CMSG_FIRSTHDR(&message);
            first->cmsg_level = SOL_SOCKET;
            first->cmsg_type = SCM_RIGHTS;
            first->cmsg_len = CMSG_LEN(sizeof(int));
            std::memcpy(CMSG_DATA(first), &file, sizeof file);
        }
        gone_ = ::sendmsg(socket_, &message, MSG_NOSIGNAL) != static_cast<::ssize_t>(sizeof header + header.bytes);
    }

    template <class Answer>
    [[nodiscard]] Answer receive(std::uint32_t request) {
        Header header;
        Answer answer{};
        read(&header, sizeof header);
        gone_ = gone_ || header.request != request || header.bytes > sizeof answer;
        read(&answer, header.bytes);
        return gone_ ? Answer{} : answer;
    }
    void read(void* to, std::size_t bytes) {
        for (std::size_t have = 0; have < bytes && !gone_;) {
            auto const got = ::read(socket_, static_cast<char*>(to) + have, bytes - have);
            gone_ = got <= 0;
            have += gone_ ? 0 : static_cast<std::size_t>(got);
        }
    }

    int socket_ = -1;
    bool gone_ = true;
    bool acknowledges_ = false;
};

}  // namespace virtq::vhost_user
