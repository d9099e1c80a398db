// SPDX-License-Identifier: MIT
#include "interface.hpp"

#include <lwip/etharp.h>
#include <lwip/timeouts.h>
#include <netif/ethernet.h>

void Interface::start(NetworkCard& card) {
    card_ = &card;
    netif_add_noaddr(&netif_, this, set_up, ethernet_input);
    netif_set_default(&netif_);
    netif_set_up(&netif_);
}

/// lwIP calls it once.
err_t Interface::set_up(netif* interface) {
    auto const& driver = static_cast<Interface*>(interface->state)->card_->driver;
    interface->name[0] = 'v';
    interface->name[1] = 'q';
    interface->hwaddr_len = ETH_HWADDR_LEN;
    __builtin_memcpy(interface->hwaddr, driver.mac().bytes, ETH_HWADDR_LEN);
    interface->mtu = driver.mtu() != 0 ? driver.mtu() : uint16_t{1500};
    interface->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET | NETIF_FLAG_LINK_UP;
    interface->output = etharp_output;
    interface->linkoutput = send;
    return ERR_OK;
}

/// The card reads the packet where it is, so a reference keeps lwIP from freeing or changing it before it was sent. With
/// `ERR_MEM` lwIP tries again later.
err_t Interface::send(netif* interface, pbuf* packet) {
    auto& self = *static_cast<Interface*>(interface->state);
    constexpr size_t most = 8;
    virtq::Segment pieces[most];
    size_t count = 0;
    for (pbuf const* piece = packet; piece != nullptr; piece = piece->next) {
        if (count == most) {
            return ERR_BUF;
        }
        pieces[count++] = {machine::phys(piece->payload), piece->len};
    }
    if (!self.card_->driver.submit({pieces, count}, virtq::Token{packet})) {
        return ERR_MEM;
    }
    pbuf_ref(packet);
    ++self.sent_;
    return ERR_OK;
}

/// Copies the packet: lwIP reads a header more than once, and the card could change its buffer in between. What the card
/// says about checksums goes along. Without memory the packet is lost, as on a wire.
void Interface::receive(virtq::NetPacket const& packet) {
    ++received_;
    pbuf* const copy = pbuf_alloc(PBUF_RAW, static_cast<u16_t>(packet.bytes), PBUF_POOL);
    if (copy == nullptr) {
        return;
    }
    u16_t done = 0;
    for (virtq::NetPart const& part : packet.parts) {
        pbuf_take_at(copy, part.data, static_cast<u16_t>(part.bytes), done);
        done = static_cast<u16_t>(done + part.bytes);
    }
    constexpr u16_t by_card = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;
    bool const is_checked = packet.offload.checksum != virtq::NetChecksum::unknown;
    NETIF_SET_CHECKSUM_CTRL(&netif_, is_checked ? NETIF_CHECKSUM_ENABLE_ALL & ~by_card : NETIF_CHECKSUM_ENABLE_ALL);
    trusted_ += is_checked ? 1 : 0;
    if (netif_.input(copy, &netif_) != ERR_OK) {
        pbuf_free(copy);
    }
}

bool Interface::move() {
    auto& driver = card_->driver;
    uint64_t const before = received_;
    virtq::CompletionState const sent = driver.for_each_sent([](virtq::Token token) { pbuf_free(token.as<pbuf>()); });
    virtq::CompletionState const received =
        driver.receive_each([this](virtq::NetPacket const& packet) { receive(packet); }, card_queue_size);
    if (sent == virtq::CompletionState::broken || received == virtq::CompletionState::broken) {
        card_->give_up("it violated the standard");
    }
    sys_check_timeouts();
    static_cast<void>(driver.kick_device());
    return received_ != before;
}
