// SPDX-License-Identifier: MIT
#pragma once

#include "case.hpp"
#include "device.hpp"
#include "memory.hpp"

#include <new>

namespace bench {

/// What is counted: all that a driver does for its requests, with the loop around it. callgrind collects in the
/// functions of this class and in what they call, and nowhere else.
///
/// A ring has `prepare(slot)`, which makes the request of a slot beforehand, `add(slot)`, `publish()`, and `take()`,
/// which returns the token of a completion or 0. Or it has `submit_all` and `take_all`, for bursts.
template <class Ring>
class Drive {
public:
    [[gnu::noinline]] static unsigned long submit(Ring& ring, unsigned batch) {
        if constexpr (requires { ring.submit_all(batch); }) {
            return ring.submit_all(batch);
        } else {
            for (unsigned i = 0; i < batch; ++i) {
                if (!ring.add(i)) {
                    fail("a request was refused that should have fitted");
                }
            }
            return ring.publish() ? 1 : 0;
        }
    }
    [[gnu::noinline]] static unsigned take(Ring& ring, unsigned most, unsigned long& token_sum) {
        if constexpr (requires { ring.take_all(most, token_sum); }) {
            return ring.take_all(most, token_sum);
        } else {
            unsigned taken = 0;
            unsigned long sum = 0;
            for (; taken < most; ++taken) {
                unsigned long const token = ring.take();
                if (token == 0) {
                    break;
                }
                sum += token;
            }
            token_sum += sum;
            return taken;
        }
    }
};

/// A ring with the device of its format.
template <class Ring, class Device>
class Machine final : public Contender {
public:
    explicit Machine(Case const& which) : batch_(which.batch), room_(which.size), asks_(which.notifications) {
        unsigned const each = which.indirect && which.segments >= 3 ? 1 : which.segments;
        room_ = which.size / each;
        if (batch_ > room_) {
            fail("the batch does not fit into the queue");
        }
        device_.open(ring_.open(which), which.size, which.event_idx, which.in_order);
        for (unsigned i = 0; i < batch_; ++i) {
            ring_.prepare(i);
        }
    }

    void submit() override { notifications_ += Drive<Ring>::submit(ring_, batch_); }
    unsigned submit_what_fits() override {
        if (in_flight_ + batch_ > room_) {
            return 0;
        }
        submit();
        in_flight_ += batch_;
        return batch_;
    }
    unsigned serve() override { return device_.serve(); }
    unsigned take(unsigned most) override {
        unsigned const taken = Drive<Ring>::take(ring_, most, sum_);
        in_flight_ -= in_flight_ == 0 ? 0 : taken;
        return taken;
    }
    void run(unsigned long turns) override {
        // A driver that wants to be notified goes on until nothing is there: that is when it asks for the next one.
        unsigned const most = asks_ ? batch_ + 1 : batch_;
        for (; turns != 0; --turns) {
            notifications_ += Drive<Ring>::submit(ring_, batch_);
            device_.serve();
            if (Drive<Ring>::take(ring_, most, sum_) != batch_) {
                fail("a completion is missing");
            }
        }
    }

    [[nodiscard]] unsigned long token_sum() const override { return sum_; }
    [[nodiscard]] unsigned long notifications() const override { return notifications_; }
    [[nodiscard]] unsigned long private_bytes() const override { return ring_.private_bytes(); }

private:
    // Driver and device on cache lines of their own.
    alignas(128) Ring ring_{};
    unsigned batch_;
    unsigned room_;
    bool asks_;
    unsigned in_flight_ = 0;
    unsigned long sum_ = 0;
    unsigned long notifications_ = 0;
    alignas(128) Device device_{};
};

template <class Ring, class Device>
Contender* make_machine(Case const& which) {
    using Made = Machine<Ring, Device>;
    return new (allocate(sizeof(Made))) Made{which};
}

/// The addresses of the segments of requests, the same for all contenders: 512 bytes each, those of a request apart.
[[nodiscard]] constexpr uint64_t segment_address(unsigned slot, unsigned segment) {
    return 0x1'0000'0000u + 0x10000ull * slot + 512ull * segment;
}
inline constexpr uint32_t segment_bytes = 512;

}  // namespace bench
