// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/bit.hpp>
#include <virtq/base/detail/endian.hpp>
#include <virtq/base/result.hpp>
#include <virtq/platform/detail/page_run.hpp>
#include <virtq/platform/detail/ring_memory.hpp>
#include <virtq/queue/segment.hpp>
#include <virtq/spec/block.hpp>

#include <stdint.h>

namespace virtq::detail {

/// The headers and status bytes of all block requests (§5.2.6), in the driver's own pages. On a caller's stack, the
/// device could still write to them after the caller has returned.
///
/// Each header is followed by room for the range of a discard or write zeroes. All status bytes come after these: the
/// device only reads the first area and only writes the second.
class BlockFrames {
    struct Frame {
        spec::block::RequestHeader header;
        spec::block::Range range;
    };
    static constexpr uint32_t stride = sizeof(Frame);

public:
    /// The device never writes this value: a status byte that still has it was not written.
    static constexpr uint8_t status_unwritten = 0xff;

    /// Pages for the headers, ranges and status bytes of `count` requests.
    [[__nodiscard__]] static constexpr uint32_t page_count(uint32_t count) {
        return align_up(count * stride + count, page_bytes) / page_bytes;
    }

    /// Takes pages for `count` requests and zeroes them. Errors: those of `PageRun::take`.
    template <PageAllocator Allocator>
    [[__nodiscard__]] Status init(Allocator& allocator, uint16_t count, ByteOrder order) {
        if (Error const error = pages_.take(allocator, page_count(count)); error != Error::none) {
            return error;
        }
        status_offset_ = count * stride;
        restart(order);
        return {};
    }

    template <PageAllocator Allocator>
    void release(Allocator& allocator) {
        if (pages_.held()) {
            pages_.give_back(allocator);
        }
    }

    /// The pages that `init` took.
    [[__nodiscard__]] Pages pages() const { return pages_.run(); }

    /// Fills in the header of request `number`, and marks its status byte as unwritten.
    void prepare(uint16_t number, spec::block::RequestType type, uint64_t sector) {
        spec::block::RequestHeader& header = frame(number)->header;
        platform::store_plain(&header.type, wire(static_cast<uint32_t>(type)));
        platform::store_plain(&header.reserved, uint32_t{0});
        platform::store_plain(&header.sector, wire(sector));
        platform::store_plain(status_byte(number), status_unwritten);
    }
    void prepare_range(uint16_t number, spec::block::Range const& range) {
        spec::block::Range& target = frame(number)->range;
        platform::store_plain(&target.sector, wire(range.sector));
        platform::store_plain(&target.num_sectors, wire(range.num_sectors));
        platform::store_plain(&target.flags, wire(range.flags));
    }

    [[__nodiscard__]] Segment header(uint16_t number) const {
        return {at(number), sizeof(spec::block::RequestHeader)};
    }
    [[__nodiscard__]] Segment range(uint16_t number) const {
        return {at(number) + sizeof(spec::block::RequestHeader), sizeof(spec::block::Range)};
    }
    [[__nodiscard__]] Segment status(uint16_t number) const { return {pages_.phys() + (status_offset_ + number), 1}; }

    /// Zeroes the pages. After a reset the device may have another interface, and thus another byte order.
    void restart(ByteOrder order) {
        pages_.zero();
        order_ = order;
    }

    /// Reads the status byte once.
    [[__nodiscard__]] uint8_t load_status(uint16_t number) const {
        return platform::load_relaxed(status_byte(number));
    }

private:
    [[__nodiscard__]] Frame* frame(uint16_t number) const { return static_cast<Frame*>(pages_.virt()) + number; }
    [[__nodiscard__]] PhysAddr at(uint16_t number) const { return pages_.phys() + uint32_t{number} * stride; }
    [[__nodiscard__]] uint8_t* status_byte(uint16_t number) const {
        return static_cast<uint8_t*>(pages_.virt()) + status_offset_ + number;
    }
    /// Converts to the device's byte order: a legacy device reads headers in the guest's (§5.2.6.4). So on a
    /// little-endian machine every device reads the same.
    template <class Word>
    [[__nodiscard__]] Word wire(Word word) const {
        if constexpr (native_byte_order == ByteOrder::little) {
            return word;
        } else {
            return order_ == native_byte_order ? word : swap_bytes(word);
        }
    }

    PageRun pages_;
    uint32_t status_offset_ = 0;  ///< behind all headers and ranges
    ByteOrder order_ = ByteOrder::little;
};

}  // namespace virtq::detail
