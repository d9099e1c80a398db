// SPDX-License-Identifier: MIT
#include "console.hpp"

namespace {

/// So many interrupts in one sleep are a storm.
constexpr uint64_t most_a_sleep = 32;

char const* name_of(virtq::ConsoleEvent event) {
    using enum virtq::ConsoleEvent;
    switch (event) {
        case added: return "added";
        case removed: return "removed";
        case console: return "is a console";
        case resized: return "resized";
        case opened: return "opened by the host";
        case closed: return "closed by the host";
        case named: return "named";
    }
    return "?";
}

}  // namespace

void Console::print_early(char const* text) {
    for (; *text != '\0'; ++text) {
        expect(driver.emergency_write(transport, *text));
    }
}

void Console::handle_events() {
    expect(driver.on_events([this](uint32_t port, virtq::ConsoleEvent event) {
        serial::line("port ", uint64_t{port}, ": ", name_of(event), " ", driver.port(port).name);
        if (event == virtq::ConsoleEvent::added) {
            expect(driver.open(port));
        }
    }));
}

void Console::write_all(virtq::Span<uint8_t const> text) {
    size_t done = 0;
    for (uint32_t rests = 0; done != text.size(); ++rests) {
        virtq::Result<uint32_t> const taken = driver.write({text.data() + done, text.size() - done}, terminal);
        if (taken.error() != virtq::Error::port_absent && taken.error() != virtq::Error::port_closed) {
            expect(taken.error());  // after `init` and `reset` the port has yet to come
        }
        if (taken && *taken != 0) {
            done += *taken;
            rests = 0;
            continue;
        }
        if (rests == patience().count) {
            give_up("it takes no output");
        }
        has_output[terminal] = true;
        rest();
        handle_events();
    }
    has_output[terminal] = false;
}

void Console::drain() {
    has_output[terminal] = true;
    for (uint32_t rests = 0; !driver.is_drained(terminal); ++rests) {
        if (rests == patience().count) {
            give_up("it does not use its output");
        }
        rest();
    }
    has_output[terminal] = false;
}

void Console::rest() {
    if (way == InterruptWay::none) {
        virtq::SpinRelax{}();
        return;
    }
    most_interrupts = interrupts + most_a_sleep;
    auto const enable = [this] { return enable_notifications(); };
    if (enable() == virtq::MaySleep::yes) {
        sleep_or_give_up(enable);
    }
    disable_notifications();
}

void Console::expect(virtq::Status status) {
    if (!status) {
        serial::line("the console: ", virtq::describe(status.error()));
        give_up("it does not work");
    }
}

/// Input stays with the device while output waits for room: that is how the host is slowed down.
virtq::ConsoleQueue Console::awaited(uint32_t port) const {
    return has_output[port] ? virtq::ConsoleQueue::output : virtq::ConsoleQueue::input;
}

virtq::MaySleep Console::enable_notifications() {
    for (uint32_t port = 0; port < driver.port_count(); ++port) {
        if (virtq::MaySleep const may = driver.enable_used_notifications(awaited(port), port);
            may != virtq::MaySleep::yes) {
            return may;
        }
    }
    return driver.enable_used_notifications(virtq::ConsoleQueue::events);
}

void Console::disable_notifications() {
    for (uint32_t port = 0; port < driver.port_count(); ++port) {
        driver.disable_used_notifications(virtq::ConsoleQueue::input, port);
        driver.disable_used_notifications(virtq::ConsoleQueue::output, port);
    }
    driver.disable_used_notifications(virtq::ConsoleQueue::events);
}
