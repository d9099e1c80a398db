// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <algorithm>
#include <array>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sim/device_backend.hpp>
#include <sim/input_rule.hpp>
#include <sim/violation.hpp>
#include <sim/wire.hpp>

/// An input device (§5.8). The test presses keys and moves pointers, and sees which lights the driver switches.
namespace virtq::sim {

/// struct virtio_input_event.
struct InputEvent {
    uint16_t type = 0;
    uint16_t code = 0;
    uint32_t value = 0;

    friend bool operator==(InputEvent const&, InputEvent const&) = default;

    [[nodiscard]] static InputEvent decoded(uint8_t const* bytes, ByteOrder order) {
        return {static_cast<uint16_t>(decode(bytes, 2, order)), static_cast<uint16_t>(decode(bytes + 2, 2, order)),
                static_cast<uint32_t>(decode(bytes + 4, 4, order))};
    }
    [[nodiscard]] std::array<uint8_t, wire::input::event_bytes> encoded(ByteOrder order) const {
        std::array<uint8_t, wire::input::event_bytes> bytes{};
        encode(bytes.data(), 2, type, order);
        encode(bytes.data() + 2, 2, code, order);
        encode(bytes.data() + 4, 4, value, order);
        return bytes;
    }
};

/// struct virtio_input_absinfo.
struct InputAxis {
    uint32_t min = 0;
    uint32_t max = 0;
    uint32_t fuzz = 0;
    uint32_t flat = 0;
    uint32_t res = 0;
};

struct InputOptions {
    std::string name = "virtq keyboard";
    std::string serial{};
    std::optional<std::array<uint16_t, 4>> ids{};  ///< bus type, vendor, product, version
    std::vector<uint16_t> properties{};            ///< bits of the bitmap
    std::map<uint8_t, std::vector<uint16_t>> codes = {{wire::input::ev_key, {30, 48}}, {wire::input::ev_led, {0, 1}}};
    std::map<uint8_t, InputAxis> axes{};
    uint16_t queue_size_max = 64;
    std::vector<unsigned> features{};  ///< bits of `wire::feature` that it offers for its queues
    uint32_t status_length = 0;        ///< the used length of status events: 8 with QEMU, against §2.7.8.2
};

/// Events wait for buffers, except after `drop_when_full`. What waits survives a reset of the device.
///
/// **Threading** A test may call everything while the device works in another thread.
class InputDevice final : public DeviceBackend {
public:
    static constexpr uint16_t event_queue = 0;
    static constexpr uint16_t status_queue = 1;

    explicit InputDevice(ViolationLog& log, InputOptions options = {}) : log_(log), options_(std::move(options)) {}

    // What a person does. Each call is one update: SYN_REPORT follows.

    void press(uint16_t key) { send({{wire::input::ev_key, key, 1}}); }
    void release(uint16_t key) { send({{wire::input::ev_key, key, 0}}); }
    void move(int32_t right, int32_t down) {
        send({{wire::input::ev_rel, 0, static_cast<uint32_t>(right)},
              {wire::input::ev_rel, 1, static_cast<uint32_t>(down)}});
    }
    void point(uint32_t x, uint32_t y) { send({{wire::input::ev_abs, 0, x}, {wire::input::ev_abs, 1, y}}); }
    void send(std::vector<InputEvent> update) {
        update.push_back({wire::input::ev_syn, wire::input::syn_report, 0});
        send_raw(std::move(update));
    }
    /// Any events, also without SYN_REPORT.
    void send_raw(std::vector<InputEvent> events) {
        locked([&] { updates_.push_back({std::move(events), 0}); });
    }
    /// What was sent and is not yet in a buffer.
    [[nodiscard]] size_t untaken() const {
        std::lock_guard const lock(mutex_);
        size_t count = 0;
        for (Update const& update : updates_) {
            count += update.events.size() - update.begun;
        }
        return count;
    }
    /// From now on an update for which there are not enough buffers is lost, all of it (§5.8.6.2).
    void drop_when_full() {
        locked([&] { drops_ = true; });
    }
    /// How many updates were lost.
    [[nodiscard]] size_t lost() const {
        std::lock_guard const lock(mutex_);
        return lost_;
    }

    // Status events.

    /// What the driver sent, in the order in which the device used it.
    [[nodiscard]] std::vector<InputEvent> status() const {
        std::lock_guard const lock(mutex_);
        return status_;
    }
    /// Status buffers stay with the device, unread.
    void hold_status() {
        locked([&] { holds_status_ = true; });
    }
    void let_status_pass() {
        locked([&] { holds_status_ = false; });
    }

