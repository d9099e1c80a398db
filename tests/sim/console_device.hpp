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
#include <limits>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sim/console_port.hpp>
#include <sim/device_backend.hpp>
#include <sim/rule.hpp>
#include <sim/violation.hpp>
#include <sim/wire.hpp>

/// A console device (§5.3). The test types and reads at its ports, and adds, opens and removes them, as a host does.
namespace virtq::sim {

struct ConsoleOptions {
    std::optional<ConsoleSize> size{};  ///< VIRTIO_CONSOLE_F_SIZE
    uint32_t ports = 0;                 ///< VIRTIO_CONSOLE_F_MULTIPORT with this max_nr_ports; 0: not offered
    bool emergency_write = false;       ///< VIRTIO_CONSOLE_F_EMERG_WRITE
    uint16_t queue_size_max = 64;
    std::vector<unsigned> features{};  ///< bits of `wire::feature` that it offers for its queues
    /// The used length of a transmit buffer is the buffer's length, as of some legacy devices (§5.3.6.3).
    bool transmit_length = false;
};

/// Port 0 exists from the beginning, as a console. All that the host did survives a reset of the device.
///
/// Input waits for buffers; with MULTIPORT also until the driver has opened the port.
///
/// **Threading** A test may call everything while the device works in another thread.
class ConsoleDevice final : public DeviceBackend {
public:
    static constexpr uint16_t control_receive = 2;
    static constexpr uint16_t control_transmit = 3;

    explicit ConsoleDevice(ViolationLog& log, ConsoleOptions options = {});

    // The host's side of a port.

    void type(uint32_t port, std::string_view input) {
        locked([&] { ports_.at(port).input += input; });
    }
    /// What was typed and is not yet in a buffer.
    [[nodiscard]] size_t untaken(uint32_t port) const {
        return locked([&] { return ports_.at(port).input.size(); });
    }
    /// All that the driver printed, or what it printed since the last `take`.
    [[nodiscard]] std::string printed(uint32_t port) const {
        return locked([&] { return ports_.at(port).output; });
    }
    [[nodiscard]] std::string take(uint32_t port) {
        return locked([&] { return std::exchange(ports_.at(port).output, {}); });
    }
    /// Transmit buffers stay with the device, unread.
    void hold(uint32_t port) { let_pass(port, 0); }
    /// The device uses this many more of them, oldest first, and holds the others.
    void let_pass(uint32_t port, size_t buffers) {
        locked([&] { ports_.at(port).may_pass = buffers; });
    }
    void release(uint32_t port) { let_pass(port, ConsolePort::unlimited); }
    /// From now on an input buffer gets at most this many bytes.
    void fill_at_most(size_t bytes) {
        locked([&] { most_input_ = std::max(bytes, size_t{1}); });
    }

    // Ports (MULTIPORT). They throw `std::logic_error` for what no correct device does (§5.3.6.2.1).

    void add_port(uint32_t port);
    void remove_port(uint32_t port);
    void make_console(uint32_t port);
    void name_port(uint32_t port, std::string_view name);
    void open_port(uint32_t port) { set_open(port, 1); }
    void close_port(uint32_t port) { set_open(port, 0); }
    void resize_port(uint32_t port, ConsoleSize size);
    /// Sets cols and rows of the configuration; wrap it in `change_config` of the transport.
    void resize(ConsoleSize size) {
        locked([&] { options_.size = size; });
    }

    // What the driver did.

    [[nodiscard]] bool is_driver_ready() const {
        return locked([&] { return driver_ready_; });
    }
    [[nodiscard]] ConsolePort::Session driver_of(uint32_t port) const {
        return locked([&] { return ports_.at(port).driver; });
    }
    [[nodiscard]] std::vector<ConsoleMessage> messages() const {
        return locked([&] { return messages_; });
    }
    /// The bytes written to emerg_wr.
    [[nodiscard]] std::string emergency() const {
        return locked([&] { return emergency_; });
    }
    /// Reports what the driver owes, once it has had its time: DEVICE_READY, and PORT_OPEN for each console.
    void check_answers();

    // Faults.

    /// Sends these bytes as a control message, after those that wait. A reset drops what waits.
    void send_raw(Injection message) {
        locked([&] { outbox_.push_back(std::move(message)); });
    }
    /// Reports this used length for the next input buffer.
    void report_next_input(uint32_t length) {
        locked([&] { next_input_length_ = length; });
    }

    // DeviceBackend.

