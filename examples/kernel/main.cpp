// SPDX-License-Identifier: MIT
#include "console.hpp"
#include "disk.hpp"
#include "disk_reader.hpp"
#include "disk_search.hpp"
#include "divide.hpp"
#include "interrupt_check.hpp"
#include "machine.hpp"
#include "page_check.hpp"
#include "page_pool.hpp"
#include "sleep_check.hpp"
#include "write_check.hpp"

/// The whole kernel: find two disks, read all of the read-only one, write to and read from the other.

namespace {

constinit PagePool pages;
constinit Disk disks[2];
constinit DiskReader reader;

/// Checks that the RAM is there, and leaves it dirty, as in a kernel that has run for a while.
void dirty_the_pool() {
    auto* const words = static_cast<volatile uint64_t*>(machine::virt(machine::pool_base));
    for (uint64_t i = 0; i < (uint64_t{1} << 20) / sizeof(uint64_t); ++i) {
        words[i] = ~i;
    }
    if (words[0] != ~uint64_t{0} || words[1] != ~uint64_t{1}) {
        console::fail("there is no RAM above 4 GiB: start QEMU with more memory, as examples/run does");
    }
}

[[noreturn]] void finish() {
    for (Disk& disk : disks) {
        if (virtq::Status const status = disk.device.release(pages); !status) {
            console::fail("the disk cannot be released", status.error());
        }
    }
    console::line("done");
    machine::exit(true);
}

void read_all(Disk& disk) {
    uint64_t const start = machine::ticks();
    DiskReader::Report const report = reader.read(disk, pages);
    uint64_t const ticks = machine::ticks() - start;
    console::line("most requests in flight: ", report.most_in_flight);
    console::line("notifications sent: ", report.notifications, " for ", report.requests, " requests");
    if (disk.way != InterruptWay::none) {
        console::line("interrupts: ", report.interrupts, " for ", report.requests, " requests");
    }
    console::line("completed out of order: ", report.out_of_order);
    if (machine::ticks_per_second() != 0) {
        console::line("time to read and sum up: ", divide(ticks * 1000, machine::ticks_per_second()).quotient, " ms");
    }
    console::line("disk bytes: ", report.bytes);
    console::line("disk sha256: ", report.sum.digits);
}

}  // namespace

extern "C" void kernel_main() {
    machine::prepare();
    console::line("virtq example kernel on ", machine::name(), ", with pages from ",
                  console::Hex{machine::pool_base.value});
    uint32_t const options = *static_cast<uint32_t const*>(machine::virt(machine::option_word));
    uint32_t const requests = *static_cast<uint32_t const*>(machine::virt(machine::request_word));
    dirty_the_pool();
    check_pages(pages);

    InterruptWay const way = (options & machine::option_polled) != 0        ? InterruptWay::none
                             : (options & machine::option_no_messages) != 0 ? InterruptWay::line
                                                                            : InterruptWay::message;
    unsigned const found = find_disks(disks, pages, way);
    if (found != 2 || disks[0].device.is_read_only() == disks[1].device.is_read_only()) {
        console::fail("this kernel wants one read-only and one writable disk; disks found: ", found);
    }
    unsigned const first = disks[0].device.is_read_only() ? 0 : 1;
    if ((options & machine::option_sleep) != 0) {
        check_sleeping(disks[first], pages, requests != 0 ? requests : 8);
        finish();
    }
    console::line("reading the disk in slot ", disks[first].slot);
    read_all(disks[first]);
    console::line("writing to the disk in slot ", disks[1 - first].slot);
    console::line("written, flushed and read back the same: ", check_writing(disks[1 - first], pages), " bytes");
    if (way != InterruptWay::none) {
        console::line("interrupts of blocking calls: ", disks[1 - first].interrupts);
    }
    if (requests != 0) {
        Disk& disk = disks[1 - first];
        uint64_t const before = disk.interrupts;
        uint64_t const sleeps = check_interrupts(disk, pages, requests);
        console::line("none lost in ", uint64_t{requests}, " requests: interrupts ", disk.interrupts - before,
                      ", sleeps ", sleeps);
    }

    finish();
}

extern "C" void kernel_trap(uint64_t cause, uint64_t instruction, uint64_t address) {
    console::fail("the CPU took exception ", console::Hex{cause}, " at instruction ", console::Hex{instruction},
                  ", address ", console::Hex{address});
}

extern "C" void virtq_assertion_failed(char const* rule, char const* file, int line) {
    console::fail("virtq's rule is broken: ", rule, " (", file, ":", static_cast<uint64_t>(line), ")");
}
