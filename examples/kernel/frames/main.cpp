// SPDX-License-Identifier: MIT
#include "device_search.hpp"
#include "network_card.hpp"
#include "startup.hpp"

/// The whole kernel: find a network card, and send every frame back from the buffer in which it came. No byte is copied:
/// the kernel keeps the buffer until the frame was sent, then gives it back. frames/host is the other side.

namespace {

constexpr uint32_t type_offset = 12;
constexpr uint16_t command_type = 0x88b6;  // an experimental EtherType; a frame of it is a `Command`, then padding
constexpr uint32_t command_offset = 14;
enum class Command : uint8_t { quit = 'q', reset = 'r' };

constexpr virtq::Token answer_token{UINTPTR_MAX};  // no number of a buffer

struct Count {
    void add(uint32_t more) {
        ++frames;
        bytes += more;
    }
    uint64_t frames = 0;
    uint64_t bytes = 0;
};

constinit NetworkCard card;
constinit Count received;
constinit Count sent;
constinit virtq::Pages answer;        // a copy of the last command
constinit uint32_t answer_bytes = 0;  // 0: there was none

bool is_command(virtq::NetPart const& frame) {
    return frame.bytes > command_offset && frame.data[type_offset] == command_type >> 8 &&
           frame.data[type_offset + 1] == (command_type & 0xff);
}

void send(virtq::Segment frame, virtq::Token token) {
    card.expect(card.driver.submit(frame, token));
    sent.add(frame.bytes);
}

virtq::NetUse send_back(virtq::NetPacket const& packet) {
    if (packet.parts.size() != 1) {
        card.give_up("a frame came in several buffers, and each buffer has room for a whole one");
    }
    virtq::NetPart const& frame = packet.parts[0];
    received.add(frame.bytes);
    if (is_command(frame)) {
        __builtin_memcpy(answer.virt, frame.data, frame.bytes);  // the device can still change what is in its buffer
        answer_bytes = frame.bytes;
        return virtq::NetUse::done;
    }
    send({machine::phys(frame.data), frame.bytes}, virtq::Token{uintptr_t{frame.buffer}});
    return virtq::NetUse::kept;
}

void give_back_sent() {
    auto const give_back = [](virtq::Token token) {
        if (token != answer_token) {
            card.driver.give_back(virtq::NetPart{nullptr, 0, static_cast<uint16_t>(token.value())});
        }
    };
    if (card.driver.for_each_sent(give_back) == virtq::CompletionState::broken) {
        card.give_up("it violated the standard when it sent");
    }
}

uint32_t send_room() {
    return packets_in_flight_max - card.driver.in_flight();
}

/// Receives no more frames than can be sent.
void echo() {
    give_back_sent();
    uint64_t const before = received.frames;
    uint32_t const room = send_room();
    if (room != 0 && card.driver.receive_each(send_back, room) == virtq::CompletionState::broken) {
        card.give_up("it violated the standard when it received");
    }
    static_cast<void>(card.driver.kick_device());
    if (received.frames == before) {
        card.rest(send_room() == 0 ? Awaited::room : Awaited::packet);
    }
}

/// Waits until the other side has all that was sent.
void drain() {
    static_cast<void>(card.driver.kick_device());
    for (give_back_sent(); card.driver.in_flight() != 0; give_back_sent()) {
        card.rest(Awaited::room);
    }
}

/// Does what the other side asked for, and answers. Returns whether to go on.
bool obey() {
    auto const command = static_cast<Command>(static_cast<uint8_t const*>(answer.virt)[command_offset]);
    drain();
    if (command == Command::reset) {
        card.expect(card.driver.reset([](virtq::RequestCompletion const&) {}));
        serial::line("the card was reset");
    }
    send({answer.phys, answer_bytes}, answer_token);
    answer_bytes = 0;
    drain();
    return command != Command::quit;
}

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pages) {
    Device* const devices[] = {&card};
    if (find_devices(devices, virtq::spec::DeviceId::net, options.way) != 1) {
        serial::fail("this kernel wants a network card, and there is none");
    }
    card.bring_up(pages);
    answer = pages.allocate_pages(1);
    if (answer.virt == nullptr) {
        serial::fail("there is no page for an answer", virtq::Error::no_pages);
    }
    do {
        echo();
    } while (answer_bytes == 0 || obey());
    serial::line("frames received: ", received.frames, ", ", received.bytes, " bytes");
    serial::line("frames sent: ", sent.frames, ", ", sent.bytes, " bytes");
    serial::line("frames dropped: ", uint64_t{card.driver.dropped()});
    if (options.way != InterruptWay::none) {
        serial::line("interrupts: ", card.interrupts, " for ", received.frames, " frames");
    }
    pages.free_pages(answer);
    card.release(pages);
}
