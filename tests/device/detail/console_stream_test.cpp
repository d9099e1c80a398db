// SPDX-License-Identifier: MIT
#include <virtq/device/detail/console/console_stream.hpp>

#include <gtest/gtest.h>

#include <array>
#include <cstdint>

namespace virtq::test {
namespace {

/// What `ConsoleOutput` needs of a `SlotQueue`, with a ring that refuses everything after some chains.
class RefusingQueue {
public:
    static constexpr uint16_t no_slot = UINT16_MAX;

    [[nodiscard]] uint16_t take_slot(Token) { return slots != 0 ? --slots : no_slot; }
    void put(uint16_t, uint32_t, void const*, uint32_t bytes) { copied += bytes; }
    void abandon(uint16_t) {}
    struct Chain {
        uint32_t command_bytes;
    };
    [[nodiscard]] Error send(uint16_t, Chain const&) {
        if (accepted == 0) {
            return Error::queue_broken;
        }
        --accepted;
        return Error::none;
    }

    uint16_t slots = 8;
    unsigned accepted = 2;
    uint32_t copied = 0;
};

TEST(ConsoleOutput, CountsNothingThatTheRingRefused) {
    detail::ConsoleOutput<RefusingQueue, 4> output;
    std::array<uint8_t, 20> const bytes{};
    EXPECT_EQ(output.write(bytes), 8u);
    EXPECT_EQ(output.write(bytes), 0u);
    EXPECT_EQ(output.copied, 16u);  // it was copied, and refused
}

}  // namespace
}  // namespace virtq::test
