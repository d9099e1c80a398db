// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sim/chain.hpp>
#include <sim/wire.hpp>

/// What a console device keeps for one port, and the form of its control messages (§5.3.6.2).
namespace virtq::sim {

/// A control message without what follows it.
struct ConsoleMessage {
    uint32_t port = 0;  ///< the field `id`
    uint16_t event = 0;
    uint16_t value = 0;

    friend bool operator==(ConsoleMessage const&, ConsoleMessage const&) = default;

    /// Nothing if there are fewer than 8 bytes.
    [[nodiscard]] static std::optional<ConsoleMessage> decoded(std::vector<uint8_t> const& bytes, ByteOrder order) {
        if (bytes.size() < wire::console::message_bytes) {
            return std::nullopt;
        }
        return ConsoleMessage{static_cast<uint32_t>(decode(bytes.data(), 4, order)),
                              static_cast<uint16_t>(decode(bytes.data() + 4, 2, order)),
                              static_cast<uint16_t>(decode(bytes.data() + 6, 2, order))};
    }
    [[nodiscard]] std::vector<uint8_t> encoded(ByteOrder order, std::string_view behind = {}) const {
        std::vector<uint8_t> bytes(wire::console::message_bytes);
        encode(bytes.data(), 4, port, order);
        encode(bytes.data() + 4, 2, event, order);
        encode(bytes.data() + 6, 2, value, order);
        bytes.insert(bytes.end(), behind.begin(), behind.end());
        return bytes;
    }
};

struct ConsoleSize {
    uint16_t cols = 0;
    uint16_t rows = 0;

    /// struct virtio_console_resize.
    [[nodiscard]] std::string encoded(ByteOrder order) const {
        uint8_t bytes[4];
        encode(bytes, 2, cols, order);
        encode(bytes + 2, 2, rows, order);
        return {bytes, bytes + 4};
    }
};

struct ConsolePort {
    // What the host has made of it.
    bool is_added = false;
    bool is_console = false;
    bool is_open = false;
    std::optional<std::string> name;
    std::optional<ConsoleSize> size;

    std::string input;            ///< typed, and not yet in a buffer
    std::string output;           ///< printed
    size_t may_pass = unlimited;  ///< transmit buffers that the device may still use
    static constexpr size_t unlimited = ~size_t{0};

    /// What the driver knows of it and has said about it, since the last reset.
    struct Session {
        bool announced = false;  ///< DEVICE_ADD was delivered
        bool ready = false;
        bool open = false;
        bool owes_open = false;  ///< CONSOLE_PORT was delivered, and not answered with PORT_OPEN 1
    };
    Session driver;

    /// What the device tells the driver about a port that is ready (§5.3.5).
    [[nodiscard]] std::vector<std::vector<uint8_t>> description(uint32_t number, ByteOrder order) const {
        using namespace wire::console;
        std::vector<std::vector<uint8_t>> messages;
        if (is_console) {
            messages.push_back(ConsoleMessage{number, console_port, 1}.encoded(order));
        }
        if (size) {
            messages.push_back(ConsoleMessage{number, event_resize, 0}.encoded(order, size->encoded(order)));
        }
        if (name) {
            messages.push_back(ConsoleMessage{number, port_name, 1}.encoded(order, *name));
        }
        if (is_open) {
            messages.push_back(ConsoleMessage{number, port_open, 1}.encoded(order));
        }
        return messages;
    }
};

}  // namespace virtq::sim
