// SPDX-License-Identifier: MIT
#pragma once

#include <support/contract.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <sim/guest_memory.hpp>
#include <sim/packed_queue.hpp>
#include <sim/split_queue.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// A queue of any format with any features, and the device's side of it, each behind one interface. So one suite tests
/// what all of them have in common.
namespace virtq::test {

enum class QueueKind { split, packed, negotiated_split, negotiated_packed, plain_split };

struct Combination {
    QueueKind kind = QueueKind::split;
    bool event_idx = false;
    bool indirect = false;
    bool in_order = false;
    bool legacy = false;  ///< a legacy split queue: the guest's byte order, and lengths are always clamped

    [[nodiscard]] bool packed() const { return kind == QueueKind::packed || kind == QueueKind::negotiated_packed; }
    [[nodiscard]] Features features() const {
        Features set;
        auto const add = [&](bool on, spec::Feature bit) { on ? set.set(bit) : void(); };
        add(!legacy, spec::Feature::version_1);
        add(packed(), spec::Feature::ring_packed);
        add(event_idx, spec::Feature::event_idx);
        add(indirect, spec::Feature::indirect_desc);
        add(in_order, spec::Feature::in_order);
        return set;
    }
    /// Byte order of the words in a split ring (§2.7.3).
    [[nodiscard]] sim::ByteOrder order() const { return legacy ? sim::guest_order : sim::ByteOrder::little; }
    [[nodiscard]] std::string name() const {
        char const* const kinds[] = {"Split", "Packed", "NegotiatedSplit", "NegotiatedPacked", "PlainSplit"};
        return std::string{kinds[static_cast<int>(kind)]} + (event_idx ? "EventIdx" : "") +
               (indirect ? "Indirect" : "") + (in_order ? "InOrder" : "") + (legacy ? "Legacy" : "");
    }
    /// All queue sizes to test. The size of a split queue, or of one that may become split, is a power of two.
    [[nodiscard]] std::vector<std::uint16_t> sizes() const {
        if (kind == QueueKind::packed) {
            return {1, 2, 3, 7, 8, 256, 32768};
        }
        return {1, 2, 8, 256, 32768};
    }
};

/// Every format with all combinations of its features.
[[nodiscard]] inline std::vector<Combination> all_combinations() {
    std::vector<Combination> all;
    for (QueueKind const kind :
         {QueueKind::split, QueueKind::packed, QueueKind::negotiated_split, QueueKind::negotiated_packed}) {
        for (unsigned bits = 0; bits < 8; ++bits) {
            all.push_back({kind, (bits & 1) != 0, (bits & 2) != 0, (bits & 4) != 0});
        }
    }
    for (bool const event_idx : {false, true}) {  // PlainSplit has no other features
        all.push_back({QueueKind::plain_split, event_idx, false, false});
    }
    for (QueueKind const kind : {QueueKind::split, QueueKind::plain_split}) {
        all.push_back({kind, false, false, false, true});
        all.push_back({kind, true, false, false, true});
    }
    return all;
}

[[nodiscard]] inline std::vector<Combination> combinations_in_order() {
    std::vector<Combination> all = all_combinations();
    std::erase_if(all, [](Combination const& each) { return !each.in_order; });
    return all;
}

inline void PrintTo(Combination const& combination, std::ostream* out) {
    *out << combination.name();
}

/// The driver's side.
class AnyQueue {
public:
    virtual ~AnyQueue() = default;
    virtual Status init(sim::GuestMemory& memory, std::uint32_t size, Features const& features,
                        QueueOption const& option) = 0;
    virtual Status restart(std::uint32_t size, Features const& features, QueueOption const& option) = 0;
    virtual Status release(sim::GuestMemory& memory) = 0;
    virtual std::vector<Token> drain() = 0;
    virtual Status drain_into(std::function<void(Token)> const& each) = 0;
    virtual Status drain_while_live() = 0;
    virtual void attach() = 0;
    virtual void detach() = 0;
    virtual bool is_live() = 0;
    virtual std::uint16_t size() = 0;
    virtual std::uint16_t num_free() = 0;
    virtual QueueAddresses addresses() = 0;
    virtual Pages pages() = 0;
    virtual Pages table_pages() = 0;
    virtual Fault fault() = 0;
    virtual Status add(Span<Segment const> readable, Span<Segment const> writable, Token token) = 0;
    virtual Status add_gathered(Gather const& readable, Gather const& writable, Token token) = 0;
    virtual Status add_two_and_one(Segment const (&readable)[2], Segment const (&writable)[1], Token token) = 0;
    virtual Status add_one(Segment const (&writable)[1], Token token) = 0;
    virtual Notification publish() = 0;
    virtual SubmittedBurst submit_burst(Span<Chain const> chains) = 0;
    virtual SubmittedBurst submit_burst(Span<WritableBuffer const> buffers) = 0;
    virtual SubmittedBurst submit_burst(Span<ReadableBuffer const> buffers) = 0;
    virtual SubmittedBurst submit_burst(std::size_t count, std::function<Chain(std::size_t)> const& get) = 0;
    virtual SubmittedBurst submit_burst(std::size_t count,
                                        std::function<FixedChain<2, 1>(std::size_t)> const& get) = 0;
    virtual SubmittedBurst submit_burst(std::size_t count, std::function<WritableBuffer(std::size_t)> const& get) = 0;
    virtual TakenBurst take_burst(Span<Completion> room) = 0;
    virtual Completion take_used() = 0;
    virtual MaySleep enable_used_notifications() = 0;
    virtual void disable_used_notifications() = 0;
};

template <class Format, std::uint32_t N = 32768>
class QueueOf final : public AnyQueue {
public:
    Status init(sim::GuestMemory& memory, std::uint32_t size, Features const& features,
                QueueOption const& option) override {
        return queue_.init(memory, size, features, option);
    }
    Status restart(std::uint32_t size, Features const& features, QueueOption const& option) override {
        return queue_.restart(size, features, option);
    }
    Status release(sim::GuestMemory& memory) override { return queue_.release(memory); }
    std::vector<Token> drain() override {
        std::vector<Token> tokens;
        EXPECT_TRUE(queue_.drain([&](Token token) { tokens.push_back(token); }).ok());
        return tokens;
    }
    Status drain_into(std::function<void(Token)> const& each) override { return queue_.drain(each); }
    Status drain_while_live() override {
        return queue_.drain([](Token) { ADD_FAILURE() << "a token of a live queue"; });
    }
    void attach() override { queue_.attach(); }
    void detach() override { queue_.detach(); }
    bool is_live() override { return queue_.is_live(); }
    std::uint16_t size() override { return queue_.size(); }
    std::uint16_t num_free() override { return queue_.num_free(); }
    QueueAddresses addresses() override { return queue_.addresses(); }
    Pages pages() override { return queue_.pages(); }
    Pages table_pages() override { return queue_.table_pages(); }
    Fault fault() override { return queue_.fault(); }
    Status add(Span<Segment const> readable, Span<Segment const> writable, Token token) override {
        return queue_.add(readable, writable, token);
    }
    Status add_gathered(Gather const& readable, Gather const& writable, Token token) override {
        return queue_.add_gathered(readable, writable, token);
    }
    Status add_two_and_one(Segment const (&readable)[2], Segment const (&writable)[1], Token token) override {
        return queue_.add(readable, writable, token);
    }
    Status add_one(Segment const (&writable)[1], Token token) override { return queue_.add({}, writable, token); }
    Notification publish() override { return queue_.publish(); }
    SubmittedBurst submit_burst(Span<Chain const> chains) override { return queue_.submit_burst(chains); }
    SubmittedBurst submit_burst(Span<WritableBuffer const> buffers) override { return queue_.submit_burst(buffers); }
    SubmittedBurst submit_burst(Span<ReadableBuffer const> buffers) override { return queue_.submit_burst(buffers); }
    SubmittedBurst submit_burst(std::size_t count, std::function<Chain(std::size_t)> const& get) override {
        return queue_.submit_burst(count, get);
    }
    SubmittedBurst submit_burst(std::size_t count, std::function<FixedChain<2, 1>(std::size_t)> const& get) override {
        return queue_.submit_burst(count, get);
    }
    SubmittedBurst submit_burst(std::size_t count, std::function<WritableBuffer(std::size_t)> const& get) override {
        return queue_.submit_burst(count, get);
    }
    TakenBurst take_burst(Span<Completion> room) override { return queue_.take_burst(room); }
    Completion take_used() override { return queue_.take_used(); }
    MaySleep enable_used_notifications() override { return queue_.enable_used_notifications(); }
    void disable_used_notifications() override { queue_.disable_used_notifications(); }

