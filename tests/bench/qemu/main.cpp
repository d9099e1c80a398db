// SPDX-License-Identifier: MIT
//
// The example kernel with another main: it reads one disk again and again with many requests in flight, and prints how
// long that took. tests/bench/qemu.py writes the words of machine.hpp, and one more with the number in flight.
#include "disk.hpp"
#include "startup.hpp"

namespace {

constexpr virtq::PhysAddr depth_word = machine::request_word + 4;
constexpr uint32_t depth_max = 64;
constexpr uint32_t read_sectors = 8;

constinit Disk disks[1];

uint32_t word(virtq::PhysAddr address) {
    return *static_cast<uint32_t const*>(machine::virt(address));
}

struct Reader {
    Disk& disk;
    virtq::Pages buffer;
    uint32_t requests;
    uint32_t depth;
    uint32_t submitted = 0;
    uint32_t done = 0;
    uint64_t notifications = 0;

    /// Submits as many requests as may be in flight, and publishes them at once.
    void submit() {
        uint32_t const before = submitted;
        for (; submitted != requests && submitted - done < depth; ++submitted) {
            virtq::Segment const segments[] = {
                {buffer.phys + uint64_t{submitted % depth} * virtq::page_bytes, virtq::page_bytes}};
            uint64_t const sector = uint64_t{submitted % 1024} * read_sectors;
            if (virtq::Status const status = disk.driver.submit_read(sector, segments, virtq::Token{submitted});
                !status) {
                serial::fail("a read was refused", status.error());
            }
        }
        if (submitted != before && disk.driver.kick_device()) {
            ++notifications;
        }
    }

    void take() {
        auto const each = [this](virtq::BlockCompletion const& completion) {
            if (completion.error != virtq::Error::none) {
                serial::fail("reading", completion.error);
            }
            ++done;
        };
        for (uint32_t before = done, rests = 0; done == before;) {
            if (disk.driver.for_each_completed(each) == virtq::CompletionState::broken) {
                serial::fail("reading: ", virtq::describe(disk.driver.fault().reason));
            }
            if (done == before) {
                disk.rest();
                if (++rests == disk.patience().count) {
                    disk.give_up("it does not answer");
                }
            }
        }
    }

    void read_all() {
        while (done != requests) {
            submit();
            take();
        }
    }
};

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pages) {
    uint32_t const requests = options.requests;
    uint32_t const depth = word(depth_word);
    if (requests == 0 || depth == 0 || depth > depth_max) {
        serial::fail("there is nothing to measure: tests/bench/run starts this kernel");
    }
    if (find_disks(disks, pages, options.way) != 1) {
        serial::fail("this kernel wants one disk");
    }
    Disk& disk = disks[0];
    virtq::Pages const buffer = pages.allocate_pages(depth);
    if (buffer.virt == nullptr) {
        serial::fail("there are no pages for the buffers", virtq::Error::no_pages);
    }
    disk.expect_interrupts(uint64_t{requests} + requests / 8 + 1);
    Reader{disk, buffer, requests / 8 + 1, depth}
        .read_all();  // first, QEMU translates the code, and its device wakes up
    Reader reader{disk, buffer, requests, depth};
    uint64_t const interrupts = disk.interrupts;
    uint64_t const start = machine::ticks();
    reader.read_all();
    uint64_t const ticks = machine::ticks() - start;
    serial::line("bench: ", uint64_t{requests}, " ", ticks, " ", machine::ticks_per_second(), " ",
                 reader.notifications, " ", disk.interrupts - interrupts);
}
