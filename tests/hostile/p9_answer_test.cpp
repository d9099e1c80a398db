// SPDX-License-Identifier: MIT
#include <device/p9_machine.hpp>
#include <virtq/platform/detail/ring_memory.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>

/// A 9P device that goes on writing into an answer while the driver reads it.
namespace virtq::test {
namespace {

static_assert(platform::ring_memory_is_replaced, "watched/ stands before include/ in the include path");

/// Spoils each byte of an answer as soon as the driver has read it.
class Spoiler {
public:
    Spoiler(std::uint8_t* answer, std::size_t bytes) : answer_(answer), bytes_(bytes) {
        platform::before_access = [this](platform::Access const& access) { before(access); };
    }
    ~Spoiler() { platform::before_access = nullptr; }
    Spoiler(Spoiler const&) = delete;
    Spoiler& operator=(Spoiler const&) = delete;

    [[nodiscard]] std::size_t reads() const { return reads_; }

private:
    void before(platform::Access const& access) {
        auto const* const at = static_cast<std::uint8_t const*>(access.at);
        if (access.is_store || at < answer_ || at >= answer_ + bytes_) {
            return;
        }
        std::fill_n(answer_, read_, std::uint8_t{0xee});
        EXPECT_EQ(at, answer_ + read_) << "these bytes are read again, or out of order";
        read_ = static_cast<std::size_t>(at - answer_) + access.bytes;
        ++reads_;
    }

    std::uint8_t* answer_;
    std::size_t bytes_;
    std::size_t read_ = 0;  ///< how many bytes the driver has read
    std::size_t reads_ = 0;
};

// The header that the driver checks is the one that the kernel gets.
TEST(HostileP9, ReadsEachByteOfAnAnswerOnce) {
    P9Machine<> machine;
    machine.bring_up();
    machine.server.hold();
    GuardedAnswer answer(20);
    machine.submit({machine.ask(1), answer.span()}, 1);
    machine.driver.kick_device();
    machine.device.step();
    std::uint8_t* const shared = machine.server.parked().front().chain.writable.front().virt;
    machine.server.release();
    machine.device.step();
    Spoiler const spoiler{shared, 20};
    machine.expect_ended(1, 10);
    EXPECT_EQ(answer.first(10), machine.echo(1));
    EXPECT_EQ(spoiler.reads(), 2u);  // the header, and the rest
    EXPECT_FALSE(machine.driver.driver_fault());
}

}  // namespace
}  // namespace virtq::test
