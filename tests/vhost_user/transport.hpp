// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/transport/transport.hpp>

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include <vhost_user/connection.hpp>
#include <vhost_user/shared_memory.hpp>

namespace virtq::vhost_user {

/// Which device is behind the socket: vhost-user has no message that asks for it.
struct BackEnd {
    std::string path;  ///< of the socket
    spec::DeviceId type = spec::DeviceId::none;
    std::uint16_t queues = 1;
    std::uint32_t queue_size_max = 256;
    std::uint32_t config_bytes = 0;  ///< what the back end answers to GET_CONFIG; 0: it has no configuration
};

/// A device in another process, over a vhost-user socket. A socket has no registers: this class keeps the status and the
/// features, and what the driver writes to them becomes messages.
class VhostUserTransport : public TransportDefaults {
public:
    static constexpr std::uint16_t queues_max = 8;

    VhostUserTransport() = default;
    VhostUserTransport(VhostUserTransport const&) = delete;
    VhostUserTransport& operator=(VhostUserTransport const&) = delete;
    ~VhostUserTransport() { close(); }

    /// Connects. Call it again after the back end has gone. Errors: `no_device`, `device_gone`.
    [[nodiscard]] Status probe(BackEnd const& back_end, SharedMemory& memory) {
        if (back_end.queues > queues_max || back_end.config_bytes > Config::most) {
            throw std::invalid_argument("A BackEnd has at most 8 queues and 256 bytes of configuration.");
        }
        close();
        if (!connection_.open(back_end.path)) {
            return Error::no_device;
        }
        back_end_ = back_end;
        memory_ = &memory;
        offered_ = connection_.ask(Request::get_features);
        connection_.tell(Request::set_owner);
        if (has(offered_, protocol_features_bit)) {
            agree_on_protocol();
        }
        read_config();
        return connection_.is_gone() ? Status{Error::device_gone} : Status{};
    }

    /// How long a reset waits after the queues were stopped; at first it does not. QEMU 7.2's export still writes then,
    /// because GET_VRING_BASE does not wait for requests in flight: give it the time that a request takes.
    void set_settling_time(std::chrono::microseconds time) { settling_time_ = time; }

    // --- `Transport` ---

    [[nodiscard]] spec::DeviceId device_id() const {
        return memory_ == nullptr ? spec::DeviceId::none : back_end_.type;
    }
    [[nodiscard]] bool is_legacy() const { return false; }
    [[nodiscard]] DeviceStatus status() {
        constexpr std::uint8_t nothing_answers = 0xff;
        return connection_.is_gone() ? DeviceStatus{nothing_answers} : status_;
    }
    void set_status(DeviceStatus status) {
        if (status.is_reset()) {
            stop();
        } else if (begins(status, spec::StatusBit::features_ok)) {
            std::uint64_t const own = offered_ & bit(protocol_features_bit);
            connection_.tell(Request::set_features, accepted_ | own);
        } else if (begins(status, spec::StatusBit::driver_ok)) {
            start();
        }
        status_ = status;
    }
    [[nodiscard]] std::uint32_t offered_features(unsigned word) const {
        std::uint64_t const all = offered_ & ~(bit(protocol_features_bit) | bit(log_all_bit));
        return word < 2 ? static_cast<std::uint32_t>(all >> (32 * word)) : 0;
    }
    void accept_features(unsigned word, std::uint32_t bits) {
        if (word < 2) {
            accepted_ = (accepted_ & ~(std::uint64_t{UINT32_MAX} << (32 * word))) | std::uint64_t{bits} << (32 * word);
        }
    }

    [[nodiscard]] std::uint32_t queue_size_max(std::uint16_t queue) const {
        return queue < back_end_.queues ? back_end_.queue_size_max : 0;
    }
    [[nodiscard]] bool is_queue_in_use(std::uint16_t queue) const { return queues_.at(queue).enabled; }
    [[nodiscard]] Status enable_queue(std::uint16_t index, QueueAddresses const& addresses) {
        Queue& queue = queues_.at(index);
        share_memory();
        connection_.tell(Request::set_vring_num, QueueState{index, addresses.size});
        connection_.tell(Request::set_vring_base, QueueState{index, first_position()});
        connection_.tell(Request::set_vring_addr,
                         QueueAddress{index, 0, user(addresses.descriptor_area), user(addresses.device_area),
                                      user(addresses.driver_area), 0});
        if (queue.call < 0) {
            queue.call = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
            queue.kick = ::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
        }
        connection_.tell(Request::set_vring_call, std::uint64_t{index}, queue.call);
        connection_.tell(Request::set_vring_kick, std::uint64_t{index}, queue.kick);
        queue.enabled = true;
        return connection_.is_gone() ? Status{Error::device_gone} : Status{};
    }

    void notify(std::uint16_t queue, std::uint16_t) {
        std::uint64_t const one = 1;
        static_cast<void>(::write(queues_[queue].kick, &one, sizeof one));  // full: the back end has enough of them
    }
    [[nodiscard]] InterruptCause on_interrupt() {
        InterruptCause cause;
        for (Queue const& queue : queues_) {
            std::uint64_t count = 0;
            cause.used_buffer |= queue.call >= 0 && ::read(queue.call, &count, sizeof count) == sizeof count;
        }
        return cause;
    }

