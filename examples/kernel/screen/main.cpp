// SPDX-License-Identifier: MIT
#include "device_search.hpp"
#include "shell.hpp"
#include "startup.hpp"

/// The whole kernel: find a GPU, a keyboard and a tablet, a disk and a source of random bytes, and run a shell on the
/// screen. `host` is the other side.

namespace {

constinit Machinery machinery;
constinit Shell shell;

void find_all(InterruptWay way, PagePool& pages) {
    using virtq::spec::DeviceId;
    Device* const displays[] = {&machinery.desk.display};
    Device* const inputs[] = {&machinery.inputs.devices[0], &machinery.inputs.devices[1]};
    Device* const disks[] = {&machinery.load};
    Device* const sources[] = {&machinery.forgotten};
    WantedDevices wanted[] = {
        {DeviceId::gpu, displays}, {DeviceId::input, inputs}, {DeviceId::block, disks}, {DeviceId::entropy, sources}};
    find_devices(wanted, way);
    if (wanted[0].found == 0) {
        serial::fail("this kernel wants a GPU, and there is none");
    }
    machinery.desk.display.bring_up(pages);
    machinery.inputs.bring_up(wanted[1].found, pages);
    if (wanted[2].found != 0) {
        machinery.load.bring_up(pages);
    }
    if (wanted[3].found != 0) {
        machinery.forgotten.bring_up(pages);
    }
}

/// Returns whether anything came.
bool take_input() {
    Display& display = machinery.desk.display;
    auto const pointer = [&] { return machinery.inputs.pointer(display.frame.width(), display.frame.height()); };
    bool const has_come =
        machinery.inputs.take([](char character) { shell.type(character); }, [&] { shell.press(pointer()); });
    if (machinery.inputs.has_moved()) {
        display.move_cursor(pointer());
    }
    return has_come;
}

/// Sleeps until there is input, or the host's window changes.
void rest() {
    Display& display = machinery.desk.display;
    if (display.way == InterruptWay::none) {
        virtq::SpinRelax{}();
        return;
    }
    display.most_interrupts = display.interrupts + 32;
    auto const enable = [] { return machinery.inputs.enable(); };
    if (enable() == virtq::MaySleep::yes && !display.config_changed) {
        display.sleep_or_give_up(enable);
    }
    machinery.inputs.disable();
}

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pages) {
    static constexpr char const* words[] = {"help", "devices", "ring", "plot", "diagnose", "notify"};
    find_all(options.way, pages);
    machinery.desk.open(words, pages);
    shell.start(machinery, pages);
    serial::line("ready");
    while (!shell.has_quit()) {
        machinery.desk.follow(pages);
        if (!take_input()) {
            rest();
        }
    }
    machinery.inputs.print_end();
    if (options.way != InterruptWay::none) {
        serial::line("interrupts: ", machinery.desk.display.interrupts, " of the GPU");
    }
    machinery.desk.display.close(pages);
    machinery.inputs.release(pages);
    if (machinery.load.is_present) {
        machinery.load.release(pages);
    }
    if (machinery.forgotten.is_present) {
        machinery.forgotten.release(pages);
    }
}
