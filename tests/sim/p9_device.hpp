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
#include <string>
#include <utility>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/rule.hpp>
#include <sim/violation.hpp>
#include <sim/wire.hpp>

/// A 9P transport, whose server is a function of the test. It answers late, in another order, or wrongly on request.
///
/// The standard lists this device as type 9 (§5) and describes no more. As in QEMU, a chain is one request,
/// device-readable, and the place for its answer, device-writable. A request that a Tflush ends gets no answer, and its
/// used length is 0. This device truncates an answer that does not fit; QEMU's breaks instead.
namespace virtq::sim {

struct P9Options {
    std::string tag = "share";             ///< the mount tag
    bool has_tag = true;                   ///< whether it offers MOUNT_TAG
    std::optional<uint16_t> tag_length{};  ///< what the configuration states as the tag's length, if that is wrong
    uint16_t queue_size_max = 128;
    std::vector<unsigned> features{};  ///< bits of `wire::feature` that it offers for its queue
};

/// **Threading** A test may call everything while the device works in another thread. The server is called in steps of
/// the device.
class P9Device final : public DeviceBackend {
public:
    using Message = std::vector<uint8_t>;
    using Server = std::function<Message(Message const& request)>;

    explicit P9Device(ViolationLog& log, P9Options options = {})
        : log_(log), options_(std::move(options)), server_(echo) {}

    // The server. At first it sends the body of each request back.

    /// A message with its header.
    [[nodiscard]] static Message message(uint8_t type, uint16_t tag, Message const& body = {}) {
        Message made(wire::p9::header_bytes + body.size());
        encode(made.data() + wire::p9::header_size, 4, made.size(), ByteOrder::little);
        made[wire::p9::header_type] = type;
        encode(made.data() + wire::p9::header_tag, 2, tag, ByteOrder::little);
        std::copy(body.begin(), body.end(), made.begin() + wire::p9::header_bytes);
        return made;
    }
    [[nodiscard]] static Message echo(Message const& request) {
        auto const tag = static_cast<uint16_t>(decode(request.data() + wire::p9::header_tag, 2, ByteOrder::little));
        auto const type = static_cast<uint8_t>(request[wire::p9::header_type] + 1);
        return message(type, tag, {request.begin() + wire::p9::header_bytes, request.end()});
    }
    /// From now on each answer comes from here.
    void set_server(Server server) {
        locked([&] { server_ = std::move(server); });
    }
    /// All requests that were answered, in that order.
    [[nodiscard]] std::vector<Message> requests() const {
        return locked([&] { return requests_; });
    }

    /// Requests stay with the device.
    void hold() { let_pass(0); }
    /// The device answers this many more of them, and holds the others.
    void let_pass(size_t count) {
        locked([&] { may_pass_ = count; });
    }
    void release() { let_pass(unlimited); }
    /// The newest request is answered first.
    void answer_newest_first() {
        locked([&] { newest_first_ = true; });
    }

    // Faults, for the next answer only.

    /// Changes the answer before it is sent.
    void change_next(std::function<void(Message&)> change) {
        locked([&] { change_ = std::move(change); });
    }
    /// Reports this used length, whatever it writes.
    void report_next_length(uint32_t length) {
        locked([&] { next_length_ = length; });
    }
    /// Never answers.
    void swallow_next() {
        locked([&] { swallow_next_ = true; });
    }

    // DeviceBackend.

