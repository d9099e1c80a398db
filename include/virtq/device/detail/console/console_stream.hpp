// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/error.hpp>
#include <virtq/base/span.hpp>
#include <virtq/queue/completion.hpp>
#include <virtq/queue/token.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq::detail {

/// The receive queue of a port, a `PostedQueue`, read as a stream of bytes.
///
/// **Invariant** Every buffer is with the device, except for `current_` if `has_rest_`: it is read from `at_` on.
template <class Queue>
class ConsoleInput : public Queue {
public:
    /// For `DriverCore`: the device has stopped. What was not read is dropped with its buffer.
    void stop_with(Error error) {
        Queue::stop_with(error);
        has_rest_ = false;
    }

    /// Copies what has arrived, at most all of `to`, and returns how many bytes. Each byte is read once. `publish` then
    /// gives the device its buffers back.
    [[__nodiscard__]] uint32_t read(Span<uint8_t> to) {
        uint32_t have = 0;
        while (have < to.size() && has_buffer()) {  // ends: the device gets no buffer back before `publish`
            uint32_t const left = current_.bytes - at_;
            size_t const room = to.size() - have;
            uint32_t const part = left < room ? left : static_cast<uint32_t>(room);
            this->copy(current_, at_, to.data() + have, part);
            have += part;
            at_ += part;
            if (at_ == current_.bytes) {
                this->post(current_.number);
                has_rest_ = false;
            }
        }
        return have;
    }

    /// Whether a buffer is partly read.
    [[__nodiscard__]] bool has_rest() const { return has_rest_; }

private:
    [[__nodiscard__]] bool has_buffer() {
        if (!has_rest_) {
            current_ = this->take();
            at_ = 0;
            has_rest_ = static_cast<bool>(current_);
        }
        return has_rest_;
    }

    typename Queue::Filled current_{0, 0, CompletionState{}};  // all zero, as the whole driver is at first
    uint32_t at_ = 0;
    bool has_rest_ = false;
};

/// The transmit queue of a port, a `SlotQueue` with commands of `Bytes` bytes, written as a stream of bytes. The bytes are copied, so nobody waits for their end.
template <class Queue, uint32_t Bytes>
class ConsoleOutput : public Queue {
public:
    /// Copies as much of `from` as there is room for, and returns how many bytes. `publish` then shows them to the
    /// device. Call `collect` before.
    [[__nodiscard__]] uint32_t write(Span<uint8_t const> from) {
        uint32_t taken = 0;
        while (taken < from.size()) {
            uint16_t const slot = this->take_slot(Token{});
            if (slot == Queue::no_slot) {
                break;
            }
            size_t const left = from.size() - taken;
            uint32_t const part = left < Bytes ? static_cast<uint32_t>(left) : Bytes;
            this->put(slot, 0, from.data() + taken, part);
            this->abandon(slot);  // its completion frees the slot, and so does an error
            if (this->send(slot, {part}) != Error::none) {
                break;
            }
            taken += part;
        }
        return taken;
    }
};

}  // namespace virtq::detail
