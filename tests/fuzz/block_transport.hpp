// SPDX-License-Identifier: MIT
#pragma once

#include <fuzz/fenced_pages.hpp>
#include <fuzz/input.hpp>
#include <fuzz/queue_device.hpp>
#include <fuzz/require.hpp>

#include <virtq/transport/transport.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>

/// A disk's registers, configuration and queues, whose answers the fuzzer chooses. What the fuzzer does not change
/// works as in a correct device, so that a driver gets far.
namespace virtq::test {

class BlockTransport {
public:
    static constexpr std::size_t queue_most = 2;

    /// A queue, and the chains that the device has fetched and not used.
    struct Queue {
        bool is_live = false;
        QueueDevice device;
        std::deque<QueueDevice::Fetched> fetched;
    };

    explicit BlockTransport(Input& input, FencedPages& pages) : pages_(pages) {
        std::uint8_t const bits = input.byte();
        legacy_ = (bits & 1) != 0;
        offered_[0] = input.word() & ~(std::uint32_t{1} << 8);
        offered_[1] = legacy_ ? 0 : input.half() | ((bits & 2) != 0 ? 0u : 1u);
        maximum_ = static_cast<std::uint16_t>((bits & 4) != 0 ? input.half() : 1u << (bits >> 4 & 7));
        chosen_ = (bits & 8) != 0 ? input.byte() : std::uint8_t{0};
        for (std::size_t at = 0; at < 64; ++at) {  // the zoned model after them stays 0
            config[at] = input.byte();
        }
    }

    // --- what a fuzzer can change ---

    std::array<std::uint8_t, 96> config{};
    bool is_restless = false;          ///< the configuration changes at each read
    bool keeps_running = false;        ///< the device ignores a reset
    std::uint8_t status_flips = 0;     ///< bits of the status to flip
    std::uint8_t status_flips_in = 0;  ///< number of correct reads before that
    void be_honest() { is_restless = keeps_running = false, status_flips = 0; }

    std::array<Queue, queue_most> queues;
    std::size_t accesses = 0;
    [[nodiscard]] bool has_accepted(spec::Feature bit) const {
        auto const number = static_cast<unsigned>(bit);
        return (accepted_[number / 32] >> number % 32 & 1) != 0;
    }

    // --- Transport ---

    [[nodiscard]] spec::DeviceId device_id() const { return spec::DeviceId::block; }
    [[nodiscard]] bool is_legacy() const { return legacy_; }
    [[nodiscard]] Features possible_features() const {
        Features all;
        all.set_word(0, 0xffffffff);
        all.set_word(1, legacy_ ? 0 : 0xffffffff);
        return all;
    }
    [[nodiscard]] DeviceStatus status() {
        count();
        if (status_flips != 0) {
            if (status_flips_in == 0) {
                return DeviceStatus{static_cast<std::uint8_t>(status_ ^ status_flips)};
            }
            --status_flips_in;
        }
        return DeviceStatus{status_};
    }
    void set_status(DeviceStatus status) {
        count();
        if (status.is_reset() && !keeps_running) {
            queues = {};
            accepted_ = {};
        }
        status_ = status.is_reset() && keeps_running ? status_ : status.bits();
    }
    [[nodiscard]] std::uint32_t offered_features(unsigned word) { return count(), word < 2 ? offered_[word] : 0; }
    void accept_features(unsigned word, std::uint32_t bits) {
        count();
        require(word < 2 && (bits & ~offered_[word]) == 0);
        accepted_[word] = bits;
    }
    [[nodiscard]] std::uint32_t queue_size_max(std::uint16_t queue) {
        return count(), queue < queue_most ? maximum_ : 0u;
    }
    [[nodiscard]] bool is_queue_size_fixed() { return legacy_; }
    [[nodiscard]] std::uint32_t choose_queue_size(std::uint16_t, std::uint32_t size) {
        return count(), chosen_ != 0 ? chosen_ : size;
    }
    [[nodiscard]] bool is_queue_in_use(std::uint16_t queue) {
        return count(), queue < queue_most && queues[queue].is_live;
    }
    [[nodiscard]] Status enable_queue(std::uint16_t queue, QueueAddresses const& at) {
        count();
        require(queue < queue_most && at.size != 0 && pages_.has(at.descriptor_area, std::size_t{16} * at.size));
        require(pages_.has(at.driver_area, 4) && pages_.has(at.device_area, 4));
        queues[queue] = Queue{
            true, QueueDevice(pages_.virt(at.descriptor_area), at, has_accepted(spec::Feature::ring_packed), 0), {}};
        return {};
    }
    void notify(std::uint16_t queue, std::uint16_t) {
        count();
        require(queue < queue_most);
    }
    void reset_queue(std::uint16_t) { count(); }
    [[nodiscard]] bool is_queue_reset(std::uint16_t) { return count(), true; }
    [[nodiscard]] InterruptCause on_interrupt() { return {}; }
    [[nodiscard]] std::uint8_t read_config8(std::uint16_t offset) { return byte(offset); }
    [[nodiscard]] std::uint16_t read_config16(std::uint16_t offset) {
        require(offset % 2 == 0);
        return static_cast<std::uint16_t>(byte(offset) | byte(offset + 1u) << 8);
    }
    [[nodiscard]] std::uint32_t read_config32(std::uint16_t offset) {
        std::uint32_t const low = read_config16(offset);
        return low | std::uint32_t{read_config16(static_cast<std::uint16_t>(offset + 2))} << 16;
    }
    void write_config8(std::uint16_t offset, std::uint8_t value) {
        count();
        require(offset == 32);  // writeback, the only field that a driver writes (§5.2.4)
        config[offset] = value;
    }
    void write_config16(std::uint16_t, std::uint16_t) { require(false); }  // a disk has no such field to write
    void write_config32(std::uint16_t, std::uint32_t) { require(false); }
    [[nodiscard]] std::uint32_t config_generation() { return count(), is_restless ? ++generation_ : generation_; }

private:
    void count() { ++accesses; }
    [[nodiscard]] std::uint8_t byte(std::size_t offset) {
        count();
        require(offset < config.size());
        if (is_restless && legacy_) {
            ++config[0];
        }
        return config[offset];
    }

    FencedPages& pages_;
    bool legacy_ = false;
    std::uint32_t offered_[2] = {};
    std::array<std::uint32_t, 2> accepted_{};
    std::uint16_t maximum_ = 0;
    std::uint8_t chosen_ = 0;  ///< 0: the size that the driver requests
    std::uint8_t status_ = 0;
    std::uint32_t generation_ = 0;
};
static_assert(Transport<BlockTransport>);

}  // namespace virtq::test
