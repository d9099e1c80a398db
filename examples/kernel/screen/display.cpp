// SPDX-License-Identifier: MIT
#include "display.hpp"

#include "colour.hpp"

namespace {

constexpr uint32_t width_min = 320;
constexpr uint32_t width_max = 2560;
constexpr uint32_t height_min = 200;
constexpr uint32_t height_max = 1600;
constexpr uint64_t most_a_wait = 1000;  // more interrupts in one wait are a storm

uint32_t clamped(uint32_t value, uint32_t least, uint32_t most) {
    return value < least ? least : value > most ? most : value;
}

/// Whether a pixel of the cursor is inside an arrow, or on its edge.
struct Arrow {
    static constexpr uint32_t height = 17;

    /// 0xAARRGGBB.
    [[nodiscard]] static uint32_t pixel(uint32_t x, uint32_t y) {
        if (y >= height || x > y * 2 / 3 || (y >= 12 && x > 4 && x * 2 > 32 - y)) {
            return 0;
        }
        bool const is_edge = x == 0 || x == y * 2 / 3 || y + 1 == height || (y >= 12 && x + 1 > 16 - y);
        return is_edge ? 0xff000000 : 0xffffffff;
    }
};

}  // namespace

void Display::expect(char const* what, virtq::Status status) {
    if (!status) {
        serial::line(what, ": ", virtq::describe(status.error()));
        give_up(what);
    }
}

virtq::Pages Display::allocate(PagePool& pages, uint32_t bytes) {
    virtq::Pages const run = pages.allocate_pages((bytes + virtq::page_bytes - 1) / virtq::page_bytes);
    if (run.virt == nullptr) {
        serial::fail("there are no pages for a picture", virtq::Error::no_pages);
    }
    return run;
}

virtq::GpuPicture Display::create(virtq::Pages const& memory, uint32_t width, uint32_t height,
                                  virtq::spec::gpu::Format format) {
    virtq::Segment const segment[] = {{memory.phys, width * height * virtq::gpu_pixel_bytes}};
    auto const picture = driver.create({width, height, format}, segment, patience(), rester());
    expect("creating a picture", picture);
    return *picture;
}

/// Returns whether the size is another one.
bool Display::ask_window() {
    auto const found = driver.display(0, patience(), rester());
    expect("asking for the display", found);
    uint32_t const width = clamped(found->rect.width, width_min, width_max);
    uint32_t const height = clamped(found->rect.height, height_min, height_max);
    bool const is_new = width != width_ || height != height_;
    width_ = width;
    height_ = height;
    return is_new;
}

void Display::open_screen(PagePool& pages) {
    memory_ = allocate(pages, width_ * height_ * virtq::gpu_pixel_bytes);
    frame = {memory_.virt, width_, height_};
    frame.fill({0, 0, width_, height_}, colour::background);
    picture_ = create(memory_, width_, height_, virtq::spec::gpu::Format::b8g8r8x8);
    expect("showing the picture", driver.show(0, picture_, patience(), rester()));
    serial::line("display 0: ", uint64_t{width_}, "x", uint64_t{height_});
}

void Display::open_cursor(PagePool& pages) {
    constexpr uint32_t side = virtq::gpu_cursor_side;
    cursor_memory_ = allocate(pages, side * side * virtq::gpu_pixel_bytes);
    auto* const pixels = static_cast<uint32_t*>(cursor_memory_.virt);
    for (uint32_t i = 0; i < side * side; ++i) {
        pixels[i] = Arrow::pixel(i % side, i / side);
    }
    cursor_ = create(cursor_memory_, side, side, virtq::spec::gpu::Format::b8g8r8a8);
    expect("sending the cursor", driver.transfer(cursor_, cursor_.whole(), patience(), rester()));
    expect("setting the cursor", driver.set_cursor(0, cursor_, {width_ / 2, height_ / 2}));
}

void Display::open(PagePool& pages) {
    expect_interrupts(most_a_wait);
    static_cast<void>(ask_window());
    open_screen(pages);
    open_cursor(pages);
}

/// The new picture is shown before the old one goes: a window is never without one.
bool Display::follow(PagePool& pages) {
    if (!config_changed && way != InterruptWay::none) {
        return false;
    }
    config_changed = false;
    auto const has_changed = driver.on_config_change();
    expect("asking what has changed", has_changed);
    if (!*has_changed || !ask_window()) {
        return false;
    }
    virtq::Pages const old_memory = memory_;
    virtq::GpuPicture const old = picture_;
    open_screen(pages);
    expect("destroying a picture", driver.destroy(old, patience(), rester()));
    pages.free_pages(old_memory);
    return true;
}

void Display::flush() {
    virtq::GpuRect const changed = frame.damage();
    if (changed.empty()) {
        return;
    }
    most_interrupts = interrupts + most_a_wait;
    expect("flushing", frame.flush(driver, picture_, patience(), rester()));
    serial::line("flushed ", uint64_t{changed.x}, " ", uint64_t{changed.y}, " ", uint64_t{changed.width}, " ",
                 uint64_t{changed.height});
}

/// A move that finds no room is dropped: the next one has the place.
void Display::move_cursor(virtq::GpuPoint const& place) {
    virtq::Status const moved = driver.move_cursor(0, place);
    if (moved.error() != virtq::Error::queue_full) {
        expect("moving the cursor", moved);
    }
}

/// The colours as a file of the type P6 has them: red, green, blue.
void Display::print_sum() {
    sum_.start();
    for (uint32_t y = 0; y < height_; ++y) {
        uint32_t const* const row = frame.row(y);
        for (uint32_t x = 0; x < width_; ++x) {
            uint8_t const colours[] = {static_cast<uint8_t>(row[x] >> 16), static_cast<uint8_t>(row[x] >> 8),
                                       static_cast<uint8_t>(row[x])};
            sum_.update(colours, sizeof colours);
        }
    }
    serial::line("screen ", uint64_t{++sums_}, ": ", uint64_t{width_}, "x", uint64_t{height_}, " ",
                 sum_.finish().digits);
}

void Display::close(PagePool& pages) {
    expect("destroying the picture", driver.destroy(picture_, patience(), rester()));
    expect("hiding the cursor", driver.hide_cursor(0));
    expect("destroying the cursor", driver.destroy(cursor_, patience(), rester()));
    pages.free_pages(memory_);
    pages.free_pages(cursor_memory_);
    release(pages);
}
