// SPDX-License-Identifier: MIT
#pragma once

#include "console.hpp"

/// A shell at the terminal: it echoes what is typed, and runs a line when it ends.
class Shell {
public:
    /// Call it before the others. The console must outlive the shell.
    void start(Console& console);
    /// Reads and handles what was typed. Returns whether there was anything.
    bool move();
    [[nodiscard]] bool has_quit() const { return has_quit_; }

    // --- the commands: `number` is what follows the word, or 0 ---

    void help(uint32_t number);
    void devices(uint32_t number);
    void ports(uint32_t number);
    void open(uint32_t number);
    void close(uint32_t number);
    void diagnose(uint32_t number);
    void reset(uint32_t number);
    void quit(uint32_t number);

private:
    void type(char character);
    void run();
    void prompt();

    void put(char character);
    void print(char const* text);
    void print(uint64_t number);
    template <class... Parts>
    void line(Parts... parts) {
        (print(parts), ...);
        put('\n');
    }
    void flush();

    static constexpr uint32_t line_max = 64;
    static constexpr uint32_t output_max = 512;

    Console* console_ = nullptr;
    bool has_quit_ = false;
    char line_[line_max + 1] = {};
    uint32_t length_ = 0;
    uint8_t output_[output_max] = {};
    uint32_t output_bytes_ = 0;
};
