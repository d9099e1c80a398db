// SPDX-License-Identifier: MIT
#include "write_check.hpp"

#include "serial.hpp"

namespace {

constexpr uint32_t request_bytes = 64 * 1024;
constexpr uint64_t most_bytes = 4 << 20;

/// Differs from sector to sector and from word to word, so that data in a wrong place is seen.
uint64_t pattern(uint64_t byte_offset) {
    return (byte_offset + 1) * 0x9e3779b97f4a7c15;  // any odd number: the product is different for each offset
}

void fill(void* memory, uint64_t offset, uint32_t bytes) {
    auto* words = static_cast<uint64_t*>(memory);
    for (uint32_t i = 0; i < bytes / sizeof(uint64_t); ++i) {
        words[i] = pattern(offset + i * sizeof(uint64_t));
    }
}

void compare(void const* memory, uint64_t offset, uint32_t bytes) {
    auto const* words = static_cast<uint64_t const*>(memory);
    for (uint32_t i = 0; i < bytes / sizeof(uint64_t); ++i) {
        uint64_t const here = offset + i * sizeof(uint64_t);
        if (words[i] != pattern(here)) {
            serial::fail("the disk returned other data than was written at byte ", here, ": ", serial::Hex{words[i]},
                         " instead of ", serial::Hex{pattern(here)});
        }
    }
}

void expect(char const* what, virtq::Status status) {
    if (!status) {
        serial::fail(what, status.error());
    }
}

}  // namespace

uint64_t check_writing(Disk& disk, PagePool& pages) {
    auto const rest = [&disk] { disk.rest(); };
    uint64_t const capacity = disk.driver.capacity_sectors() * sector_bytes;
    uint64_t const total = capacity < most_bytes ? capacity : most_bytes;
    virtq::Pages const out = pages.allocate_pages(request_bytes / virtq::page_bytes);
    virtq::Pages const in = pages.allocate_pages(request_bytes / virtq::page_bytes);
    if (out.virt == nullptr || in.virt == nullptr) {
        serial::fail("there are no pages for the buffers", virtq::Error::no_pages);
    }

    auto const bytes_at = [total](uint64_t offset) {
        return total - offset < request_bytes ? static_cast<uint32_t>(total - offset) : request_bytes;
    };
    disk.expect_interrupts(2 * (total / request_bytes + 1) + 1);
    for (uint64_t offset = 0; offset < total; offset += request_bytes) {
        fill(out.virt, offset, bytes_at(offset));
        expect("writing", disk.driver.write(offset / sector_bytes, virtq::Segment{out.phys, bytes_at(offset)},
                                            disk.patience(), rest));
    }
    if (disk.driver.can_flush()) {
        expect("flushing", disk.driver.flush(disk.patience(), rest));
    }
    for (uint64_t offset = 0; offset < total; offset += request_bytes) {
        __builtin_memset(in.virt, 0, request_bytes);
        expect("reading back", disk.driver.read(offset / sector_bytes, virtq::Segment{in.phys, bytes_at(offset)},
                                                disk.patience(), rest));
        compare(in.virt, offset, bytes_at(offset));
    }

    disk.check_interrupts();

    pages.free_pages(out);
    pages.free_pages(in);
    return total;
}
