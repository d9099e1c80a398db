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
/// **Invariants** 1. A record is *free*; in flight (*single*, *waiting*, *awaited* by one caller, *abandoned*); or done
/// (*ready* for that caller, *finished*). 2. Finished records are handed out in the order in which they finished. 3. A
/// token is handed out once. 4. A *single* record is a request of one part that nobody waits for, as most are. It is
/// at the device, and has no `owner` and no `parts`, which would cost more than the rest.
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
        first_finished_ = none;
        in_flight_ = 0;
    }

    /// Parts that the device has.
    [[__nodiscard__]] uint16_t in_flight() const { return in_flight_; }

    /// Takes a record for a new request; `none` if all are in use.
    [[__nodiscard__]] uint16_t take(Token token, uint32_t length) {
        uint16_t const number = free_;
        if (number != none) {
            Record& record = records_[number];  // field by field: a record that is copied whole is built on the stack
            free_ = record.next;
            ++in_flight_;
            record.token = token;
            record.length = length;
            record.next = none;
            record.state = State::single;
            record.error = Error::none;
        }
        return number;
    }

    /// Takes a record for one more part of `owner`'s request, to follow the part `previous`; `none` if all are in use.
    [[__nodiscard__]] uint16_t take_part(uint16_t owner, uint16_t previous, uint32_t length) {
        uint16_t const number = take(Token{}, length);
        if (number != none) {
            make_owner(owner);
            ++records_[owner].parts;
            records_[previous].next = number;
            records_[number].owner = owner;
            records_[number].state = State::waiting;
            records_[number].at_device = true;
        }
        return number;
    }

    /// The part after this one; `none` after the last. Valid only before the parts have gone to the device.
    [[__nodiscard__]] uint16_t next_part(uint16_t number) const { return records_[number].next; }

    /// Gives back a record that was taken but never reached the device.
    void give_back(uint16_t number) {
        --in_flight_;
        records_[number].at_device = false;
        put_free(number);
    }

    /// The length of this part, in the unit of its driver.
    [[__nodiscard__]] uint32_t length(uint16_t number) const { return records_[number].length; }

    /// Replaces the length, for a driver that hands out what the device wrote.
    void set_length(uint16_t number, uint32_t length) { records_[number].length = length; }

    /// One caller waits for this request: only `take_awaited` hands it out, not `take_finished`.
    void await(uint16_t number) {
        make_owner(number);
        records_[number].state = State::awaited;
    }
    [[__nodiscard__]] bool is_ready(uint16_t number) const { return records_[number].state == State::ready; }
    /// Frees the record and returns how its request ended. Requires `is_ready`.
    [[__nodiscard__]] Error take_awaited(uint16_t number) {
        Error const error = records_[number].error;
        put_free(number);
        return error;
    }

    /// Nobody waits for this request any more: its completion only frees the record.
    void abandon(uint16_t number) {
        make_owner(number);
        records_[number].state = State::abandoned;
    }

    /// The device is done with one part. After the last one, the request can be handed out, unless it was abandoned.
    void finish(uint16_t number, Error error) {
        --in_flight_;
        Record& record = records_[number];
        if (record.state == State::single) [[__likely__]] {
            record.error = error;
            return stand_in_line(number);
        }
        finish_part(number, error);
    }

    /// Whether `take_finished` has something to hand out.
    [[__nodiscard__]] bool has_finished() const { return count_ != 0 && first_finished_ != none; }

    struct Finished {
        Token token;
        Error error = Error::none;
        bool found = false;
        uint32_t length = 0;
    };

    /// Hands out the request that finished first.
    [[__nodiscard__]] Finished take_finished() {
        if (!has_finished()) {
            return {};
        }
        uint16_t const number = first_finished_;
        Record const& record = records_[number];
        Finished const finished{record.token, record.error, true, record.length};
        first_finished_ = record.next;
        put_free(number);
        return finished;
    }

    /// After a reset of the device: ends every part in flight with `error`, also those of abandoned requests. Calls
    /// `each(number)` for each part first. At most `S` steps.
    template <class Each>
    void cancel_all(Error error, Each each) {
        for (uint16_t number = 0; number < count_; ++number) {
            if (records_[number].state == State::single || records_[number].at_device) {
                each(number);
                finish(number, error);
            }
        }
    }

private:
    enum class State : uint8_t { free, single, waiting, awaited, ready, abandoned, finished };

    struct Record {
        Token token{};
        uint32_t length = 0;
        uint16_t next = 0;  ///< in the free list, the parts of one request, or the list of finished ones
        State state = State::free;
        Error error = Error::none;
        uint16_t owner = 0;      ///< unless single: the record that represents the whole request
        uint16_t parts = 0;      ///< in an owner: parts that have not ended
        bool at_device = false;  ///< unless single: this part is in flight
    };

    /// Makes a single record one that may have more parts, and that somebody may wait for.
    void make_owner(uint16_t number) {
        Record& record = records_[number];
        if (record.state == State::single) {
            record.owner = number;
            record.parts = 1;
            record.at_device = true;
            record.state = State::waiting;
        }
    }

    /// `finish` for a record that is not single. It is a separate function because few are.
    [[gnu::__noinline__]] void finish_part(uint16_t number, Error error) {
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

    void put_free(uint16_t number) {
        records_[number].state = State::free;
        records_[number].next = free_;
        free_ = number;
    }

    void stand_in_line(uint16_t number) {
        records_[number].state = State::finished;
        records_[number].next = none;
        if (first_finished_ == none) {
            first_finished_ = number;
        } else {
            records_[last_finished_].next = number;
        }
        last_finished_ = number;
    }

    uint16_t count_ = 0;
    uint16_t free_ = 0;
    uint16_t first_finished_ = 0;
    uint16_t last_finished_ = 0;  ///< if there is a first one
    uint16_t in_flight_ = 0;
    Record records_[S] = {};  // last: x86 reaches the words before it by shorter instructions
};

}  // namespace virtq::detail
