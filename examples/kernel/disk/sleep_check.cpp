// SPDX-License-Identifier: MIT
#include "sleep_check.hpp"

#include "serial.hpp"

namespace one_thread {

#include <readme/one_thread.inc>

/// This kernel masks interrupts except inside `machine::wait`.
uint64_t kernel_mask_interrupts() {
    return 0;
}
void kernel_restore_interrupts(uint64_t) {}
void kernel_sleep_until_interrupt() {
    static_cast<void>(machine::wait());
}
/// The README's `finish` prints only errors.
void kernel_print(char const* sentence) {
    serial::fail("reading: ", sentence);
}

constinit Disk disk;

}  // namespace one_thread

namespace each_request {

#include <readme/each_request.inc>

/// There is one CPU, and handlers run only inside `machine::wait`: nobody else can hold the lock.
struct Lock {};
constinit Lock disk_lock;
constinit void* sleeper = nullptr;

void acquire(Lock&) {}
void release(Lock&) {}
void sleep(void* channel, Lock&) {
    sleeper = channel;
    while (sleeper == channel) {
        static_cast<void>(machine::wait());
    }
}
void wakeup(void* channel) {
    if (sleeper == channel) {
        sleeper = nullptr;
    }
}
void panic(char const* sentence) {
    serial::fail("the disk broke down: ", sentence);
}

}  // namespace each_request

namespace {

constinit bool is_each_request = false;
constinit unsigned first_message = 0;

void on_line(unsigned) {
    if (is_each_request) {
        each_request::line_handler();
    } else {
        one_thread::line_handler(one_thread::disk);
    }
}

void on_message(unsigned number) {
    auto const vector = static_cast<uint16_t>(number - first_message);
    if (is_each_request) {
        each_request::message_handler(vector);
    } else {
        one_thread::message_handler(one_thread::disk, vector);
    }
}

/// Replaces only the handler; the transport stays as it is.
void listen(Disk const& disk) {
    if (disk.way == InterruptWay::line) {
        return machine::listen(disk.number, on_line);
    }
    first_message = disk.number;
    for (unsigned i = 0; i < 2; ++i) {
        static_cast<void>(machine::listen_message(first_message + i, on_message));
    }
}

void expect(char const* what, virtq::Status status) {
    if (!status) {
        serial::fail(what, status.error());
    }
}

void read_by_one_thread(Disk& disk, PagePool& pages, virtq::Segment buffer, uint32_t requests) {
    expect("the disk cannot be initialised", one_thread::disk.init(disk.transport, pages));
    for (uint32_t i = 0; i < requests; ++i) {
        expect("a read was refused", one_thread::read_later(one_thread::disk, i, buffer, virtq::Token{i}));
        one_thread::finish_all(one_thread::disk);
    }
    expect("the disk cannot be released", one_thread::disk.release(pages));
}

void read_by_each_request(Disk& disk, PagePool& pages, virtq::Segment buffer, uint32_t requests) {
    expect("the disk cannot be initialised", each_request::disk.init(disk.transport, pages));
    each_request::ask_for_interrupts();
    for (uint32_t i = 0; i < requests; ++i) {
        expect("a read failed", each_request::read_and_sleep(i, buffer));
    }
    expect("the disk cannot be released", each_request::disk.release(pages));
}

}  // namespace

void check_sleeping(Disk& disk, PagePool& pages, uint32_t requests) {
    virtq::Pages const page = pages.allocate_pages(1);
    if (page.virt == nullptr) {
        serial::fail("there is no page for the buffer", virtq::Error::no_pages);
    }
    expect("the disk cannot be released", disk.driver.release(pages));  // the README's own drivers follow
    listen(disk);
    machine::stop_tick();
    virtq::Segment const buffer{page.phys, sector_bytes};
    read_by_one_thread(disk, pages, buffer, requests);
    is_each_request = true;
    read_by_each_request(disk, pages, buffer, requests);
    pages.free_pages(page);
    serial::line("slept, and was woken, ", uint64_t{requests}, " times in each way");
}
