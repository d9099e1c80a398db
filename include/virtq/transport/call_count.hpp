// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// How often something was called, for diag/, which asks whether it ever was. A plain number, also where several CPUs
/// call at once: two calls may then count as one, and never as none. It stops at its largest. All zero at first.
class CallCount {
public:
    void add() {
        if (calls_ != UINT16_MAX) {
            ++calls_;
        }
    }
    [[__nodiscard__]] uint16_t value() const { return calls_; }

private:
    uint16_t calls_ = 0;
};

}  // namespace virtq
