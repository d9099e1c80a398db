// SPDX-License-Identifier: MIT
#pragma once
#ifdef VIRTQ_SIM_STATIC
#pragma interface
#endif

#include <stdint.h>

#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <utility>
#include <vector>

#include <sim/chain.hpp>
#include <sim/parked_chains.hpp>
#include <sim/violation.hpp>
#include <sim/wire.hpp>

/// The base class of device types, without their transport: features, queues, configuration space, and what a chain
/// does. Derive from it to simulate a device of your own.
namespace virtq::sim {

/// A field of the device-specific configuration space, as §5 declares its layout.
struct ConfigField {
    static constexpr unsigned always = ~0u;

    size_t offset = 0;
    size_t bytes = 4;           ///< 1, 2, 4 or 8
    unsigned feature = always;  ///< the bit that must be offered for the field to exist (§2.5.1)
    bool writable = false;
    Rule const* early_read = nullptr;  ///< the rule broken by reading it before FEATURES_OK
    bool early_write = false;          ///< the driver may write it at any time
};

/// What driver and device agreed on.
struct Session {
    FeatureWords features{};
    bool legacy = false;
    ByteOrder order = ByteOrder::little;
};

/// The result of a chain: the used length. Nothing if the chain is parked: it stays with the device until `complete` or
/// `inject` ends it, or a reset.
using Completion = std::optional<uint32_t>;

class DeviceBackend {
public:
    DeviceBackend() = default;
    DeviceBackend(DeviceBackend const&) = delete;
    DeviceBackend& operator=(DeviceBackend const&) = delete;
    virtual ~DeviceBackend() = default;

    [[nodiscard]] virtual uint32_t device_id() const = 0;
    /// Features of the device type, and of its queues if it wants them. VERSION_1 belongs to the transport.
    [[nodiscard]] virtual FeatureWords features() const = 0;
    [[nodiscard]] virtual uint16_t queue_count() const = 0;
    [[nodiscard]] virtual uint16_t queue_size_max(uint16_t queue) const = 0;

    [[nodiscard]] virtual std::vector<ConfigField> config_fields() const { return {}; }
    [[nodiscard]] virtual uint8_t read_config(size_t /*offset*/) { return 0; }
    virtual void write_config(size_t /*offset*/, uint8_t /*value*/) {}

    /// Whether the device can work with these features; otherwise it leaves FEATURES_OK clear (§2.2.2).
    [[nodiscard]] virtual bool accepts(FeatureWords const& /*accepted*/) { return true; }

    /// Called before the first chain of a session, and again whenever the driver accepts other features.
    virtual void start(Session const& /*session*/) {}
    virtual void reset() {}
    /// Executes an intact chain. Called when the chain completes, not when it is fetched.
    [[nodiscard]] virtual Completion process(uint16_t queue, Chain const& chain) = 0;
    /// Called in each step for each started queue, after `process`. The place to complete parked chains.
    virtual void work(uint16_t /*queue*/) {}

    // Parked chains, for the back end and for a test, in any thread. The device writes memory and used entries only in
    // its steps. A reset of the queue or of the device drops all of them.

    [[nodiscard]] std::vector<ParkedChain> parked(uint16_t queue = 0) { return parking(queue)->list(); }
    /// The device uses this chain in its next step, with any length. False: it is not parked, or no longer.
    bool complete(uint16_t queue, ParkedChain const& which, uint32_t length) {
        return parking(queue)->complete(which.ticket, length);
    }
    /// The device puts this into the next parked chain and completes it, now or as soon as there is one. A reset does
    /// not drop what still waits.
    void inject(uint16_t queue, Injection what) { parking(queue)->inject(std::move(what)); }
    /// What was injected and still waits.
    [[nodiscard]] size_t injected(uint16_t queue = 0) { return parking(queue)->injected(); }
    void drop_injected(uint16_t queue = 0) { parking(queue)->drop_injected(); }

    /// For the transport's queue, which may outlive the back end.
    [[nodiscard]] std::shared_ptr<ParkedChains> parking(uint16_t queue) {
        std::lock_guard const lock(mutex_);
        auto& found = parking_[queue];
        if (found == nullptr) {
            found = std::make_shared<ParkedChains>();
        }
        return found;
    }

private:
    std::mutex mutex_;
    std::map<uint16_t, std::shared_ptr<ParkedChains>> parking_;
};

}  // namespace virtq::sim
