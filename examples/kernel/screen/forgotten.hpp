// SPDX-License-Identifier: MIT
#pragma once

#include "driven.hpp"

/// A source of random bytes that is never notified: the mistake of many a first driver. It is there to be diagnosed.
class Forgotten : public Device {
public:
    void bring_up(PagePool& pages);
    /// Adds a buffer, and notifies nobody. Only the first call does something.
    void ask();
    /// Prints what the library sees.
    template <class Put>
    void explain(Put put) {
        virtq::explain(virtq::diagnose(transport, 0, queue_, negotiation_.negotiated), put);
    }
    [[nodiscard]] bool is_asked() const { return is_asked_; }
    /// Notifies the device after all. Returns how many bytes came; 0: it has not answered.
    [[nodiscard]] uint32_t mend();
    void release(PagePool& pages);

    [[nodiscard]] virtq::VirtQueue<8, virtq::AnyFormat> const& queue() const { return queue_; }

    bool is_present = false;

private:
    virtq::VirtQueue<8, virtq::AnyFormat> queue_;
    virtq::Negotiation negotiation_;
    virtq::Pages buffer_;
    bool is_asked_ = false;
};
