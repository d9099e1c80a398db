// SPDX-License-Identifier: MIT
#pragma once

#include <device/bounce_mapper.hpp>
#include <device/disguise.hpp>
#include <support/contract.hpp>
#include <transport/transport_setting.hpp>
#include <virtq/device/driver_fault.hpp>
#include <virtq/device/driver_types.hpp>
#include <virtq/diag/diagnose.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>

#include <sim/guest_memory.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <ostream>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// A driver of any type, on any transport, with rings of any format, and its device: each behind one interface. So one
/// suite tests what all drivers have in common. `driver_kinds.hpp` has what it must know about each type.
namespace virtq::test {

/// What a device offers for its rings.
struct RingOffer {
    bool packed = false;
    bool event_idx = false;
    bool indirect = false;
    bool in_order = false;
};

/// How an asynchronous request ended.
struct Ended {
    Token token{};
    Error error = Error::none;
    CompletionState state = CompletionState::none;
};

/// Puts a device into the place of the true one, or returns that.
using Dress = std::function<std::unique_ptr<sim::DeviceBackend>(std::unique_ptr<sim::DeviceBackend>)>;

class Subject {
public:
    static constexpr std::uint32_t buffer_bytes = 512;  // of each request
    static constexpr PollLimit patience{1000};

    virtual ~Subject() = default;

    // The driver.

    [[nodiscard]] virtual Status probe() = 0;
    [[nodiscard]] virtual Status init() = 0;
    [[nodiscard]] virtual Status reset(std::function<void(Ended const&)> const& each) = 0;
    [[nodiscard]] virtual Status release() = 0;
    /// After `init` or `reset`: lets driver and device agree on more than §3.1.1, if the device type asks for that.
    virtual void settle() = 0;
    /// Begins a request, and notifies the device. Some drivers have no tokens.
    [[nodiscard]] virtual Status start(Token token) = 0;
    [[nodiscard]] virtual Ended take() = 0;
    /// A blocking call.
    [[nodiscard]] virtual Status use(PollLimit limit, std::function<void()> const& relax) = 0;
    [[nodiscard]] virtual std::uint16_t in_flight() = 0;
    [[nodiscard]] virtual MaySleep enable_notifications() = 0;
    virtual void disable_notifications() = 0;
    /// Calls that only this driver has.
    virtual void call_others(unsigned choice) = 0;
    [[nodiscard]] virtual Error check_alive() = 0;
    [[nodiscard]] virtual Error last_error() = 0;
    [[nodiscard]] virtual std::uint32_t required_queue_size() = 0;
    [[nodiscard]] virtual Features missing_features() = 0;
    [[nodiscard]] virtual Cause diagnose() = 0;
    /// Calls a copy of the driver, which asserts.
    virtual void use_copy() = 0;
    /// Whether an unused driver can be in .bss.
    [[nodiscard]] virtual bool is_zero_at_first() = 0;

    // Its device.

    template <class Change>
    void on_device(Change change) {
        std::visit([&](auto* device) { change(*device); }, device_);
    }
    void step() {
        on_device([](auto& device) { device.step(); });
    }
    [[nodiscard]] auto stepping() {
        return [this] { step(); };
    }
    [[nodiscard]] std::size_t interrupts() {
        std::size_t count = 0;
        on_device([&](auto& device) { count = device.interrupts(); });
        return count;
    }
    void set_reset_takes(std::size_t reads) {
        on_device([&](auto& device) { device.reset_takes(reads); });
    }

    // The rest of the machine.

    sim::GuestMemory memory{std::size_t{1} << 20};
    CountingPages pages{memory};
    BounceMapper mapper;
    sim::Buffer shared =
        memory.allocate_buffer(buffer_bytes, buffer_bytes);  ///< all requests share it; no test reads it

protected:
    std::variant<sim::MmioDevice*, sim::PciDevice*> device_;
};

/// The driver `Kind` in `Setting`, with rings as `Rings` says.
template <class Kind, class Setting, class Rings>
class SubjectOf final : public Subject {
    using T = typename Setting::Transport;
    struct Traits : Kind::Traits {
        using Format = typename Rings::Format;
        using Mapper = typename Rings::Mapper;
    };
    using Driver = typename Kind::template Driver<T, Traits>;
    static constexpr bool is_mapped = SameAs<typename Rings::Mapper, BounceMapper>;
    static_assert(std::is_trivially_destructible_v<Driver>);

public:
    explicit SubjectOf(Dress const& dress) : backend_(dress(make_device())), setting_(memory, *backend_) {
        mapper.memory = &memory;
        device_ = &setting_.device;
    }

