// SPDX-License-Identifier: MIT
#include "disk_reader.hpp"

#include "serial.hpp"

DiskReader::Report DiskReader::read(Disk& disk, PagePool& pages) {
    constexpr uint32_t request_sectors = request_bytes / sector_bytes;
    sectors_ = disk.driver.capacity_sectors();
    request_count_ = (sectors_ + request_sectors - 1) / request_sectors;
    report_.bytes = sectors_ * sector_bytes;
    report_.requests = request_count_;
    for (Buffer& buffer : buffers_) {
        buffer.pages = pages.allocate_pages(request_bytes / virtq::page_bytes);
        if (buffer.pages.virt == nullptr) {
            serial::fail("there are no pages for the buffers", virtq::Error::no_pages);
        }
    }

    disk.expect_interrupts(request_count_);
    sum_.start();
    serial::print("reading");
    while (summed_ != request_count_) {
        submit(disk);
        take(disk);
        sum_up();
    }
    serial::line();
    disk.check_interrupts();
    report_.interrupts = disk.interrupts;

    for (Buffer& buffer : buffers_) {
        pages.free_pages(buffer.pages);
    }
    report_.sum = sum_.finish();
    return report_;
}

/// Fills the queue, or the window, and publishes all of it at once.
void DiskReader::submit(Disk& disk) {
    uint64_t const before = submitted_;
    while (submitted_ != request_count_ && submitted_ - summed_ < window) {
        Buffer& buffer = buffers_[submitted_ % window];
        uint64_t const sector = submitted_ * (request_bytes / sector_bytes);
        uint64_t const rest = (sectors_ - sector) * sector_bytes;
        buffer.bytes = rest < request_bytes ? static_cast<uint32_t>(rest) : request_bytes;
        buffer.arrived = false;
        virtq::Segment const segments[] = {{buffer.pages.phys, buffer.bytes}};
        virtq::Status const status =
            disk.driver.submit_read(sector, segments, virtq::Token{static_cast<uintptr_t>(submitted_)});
        if (status.error() == virtq::Error::queue_full) {
            break;  // the rest follows when some have completed
        }
        if (!status) {
            serial::fail("a read was refused", status.error());
        }
        ++submitted_;
    }
    if (submitted_ != before && !disk.is_broken_on_purpose() && disk.driver.kick_device()) {
        ++report_.notifications;
    }
    uint64_t const in_flight = submitted_ - completed_;
    if (in_flight > report_.most_in_flight) {
        report_.most_in_flight = static_cast<uint32_t>(in_flight);
    }
}

/// Takes all completions, and waits while there are none.
void DiskReader::take(Disk& disk) {
    uint64_t const before = completed_;
    for (uint32_t waits = 0; completed_ == before; ++waits) {
        if (waits == disk.patience().count) {
            disk.give_up("it does not answer");
        }
        disk.rest();
        auto const each = [this](virtq::BlockCompletion const& completion) { note(completion); };
        if (disk.driver.for_each_completed(each) == virtq::CompletionState::broken) {
            serial::line();
            serial::fail("reading: ", virtq::describe(disk.driver.fault().reason));
        }
    }
}

void DiskReader::note(virtq::BlockCompletion const& completion) {
    if (completion.error != virtq::Error::none) {
        serial::line();
        serial::fail("reading", completion.error);
    }
    uint64_t const number = completion.token.value();
    if (number < summed_ || number >= submitted_ || buffers_[number % window].arrived) {
        serial::fail("a token came back that belongs to no request in flight: ", number);
    }
    buffers_[number % window].arrived = true;
    report_.out_of_order += number != complete_until_ ? 1 : 0;
    while (complete_until_ != submitted_ && buffers_[complete_until_ % window].arrived) {
        ++complete_until_;
    }
    ++completed_;
}

/// Hashes the data that has arrived without a gap.
void DiskReader::sum_up() {
    while (summed_ != complete_until_) {
        Buffer const& buffer = buffers_[summed_ % window];
        sum_.update(buffer.pages.virt, buffer.bytes);
        ++summed_;
        while (tenths_shown_ < 10 && summed_ * 10 >= request_count_ * (tenths_shown_ + 1)) {
            ++tenths_shown_;
            serial::print(" ");
            serial::print(uint64_t{tenths_shown_} * 10);
            serial::print("%");
        }
    }
}
