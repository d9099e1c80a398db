// SPDX-License-Identifier: MIT
#pragma once

#include "desk.hpp"
#include "forgotten.hpp"
#include "inputs.hpp"
#include "load.hpp"

/// All devices of this kernel.
struct Machinery {
    Desk desk;
    Inputs inputs;
    Load load;
    Forgotten forgotten;
};

/// A shell at the terminal: it runs a line when it ends.
class Shell {
public:
    /// Call it before the others. The devices must outlive the shell.
    void start(Machinery& machinery, PagePool& pages);
    /// Handles a character that was typed.
    void type(char character);
    /// Handles a click.
    void press(virtq::GpuPoint const& place);
    [[nodiscard]] bool has_quit() const { return has_quit_; }

    // --- the commands ---

    void help();
    void devices();
    void ring();
    void dump();
    void plot();
    void diagnose();
    void notify();
    void quit();

private:
    void run();
    void prompt();
    [[nodiscard]] bool has_disk();
    [[nodiscard]] bool has_forgotten();
    [[nodiscard]] uint64_t measure(uint32_t depth);
    void move_pointer();

    template <class Driver>
    void list(Device& device, Driver& driver);
    void list_head(Device& device);
    void list_ring(virtq::QueueSnapshot const& snapshot);

    /// Prints a text, and spaces up to this column.
    void print(char const* text, uint32_t columns = 0);
    void print(uint64_t number, uint32_t columns = 0);
    template <class... Parts>
    void line(Parts... parts) {
        (print(parts), ...);
        machinery_->desk.terminal.put('\n');
    }
    [[nodiscard]] auto printer() {
        return [this](char character) { machinery_->desk.terminal.put(character); };
    }

    static constexpr uint32_t line_max = 64;

    Machinery* machinery_ = nullptr;
    PagePool* pages_ = nullptr;
    bool has_quit_ = false;
    char line_[line_max + 1] = {};
    uint32_t length_ = 0;
};