    [[nodiscard]] std::uint8_t read_config8(std::uint16_t offset) const { return read<std::uint8_t>(offset); }
    [[nodiscard]] std::uint16_t read_config16(std::uint16_t offset) const { return read<std::uint16_t>(offset); }
    [[nodiscard]] std::uint32_t read_config32(std::uint16_t offset) const { return read<std::uint32_t>(offset); }
    void write_config8(std::uint16_t offset, std::uint8_t value) { write(offset, value); }
    void write_config16(std::uint16_t offset, std::uint16_t value) { write(offset, value); }
    void write_config32(std::uint16_t offset, std::uint32_t value) { write(offset, value); }
    [[nodiscard]] std::uint32_t config_generation() const { return 0; }  // the copy does not change while it is read

    // --- for the test ---

    /// Sleeps until an interrupt or the end of the back end. Returns false if neither has come in this time.
    [[nodiscard]] bool sleep(std::chrono::milliseconds most) {
        std::array<::pollfd, queues_max + 1> files{};
        ::nfds_t count = 0;
        for (Queue const& queue : queues_) {
            if (queue.enabled) {
                files[count++] = {queue.call, POLLIN, 0};
            }
        }
        files[count++] = {connection_.file(), POLLIN | POLLRDHUP, 0};
        return ::poll(files.data(), count, static_cast<int>(most.count())) > 0;
    }

private:
    struct Queue {
        int kick = -1;  ///< the driver's notifications
        int call = -1;  ///< the device's
        bool enabled = false;
    };

    [[nodiscard]] static constexpr std::uint64_t bit(unsigned number) { return std::uint64_t{1} << number; }
    [[nodiscard]] static constexpr bool has(std::uint64_t bits, unsigned number) { return (bits & bit(number)) != 0; }
    [[nodiscard]] bool begins(DeviceStatus status, spec::StatusBit step) const {
        return status.has(step) && !status_.has(step);
    }

    void agree_on_protocol() {
        auto const ack = static_cast<unsigned>(Protocol::reply_ack);
        auto const config = static_cast<unsigned>(Protocol::config);
        std::uint64_t const both = connection_.ask(Request::get_protocol_features) & (bit(ack) | bit(config));
        connection_.tell(Request::set_protocol_features, both);
        if (has(both, ack)) {
            connection_.use_acknowledgements();
        }
        if (!has(both, config)) {
            back_end_.config_bytes = 0;
        }
    }

    /// All memory is one region, told once a session.
    void share_memory() {
        if (!std::exchange(is_memory_shared_, true)) {
            connection_.tell(Request::set_mem_table,
                             MemoryTable{1, 0, memory_->guest_base(), memory_->bytes(),
                                         reinterpret_cast<std::uint64_t>(memory_->base()), 0},
                             memory_->file());
        }
    }
    [[nodiscard]] std::uint64_t user(PhysAddr phys) const {
        return reinterpret_cast<std::uint64_t>(memory_->virt_of(phys));
    }
    /// Where a ring begins. For a packed one, bits 15 and 31 are the wrap counters, which are 1 at first (§2.8.1).
    [[nodiscard]] std::uint32_t first_position() const {
        return has(accepted_, static_cast<unsigned>(spec::Feature::ring_packed)) ? 0x8000'8000 : 0;
    }

    void start() {
        for (std::uint32_t index = 0; index < back_end_.queues; ++index) {
            if (queues_[index].enabled) {
                connection_.tell(Request::set_vring_enable, QueueState{index, 1});
            }
        }
    }
    void stop() {
        bool any = false;
        for (std::uint32_t index = 0; index < back_end_.queues; ++index) {
            if (std::exchange(queues_[index].enabled, false)) {
                static_cast<void>(connection_.ask<QueueState>(Request::get_vring_base, QueueState{index, 0}));
                any = true;
            }
        }
        if (any) {
            std::this_thread::sleep_for(settling_time_);
        }
        accepted_ = 0;
    }
    void close() {
        for (Queue& queue : queues_) {
            if (queue.call >= 0) {
                ::close(queue.call);
                ::close(queue.kick);
            }
            queue = {};
        }
        connection_.close();
        memory_ = nullptr;
        is_memory_shared_ = false;
        status_ = {};
        accepted_ = 0;
    }

    void read_config() {
        if (back_end_.config_bytes != 0) {
            config_ = connection_.ask<Config>(Request::get_config, Config{0, back_end_.config_bytes, 0, {}});
        }
    }
    template <class Word>
    [[nodiscard]] Word read(std::uint16_t offset) const {
        Word word{};
        if (offset + sizeof word <= Config::most) {
            std::memcpy(&word, config_.data + offset, sizeof word);
        }
        return word;
    }
    template <class Word>
    void write(std::uint16_t offset, Word value) {
        Config part{offset, sizeof value, 0, {}};
        std::memcpy(part.data, &value, sizeof value);
        connection_.tell(Request::set_config, part);
        read_config();
    }

    Connection connection_;
    BackEnd back_end_;
    SharedMemory* memory_ = nullptr;
    DeviceStatus status_;
    std::uint64_t offered_ = 0;
    std::uint64_t accepted_ = 0;
    bool is_memory_shared_ = false;
    std::chrono::microseconds settling_time_{0};
    Config config_;
    std::array<Queue, queues_max> queues_;
};

static_assert(check_transport<VhostUserTransport>());

}  // namespace virtq::vhost_user
