// SPDX-License-Identifier: MIT
#include "disk.hpp"
#include "disk_reader.hpp"
#include "divide.hpp"
#include "interrupt_check.hpp"
#include "sleep_check.hpp"
#include "startup.hpp"
#include "write_check.hpp"

/// The whole kernel: find two disks, read all of the read-only one, write to and read from the other.

namespace {

constinit Disk disks[2];
constinit DiskReader reader;

void read_all(Disk& disk, PagePool& pages) {
    uint64_t const start = machine::ticks();
    DiskReader::Report const report = reader.read(disk, pages);
    uint64_t const ticks = machine::ticks() - start;
    serial::line("most requests in flight: ", report.most_in_flight);
    serial::line("notifications sent: ", report.notifications, " for ", report.requests, " requests");
    if (disk.way != InterruptWay::none) {
        serial::line("interrupts: ", report.interrupts, " for ", report.requests, " requests");
    }
    serial::line("completed out of order: ", report.out_of_order);
    if (machine::ticks_per_second() != 0) {
        serial::line("time to read and sum up: ", divide(ticks * 1000, machine::ticks_per_second()).quotient, " ms");
    }
    serial::line("disk bytes: ", report.bytes);
    serial::line("disk sha256: ", report.sum.digits);
}

void write_and_read_back(Disk& disk, PagePool& pages, uint32_t requests) {
    serial::line("written, flushed and read back the same: ", check_writing(disk, pages), " bytes");
    if (disk.way != InterruptWay::none) {
        serial::line("interrupts of blocking calls: ", disk.interrupts);
    }
    if (requests != 0) {
        uint64_t const before = disk.interrupts;
        uint64_t const sleeps = check_interrupts(disk, pages, requests);
        serial::line("none lost in ", uint64_t{requests}, " requests: interrupts ", disk.interrupts - before,
                     ", sleeps ", sleeps);
    }
}

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pages) {
    unsigned const found = find_disks(disks, pages, options.way);
    if (found != 2 || disks[0].driver.is_read_only() == disks[1].driver.is_read_only()) {
        serial::fail("this kernel wants one read-only and one writable disk; disks found: ", found);
    }
    unsigned const first = disks[0].driver.is_read_only() ? 0 : 1;
    if (options.is_sleep_check) {
        check_sleeping(disks[first], pages, options.requests != 0 ? options.requests : 8);
    } else {
        serial::line("reading the disk in slot ", disks[first].slot);
        read_all(disks[first], pages);
        serial::line("writing to the disk in slot ", disks[1 - first].slot);
        write_and_read_back(disks[1 - first], pages, options.requests);
    }
    for (Disk& disk : disks) {
        disk.release(pages);
    }
}