    /// For the tests of diag/, and for the tier that only some formats have.
    VirtQueue<N, Format> const& queue() const { return queue_; }
    VirtQueue<N, Format>& queue() { return queue_; }

private:
    VirtQueue<N, Format> queue_;
};

[[nodiscard]] inline std::unique_ptr<AnyQueue> make_queue(QueueKind kind) {
    switch (kind) {
        case QueueKind::split: return std::make_unique<QueueOf<Split>>();
        case QueueKind::packed: return std::make_unique<QueueOf<Packed>>();
        case QueueKind::plain_split: return std::make_unique<QueueOf<PlainSplit>>();
        case QueueKind::negotiated_split:
        case QueueKind::negotiated_packed: return std::make_unique<QueueOf<AnyFormat>>();
    }
    return nullptr;
}

/// The device's side.
class AnyDevice {
public:
    virtual ~AnyDevice() = default;
    virtual std::optional<sim::Chain> fetch() = 0;
    virtual void put_used(std::uint16_t head, std::uint32_t length) = 0;
    virtual void put_used_batch(std::uint16_t head, std::uint32_t length, std::uint16_t count) = 0;
    virtual void put_used_raw(std::uint16_t head, std::uint32_t length) = 0;
    virtual void flush_used() = 0;
    virtual bool needs_interrupt() = 0;
    virtual void set_no_notify(bool on) = 0;
    virtual bool arm_avail_event() = 0;
};

template <class Ring>
class DeviceOf final : public AnyDevice {
public:
    template <class Config>
    DeviceOf(sim::GuestMemory& memory, Config const& config) : ring_(memory, config) {}