    // Faults.

    /// The used length of the next event, whatever the device writes.
    void report_next_length(uint32_t length) {
        locked([&] { next_length_ = length; });
    }
    /// What the device answers to a selection, and a `size` that need not be that of the bytes.
    void set_answer(uint8_t select, uint8_t subsel, std::vector<uint8_t> bytes, std::optional<uint8_t> size = {}) {
        auto const stated = size.value_or(static_cast<uint8_t>(bytes.size()));
        locked([&] { answers_[{select, subsel}] = {std::move(bytes), stated}; });
    }

    // DeviceBackend.

    [[nodiscard]] uint32_t device_id() const override { return wire::input::device_id; }
    [[nodiscard]] FeatureWords features() const override { return feature_words(options_.features); }
    [[nodiscard]] uint16_t queue_count() const override { return 2; }
    [[nodiscard]] uint16_t queue_size_max(uint16_t /*queue*/) const override { return options_.queue_size_max; }
    [[nodiscard]] std::vector<ConfigField> config_fields() const override;
    [[nodiscard]] uint8_t read_config(size_t offset) override;
    void write_config(size_t offset, uint8_t value) override;
    void start(Session const& session) override {
        locked([&] { session_ = session; });
    }
    void reset() override;
    [[nodiscard]] Completion process(uint16_t queue, Chain const& chain) override;
    void work(uint16_t queue) override;

private:
    struct Update {
        std::vector<InputEvent> events;
        size_t begun = 0;  ///< how many of them are in buffers
    };
    struct Answer {
        std::vector<uint8_t> bytes;
        uint8_t size = 0;
    };

    template <class Change>
    void locked(Change change) {
        std::lock_guard const lock(mutex_);
        change();
    }
    [[nodiscard]] Answer answer() const;
    void check_query(size_t offset);
    void deliver();
    void take_status();

