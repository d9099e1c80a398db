// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>
#include <virtq/base/optional.hpp>
#include <virtq/base/phys_addr.hpp>
#include <virtq/diag/interrupt_snapshot.hpp>
#include <virtq/platform/detail/register_access.hpp>
#include <virtq/platform/register_space.hpp>
#include <virtq/queue/layout.hpp>
#include <virtq/spec/device_id.hpp>
#include <virtq/spec/device_status.hpp>
#include <virtq/spec/feature.hpp>
#include <virtq/spec/mmio.hpp>

#include <stdint.h>

namespace virtq {

/// What the registers of a device report about the device and one of its queues, at one moment.
struct DeviceSnapshot {
    /// How much could be read. Each level requires the previous one.
    enum class Reach : uint8_t {
        nothing,   ///< the transport does not know where its device is
        identity,  ///< magic, version and device ID only: at least one is wrong
        status,    ///< and the status; negotiation has not come far enough to read a queue
        queue,     ///< everything
    };
    Reach reach = Reach::nothing;  ///< which members below were read

    bool is_mmio = false;     ///< `magic` and `version` are known, `registers` only if the space exposes it
    uintptr_t registers = 0;  ///< virtual address
    uint32_t magic = 0;       ///< MagicValue (§4.2.2): 0x74726976 if this is a virtio-mmio device
    uint32_t version = 0;     ///< Version (§4.2.2): 2 for a modern device, 1 for a legacy one
    spec::DeviceId device_id = spec::DeviceId::none;  ///< the device type (§5); `none`: an empty slot
    bool legacy = false;                              ///< driven through the legacy interface: there is no FEATURES_OK
    DeviceStatus status;                              ///< how far initialisation came (§2.1)
    uint32_t interrupt_status = 0;                    ///< 0 if the transport cannot read it without a side effect

    /// The calls of the transport's `notify` since the last reset.
    struct Notified {
        bool any = false;    ///< `notify` was called at least once
        uint16_t queue = 0;  ///< the last queue notified, if any
    };