    [[nodiscard]] Status probe() override { return setting_.probe(transport_); }
    [[nodiscard]] Status init() override {
        typename Kind::Option option{};
        option.reset_limit = PollLimit{100};
        if constexpr (is_mapped) {
            return driver_.init(transport_, pages, mapper, option);
        } else {
            return driver_.init(transport_, pages, option);
        }
    }
    [[nodiscard]] Status reset(std::function<void(Ended const&)> const& each) override {
        return driver_.reset([&](auto const& ended) { each(common(ended)); });
    }
    [[nodiscard]] Status release() override { return driver_.release(pages, PollLimit{100}); }
    void settle() override {
        if constexpr (requires { Kind::settle(driver_, *this); }) {
            Kind::settle(driver_, *this);
        }
    }
    [[nodiscard]] Status start(Token token) override {
        return Kind::start(driver_, Segment{shared.phys, buffer_bytes}, token);
    }
    [[nodiscard]] Ended take() override {
        if constexpr (requires { Kind::take(driver_); }) {
            return Kind::take(driver_);
        } else {
            return common(driver_.take_completed());
        }
    }
    [[nodiscard]] Status use(PollLimit limit, std::function<void()> const& relax) override {
        return Kind::use(driver_, Segment{shared.phys, buffer_bytes}, limit, relax);
    }
    [[nodiscard]] std::uint16_t in_flight() override {
        if constexpr (Kind::has_tokens) {
            return driver_.in_flight();
        } else {
            return 0;
        }
    }
    [[nodiscard]] MaySleep enable_notifications() override {
        if constexpr (requires { Kind::enable_notifications(driver_); }) {
            return Kind::enable_notifications(driver_);
        } else {
            return driver_.enable_used_notifications();
        }
    }
    void disable_notifications() override {
        if constexpr (requires { Kind::disable_notifications(driver_); }) {
            Kind::disable_notifications(driver_);
        } else {
            driver_.disable_used_notifications();
        }
    }
    void call_others([[maybe_unused]] unsigned choice) override {
        if constexpr (requires { Kind::call_others(driver_, choice); }) {
            Kind::call_others(driver_, choice);
        }
    }
    [[nodiscard]] Error check_alive() override { return driver_.check_alive().error(); }
    [[nodiscard]] Error last_error() override { return driver_.last_error(); }
    [[nodiscard]] std::uint32_t required_queue_size() override { return driver_.required_queue_size(); }
    [[nodiscard]] Features missing_features() override { return driver_.negotiation().missing; }
    [[nodiscard]] Cause diagnose() override { return virtq::diagnose(driver_).cause(); }
    void use_copy() override {
        auto const copy = std::make_unique<Copy>();
        std::memcpy(copy->bytes, static_cast<void const*>(&driver_), sizeof(Driver));
        static_cast<void>(reinterpret_cast<Driver*>(copy->bytes)->check_alive());
    }
    [[nodiscard]] bool is_zero_at_first() override {
        static constinit Driver unused{};
        auto const* const bytes = reinterpret_cast<unsigned char const*>(&unused);
        return std::all_of(bytes, bytes + sizeof(Driver), [](unsigned char byte) { return byte == 0; });
    }

private:
    /// Some devices also read memory that no chain has.
    [[nodiscard]] std::unique_ptr<sim::DeviceBackend> make_device() {
        if constexpr (requires { Kind::make_device(memory, Rings::offer); }) {
            return Kind::make_device(memory, Rings::offer);
        } else {
            return Kind::make_device(memory.violations(), Rings::offer);
        }
    }
    struct Copy {
        alignas(Driver) std::byte bytes[sizeof(Driver)];
    };
    template <class Completed>
    [[nodiscard]] static Ended common(Completed const& ended) {
        return {ended.token, ended.error, ended.state};
    }