    [[nodiscard]] uint32_t device_id() const override { return wire::console::device_id; }
    [[nodiscard]] FeatureWords features() const override;
    [[nodiscard]] uint16_t queue_count() const override {
        return static_cast<uint16_t>(options_.ports == 0 ? 2 : 2 * (options_.ports + 1));
    }
    [[nodiscard]] uint16_t queue_size_max(uint16_t /*queue*/) const override { return options_.queue_size_max; }
    [[nodiscard]] std::vector<ConfigField> config_fields() const override;
    [[nodiscard]] uint8_t read_config(size_t offset) override;
    void write_config(size_t offset, uint8_t value) override;
    void start(Session const& session) override;
    void reset() override;
    [[nodiscard]] Completion process(uint16_t queue, Chain const& chain) override;
    void work(uint16_t queue) override;

private:
    template <class Body>
    auto locked(Body body) const -> decltype(body()) {
        std::lock_guard const lock(mutex_);
        return body();
    }
    void report(Rule const& broken, uint64_t value) { log_.report(broken, value); }
    [[nodiscard]] bool is_multiport() const { return has_feature(session_.features, wire::console::multiport); }
    [[nodiscard]] static bool is_control(uint16_t queue) {
        return queue == control_receive || queue == control_transmit;
    }
    /// §5.3.2: port 0 has the queues 0 and 1, port 1 has 4 and 5.
    [[nodiscard]] static uint32_t port_of(uint16_t queue) { return queue < 2 ? 0 : queue / 2u - 1; }
    [[nodiscard]] ConsolePort& added(uint32_t port);
    void tell(uint32_t port, uint16_t event, uint16_t value, std::string_view behind = {});
    void send(std::vector<uint8_t> bytes) { outbox_.push_back({std::move(bytes)}); }
    void set_open(uint32_t port, uint16_t value);

    void deliver_messages();
    void note_delivery(ConsoleMessage const& message);
    void fill_input(uint16_t queue);
    void take_output(uint16_t queue);
    void take_messages();
    void announce_ports();
    void obey(ConsoleMessage const& message);
    void obey_port(ConsoleMessage const& message, ConsolePort& port);
    void use_transmitted(uint16_t queue, ParkedChain const& buffer);
    [[nodiscard]] static bool is_older(ParkedChain const& a, ParkedChain const& b) { return a.number < b.number; }