    std::optional<sim::Chain> fetch() override { return ring_.fetch(); }
    void put_used(std::uint16_t head, std::uint32_t length) override { ring_.put_used(head, length); }
    void put_used_batch(std::uint16_t head, std::uint32_t length, std::uint16_t count) override {
        ring_.put_used_batch(head, length, count);
    }
    void put_used_raw(std::uint16_t head, std::uint32_t length) override { ring_.put_used_raw(head, length); }
    void flush_used() override { ring_.flush_used(); }
    bool needs_interrupt() override { return ring_.needs_interrupt(); }
    void set_no_notify(bool on) override { ring_.set_no_notify(on); }
    bool arm_avail_event() override { return ring_.arm_avail_event(); }

    Ring ring_;
};

/// Whether the device sees the segments that the driver sent.
[[nodiscard]] inline bool same_segments(std::vector<Segment> const& sent, std::vector<sim::Segment> const& seen) {
    return std::equal(sent.begin(), sent.end(), seen.begin(), seen.end(),
                      [](Segment const& a, sim::Segment const& b) { return a.addr == b.phys && a.bytes == b.bytes; });
}

class ContractMachine {
public:
    /// Starts `before_wrap` entries before the counters wrap around.
    ContractMachine(Combination const& combination, std::uint16_t size, std::uint16_t before_wrap = 0,
                    QueueOption const& option = {})
        : combination_(combination), option_(option) {
        queue = make_queue(combination.kind);
        if (before_wrap != 0) {
            // A packed ring on its second lap (wrap counter 0); a split ring near the end of its indices.
            std::uint32_t const first =
                combination.packed() ? 0x8000u | (size - before_wrap % size) % size : 0x10000u - before_wrap;
            option_.first_index = RingIndex{static_cast<std::uint16_t>(first)};
        }
        Status const up = queue->init(memory, size, combination.features(), option_);
        EXPECT_TRUE(up.ok()) << describe(up.error());
        start_device();
        buffers_ = memory.allocate_buffer(std::size_t{1} << 16);
    }

