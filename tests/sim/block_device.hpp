// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/rule.hpp>
#include <sim/violation.hpp>
#include <sim/wire.hpp>

/// A block device (§5.2) over a disk in the test's memory. It keeps volatile writes apart from durable ones, so that a
/// test sees whether a flush was needed. On request it answers wrongly.
namespace virtq::sim {

/// What the disk reports as the used length of a read (§2.7.8.2).
enum class BlockUsedLength : uint8_t {
    counts,       ///< the bytes that it wrote
    is_zero,      ///< always 0, as https://github.com/au-ts/libvmm/pull/28 does
    status_only,  ///< 1: the status byte
};

/// The features and limits of the disk. A feature whose number is 0 is not offered.
struct BlockOptions {
    uint64_t sectors = 2048;  ///< capacity, in units of 512 bytes
    bool read_only = false;   ///< VIRTIO_BLK_F_RO
    bool flush = true;        ///< VIRTIO_BLK_F_FLUSH: writes are volatile
    bool config_wce = false;  ///< VIRTIO_BLK_F_CONFIG_WCE: the driver may switch `writeback`
    uint32_t blk_size = 0;    ///< VIRTIO_BLK_F_BLK_SIZE
    uint32_t seg_max = 254;   ///< VIRTIO_BLK_F_SEG_MAX
    uint32_t size_max = 0;    ///< VIRTIO_BLK_F_SIZE_MAX
    bool topology = false;    ///< VIRTIO_BLK_F_TOPOLOGY
    bool geometry = false;    ///< VIRTIO_BLK_F_GEOMETRY
    bool discard = false;     ///< VIRTIO_BLK_F_DISCARD
    uint32_t max_discard_sectors = 1024;
    uint32_t max_discard_seg = 1;
    uint32_t discard_alignment = 1;  ///< discard_sector_alignment: only advice, not checked
    bool write_zeroes = false;       ///< VIRTIO_BLK_F_WRITE_ZEROES
    uint32_t max_write_zeroes_sectors = 1024;
    uint32_t max_write_zeroes_seg = 1;
    bool write_zeroes_may_unmap = false;
    bool event_idx = false;          ///< VIRTIO_F_EVENT_IDX
    bool indirect = false;           ///< VIRTIO_F_INDIRECT_DESC
    bool packed = false;             ///< VIRTIO_F_RING_PACKED
    bool in_order = false;           ///< VIRTIO_F_IN_ORDER
    bool any_layout = false;         ///< VIRTIO_F_ANY_LAYOUT, legacy only
    bool ring_reset = false;         ///< VIRTIO_F_RING_RESET
    bool notification_data = false;  ///< VIRTIO_F_NOTIFICATION_DATA
    uint16_t queues = 1;             ///< more than one: VIRTIO_BLK_F_MQ
    uint16_t queue_size_max = 256;
    std::string id = "virtq-sim";  ///< up to 20 bytes
    BlockUsedLength used_length = BlockUsedLength::counts;
    /// The disk takes the second descriptor for the data and the third for the status, whatever else the chain has.
    /// Such a disk offers no SEG_MAX. https://github.com/nanovms/nanos/pull/1730
    bool one_data_segment = false;
    /// VIRTIO_BLK_F_ZONED, with this model, for example `wire::block::zoned_host_managed` (§5.2.5).
    std::optional<uint8_t> zoned{};
};

/// One range of a discard or write zeroes request, which may have several.
struct BlockRange {
    uint64_t sector = 0;
    uint32_t sectors = 0;
    bool unmap = false;
    uint32_t reserved_flags = 0;  ///< as they arrived; a driver must leave them 0
};

/// A request as it arrived, and how it was answered.
struct BlockRequest {
    uint32_t type = 0;
    uint64_t sector = 0;
    uint64_t data_bytes = 0;
    uint8_t status = 0;
    std::vector<BlockRange> ranges;  ///< of a discard or write zeroes
};

/// **Threading** The transport calls it under its lock. A test may read the images while the device does not work.
class BlockDevice final : public DeviceBackend {
public:
    using Image = std::vector<uint8_t>;

