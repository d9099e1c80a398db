// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <sim/gpu_device.hpp>

#include <functional>
#include <optional>

/// The README's screen.
namespace screen {
#include <blocks/README/a_screen.inc>

std::function<void()> yield;
void kernel_yield() {
    yield();
}
}  // namespace screen

/// The examples of `GpuDevice` and `Framebuffer`.
namespace virtq::readme {
namespace {

/// A machine whose device is a GPU.
class Screen {
public:
    Screen() {
        EXPECT_TRUE(
            transport.probe_mmio(MmioSpace{MmioMachine::slots + MmioMachine::mapping + 7 * MmioMachine::stride}).ok());
        screen::yield = [this] { machine.device.step(); };
    }

    std::optional<sim::GpuDevice> host;
    MmioMachine machine{
        {.pace = Pace::while_asleep, .disk = {}, .make = [this](sim::GuestMemory& memory) -> sim::DeviceBackend& {
             return host.emplace(memory);
         }}};
    AnyTransport<> transport;
    MachinePages pages;
};

TEST(ReadmeScreen, ShowsWhatWasDrawn) {
    Screen test;
    Status const up = screen::gpu.init(test.transport, test.pages);
    ASSERT_TRUE(up.ok()) << describe(up.error());
    Result<GpuDisplay> const display = screen::ask_display();
    ASSERT_TRUE(display.ok());
    EXPECT_EQ(display->rect.width, 640u);
    sim::Buffer const memory = test.machine.buffer(64 * 48 * 4);
    Segment const segment = Machine::segment(memory);
    Status const shown = screen::show_screen(segment, memory.virt, 64, 48);
    ASSERT_TRUE(shown.ok()) << describe(shown.error());
    EXPECT_TRUE(screen::update().ok());
    EXPECT_EQ(test.host->pixel(0, 63, 47), 0x000080u);
    static_cast<void>(test.host->take_pixels());
    screen::frame.set(5, 6, 0xffffff);
    EXPECT_TRUE(screen::update().ok());
    EXPECT_EQ(test.host->pixel(0, 5, 6), 0xffffffu);
    EXPECT_EQ(test.host->take_pixels().first, 1u);
    EXPECT_TRUE(screen::close_screen().ok());
    test.machine.memory.free_buffer(memory);
    EXPECT_EQ(test.host->resources(), 0u);
    EXPECT_TRUE(screen::gpu.release(test.pages).ok());
}

TEST(HeaderExampleScreen, GpuDeviceAndFramebuffer) {
    sim::GuestMemory* ram = nullptr;
    std::optional<sim::GpuDevice> host;
    MmioMachine machine({.make = [&](sim::GuestMemory& memory) -> sim::DeviceBackend& {
        ram = &memory;
        return host.emplace(memory);
    }});
    MachinePages pages;
    MmioTransport<> transport;
    auto const registers = machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, 0);
    ASSERT_TRUE(transport.probe(MmioSpace{registers}).ok());
    sim::Buffer const buffer = ram->allocate_buffer(640 * 480 * 4);
    Segment const memory = Machine::segment(buffer);
    {
#include <blocks/device/gpu.inc>
        EXPECT_TRUE(up.ok()) << describe(up.error());
        EXPECT_EQ(host->take_pixels().second, 64u);
        void* const pixels = buffer.virt;
        {
#include <blocks/device/framebuffer.inc>
            EXPECT_TRUE(shown.ok()) << describe(shown.error());
        }
        EXPECT_EQ(host->pixel(0, 10, 10), 0xffffffu);
        EXPECT_EQ(host->pixel(0, 639, 479), 0x000080u);
        EXPECT_TRUE(gpu.release(pages).ok());
    }
}

}  // namespace
}  // namespace virtq::readme