    ViolationLog& log_;
    ConsoleOptions options_;
    mutable std::recursive_mutex mutex_;
    Session session_;
    std::deque<ConsolePort> ports_;
    std::deque<Injection> outbox_;
    std::vector<ConsoleMessage> messages_;
    std::string emergency_;
    bool driver_ready_ = false;
    size_t most_input_ = std::numeric_limits<size_t>::max();
    std::optional<uint32_t> next_input_length_;
};

inline ConsoleDevice::ConsoleDevice(ViolationLog& log, ConsoleOptions options)
    : log_(log), options_(std::move(options)), ports_(std::max(options_.ports, uint32_t{1})) {
    ports_[0].is_added = ports_[0].is_console = true;
}

inline ConsolePort& ConsoleDevice::added(uint32_t port) {
    if (port >= options_.ports || !ports_[port].is_added) {
        throw std::logic_error("there is no such port; for an invalid message, use send_raw");
    }
    return ports_[port];
}

/// Sends a message about a port that the driver has set up. What it missed comes after PORT_READY.
inline void ConsoleDevice::tell(uint32_t port, uint16_t event, uint16_t value, std::string_view behind) {
    if (ports_[port].driver.ready) {
        send(ConsoleMessage{port, event, value}.encoded(session_.order, behind));
    }
}

inline void ConsoleDevice::add_port(uint32_t port) {
    std::lock_guard const lock(mutex_);
    if (port >= options_.ports || ports_[port].is_added) {
        throw std::logic_error("this port cannot be added; for an invalid message, use send_raw");
    }
    ports_[port].is_added = true;
    if (driver_ready_) {
        send(ConsoleMessage{port, wire::console::device_add, 0}.encoded(session_.order));
    }
}

inline void ConsoleDevice::remove_port(uint32_t port) {
    std::lock_guard const lock(mutex_);
    ConsolePort& gone = added(port);
    ConsolePort const before = std::exchange(gone, {});
    gone.output = before.output;
    gone.driver.announced = before.driver.announced;  // the driver may send more until it has seen the message
    if (driver_ready_) {
        send(ConsoleMessage{port, wire::console::device_remove, 0}.encoded(session_.order));
    }
}

inline void ConsoleDevice::make_console(uint32_t port) {
    std::lock_guard const lock(mutex_);
    added(port).is_console = true;
    tell(port, wire::console::console_port, 1);
}

inline void ConsoleDevice::name_port(uint32_t port, std::string_view name) {
    std::lock_guard const lock(mutex_);
    added(port).name = name;
    tell(port, wire::console::port_name, 1, name);
}

inline void ConsoleDevice::set_open(uint32_t port, uint16_t value) {
    std::lock_guard const lock(mutex_);
    added(port).is_open = value != 0;
    tell(port, wire::console::port_open, value);
}

inline void ConsoleDevice::resize_port(uint32_t port, ConsoleSize size) {
    std::lock_guard const lock(mutex_);
    added(port).size = size;
    tell(port, wire::console::event_resize, 0, size.encoded(session_.order));
}

// What the driver did.

inline void ConsoleDevice::check_answers() {
    std::lock_guard const lock(mutex_);
    if (is_multiport() && !driver_ready_) {
        report(rule::console_device_ready, 0);
    }
    for (uint32_t port = 0; port < ports_.size(); ++port) {
        if (ports_[port].driver.owes_open) {
            report(rule::console_open_console, port);
        }
    }
}

// DeviceBackend.

inline FeatureWords ConsoleDevice::features() const {
    FeatureWords words = feature_words(options_.features);
    set_feature(words, wire::console::size, options_.size.has_value());
    set_feature(words, wire::console::multiport, options_.ports != 0);
    set_feature(words, wire::console::emerg_write, options_.emergency_write);
    return words;
}

/// §5.3.4. §5.3.5: emerg_wr can be written at any time.
inline std::vector<ConfigField> ConsoleDevice::config_fields() const {
    using namespace wire::console;
    return {{config_cols, 2, wire::console::size},
            {config_rows, 2, wire::console::size},
            {config_max_nr_ports, 4, multiport},
            {config_emerg_wr, 4, emerg_write, true, nullptr, true}};
}

inline uint8_t ConsoleDevice::read_config(size_t offset) {
    std::lock_guard const lock(mutex_);
    std::array<uint8_t, wire::console::config_bytes> config{};
    encode(config.data() + wire::console::config_cols, 2, options_.size.value_or(ConsoleSize{}).cols, session_.order);
    encode(config.data() + wire::console::config_rows, 2, options_.size.value_or(ConsoleSize{}).rows, session_.order);
    encode(config.data() + wire::console::config_max_nr_ports, 4, options_.ports, session_.order);
    return offset < config.size() ? config[offset] : uint8_t{0};
}

/// §5.3.5.1: only the lower byte of emerg_wr counts.
inline void ConsoleDevice::write_config(size_t offset, uint8_t value) {
    std::lock_guard const lock(mutex_);
    size_t const lowest = wire::console::config_emerg_wr + (session_.order == ByteOrder::little ? 0 : 3);
    if (offset == lowest) {
        emergency_ += static_cast<char>(value);
    }
}

inline void ConsoleDevice::start(Session const& session) {
    locked([&] { session_ = session; });
}

inline void ConsoleDevice::reset() {
    std::lock_guard const lock(mutex_);
    session_ = {};
    outbox_.clear();
    messages_.clear();
    driver_ready_ = false;
    for (auto& port : ports_) {
        port.driver = {};
    }
}

/// Checks the chain, and leaves the rest to `work`: bytes flow in the order of the ring, whatever the schedule.
inline Completion ConsoleDevice::process(uint16_t queue, Chain const& chain) {
    std::lock_guard const lock(mutex_);
    bool const receives = queue % 2 == 0;
    if (queue >= 2 && !is_multiport()) {
        report(rule::console_multiport, queue);
    }
    if (receives && !chain.readable.empty()) {
        report(rule::console_receive_readable, queue);
    }
    if (!receives && !chain.writable.empty()) {
        report(rule::console_transmit_writable, queue);
    }
    bool const framed = session_.legacy && !has_feature(session_.features, wire::feature::any_layout);
    if (framed && is_control(queue) && chain.readable.size() + chain.writable.size() > 1) {
        report(rule::legacy_console_control, queue);
    }
    return receives && chain.writable_bytes() == 0 ? Completion{0} : Completion{};
}

inline void ConsoleDevice::work(uint16_t queue) {
    std::lock_guard const lock(mutex_);
    switch (queue) {
        case control_receive: return deliver_messages();
        case control_transmit: return take_messages();
        default: return queue % 2 == 0 ? fill_input(queue) : take_output(queue);
    }
}

inline void ConsoleDevice::deliver_messages() {
    for (auto const& buffer : parked(control_receive)) {
        if (outbox_.empty()) {
            return;
        }
        Injection const message = std::move(outbox_.front());
        outbox_.pop_front();
        auto const written = static_cast<uint32_t>(buffer.chain.write(0, message.bytes.data(), message.bytes.size()));
        static_cast<void>(complete(control_receive, buffer, message.used_length.value_or(written)));
        if (auto const known = ConsoleMessage::decoded(message.bytes, session_.order)) {
            note_delivery(*known);
        }
    }
}

inline void ConsoleDevice::note_delivery(ConsoleMessage const& message) {
    if (message.port >= ports_.size()) {
        return;
    }
    ConsolePort::Session& driver = ports_[message.port].driver;
    driver.announced = driver.announced || message.event == wire::console::device_add;
    driver.owes_open = driver.owes_open || (driver.ready && message.event == wire::console::console_port);
}

inline void ConsoleDevice::fill_input(uint16_t queue) {
    ConsolePort& port = ports_[port_of(queue)];
    if (is_multiport() && !port.driver.open) {
        return;
    }
    for (auto const& buffer : parked(queue)) {
        if (port.input.empty()) {
            return;
        }
        size_t const written = buffer.chain.write(0, port.input.data(), std::min(port.input.size(), most_input_));
        port.input.erase(0, written);
        auto const length = std::exchange(next_input_length_, {}).value_or(static_cast<uint32_t>(written));
        static_cast<void>(complete(queue, buffer, length));
    }
}

inline void ConsoleDevice::take_output(uint16_t queue) {
    ConsolePort& port = ports_[port_of(queue)];
    auto buffers = parked(queue);
    if (buffers.size() > port.may_pass) {
        std::sort(buffers.begin(), buffers.end(), is_older);
        buffers.resize(port.may_pass);
    }
    port.may_pass -= port.may_pass == ConsolePort::unlimited ? 0 : buffers.size();
    for (auto const& buffer : buffers) {
        use_transmitted(queue, buffer);
        if (is_multiport() && !port.driver.announced) {
            report(rule::console_port_absent, port_of(queue));
        } else if (is_multiport() && !port.driver.ready && port.is_added) {
            report(rule::console_port_ready, port_of(queue));
        }
    }
    std::sort(buffers.begin(), buffers.end(), is_older);
    for (auto const& buffer : buffers) {
        auto const bytes = buffer.chain.read_all();
        port.output.append(bytes.begin(), bytes.end());
    }
}

inline void ConsoleDevice::use_transmitted(uint16_t queue, ParkedChain const& buffer) {
    uint64_t const length = options_.transmit_length ? buffer.chain.readable_bytes() : 0;
    static_cast<void>(complete(queue, buffer, static_cast<uint32_t>(length)));
}

inline void ConsoleDevice::take_messages() {
    auto buffers = parked(control_transmit);
    for (auto const& buffer : buffers) {
        use_transmitted(control_transmit, buffer);
    }
    std::sort(buffers.begin(), buffers.end(), is_older);
    for (auto const& buffer : buffers) {
        auto const bytes = buffer.chain.read_all();
        if (bytes.size() != wire::console::message_bytes) {
            report(rule::console_length, bytes.size());
        }
        auto const message = ConsoleMessage::decoded(bytes, session_.order);
        if (message && is_multiport()) {
            messages_.push_back(*message);
            obey(*message);
        }
    }
}

inline void ConsoleDevice::announce_ports() {
    for (uint32_t port = 0; port < options_.ports; ++port) {
        if (ports_[port].is_added) {
            send(ConsoleMessage{port, wire::console::device_add, 0}.encoded(session_.order));
        }
    }
}

inline void ConsoleDevice::obey(ConsoleMessage const& message) {
    using namespace wire::console;
    if (message.value > 1) {
        report(rule::console_value, message.value);
    }
    if (message.event == device_ready) {
        if (message.value == 1 && !driver_ready_) {
            driver_ready_ = true;
            announce_ports();
        }
        return;
    }
    if (message.event != port_ready && message.event != port_open) {
        return report(rule::console_event, message.event);
    }
    if (!driver_ready_) {
        return report(rule::console_device_ready, message.event);
    }
    if (message.port >= ports_.size() || !ports_[message.port].driver.announced) {
        return report(rule::console_port_absent, message.port);
    }
    obey_port(message, ports_[message.port]);
}

inline void ConsoleDevice::obey_port(ConsoleMessage const& message, ConsolePort& port) {
    using namespace wire::console;
    if (!port.is_added) {
        return;  // the driver may not have seen that it is gone
    }
    if (message.event == port_ready) {
        port.driver.ready = message.value == 1;
        for (auto& bytes : port.description(message.port, session_.order)) {
            if (port.driver.ready) {
                send(std::move(bytes));
            }
        }
        return;
    }
    if (!port.driver.ready) {
        return report(rule::console_port_ready, message.port);
    }
    port.driver.open = message.value == 1;
    port.driver.owes_open = port.driver.owes_open && !port.driver.open;
}

}  // namespace virtq::sim
