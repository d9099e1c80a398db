// SPDX-License-Identifier: MIT
#pragma once

#include "driven.hpp"
#include "sha256.hpp"

struct DisplayTraits : virtq::GpuTraits {
    using Format = virtq::AnyFormat;
    static constexpr uint32_t picture_max = 3;  // the old screen, the new one, and the cursor
};

/// The host's window: a picture of its size to draw into, and a cursor. A failure ends the kernel.
struct Display : Driven<virtq::GpuDevice<Device::Transport, 16, DisplayTraits>> {
    /// Call it after `bring_up`.
    void open(PagePool& pages);
    /// Takes the size of the host's window, if that has changed. True: there is a new picture, and nothing in it.
    [[nodiscard]] bool follow(PagePool& pages);
    /// Shows what was drawn, and nothing else. Prints the rectangle.
    void flush();
    void move_cursor(virtq::GpuPoint const& place);
    /// Prints the hash of what the host must see now.
    void print_sum();
    void close(PagePool& pages);

    virtq::Framebuffer frame;

private:
    void expect(char const* what, virtq::Status status);
    [[nodiscard]] virtq::Pages allocate(PagePool& pages, uint32_t bytes);
    [[nodiscard]] bool ask_window();
    void open_screen(PagePool& pages);
    void open_cursor(PagePool& pages);
    [[nodiscard]] virtq::GpuPicture create(virtq::Pages const& memory, uint32_t width, uint32_t height,
                                           virtq::spec::gpu::Format format);
    [[nodiscard]] auto rester() {
        return [this] { rest(); };
    }

    uint32_t width_ = 0;
    uint32_t height_ = 0;
    uint32_t sums_ = 0;
    virtq::Pages memory_;
    virtq::Pages cursor_memory_;
    virtq::GpuPicture picture_;
    virtq::GpuPicture cursor_;
    Sha256 sum_{};
};
