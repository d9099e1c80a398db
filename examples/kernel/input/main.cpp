// SPDX-License-Identifier: MIT
#include "device_search.hpp"
#include "driven.hpp"
#include "startup.hpp"

/// The whole kernel: find a keyboard, a mouse and a tablet, print what they are, then each update that comes, until the
/// key Esc is released. Caps Lock switches its light. F1 resets all of them. input/host is the other side.

namespace {

using virtq::spec::input::EventType;
namespace code = virtq::spec::input::code;

constexpr uint16_t key_esc = 1;
constexpr uint16_t key_caps_lock = 58;
constexpr uint16_t key_f1 = 59;
constexpr uint64_t most_a_sleep = 32;  // more interrupts in one sleep are a storm

struct AnyInput : virtq::InputTraits {
    using Format = virtq::AnyFormat;
};
using Input = Driven<virtq::InputDevice<Device::Transport, 64, AnyInput>>;

constinit Input inputs[3];
constinit unsigned input_count = 0;
constinit uint64_t updates = 0;
constinit uint64_t lights = 0;
constinit bool is_light_on = false;
constinit bool wants_reset = false;
constinit bool wants_end = false;

char const* kind_name(virtq::InputKind kind) {
    switch (kind) {
        case virtq::InputKind::keyboard: return "keyboard";
        case virtq::InputKind::mouse: return "mouse";
        case virtq::InputKind::tablet: return "tablet";
        case virtq::InputKind::touch: return "touch screen";
        case virtq::InputKind::joystick: return "joystick";
        default: return "another input device";
    }
}

void expect(Input& input, char const* what, virtq::Status status) {
    if (!status) {
        serial::line(what, ": ", virtq::describe(status.error()));
        input.give_up(what);
    }
}

void print_number(int32_t number) {
    serial::print(number < 0 ? " -" : " ");
    serial::print(static_cast<uint64_t>(number < 0 ? -int64_t{number} : int64_t{number}));
}

void describe(Input& input) {
    auto const name = input.driver.name();
    expect(input, "the name", name);
    serial::line("  ", kind_name(input.driver.kind()), ": ", name->text);
    if (input.driver.kind() != virtq::InputKind::tablet) {
        return;
    }
    constexpr uint16_t axes[] = {code::abs_x, code::abs_y};
    for (uint16_t const axis : axes) {
        auto const range = input.driver.range(static_cast<uint8_t>(axis));
        expect(input, "a range", range);
        serial::print("  range of an axis:");
        print_number(range->min);
        print_number(range->max);
        serial::line();
    }
}

void obey(Input& input, virtq::InputEvent const& event) {
    if (event.type != EventType::key) {
        return;
    }
    if (event.code == key_caps_lock && event.value == 1) {
        is_light_on = !is_light_on;
        expect(input, "the light", input.driver.send({EventType::led, code::led_caps_lock, is_light_on ? 1 : 0}));
        ++lights;
    }
    wants_reset = wants_reset || (event.code == key_f1 && event.value == 1);
    wants_end = wants_end || (event.code == key_esc && event.value == 0);
}

/// Prints the update's device, then type, code and value of each event.
void handle(Input& input, virtq::InputPacket const& packet) {
    if (!packet.is_whole) {
        input.give_up("an update is not whole");
    }
    ++updates;
    serial::print("update of ");
    serial::print(kind_name(input.driver.kind()));
    serial::print(":");
    for (virtq::InputEvent const& event : packet.events) {
        print_number(static_cast<int32_t>(event.type));
        print_number(event.code);
        print_number(event.value);
        serial::print(";");
        obey(input, event);
    }
    serial::line();
}

/// Returns whether something came.
bool take() {
    uint64_t const before = updates;
    for (unsigned i = 0; i < input_count; ++i) {
        Input& input = inputs[i];
        if (input.driver.take_packets([&](auto const& packet) { handle(input, packet); }) ==
            virtq::CompletionState::broken) {
            input.give_up("it violated the standard");
        }
    }
    return updates != before;
}

virtq::MaySleep enable() {
    virtq::MaySleep may = virtq::MaySleep::yes;
    for (unsigned i = 0; i < input_count; ++i) {
        inputs[i].most_interrupts = inputs[i].interrupts + most_a_sleep;
        may = inputs[i].driver.enable_used_notifications() == virtq::MaySleep::yes ? may : virtq::MaySleep::no;
    }
    return may;
}

void rest() {
    if (inputs[0].way == InterruptWay::none) {
        virtq::SpinRelax{}();
        return;
    }
    if (enable() == virtq::MaySleep::yes) {
        inputs[0].sleep_or_give_up(enable);
    }
}

void reset() {
    for (unsigned i = 0; i < input_count; ++i) {
        expect(inputs[i], "resetting", inputs[i].driver.reset([](virtq::RequestCompletion const&) {}));
    }
    wants_reset = false;
    serial::line("all were reset");
}

/// Waits until the device has switched the lights.
void drain(Input& input) {
    for (uint32_t polls = 0; input.driver.in_flight() != 0; ++polls) {
        if (polls == input.patience().count) {
            input.give_up("it does not switch its light");
        }
        virtq::SpinRelax{}();
    }
}

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pages) {
    Device* const devices[] = {&inputs[0], &inputs[1], &inputs[2]};
    input_count = find_devices(devices, virtq::spec::DeviceId::input, options.way);
    if (input_count == 0 || input_count > 3) {
        serial::fail("this kernel wants one to three input devices, and there are ", uint64_t{input_count});
    }
    for (unsigned i = 0; i < input_count; ++i) {
        inputs[i].bring_up(pages);
        describe(inputs[i]);
    }
    serial::line("ready");
    while (!wants_end) {
        if (!take()) {
            rest();
        }
        if (wants_reset) {
            reset();
        }
    }
    uint64_t interrupts = 0;
    uint64_t dropped = 0;
    for (unsigned i = 0; i < input_count; ++i) {
        drain(inputs[i]);
        interrupts += inputs[i].interrupts;
        dropped += inputs[i].driver.dropped();
        inputs[i].release(pages);
    }
    serial::line("updates: ", updates);
    serial::line("lights switched: ", lights);
    serial::line("events dropped: ", dropped);
    if (options.way != InterruptWay::none) {
        serial::line("interrupts: ", interrupts, " for ", updates, " updates");
    }
}
