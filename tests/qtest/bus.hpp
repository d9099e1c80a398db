// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <qtest/line_socket.hpp>

namespace virtq::qtest {

/// The bus of a machine of QEMU whose processor is off. `writel ADDRESS VALUE`, sent to this socket, accesses a device as the
/// processor would.
class Bus {
public:
    void open(std::string const& path, test::Process const& listener) { socket_.open(path, listener); }

    [[nodiscard]] std::uint64_t read(char width, std::uint64_t address) {
        return std::strtoull(ask(std::string{"read"} + width + number(address)).c_str(), nullptr, 16);
    }
    void write(char width, std::uint64_t address, std::uint64_t value) {
        ask(std::string{"write"} + width + number(address) + number(value));
    }

private:
    [[nodiscard]] static std::string number(std::uint64_t value) {
        char text[32];
        std::snprintf(text, sizeof text, " 0x%llx", static_cast<unsigned long long>(value));
        return text;
    }
    /// Returns what QEMU says behind OK.
    std::string ask(std::string const& command) {
        socket_.send(command + "\n");
        std::string const answer = socket_.receive();
        if (answer.rfind("OK", 0) != 0) {
            throw std::runtime_error("QEMU answers to " + command + ": " + answer);
        }
        return answer.substr(2);
    }

    LineSocket socket_;
};

}  // namespace virtq::qtest
