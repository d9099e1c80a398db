// SPDX-License-Identifier: MIT
#include "load.hpp"

namespace {

constexpr uint32_t sector_bytes = virtq::spec::block::sector_bytes;
constexpr uint64_t most_a_rest = 100;  // more interrupts in one rest are a storm

}  // namespace

void Load::bring_up(PagePool& pages) {
    Driven::bring_up(pages);
    buffer_ = pages.allocate_pages(1);
    if (buffer_.virt == nullptr || driver.capacity_sectors() == 0) {
        serial::fail("the disk is empty, or there is no page for its data");
    }
    expect_interrupts(most_a_rest);
    is_present = true;
}

void Load::submit(uint32_t count) {
    for (; count != 0; --count) {
        virtq::Segment const segments[] = {{buffer_.phys, sector_bytes}};
        virtq::Status const status = driver.submit_read(next_, segments, virtq::Token{1});
        if (status.error() == virtq::Error::queue_full) {
            return;
        }
        if (!status) {
            give_up(virtq::describe(status.error()));
        }
        next_ = next_ + 1 < driver.capacity_sectors() ? next_ + 1 : 0;
    }
}

uint32_t Load::take() {
    uint32_t count = 0;
    auto const each = [&](virtq::BlockCompletion const& completion) {
        if (completion.error != virtq::Error::none) {
            give_up(virtq::describe(completion.error));
        }
        ++count;
    };
    if (driver.for_each_completed(each) == virtq::CompletionState::broken) {
        give_up("it violated the standard");
    }
    return count;
}

void Load::await() {
    for (uint32_t rests = 0; driver.in_flight() != 0 && virtq::take_snapshot(driver.ring(0)).answered() == 0;
         ++rests) {
        if (rests == patience().count) {
            give_up("it does not answer");
        }
        rest();
    }
}

void Load::finish() {
    start();
    while (driver.in_flight() != 0) {
        await();
        static_cast<void>(take());
    }
}

void Load::rest() {
    most_interrupts = interrupts + most_a_rest;
    Driven::rest();
}

void Load::release(PagePool& pages) {
    Driven::release(pages);
    pages.free_pages(buffer_);
}
