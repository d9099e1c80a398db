// SPDX-License-Identifier: MIT
//
//   forward_pmd EAL-ARGUMENTS… -- PACKETS
//
// Forwards packets as forward.cpp does, through DPDK's own virtio driver (virtio_user).

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <bench/dpdk/windows.hpp>

namespace {

constexpr std::uint16_t port = 0;
constexpr std::uint16_t queue_size = 256;
constexpr std::uint16_t burst_max = 32;
constexpr unsigned in_flight = 32;
constexpr std::uint64_t unmeasured_packets = 20'000;

void require(bool good, char const* what) {
    if (!good) {
        std::fprintf(stderr, "forward_pmd: %s failed\n", what);
        std::exit(1);
    }
}

rte_mempool* start_port() {
    rte_mempool* const pool = rte_pktmbuf_pool_create("packets", 4096, 250, 0, 2048 + 128, 0);
    require(pool != nullptr, "rte_pktmbuf_pool_create");
    rte_eth_conf const plain{};
    require(rte_eth_dev_configure(port, 1, 1, &plain) == 0, "rte_eth_dev_configure");
    require(rte_eth_rx_queue_setup(port, 0, queue_size, 0, nullptr, pool) == 0, "rte_eth_rx_queue_setup");
    require(rte_eth_tx_queue_setup(port, 0, queue_size, 0, nullptr) == 0, "rte_eth_tx_queue_setup");
    require(rte_eth_dev_start(port) == 0, "rte_eth_dev_start");
    usleep(500'000);  // the device has its queues a little later
    return pool;
}

/// Sends the packets that will go round for ever.
void begin(rte_mempool* pool) {
    for (std::uint64_t number = 0; number < in_flight; ++number) {
        rte_mbuf* packet = rte_pktmbuf_alloc(pool);
        require(packet != nullptr, "rte_pktmbuf_alloc");
        auto* const bytes = reinterpret_cast<std::uint8_t*>(rte_pktmbuf_append(packet, frame_bytes));
        std::memset(bytes, 0xff, frame_bytes);
        std::memcpy(bytes + ethernet_bytes, &number, sizeof number);
        require(rte_eth_tx_burst(port, 0, &packet, 1) == 1, "rte_eth_tx_burst");
    }
}

void run(std::uint64_t target, Windows& windows) {
    windows.restart();
    for (std::uint64_t seen = 0; seen < target;) {
        rte_mbuf* packets[burst_max];
        std::uint16_t const count = rte_eth_rx_burst(port, 0, packets, burst_max);
        if (count != 0) {
            require(rte_eth_tx_burst(port, 0, packets, count) == count, "rte_eth_tx_burst");
            seen += count;
            windows.count(seen);
        }
    }
}

}  // namespace

int main(int count, char** arguments) {
    int const used = rte_eal_init(count, arguments);
    require(used >= 0 && count - used == 2, "rte_eal_init, or an argument");
    begin(start_port());
    Windows windows;
    run(unmeasured_packets, windows);
    run(std::strtoull(arguments[used + 1], nullptr, 10), windows);
    windows.print();
    std::fflush(stdout);
    _exit(0);  // the tear-down of the EAL waits for threads that poll
}