    std::unique_ptr<sim::DeviceBackend> backend_;
    Setting setting_;
    T transport_;
    Driver driver_;
};

/// A parameter of the suite: which driver, where, and with which rings.
struct SubjectParam {
    std::string name;
    bool is_legacy = false;
    bool is_packed = false;
    bool has_tokens = true;         ///< requests end one by one, each with its token
    bool waits_collect = true;      ///< a blocking call collects the requests that have ended meanwhile
    bool has_config = false;        ///< the driver reads the configuration
    std::uint16_t work_queue = 0;   ///< the queue of its requests
    std::uint32_t least_queue = 1;  ///< the smallest `work_queue` that the driver can use
    std::unique_ptr<Subject> (*make)(Dress const& dress) = nullptr;
};
inline void PrintTo(SubjectParam const& param, std::ostream* out) {
    *out << param.name;
}

// Rings. A device that offers nothing, and one that offers all that the format can use.

struct PlainRings {
    using Format = Split;
    using Mapper = NoMapper;
    static constexpr char const* name = "Plain";
    static constexpr RingOffer offer{};
};
struct SplitRings {
    using Format = Split;
    using Mapper = BounceMapper;
    static constexpr char const* name = "Split";
    static constexpr RingOffer offer{.event_idx = true, .indirect = true, .in_order = true};
};
struct PackedRings {
    using Format = Packed;
    using Mapper = BounceMapper;
    static constexpr char const* name = "Packed";
    static constexpr RingOffer offer{.packed = true, .event_idx = true};
};
struct AnyRings {
    using Format = AnyFormat;
    using Mapper = BounceMapper;
    static constexpr char const* name = "Any";
    static constexpr RingOffer offer{.packed = true, .event_idx = true, .indirect = true, .in_order = true};
};

// Places.

struct MmioPlace : OnMmio<MmioTransport<sim::MmioRegisters>, sim::MmioVersion::modern> {
    using OnMmio::OnMmio;
    static constexpr char const* name = "Mmio";
};
struct LegacyMmioPlace : OnMmio<MmioTransport<sim::MmioRegisters>, sim::MmioVersion::legacy> {
    using OnMmio::OnMmio;
    static constexpr char const* name = "LegacyMmio";
};
struct PciPlace : OnPci<Modern, Layout::modern> {
    using OnPci::OnPci;
    static constexpr char const* name = "Pci";
};
struct LegacyPciPlace : OnPci<LegacyPorts, Layout::legacy> {
    using OnPci::OnPci;
    static constexpr char const* name = "LegacyPci";
};
struct AnyMmioPlace : OnMmio<EitherAny, sim::MmioVersion::modern> {
    using OnMmio::OnMmio;
    static constexpr char const* name = "AnyMmio";
};
struct AnyPciPlace : OnPci<EitherAny, Layout::transitional> {
    using OnPci::OnPci;
    static constexpr char const* name = "AnyPci";
};

/// Set `waits_collect = false` in a kind whose blocking calls use a different queue than its requests.
template <class Kind>
inline constexpr bool waits_collect = true;
template <class Kind>
    requires requires {
        Kind::waits_collect;
    }
inline constexpr bool waits_collect<Kind> = Kind::waits_collect;

/// A kind whose requests are not in queue 0 names their queue.
template <class Kind>
inline constexpr std::uint16_t work_queue = 0;
template <class Kind>
    requires requires {
        Kind::work_queue;
    }
inline constexpr std::uint16_t work_queue<Kind> = Kind::work_queue;

/// Adds a driver in one place, with each of `Rings`.
template <class Kind, class Place, class... Rings>
void add_subjects(std::vector<SubjectParam>& all) {
    (all.push_back({std::string{Kind::name} + Place::name + Rings::name, Place::legacy,
                    Rings::offer.packed && !Place::legacy, Kind::has_tokens, waits_collect<Kind>, Kind::has_config,
                    work_queue<Kind>, Kind::least_queue,
                    [](Dress const& dress) -> std::unique_ptr<Subject> {
                        return std::make_unique<SubjectOf<Kind, Place, Rings>>(dress);
                    }}),
     ...);
}

/// A driver everywhere. A legacy device has split rings only.
template <class Kind>
[[nodiscard]] std::vector<SubjectParam> subjects_of() {
    std::vector<SubjectParam> all;
    add_subjects<Kind, MmioPlace, PlainRings, SplitRings, PackedRings, AnyRings>(all);
    add_subjects<Kind, PciPlace, PlainRings, SplitRings, PackedRings, AnyRings>(all);
    add_subjects<Kind, LegacyMmioPlace, PlainRings, AnyRings>(all);
    add_subjects<Kind, LegacyPciPlace, PlainRings, SplitRings>(all);
    add_subjects<Kind, AnyMmioPlace, AnyRings>(all);
    add_subjects<Kind, AnyPciPlace, SplitRings>(all);
    return all;
}

}  // namespace virtq::test
