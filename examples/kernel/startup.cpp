// SPDX-License-Identifier: MIT
#include "startup.hpp"

#include "machine.hpp"
#include "page_check.hpp"
#include "serial.hpp"

namespace {

constinit PagePool pages;

/// Checks that the RAM is there, and leaves it dirty, as in a kernel that has run for a while.
void dirty_the_pool() {
    auto* const words = static_cast<volatile uint64_t*>(machine::virt(machine::pool_base));
    for (uint64_t i = 0; i < (uint64_t{1} << 20) / sizeof(uint64_t); ++i) {
        words[i] = ~i;
    }
    if (words[0] != ~uint64_t{0} || words[1] != ~uint64_t{1}) {
        serial::fail("there is no RAM above 4 GiB: start QEMU with more memory, as examples/run does");
    }
}

KernelOptions read_options() {
    uint32_t const bits = *static_cast<uint32_t const*>(machine::virt(machine::option_word));
    InterruptWay const way = (bits & machine::option_polled) != 0        ? InterruptWay::none
                             : (bits & machine::option_no_messages) != 0 ? InterruptWay::line
                                                                         : InterruptWay::message;
    return {way, (bits & machine::option_sleep) != 0,
            *static_cast<uint32_t const*>(machine::virt(machine::request_word))};
}

}  // namespace

extern "C" void kernel_main() {
    machine::prepare();
    serial::line("virtq example kernel on ", machine::name(), ", with pages from ",
                 serial::Hex{machine::pool_base.value});
    KernelOptions const options = read_options();
    dirty_the_pool();
    check_pages(pages);
    run_kernel(options, pages);
    serial::line("done");
    machine::exit(true);
}

extern "C" void kernel_trap(uint64_t cause, uint64_t instruction, uint64_t address) {
    serial::fail("the CPU took exception ", serial::Hex{cause}, " at instruction ", serial::Hex{instruction},
                 ", address ", serial::Hex{address});
}

extern "C" void virtq_assertion_failed(char const* rule, char const* file, int line) {
    serial::fail("virtq's rule is broken: ", rule, " (", file, ":", static_cast<uint64_t>(line), ")");
}
