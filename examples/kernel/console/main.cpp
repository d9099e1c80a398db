// SPDX-License-Identifier: MIT
#include "device_search.hpp"
#include "echo.hpp"
#include "shell.hpp"
#include "startup.hpp"

/// The whole kernel: find a console, run a shell at its terminal, and send back what comes from every other port.

namespace {

constinit Console console;
constinit Shell shell;
constinit Echo echoes[ConsoleTraits::port_max];

/// Returns whether any byte moved.
bool move_data() {
    bool moved = shell.move();
    for (uint32_t port = 0; port < console.driver.port_count(); ++port) {
        moved = (port != Console::terminal && echoes[port].move(console, port)) || moved;
    }
    return moved;
}

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pages) {
    Device* const devices[] = {&console};
    if (find_devices(devices, virtq::spec::DeviceId::console, options.way) != 1) {
        serial::fail("this kernel wants a console, and there is none");
    }
    console.print_early("(early output, by emergency_write)\r\n");
    console.bring_up(pages);
    shell.start(console);
    while (!shell.has_quit()) {
        console.handle_events();
        if (!move_data()) {
            console.rest();
        }
    }
    for (uint32_t port = 1; port < console.driver.port_count(); ++port) {
        serial::line("port ", uint64_t{port}, ": sent back ", echoes[port].total(), " bytes");
    }
    if (options.way != InterruptWay::none) {
        serial::line("interrupts: ", console.interrupts);
    }
    console.release(pages);
}
