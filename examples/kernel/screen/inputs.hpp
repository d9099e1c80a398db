// SPDX-License-Identifier: MIT
#pragma once

#include "driven.hpp"

struct InputTraits : virtq::InputTraits {
    using Format = virtq::AnyFormat;
};
using Input = Driven<virtq::InputDevice<Device::Transport, 64, InputTraits>>;

/// A keyboard and a tablet: what is typed, and where the pointer is.
class Inputs {
public:
    static constexpr unsigned device_max = 2;

    /// The devices that a search found first are used.
    void bring_up(unsigned count, PagePool& pages);

    /// Handles what has come. Calls `type(char)` for a key that was pressed and `press()` for the pointer's button, in
    /// the order in which they came. Returns whether there was anything.
    template <class Type, class Press>
    bool take(Type type, Press press) {
        return take_events([&](virtq::InputEvent const& event) {
            if (char const character = translate(event); character != '\0') {
                type(character);
            }
            if (is_press(event)) {
                press();
            }
        });
    }
    /// As above, but only for the pointer's place: keys wait with their device.
    void take_moves();

    /// Whether the pointer has moved since the last call.
    [[nodiscard]] bool has_moved() {
        bool const moved = has_moved_;
        has_moved_ = false;
        return moved;
    }
    /// Where the pointer is, in pixels of a screen of this size.
    [[nodiscard]] virtq::GpuPoint pointer(uint32_t width, uint32_t height) const;
    /// Asks for interrupts; `no` if something has come already.
    [[nodiscard]] virtq::MaySleep enable();
    void disable();
    void print_end() const;
    void release(PagePool& pages);

    /// A key that is no character, F12.
    static constexpr char asks_sum = '\1';

    Input devices[device_max];

private:
    template <class Each>
    bool take_events(Each each) {
        uint64_t const before = updates_;
        for (unsigned i = 0; i < count_; ++i) {
            take_from(devices[i], each);
        }
        return updates_ != before;
    }
    template <class Each>
    void take_from(Input& input, Each each) {
        auto const each_packet = [&](virtq::InputPacket const& packet) {
            ++updates_;
            for (virtq::InputEvent const& event : packet.events) {
                follow(event);
                each(event);
            }
        };
        if (input.driver.take_packets(each_packet) == virtq::CompletionState::broken) {
            input.give_up("it violated the standard");
        }
    }
    void follow(virtq::InputEvent const& event);
    [[nodiscard]] char translate(virtq::InputEvent const& event);
    [[nodiscard]] static bool is_press(virtq::InputEvent const& event);

    unsigned count_ = 0;
    uint64_t updates_ = 0;
    bool has_shift_ = false;
    bool has_moved_ = false;
    virtq::InputRange ranges_[2];
    int32_t position_[2] = {};
};
