// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <optional>

#include <sim/mmio_device.hpp>
#include <sim/raw_driver.hpp>

/// The device of the reader's own, from the page of the simulated device.
namespace virtq::readme {
namespace {

#include <blocks/sim/README/a_back_end_of_your_own.inc>

/// The reader's driver. Each event has a buffer of its own, and each request too.
class SensorDriver {
public:
    SensorDriver(sim::MmioDevice& device, sim::GuestMemory& memory)
        : driver_(device), events_(memory, 8), requests_(memory, 8), buffer_(memory.allocate_buffer(16)) {
        driver_.negotiate();
        driver_.start_queue(events_, Sensor::events);
        driver_.start_queue(requests_, Sensor::requests);
        driver_.add_status(sim::wire::status::driver_ok);
        for (std::uint16_t i = 0; i < 8; ++i) {
            post(events_, i, 0);
        }
        driver_.notify(Sensor::events);
    }

    /// The next event, if there is one.
    [[nodiscard]] std::optional<std::uint8_t> next_event() { return take(events_, events_taken_, 0); }
    void start_measuring() {
        post(requests_, requests_.next_available, 8);
        driver_.notify(Sensor::requests);
    }
    [[nodiscard]] std::optional<std::uint8_t> result() { return take(requests_, requests_taken_, 8); }
    /// Whether the device reported only lengths that a driver must reject, in both queues.
    [[nodiscard]] bool has_failed() {
        return !next_event() && !result() && events_taken_ == 2 && requests_taken_ == 2;
    }

private:
    void post(sim::RawQueue& queue, std::uint16_t index, std::size_t offset) {
        queue.write(index, {buffer_.phys + offset + index, 1, sim::wire::split::flag_write});
        queue.submit(index);
    }
    std::optional<std::uint8_t> take(sim::RawQueue const& queue, std::uint16_t& taken, std::size_t offset) const {
        if (queue.used_idx() == taken) {
            return std::nullopt;
        }
        std::uint16_t const slot = taken++;
        std::size_t const at = offset + queue.used_id(slot);
        return queue.used_length(slot) == 1 ? std::optional(buffer_.virt[at]) : std::nullopt;
    }

    sim::RawDriver driver_;
    sim::RawQueue events_;
    sim::RawQueue requests_;
    sim::Buffer buffer_;
    std::uint16_t events_taken_ = 0;
    std::uint16_t requests_taken_ = 0;
};

TEST(SimulatedDevice, IsOfTheReadersOwnType) {
#include <blocks/sim/README/a_back_end_of_your_own_2.inc>
    EXPECT_TRUE(device.violations().empty()) << device.violations();
}

}  // namespace
}  // namespace virtq::readme
