// SPDX-License-Identifier: MIT
#include <virtq/device/framebuffer.hpp>

#include <device/gpu_machine.hpp>
#include <support/contract.hpp>

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace virtq::test {
namespace {

using Pixels = std::pair<std::uint64_t, std::uint64_t>;

/// A framebuffer of 8 by 6 pixels, with a guard behind.
struct Drawing {
    std::vector<std::uint32_t> pixels = std::vector<std::uint32_t>(8 * 6 + 8, 7);
    Framebuffer frame{pixels.data(), 8, 6};

    [[nodiscard]] std::uint32_t at(std::size_t x, std::size_t y) const { return pixels[y * 8 + x]; }
    void expect_guard() const {
        for (std::size_t i = 8 * 6; i < pixels.size(); ++i) {
            EXPECT_EQ(pixels[i], 7u);
        }
    }
};

TEST(Framebuffer, DrawsPixels) {
    Drawing drawing;
    EXPECT_TRUE(drawing.frame.damage().empty());
    drawing.frame.set(3, 2, 0x123456);
    EXPECT_EQ(drawing.at(3, 2), 0x123456u);
    EXPECT_EQ(drawing.frame.damage(), (GpuRect{3, 2, 1, 1}));
    drawing.frame.set(8, 2, 1);
    drawing.frame.set(0, 6, 1);
    drawing.frame.set(0xffffffff, 0xffffffff, 1);
    EXPECT_EQ(drawing.frame.damage(), (GpuRect{3, 2, 1, 1}));
    drawing.frame.set(1, 5, 9);
    EXPECT_EQ(drawing.frame.damage(), (GpuRect{1, 2, 3, 4}));
    drawing.expect_guard();
}

TEST(Framebuffer, FillsRectangles) {
    Drawing drawing;
    drawing.frame.fill({6, 4, 100, 0xffffffff}, 1);
    for (std::size_t y = 0; y < 6; ++y) {
        for (std::size_t x = 0; x < 8; ++x) {
            EXPECT_EQ(drawing.at(x, y), x >= 6 && y >= 4 ? 1u : 7u);
        }
    }
    EXPECT_EQ(drawing.frame.damage(), (GpuRect{6, 4, 2, 2}));
    drawing.frame.fill({8, 0, 1, 1}, 2);
    EXPECT_EQ(drawing.frame.damage(), (GpuRect{6, 4, 2, 2}));
    drawing.expect_guard();
}

TEST(Framebuffer, ScrollsUp) {
    for (std::uint32_t const rows : {0u, 1u, 5u, 6u, 7u, 0xffffffffu}) {
        Drawing drawing;
        for (std::uint32_t y = 0; y < 6; ++y) {
            drawing.frame.row(y)[7] = 100 + y;
        }
        drawing.frame.scroll_up(rows, 3);
        std::uint32_t const moved = rows < 6 ? rows : 6;
        for (std::uint32_t y = 0; y < 6; ++y) {
            EXPECT_EQ(drawing.at(7, y), y + moved < 6 ? 100 + y + moved : 3) << rows;
        }
        EXPECT_EQ(drawing.frame.damage(), (rows == 0 ? GpuRect{} : GpuRect{0, 0, 8, 6}));
        drawing.expect_guard();
    }
}

TEST(Framebuffer, NotesWhatAKernelDraws) {
    Drawing drawing;
    drawing.frame.row(1)[2] = 5;
    EXPECT_EQ(drawing.at(2, 1), 5u);
    drawing.frame.touch({2, 1, 1, 1});
    drawing.frame.touch({7, 5, 50, 50});
    EXPECT_EQ(drawing.frame.damage(), (GpuRect{2, 1, 6, 5}));
    EXPECT_EQ(drawing.frame.width(), 8u);
    EXPECT_EQ(drawing.frame.height(), 6u);
}

TEST(Framebuffer, IsEmptyAtFirst) {
    Framebuffer frame;
    frame.set(0, 0, 1);
    frame.fill({0, 0, 5, 5}, 1);
    frame.scroll_up(3, 1);
    EXPECT_TRUE(frame.damage().empty());
}

TEST(Framebuffer, FlushesWhatHasChanged) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    Framebuffer frame{machine.pixels.virt, 16, 8};
    auto const flush = [&] { return frame.flush(machine.driver, picture, machine.patience, machine.stepping()); };
    EXPECT_TRUE(flush().ok());
    EXPECT_EQ(machine.gpu.take_pixels(), (Pixels{0, 0}));
    frame.fill({0, 0, 16, 8}, 0x000080);
    EXPECT_TRUE(flush().ok());
    EXPECT_EQ(machine.gpu.take_pixels(), (Pixels{128, 128}));
    frame.set(3, 2, 0xffffff);
    EXPECT_EQ(machine.gpu.pixel(0, 3, 2), 0x000080u);
    EXPECT_TRUE(flush().ok());
    EXPECT_EQ(machine.gpu.pixel(0, 3, 2), 0xffffffu);
    EXPECT_EQ(machine.gpu.take_pixels(), (Pixels{1, 1}));
    EXPECT_TRUE(frame.damage().empty());
}

TEST(Framebuffer, KeepsTheChangeOfAFailedFlush) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    Framebuffer frame{machine.pixels.virt, 16, 8};
    frame.set(3, 2, 1);
    machine.gpu.answer_wrongly({.type = sim::wire::gpu::err_unspec});
    auto const draw = [&] {
        frame.set(5, 2, 1);
        machine.device.step();
    };
    EXPECT_EQ(frame.flush(machine.driver, picture, machine.patience, draw).error(), Error::command_refused);
    EXPECT_EQ(frame.damage(), (GpuRect{3, 2, 3, 1}));
    EXPECT_TRUE(frame.flush(machine.driver, picture, machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.gpu.pixel(0, 5, 2), 1u);
}

TEST(Framebuffer, SubmitsFlushes) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    Framebuffer frame{machine.pixels.virt, 16, 8};
    for (std::uint32_t i = 0; i < 2; ++i) {
        frame.set(i, 0, 1);
        EXPECT_TRUE(frame.submit_flush(machine.driver, picture, Token{i}));
    }
    frame.set(2, 0, 1);
    SubmittedFlush const refused = frame.submit_flush(machine.driver, picture, Token{2});
    EXPECT_FALSE(refused);
    EXPECT_EQ(refused.error, Error::queue_full);
    EXPECT_EQ(frame.damage(), (GpuRect{2, 0, 1, 1}));
    machine.driver.kick_device();
    machine.device.step();
    machine.expect_ended(0);
    machine.expect_ended(1);
    EXPECT_TRUE(frame.submit_flush(machine.driver, picture, Token{2}));
}

