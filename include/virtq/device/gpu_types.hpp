// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/endian.hpp>
#include <virtq/base/error.hpp>
#include <virtq/device/driver_types.hpp>
#include <virtq/spec/gpu.hpp>

#include <stdint.h>

/// The pictures, displays and options of `GpuDevice`.
namespace virtq {

/// Compile-time options of `GpuDevice`. Derive from it and change what differs. With a mapper, the driver's object has 16
/// bytes for each segment of each picture: 32 KiB.
struct GpuTraits : DriverTraits {
    static constexpr uint32_t picture_max = 8;  ///< most pictures at a time; at most 255
    /// Most segments of a picture's memory: the list of 254 fills a page. 640 by 480 pixels need 300 if each page is a
    /// segment. QEMU takes at most 16384.
    static constexpr uint32_t segment_max = 254;
};

/// Most pixels of a picture and of a display, in each direction. So no picture is above 1 GiB.
inline constexpr uint32_t gpu_side_max = 16384;
/// Width and height of a cursor (§5.7.6.6).
inline constexpr uint32_t gpu_cursor_side = 64;
/// Bytes of a pixel, in each format.
inline constexpr uint32_t gpu_pixel_bytes = 4;

/// A place: pixels from the left and from the top.
struct GpuPoint {
    uint32_t x = 0;  ///< from the left
    uint32_t y = 0;  ///< from the top

    /// Whether both are the same place.
    friend constexpr bool operator==(GpuPoint const&, GpuPoint const&) = default;
};

/// A part of a picture, or where a display is.
struct GpuRect {
    uint32_t x = 0;       ///< left edge
    uint32_t y = 0;       ///< upper edge
    uint32_t width = 0;   ///< in pixels
    uint32_t height = 0;  ///< in pixels

    /// Whether it has no pixel.
    [[__nodiscard__]] constexpr bool empty() const { return width == 0 || height == 0; }
    /// Whether both are the same rectangle.
    friend constexpr bool operator==(GpuRect const&, GpuRect const&) = default;
};

/// The part of `rect` that is inside a picture of this size; empty if there is none.
[[__nodiscard__]] constexpr GpuRect clipped(GpuRect const& rect, uint32_t width, uint32_t height) {
    if (rect.x >= width || rect.y >= height || rect.empty()) {
        return {};
    }
    uint32_t const right = width - rect.x;
    uint32_t const below = height - rect.y;
    return {rect.x, rect.y, rect.width < right ? rect.width : right, rect.height < below ? rect.height : below};
}

/// The smallest rectangle that has all pixels of both. Their edges must be below 2^32, as those of clipped ones are.
[[__nodiscard__]] constexpr GpuRect united(GpuRect const& one, GpuRect const& other) {
    if (one.empty() || other.empty()) {
        return one.empty() ? other : one;
    }
    uint32_t const x = one.x < other.x ? one.x : other.x;
    uint32_t const y = one.y < other.y ? one.y : other.y;
    uint32_t const right = one.x + one.width > other.x + other.width ? one.x + one.width : other.x + other.width;
    uint32_t const below = one.y + one.height > other.y + other.height ? one.y + one.height : other.y + other.height;
    return {x, y, right - x, below - y};
}

/// The format in which a pixel is the number 0x00RRGGBB of this CPU.
inline constexpr spec::gpu::Format gpu_native_format =
    detail::native_byte_order == detail::ByteOrder::little ? spec::gpu::Format::b8g8r8x8 : spec::gpu::Format::x8r8g8b8;

/// What a picture is made of: rows of pixels of four bytes, back to back, from the upper left corner on.
struct GpuShape {
    uint32_t width = 0;                            ///< in pixels, 1 to `gpu_side_max`
    uint32_t height = 0;                           ///< in pixels, 1 to `gpu_side_max`
    spec::gpu::Format format = gpu_native_format;  ///< 0x00RRGGBB
};

/// A picture of `GpuDevice::create`: what the standard calls a 2D resource. It is a handle: copy it as you like. After
/// `destroy` and after a reset nothing accepts it any more.
struct GpuPicture {
    uint32_t id = 0;      ///< resource_id, chosen by the driver; not twice among 2^32 pictures; 0 is no picture
    uint32_t width = 0;   ///< in pixels
    uint32_t height = 0;  ///< in pixels

    /// All of it.
    [[__nodiscard__]] constexpr GpuRect whole() const { return {0, 0, width, height}; }
};

/// A display as the host has it now: what the standard calls a scanout. The driver has checked `width` and `height`, but
/// `x` and `y` may be any numbers.
struct GpuDisplay {
    GpuRect rect{};           ///< the size that the host would like, and where the display is beside others
    bool is_enabled = false;  ///< it is connected: otherwise `rect` may be empty
};

/// What `Framebuffer::submit_flush` did. True if it submitted a flush: only then does the token come back. If it comes back
/// with an error, `touch` the `rect` again.
struct [[__nodiscard__]] SubmittedFlush {
    GpuRect rect{};             ///< what the flush shows; empty if there is none
    Error error = Error::none;  ///< why there is none, unless nothing had changed

    /// Whether a flush was submitted.
    [[__nodiscard__]] explicit constexpr operator bool() const { return !rect.empty(); }
};

}  // namespace virtq
