// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/error.hpp>
#include <virtq/queue/token.hpp>

#include <stdint.h>

namespace virtq {

/// Private records of a driver's requests in flight: `S` of them, in place, all zero at first. A record is named by
/// its number, which is the token that the queue carries; the caller's own token stays in the record and is never
/// looked behind.
///
/// **Invariants** 1. Each record is free, in flight, abandoned (in flight, and nobody waits for it), or finished. 2.
/// `finished` records are handed out in the order in which they finished.
template <uint32_t S>
class RequestPool {
    static_assert(S != 0 && S < UINT16_MAX, "RequestPool<S>: S is from 1 to 65534");

public:
    /// No record.
    static constexpr uint16_t none = UINT16_MAX;

    /// `count` records become free, at most `S`.
    void reset(uint16_t count) {
        count_ = count;
        for (uint16_t i = 0; i < count; ++i) {
            records_[i] = Record{};
            records_[i].next = i + 1 < count ? static_cast<uint16_t>(i + 1) : none;
        }
        free_ = count != 0 ? uint16_t{0} : none;
        first_finished_ = last_finished_ = none;
        in_flight_ = 0;
    }

    [[nodiscard]] uint16_t in_flight() const { return in_flight_; }

    /// Takes a free record; `none` if there is none.
    [[nodiscard]] uint16_t take(Token token, uint32_t readable_bytes) {
        if (free_ == none) {
            return none;
        }
        uint16_t const number = free_;
        Record& record = records_[number];
        free_ = record.next;
        record = Record{token, readable_bytes, none, State::in_flight, Error::none};
        ++in_flight_;
        return number;
    }

    /// Gives back a record that was taken and never reached the device.
    void give_back(uint16_t number) {
        --in_flight_;
        put_free(number);
    }

    /// Bytes that the device has to deliver for the request to be complete.
    [[nodiscard]] uint32_t expected_bytes(uint16_t number) const { return records_[number].expected_bytes; }

    [[nodiscard]] bool is_finished(uint16_t number) const { return records_[number].state == State::finished; }

    /// Nobody waits for this request any more: its completion will only free the record.
    void abandon(uint16_t number) { records_[number].state = State::abandoned; }

    /// The device is done with a request. It waits in line to be handed out, unless it was abandoned.
    void finish(uint16_t number, Error error) {
        Record& record = records_[number];
        --in_flight_;
        if (record.state == State::abandoned) {
            put_free(number);
            return;
        }
        record.state = State::finished;
        record.error = error;
        record.next = none;
        if (last_finished_ == none) {
            first_finished_ = number;
        } else {
            records_[last_finished_].next = number;
        }
        last_finished_ = number;
    }

    struct Finished {
        Token token;
        Error error = Error::none;
        bool found = false;
    };

    /// Hands out the request that finished first.
    [[nodiscard]] Finished take_finished() {
        if (first_finished_ == none) {
            return {};
        }
        uint16_t const number = first_finished_;
        Record const record = records_[number];
        first_finished_ = record.next;
        if (first_finished_ == none) {
            last_finished_ = none;
        }
        put_free(number);
        return {record.token, record.error, true};
    }

    /// Hands out one finished request before its turn: whoever submitted it waits for it. At most `S` steps.
    [[nodiscard]] Error take_finished(uint16_t number) {
        uint16_t before = none;
        uint16_t current = first_finished_;
        while (current != number) {
            before = current;
            current = records_[current].next;
        }
        uint16_t const after = records_[number].next;
        (before == none ? first_finished_ : records_[before].next) = after;
        if (last_finished_ == number) {
            last_finished_ = before;
        }
        Error const error = records_[number].error;
        put_free(number);
        return error;
    }

private:
    enum class State : uint8_t { free, in_flight, abandoned, finished };

    struct Record {
        Token token;
        uint32_t expected_bytes = 0;
        uint16_t next = 0;  ///< in the free list, or in the line of finished ones
        State state = State::free;
        Error error = Error::none;
    };

    void put_free(uint16_t number) {
        records_[number].state = State::free;
        records_[number].next = free_;
        free_ = number;
    }

    Record records_[S] = {};
    uint16_t count_ = 0;
    uint16_t free_ = 0;
    uint16_t first_finished_ = 0;
    uint16_t last_finished_ = 0;
    uint16_t in_flight_ = 0;
};

}  // namespace virtq
