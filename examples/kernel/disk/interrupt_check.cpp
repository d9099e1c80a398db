// SPDX-License-Identifier: MIT
#include "interrupt_check.hpp"

#include "serial.hpp"

namespace {

void submit(Disk& disk, virtq::Pages const& buffer, uint32_t count) {
    for (uint32_t i = 0; i < count; ++i) {
        virtq::Segment const segments[] = {{buffer.phys + i * sector_bytes, sector_bytes}};
        if (virtq::Status const status = disk.driver.submit_read(i, segments, virtq::Token{i}); !status) {
            serial::fail("a read was refused", status.error());
        }
    }
    static_cast<void>(disk.driver.kick_device());
}

/// Returns how often it slept.
uint64_t await(Disk& disk, uint32_t count) {
    uint64_t sleeps = 0;
    uint32_t done = 0;
    auto const each = [&done](virtq::BlockCompletion const& completion) {
        if (completion.error != virtq::Error::none) {
            serial::fail("reading", completion.error);
        }
        ++done;
    };
    while (done != count) {
        if (disk.driver.for_each_completed(each) == virtq::CompletionState::broken) {
            serial::fail("reading: ", virtq::describe(disk.driver.fault().reason));
        }
        if (done != count) {
            disk.rest();
            ++sleeps;
        }
        if (sleeps == disk.patience().count) {
            disk.give_up("it does not answer");
        }
    }
    return sleeps;
}

}  // namespace

uint64_t check_interrupts(Disk& disk, PagePool& pages, uint32_t requests) {
    constexpr uint32_t most_at_once = 4;
    virtq::Pages const buffer = pages.allocate_pages(1);
    if (buffer.virt == nullptr) {
        serial::fail("there is no page for the buffer", virtq::Error::no_pages);
    }
    disk.expect_interrupts(requests);
    uint64_t sleeps = 0;
    uint32_t at_once = 1;
    for (uint32_t left = requests; left != 0;) {
        at_once = at_once == most_at_once ? 1 : at_once + 1;
        uint32_t const count = at_once < left ? at_once : left;
        submit(disk, buffer, count);
        sleeps += await(disk, count);
        left -= count;
    }
    disk.check_interrupts();
    pages.free_pages(buffer);
    return sleeps;
}
