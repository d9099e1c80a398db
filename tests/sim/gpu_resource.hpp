// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <optional>
#include <vector>

#include <sim/chain.hpp>
#include <sim/guest_memory.hpp>
#include <virtq/base/phys_addr.hpp>

/// What a GPU keeps of a resource (§5.7.6): its pixels, and where the driver has its backing memory.
namespace virtq::sim {

struct GpuRect {
    uint32_t x = 0;
    uint32_t y = 0;
    uint32_t width = 0;
    uint32_t height = 0;

    // Not defaulted: see `GpuCursor`.
    friend bool operator==(GpuRect const& a, GpuRect const& b) {
        return a.x == b.x && a.y == b.y && a.width == b.width && a.height == b.height;
    }

    [[nodiscard]] bool is_inside(uint32_t wide, uint32_t high) const {
        return width != 0 && height != 0 && x <= wide && width <= wide - x && y <= high && height <= high - y;
    }
};

struct GpuResource {
    struct Entry {
        uint64_t addr = 0;
        uint32_t bytes = 0;
        uint64_t hold = 0;  ///< of `GuestMemory`
    };

    uint32_t format = 0;
    uint32_t width = 0;
    uint32_t height = 0;
    std::vector<uint8_t> pixels{};  ///< four bytes each, as in the driver's memory
    std::optional<std::vector<Entry>> backing{};
    bool is_filled = false;  ///< a transfer has ended

    static constexpr size_t pixel_bytes = 4;

    [[nodiscard]] size_t place(uint32_t x, uint32_t y) const { return (size_t{y} * width + x) * pixel_bytes; }

    /// 0xRRGGBB of a pixel (§5.7.6.8, enum virtio_gpu_formats: the names have the order of the bytes).
    [[nodiscard]] uint32_t rgb(uint32_t x, uint32_t y) const {
        uint8_t const* const at = pixels.data() + place(x, y);
        auto const join = [at](unsigned red, unsigned green, unsigned blue) {
            return uint32_t{at[red]} << 16 | uint32_t{at[green]} << 8 | at[blue];
        };
        switch (format) {
            case 1:  // B8G8R8A8
            case 2:  // B8G8R8X8
                return join(2, 1, 0);
            case 3:  // A8R8G8B8
            case 4:  // X8R8G8B8
                return join(1, 2, 3);
            case 68:   // X8B8G8R8
            case 121:  // A8B8G8R8
                return join(3, 2, 1);
            default:  // R8G8B8A8, R8G8B8X8
                return join(0, 1, 2);
        }
    }
    [[nodiscard]] static bool is_format(uint32_t format) {
        constexpr uint32_t all[] = {1, 2, 3, 4, 67, 68, 121, 134};
        return std::find(std::begin(all), std::end(all), format) != std::end(all);
    }

    /// Bytes of the backing memory from `offset` on. False: there are not so many, or some are no memory.
    [[nodiscard]] bool read_backing(GuestMemory const& memory, uint64_t offset, uint8_t* to, size_t bytes) const {
        for (Entry const& entry : *backing) {
            if (offset >= entry.bytes) {
                offset -= entry.bytes;
                continue;
            }
            auto const count = static_cast<size_t>(std::min<uint64_t>(bytes, entry.bytes - offset));
            uint8_t const* const from = memory.virt(PhysAddr{entry.addr + offset}, count);
            if (from == nullptr) {
                return false;
            }
            std::memcpy(to, from, count);
            to += count;
            bytes -= count;
            offset = 0;
            if (bytes == 0) {
                return true;
            }
        }
        return bytes == 0;
    }
};

}  // namespace virtq::sim
