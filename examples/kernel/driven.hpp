// SPDX-License-Identifier: MIT
#pragma once

#include "device.hpp"
#include "page_pool.hpp"
#include "serial.hpp"

#include <virtq/diag/diag.hpp>

/// A device with its driver. A global object, as `Device` is.
template <class Driver>
struct Driven : Device {
    /// Negotiates, gives the device its queues, and prints the result. A failure ends the kernel.
    void bring_up(PagePool& pages) {
        serial::line("starting the device in slot ", slot);
        virtq::Status const status = driver.init(transport, pages);
        print_negotiation(driver.negotiation(), transport.device_id(), status);
    }

    /// Call these before and after the use of a device that interrupts. They check that at least one interrupt comes,
    /// and at most two a request.
    void expect_interrupts(uint64_t requests) {
        if (way != InterruptWay::none) {
            most_interrupts = interrupts + 2 * requests + 16;
            static_cast<void>(driver.enable_used_notifications());  // before the first request, so that it interrupts
        }
    }
    void check_interrupts() {
        if (way != InterruptWay::none && interrupts == 0 && !machine::wait()) {
            give_up("it did all its work without an interrupt");
        }
    }

    /// Waits while the device has no completions: sleeps until it interrupts, or pauses before the next poll.
    void rest() {
        if (way == InterruptWay::none) {
            virtq::SpinRelax{}();
            return;
        }
        auto const enable = [this] { return driver.enable_used_notifications(); };
        // Until the first interrupt, notifications stay enabled: it will come, or has come already. So the kernel sleeps
        // at least once, even for a fast device.
        if (interrupts == 0 || enable() == virtq::MaySleep::yes) {
            sleep_or_give_up(enable);
        }
        if (interrupts != 0) {
            driver.disable_used_notifications();
        }
    }

    /// Sleeps until the device interrupts; `sleep` says what `enable` does. A lost interrupt ends the kernel.
    template <class Enable>
    void sleep_or_give_up(Enable enable) {
        if (!sleep(enable)) {
            give_up("an interrupt was lost: it had something to say, and only the tick ended the sleep");
        }
    }

    /// Prints what is known about the device and its first queue, and ends the kernel.
    [[noreturn]] void give_up(char const* why) {
        serial::line();
        explain(0, machine::put);
        serial::fail("the device in slot ", slot, ": ", why);
    }

    /// Prints what is known about the device and one of its queues, by calling `put(char)`.
    template <class Put>
    void explain(uint16_t queue, Put put) {
        virtq::explain(virtq::diagnose(driver, queue), put);
    }

    void release(PagePool& pages) {
        if (virtq::Status const status = driver.release(pages); !status) {
            serial::fail("the device cannot be released", status.error());
        }
    }

    Driver driver;
};
