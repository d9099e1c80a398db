// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/error.hpp>
#include <virtq/queue/token.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The records of a driver's requests: `S` of them, stored in place. A record's number is the token that the queue
/// carries. The caller's own token is kept in the record and never interpreted.
///
/// A request may reach the device in several parts, each with its own record. The first part's record, the *owner*,
/// represents the whole request. It ends when the last part has ended, with the first error of any part.
///
/// **Invariants** 1. A record is *free*; in flight (*waiting*, *awaited* by one caller, *abandoned*); or done (*ready*
/// for that caller, *finished*). 2. Finished records are handed out in the order in which they finished. 3. A token is
/// handed out once.
template <uint32_t S>
class RequestPool {
    static_assert(S != 0 && S < UINT16_MAX, "RequestPool<S>: use an S from 1 to 65534.");

public:
    /// Means: no record.
    static constexpr uint16_t none = UINT16_MAX;

    /// Makes `count` records free, at most `S`.
    void reset(uint16_t count) {
        count_ = count;
        for (uint16_t i = 0; i < count; ++i) {
            records_[i] = Record{};
            records_[i].next = i + 1 < count ? static_cast<uint16_t>(i + 1) : none;
        }
        free_ = count != 0 ? uint16_t{0} : none;
        first_finished_ = last_finished_ = none;
        in_use_ = in_flight_ = 0;
    }

    /// Parts that the device has.
    [[__nodiscard__]] uint16_t in_flight() const { return in_flight_; }
    [[__nodiscard__]] uint16_t num_free() const { return static_cast<uint16_t>(count_ - in_use_); }

    /// Takes a record for a new request; `none` if all are in use.
    [[__nodiscard__]] uint16_t take(Token token, uint32_t length) {
        uint16_t const number = take_free();
        if (number != none) {
            records_[number] = Record{token, length, none, number, 1, State::waiting, Error::none, true};
        }
        return number;
    }

    /// Takes a record for one more part of `owner`'s request, to follow the part `previous`; `none` if all are in use.
    [[__nodiscard__]] uint16_t take_part(uint16_t owner, uint16_t previous, uint32_t length) {
        uint16_t const number = take_free();
        if (number != none) {
            records_[number] = Record{Token{}, length, none, owner, 0, State::waiting, Error::none, true};
            records_[previous].next = number;
            ++records_[owner].parts;
        }
        return number;
    }

    /// The part after this one; `none` after the last. Valid only before the parts have gone to the device.
    [[__nodiscard__]] uint16_t next_part(uint16_t number) const { return records_[number].next; }

    /// Gives back a record that was taken but never reached the device.
    void give_back(uint16_t number) {
        --in_flight_;
        put_free(number);
    }

    /// The length of this part, in the unit of its driver.
    [[__nodiscard__]] uint32_t length(uint16_t number) const { return records_[number].length; }

    /// One caller waits for this request: only `take_awaited` hands it out, not `take_finished`.
    void await(uint16_t number) { records_[number].state = State::awaited; }
    [[__nodiscard__]] bool is_ready(uint16_t number) const { return records_[number].state == State::ready; }
    /// Frees the record and returns how its request ended. Requires `is_ready`.
    [[__nodiscard__]] Error take_awaited(uint16_t number) {
        Error const error = records_[number].error;
        put_free(number);
        return error;
    }

    /// Nobody waits for this request any more: its completion only frees the record.
    void abandon(uint16_t number) { records_[number].state = State::abandoned; }

    /// The device is done with one part. After the last one, the request can be handed out, unless it was abandoned.
    void finish(uint16_t number, Error error) {
        --in_flight_;
        records_[number].at_device = false;
        uint16_t const owner = records_[number].owner;
        Record& request = records_[owner];
        if (request.error == Error::none) {
            request.error = error;
        }
        if (number != owner) {
            put_free(number);
        }
        if (--request.parts != 0) {
            return;
        }
        switch (request.state) {
            case State::awaited: request.state = State::ready; return;
            case State::abandoned: put_free(owner); return;
            default: stand_in_line(owner);
        }
    }

    /// Whether `take_finished` has something to hand out.
    [[__nodiscard__]] bool has_finished() const { return count_ != 0 && first_finished_ != none; }

    struct Finished {
        Token token;
        Error error = Error::none;
        bool found = false;
    };

    /// Hands out the request that finished first.
    [[__nodiscard__]] Finished take_finished() {
        if (!has_finished()) {
            return {};
        }
        uint16_t const number = first_finished_;
        Record const& record = records_[number];
        Finished const finished{record.token, record.error, true};
        first_finished_ = record.next;
        if (first_finished_ == none) {
            last_finished_ = none;
        }
        put_free(number);
        return finished;
    }

    /// After a reset of the device: ends every part in flight with `error`, also those of abandoned requests. Calls
    /// `each(number)` for each part first. At most `S` steps.
    template <class Each>
    void cancel_all(Error error, Each each) {
        for (uint16_t number = 0; number < count_; ++number) {
            if (records_[number].at_device) {
                each(number);
                finish(number, error);
            }
        }
    }

private:
    enum class State : uint8_t { free, waiting, awaited, ready, abandoned, finished };

    struct Record {
        Token token{};
        uint32_t length = 0;
        uint16_t next = 0;   ///< in the free list, the parts of one request, or the list of finished ones
        uint16_t owner = 0;  ///< the record that represents the whole request
        uint16_t parts = 0;  ///< in an owner: parts that have not ended
        State state = State::free;
        Error error = Error::none;
        bool at_device = false;  ///< this part is in flight
    };

    [[__nodiscard__]] uint16_t take_free() {
        uint16_t const number = free_;
        if (number != none) {
            free_ = records_[number].next;
            ++in_use_;
            ++in_flight_;
        }
        return number;
    }

    void put_free(uint16_t number) {
        records_[number].state = State::free;
        records_[number].at_device = false;
        records_[number].next = free_;
        free_ = number;
        --in_use_;
    }

    void stand_in_line(uint16_t number) {
        records_[number].state = State::finished;
        records_[number].next = none;
        if (last_finished_ == none) {
            first_finished_ = number;
        } else {
            records_[last_finished_].next = number;
        }
        last_finished_ = number;
    }

    Record records_[S] = {};
    uint16_t count_ = 0;
    uint16_t free_ = 0;
    uint16_t first_finished_ = 0;
    uint16_t last_finished_ = 0;
    uint16_t in_use_ = 0;
    uint16_t in_flight_ = 0;
};

}  // namespace virtq::detail
