// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/bit.hpp>
#include <virtq/base/endian.hpp>
#include <virtq/base/result.hpp>
#include <virtq/platform/ring_memory.hpp>
#include <virtq/queue/page_run.hpp>
#include <virtq/queue/segment.hpp>
#include <virtq/spec/block.hpp>

#include <stdint.h>

namespace virtq {

/// The header and the status byte of every block request (§5.2.6), in pages of the driver's own: a request on a
/// caller's stack would be written to by the device after the caller has gone.
///
/// All headers come first, all status bytes behind them: the device only reads the former and only writes the latter.
class BlockFrames {
public:
    /// The device never writes this: a status that still reads so was not written.
    static constexpr uint8_t status_unwritten = 0xff;

    /// Takes pages for `count` requests; they arrive dirty and are zeroed. Errors: those of `take_run`.
    template <PageAllocator Allocator>
    [[nodiscard]] Status init(Allocator& allocator, uint16_t count, ByteOrder order) {
        uint32_t const bytes = count * header_bytes + count;
        Result<Pages> const run = take_run(allocator, align_up(bytes, page_bytes) / page_bytes);
        if (!run) {
            return run.error();
        }
        platform::zero(run->virt, run->count * page_bytes);
        pages_ = *run;
        count_ = count;
        order_ = order;
        return {};
    }

    template <PageAllocator Allocator>
    void release(Allocator& allocator) {
        if (pages_.virt != nullptr) {
            allocator.free_pages(pages_);
            pages_ = Pages{};
        }
    }

    /// Fills request `number`: its header, and a status that the device has not written yet.
    void prepare(uint16_t number, spec::block::RequestType type, uint64_t sector) {
        auto* const header = static_cast<spec::block::RequestHeader*>(pages_.virt) + number;
        platform::store_plain(&header->type, wire(static_cast<uint32_t>(type)));
        platform::store_plain(&header->reserved, uint32_t{0});
        platform::store_plain(&header->sector, wire(sector));
        platform::store_plain(status_byte(number), status_unwritten);
    }

    [[nodiscard]] Segment header(uint16_t number) const {
        return {pages_.phys + uint32_t{number} * header_bytes, header_bytes};
    }
    [[nodiscard]] Segment status(uint16_t number) const {
        return {pages_.phys + (uint32_t{count_} * header_bytes + number), 1};
    }

    /// One read of what the device wrote.
    [[nodiscard]] uint8_t load_status(uint16_t number) const { return platform::load_relaxed(status_byte(number)); }

private:
    static constexpr uint32_t header_bytes = sizeof(spec::block::RequestHeader);

    [[nodiscard]] uint8_t* status_byte(uint16_t number) const {
        return static_cast<uint8_t*>(pages_.virt) + uint32_t{count_} * header_bytes + number;
    }
    /// §5.2.6.4: a legacy device reads headers in the guest's order.
    template <class Word>
    [[nodiscard]] Word wire(Word word) const {
        return order_ == native_byte_order ? word : swap_bytes(word);
    }

    Pages pages_;
    uint16_t count_ = 0;
    ByteOrder order_ = ByteOrder::little;
};

}  // namespace virtq