// Otherwise a console waits for a token that never comes.
TEST(Framebuffer, SubmitsNothingIfNothingHasChanged) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    Framebuffer frame{machine.pixels.virt, 16, 8};
    SubmittedFlush const nothing = frame.submit_flush(machine.driver, picture, Token{1});
    EXPECT_FALSE(nothing);
    EXPECT_EQ(nothing.error, Error::none);
    EXPECT_EQ(machine.driver.in_flight(), 0u);
}

TEST(Framebuffer, ReportsWhatASubmittedFlushShows) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    Framebuffer frame{machine.pixels.virt, 16, 8};
    frame.set(3, 2, 1);
    machine.gpu.answer_wrongly({.type = sim::wire::gpu::err_unspec});
    SubmittedFlush const submitted = frame.submit_flush(machine.driver, picture, Token{1});
    EXPECT_EQ(submitted.rect, (GpuRect{3, 2, 1, 1}));
    EXPECT_EQ(submitted.error, Error::none);
    machine.driver.kick_device();
    machine.device.step();
    machine.expect_ended(1, Error::command_refused);
    frame.touch(submitted.rect);
    EXPECT_TRUE(frame.flush(machine.driver, picture, machine.patience, machine.stepping()).ok());
    EXPECT_EQ(machine.gpu.pixel(0, 3, 2), 1u);
}

TEST(Framebuffer, FlushesOnlyAPictureOfItsSize) {
    GpuMachine<> machine;
    machine.bring_up();
    GpuPicture const picture = machine.shown(16, 8);
    for (auto const& [width, height] : {std::pair{8u, 8u}, std::pair{16u, 4u}}) {
        Framebuffer frame{machine.pixels.virt, width, height};
        frame.set(0, 1, 1);
        EXPECT_EQ(frame.flush(machine.driver, picture, machine.patience, machine.stepping()).error(),
                  Error::picture_invalid);
        EXPECT_EQ(frame.submit_flush(machine.driver, picture, Token{1}).error, Error::picture_invalid);
        EXPECT_EQ(frame.damage(), (GpuRect{0, 1, 1, 1}));
    }
    EXPECT_EQ(machine.gpu.take_pixels(), (Pixels{0, 0}));
}

TEST(Framebuffer, WantsAlignedPixels) {
    Drawing drawing;
    EXPECT_BREACH((Framebuffer{reinterpret_cast<std::uint8_t*>(drawing.pixels.data()) + 2, 8, 5}), "not aligned");
}

}  // namespace
}  // namespace virtq::test
