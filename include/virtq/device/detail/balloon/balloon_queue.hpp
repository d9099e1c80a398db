// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/detail/endian.hpp>
#include <virtq/base/phys_addr.hpp>
#include <virtq/device/balloon_types.hpp>
#include <virtq/device/slot_queue.hpp>
#include <virtq/spec/balloon.hpp>

#include <stdint.h>

/// The queues of a balloon whose buffers are copied (§5.5.6). A legacy device reads them in the guest's byte order.
namespace virtq::detail {

/// inflateq or deflateq. A slot keeps how many bytes its pages have.
template <uint32_t N, class Traits>
class BalloonPageQueue : public SlotQueue<N, Traits, SlotShape<4 * Traits::pages_at_once, 0>> {
public:
    [[__nodiscard__]] Result<uint16_t> send_pages(Span<PhysAddr const> pages, Token token, ByteOrder order) {
        constexpr uint32_t unit = spec::balloon::page_unit_bytes;
        uint16_t const slot = this->take_slot(token);
        if (slot == this->no_slot) {
            this->note_refusal(Error::queue_full);
            return Error::queue_full;
        }
        auto const count = static_cast<uint32_t>(pages.size());
        for (uint32_t i = 0; i < count; ++i) {
            uint32_t const number = in_order(static_cast<uint32_t>(pages[i].value / unit), order);
            this->put(slot, 4 * i, &number, sizeof number);
        }
        this->keep_bytes(slot, count * unit);
        return this->send_from(slot, {4 * count});
    }
};

/// statsq: one buffer at most.
template <uint32_t N, class Traits>
class BalloonStatQueue : public SlotQueue<N, Traits, SlotShape<balloon_stats_max * sizeof(spec::balloon::Stat), 0>> {
public:
    /// Adds entries that no device knows until the length is a multiple of 6 bytes (§5.5.6.3.1), which is three entries.
    [[__nodiscard__]] Error send_stats(Span<BalloonStat const> stats, ByteOrder order) {
        constexpr uint16_t unknown_tag = 0xffff;
        uint16_t const slot = this->take_slot(Token{});
        uint32_t count = 0;
        for (BalloonStat const& stat : stats) {
            put_entry(slot, count++, static_cast<uint16_t>(stat.tag), stat.value, order);
        }
        while (count % 3 != 0) {
            put_entry(slot, count++, unknown_tag, 0, order);
        }
        this->abandon(slot);  // `reset` hands out no token for it
        return this->send(slot, {count * entry_bytes});
    }

private:
    static constexpr uint32_t entry_bytes = sizeof(spec::balloon::Stat);

    void put_entry(uint16_t slot, uint32_t number, uint16_t tag, uint64_t value, ByteOrder order) {
        uint16_t const tag_word = in_order(tag, order);
        uint64_t const value_word = in_order(value, order);
        this->put(slot, number * entry_bytes, &tag_word, sizeof tag_word);
        this->put(slot, number * entry_bytes + sizeof tag_word, &value_word, sizeof value_word);
    }
};

}  // namespace virtq::detail
