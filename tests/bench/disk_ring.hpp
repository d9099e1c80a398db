// SPDX-License-Identifier: MIT
#pragma once

#include "machine.hpp"
#include "registers.hpp"

#include <virtq/device/block.hpp>
#include <virtq/queue/packed.hpp>

namespace bench {

/// The registers of a disk. Fields of its configuration that its driver does not read are 0.
class DiskRegisters : public AnyRegisters {
public:
    DiskRegisters() : AnyRegisters(virtq::spec::DeviceId::block, {}) {}

    void offer(Case const& which) {
        using virtq::spec::Feature;
        auto offered = virtq::Features::of(Feature::version_1, virtq::spec::block::Feature::seg_max);
        if (which.is_packed()) {
            offered.set(Feature::ring_packed);
        }
        if (which.event_idx) {
            offered.set(Feature::event_idx);
        }
        AnyRegisters::offer(offered);
    }

    [[nodiscard]] uint8_t read_config8(uint16_t) const { return 0; }
    [[nodiscard]] uint16_t read_config16(uint16_t) const { return 0; }
    [[nodiscard]] uint32_t read_config32(uint16_t offset) const {
        namespace config = virtq::spec::block::config;
        return offset == config::capacity ? 1u << 24 : offset == config::seg_max.offset ? 126 : 0;
    }
};

/// Gives a disk the calls of a ring that `Drive` uses.
template <class RingFormat>
class DiskRing {
public:
    Areas open(Case const& which) {
        registers_.offer(which);
        Pages pages;
        if (!disk_.init(registers_, pages)) {
            fail("init() of a disk");
        }
        segments_ = which.segments;
        requests_ =
            static_cast<virtq::Segment*>(allocate(sizeof(virtq::Segment) * segments_ * which.batch, request_offset));
        return registers_.areas(0);
    }
    void prepare(unsigned slot) {
        for (unsigned i = 0; i < segments_; ++i) {
            requests_[slot * segments_ + i] = {virtq::PhysAddr{segment_address(slot, i)}, segment_bytes};
        }
    }

    [[gnu::always_inline]] bool add(unsigned slot) {
        return static_cast<bool>(disk_.submit_read(8ull * slot, {requests_ + slot * segments_, segments_},
                                                   virtq::Token{uintptr_t{slot + 1}}));
    }
    bool publish() { return disk_.kick_device(); }
    [[gnu::always_inline]] unsigned take_all(unsigned long& token_sum) {
        unsigned taken = 0;
        static_cast<void>(disk_.for_each_completed([&](virtq::BlockCompletion const& done) {
            if (done.error != virtq::Error::none) {
                fail("a read failed");
            }
            ++taken;
            token_sum += done.token.value();
        }));
        return taken;
    }

    [[nodiscard]] unsigned long private_bytes() const { return sizeof disk_; }

private:
    struct Pages {
        virtq::Pages allocate_pages(size_t count) {
            void* const first = allocate(count * virtq::page_bytes);
            return {first, virtq::PhysAddr{reinterpret_cast<uintptr_t>(first)}, count};
        }
        void free_pages(virtq::Pages) {}
    };
    struct Traits : virtq::BlockTraits {
        using Format = RingFormat;
    };

    alignas(128) DiskRegisters registers_;
    alignas(128) virtq::BlockDevice<DiskRegisters, 256, Traits> disk_;
    virtq::Segment* requests_ = nullptr;
    unsigned segments_ = 0;
};

}  // namespace bench