    explicit BlockDevice(ViolationLog& log, BlockOptions options = {});

    // The disk.

    [[nodiscard]] uint64_t sectors() const { return sectors_; }
    /// What a read sees. A test may write here.
    [[nodiscard]] Image& current() { return current_; }
    /// What remains after a power failure.
    [[nodiscard]] Image const& durable() const { return durable_; }
    /// Discards all writes that are not durable.
    void lose_power() { current_ = durable_; }
    /// The byte that a discarded sector reads as. It is neither zero nor the old content, because a driver may assume
    /// neither.
    static constexpr uint8_t discarded = 0xd5;
    /// Grows or shrinks the disk; wrap it in `MmioDevice::change_config`.
    void set_sectors(uint64_t sectors);
    [[nodiscard]] std::vector<BlockRequest> const& requests() const { return requests_; }

    // Faults, each for the next request only.

    /// Answers with this status byte, without doing the work. 3, for example, has no meaning.
    void answer_next_with(uint8_t status) { next_.status = status; }
    /// Does the work and completes, but does not write the status byte: the driver finds its own value there.
    void leave_next_status() { next_.leave_status = true; }
    /// Never completes it.
    void swallow_next() { next_.swallow = true; }
    /// Adds this to the reported used length, limited to 0 and 2^32 - 1.
    void misreport_next_length(int64_t difference) { next_.length_difference = difference; }
    /// Transfers only this many bytes of the data, reports that honestly, and returns OK.
    void shorten_next_data(uint64_t bytes) { next_.data_limit = bytes; }

    // DeviceBackend.

    [[nodiscard]] uint32_t device_id() const override { return wire::block::device_id; }
    [[nodiscard]] FeatureWords features() const override;
    [[nodiscard]] uint16_t queue_count() const override { return options_.queues; }
    [[nodiscard]] uint16_t queue_size_max(uint16_t /*queue*/) const override { return options_.queue_size_max; }
    [[nodiscard]] std::vector<ConfigField> config_fields() const override;
    [[nodiscard]] uint8_t read_config(size_t offset) override { return config_.at(offset); }
    void write_config(size_t offset, uint8_t value) override;
    [[nodiscard]] bool accepts(FeatureWords const& accepted) override;
    void start(Session const& session) override;
    void reset() override;
    [[nodiscard]] Completion process(uint16_t queue, Chain const& chain) override;

private:
    struct Next {
        std::optional<uint8_t> status;
        bool leave_status = false;
        bool swallow = false;
        int64_t length_difference = 0;
        uint64_t data_limit = std::numeric_limits<uint64_t>::max();
    };

    void write_field(size_t offset, size_t bytes, uint64_t value);
    /// The content of the first 256 sectors, which repeats. Each sector is different and none is zero.
    static std::array<uint8_t, 256 * wire::block::sector_bytes> first_contents();
    void fill_config();
    [[nodiscard]] bool negotiated(unsigned bit) const { return has_feature(session_.features, bit); }
    [[nodiscard]] bool is_volatile() const;

    [[nodiscard]] BlockRequest parse(Chain const& chain) const;
    [[nodiscard]] std::vector<BlockRange> parse_ranges(Chain const& chain) const;
    [[nodiscard]] Chain as_taken(Chain const& chain) const;
    void check_framing(Chain const& chain);
    void check_segments(Chain const& chain);
    [[nodiscard]] uint8_t execute(BlockRequest const& request, Chain const& chain, uint64_t limit);
    [[nodiscard]] uint8_t transfer(BlockRequest const& request, Chain const& chain, uint64_t limit);
    [[nodiscard]] bool check_transfer(BlockRequest const& request, Chain const& chain);
    [[nodiscard]] uint8_t fill_ranges(BlockRequest const& request, Chain const& chain);
    [[nodiscard]] bool check_ranges(BlockRequest const& request, Chain const& chain);
    [[nodiscard]] uint8_t check_range(BlockRequest const& request, BlockRange const& range);
    [[nodiscard]] uint8_t flush(BlockRequest const& request, Chain const& chain);
    void settle(uint64_t sector, uint64_t bytes);
    [[nodiscard]] uint8_t get_id(BlockRequest const& request, Chain const& chain);
    [[nodiscard]] Completion answer(Chain const& chain, BlockRequest const& request, Next const& how);
    void report(Rule const& broken, uint64_t value) { log_.report(broken, value); }

