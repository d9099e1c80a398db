// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/result.hpp>
#include <virtq/device/gpu_types.hpp>
#include <virtq/platform/relax.hpp>
#include <virtq/queue/token.hpp>

#include <stddef.h>
#include <stdint.h>

namespace virtq {

/// The pixels of a picture, as a kernel draws them, and which of them have changed since the last flush: so a console that
/// draws a letter flushes a letter, not the screen.
///
/// It views memory that is contiguous for the kernel; for the device it may be in pieces. It has the size of its picture:
/// after a mode change, make a new one. A colour is a word in the picture's format, for example 0x00RRGGBB. What is outside
/// is not drawn. **Threading** The caller serialises the calls.
///
/// ```
/// virtq::Framebuffer frame{pixels, 640, 480};
/// frame.fill({0, 0, 640, 480}, 0x000080);
/// frame.set(10, 10, 0xffffff);
/// virtq::Status shown = frame.flush(gpu, *screen, virtq::PollLimit{100'000'000});
/// ```
class Framebuffer {
public:
    constexpr Framebuffer() = default;
    /// Views `height` rows of `width` pixels of four bytes, back to back. `pixels` is aligned to four bytes.
    Framebuffer(void* pixels, uint32_t width, uint32_t height)
        : pixels_(static_cast<uint32_t*>(pixels)), width_(width), height_(height) {
        VIRTQ_ASSERT(reinterpret_cast<uintptr_t>(pixels) % 4 == 0,
                     "A Framebuffer's pixels are not aligned to 4 bytes.");
    }
    [[__nodiscard__]] uint32_t width() const { return width_; }    ///< in pixels
    [[__nodiscard__]] uint32_t height() const { return height_; }  ///< in pixels
    /// The pixels of a row, which must be below `height()`. Call `touch` for what you draw there.
    [[__nodiscard__]] uint32_t* row(uint32_t y) const { return pixels_ + size_t{y} * width_; }

    /// Draws one pixel.
    void set(uint32_t x, uint32_t y, uint32_t colour) { fill({x, y, 1, 1}, colour); }
    /// Draws a rectangle of one colour.
    void fill(GpuRect const& rect, uint32_t colour) {
        GpuRect const seen = clipped(rect, width_, height_);
        for (uint32_t y = seen.y; y != seen.y + seen.height; ++y) {
            for (uint32_t x = seen.x; x != seen.x + seen.width; ++x) {
                row(y)[x] = colour;
            }
        }
        touch(seen);
    }
    /// Moves everything up by `rows` rows, and fills what becomes free, as a console scrolls.
    void scroll_up(uint32_t rows, uint32_t colour) {
        uint32_t const moved = rows < height_ ? rows : height_;
        if (moved != 0) {
            __builtin_memmove(pixels_, row(moved), size_t{height_ - moved} * width_ * gpu_pixel_bytes);
            fill({0, height_ - moved, width_, moved}, colour);
            touch({0, 0, width_, height_});
        }
    }

    /// Notes that something in a rectangle has changed.
    void touch(GpuRect const& rect) { damage_ = united(damage_, clipped(rect, width_, height_)); }
    /// What has changed since the last flush: the smallest rectangle around it.
    [[__nodiscard__]] GpuRect const& damage() const { return damage_; }

    /// Flushes what has changed, and waits. If nothing has, it does nothing. Errors: those of `GpuDevice::flush`, and
    /// `picture_invalid` for a picture of another size. Then the change remains to be flushed.
    template <class Gpu, Relax R = SpinRelax>
    [[__nodiscard__]] Status flush(Gpu& gpu, GpuPicture const& picture, PollLimit poll_limit, R&& relax = R{}) {
        return send(picture, [&](GpuRect const& rect) { return gpu.flush(picture, rect, poll_limit, relax); }).error;
    }
    /// Adds a flush of what has changed, if anything has; see `GpuDevice::submit_flush`. Errors: as of `flush`.
    template <class Gpu>
    SubmittedFlush submit_flush(Gpu& gpu, GpuPicture const& picture, Token token) {
        return send(picture, [&](GpuRect const& rect) { return gpu.submit_flush(picture, rect, token); });
    }

private:
    template <class Flush>
    SubmittedFlush send(GpuPicture const& picture, Flush flush_one) {
        GpuRect const changed = damage_;
        if (changed.empty() || picture.width != width_ || picture.height != height_) {
            return {{}, changed.empty() ? Error::none : Error::picture_invalid};
        }
        damage_ = {};  // before the flush, because a relax hook may draw
        Status const sent = flush_one(changed);
        touch(sent ? GpuRect{} : changed);
        return {sent ? changed : GpuRect{}, sent.error()};
    }

    uint32_t* pixels_ = nullptr;
    uint32_t width_ = 0;
    uint32_t height_ = 0;
    GpuRect damage_{};
};

}  // namespace virtq
