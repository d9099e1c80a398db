// SPDX-License-Identifier: MIT
#include "device_search.hpp"
#include "interface.hpp"
#include "server.hpp"
#include "startup.hpp"

#include <lwip/dhcp.h>
#include <lwip/init.h>
#include <lwip/sys.h>

/// The whole kernel: find a network card, let lwIP use it, and serve until somebody asks for `/quit`.

namespace {

constexpr size_t heap_pages = MEM_SIZE / virtq::page_bytes + 1;

constinit NetworkCard card;
constinit Interface interface;

void print_address() {
    ip4_addr_t const& address = *netif_ip4_addr(&interface.get());
    serial::line("address: ", uint64_t{ip4_addr1(&address)}, ".", uint64_t{ip4_addr2(&address)}, ".",
                 uint64_t{ip4_addr3(&address)}, ".", uint64_t{ip4_addr4(&address)});
}

void get_address() {
    dhcp_start(&interface.get());
    while (ip4_addr_isany_val(*netif_ip4_addr(&interface.get()))) {
        if (!interface.move()) {
            card.rest(Awaited::packet);
        }
    }
}

/// Where nobody hands out addresses.
void set_address() {
    ip4_addr_t address;
    ip4_addr_t mask;
    IP4_ADDR(&address, 192, 168, 77, 2);
    IP4_ADDR(&mask, 255, 255, 255, 0);
    netif_set_addr(&interface.get(), &address, &mask, nullptr);
}

/// Ends when nothing came for a while after the last connection: then all that was sent has been answered.
void serve() {
    constexpr u32_t silence = 500;  // milliseconds
    u32_t last = sys_now();
    while (!server::is_done() || sys_now() - last < silence || card.driver.in_flight() != 0) {
        if (interface.move()) {
            last = sys_now();
        } else {
            card.rest(Awaited::packet);
        }
    }
}

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pages) {
    Device* const devices[] = {&card};
    if (find_devices(devices, virtq::spec::DeviceId::net, options.way) != 1) {
        serial::fail("this kernel wants a network card, and there is none");
    }
    if (machine::ticks_per_second() == 0) {
        serial::fail("this kernel wants a clock, and the machine has none of a known frequency");
    }
    card.bring_up(pages);
    virtq::Pages const heap = pages.allocate_pages(heap_pages);
    if (heap.virt == nullptr) {
        serial::fail("there are no pages for lwIP's heap", virtq::Error::no_pages);
    }
    lwip_heap = heap.virt;
    lwip_init();
    interface.start(card);
    server::start(pages);
    options.has_fixed_address ? set_address() : get_address();
    print_address();
    serve();
    serial::line("packets received: ", interface.received());
    serial::line("packets sent: ", interface.sent());
    serial::line("packets with a checksum that the card vouches for: ", interface.trusted());
    serial::line("packets dropped: ", uint64_t{card.driver.dropped()});
    if (options.way != InterruptWay::none) {
        serial::line("interrupts: ", card.interrupts, " for ", interface.received() + interface.sent(), " packets");
    }
    card.release(pages);
    server::release(pages);
    pages.free_pages(heap);
}
