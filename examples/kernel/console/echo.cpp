// SPDX-License-Identifier: MIT
#include "echo.hpp"

bool Echo::move(Console& console, uint32_t port) {
    uint32_t read = 0;
    if (begin_ == end_) {
        virtq::Result<uint32_t> const arrived = console.driver.read({buffer_, buffer_bytes}, port);
        read = arrived ? *arrived : 0;  // a port that the device has not added has nothing
        begin_ = 0;
        end_ = read;
    }
    virtq::Result<uint32_t> const taken = console.driver.write({buffer_ + begin_, end_ - begin_}, port);
    if (taken) {
        begin_ += *taken;
        total_ += *taken;
    } else {
        begin_ = end_;  // the host has closed the port: nobody would read it
    }
    console.has_output[port] = begin_ != end_;
    return read != 0 || (taken && *taken != 0);
}
