// SPDX-License-Identifier: MIT
#include "shell.hpp"

#include "colour.hpp"
#include "decimal.hpp"
#include "device_search.hpp"

namespace {

struct Command {
    char const* word;
    char const* purpose;
    void (Shell::*run)();
};

constexpr Command commands[] = {
    {"help", "these lines", &Shell::help},
    {"devices", "the VirtIO devices of this machine, with their rings", &Shell::devices},
    {"ring", "reads the disk, and draws the disk's ring meanwhile", &Shell::ring},
    {"dump", "the disk's ring in characters, as the library prints it", &Shell::dump},
    {"plot", "draws how many reads a second the disk does", &Shell::plot},
    {"diagnose", "asks a device for something without notifying it, then why nothing comes", &Shell::diagnose},
    {"notify", "notifies that device after all", &Shell::notify},
    {"quit", "ends the kernel", &Shell::quit},
};

bool equal(char const* one, char const* other) {
    for (; *one == *other && *one != '\0'; ++one, ++other) {
    }
    return *one == *other;
}

}  // namespace

void Shell::start(Machinery& machinery, PagePool& pages) {
    machinery_ = &machinery;
    pages_ = &pages;
    machinery.desk.terminal.use(colour::text);
    line("This kernel draws with virtq on a VirtIO GPU. Type help, or click a word above.");
    prompt();
    machinery.desk.show();
}

void Shell::type(char character) {
    Terminal& terminal = machinery_->desk.terminal;
    if (character == Inputs::asks_sum) {
        machinery_->desk.display.print_sum();
        return;
    }
    if (character == '\n') {
        terminal.put('\n');
        terminal.use(colour::text);
        run();
        length_ = 0;
        if (!has_quit_) {
            prompt();
        }
    } else if (character == '\b' && length_ != 0) {
        --length_;
        terminal.erase();
    } else if (character >= ' ' && length_ != line_max) {
        line_[length_++] = character;
        terminal.put(character);
    }
    machinery_->desk.show();
    if (character == '\n') {
        serial::line("ran ", line_);
    }
}

/// A word that is clicked is typed, in place of what was typed before.
void Shell::press(virtq::GpuPoint const& place) {
    char const* word = machinery_->desk.word_at(place);
    if (word == nullptr) {
        return;
    }
    while (length_ != 0) {
        type('\b');
    }
    for (; *word != '\0'; ++word) {
        type(*word);
    }
    type('\n');
}

void Shell::run() {
    line_[length_] = '\0';
    for (Command const& command : commands) {
        if (equal(line_, command.word)) {
            return (this->*command.run)();
        }
    }
    if (length_ != 0) {
        line("There is no command ", static_cast<char const*>(line_), ". Type help.");
    }
}

// --- the commands ---

void Shell::help() {
    for (Command const& command : commands) {
        print("  ");
        print(command.word, 10);
        line(command.purpose);
    }
}

void Shell::ring() {
    if (!has_disk()) {
        return;
    }
    constexpr uint32_t pictures = 16;
    Load& load = machinery_->load;
    uint64_t reads = 0;
    for (uint32_t i = 0; i < pictures; ++i) {
        load.submit(3 + i % 4);
        load.start();
        load.await();
        load.submit(5 + i % 3);
        load.start();
        load.submit(2 + i % 2);  // the device does not see these yet
        machinery_->desk.show_ring(virtq::take_snapshot(load.driver.ring(0)));
        reads += load.take();
        load.start();
        move_pointer();
    }
    load.finish();
    line("  ", uint64_t{pictures}, " pictures of the ring; the last one stays");
}

void Shell::dump() {
    if (has_disk()) {
        machinery_->load.submit(2);
        virtq::dump(machinery_->load.driver, printer(), virtq::Lines{16});
        machinery_->load.finish();
    }
}

/// How many reads a second end if so many are in flight.
uint64_t Shell::measure(uint32_t depth) {
    constexpr uint64_t intervals_per_second = 6;
    Load& load = machinery_->load;
    uint64_t const interval = divide(machine::ticks_per_second(), intervals_per_second).quotient;
    uint64_t const begin = machine::ticks();
    uint64_t reads = 0;
    load.submit(depth);
    load.start();
    uint64_t passed = 0;
    while (passed < interval) {
        load.await();
        uint32_t const ended = load.take();
        reads += ended;
        load.submit(ended);
        load.start();
        passed = machine::ticks() - begin;
    }
    load.finish();
    uint64_t const thousandths = divide(passed, divide(machine::ticks_per_second(), 1000).quotient).quotient;
    return divide(reads * 1000, thousandths).quotient;
}

