// SPDX-License-Identifier: MIT
#include "shell.hpp"

#include "decimal.hpp"
#include "device_search.hpp"

namespace {

struct Command {
    char const* word;
    char const* purpose;
    void (Shell::*run)(uint32_t number);
};

constexpr Command commands[] = {
    {"help", "these lines", &Shell::help},
    {"devices", "the VirtIO devices of this machine", &Shell::devices},
    {"ports", "the ports of this console", &Shell::ports},
    {"open", "N: opens port N, which sends back what it gets", &Shell::open},
    {"close", "N: closes port N", &Shell::close},
    {"diagnose", "N: what the library sees of queue N", &Shell::diagnose},
    {"reset", "resets the console, and drops what was typed meanwhile; its ports come again", &Shell::reset},
    {"quit", "ends the kernel", &Shell::quit},
};

/// Whether `line` begins with `word`, and nothing or a space follows. `rest` is what follows.
bool takes_word(char const* line, char const* word, char const*& rest) {
    for (; *word != '\0'; ++word, ++line) {
        if (*line != *word) {
            return false;
        }
    }
    rest = line;
    return *line == '\0' || *line == ' ';
}

uint32_t number_in(char const* text) {
    uint32_t number = 0;
    for (; *text != '\0'; ++text) {
        if (*text >= '0' && *text <= '9') {
            number = number * 10 + static_cast<uint32_t>(*text - '0');
        }
    }
    return number;
}

}  // namespace

void Shell::start(Console& console) {
    console_ = &console;
    line("This is a kernel that only has a console. Type help.");
    prompt();
    flush();
}

bool Shell::move() {
    uint8_t typed[line_max];
    virtq::Result<uint32_t> const count = console_->driver.read({typed, sizeof typed}, Console::terminal);
    if (!count || *count == 0) {
        return false;
    }
    for (uint32_t i = 0; i < *count && !has_quit_; ++i) {
        type(static_cast<char>(typed[i]));
    }
    flush();
    return true;
}

void Shell::type(char character) {
    constexpr char backspace = 8;
    constexpr char erase = 127;
    if (character == '\r' || character == '\n') {
        put('\n');
        run();
        length_ = 0;
        if (!has_quit_) {
            prompt();
        }
    } else if ((character == backspace || character == erase) && length_ != 0) {
        --length_;
        print("\b \b");
    } else if (character >= ' ' && character < erase && length_ != line_max) {
        line_[length_++] = character;
        put(character);
    }
}

void Shell::run() {
    line_[length_] = '\0';
    for (Command const& command : commands) {
        if (char const* rest; takes_word(line_, command.word, rest)) {
            return (this->*command.run)(number_in(rest));
        }
    }
    if (length_ != 0) {
        line("There is no command ", line_, ". Type help.");
    }
}

// --- the commands ---

void Shell::help(uint32_t) {
    for (Command const& command : commands) {
        line("  ", command.word, "  ", command.purpose);
    }
}

void Shell::devices(uint32_t) {
    for (SeenDevice const& device : seen_devices()) {
        line("  ", name_of(device.type), device.is_on_pci ? " on PCI, device " : " on MMIO, slot ",
             uint64_t{device.slot});
    }
}

void Shell::ports(uint32_t) {
    for (uint32_t number = 0; number < console_->driver.port_count(); ++number) {
        virtq::ConsolePort const port = console_->driver.port(number);
        if (port.is_present) {
            line("  port ", uint64_t{number}, port.is_console ? ", a console, " : ", ",
                 port.is_open ? "open at the host " : "closed at the host ", port.name);
        }
    }
}

void Shell::open(uint32_t number) {
    virtq::Status const status = console_->driver.open(number);
    line(status ? "opened" : virtq::describe(status.error()));
}

void Shell::close(uint32_t number) {
    virtq::Status const status = console_->driver.close(number);
    line(status ? "closed" : virtq::describe(status.error()));
}

void Shell::diagnose(uint32_t number) {
    flush();
    console_->explain(static_cast<uint16_t>(number), [this](char character) { put(character); });
}

void Shell::reset(uint32_t) {
    flush();
    console_->drain();
    virtq::Status const status = console_->driver.reset([](virtq::RequestCompletion const&) {});
    if (!status) {
        console_->give_up(virtq::describe(status.error()));
    }
    line("The console was reset.");
}

void Shell::quit(uint32_t) {
    line("bye");
    flush();
    console_->drain();
    has_quit_ = true;
}

// --- output ---

void Shell::prompt() {
    print("virtq> ");
}

void Shell::put(char character) {
    if (output_bytes_ + 2 > output_max) {
        flush();
    }
    if (character == '\n') {
        output_[output_bytes_++] = '\r';
    }
    output_[output_bytes_++] = static_cast<uint8_t>(character);
}

void Shell::print(char const* text) {
    for (; *text != '\0'; ++text) {
        put(*text);
    }
}

void Shell::print(uint64_t number) {
    print(Decimal{number}.text());
}

void Shell::flush() {
    console_->write_all({output_, output_bytes_});
    output_bytes_ = 0;
}