    ViolationLog& log_;
    BlockOptions options_;
    uint64_t sectors_;
    Image current_;
    Image durable_;
    std::array<uint8_t, wire::block::config_bytes> config_{};
    Session session_;
    Next next_;
    std::vector<BlockRequest> requests_;
};

inline std::array<uint8_t, 256 * wire::block::sector_bytes> BlockDevice::first_contents() {
    std::array<uint8_t, 256 * wire::block::sector_bytes> contents{};
    for (size_t i = 0; i < contents.size(); ++i) {
        contents[i] = static_cast<uint8_t>(i * 31 + i / wire::block::sector_bytes * 17 + 1);
    }
    return contents;
}

inline BlockDevice::BlockDevice(ViolationLog& log, BlockOptions options)
    : log_(log), options_(std::move(options)), sectors_(options_.sectors) {
    current_.resize(sectors_ * wire::block::sector_bytes);
    // Tests create thousands of disks, so the repeated content is computed once.
    static std::array const contents = first_contents();
    for (size_t i = 0; i < current_.size(); i += contents.size()) {
        std::copy_n(contents.begin(), std::min(contents.size(), current_.size() - i),
                    current_.begin() + static_cast<std::ptrdiff_t>(i));
    }
    durable_ = current_;
    fill_config();
}

inline FeatureWords BlockDevice::features() const {
    FeatureWords words{};
    set_feature(words, wire::block::ro, options_.read_only);
    set_feature(words, wire::block::flush, options_.flush || options_.config_wce);  // §5.2.5.2
    set_feature(words, wire::block::config_wce, options_.config_wce);
    set_feature(words, wire::block::blk_size, options_.blk_size != 0);
    set_feature(words, wire::block::seg_max, options_.seg_max != 0);
    set_feature(words, wire::block::size_max, options_.size_max != 0);
    set_feature(words, wire::block::topology, options_.topology);
    set_feature(words, wire::block::geometry, options_.geometry);
    set_feature(words, wire::block::mq, options_.queues > 1);
    set_feature(words, wire::block::discard, options_.discard);
    set_feature(words, wire::block::write_zeroes, options_.write_zeroes);
    set_feature(words, wire::block::zoned, options_.zoned.has_value());
    set_feature(words, wire::feature::event_idx, options_.event_idx);
    set_feature(words, wire::feature::indirect_desc, options_.indirect);
    set_feature(words, wire::feature::ring_packed, options_.packed);
    set_feature(words, wire::feature::in_order, options_.in_order);
    set_feature(words, wire::feature::any_layout, options_.any_layout);
    set_feature(words, wire::feature::ring_reset, options_.ring_reset);
    set_feature(words, wire::feature::notification_data, options_.notification_data);
    return words;
}

/// §5.2.4, field by field.
inline std::vector<ConfigField> BlockDevice::config_fields() const {
    using namespace wire::block;
    return {
        {config_capacity, 8},
        {config_size_max, 4, size_max},
        {config_seg_max, 4, seg_max},
        {config_geometry, 2, geometry},
        {config_geometry + 2, 1, geometry},
        {config_geometry + 3, 1, geometry},
        {config_blk_size, 4, blk_size},
        {config_topology, 1, topology},
        {config_topology + 1, 1, topology},
        {config_topology + 2, 2, topology},
        {config_topology + 4, 4, topology},
        {config_writeback, 1, config_wce, true, &rule::writeback_early},
        {config_num_queues, 2, mq},
        {config_max_discard_sectors, 4, discard},
        {config_max_discard_seg, 4, discard},
        {config_discard_sector_alignment, 4, discard},
        {config_max_write_zeroes_sectors, 4, write_zeroes},
        {config_max_write_zeroes_seg, 4, write_zeroes},
        {config_write_zeroes_may_unmap, 1, write_zeroes},
        {config_zoned_model, 1, zoned},
    };
}

inline void BlockDevice::fill_config() {
    using namespace wire::block;
    write_field(config_capacity, 8, sectors_);
    write_field(config_size_max, 4, options_.size_max);
    write_field(config_seg_max, 4, options_.seg_max);
    write_field(config_blk_size, 4, options_.blk_size);
    if (options_.geometry) {
        write_field(config_geometry, 2, sectors_ / (16 * 63));
        write_field(config_geometry + 2, 1, 16);
        write_field(config_geometry + 3, 1, 63);
    }
    if (options_.topology) {
        write_field(config_topology, 1, 3);      // 8 logical blocks to a physical one
        write_field(config_topology + 2, 2, 8);  // suggested minimum
        write_field(config_topology + 4, 4, 64);
    }
    write_field(config_zoned_model, 1, options_.zoned.value_or(0));
    write_field(config_writeback, 1, options_.config_wce ? 1 : 0);
    write_field(config_num_queues, 2, options_.queues);
    if (options_.discard) {
        write_field(config_max_discard_sectors, 4, options_.max_discard_sectors);
        write_field(config_max_discard_seg, 4, options_.max_discard_seg);
        write_field(config_discard_sector_alignment, 4, options_.discard_alignment);
    }
    if (options_.write_zeroes) {
        write_field(config_max_write_zeroes_sectors, 4, options_.max_write_zeroes_sectors);
        write_field(config_max_write_zeroes_seg, 4, options_.max_write_zeroes_seg);
        write_field(config_write_zeroes_may_unmap, 1, options_.write_zeroes_may_unmap ? 1 : 0);
    }
}

/// §5.2.5.1, §5.2.5.2: a host-managed disk works only for a driver that accepts ZONED. A driver that does not must not
/// accept DISCARD either.
inline bool BlockDevice::accepts(FeatureWords const& accepted) {
    if (options_.zoned != wire::block::zoned_host_managed) {
        return true;
    }
    if (has_feature(accepted, wire::block::discard)) {
        report(rule::block_zoned_discard, wire::block::discard);
    }
    return has_feature(accepted, wire::block::zoned);
}

inline void BlockDevice::write_field(size_t offset, size_t bytes, uint64_t value) {
    encode(config_.data() + offset, bytes, value, session_.order);
}

inline void BlockDevice::write_config(size_t offset, uint8_t value) {
    config_.at(offset) = value;
}

inline void BlockDevice::set_sectors(uint64_t sectors) {
    sectors_ = sectors;
    current_.resize(sectors * wire::block::sector_bytes);
    durable_.resize(sectors * wire::block::sector_bytes);
    write_field(wire::block::config_capacity, 8, sectors);
}

inline void BlockDevice::start(Session const& session) {
    session_ = session;
    fill_config();
    if (negotiated(wire::block::config_wce) && !negotiated(wire::block::flush)) {
        write_field(wire::block::config_writeback, 1, 0);  // §5.2.5.2
    }
}

inline void BlockDevice::reset() {
    session_ = {};
    fill_config();
}

/// §5.2.6.2: without FLUSH, or while `writeback` is 0, a completed write is durable at once. Otherwise it is durable
/// after a flush.
inline bool BlockDevice::is_volatile() const {
    if (negotiated(wire::block::config_wce)) {
        return config_[wire::block::config_writeback] != 0;
    }
    return negotiated(wire::block::flush);
}

/// What a disk with one data segment sees: header, data, and the first byte of the third descriptor as status.
inline Chain BlockDevice::as_taken(Chain const& chain) const {
    Chain taken = chain;
    size_t const descriptors = chain.readable.size() + chain.writable.size();
    if (!options_.one_data_segment || descriptors <= 3) {
        return taken;
    }
    taken.readable.resize(std::min<size_t>(chain.readable.size(), 3));
    taken.writable.resize(3 - taken.readable.size());
    if (!taken.writable.empty()) {
        taken.writable.back().bytes = 1;
    }
    return taken;
}

inline Completion BlockDevice::process(uint16_t /*queue*/, Chain const& whole) {
    Next const how = next_;
    next_ = {};
    Chain const chain = as_taken(whole);
    if (options_.one_data_segment && chain.writable.empty()) {
        return 0;  // no status byte to write: returns the chain unchanged
    }
    if (chain.writable_bytes() == 0) {  // no byte for an answer
        report(rule::block_status, chain.head);
        return 0;
    }
    check_framing(chain);
    check_segments(chain);
    BlockRequest request = parse(chain);
    if (how.swallow) {
        requests_.push_back(request);
        return std::nullopt;
    }
    request.status = how.status ? *how.status : execute(request, chain, how.data_limit);
    requests_.push_back(request);
    return answer(chain, request, how);
}

inline BlockRequest BlockDevice::parse(Chain const& chain) const {
    std::array<uint8_t, wire::block::header_bytes> header{};
    static_cast<void>(chain.read(0, header.data(), header.size()));
    BlockRequest request;
    request.type = static_cast<uint32_t>(decode(header.data(), 4, session_.order));
    request.sector = decode(header.data() + 8, 8, session_.order);
    uint64_t const behind_header = chain.readable_bytes() - std::min<uint64_t>(chain.readable_bytes(), header.size());
    request.data_bytes = behind_header + chain.writable_bytes() - 1;  // the status byte is not data
    if (request.type == wire::block::type_discard || request.type == wire::block::type_write_zeroes) {
        request.ranges = parse_ranges(chain);
    }
    return request;
}

/// §5.2.6, struct virtio_blk_discard_write_zeroes: all complete ranges of the request.
inline std::vector<BlockRange> BlockDevice::parse_ranges(Chain const& chain) const {
    std::vector<BlockRange> ranges;
    std::array<uint8_t, wire::block::range_bytes> bytes{};
    uint64_t at = wire::block::header_bytes;
    for (; chain.read(at, bytes.data(), bytes.size()) == bytes.size(); at += bytes.size()) {
        auto const flags = static_cast<uint32_t>(decode(bytes.data() + 12, 4, session_.order));
        ranges.push_back({.sector = decode(bytes.data(), 8, session_.order),
                          .sectors = static_cast<uint32_t>(decode(bytes.data() + 8, 4, session_.order)),
                          .unmap = (flags & wire::block::range_flag_unmap) != 0,
                          .reserved_flags = flags & ~wire::block::range_flag_unmap});
    }
    return ranges;
}

/// §5.2.6.4: without ANY_LAYOUT, a legacy device requires separate descriptors for header and status.
inline void BlockDevice::check_framing(Chain const& chain) {
    if (chain.readable_bytes() < wire::block::header_bytes) {
        report(rule::block_header, chain.readable_bytes());
    }
    if (!session_.legacy || negotiated(wire::feature::any_layout)) {
        return;
    }
    if (!chain.readable.empty() && chain.readable.front().bytes != wire::block::header_bytes) {
        report(rule::legacy_header, chain.readable.front().bytes);
    }
    if (chain.writable.back().bytes != 1) {
        report(rule::legacy_status, chain.writable.back().bytes);
    }
}

/// §5.2.3: at most seg_max segments of at most size_max bytes. Segments that hold only header or status do not count.
inline void BlockDevice::check_segments(Chain const& chain) {
    size_t count = chain.readable.size() + chain.writable.size();
    count -= !chain.readable.empty() && chain.readable.front().bytes <= wire::block::header_bytes ? 1u : 0u;
    count -= chain.writable.back().bytes == 1 ? 1u : 0u;
    if (options_.seg_max != 0 && negotiated(wire::block::seg_max) && count > options_.seg_max) {
        report(rule::block_segments, count);
    }
    if (options_.size_max == 0 || !negotiated(wire::block::size_max)) {
        return;
    }
    for (auto const* const segments : {&chain.readable, &chain.writable}) {
        for (auto const& segment : *segments) {
            if (segment.bytes > options_.size_max) {
                report(rule::block_segments, segment.bytes);
            }
        }
    }
}

inline uint8_t BlockDevice::execute(BlockRequest const& request, Chain const& chain, uint64_t limit) {
    if (chain.readable_bytes() < wire::block::header_bytes) {
        return wire::block::status_ioerr;
    }
    switch (request.type) {
        case wire::block::type_in:
        case wire::block::type_out: return transfer(request, chain, limit);
        case wire::block::type_flush: return flush(request, chain);
        case wire::block::type_get_id: return get_id(request, chain);
        case wire::block::type_discard:
        case wire::block::type_write_zeroes: return fill_ranges(request, chain);
        default: return wire::block::status_unsupp;
    }
}

inline uint8_t BlockDevice::transfer(BlockRequest const& request, Chain const& chain, uint64_t limit) {
    if (!check_transfer(request, chain)) {
        return wire::block::status_ioerr;
    }
    auto const bytes = static_cast<size_t>(std::min(request.data_bytes, limit));
    uint64_t const start = request.sector * wire::block::sector_bytes;
    if (request.type == wire::block::type_in) {
        static_cast<void>(chain.write(0, current_.data() + start, bytes));
        return wire::block::status_ok;
    }
    static_cast<void>(chain.read(wire::block::header_bytes, current_.data() + start, bytes));
    settle(request.sector, bytes);
    return wire::block::status_ok;
}

/// Makes a write durable at once, unless writes are volatile.
inline void BlockDevice::settle(uint64_t sector, uint64_t bytes) {
    if (!is_volatile()) {
        auto const start = static_cast<ptrdiff_t>(sector * wire::block::sector_bytes);
        std::copy_n(current_.begin() + start, bytes, durable_.begin() + start);
    }
}

inline bool BlockDevice::check_transfer(BlockRequest const& request, Chain const& chain) {
    bool const is_write = request.type == wire::block::type_out;
    bool const wrong_way =
        is_write ? chain.writable_bytes() != 1 : chain.readable_bytes() != wire::block::header_bytes;
    if (wrong_way) {
        report(rule::block_direction, request.type);
        return false;
    }
    if (is_write && options_.read_only) {  // §5.2.6.2: offered is enough, even if not negotiated
        report(rule::block_read_only, request.sector);
        return false;
    }
    if (request.data_bytes % wire::block::sector_bytes != 0) {
        report(rule::block_multiple, request.data_bytes);
        return false;
    }
    uint64_t const count = request.data_bytes / wire::block::sector_bytes;
    if (request.sector > sectors_ || count > sectors_ - request.sector) {
        report(rule::block_beyond, request.sector);
        return false;
    }
    return true;
}

/// §5.2.6.2: UNSUPP if any range has a flag that is not allowed. Checks all ranges before it changes one.
inline uint8_t BlockDevice::fill_ranges(BlockRequest const& request, Chain const& chain) {
    bool const is_discard = request.type == wire::block::type_discard;
    if (!negotiated(is_discard ? wire::block::discard : wire::block::write_zeroes)) {
        return wire::block::status_unsupp;
    }
    if (request.sector != 0) {
        report(rule::block_sector, request.sector);
    }
    if (!check_ranges(request, chain)) {
        return wire::block::status_ioerr;
    }
    uint8_t status = wire::block::status_ok;
    for (auto const& range : request.ranges) {
        status = std::max(status, check_range(request, range));
    }
    if (status != wire::block::status_ok) {
        return status;
    }
    for (auto const& range : request.ranges) {
        auto const start = static_cast<ptrdiff_t>(range.sector * wire::block::sector_bytes);
        auto const bytes = uint64_t{range.sectors} * wire::block::sector_bytes;
        std::fill_n(current_.begin() + start, bytes, is_discard ? discarded : uint8_t{0});
        settle(range.sector, bytes);
    }
    return wire::block::status_ok;
}

inline bool BlockDevice::check_ranges(BlockRequest const& request, Chain const& chain) {
    bool const is_discard = request.type == wire::block::type_discard;
    if (chain.writable_bytes() != 1) {
        report(rule::block_direction, request.type);
        return false;
    }
    if (options_.read_only) {  // §5.2.5: a read-only device cannot discard or zero sectors
        report(rule::block_read_only, request.type);
        return false;
    }
    if (request.data_bytes == 0 || request.data_bytes % wire::block::range_bytes != 0) {
        report(rule::block_range_bytes, request.data_bytes);
        return false;
    }
    if (request.ranges.size() > (is_discard ? options_.max_discard_seg : options_.max_write_zeroes_seg)) {
        report(is_discard ? rule::block_discard_seg : rule::block_zeroes_seg, request.ranges.size());
        return false;
    }
    return true;
}

/// The status for this range alone. UNSUPP is the greater of the two error statuses, and the one that the standard
/// requires.
inline uint8_t BlockDevice::check_range(BlockRequest const& request, BlockRange const& range) {
    bool const is_discard = request.type == wire::block::type_discard;
    if (range.reserved_flags != 0) {
        report(rule::block_range_flags, range.reserved_flags);
        return wire::block::status_unsupp;
    }
    if (is_discard && range.unmap) {
        report(rule::block_discard_unmap, range.sector);
        return wire::block::status_unsupp;
    }
    if (range.sectors > (is_discard ? options_.max_discard_sectors : options_.max_write_zeroes_sectors)) {
        report(rule::block_range_sectors, range.sectors);
        return wire::block::status_ioerr;
    }
    if (range.sector > sectors_ || range.sectors > sectors_ - range.sector) {
        report(rule::block_beyond, range.sector);
        return wire::block::status_ioerr;
    }
    return wire::block::status_ok;
}

inline uint8_t BlockDevice::flush(BlockRequest const& request, Chain const& chain) {
    if (request.sector != 0) {
        report(rule::block_flush_sector, request.sector);
    }
    if (chain.readable_bytes() + chain.writable_bytes() != wire::block::header_bytes + 1) {
        report(rule::block_flush_data, request.data_bytes);
    }
    if (!negotiated(wire::block::flush)) {
        return wire::block::status_unsupp;
    }
    durable_ = current_;
    return wire::block::status_ok;
}

inline uint8_t BlockDevice::get_id(BlockRequest const& request, Chain const& chain) {
    if (request.sector != 0) {
        report(rule::block_sector, request.sector);
    }
    if (request.data_bytes != wire::block::id_bytes || chain.readable_bytes() != wire::block::header_bytes) {
        report(rule::block_id_length, request.data_bytes);
        return wire::block::status_ioerr;
    }
    std::array<uint8_t, wire::block::id_bytes> id{};  // NUL-padded; 20 characters have no NUL
    std::copy_n(options_.id.begin(), std::min(options_.id.size(), id.size()), id.begin());
    static_cast<void>(chain.write(0, id.data(), id.size()));
    return wire::block::status_ok;
}

/// §2.7.8.2: the used length counts bytes from the first device-writable one without a gap. The status byte is after
/// the data. So a device without data must fill the data before it may count the status byte as written.
inline Completion BlockDevice::answer(Chain const& chain, BlockRequest const& request, Next const& how) {
    uint64_t const room = chain.writable_bytes() - 1;
    bool const short_data = request.type == wire::block::type_in && how.data_limit < room;
    if (request.status != wire::block::status_ok) {
        static_cast<void>(chain.fill(0, 0xee, room));
    }
    if (!how.leave_status) {
        static_cast<void>(chain.write(room, &request.status, 1));
    }
    uint64_t written = short_data ? how.data_limit : how.leave_status ? room : room + 1;
    if (options_.used_length != BlockUsedLength::counts) {
        written = options_.used_length == BlockUsedLength::is_zero ? 0 : 1;
    }
    auto const most = int64_t{std::numeric_limits<uint32_t>::max()};
    auto const reported = std::clamp(static_cast<int64_t>(written) + how.length_difference, int64_t{0}, most);
    return static_cast<uint32_t>(reported);
}

}  // namespace virtq::sim
