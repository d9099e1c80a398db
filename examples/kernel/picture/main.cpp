// SPDX-License-Identifier: MIT
#include "device_search.hpp"
#include "driven.hpp"
#include "sha256.hpp"
#include "startup.hpp"

/// The whole kernel: find a GPU, show a picture, flush a part of it, and follow the host's window. Each time it prints
/// which colours QEMU must show now, as a hash; `host` compares them with QEMU's, then changes the window, and the kernel
/// goes on.

namespace {

using virtq::GpuRect;

struct GpuTraits : virtq::GpuTraits {
    using Format = virtq::AnyFormat;
};
using Gpu = Driven<virtq::GpuDevice<Device::Transport, 16, GpuTraits>>;

constexpr uint32_t piece_bytes = 60'000;  // no multiple of a row, of a page or of 2^n
constexpr uint32_t piece_max = GpuTraits::segment_max;

constinit Gpu gpu;
constinit Sha256 sum;
constinit virtq::Segment pieces[piece_max];
constinit unsigned sums = 0;
constinit GpuRect window;

/// A picture and its memory. It knows what the host must see, which is not all that is drawn.
struct Screen {
    virtq::Pages memory;
    virtq::Pages seen;  ///< a copy of `memory` as it was when it was flushed
    virtq::GpuPicture picture;
    virtq::Framebuffer frame;
};
constinit Screen screen;

void rest() {
    gpu.rest();
}

void expect(char const* what, virtq::Status status) {
    if (!status) {
        serial::line(what, ": ", virtq::describe(status.error()));
        gpu.give_up(what);
    }
}
template <class Value>
Value value_of(char const* what, virtq::Result<Value> const& result) {
    expect(what, result);
    return *result;
}

/// Splits a run of pages into the segments of a picture. Returns how many there are.
uint32_t split(virtq::Pages const& memory, uint32_t bytes) {
    uint32_t count = 0;
    for (uint32_t at = 0; at < bytes; at += piece_bytes) {
        if (count == piece_max) {
            serial::fail("the window is too large for this kernel");
        }
        uint32_t const left = bytes - at;
        pieces[count++] = {memory.phys + at, left < piece_bytes ? left : piece_bytes};
    }
    return count;
}

virtq::Pages allocate(PagePool& pages, uint32_t bytes) {
    virtq::Pages const run = pages.allocate_pages((bytes + virtq::page_bytes - 1) / virtq::page_bytes);
    if (run.virt == nullptr) {
        serial::fail("there are no pages for the picture", virtq::Error::no_pages);
    }
    return run;
}

uint32_t picture_bytes() {
    return screen.frame.width() * screen.frame.height() * virtq::gpu_pixel_bytes;
}

void ask_window() {
    window = value_of("asking for the display", gpu.driver.display(0, gpu.patience(), rest)).rect;
}

/// Makes a picture of the size of the host's window, and shows it.
void open(PagePool& pages) {
    uint32_t const width = window.width;
    uint32_t const height = window.height;
    serial::line("display 0 of ", uint64_t{gpu.driver.display_count()}, ": ", uint64_t{width}, "x", uint64_t{height});
    uint32_t const bytes = width * height * virtq::gpu_pixel_bytes;
    screen.memory = allocate(pages, bytes);
    screen.seen = allocate(pages, bytes);
    screen.frame = {screen.memory.virt, width, height};
    uint32_t const count = split(screen.memory, bytes);
    screen.picture =
        value_of("creating the picture", gpu.driver.create({width, height}, {pieces, count}, gpu.patience(), rest));
    expect("showing the picture", gpu.driver.show(0, screen.picture, gpu.patience(), rest));
}

void close(PagePool& pages) {
    expect("destroying the picture", gpu.driver.destroy(screen.picture, gpu.patience(), rest));
    pages.free_pages(screen.memory);
    pages.free_pages(screen.seen);
}

/// A pattern in which no two neighbours are alike.
void draw_pattern() {
    for (uint32_t y = 0; y < screen.frame.height(); ++y) {
        uint32_t* const row = screen.frame.row(y);
        for (uint32_t x = 0; x < screen.frame.width(); ++x) {
            row[x] = (x & 0xff) << 16 | (y & 0xff) << 8 | ((x ^ y) & 0xff);
        }
    }
    screen.frame.touch(screen.picture.whole());
}

/// What was flushed is what the host sees.
void note_seen(GpuRect const& rect) {
    auto* const seen = static_cast<uint32_t*>(screen.seen.virt);
    for (uint32_t y = rect.y; y < rect.y + rect.height; ++y) {
        __builtin_memcpy(seen + y * screen.frame.width() + rect.x, screen.frame.row(y) + rect.x,
                         rect.width * virtq::gpu_pixel_bytes);
    }
}

void flush() {
    GpuRect const damage = screen.frame.damage();
    expect("flushing", screen.frame.flush(gpu.driver, screen.picture, gpu.patience(), rest));
    note_seen(damage);
}

/// Several flushes in flight, and a cursor beside them.
void flush_stripes() {
    constexpr uint32_t stripes = 4;
    uint32_t const height = screen.frame.height() / stripes;
    for (uint32_t i = 0; i < stripes; ++i) {
        GpuRect const stripe{0, i * height, screen.frame.width(),
                             i + 1 == stripes ? screen.frame.height() - i * height : height};
        expect("a flush was refused", gpu.driver.submit_flush(screen.picture, stripe, virtq::Token{i}));
        note_seen(stripe);
    }
    gpu.driver.kick_device();
    expect("moving the cursor", gpu.driver.move_cursor(0, {20, 20}));
    uint32_t rests = 0;
    for (uint32_t count = 0; count != stripes;) {
        virtq::RequestCompletion const done = gpu.driver.take_completed();
        expect("flushing a stripe", virtq::Status{done.error});
        if (done.state == virtq::CompletionState::ready) {
            ++count;
        } else if (++rests == gpu.patience().count) {
            gpu.give_up("it does not answer");
        } else {
            rest();
        }
    }
}

/// Prints the hash of the colours that the host sees, as a file of the type P6 has them: red, green, blue.
void print_sum() {
    sum.start();
    auto const* const seen = static_cast<uint32_t const*>(screen.seen.virt);
    for (uint32_t i = 0; i < picture_bytes() / virtq::gpu_pixel_bytes; ++i) {
        uint8_t const colours[] = {static_cast<uint8_t>(seen[i] >> 16), static_cast<uint8_t>(seen[i] >> 8),
                                   static_cast<uint8_t>(seen[i])};
        sum.update(colours, sizeof colours);
    }
    serial::line("picture ", uint64_t{++sums}, ": ", uint64_t{screen.frame.width()}, "x",
                 uint64_t{screen.frame.height()}, " ", sum.finish().digits);
}

/// The host has compared the picture, and gives its window another size. An event may also come for the size that it has.
void wait_for_window() {
    GpuRect const before = window;
    while (window == before) {
        while (!value_of("asking what has changed", gpu.driver.on_config_change())) {
            if (gpu.way == InterruptWay::none) {
                virtq::SpinRelax{}();
            } else {
                static_cast<void>(machine::wait());
            }
        }
        ask_window();
    }
}

void print_edid() {
    uint8_t edid[128];
    uint32_t const size = value_of("asking for the EDID", gpu.driver.edid(0, edid, gpu.patience(), rest));
    bool const is_edid = size >= 128 && edid[0] == 0 && edid[1] == 0xff;
    serial::line("edid: ", uint64_t{size}, is_edid ? " bytes" : " bytes, which are no EDID");
}

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pages) {
    Device* const devices[] = {&gpu};
    if (find_devices(devices, virtq::spec::DeviceId::gpu, options.way) != 1) {
        serial::fail("this kernel wants a GPU, and there is none");
    }
    gpu.bring_up(pages);
    gpu.expect_interrupts(1000);
    print_edid();
    ask_window();
    open(pages);

    draw_pattern();  // 1: all of it
    flush();
    print_sum();
    wait_for_window();

    screen.frame.fill({100, 50, 37, 21}, 0xffffff);  // 2: a part of it; the rest must stay as it was
    screen.frame.row(200)[300] = 0x123456;
    flush();
    print_sum();
    wait_for_window();

    close(pages);  // 3: the window has another size
    open(pages);
    draw_pattern();
    flush_stripes();
    print_sum();
    wait_for_window();

    expect("resetting", gpu.driver.reset([](virtq::RequestCompletion const&) {}));  // 4: every picture is gone
    pages.free_pages(screen.memory);
    pages.free_pages(screen.seen);
    open(pages);
    screen.frame.fill(screen.picture.whole(), 0x204060);
    flush();
    screen.frame.scroll_up(8, 0xa0b0c0);
    flush();
    print_sum();
    wait_for_window();

    close(pages);
    gpu.check_interrupts();
    if (gpu.way != InterruptWay::none) {
        serial::line("interrupts: ", gpu.interrupts, " for ", uint64_t{sums}, " pictures");
    }
    gpu.release(pages);
}
