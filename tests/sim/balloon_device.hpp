// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <cstring>
#include <map>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <sim/balloon_rule.hpp>
#include <sim/device_backend.hpp>
#include <sim/guest_memory.hpp>
#include <sim/wire.hpp>

/// A balloon (§5.5). The test is the host: it asks for pages and for statistics.
namespace virtq::sim {

struct BalloonOptions {
    /// Bits of `wire::balloon`, and of `wire::feature` for its queues.
    std::vector<unsigned> features{wire::balloon::must_tell_host, wire::balloon::stats_vq};
    uint32_t num_pages = 0;
    uint16_t queue_size_max = 64;
    bool has_fixed_numbers = false;  ///< queues have the numbers of §5.5.2; otherwise those of QEMU, without holes
    bool checks_pages = true;        ///< otherwise it only counts page numbers, and touches no page
};

/// **Threading** A test may call everything while the device works in another thread.
class BalloonDevice final : public DeviceBackend {
public:
    static constexpr uint16_t inflate_queue = 0;
    static constexpr uint16_t deflate_queue = 1;
    static constexpr uint16_t stats_queue = 2;
    static constexpr uint8_t filler = 0xba;  ///< what the host leaves in a page that it had

    explicit BalloonDevice(GuestMemory& memory, BalloonOptions options = {})
        : BalloonDevice(&memory, memory.violations(), std::move(options)) {}
    /// Without memory: it checks no pages.
    explicit BalloonDevice(ViolationLog& log, BalloonOptions options = {})
        : BalloonDevice(nullptr, log, std::move(options)) {}

    // The host.

    /// To be called in `change_config` of the transport.
    void ask_for(uint32_t pages) {
        locked([&] { num_pages_ = pages; });
    }
    void ask_for_stats() {
        locked([&] { wants_stats_ = true; });
    }
    /// From now on requests stay with the device, until `go_on`.
    void hold() {
        locked([&] { holds_ = true; });
    }
    void go_on() {
        locked([&] { holds_ = false; });
    }
    /// The used length of the next request; it writes nothing, so another one than 0 is false.
    void report_next_length(uint32_t length) {
        locked([&] { next_length_ = length; });
    }

    [[nodiscard]] uint32_t actual() const {
        return locked([&] { return actual_; });
    }
    /// How often the driver has written `actual`.
    [[nodiscard]] size_t writes_of_actual() const {
        return locked([&] { return writes_; });
    }
    /// How many pages it has.
    [[nodiscard]] size_t pages() const {
        return locked([&] { return balloon_.size(); });
    }
    [[nodiscard]] bool has_page(PhysAddr page) const {
        return locked([&] { return balloon_.count(page.value / wire::balloon::page_bytes) != 0; });
    }
    /// The last statistics by tag, and how often some came.
    [[nodiscard]] std::map<uint16_t, uint64_t> stats() const {
        return locked([&] { return stats_; });
    }
    [[nodiscard]] size_t answers() const {
        return locked([&] { return answers_; });
    }
    /// The bytes of all reports.
    [[nodiscard]] uint64_t reported_bytes() const {
        return locked([&] { return reported_; });
    }
    /// The number of the reporting_vq.
    [[nodiscard]] uint16_t report_queue() const;
    /// The feature that this queue needs. Nothing for the inflateq, the deflateq, and a queue that is not there.
    [[nodiscard]] std::optional<unsigned> feature_of(uint16_t queue) const;

    // DeviceBackend.

    [[nodiscard]] uint32_t device_id() const override { return wire::balloon::device_id; }
    [[nodiscard]] FeatureWords features() const override { return feature_words(options_.features); }
    [[nodiscard]] uint16_t queue_count() const override;
    [[nodiscard]] uint16_t queue_size_max(uint16_t queue) const override;
    [[nodiscard]] std::vector<ConfigField> config_fields() const override {
        return {{wire::balloon::config_num_pages, 4}, {wire::balloon::config_actual, 4, ConfigField::always, true}};
    }
    [[nodiscard]] uint8_t read_config(size_t offset) override;
    void write_config(size_t offset, uint8_t value) override;
    void start(Session const& session) override {
        locked([&] { session_ = session; });
    }
    void reset() override;
    [[nodiscard]] Completion process(uint16_t queue, Chain const& chain) override;
    void work(uint16_t queue) override;

private:
    BalloonDevice(GuestMemory* memory, ViolationLog& log, BalloonOptions options)
        : memory_(memory), log_(log), options_(std::move(options)), num_pages_(options_.num_pages) {
        options_.checks_pages = options_.checks_pages && memory != nullptr;
    }

