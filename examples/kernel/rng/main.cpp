// SPDX-License-Identifier: MIT
#include "device_search.hpp"
#include "driven.hpp"
#include "sha256.hpp"
#include "startup.hpp"

/// The whole kernel: find a source of random bytes, and read from it in each way that the driver has. All bytes are
/// hashed in the order in which the device returned them, so that examples/run can compare them with its source.

namespace {

struct RngTraits : virtq::DriverTraits {
    using Format = virtq::AnyFormat;
};

constexpr uint32_t queue_size = 8;
constexpr uint32_t wanted_bytes = (1 << 20) + 77;

using Rng = Driven<virtq::EntropyDevice<Device::Transport, queue_size, RngTraits>>;

constinit Rng rng;
constinit Sha256 sum;
constinit virtq::Pages buffers[queue_size];
constinit uint64_t requests = 0;

void expect(char const* what, virtq::Status status) {
    if (!status) {
        serial::line(what, ": ", virtq::describe(status.error()));
        rng.give_up(what);
    }
}

/// Blocking: reads `bytes` bytes, at most a page.
void read(uint32_t bytes) {
    auto const rest = [] { rng.rest(); };
    expect("reading", rng.driver.read(virtq::Segment{buffers[0].phys, bytes}, rng.patience(), rest));
    sum.update(buffers[0].virt, bytes);
    ++requests;
}

/// Asynchronous: submits requests for `bytes` bytes altogether, at most a page each, with one notification.
uint32_t submit(uint32_t bytes) {
    uint32_t count = 0;
    for (; count != queue_size && bytes != 0; ++count) {
        uint32_t const part = bytes < virtq::page_bytes ? bytes : virtq::page_bytes;
        expect("a read was refused",
               rng.driver.submit(virtq::Segment{buffers[count].phys, part}, virtq::Token{count}));
        bytes -= part;
    }
    if (!rng.is_broken_on_purpose()) {
        static_cast<void>(rng.driver.kick_device());
    }
    requests += count;
    return count;
}

/// Waits for that many requests. Returns how many random bytes came: there may be fewer than asked for.
uint32_t take(uint32_t count) {
    uint32_t bytes = 0;
    uint32_t rests = 0;
    while (count != 0) {
        virtq::RequestCompletion const done = rng.driver.take_completed();
        if (done.error != virtq::Error::none) {
            expect("reading", done.error);
        }
        if (done.state == virtq::CompletionState::ready) {
            sum.update(buffers[done.token.value()].virt, done.bytes);
            bytes += done.bytes;
            rests = 0;
            --count;
        } else if (++rests == rng.patience().count) {
            rng.give_up("it does not answer");
        } else {
            rng.rest();
        }
    }
    return bytes;
}

/// Requests in flight, of every number from one to the size of the queue.
void read_many(uint32_t bytes) {
    uint32_t pages = 0;
    while (bytes != 0) {
        pages = pages % queue_size + 1;
        uint32_t const most = pages * static_cast<uint32_t>(virtq::page_bytes) - pages;
        bytes -= take(submit(bytes < most ? bytes : most));
    }
}

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pages) {
    Device* const devices[] = {&rng};
    if (find_devices(devices, virtq::spec::DeviceId::entropy, options.way) != 1) {
        serial::fail("this kernel wants a source of random bytes, and there is none");
    }
    rng.bring_up(pages);
    for (virtq::Pages& buffer : buffers) {
        buffer = pages.allocate_pages(1);
        if (buffer.virt == nullptr) {
            serial::fail("there are no pages for the buffers", virtq::Error::no_pages);
        }
    }
    sum.start();
    rng.expect_interrupts(wanted_bytes / 1024);
    read(1);
    read_many(wanted_bytes / 2);
    expect("resetting", rng.driver.reset([](virtq::RequestCompletion const&) {}));
    rng.expect_interrupts(wanted_bytes / 1024);
    read_many(wanted_bytes - wanted_bytes / 2 - 2);
    read(1);
    rng.check_interrupts();
    serial::line("random bytes: ", uint64_t{wanted_bytes});
    serial::line("random sha256: ", sum.finish().digits);
    if (rng.way != InterruptWay::none) {
        serial::line("interrupts: ", rng.interrupts, " for ", requests, " requests");
    }
    for (virtq::Pages const& buffer : buffers) {
        pages.free_pages(buffer);
    }
    rng.release(pages);
}
