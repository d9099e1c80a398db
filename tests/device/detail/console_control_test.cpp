// SPDX-License-Identifier: MIT
#include <virtq/device/detail/console/console_control.hpp>

#include <virtq/queue/fault.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

/// The messages of a console without rings: their bytes in both orders.
namespace virtq::test {
namespace {

using Bytes = std::vector<std::uint8_t>;

struct SoundRing {
    [[nodiscard]] static Fault fault() { return {}; }
};

/// What `ConsoleControl` needs of a `PostedQueue`.
struct InboxOfMessages {
    struct Filled {
        uint16_t number = 0;
        uint32_t bytes = 0;
        CompletionState state = CompletionState::none;
        [[nodiscard]] explicit operator bool() const { return state == CompletionState::ready; }
    };
    [[nodiscard]] static SoundRing ring() { return {}; }
    [[nodiscard]] Filled take() const {
        return message.empty() ? Filled{} : Filled{0, static_cast<uint32_t>(message.size()), CompletionState::ready};
    }
    void copy(Filled const&, uint32_t offset, void* to, uint32_t bytes) const {
        if (bytes != 0) {
            std::memcpy(to, message.data() + offset, bytes);
        }
    }
    void post(uint16_t) { message.clear(); }

    Bytes message;
};

/// What it needs of a `SlotQueue`.
struct OutboxOfMessages {
    static constexpr uint16_t no_slot = UINT16_MAX;
    struct Chain {
        uint32_t command_bytes;
    };
    [[nodiscard]] static SoundRing ring() { return {}; }
    [[nodiscard]] static uint16_t take_slot(Token) { return 0; }
    static void abandon(uint16_t) {}
    void put(uint16_t, uint32_t, void const* from, uint32_t bytes) {
        auto const* const first = static_cast<std::uint8_t const*>(from);
        sent = Bytes(first, first + bytes);
    }
    [[nodiscard]] static Error send(uint16_t, Chain const&) { return Error::none; }

    Bytes sent;
};

struct TwoNumberedPorts {
    static constexpr uint32_t port_max = 2;
    static constexpr uint32_t name_bytes = 8;
};

TEST(ConsoleControl, SpeaksTheByteOrderOfTheDevice) {
    detail::ConsoleControl<TwoNumberedPorts, InboxOfMessages, OutboxOfMessages> control;
    control.reset(2, 2, detail::ByteOrder::big);
    control.announce();
    EXPECT_EQ(control.transmit.sent, (Bytes{0, 0, 0, 0, 0, 0, 0, 1}));
    control.receive.message = {0, 0, 0, 1, 0, 1, 0, 0};
    EXPECT_EQ(control.take_news().event, ConsoleEvent::added);
    control.send_owed();
    EXPECT_EQ(control.transmit.sent, (Bytes{0, 0, 0, 1, 0, 3, 0, 1}));
    control.receive.message = {0, 0, 0, 1, 0, 5, 0, 0, 0, 80, 0, 25};
    EXPECT_EQ(control.take_news().event, ConsoleEvent::resized);
    EXPECT_EQ(control.describe_port(1).size, (ConsoleSize{80, 25}));

    control.reset(2, 2, detail::ByteOrder::little);
    control.announce();
    EXPECT_EQ(control.transmit.sent, (Bytes{0, 0, 0, 0, 0, 0, 1, 0}));
    control.receive.message = {1, 0, 0, 0, 1, 0, 0, 0};
    EXPECT_EQ(control.take_news().port, 1u);
    EXPECT_FALSE(control.take_news().found);
    EXPECT_FALSE(control.is_broken());
}

}  // namespace
}  // namespace virtq::test