    ViolationLog& log_;
    InputOptions options_;
    mutable std::mutex mutex_;
    Session session_;
    std::deque<Update> updates_;
    std::vector<InputEvent> status_;
    std::map<std::pair<uint8_t, uint8_t>, Answer> answers_;
    uint8_t select_ = 0;
    uint8_t subsel_ = 0;
    unsigned written_ = 0;  ///< since the last read: 1 select, 2 subsel
    bool size_was_read_ = false;
    bool drops_ = false;
    size_t lost_ = 0;
    bool holds_status_ = false;
    std::optional<uint32_t> next_length_;
};

// The configuration (§5.8.4).

/// A union: which fields there are depends on what was selected.
inline std::vector<ConfigField> InputDevice::config_fields() const {
    using namespace wire::input;
    std::vector<ConfigField> fields{{config_select, 1, ConfigField::always, true},
                                    {config_subsel, 1, ConfigField::always, true},
                                    {config_size, 1}};
    std::lock_guard const lock(mutex_);
    size_t const bytes = select_ == abs_info ? 4 : select_ == id_devids ? 2 : 1;
    for (size_t at = config_data; at < config_bytes; at += bytes) {
        fields.push_back({at, bytes});
    }
    return fields;
}

inline void InputDevice::write_config(size_t offset, uint8_t value) {
    std::lock_guard const lock(mutex_);
    if (offset <= wire::input::config_subsel) {
        (offset == wire::input::config_select ? select_ : subsel_) = value;
        written_ |= offset == wire::input::config_select ? 1u : 2u;
        size_was_read_ = false;
    }
}

/// §5.8.5.1.
inline void InputDevice::check_query(size_t offset) {
    if (offset < wire::input::config_size) {
        return;
    }
    if (written_ == 1 || written_ == 2) {
        log_.report(rule::input_select, select_);
    }
    written_ = 0;
    if (offset >= wire::input::config_data && !size_was_read_) {
        log_.report(rule::input_size, offset);
    }
    size_was_read_ = true;
}

inline uint8_t InputDevice::read_config(size_t offset) {
    using namespace wire::input;
    std::lock_guard const lock(mutex_);
    check_query(offset);
    Answer const found = answer();
    if (offset == config_select) {
        return select_;
    }
    if (offset == config_subsel) {
        return subsel_;
    }
    if (offset == config_size) {
        return found.size;
    }
    return offset >= config_data && offset - config_data < found.bytes.size() ? found.bytes[offset - config_data] : 0;
}

/// What the selection means. Without such information, `size` is 0 (§5.8.5.2).
inline InputDevice::Answer InputDevice::answer() const {
    using namespace wire::input;
    if (auto const lie = answers_.find({select_, subsel_}); lie != answers_.end()) {
        return lie->second;
    }
    std::vector<uint8_t> bytes;
    auto const put_bits = [&](std::vector<uint16_t> const& bits) {
        for (uint16_t const bit : bits) {
            bytes.resize(std::max<size_t>(bytes.size(), bit / 8u + 1u));
            bytes[bit / 8u] = static_cast<uint8_t>(bytes[bit / 8u] | 1u << bit % 8u);
        }
    };
    auto const put = [&](size_t count, uint32_t value) {
        bytes.resize(bytes.size() + count);
        encode(bytes.data() + bytes.size() - count, count, value, session_.order);
    };
    if (select_ == id_name && subsel_ == 0) {
        bytes.assign(options_.name.begin(), options_.name.end());
    } else if (select_ == id_serial && subsel_ == 0) {
        bytes.assign(options_.serial.begin(), options_.serial.end());
    } else if (select_ == id_devids && subsel_ == 0 && options_.ids) {
        for (uint16_t const id : *options_.ids) {
            put(2, id);
        }
    } else if (select_ == prop_bits && subsel_ == 0) {
        put_bits(options_.properties);
    } else if (auto const codes = options_.codes.find(subsel_); select_ == ev_bits && codes != options_.codes.end()) {
        put_bits(codes->second);
    } else if (auto const axis = options_.axes.find(subsel_); select_ == abs_info && axis != options_.axes.end()) {
        InputAxis const& info = axis->second;
        for (uint32_t const value : {info.min, info.max, info.fuzz, info.flat, info.res}) {
            put(4, value);
        }
    }
    auto const size = static_cast<uint8_t>(bytes.size());
    return {std::move(bytes), size};
}

// The queues (§5.8.6).

inline void InputDevice::reset() {
    std::lock_guard const lock(mutex_);
    session_ = {};
    select_ = subsel_ = 0;
    written_ = 0;
    size_was_read_ = false;
    for (Update& update : updates_) {
        update.begun = 0;
    }
}

inline Completion InputDevice::process(uint16_t queue, Chain const& chain) {
    std::lock_guard const lock(mutex_);
    if (queue == event_queue) {
        if (!chain.readable.empty()) {
            log_.report(rule::input_event_readable, chain.readable_bytes());
        }
        if (chain.writable_bytes() < wire::input::event_bytes) {
            log_.report(rule::input_event_size, chain.writable_bytes());
            return Completion{0};
        }
        return {};
    }
    if (!chain.writable.empty()) {
        log_.report(rule::input_status_writable, chain.writable_bytes());
    }
    if (chain.readable_bytes() < wire::input::event_bytes) {
        log_.report(rule::input_status_size, chain.readable_bytes());
        return Completion{0};
    }
    return {};
}

inline void InputDevice::work(uint16_t queue) {
    std::lock_guard const lock(mutex_);
    queue == event_queue ? deliver() : take_status();
}

inline void InputDevice::deliver() {
    auto const buffers = parked(event_queue);
    auto buffer = buffers.begin();
    while (!updates_.empty()) {
        Update& update = updates_.front();
        auto const room = static_cast<size_t>(buffers.end() - buffer);
        if (drops_ && update.begun == 0 && update.events.size() > room) {
            ++lost_;
            updates_.pop_front();
            continue;
        }
        while (update.begun != update.events.size()) {
            if (buffer == buffers.end()) {
                return;
            }
            auto const bytes = update.events[update.begun++].encoded(session_.order);
            auto const written = static_cast<uint32_t>(buffer->chain.write(0, bytes.data(), bytes.size()));
            static_cast<void>(complete(event_queue, *buffer, std::exchange(next_length_, {}).value_or(written)));
            ++buffer;
        }
        updates_.pop_front();
    }
}

inline void InputDevice::take_status() {
    if (holds_status_) {
        return;
    }
    for (auto const& buffer : parked(status_queue)) {
        status_.push_back(InputEvent::decoded(buffer.chain.read_all().data(), session_.order));
        static_cast<void>(complete(status_queue, buffer, options_.status_length));
    }
}

}  // namespace virtq::sim
