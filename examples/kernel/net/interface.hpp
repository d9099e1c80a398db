// SPDX-License-Identifier: MIT
#pragma once

#include "network_card.hpp"

#include <lwip/netif.h>

/// A network interface of lwIP over a card. A global object.
class Interface {
public:
    /// Adds it to lwIP, which is initialised, and brings it up.
    void start(NetworkCard& card);
    /// Hands received packets to lwIP, gives sent ones back to it, runs its timers, and tells the card what is to be
    /// sent. Returns whether a packet came.
    bool move();

    [[nodiscard]] netif& get() { return netif_; }
    [[nodiscard]] uint64_t received() const { return received_; }
    [[nodiscard]] uint64_t sent() const { return sent_; }
    /// Received packets whose checksum lwIP did not verify, because the card said so.
    [[nodiscard]] uint64_t trusted() const { return trusted_; }

private:
    static err_t set_up(netif* interface);
    static err_t send(netif* interface, pbuf* packet);
    void receive(virtq::NetPacket const& packet);

    NetworkCard* card_ = nullptr;
    netif netif_ = {};
    uint64_t received_ = 0;
    uint64_t sent_ = 0;
    uint64_t trusted_ = 0;
};
