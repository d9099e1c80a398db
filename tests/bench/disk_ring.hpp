// SPDX-License-Identifier: MIT
#pragma once

#include "machine.hpp"

#include <virtq/device/block.hpp>
#include <virtq/queue/packed.hpp>

namespace bench {

/// The registers of a disk that its driver reads. All others are 0.
class DiskRegisters : public virtq::TransportDefaults {
public:
    void offer(Case const& which) {
        using virtq::spec::Feature;
        offered_ = virtq::Features::of(Feature::version_1, virtq::spec::block::Feature::seg_max);
        if (which.is_packed()) {
            offered_.set(Feature::ring_packed);
        }
        if (which.event_idx) {
            offered_.set(Feature::event_idx);
        }
    }
    [[nodiscard]] virtq::QueueAddresses const& addresses() const { return addresses_; }

    [[nodiscard]] virtq::spec::DeviceId device_id() const { return virtq::spec::DeviceId::block; }
    [[nodiscard]] bool is_legacy() const { return false; }
    [[nodiscard]] virtq::DeviceStatus status() const { return status_; }
    void set_status(virtq::DeviceStatus status) { status_ = status; }
    [[nodiscard]] uint32_t offered_features(unsigned word) const { return offered_.word(word); }
    void accept_features(unsigned, uint32_t) {}
    [[nodiscard]] uint32_t queue_size_max(uint16_t) const { return 256; }
    [[nodiscard]] bool is_queue_in_use(uint16_t) const { return false; }
    [[nodiscard]] virtq::Status enable_queue(uint16_t, virtq::QueueAddresses const& addresses) {
        addresses_ = addresses;
        return {};
    }
    void notify(uint16_t, uint16_t) {}
    [[nodiscard]] virtq::InterruptCause on_interrupt() { return {}; }
    [[nodiscard]] uint8_t read_config8(uint16_t) const { return 0; }
    [[nodiscard]] uint16_t read_config16(uint16_t) const { return 0; }
    [[nodiscard]] uint32_t read_config32(uint16_t offset) const {
        namespace config = virtq::spec::block::config;
        return offset == config::capacity ? 1u << 24 : offset == config::seg_max.offset ? 126 : 0;
    }
    void write_config8(uint16_t, uint8_t) {}
    void write_config16(uint16_t, uint16_t) {}
    void write_config32(uint16_t, uint32_t) {}
    [[nodiscard]] uint32_t config_generation() const { return 0; }

private:
    virtq::Features offered_;
    virtq::DeviceStatus status_{};
    virtq::QueueAddresses addresses_{};
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
        virtq::QueueAddresses const& at = registers_.addresses();
        return {at.descriptor_area.value, at.driver_area.value, at.device_area.value};
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
