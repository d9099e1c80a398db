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

/// What a device says of itself and of one queue, through its registers, at one moment.
struct DeviceSnapshot {
    /// How far the looks came: each looks only if the one before found nothing that forbids it.
    enum class Reach : uint8_t {
        nothing,   ///< the transport does not know yet where its device is
        identity,  ///< magic, version and device ID: at least one is wrong
        status,    ///< and the status: negotiation is not so far that a queue may be asked for
        queue,     ///< all
    };
    Reach reach = Reach::nothing;

    bool is_mmio = false;     ///< the next three are known, the address only if the space shows it
    uintptr_t registers = 0;  ///< virtual
    uint32_t magic = 0;
    uint32_t version = 0;
    spec::DeviceId device_id = spec::DeviceId::none;
    bool legacy = false;
    DeviceStatus status;
    uint32_t interrupt_status = 0;  ///< 0 where the transport has no way to read it without a side effect

    /// What the transport's own `notify` did since the last reset.
    struct Notified {
        bool any = false;
        uint16_t queue = 0;  ///< the last one, if there was any
    };

    // What is not known has no value.
    Optional<bool> asked_features_ok;  ///< whether FEATURES_OK was written since the last reset
    Optional<Notified> notified;
    Optional<Features> offered;  ///< bits 0 to 63
    bool queue_in_use = false;
    Optional<uint32_t> queue_size_max;
    Optional<uint32_t> queue_pfn;         ///< of a legacy device
    Optional<QueueAddresses> configured;  ///< what the registers of an enabled queue hold
    InterruptSnapshot interrupts;
};

/// What `diagnose` asks of a transport; those of `transport/` have it all.
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

/// A transport whose registers can be looked at directly: it shows its `RegisterSpace`, once it was told where.
template <class T>
concept ShowsMmioSpace = requires(T& transport, T const& constant, uint16_t offset) {
    { constant.is_probed() } -> SameAs<bool>;
    { transport.mmio_space().read32(offset) } -> SameAs<uint32_t>;
};

/// One that remembers its own calls: whether FEATURES_OK was written, which queue it notified last.
template <class T>
concept KeepsRecord = requires(T const& constant) {
    { constant.record().has_asked_features_ok() } -> SameAs<bool>;
    bool{constant.record().last_notify().any};
    uint16_t{constant.record().last_notify().queue};
};

/// One whose device tells where its queues are.
template <class T>
concept ShowsConfiguredAddresses = requires(T& transport, uint16_t queue) {
    { transport.configured_addresses(queue) } -> SameAs<QueueAddresses>;
};

/// A transport that is one of several: what is behind shows more.
template <class T>
concept HidesAnother = requires(T& transport) {
    transport.visit([](auto&) {});
};

/// Of a device with DRIVER set. §3.1.1: a queue is asked for in step 7, when features are agreed on; a legacy device
/// has no FEATURES_OK.
[[__nodiscard__]] constexpr bool may_ask_for_queue(DeviceSnapshot const& seen) {
    return seen.legacy || seen.status.has(spec::StatusBit::features_ok);
}

/// What the transport remembers of its own calls.
template <class T>
void ask_what_it_did([[__maybe_unused__]] T const& transport, [[__maybe_unused__]] DeviceSnapshot& seen) {
    if constexpr (KeepsRecord<T>) {
        auto const& record = transport.record();
        seen.asked_features_ok = record.has_asked_features_ok();
        seen.notified = DeviceSnapshot::Notified{record.last_notify().any, record.last_notify().queue};
    }
}

/// The queue's selector is written because there is no other way to read; it stays, since only the set-up of queues
/// uses it, which writes it first.
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
            if (addresses.descriptor_area != PhysAddr{}) {  // some devices do not let it be read
                seen.configured = addresses;
            }
        }
    }
}

template <RegisterSpace Space>
void look_at_features(Space& space, DeviceSnapshot& seen) {
    Features offered;
    // The selector is written because there is no other way to read; only negotiation uses it.
    for (unsigned word = 0; word < (seen.legacy ? 1u : 2u); ++word) {
        platform::write_register(space, spec::mmio::device_features_sel, uint32_t{word});
        offered.set_word(word, platform::read_register(space, spec::mmio::device_features));
    }
    seen.offered = offered;
}

template <RegisterSpace Space>
void look_at_queue(Space& space, uint16_t queue, DeviceSnapshot& seen) {
    // The selector is written because there is no other way to read; only the set-up of queues uses it.
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

/// All of these into a snapshot that is new.
template <RegisterSpace Space>
void look_at_device(Space& space, uint16_t queue, DeviceSnapshot& seen) {
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
    look_at_features(space, seen);
    if (may_ask_for_queue(seen)) {
        look_at_queue(space, queue, seen);
        seen.reach = DeviceSnapshot::Reach::queue;
    }
}

/// A transport that shows nothing of its registers is asked by its calls.
template <DiagnosableTransport T>
void ask_device(T& transport, uint16_t queue, DeviceSnapshot& seen) {
    if constexpr (requires { transport.is_probed(); }) {
        if (!transport.is_probed()) {
            return;  // there are no registers to look at
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
void look_at_device(T& transport, uint16_t queue, DeviceSnapshot& seen) {
    if constexpr (HidesAnother<T>) {
        if (transport.is_probed()) {
            transport.visit([&](auto& behind) { look_at_device(behind, queue, seen); });
        }
    } else if constexpr (ShowsMmioSpace<T>) {
        if (transport.is_probed()) {
            look_at_device(transport.mmio_space(), queue, seen);
            ask_what_it_did(transport, seen);
            seen.interrupts = take_interrupt_snapshot(transport, queue);
        }
    } else {
        ask_device(transport, queue, seen);
    }
}

}  // namespace detail

/// Looks at the registers of virtio-mmio, in the order that §4.2.3.1.1 asks for. Acknowledges nothing, and writes
/// nothing but two selectors. Must not run while another CPU initialises the device. `space` must be mapped.
template <RegisterSpace Space>
[[__nodiscard__]] DeviceSnapshot take_device_snapshot(Space& space, uint16_t queue) {
    DeviceSnapshot seen;
    detail::look_at_device(space, queue, seen);
    return seen;
}

/// The same through a transport, after its `probe`: by its registers if it shows them, otherwise by its calls.
template <DiagnosableTransport T>
[[__nodiscard__]] DeviceSnapshot take_device_snapshot(T& transport, uint16_t queue) {
    DeviceSnapshot seen;
    detail::look_at_device(transport, queue, seen);
    return seen;
}

}  // namespace virtq
