// SPDX-License-Identifier: MIT
//
// The example kernel with another main: it reads one disk again and again with many requests in flight, and prints how
// long that took. tests/bench/qemu.py writes the words of machine.hpp, and one more with the number in flight.
#include "console.hpp"
#include "disk.hpp"
#include "disk_search.hpp"
#include "machine.hpp"
#include "page_pool.hpp"

namespace {

constexpr virtq::PhysAddr depth_word = machine::request_word + 4;
constexpr uint32_t depth_max = 64;
constexpr uint32_t read_sectors = 8;

constinit PagePool pages;
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
            if (virtq::Status const status = disk.device.submit_read(sector, segments, virtq::Token{submitted});
                !status) {
                console::fail("a read was refused", status.error());
            }
        }
        if (submitted != before && disk.device.kick_device()) {
            ++notifications;
        }
    }

    void take() {
        auto const each = [this](virtq::BlockCompletion const& completion) {
            if (completion.error != virtq::Error::none) {
                console::fail("reading", completion.error);
            }
            ++done;
        };
        for (uint32_t before = done, rests = 0; done == before;) {
            if (disk.device.for_each_completed(each) == virtq::CompletionState::broken) {
                console::fail("reading: ", virtq::describe(disk.device.fault().reason));
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

extern "C" void kernel_main() {
    machine::prepare();
    bool const polled = (word(machine::option_word) & machine::option_polled) != 0;
    uint32_t const requests = word(machine::request_word);
    uint32_t const depth = word(depth_word);
    if (requests == 0 || depth == 0 || depth > depth_max) {
        console::fail("there is nothing to measure: tests/bench/run starts this kernel");
    }
    if (find_disks(disks, pages, polled ? InterruptWay::none : InterruptWay::message) != 1) {
        console::fail("this kernel wants one disk");
    }
    Disk& disk = disks[0];
    virtq::Pages const buffer = pages.allocate_pages(depth);
    if (buffer.virt == nullptr) {
        console::fail("there are no pages for the buffers", virtq::Error::no_pages);
    }
    disk.expect_interrupts(uint64_t{requests} + requests / 8 + 1);
    Reader{disk, buffer, requests / 8 + 1, depth}
        .read_all();  // first, QEMU translates the code, and its device wakes up
    Reader reader{disk, buffer, requests, depth};
    uint64_t const interrupts = disk.interrupts;
    uint64_t const start = machine::ticks();
    reader.read_all();
    uint64_t const ticks = machine::ticks() - start;
    console::line("bench: ", uint64_t{requests}, " ", ticks, " ", machine::ticks_per_second(), " ",
                  reader.notifications, " ", disk.interrupts - interrupts);
    machine::exit(true);
}

extern "C" void kernel_trap(uint64_t cause, uint64_t instruction, uint64_t address) {
    console::fail("the CPU took exception ", console::Hex{cause}, " at instruction ", console::Hex{instruction},
                  ", address ", console::Hex{address});
}

extern "C" void virtq_assertion_failed(char const* rule, char const* file, int line) {
    console::fail("virtq's rule is broken: ", rule, " (", file, ":", static_cast<uint64_t>(line), ")");
}
