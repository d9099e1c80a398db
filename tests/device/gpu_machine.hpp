// SPDX-License-Identifier: MIT
#pragma once

#include <device/bounce_mapper.hpp>
#include <virtq/device/gpu.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/gpu_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>
#include <utility>
#include <vector>

/// A simulated machine with one GPU on virtio-mmio, and a driver for it.
namespace virtq::test {

/// Few pictures, so that they are used up.
struct SmallGpu : GpuTraits {
    static constexpr std::uint32_t picture_max = 3;
    static constexpr std::uint32_t segment_max = 4;
};
struct BouncingGpu : SmallGpu {
    using Mapper = BounceMapper;
};

template <class Traits = SmallGpu, std::uint32_t N = 8>
class GpuMachine {
public:
    using T = MmioTransport<sim::MmioRegisters>;
    static constexpr PollLimit patience{1000};

    explicit GpuMachine(sim::GpuOptions options = {}) : gpu(memory, std::move(options)) { mapper.memory = &memory; }
    ~GpuMachine() {
        EXPECT_TRUE(driver.release(memory).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        EXPECT_TRUE(mapper.mapped.empty());
        EXPECT_TRUE(is_hostile || memory.violations().empty()) << memory.violations();
    }

    [[nodiscard]] Status init() {
        EXPECT_TRUE(transport.probe(device.registers()).ok());
        DriverOption const option{.reset_limit = PollLimit{100}};
        if constexpr (std::is_same_v<typename Traits::Mapper, BounceMapper>) {
            return driver.init(transport, memory, mapper, option);
        } else {
            return driver.init(transport, memory, option);
        }
    }
    void bring_up() {
        Status const up = init();
        ASSERT_TRUE(up.ok()) << describe(up.error());
        EXPECT_LE(memory.pages_outstanding(), driver.page_count());
    }
    [[nodiscard]] auto stepping() {
        return [this] { device.step(); };
    }

    /// Memory for a picture; its pixel (x, y) is y << 16 | x + 1. In pieces of `piece` bytes each.
    [[nodiscard]] std::vector<Segment> paint(std::uint32_t width, std::uint32_t height, std::size_t piece = 0) {
        pixels = memory.allocate_buffer(std::size_t{width} * height * 4);
        for (std::uint32_t i = 0; i < width * height; ++i) {
            std::uint32_t const colour = i / width << 16 | (i % width + 1);
            std::memcpy(pixels.virt + 4 * std::size_t{i}, &colour, 4);
        }
        std::vector<Segment> segments;
        for (std::size_t at = 0; at < pixels.bytes; at += piece) {
            piece = piece == 0 ? pixels.bytes : piece;
            std::size_t const rest = pixels.bytes - at;
            segments.push_back({pixels.phys + at, static_cast<std::uint32_t>(rest < piece ? rest : piece)});
        }
        return segments;
    }
    [[nodiscard]] static std::uint32_t colour_of(std::uint32_t x, std::uint32_t y) { return y << 16 | (x + 1); }
    void draw(std::uint32_t width, std::uint32_t x, std::uint32_t y, std::uint32_t colour) const {
        std::memcpy(pixels.virt + 4 * (std::size_t{y} * width + x), &colour, 4);
    }

    [[nodiscard]] Result<GpuPicture> create(std::uint32_t width, std::uint32_t height, std::size_t piece = 0) {
        return driver.create({width, height}, paint(width, height, piece), patience, stepping());
    }
    /// A picture on display 0.
    [[nodiscard]] GpuPicture shown(std::uint32_t width, std::uint32_t height) {
        Result<GpuPicture> const picture = create(width, height);
        EXPECT_TRUE(picture.ok()) << describe(picture.error());
        EXPECT_TRUE(driver.show(0, *picture, patience, stepping()).ok());
        return *picture;
    }
    [[nodiscard]] Error flush(GpuPicture const& picture, GpuRect const& rect) {
        return driver.flush(picture, rect, patience, stepping()).error();
    }
    [[nodiscard]] Error destroy(GpuPicture const& picture) {
        return driver.destroy(picture, patience, stepping()).error();
    }
    void expect_ended(std::uintptr_t token, Error error = Error::none) {
        RequestCompletion const ended = driver.take_completed();
        EXPECT_EQ(ended.state, CompletionState::ready);
        EXPECT_EQ(ended.token, Token{token});
        EXPECT_EQ(ended.error, error) << describe(ended.error);
        EXPECT_EQ(ended.bytes, 0u);
    }
    void expect_fault(DriverReason reason, std::uint32_t value) {
        EXPECT_EQ(driver.driver_fault().reason, reason) << describe(driver.driver_fault().reason);
        EXPECT_EQ(driver.driver_fault().value, value);
    }

    sim::GuestMemory memory{std::size_t{1} << 22};
    sim::GpuDevice gpu;
    sim::MmioDevice device{memory, gpu};
    BounceMapper mapper;
    T transport;
    GpuDevice<T, N, Traits> driver;
    sim::Buffer pixels;
    bool is_hostile = false;
};

}  // namespace virtq::test
