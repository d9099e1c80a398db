// SPDX-License-Identifier: MIT
#include "device_search.hpp"
#include "driven.hpp"
#include "startup.hpp"

/// The whole kernel: find a balloon, tell the host of free memory, and give and take back pages as the host asks, until
/// it asks for exactly one. Each page has a mark in it, so that the kernel sees whether the host really took the page.
/// balloon/host is the other side.

namespace {

using virtq::spec::balloon::StatTag;

struct AnyBalloon : virtq::BalloonTraits {
    using Format = virtq::AnyFormat;
};
constexpr uint32_t queue_size = 128;  // the queues of QEMU's legacy device over PCI have no other size
using Balloon = Driven<virtq::BalloonDevice<Device::Transport, queue_size, AnyBalloon>>;

constexpr uint32_t most_pages = AnyBalloon::pages_at_once;
constexpr size_t pages_kept = 2048;    // for the kernel, whatever the host asks for
constexpr uint32_t last_target = 1;    // with it the host ends the kernel
constexpr uint64_t most_a_sleep = 64;  // more interrupts in one sleep are a storm

/// Pages on their way to the host or back. Its number is the token of its request.
struct Batch {
    virtq::PhysAddr pages[most_pages];
    uint32_t count;
    bool is_inflation;
};

constinit Balloon balloon;
constinit Batch batches[8];
constinit uint32_t under_way = 0;  // batches
constinit virtq::PhysAddr lent[machine::pool_bytes / virtq::page_bytes];
constinit uint32_t lent_count = 0;
constinit uint32_t said_count = 0;
constinit uint64_t requests = 0;
constinit uint64_t returned = 0;
constinit uint64_t emptied = 0;

void expect(char const* what, virtq::Status status) {
    if (!status) {
        serial::line(what, ": ", virtq::describe(status.error()));
        balloon.give_up(what);
    }
}

volatile uint64_t& first_word(PagePool& pool, virtq::PhysAddr page) {
    return *static_cast<volatile uint64_t*>(pool.virt_of(page));
}
void mark(PagePool& pool, virtq::PhysAddr page) {
    first_word(pool, page) = page.value + 1;
}
/// Without its mark a page was with the host.
uint64_t is_emptied(PagePool& pool, virtq::PhysAddr page) {
    return first_word(pool, page) == page.value + 1 ? 0 : 1;
}

void free_page(PagePool& pool, virtq::PhysAddr page) {
    pool.free_pages({pool.virt_of(page), page, 1});
}

/// Tells the host of free memory, one piece of two MiB.
void report(PagePool& pool) {
    constexpr size_t count = 512;
    virtq::Pages const pages = pool.allocate_pages(count);
    for (size_t i = 0; i < count; ++i) {
        mark(pool, pages.phys + i * virtq::page_bytes);
    }
    virtq::Segment const memory{pages.phys, count * virtq::page_bytes};
    auto const relax = [] { balloon.rest(); };
    expect("reporting", balloon.driver.report(memory, balloon.patience(), relax));
    uint64_t gone = 0;
    for (size_t i = 0; i < count; ++i) {
        gone += is_emptied(pool, pages.phys + i * virtq::page_bytes);
    }
    serial::line("pages reported: ", uint64_t{count}, ", emptied: ", gone);
    pool.free_pages(pages);
}

void finish(PagePool& pool, virtq::RequestCompletion const& done) {
    expect("a request", done.error);
    Batch& batch = batches[done.token.value()];
    for (uint32_t i = 0; i < batch.count; ++i) {
        if (batch.is_inflation) {
            lent[lent_count++] = batch.pages[i];
        } else {
            emptied += is_emptied(pool, batch.pages[i]);
            ++returned;
            free_page(pool, batch.pages[i]);
        }
    }
    --under_way;
}

/// Fills a batch with free pages, at most `wanted`. A run of pages is found faster than single ones.
void take_free_pages(PagePool& pool, Batch& batch, uint32_t wanted) {
    size_t const free = pool.count_free();
    uint32_t count = wanted < most_pages ? wanted : most_pages;
    virtq::Pages run{};
    for (; count != 0 && run.virt == nullptr; count = run.virt == nullptr ? count / 2 : count) {
        if (free >= pages_kept + count) {
            run = pool.allocate_pages(count);
        }
    }
    batch.count = count;
    for (uint32_t i = 0; i < count; ++i) {
        batch.pages[i] = run.phys + i * virtq::page_bytes;
        mark(pool, batch.pages[i]);
    }
}

/// Takes pages out of the list of those that the host has.
void take_lent_pages(Batch& batch, uint32_t wanted) {
    uint32_t const most = balloon.driver.deflatable_pages();
    uint32_t const count = wanted < most ? wanted : most;
    batch.count = count < most_pages ? count : most_pages;
    for (uint32_t i = 0; i < batch.count; ++i) {
        batch.pages[i] = lent[--lent_count];
    }
}

/// Goes as far as the batches reach towards the target, with one notification. Only when none is under way.
void approach_target(PagePool& pool) {
    uint32_t planned = balloon.driver.held_pages();
    uint32_t const target = balloon.driver.target_pages();
    bool const inflates = planned < target;
    for (uint32_t number = 0; number < 8 && planned != target; ++number) {
        Batch& batch = batches[number];
        batch.is_inflation = inflates;
        if (inflates) {
            take_free_pages(pool, batch, target - planned);
        } else {
            take_lent_pages(batch, planned - target);
        }
        if (batch.count == 0) {
            break;
        }
        virtq::Span<virtq::PhysAddr const> const pages{batch.pages, batch.count};
        virtq::Token const token{number};
        expect("a request was refused",
               inflates ? balloon.driver.submit_inflate(pages, token) : balloon.driver.submit_deflate(pages, token));
        planned = inflates ? planned + batch.count : planned - batch.count;
        ++under_way;
        ++requests;
    }
    balloon.driver.kick_device();
}

void answer(PagePool& pool) {
    uint64_t const free = pool.count_free() * virtq::page_bytes;
    virtq::BalloonStat const stats[] = {
        {StatTag::memtot, machine::pool_bytes}, {StatTag::memfree, free}, {StatTag::avail, free}};
    expect("statistics", balloon.driver.answer_stats(stats));
    ++requests;
}

virtq::MaySleep enable() {
    balloon.most_interrupts = balloon.interrupts + most_a_sleep;
    return balloon.driver.enable_used_notifications();
}

/// A change of the configuration interrupts, too. A kernel that polls has to ask.
void rest() {
    if (balloon.way == InterruptWay::none) {
        virtq::SpinRelax{}();
        balloon.config_changed = true;
    } else if (enable() == virtq::MaySleep::yes) {
        balloon.sleep_or_give_up(enable);
    }
}

void say_held() {
    uint32_t const held = balloon.driver.held_pages();
    if (under_way == 0 && held != said_count) {
        serial::line("the host has ", uint64_t{held}, " pages");
        said_count = held;
    }
}

void follow_target(PagePool& pool) {
    while (balloon.driver.target_pages() != last_target) {
        virtq::RequestCompletion done = balloon.driver.take_completed();
        for (; done.state == virtq::CompletionState::ready; done = balloon.driver.take_completed()) {
            finish(pool, done);
        }
        expect("the balloon", done.error);
        if (balloon.driver.wants_stats()) {
            answer(pool);
        }
        say_held();
        if (under_way == 0 && balloon.driver.held_pages() != balloon.driver.target_pages()) {
            approach_target(pool);
        }
        rest();
        if (balloon.config_changed) {
            balloon.config_changed = false;
            expect("the configuration", balloon.driver.on_config_change());
        }
    }
}

/// After a reset the balloon is empty.
void reset(PagePool& pool) {
    expect("resetting", balloon.driver.reset([](virtq::RequestCompletion const&) {}));
    for (; lent_count != 0; --lent_count) {
        free_page(pool, lent[lent_count - 1]);
    }
    serial::line("pages that the host has after a reset: ", uint64_t{balloon.driver.held_pages()});
}

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pool) {
    Device* const devices[] = {&balloon};
    if (find_devices(devices, virtq::spec::DeviceId::traditional_balloon, options.way) != 1) {
        serial::fail("this kernel wants a memory balloon, and there is none");
    }
    size_t const free = pool.count_free();
    balloon.bring_up(pool);
    balloon.most_interrupts = most_a_sleep;
    if (balloon.driver.can_report()) {
        report(pool);
    }
    serial::line("free pages: ", uint64_t{pool.count_free()});
    serial::line("ready");
    follow_target(pool);
    reset(pool);
    balloon.release(pool);
    serial::line("pages returned: ", returned, ", emptied: ", emptied);
    serial::line("pages missing: ", uint64_t{free - pool.count_free()});
    if (options.way != InterruptWay::none) {
        serial::line("interrupts: ", balloon.interrupts, " for ", requests, " requests");
    }
}
