// SPDX-License-Identifier: MIT
//
// The example kernel with another main: it receives packets, sends them, or sends back what it receives, as fast as it can,
// and prints how long that took. The driver is virtq's or the one of unchecked_card.hpp, and the loop is the same for both.
// tests/bench/card.py writes the words of machine.hpp and the two behind them, and is the other side of the wire.
#include "device_search.hpp"
#include "startup.hpp"
#include "unchecked_card.hpp"

namespace {

constexpr virtq::PhysAddr mode_word = machine::request_word + 4;
constexpr virtq::PhysAddr driver_word = machine::request_word + 8;
enum class Mode : uint32_t { receive, send, echo };
enum class Driver : uint32_t { virtq, unchecked };

constexpr uint32_t receive_most = 64;  // frames a call
constexpr uint32_t frame_bytes = 60;   // the least of Ethernet, without the checksum behind it

constinit NetworkCard network_card;
constinit unchecked::Card<unchecked::SplitRing> unchecked_split;
constinit unchecked::Card<unchecked::PackedRing> unchecked_packed;
constinit virtq::NetFrame frames[packets_in_flight_max];

uint32_t word(virtq::PhysAddr address) {
    return *static_cast<uint32_t const*>(machine::virt(address));
}

/// virtq's driver, with the calls of `unchecked::Card`.
struct CheckedCard {
    template <class Each>
    void receive(Each each, uint32_t most) {
        auto const each_packet = [&](virtq::NetPacket const& packet) { return each(packet.parts[0]); };
        if (network_card.driver.receive_each(each_packet, most) == virtq::CompletionState::broken) {
            network_card.give_up("it violated the standard when it received");
        }
    }
    void give_back(uint16_t buffer) { network_card.driver.give_back(virtq::NetPart{nullptr, 0, buffer}); }
    void send(virtq::Span<virtq::NetFrame const> burst) {
        network_card.expect(network_card.driver.submit_burst(burst).error);
    }
    template <class Each>
    void take_sent(Each each) {
        if (network_card.driver.for_each_sent(each) == virtq::CompletionState::broken) {
            network_card.give_up("it violated the standard when it sent");
        }
    }
};

/// The loop of the kernel. Each call moves as many packets as it says, and returns when the device has done with them.
template <class Card>
struct Loop {
    Card& card;
    virtq::Segment frame;  ///< what `send` sends
    uint32_t in_flight = 0;
    uint32_t burst = 0;  ///< `frames` that were not sent yet

    void run(Mode mode, uint32_t count) {
        switch (mode) {
            case Mode::receive: return receive(count);
            case Mode::send: return send(count);
            case Mode::echo: return echo(count);
        }
    }

    void receive(uint32_t count) {
        uint32_t received = 0;
        while (received != count) {
            uint32_t const before = received;
            auto const each = [&](virtq::NetPart const& part) {
                check(part);
                ++received;
                return virtq::NetUse::done;
            };
            card.receive(each, least(receive_most, count - received));
            rest_if(received == before);
        }
    }

    void send(uint32_t count) {
        for (uint32_t sent = 0; sent != count || in_flight != 0;) {
            for (; in_flight + burst != packets_in_flight_max && sent != count; ++sent) {
                frames[burst++] = {frame, virtq::Token{sent}};
            }
            bool const sends = send_burst();
            rest_if(!take_sent([](virtq::Token) {}) && !sends);
        }
    }

    /// Receives no more than can be sent, and sends each frame from the buffer in which it came.
    void echo(uint32_t count) {
        uint32_t received = 0;
        while (received != count || in_flight != 0) {
            uint32_t const room = packets_in_flight_max - in_flight;
            auto const each = [&](virtq::NetPart const& part) {
                check(part);
                ++received;
                frames[burst++] = {{machine::phys(part.data), part.bytes}, virtq::Token{uintptr_t{part.buffer}}};
                return virtq::NetUse::kept;
            };
            card.receive(each, least(room, count - received));
            bool const sends = send_burst();
            auto const give_back = [&](virtq::Token token) { card.give_back(static_cast<uint16_t>(token.value())); };
            rest_if(!take_sent(give_back) && !sends);
        }
    }

private:
    static uint32_t least(uint32_t a, uint32_t b) { return a < b ? a : b; }
    static void check(virtq::NetPart const& part) {
        if (part.bytes != frame_bytes) {
            serial::fail("a frame came with another length: ", uint64_t{part.bytes});
        }
    }
    static void rest_if(bool is_idle) {
        if (is_idle) {
            virtq::SpinRelax{}();
        }
    }
    bool send_burst() {
        if (burst == 0) {
            return false;
        }
        card.send({frames, burst});
        in_flight += burst;
        burst = 0;
        return true;
    }
    template <class Each>
    bool take_sent(Each each) {
        uint32_t const before = in_flight;
        card.take_sent([&](virtq::Token token) {
            --in_flight;
            each(token);
        });
        return in_flight != before;
    }
};

/// A frame that counts up from 0, as the other side has it.
virtq::Segment make_frame(PagePool& pages) {
    virtq::Pages const page = pages.allocate_pages(1);
    if (page.virt == nullptr) {
        serial::fail("there is no page for a frame", virtq::Error::no_pages);
    }
    for (uint32_t i = 0; i < frame_bytes; ++i) {
        static_cast<uint8_t*>(page.virt)[i] = static_cast<uint8_t>(i);
    }
    return {page.phys, frame_bytes};
}

template <class Card>
void measure(Card& card, PagePool& pages, uint32_t packets) {
    Loop<Card> loop{card, make_frame(pages)};
    auto const mode = static_cast<Mode>(word(mode_word));
    serial::line("bench: the card is up");
    loop.run(mode, packets / 8 + 1);  // first, QEMU translates the code, and both sides wake up
    uint64_t const start = machine::ticks();
    loop.run(mode, packets);
    uint64_t const ticks = machine::ticks() - start;
    serial::line("bench: ", uint64_t{packets}, " ", ticks, " ", machine::ticks_per_second());
}

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pages) {
    if (options.requests == 0) {
        serial::fail("there is nothing to measure: tests/bench/run starts this kernel");
    }
    Device* const devices[] = {&network_card};
    if (find_devices(devices, virtq::spec::DeviceId::net, InterruptWay::none) != 1) {
        serial::fail("this kernel wants a network card");
    }
    Device::Transport& transport = network_card.transport;
    constexpr auto packed_bit = static_cast<unsigned>(virtq::spec::Feature::ring_packed);
    bool const packed = (transport.offered_features(packed_bit / 32) >> packed_bit % 32 & 1) != 0;
    if (static_cast<Driver>(word(driver_word)) == Driver::virtq) {
        network_card.bring_up(pages);
        CheckedCard card;
        measure(card, pages, options.requests);
    } else if (packed) {
        unchecked_packed.bring_up(transport, pages, packed);
        measure(unchecked_packed, pages, options.requests);
    } else {
        unchecked_split.bring_up(transport, pages, packed);
        measure(unchecked_split, pages, options.requests);
    }
}