    ~ContractMachine() {
        queue->detach();
        EXPECT_TRUE(queue->release(memory).ok());
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        if (!hostile) {
            EXPECT_TRUE(memory.violations().empty()) << memory.violations();
        }
    }

    void start_device() {
        QueueAddresses const at = queue->addresses();
        queue->attach();
        if (combination_.packed()) {
            std::uint16_t const word = number(option_.first_index);
            auto ring = std::make_unique<DeviceOf<sim::PackedQueue>>(
                memory, sim::PackedQueueConfig{.size = at.size,
                                               .descriptor_area = at.descriptor_area,
                                               .driver_area = at.driver_area,
                                               .device_area = at.device_area,
                                               .event_idx = combination_.event_idx,
                                               .indirect = combination_.indirect,
                                               .in_order = combination_.in_order,
                                               .start = {static_cast<std::uint16_t>(word & 0x7fffu), word < 0x8000}});
            packed_ring = &ring->ring_;
            device = std::move(ring);
        } else {
            auto ring = std::make_unique<DeviceOf<sim::SplitQueue>>(
                memory, sim::SplitQueueConfig{.size = at.size,
                                              .descriptor_area = at.descriptor_area,
                                              .driver_area = at.driver_area,
                                              .device_area = at.device_area,
                                              .event_idx = combination_.event_idx,
                                              .indirect = combination_.indirect,
                                              .in_order = combination_.in_order,
                                              .order = combination_.order(),
                                              .start_index = number(option_.first_index)});
            split_ring = &ring->ring_;
            device = std::move(ring);
        }
    }

    /// Starts the device's side again, for a queue that was restarted.
    void start_over(QueueOption const& option = {}) {
        option_ = option;
        start_device();
    }
    /// The options of `init` and `restart`.
    [[nodiscard]] QueueOption const& option() const { return option_; }

    /// `count` segments of `bytes` bytes each, taken in turn from one large buffer.
    std::vector<Segment> segments(std::size_t count, std::uint32_t bytes = 16) {
        std::vector<Segment> made;
        for (std::size_t i = 0; i < count; ++i) {
            next_buffer_ = next_buffer_ + bytes > buffers_.bytes ? 0 : next_buffer_;
            made.push_back({buffers_.phys + next_buffer_, bytes});
            next_buffer_ += bytes;
        }
        return made;
    }
    Status add(std::size_t readable, std::size_t writable, std::uintptr_t token, std::uint32_t bytes = 16) {
        auto const in = segments(readable, bytes);
        auto const out = segments(writable, bytes);
        return queue->add({in.data(), in.size()}, {out.data(), out.size()}, Token{token});
    }
    /// The device fetches the next chain and uses it. Returns its head.
    std::uint16_t use_next(std::uint32_t length = 0) {
        auto const chain = device->fetch();
        EXPECT_TRUE(chain.has_value());
        device->put_used(chain->head, length);
        device->flush_used();
        return chain->head;
    }

    sim::GuestMemory memory{std::size_t{64} << 20};
    std::unique_ptr<AnyQueue> queue;
    std::unique_ptr<AnyDevice> device;
    sim::PackedQueue* packed_ring = nullptr;
    sim::SplitQueue* split_ring = nullptr;
    bool hostile = false;  ///< the test breaks rules on purpose

private:
    Combination combination_;
    QueueOption option_;
    sim::Buffer buffers_;
    std::size_t next_buffer_ = 0;
};

}  // namespace virtq::test
