// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include <qtest/line_socket.hpp>

namespace virtq::qtest {

/// QEMU's monitor (QMP): what the machine's owner does, and what QEMU knows of a device.
class Monitor {
public:
    void open(std::string const& path, test::Process const& listener) {
        socket_.open(path, listener);
        static_cast<void>(socket_.receive());  // a greeting
        run("qmp_capabilities");
    }

    /// Returns the answer, as JSON. `arguments` are JSON, too: `{"value": 4096}`.
    std::string run(std::string const& command, std::string const& arguments = "{}") {
        socket_.send("{\"execute\": \"" + command + "\", \"arguments\": " + arguments + "}\n");
        for (;;) {
            std::string const line = socket_.receive();
            if (line.rfind("{\"return\"", 0) == 0) {
                return line;
            }
            if (line.rfind("{\"error\"", 0) == 0) {
                throw std::runtime_error("QEMU answers to " + command + ": " + line);
            }
            events_ += line + "\n";
        }
    }
    /// Whether QEMU has announced this since the start.
    [[nodiscard]] bool has_announced(std::string const& event) {
        run("query-status");  // events come with answers
        return events_.find("\"" + event + "\"") != std::string::npos;
    }

    /// What QEMU knows of a queue of `device`, by its name in QEMU: `inuse`, `used-idx`.
    [[nodiscard]] std::uint64_t of_queue(std::string const& device, unsigned queue, std::string const& name) {
        return number(run("x-query-virtio-queue-status",
                          "{\"path\": \"" + device + "\", \"queue\": " + std::to_string(queue) + "}"),
                      name);
    }
    [[nodiscard]] std::string status(std::string const& device) {
        return run("x-query-virtio-status", "{\"path\": \"" + device + "\"}");
    }

    /// The value that is called `name`, in an answer.
    [[nodiscard]] static std::uint64_t number(std::string const& answer, std::string const& name) {
        std::string const key = "\"" + name + "\": ";
        auto const at = answer.find(key);
        if (at == std::string::npos) {
            throw std::runtime_error("there is no " + name + " in " + answer);
        }
        return std::strtoull(answer.c_str() + at + key.size(), nullptr, 10);
    }

private:
    LineSocket socket_;
    std::string events_;
};

}  // namespace virtq::qtest
