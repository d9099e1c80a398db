// SPDX-License-Identifier: MIT
#include "network_card.hpp"

namespace {

/// More interrupts than this in one sleep are a storm.
constexpr uint64_t most_a_sleep = 32;

}  // namespace

void NetworkCard::bring_up(PagePool& pages) {
    Driven::bring_up(pages);
    serial::print("  address");
    for (uint8_t byte : driver.mac().bytes) {
        serial::print(" ");
        serial::print(serial::Hex{byte});
    }
    serial::line(driver.is_link_up() ? ", the link is up" : ", the link is down");
    disable_notifications();
}

void NetworkCard::rest(Awaited awaited) {
    look_at_link();
    if (way == InterruptWay::none) {
        virtq::SpinRelax{}();
        return;
    }
    most_interrupts = interrupts + most_a_sleep;
    auto const enable = [this, awaited] { return enable_notifications(awaited); };
    if (enable() == virtq::MaySleep::yes && !sleep(enable)) {
        give_up("an interrupt was lost: it had something to say, and only the tick ended the sleep");
    }
    disable_notifications();
}

void NetworkCard::expect(virtq::Status status) {
    if (!status) {
        serial::line("the card: ", virtq::describe(status.error()));
        give_up("it does not work");
    }
}

virtq::MaySleep NetworkCard::enable_notifications(Awaited awaited) {
    return awaited == Awaited::room ? driver.enable_send_notifications() : driver.enable_receive_notifications();
}

void NetworkCard::disable_notifications() {
    driver.disable_send_notifications();
    driver.disable_receive_notifications();
}

void NetworkCard::look_at_link() {
    if (!config_changed) {
        return;
    }
    config_changed = false;
    virtq::Result<bool> const changed = driver.on_config_change();
    expect(changed.error());
    if (*changed) {
        serial::line(driver.is_link_up() ? "the link is up" : "the link is down");
    }
}
