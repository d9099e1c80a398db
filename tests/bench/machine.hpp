// SPDX-License-Identifier: MIT
#pragma once

#include "case.hpp"
#include "device.hpp"
#include "memory.hpp"

namespace bench {

/// A ring with calls for a whole batch: FLOOR, and bursts. `submit` adds the slots 0 to batch - 1 and publishes them.
/// `take` adds the tokens to `sum`, and returns how many came.
template <class Ring>
concept TakesBatches = requires(Ring& ring, unsigned long& sum) {
    ring.submit(1u);
    ring.take(1u, sum);
};

/// The code that is counted: a driver's calls for its requests, with the loop around them. callgrind counts in the
/// functions of this class and in their callees, and nowhere else. A function of this class must not call another one,
/// which would stop the counting.
///
/// A ring has `prepare(slot)`, which makes the request of a slot beforehand. It also has `add(slot)`, `publish()` and
/// `take()`, which returns the token of a completion or 0; or it has the calls of `TakesBatches`. A disk has
/// `take_all(token_sum)` in place of `take()`.
template <class Ring>
class Drive {
public:
    [[gnu::noinline]] static unsigned long submit(Ring& ring, unsigned batch) {
        if constexpr (TakesBatches<Ring>) {
            return ring.submit(batch) ? 1 : 0;
        } else {
            for (unsigned i = 0; i < batch; ++i) {
                if (!ring.add(i)) {
                    fail("a request was refused that should have fitted");
                }
            }
            return ring.publish() ? 1 : 0;
        }
    }
    [[gnu::noinline]] static unsigned take(Ring& ring, [[maybe_unused]] unsigned most, unsigned long& token_sum) {
        unsigned taken = 0;
        unsigned long sum = 0;
        if constexpr (requires { ring.take_all(sum); }) {
            taken = ring.take_all(sum);
        } else if constexpr (TakesBatches<Ring>) {
            taken = ring.take(most, sum);
        } else {
            for (; taken < most; ++taken) {
                unsigned long const token = ring.take();
                if (token == 0) {
                    break;
                }
                sum += token;
            }
        }
        token_sum += sum;
        return taken;
    }
};

/// A ring with the device of its format.
template <class Ring, class Device>
class Machine final : public Contender {
public:
    static void* operator new(size_t bytes) { return allocate(bytes); }

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

    void submit() override {
        if constexpr (requires { ring_.add_before(batch_); }) {
            ring_.add_before(batch_);
        }
        notifications_ += Drive<Ring>::submit(ring_, batch_);
    }
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
        // A driver that uses notifications asks for the next one when it finds no completion, so let it find none.
        unsigned const most = asks_ ? batch_ + 1 : batch_;
        for (; turns != 0; --turns) {
            submit();
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
    // Driver and device have cache lines of their own.
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
    return new Machine<Ring, Device>{which};
}

/// The address of a segment of 512 bytes, the same for all contenders. Requests do not share a page.
[[nodiscard]] constexpr uint64_t segment_address(unsigned slot, unsigned segment) {
    return 0x1'0000'0000u + 0x10000ull * slot + 512ull * segment;
}
inline constexpr uint32_t segment_bytes = 512;

}  // namespace bench
