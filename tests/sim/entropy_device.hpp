// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/rule.hpp>
#include <sim/violation.hpp>
#include <sim/wire.hpp>

/// An entropy device (§5.4) whose bytes the test chooses. It answers shortly, late or wrongly on request.
namespace virtq::sim {

struct EntropyOptions {
    uint16_t queue_size_max = 64;
    std::vector<unsigned> features{};  ///< bits of `wire::feature` that it offers for its queue
};

/// **Threading** A test may call everything while the device works in another thread. The source is called in steps of
/// the device.
class EntropyDevice final : public DeviceBackend {
public:
    using Source = std::function<uint8_t()>;

    explicit EntropyDevice(ViolationLog& log, EntropyOptions options = {})
        : log_(log), options_(std::move(options)), source_([this] { return pattern_ = next_of(pattern_); }) {}

    // The source. At first it never ends, and gives `next_of` the byte before, beginning with `next_of(0)`.

    [[nodiscard]] static constexpr uint8_t next_of(uint8_t value) { return static_cast<uint8_t>(value * 5 + 113); }
    /// From now on each byte comes from here.
    void set_source(Source source) {
        std::lock_guard const lock(mutex_);
        source_ = std::move(source);
    }
    /// From now on the device has only the bytes that the test feeds. Requests wait for them.
    void wait_for_feed() { set_source(nullptr); }
    void feed(std::vector<uint8_t> const& bytes) {
        std::lock_guard const lock(mutex_);
        fed_.insert(fed_.end(), bytes.begin(), bytes.end());
    }
    /// From now on a buffer gets at most this many bytes, and at least one (§5.4.6.2).
    void answer_at_most(uint32_t bytes) {
        std::lock_guard const lock(mutex_);
        most_ = std::max(bytes, uint32_t{1});
    }
    /// All bytes that the driver was given, in the order of completion.
    [[nodiscard]] std::vector<uint8_t> given() const {
        std::lock_guard const lock(mutex_);
        return given_;
    }

    // Faults, for the next buffer only.

    /// Reports this used length, whatever it writes. 0 breaks §5.4.6.2, and more than the buffer holds §2.7.8.2.
    void report_next_length(uint32_t length) {
        std::lock_guard const lock(mutex_);
        next_length_ = length;
    }
    /// Never completes it.
    void swallow_next() {
        std::lock_guard const lock(mutex_);
        swallow_next_ = true;
    }

    // DeviceBackend.

    [[nodiscard]] uint32_t device_id() const override { return wire::entropy::device_id; }
    [[nodiscard]] FeatureWords features() const override { return feature_words(options_.features); }
    [[nodiscard]] uint16_t queue_count() const override { return 1; }
    [[nodiscard]] uint16_t queue_size_max(uint16_t /*queue*/) const override { return options_.queue_size_max; }
    void reset() override {
        std::lock_guard const lock(mutex_);
        swallowed_.clear();
    }
    [[nodiscard]] Completion process(uint16_t /*queue*/, Chain const& chain) override {
        if (!chain.readable.empty()) {
            log_.report(rule::entropy_readable, chain.readable_bytes());
        }
        return {};
    }
    void work(uint16_t queue) override {
        std::lock_guard const lock(mutex_);
        for (auto const& request : parked(queue)) {
            if (std::find(swallowed_.begin(), swallowed_.end(), request.ticket) != swallowed_.end()) {
                continue;
            }
            if (std::exchange(swallow_next_, false)) {
                swallowed_.push_back(request.ticket);
                continue;
            }
            if (source_ == nullptr && fed_.empty()) {
                return;
            }
            uint32_t const written = fill(request.chain);
            static_cast<void>(complete(queue, request, std::exchange(next_length_, {}).value_or(written)));
        }
    }

private:
    [[nodiscard]] uint32_t fill(Chain const& chain) {
        auto bytes = static_cast<size_t>(std::min<uint64_t>(chain.writable_bytes(), most_));
        std::vector<uint8_t> random;
        if (source_ != nullptr) {
            random.resize(bytes);
            std::generate(random.begin(), random.end(), source_);
        } else {
            bytes = std::min(bytes, fed_.size());
            auto const end = fed_.begin() + static_cast<std::ptrdiff_t>(bytes);
            random.assign(fed_.begin(), end);
            fed_.erase(fed_.begin(), end);
        }
        given_.insert(given_.end(), random.begin(), random.end());
        return static_cast<uint32_t>(chain.write(0, random.data(), bytes));
    }

    ViolationLog& log_;
    EntropyOptions options_;
    mutable std::mutex mutex_;
    Source source_;
    uint8_t pattern_ = 0;
    uint32_t most_ = ~uint32_t{0};
    std::vector<uint8_t> fed_;
    std::vector<uint8_t> given_;
    std::optional<uint32_t> next_length_;
    bool swallow_next_ = false;
    std::vector<uint64_t> swallowed_;  ///< tickets
};

}  // namespace virtq::sim
