// SPDX-License-Identifier: MIT
#include <virtq/device/request_pool.hpp>

#include <support/contract.hpp>

#include <cstdint>

namespace virtq::test {
namespace {

using Pool = RequestPool<4>;

Token token(std::uintptr_t value) {
    return Token{value};
}

TEST(RequestPool, HandsOutAsManyRecordsAsItWasGiven) {
    Pool pool;
    pool.reset(3);
    EXPECT_NE(pool.take(token(1), 0), Pool::none);
    EXPECT_NE(pool.take(token(2), 0), Pool::none);
    EXPECT_NE(pool.take(token(3), 0), Pool::none);
    EXPECT_EQ(pool.take(token(4), 0), Pool::none);
    EXPECT_EQ(pool.in_flight(), 3);
}

TEST(RequestPool, HandsOutFinishedRequestsInTheOrderInWhichTheyFinished) {
    Pool pool;
    pool.reset(4);
    std::uint16_t const a = pool.take(token(1), 0);
    std::uint16_t const b = pool.take(token(2), 0);
    std::uint16_t const c = pool.take(token(3), 0);
    pool.finish(c, Error::none);
    pool.finish(a, Error::io_error);
    EXPECT_EQ(pool.take_finished().token, token(3));
    pool.finish(b, Error::none);
    Pool::Finished const second = pool.take_finished();
    EXPECT_EQ(second.token, token(1));
    EXPECT_EQ(second.error, Error::io_error);
    EXPECT_EQ(pool.take_finished().token, token(2));
    EXPECT_FALSE(pool.take_finished().found);
    EXPECT_EQ(pool.in_flight(), 0);
}

TEST(RequestPool, HandsOutOneRequestBeforeItsTurn) {
    for (int which = 0; which < 3; ++which) {
        Pool pool;
        pool.reset(4);
        std::uint16_t numbers[3];
        for (std::uintptr_t i = 0; i < 3; ++i) {
            numbers[i] = pool.take(token(i + 1), 0);
        }
        for (std::uint16_t const number : numbers) {
            pool.finish(number, Error::none);
        }
        EXPECT_TRUE(pool.is_finished(numbers[which]));
        EXPECT_EQ(pool.take_finished(numbers[which]), Error::none);
        EXPECT_FALSE(pool.is_finished(numbers[which]));
        std::uint16_t const again = pool.take(token(9), 0);
        pool.finish(again, Error::none);
        for (std::uintptr_t i = 0; i < 3; ++i) {
            if (static_cast<int>(i) != which) {
                EXPECT_EQ(pool.take_finished().token, token(i + 1));
            }
        }
        EXPECT_EQ(pool.take_finished().token, token(9));
        EXPECT_FALSE(pool.take_finished().found);
    }
}

TEST(RequestPool, ForgetsAnAbandonedRequestWhenItFinishes) {
    Pool pool;
    pool.reset(1);
    std::uint16_t const number = pool.take(token(1), 0);
    pool.abandon(number);
    EXPECT_EQ(pool.take(token(2), 0), Pool::none);
    pool.finish(number, Error::none);
    EXPECT_FALSE(pool.take_finished().found);
    EXPECT_NE(pool.take(token(2), 0), Pool::none);
}

TEST(RequestPool, TakesBackWhatNeverReachedTheDevice) {
    Pool pool;
    pool.reset(1);
    pool.give_back(pool.take(token(1), 0));
    EXPECT_EQ(pool.in_flight(), 0);
    EXPECT_NE(pool.take(token(2), 512), Pool::none);
    EXPECT_EQ(pool.expected_bytes(0), 512u);
}

}  // namespace
}  // namespace virtq::test
