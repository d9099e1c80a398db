// SPDX-License-Identifier: MIT
#include "inputs.hpp"

#include "divide.hpp"

namespace {

using virtq::spec::input::EventType;
namespace code = virtq::spec::input::code;

// Keys by their numbers, on an American keyboard.
constexpr uint16_t key_left_shift = 42;
constexpr uint16_t key_right_shift = 54;
constexpr uint16_t key_f12 = 88;
constexpr uint16_t button_left = 0x110;
constexpr char plain[] = "\0\0331234567890-=\b\tqwertyuiop[]\n\0asdfghjkl;'`\0\\zxcvbnm,./\0*\0 ";
constexpr char shifted[] = "\0\033!@#$%^&*()_+\b\tQWERTYUIOP{}\n\0ASDFGHJKL:\"~\0|ZXCVBNM<>?\0*\0 ";
constexpr uint64_t most_a_sleep = 32;  // more interrupts in one sleep are a storm
constexpr uint64_t most_awake = 1000;  // while the kernel waits for other devices
static_assert(sizeof plain == sizeof shifted && plain[16] == 'q' && plain[28] == '\n' && plain[57] == ' ');

}  // namespace

void Inputs::bring_up(unsigned count, PagePool& pages) {
    count_ = count;
    for (unsigned i = 0; i < count_; ++i) {
        Input& input = devices[i];
        input.bring_up(pages);
        if (input.driver.kind() != virtq::InputKind::tablet) {
            continue;
        }
        constexpr uint8_t axes[] = {code::abs_x, code::abs_y};
        for (uint8_t const axis : axes) {
            auto const range = input.driver.range(axis);
            if (!range) {
                input.give_up(virtq::describe(range.error()));
            }
            ranges_[axis] = *range;
        }
    }
}

void Inputs::take_moves() {
    for (unsigned i = 0; i < count_; ++i) {
        if (devices[i].driver.kind() == virtq::InputKind::tablet) {
            take_from(devices[i], [](virtq::InputEvent const&) {});
        }
    }
}

/// What holds until another event comes.
void Inputs::follow(virtq::InputEvent const& event) {
    if (event.type == EventType::key && (event.code == key_left_shift || event.code == key_right_shift)) {
        has_shift_ = event.value != 0;
    }
    if (event.type == EventType::abs && event.code <= code::abs_y) {
        position_[event.code] = event.value;
        has_moved_ = true;
    }
}

/// '\0' if it types nothing.
char Inputs::translate(virtq::InputEvent const& event) {
    if (event.type != EventType::key || event.value == 0) {
        return '\0';
    }
    if (event.code == key_f12) {
        return asks_sum;
    }
    return event.code < sizeof plain ? (has_shift_ ? shifted : plain)[event.code] : '\0';
}

bool Inputs::is_press(virtq::InputEvent const& event) {
    return event.type == EventType::key && event.code == button_left && event.value == 1;
}

/// The device may send a position outside of its range.
virtq::GpuPoint Inputs::pointer(uint32_t width, uint32_t height) const {
    auto const scale = [this](unsigned axis, uint32_t pixels) {
        virtq::InputRange const& range = ranges_[axis];
        int64_t const above = int64_t{position_[axis]} - range.min;
        int64_t const span = int64_t{range.max} - range.min + 1;
        uint64_t const at = above < 0 ? 0 : static_cast<uint64_t>(above < span ? above : span - 1);
        return static_cast<uint32_t>(divide(at * pixels, static_cast<uint64_t>(span)).quotient);
    };
    return {scale(0, width), scale(1, height)};
}

virtq::MaySleep Inputs::enable() {
    virtq::MaySleep may = virtq::MaySleep::yes;
    for (unsigned i = 0; i < count_; ++i) {
        devices[i].most_interrupts = devices[i].interrupts + most_a_sleep;
        may = devices[i].driver.enable_used_notifications() == virtq::MaySleep::yes ? may : virtq::MaySleep::no;
    }
    return may;
}

void Inputs::disable() {
    for (unsigned i = 0; i < count_; ++i) {
        devices[i].most_interrupts = devices[i].interrupts + most_awake;
        devices[i].driver.disable_used_notifications();
    }
}

void Inputs::print_end() const {
    uint64_t interrupts = 0;
    uint64_t dropped = 0;
    for (unsigned i = 0; i < count_; ++i) {
        interrupts += devices[i].interrupts;
        dropped += devices[i].driver.dropped();
    }
    serial::line("updates of inputs: ", updates_, ", dropped: ", dropped, ", interrupts: ", interrupts);
}

void Inputs::release(PagePool& pages) {
    for (unsigned i = 0; i < count_; ++i) {
        devices[i].release(pages);
    }
}