    // A member without a value is unknown.
    Optional<bool> asked_features_ok;     ///< whether FEATURES_OK was written since the last reset
    Optional<Notified> notified;          ///< known if the transport records its calls
    Optional<Features> offered;           ///< bits 0 to 63
    bool queue_in_use = false;            ///< enabled; for a legacy device, it has a page number
    Optional<uint32_t> queue_size_max;    ///< in descriptors; 0: the device has no such queue
    Optional<uint32_t> queue_pfn;         ///< of a legacy device
    Optional<QueueAddresses> configured;  ///< what the registers of an enabled queue hold
    InterruptSnapshot interrupts;  ///< how the device interrupts, and how often the driver's handlers were called
};

/// What `diagnose` requires of a transport. The transports in `transport/` satisfy it.
template <class T>
concept DiagnosableTransport = requires(T& transport, T const& constant, uint16_t queue, unsigned word) {
    { constant.device_id() } -> detail::SameAs<spec::DeviceId>;
    { constant.is_legacy() } -> detail::SameAs<bool>;
    { transport.status() } -> detail::SameAs<DeviceStatus>;
    /// 32 feature bits, from `32 * word` on (§2.2).
    { transport.offered_features(word) } -> detail::SameAs<uint32_t>;
    { transport.queue_size_max(queue) } -> detail::SameAs<uint32_t>;
    { transport.is_queue_in_use(queue) } -> detail::SameAs<bool>;
};

namespace detail {

/// A transport that exposes its `RegisterSpace` after `probe`, so that its registers can be read directly.
template <class T>
concept ShowsMmioSpace = requires(T& transport, T const& constant, uint16_t offset) {
    { constant.is_probed() } -> SameAs<bool>;
    { transport.mmio_space().read32(offset) } -> SameAs<uint32_t>;
};

/// A transport that records its own calls: whether FEATURES_OK was written, and which queue it notified last.
template <class T>
concept KeepsRecord = requires(T const& constant) {
    { constant.record().has_asked_features_ok() } -> SameAs<bool>;
    bool{constant.record().last_notify().any};
    uint16_t{constant.record().last_notify().queue};
};

/// A transport that can read back the addresses of its device's queues.
template <class T>
concept ShowsConfiguredAddresses = requires(T& transport, uint16_t queue) {
    { transport.configured_addresses(queue) } -> SameAs<QueueAddresses>;
};

/// A transport that contains one of several, as `AnyTransport` does. The transport inside exposes more.
template <class T>
concept HidesAnother = requires(T& transport) {
    transport.visit([](auto&) {});
};

/// Whether queue registers may be read, for a device with DRIVER set. §3.1.1 does so in step 7, after the features are
/// agreed on. A legacy device has no FEATURES_OK.
[[__nodiscard__]] constexpr bool may_ask_for_queue(DeviceSnapshot const& seen) {
    return seen.legacy || seen.status.has(spec::StatusBit::features_ok);
}

/// Copies what the transport recorded of its own calls.
template <class T>
void ask_what_it_did([[__maybe_unused__]] T const& transport, [[__maybe_unused__]] DeviceSnapshot& seen) {
    if constexpr (KeepsRecord<T>) {
        auto const& record = transport.record();
        seen.asked_features_ok = record.has_asked_features_ok();
        seen.notified = DeviceSnapshot::Notified{record.last_notify().any, record.last_notify().queue};
    }
}

/// Writes the queue selector, because a queue cannot be read otherwise. The selector is not restored: only the set-up
/// of queues uses it, and writes it first.
template <class T>
void ask_of_queue(T& transport, uint16_t queue, DeviceSnapshot& seen) {
    seen.queue_in_use = transport.is_queue_in_use(queue);
    if (!seen.legacy || !seen.queue_in_use) {
        seen.queue_size_max = transport.queue_size_max(queue);
    }
    seen.interrupts = take_interrupt_snapshot(transport, queue);
    if constexpr (ShowsConfiguredAddresses<T>) {
        if (seen.queue_in_use) {
            QueueAddresses const addresses = transport.configured_addresses(queue);
            if (addresses.descriptor_area != PhysAddr{}) {  // some devices do not let a driver read it
                seen.configured = addresses;
            }
        }
    }
}

template <RegisterSpace Space>
void read_features(Space& space, DeviceSnapshot& seen) {
    Features offered;
    // Features can be read only through the selector, which nothing but negotiation uses.
    for (unsigned word = 0; word < (seen.legacy ? 1u : 2u); ++word) {
        platform::write_register(space, spec::mmio::device_features_sel, uint32_t{word});
        offered.set_word(word, platform::read_register(space, spec::mmio::device_features));
    }
    seen.offered = offered;
}

template <RegisterSpace Space>
void read_queue(Space& space, uint16_t queue, DeviceSnapshot& seen) {
    // A queue can be read only through the selector, which nothing but the set-up of queues uses.
    platform::write_register(space, spec::mmio::queue_sel, uint32_t{queue});
    if (seen.legacy) {
        uint32_t const pfn = platform::read_register(space, spec::mmio::legacy_queue_pfn);
        seen.queue_pfn = pfn;
        seen.queue_in_use = pfn != 0;
    } else {
        seen.queue_in_use = platform::read_register(space, spec::mmio::queue_ready) != 0;
    }
    if (!seen.legacy || !seen.queue_in_use) {  // §4.2.4: only while QueuePFN is 0
        seen.queue_size_max = platform::read_register(space, spec::mmio::queue_size_max);
    }
}

/// Reads all of the above into a fresh snapshot.
template <RegisterSpace Space>
void read_device(Space& space, uint16_t queue, DeviceSnapshot& seen) {
    seen.reach = DeviceSnapshot::Reach::identity;
    seen.is_mmio = true;
    if constexpr (requires { uintptr_t{space.base()}; }) {
        seen.registers = space.base();
    }
    seen.magic = platform::read_register(space, spec::mmio::magic_value);
    if (seen.magic != spec::mmio::magic) {
        return;
    }
    seen.version = platform::read_register(space, spec::mmio::version);
    if (seen.version != spec::mmio::version_legacy && seen.version != spec::mmio::version_modern) {
        return;
    }
    seen.legacy = seen.version == spec::mmio::version_legacy;
    seen.device_id = static_cast<spec::DeviceId>(platform::read_register(space, spec::mmio::device_id));
    if (seen.device_id == spec::DeviceId::none) {
        return;
    }
    seen.reach = DeviceSnapshot::Reach::status;
    seen.status = DeviceStatus{static_cast<uint8_t>(platform::read_register(space, spec::mmio::status))};
    if (seen.status.is_gone() || !seen.status.has(spec::StatusBit::driver)) {
        return;
    }
    seen.interrupt_status = platform::read_register(space, spec::mmio::interrupt_status);
    read_features(space, seen);
    if (may_ask_for_queue(seen)) {
        read_queue(space, queue, seen);
        seen.reach = DeviceSnapshot::Reach::queue;
    }
}

/// Reads a transport that does not expose its registers, through its member functions.
template <DiagnosableTransport T>
void ask_device(T& transport, uint16_t queue, DeviceSnapshot& seen) {
    if constexpr (requires { transport.is_probed(); }) {
        if (!transport.is_probed()) {
            return;  // there are no registers to read
        }
    }
    ask_what_it_did(transport, seen);
    seen.reach = DeviceSnapshot::Reach::status;
    seen.device_id = transport.device_id();
    seen.legacy = transport.is_legacy();
    seen.status = transport.status();
    if (seen.status.is_gone() || !seen.status.has(spec::StatusBit::driver)) {
        return;
    }
    Features offered;
    for (unsigned word = 0; word < (seen.legacy ? 1u : 2u); ++word) {
        offered.set_word(word, transport.offered_features(word));
    }
    seen.offered = offered;
    if (may_ask_for_queue(seen)) {
        ask_of_queue(transport, queue, seen);
        seen.reach = DeviceSnapshot::Reach::queue;
    }
}

template <DiagnosableTransport T>
void read_device(T& transport, uint16_t queue, DeviceSnapshot& seen) {
    if constexpr (HidesAnother<T>) {
        if (transport.is_probed()) {
            transport.visit([&](auto& behind) { read_device(behind, queue, seen); });
        }
    } else if constexpr (ShowsMmioSpace<T>) {
        if (transport.is_probed()) {
            read_device(transport.mmio_space(), queue, seen);
            ask_what_it_did(transport, seen);
            seen.interrupts = take_interrupt_snapshot(transport, queue);
        }
    } else {
        ask_device(transport, queue, seen);
    }
}

}  // namespace detail

/// Reads the registers of virtio-mmio, in the order that §4.2.3.1.1 requires. Acknowledges nothing, and writes only
/// two selectors. Must not run while another CPU initialises the device. `space` must be mapped.
template <RegisterSpace Space>
[[__nodiscard__]] DeviceSnapshot take_device_snapshot(Space& space, uint16_t queue) {
    DeviceSnapshot seen;
    detail::read_device(space, queue, seen);
    return seen;
}

/// As above, through a transport after its `probe`: from its registers if it exposes them, otherwise through its
/// member functions.
template <DiagnosableTransport T>
[[__nodiscard__]] DeviceSnapshot take_device_snapshot(T& transport, uint16_t queue) {
    DeviceSnapshot seen;
    detail::read_device(transport, queue, seen);
    return seen;
}

}  // namespace virtq
