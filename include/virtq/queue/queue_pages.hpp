// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/queue/page_run.hpp>

namespace virtq {

/// The pages of a ring, and whether the device may still write to them.
class QueuePages : public PageRun {
public:
    void attach() { live_ = true; }
    void detach() { live_ = false; }
    [[__nodiscard__]] bool live() const { return live_; }

private:
    bool live_ = false;
};

}  // namespace virtq