    [[nodiscard]] uint32_t device_id() const override { return wire::p9::device_id; }
    [[nodiscard]] FeatureWords features() const override {
        FeatureWords words = feature_words(options_.features);
        words[0] |= options_.has_tag ? 1u << wire::p9::mount_tag : 0u;
        return words;
    }
    [[nodiscard]] uint16_t queue_count() const override { return 1; }
    [[nodiscard]] uint16_t queue_size_max(uint16_t /*queue*/) const override { return options_.queue_size_max; }
    [[nodiscard]] std::vector<ConfigField> config_fields() const override {
        std::vector<ConfigField> fields{{wire::p9::config_tag_len, 2, wire::p9::mount_tag}};
        for (size_t i = 0; i < options_.tag.size(); ++i) {
            fields.push_back({wire::p9::config_tag + i, 1, wire::p9::mount_tag});
        }
        return fields;
    }
    [[nodiscard]] uint8_t read_config(size_t offset) override {
        return locked([&] {
            if (offset >= wire::p9::config_tag) {
                size_t const at = offset - wire::p9::config_tag;
                return at < options_.tag.size() ? static_cast<uint8_t>(options_.tag[at]) : uint8_t{0};
            }
            uint8_t length[2];
            encode(length, 2, options_.tag_length.value_or(static_cast<uint16_t>(options_.tag.size())), order_);
            return length[offset];
        });
    }
    void start(Session const& session) override {
        locked([&] { order_ = session.order; });
    }
    void reset() override {
        locked([&] { swallowed_.clear(); });
    }
    [[nodiscard]] Completion process(uint16_t /*queue*/, Chain const& chain) override {
        uint64_t const bytes = chain.readable_bytes();
        uint8_t size[4] = {};
        static_cast<void>(chain.read(wire::p9::header_size, size, sizeof size));
        if (bytes < wire::p9::header_bytes) {
            log_.report(rule::p9_request_short, bytes);
        } else if (decode(size, sizeof size, ByteOrder::little) != bytes) {
            log_.report(rule::p9_request_size, decode(size, sizeof size, ByteOrder::little));
        }
        if (chain.writable_bytes() < wire::p9::header_bytes) {
            log_.report(rule::p9_no_room, chain.writable_bytes());
        }
        return bytes < wire::p9::header_bytes ? Completion{0} : Completion{};
    }
    void work(uint16_t queue) override {
        locked([&] {
            auto waiting = parked(queue);
            if (newest_first_) {
                std::reverse(waiting.begin(), waiting.end());
            }
            for (ParkedChain const& request : without_flushed(queue, waiting)) {
                if (may_pass_ != 0 && !swallows(request.ticket)) {
                    may_pass_ -= may_pass_ == unlimited ? 0 : 1;
                    answer(queue, request);
                }
            }
        });
    }

private:
    static constexpr size_t unlimited = ~size_t{0};

    template <class Body>
    auto locked(Body body) const -> decltype(body()) {
        std::lock_guard const lock(mutex_);
        return body();
    }
    [[nodiscard]] bool swallows(uint64_t ticket) {
        if (std::exchange(swallow_next_, false)) {
            swallowed_.push_back(ticket);
        }
        return std::find(swallowed_.begin(), swallowed_.end(), ticket) != swallowed_.end();
    }
    /// Ends the requests that a Tflush among those waiting names, and returns the others.
    [[nodiscard]] std::vector<ParkedChain> without_flushed(uint16_t queue, std::vector<ParkedChain> waiting) {
        std::vector<uint64_t> flushed;
        for (ParkedChain const& request : waiting) {
            Message const message = request.chain.read_all();
            if (message[wire::p9::header_type] == wire::p9::tflush && message.size() >= wire::p9::header_bytes + 2) {
                flushed.push_back(decode(message.data() + wire::p9::header_bytes, 2, ByteOrder::little));
            }
        }
        auto const is_flushed = [&](ParkedChain const& request) {
            Message const message = request.chain.read_all();
            uint64_t const tag = decode(message.data() + wire::p9::header_tag, 2, ByteOrder::little);
            bool const is_named = std::find(flushed.begin(), flushed.end(), tag) != flushed.end();
            return is_named && complete(queue, request, 0);
        };
        waiting.erase(std::remove_if(waiting.begin(), waiting.end(), is_flushed), waiting.end());
        return waiting;
    }
    void answer(uint16_t queue, ParkedChain const& request) {
        requests_.push_back(request.chain.read_all());
        Message message = server_(requests_.back());
        if (auto const change = std::exchange(change_, nullptr)) {
            change(message);
        }
        size_t const written = request.chain.write(0, message.data(), message.size());
        uint32_t const length = std::exchange(next_length_, {}).value_or(static_cast<uint32_t>(written));
        static_cast<void>(complete(queue, request, length));
    }

    ViolationLog& log_;
    P9Options options_;
    mutable std::mutex mutex_;
    ByteOrder order_ = ByteOrder::little;
    Server server_;
    std::vector<Message> requests_;
    size_t may_pass_ = unlimited;
    bool newest_first_ = false;
    std::function<void(Message&)> change_;
    std::optional<uint32_t> next_length_;
    bool swallow_next_ = false;
    std::vector<uint64_t> swallowed_;  ///< tickets
};

}  // namespace virtq::sim
