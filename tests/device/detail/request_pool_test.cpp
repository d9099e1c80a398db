// SPDX-License-Identifier: MIT
#include <virtq/device/detail/request_pool.hpp>

#include <support/contract.hpp>

#include <cstdint>
#include <vector>

namespace virtq::test {

using namespace virtq::detail;

namespace {

using Pool = RequestPool<4>;

Token token(std::uintptr_t value) {
    return Token{value};
}

/// Free records, counted by taking all of them for a moment.
unsigned free_records(Pool& pool) {
    std::vector<std::uint16_t> taken;
    for (std::uint16_t number = pool.take(Token{}, 0); number != Pool::none; number = pool.take(Token{}, 0)) {
        taken.push_back(number);
    }
    for (std::uint16_t const number : taken) {
        pool.give_back(number);
    }
    return static_cast<unsigned>(taken.size());
}

TEST(RequestPool, HandsOutOnlyItsRecords) {
    Pool pool;
    pool.reset(3);
    EXPECT_NE(pool.take(token(1), 0), Pool::none);
    EXPECT_NE(pool.take(token(2), 0), Pool::none);
    EXPECT_NE(pool.take(token(3), 0), Pool::none);
    EXPECT_EQ(pool.take(token(4), 0), Pool::none);
    EXPECT_EQ(pool.in_flight(), 3);
}

TEST(RequestPool, ReturnsRequestsInFinishingOrder) {
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

TEST(RequestPool, KeepsAwaitedRequestsForTheirCaller) {
    Pool pool;
    pool.reset(4);
    std::uint16_t const mine = pool.take(token(1), 0);
    std::uint16_t const other = pool.take(token(2), 0);
    pool.await(mine);
    pool.finish(mine, Error::io_error);
    pool.finish(other, Error::none);
    EXPECT_TRUE(pool.is_ready(mine));
    EXPECT_EQ(pool.take_finished().token, token(2));
    EXPECT_FALSE(pool.take_finished().found);
    EXPECT_EQ(free_records(pool), 3u);
    EXPECT_EQ(pool.take_awaited(mine), Error::io_error);
    EXPECT_EQ(free_records(pool), 4u);
}

TEST(RequestPool, LastPartEndsWithFirstError) {
    Pool pool;
    pool.reset(4);
    std::uint16_t const owner = pool.take(token(7), 0);
    std::uint16_t const second = pool.take_part(owner, owner, 0);
    std::uint16_t const third = pool.take_part(owner, second, 0);
    EXPECT_EQ(pool.next_part(owner), second);
    EXPECT_EQ(pool.next_part(second), third);
    EXPECT_EQ(pool.next_part(third), Pool::none);
    pool.finish(third, Error::none);
    pool.finish(owner, Error::short_read);
    EXPECT_FALSE(pool.has_finished());
    EXPECT_EQ(free_records(pool), 2u);  // the first part stands for the request until it is taken
    pool.finish(second, Error::io_error);
    Pool::Finished const finished = pool.take_finished();
    EXPECT_EQ(finished.token, token(7));
    EXPECT_EQ(finished.error, Error::short_read);
    EXPECT_EQ(free_records(pool), 4u);
}

TEST(RequestPool, RefusesAPartWithoutARecord) {
    Pool pool;
    pool.reset(1);
    std::uint16_t const owner = pool.take(token(7), 0);
    EXPECT_EQ(pool.take_part(owner, owner, 0), Pool::none);
    EXPECT_EQ(pool.next_part(owner), Pool::none);
    pool.finish(owner, Error::none);
    EXPECT_EQ(pool.take_finished().token, token(7));  // ends with its own part
}

TEST(RequestPool, IsEmptyWithoutRecords) {
    Pool pool;
    EXPECT_FALSE(pool.has_finished());
    EXPECT_FALSE(pool.take_finished().found);
}

TEST(RequestPool, CancelsEveryPartInFlightOnce) {
    Pool pool;
    pool.reset(4);
    std::uint16_t const owner = pool.take(token(1), 0);
    std::uint16_t const part = pool.take_part(owner, owner, 0);
    std::uint16_t const abandoned = pool.take(token(2), 0);
    std::uint16_t const ended = pool.take(token(3), 0);
    pool.abandon(abandoned);
    pool.finish(ended, Error::none);
    pool.finish(owner, Error::none);  // its own part has ended, the second has not
    std::vector<std::uint16_t> cancelled;
    pool.cancel_all(Error::request_cancelled, [&](std::uint16_t number) { cancelled.push_back(number); });
    EXPECT_EQ(cancelled, (std::vector<std::uint16_t>{part, abandoned}));
    EXPECT_EQ(pool.take_finished().token, token(3));
    Pool::Finished const whole = pool.take_finished();
    EXPECT_EQ(whole.token, token(1));
    EXPECT_EQ(whole.error, Error::request_cancelled);
    EXPECT_FALSE(pool.take_finished().found);
    EXPECT_EQ(free_records(pool), 4u);
    EXPECT_EQ(pool.in_flight(), 0);
}

TEST(RequestPool, FreesAbandonedRequestsWhenFinished) {
    Pool pool;
    pool.reset(1);
    std::uint16_t const number = pool.take(token(1), 0);
    pool.abandon(number);
    EXPECT_EQ(pool.take(token(2), 0), Pool::none);
    pool.finish(number, Error::none);
    EXPECT_FALSE(pool.take_finished().found);
    EXPECT_NE(pool.take(token(2), 0), Pool::none);
}

TEST(RequestPool, TakesBackUnsentRequests) {
    Pool pool;
    pool.reset(1);
    pool.give_back(pool.take(token(1), 0));
    EXPECT_EQ(pool.in_flight(), 0);
    EXPECT_NE(pool.take(token(2), 512), Pool::none);
    EXPECT_EQ(pool.length(0), 512u);
}

}  // namespace
}  // namespace virtq::test