void Shell::plot() {
    if (!has_disk()) {
        return;
    }
    if (machine::ticks_per_second() < 1000) {
        line("The clock of this machine is unknown.");
        return;
    }
    constexpr uint32_t depths[PlotView::bar_max] = {1, 2, 3, 4, 6, 8, 12, 16};
    machinery_->desk.clear_plot();
    uint64_t last = 0;
    for (uint32_t const depth : depths) {
        last = measure(depth);
        machinery_->desk.add_to_plot(depth, last);
        move_pointer();
    }
    line("  ", last, " reads a second with ", uint64_t{depths[PlotView::bar_max - 1]}, " in flight");
}

void Shell::diagnose() {
    if (has_forgotten()) {
        machinery_->forgotten.ask();
        machinery_->forgotten.explain(printer());
    }
}

void Shell::notify() {
    if (has_forgotten() && !machinery_->forgotten.is_asked()) {
        line("It was not asked for anything. Type diagnose first.");
    } else if (machinery_->forgotten.is_present) {
        line("  ", uint64_t{machinery_->forgotten.mend()}, " random bytes have come");
    }
}

void Shell::quit() {
    line("bye");
    has_quit_ = true;
}

bool Shell::has_disk() {
    if (!machinery_->load.is_present) {
        line("There is no disk.");
    } else if (!machinery_->desk.has_pictures()) {
        line("(The window is too small for pictures.)");
    }
    return machinery_->load.is_present;
}

bool Shell::has_forgotten() {
    if (!machinery_->forgotten.is_present) {
        line("There is no source of random bytes, which would be the device.");
    }
    return machinery_->forgotten.is_present;
}

/// The pointer follows the hand also while a command runs.
void Shell::move_pointer() {
    Display& display = machinery_->desk.display;
    machinery_->inputs.take_moves();
    if (machinery_->inputs.has_moved()) {
        display.move_cursor(machinery_->inputs.pointer(display.frame.width(), display.frame.height()));
    }
}

// --- devices ---

void Shell::devices() {
    line("  device    transport  slot  interrupts  rings");
    list(machinery_->desk.display, machinery_->desk.display.driver);
    for (Input& input : machinery_->inputs.devices) {
        list(input, input.driver);
    }
    list(machinery_->load, machinery_->load.driver);
    if (machinery_->forgotten.is_present) {
        list_head(machinery_->forgotten);
        list_ring(virtq::take_snapshot(machinery_->forgotten.queue()));
        line();
    }
}

template <class Driver>
void Shell::list(Device& device, Driver& driver) {
    if (driver.transport() == nullptr) {
        return;  // the machine has none
    }
    list_head(device);
    constexpr uint16_t queue_max = 2;
    for (uint16_t queue = 0; queue < queue_max; ++queue) {
        if constexpr (requires { driver.ring(queue); }) {
            queue < driver.queue_count() ? list_ring(virtq::take_snapshot(driver.ring(queue))) : void();
        } else {
            driver.visit_ring(queue, [this](auto const& ring) { list_ring(virtq::take_snapshot(ring)); });
        }
    }
    line();
}

void Shell::list_head(Device& device) {
    print("  ");
    print(name_of(device.transport.device_id()), 10);
    print(name_of(device.transport), 11);
    print(uint64_t{device.slot}, 6);
    switch (device.way) {
        case InterruptWay::none: print("", 4); break;
        case InterruptWay::line: print("line ", 5); break;
        case InterruptWay::message: print("message ", 8); break;
    }
    device.way == InterruptWay::none ? print("none", 8)
                                     : print(uint64_t{device.number}, device.way == InterruptWay::line ? 7 : 4);
}

void Shell::list_ring(virtq::QueueSnapshot const& snapshot) {
    print(snapshot.is_packed() ? "packed " : "split ");
    print(uint64_t{snapshot.size});
    print("  ");
}

// --- output ---

void Shell::prompt() {
    print("virtq> ");
    machinery_->desk.terminal.use(colour::typed);
}

void Shell::print(char const* text, uint32_t columns) {
    uint32_t column = 0;
    for (; text[column] != '\0'; ++column) {
        machinery_->desk.terminal.put(text[column]);
    }
    for (; column < columns; ++column) {
        machinery_->desk.terminal.put(' ');
    }
}

void Shell::print(uint64_t number, uint32_t columns) {
    print(Decimal{number}.text(), columns);
}
