// SPDX-License-Identifier: MIT
#include "forgotten.hpp"

namespace {

constexpr uint32_t buffer_bytes = 64;
constexpr virtq::PollLimit reset_limit{1'000'000};
constexpr uint32_t most_polls = 200'000'000;

}  // namespace

void Forgotten::bring_up(PagePool& pages) {
    serial::line("starting the device in slot ", slot);
    virtq::DeviceInit init{transport};
    negotiation_.wanted = virtq::AnyFormat::wanted;
    virtq::SpinRelax relax;
    virtq::Status status = init.negotiate(negotiation_, reset_limit, relax);
    if (status) {
        status = init.set_up_queue(0, queue_, pages, negotiation_.negotiated);
    }
    if (status) {
        status = init.go_live();
    }
    print_negotiation(negotiation_, transport.device_id(), status);
    buffer_ = pages.allocate_pages(1);
    if (buffer_.virt == nullptr) {
        serial::fail("there is no page for random bytes", virtq::Error::no_pages);
    }
    is_present = true;
}

void Forgotten::ask() {
    if (is_asked_) {
        return;
    }
    virtq::Segment const writable[] = {{buffer_.phys, buffer_bytes}};
    if (virtq::Status const added = queue_.add({}, writable, virtq::Token{1}); !added) {
        serial::fail("asking for random bytes", added.error());
    }
    static_cast<void>(queue_.publish());  // the mistake: whoever is told by `publish` to notify, must do so
    is_asked_ = true;
}

uint32_t Forgotten::mend() {
    transport.notify(0);
    for (uint32_t poll = 0; poll < most_polls; ++poll) {
        if (virtq::Completion const done = queue_.take_used(); done) {
            is_asked_ = false;
            return done.written;
        }
        virtq::SpinRelax{}();
    }
    return 0;
}

void Forgotten::release(PagePool& pages) {
    virtq::SpinRelax relax;
    if (virtq::Status const reset = virtq::reset_device(transport, reset_limit, relax, 1); !reset) {
        serial::fail("the source of random bytes cannot be reset", reset.error());
    }
    queue_.detach();
    virtq::Status status = queue_.drain([](virtq::Token) {});
    if (status) {
        status = queue_.release(pages);
    }
    if (!status) {
        serial::fail("the queue of the source of random bytes cannot be released", status.error());
    }
    pages.free_pages(buffer_);
}