    template <class Action>
    auto locked(Action action) const -> decltype(action()) {
        std::lock_guard const lock(mutex_);
        return action();
    }
    [[nodiscard]] bool offers(unsigned bit) const { return has_feature(features(), bit); }
    void drop(std::optional<uint64_t> const& held);
    void take_pages(uint16_t queue, Chain const& chain);
    void inflate(uint64_t number);
    void deflate(uint64_t number);
    void take_stats(Chain const& chain);
    void take_report(Chain const& chain);

    GuestMemory* memory_;
    ViolationLog& log_;
    BalloonOptions options_;
    mutable std::mutex mutex_;
    Session session_;
    uint32_t num_pages_;
    uint32_t actual_ = 0;
    size_t writes_ = 0;
    std::map<uint64_t, std::optional<uint64_t>> balloon_;  ///< a page's number, and the hold of its memory
    bool wants_stats_ = false;
    bool holds_ = false;
    uint32_t next_length_ = 0;
    bool is_first_ = true;  ///< the next buffer of statistics is
    std::optional<std::vector<uint16_t>> subset_;
    std::map<uint16_t, uint64_t> stats_;
    size_t answers_ = 0;
    uint64_t reported_ = 0;
};

/// §5.5.2. QEMU and Linux count only the queues that there are.
inline uint16_t BalloonDevice::report_queue() const {
    unsigned const before =
        (offers(wire::balloon::stats_vq) ? 1u : 0u) + (offers(wire::balloon::free_page_hint) ? 1u : 0u);
    return static_cast<uint16_t>(options_.has_fixed_numbers ? 4 : 2 + before);
}
inline std::optional<unsigned> BalloonDevice::feature_of(uint16_t queue) const {
    if (queue == report_queue() && offers(wire::balloon::page_reporting)) {
        return wire::balloon::page_reporting;
    }
    if (queue + 1 == report_queue() && offers(wire::balloon::free_page_hint)) {
        return wire::balloon::free_page_hint;
    }
    return queue == stats_queue && offers(wire::balloon::stats_vq) ? std::optional<unsigned>{wire::balloon::stats_vq}
                                                                   : std::nullopt;
}
inline uint16_t BalloonDevice::queue_count() const {
    uint16_t count = report_queue();
    while (queue_size_max(count) == 0) {
        --count;
    }
    return static_cast<uint16_t>(count + 1);
}
inline uint16_t BalloonDevice::queue_size_max(uint16_t queue) const {
    return queue <= deflate_queue || feature_of(queue) ? options_.queue_size_max : uint16_t{0};
}

/// §5.5.4: little-endian, also for a legacy driver.
inline uint8_t BalloonDevice::read_config(size_t offset) {
    std::lock_guard const lock(mutex_);
    return static_cast<uint8_t>((offset < wire::balloon::config_actual ? num_pages_ : actual_) >> (8 * (offset % 4)));
}
inline void BalloonDevice::write_config(size_t offset, uint8_t value) {
    std::lock_guard const lock(mutex_);
    size_t const shift = 8 * (offset % 4);
    actual_ = (actual_ & ~(uint32_t{0xff} << shift)) | uint32_t{value} << shift;
    writes_ += offset == wire::balloon::config_actual + 3 ? 1 : 0;  // §5.5.6.2: then it is complete
}

inline void BalloonDevice::reset() {
    std::lock_guard const lock(mutex_);
    for (auto const& [number, held] : balloon_) {
        drop(held);
    }
    balloon_.clear();
    subset_.reset();
    is_first_ = true;
    session_ = {};
    wants_stats_ = false;
    next_length_ = 0;
    actual_ = 0;
}

inline Completion BalloonDevice::process(uint16_t queue, Chain const& chain) {
    std::lock_guard const lock(mutex_);
    auto const needed = feature_of(queue);
    if (needed && !has_feature(session_.features, *needed)) {
        log_.report(rule::balloon_queue, queue);
    }
    bool const takes_pages = needed && *needed != wire::balloon::stats_vq;
    if (!takes_pages && !chain.writable.empty()) {
        log_.report(rule::balloon_writable, chain.writable_bytes());
    }
    if (needed == wire::balloon::stats_vq) {
        take_stats(chain);
    }
    return {};
}

inline void BalloonDevice::work(uint16_t queue) {
    std::lock_guard const lock(mutex_);
    bool const is_stats = feature_of(queue) == wire::balloon::stats_vq;
    auto const requests = parked(queue);
    if (holds_ || requests.empty() || (is_stats && !std::exchange(wants_stats_, false))) {
        return;
    }
    for (auto const& request : requests) {
        if (queue <= deflate_queue) {
            take_pages(queue, request.chain);
        } else if (feature_of(queue) == wire::balloon::page_reporting) {
            take_report(request.chain);
        }
        static_cast<void>(complete(queue, request, std::exchange(next_length_, 0)));
    }
}

inline void BalloonDevice::drop(std::optional<uint64_t> const& held) {
    if (held) {
        memory_->drop(*held);
    }
}

inline void BalloonDevice::take_pages(uint16_t queue, Chain const& chain) {
    if (chain.readable_bytes() == 0 || chain.readable_bytes() % 4 != 0) {
        log_.report(rule::balloon_length, chain.readable_bytes());
    }
    for (uint64_t at = 0; at + 4 <= chain.readable_bytes() && options_.checks_pages; at += 4) {
        uint8_t bytes[4];
        static_cast<void>(chain.read(at, bytes, sizeof bytes));
        uint64_t const number = decode(bytes, sizeof bytes, session_.order);
        queue == inflate_queue ? inflate(number) : deflate(number);
    }
}

inline void BalloonDevice::inflate(uint64_t number) {
    PhysAddr const page{number * wire::balloon::page_bytes};
    uint8_t* const virt = memory_->virt(page, wire::balloon::page_bytes);
    if (virt == nullptr) {
        return log_.report(rule::balloon_page, number);
    }
    if (balloon_.count(number) != 0) {
        return log_.report(rule::balloon_twice, number);
    }
    std::memset(virt, filler, wire::balloon::page_bytes);
    // Without MUST_TELL_HOST the driver may use the page before the device hears of it.
    bool const must_tell = has_feature(session_.features, wire::balloon::must_tell_host);
    balloon_[number] = must_tell ? std::optional{memory_->hold(page, wire::balloon::page_bytes)} : std::nullopt;
}

inline void BalloonDevice::deflate(uint64_t number) {
    auto const found = balloon_.find(number);
    if (found == balloon_.end()) {
        return log_.report(rule::balloon_absent, number);
    }
    if (!has_feature(session_.features, wire::balloon::deflate_on_oom) && balloon_.size() <= num_pages_) {
        log_.report(rule::balloon_below, num_pages_);
    }
    drop(found->second);
    balloon_.erase(found);
}

/// §5.5.6.3.2: unknown tags are ignored. §5.5.6.3.3: all of the first buffer is, with the legacy interface.
inline void BalloonDevice::take_stats(Chain const& chain) {
    constexpr size_t entry_bytes = wire::balloon::stat_bytes;
    uint64_t const length = chain.readable_bytes();
    if (!parked(stats_queue).empty()) {
        log_.report(rule::balloon_stats_one, parked(stats_queue).size() + 1);
    }
    if (length % entry_bytes != 0) {
        log_.report(rule::balloon_stats_length, length);
    }
    if (length % 6 != 0) {
        log_.report(rule::balloon_stats_six, length);
    }
    ++answers_;
    if (std::exchange(is_first_, false) && session_.legacy) {
        return;
    }
    stats_.clear();
    std::vector<uint16_t> tags;
    for (uint64_t at = 0; at + entry_bytes <= length; at += entry_bytes) {
        uint8_t entry[entry_bytes];
        static_cast<void>(chain.read(at, entry, sizeof entry));
        auto const tag = static_cast<uint16_t>(decode(entry, 2, session_.order));
        if (tag > wire::balloon::last_tag) {
            continue;
        }
        if (!stats_.emplace(tag, decode(entry + 2, 8, session_.order)).second) {
            log_.report(rule::balloon_stats_twice, tag);
        }
    }
    for (auto const& [tag, value] : stats_) {
        tags.push_back(tag);
    }
    if (subset_ && *subset_ != tags) {
        log_.report(rule::balloon_stats_same, tags.size());
    }
    subset_ = tags;
}

/// §5.5.6.7.2: what the pages hold is lost.
inline void BalloonDevice::take_report(Chain const& chain) {
    bool is_whole = chain.readable.empty();
    for (Segment const& segment : chain.writable) {
        is_whole = is_whole && (segment.phys.value | segment.bytes) % wire::balloon::page_bytes == 0;
    }
    if (!is_whole) {
        log_.report(rule::balloon_report, chain.writable_bytes());
    }
    if (options_.checks_pages) {
        static_cast<void>(chain.fill(0, filler, chain.writable_bytes()));
    }
    reported_ += chain.writable_bytes();
}

}  // namespace virtq::sim
