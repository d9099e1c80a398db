// SPDX-License-Identifier: MIT
#include <qtest/qemu_device.hpp>
#include <virtq/device/gpu.hpp>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>

namespace virtq::test {
namespace {

class QemuGpu : public QemuDevice {
protected:
    static constexpr std::uint32_t width = 200;
    static constexpr std::uint32_t height = 100;
    static constexpr std::size_t page_count = (width * height * 4 + page_bytes - 1) / page_bytes;

    [[nodiscard]] static std::uint32_t colour_of(std::uint32_t x, std::uint32_t y, std::uint32_t frame) {
        return x | y << 8 | frame << 16;
    }
    void paint(void* pixels, GpuRect const& part, std::uint32_t frame) const {
        for (std::uint32_t y = part.y; y < part.y + part.height; ++y) {
            for (std::uint32_t x = part.x; x < part.x + part.width; ++x) {
                std::uint32_t const colour = colour_of(x, y, frame);
                std::memcpy(static_cast<char*>(pixels) + 4 * (std::size_t{y} * width + x), &colour, 4);
            }
        }
    }
    /// What QEMU shows: a PPM file's pixels, of three bytes each.
    [[nodiscard]] std::string screen() {
        machine.monitor.run("screendump", "{\"filename\": \"" + machine.path("screen") + "\"}");
        std::ifstream file{machine.path("screen"), std::ios::binary};
        std::string const all{std::istreambuf_iterator<char>{file}, {}};
        std::string const header = "P6\n" + std::to_string(width) + " " + std::to_string(height) + "\n255\n";
        EXPECT_EQ(all.substr(0, header.size()), header);
        return all.substr(header.size());
    }
    /// What `screen()` must return if frame `inside` is shown in `part`, and frame `outside` around it.
    [[nodiscard]] static std::string drawn(GpuRect const& part, std::uint32_t inside, std::uint32_t outside) {
        std::string all;
        for (std::uint32_t y = 0; y < height; ++y) {
            for (std::uint32_t x = 0; x < width; ++x) {
                bool const is_inside =
                    x >= part.x && x < part.x + part.width && y >= part.y && y < part.y + part.height;
                std::uint32_t const colour = colour_of(x, y, is_inside ? inside : outside);
                all += {static_cast<char>(colour >> 16), static_cast<char>(colour >> 8), static_cast<char>(colour)};
            }
        }
        return all;
    }

    GpuDevice<qtest::Transport, 64, OnQemu<GpuTraits>> gpu;
};

TEST_P(QemuGpu, ShowsWhatWasFlushed) {
    ASSERT_NO_FATAL_FAILURE(bring_up(gpu, "virtio-gpu", ",xres=200,yres=100"));
    Result<GpuDisplay> const display = gpu.display(0, patience, relaxing());
    ASSERT_TRUE(display.ok()) << describe(display.error());
    EXPECT_EQ(display->rect.width, width);
    EXPECT_EQ(display->rect.height, height);

    Pages const pages = machine.memory.allocate_pages(page_count);
    Segment const memory{pages.phys, width * height * 4};
    auto const picture = gpu.create({width, height}, {&memory, 1}, patience, relaxing());
    ASSERT_TRUE(picture.ok()) << describe(picture.error());
    paint(pages.virt, picture->whole(), 1);
    ASSERT_TRUE(gpu.show(0, *picture, patience, relaxing()).ok());
    ASSERT_TRUE(gpu.flush(*picture, picture->whole(), patience, relaxing()).ok());
    EXPECT_EQ(screen(), drawn({}, 1, 1));

    for (std::uint32_t frame = 2; frame < 12; ++frame) {  // more is drawn than is flushed
        GpuRect const part{frame * 7, frame * 3, 50 + frame, 20 + frame};
        paint(pages.virt, picture->whole(), frame + 100);
        paint(pages.virt, part, frame);
        ASSERT_TRUE(gpu.flush(*picture, part, patience, relaxing()).ok());
        EXPECT_EQ(screen(), drawn(part, frame, 1));
        paint(pages.virt, picture->whole(), 1);
        ASSERT_TRUE(gpu.flush(*picture, picture->whole(), patience, relaxing()).ok());
    }
    Status const destroyed = gpu.destroy(*picture, patience, relaxing());
    EXPECT_TRUE(destroyed.ok()) << describe(destroyed.error());
    check_idle(0);
    shut_down(gpu);
    machine.memory.free_pages(pages);
}

INSTANTIATE_TEST_SUITE_P(Qemu, QemuGpu, ::testing::ValuesIn(modern_on_pci), choice_name);

}  // namespace
}  // namespace virtq::test
