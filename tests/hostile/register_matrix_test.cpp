// SPDX-License-Identifier: MIT
#include <support/contract.hpp>
#include <virtq/device/block.hpp>
#include <virtq/queue/negotiated.hpp>
#include <virtq/transport/mmio.hpp>

#include <sim/block_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <random>
#include <string>
#include <vector>

/// Every lie of a device's registers, from every access on that a call makes to them: a disk on virtio-mmio (§4.2)
/// that is probed, brought up, used, reset and released. For each cell: an error that names the fault, or none;
/// bounded accesses; each token back once; and the disk works again once the device is honest.
namespace virtq::test {
namespace {

/// Stands between the driver and the device's registers.
struct Liar {
    std::function<void()> at_step;                                           ///< before access number `step`
    std::function<std::uint32_t(std::uint16_t, std::uint32_t)> change_read;  ///< what the driver reads instead
    std::function<bool(std::uint16_t)> loses_write;
    std::size_t step = SIZE_MAX;
    std::size_t accesses = 0;

    void before() {
        if (accesses++ == step && at_step) {
            std::function<void()> const act = std::move(at_step);
            at_step = nullptr;
            act();
        }
    }
};

class LyingRegisters {
public:
    LyingRegisters() = default;
    LyingRegisters(sim::MmioRegisters device, Liar& liar) : device_(device), liar_(&liar) {}

    std::uint8_t read8(std::uint16_t offset) {
        return read<std::uint8_t>(offset, [&] { return device_.read8(offset); });
    }
    std::uint16_t read16(std::uint16_t offset) {
        return read<std::uint16_t>(offset, [&] { return device_.read16(offset); });
    }
    std::uint32_t read32(std::uint16_t offset) {
        return read<std::uint32_t>(offset, [&] { return device_.read32(offset); });
    }
    void write8(std::uint16_t offset, std::uint8_t value) {
        write(offset, [&] { device_.write8(offset, value); });
    }
    void write16(std::uint16_t offset, std::uint16_t value) {
        write(offset, [&] { device_.write16(offset, value); });
    }
    void write32(std::uint16_t offset, std::uint32_t value) {
        write(offset, [&] { device_.write32(offset, value); });
    }

private:
    template <class Word, class Read>
    Word read(std::uint16_t offset, Read honest) {
        liar_->before();
        Word const value = honest();
        return liar_->change_read ? static_cast<Word>(liar_->change_read(offset, value)) : value;
    }
    template <class Write>
    void write(std::uint16_t offset, Write honest) {
        liar_->before();
        if (!liar_->loses_write || !liar_->loses_write(offset)) {
            honest();
        }
    }

    sim::MmioRegisters device_;
    Liar* liar_ = nullptr;
};
static_assert(RegisterSpace<LyingRegisters>);

struct TraitsOfAny : BlockTraits {
    using Format = Negotiated;
};

struct DiskKind {
    char const* name;
    sim::MmioVersion version;
    bool packed;
    bool in_order;
};

void PrintTo(DiskKind const& kind, std::ostream* out) {
    *out << kind.name;
}

using Driver = BlockDevice<MmioTransport<LyingRegisters>, 16, TraitsOfAny>;

class LyingDisk {
public:
    explicit LyingDisk(DiskKind const& kind)
        : disk(memory.violations(),
               {.sectors = 64, .event_idx = true, .packed = kind.packed, .in_order = kind.in_order}),
          device(memory, disk, kind.version) {
        auto& image = disk.current();
        for (std::size_t i = 0; i < image.size(); ++i) {
            image[i] = static_cast<std::uint8_t>(i / 512 * 31 + i * 7);
        }
        data = memory.allocate_buffer(512, 512);
    }
    ~LyingDisk() { static_cast<void>(driver.release(memory, looks)); }
    LyingDisk(LyingDisk const&) = delete;
    LyingDisk& operator=(LyingDisk const&) = delete;

    Error probe() { return transport.probe(LyingRegisters{device.registers(), liar}).error(); }
    Error init() {
        Error const found = probe();
        return found != Error::none ? found : driver.init(transport, memory, {.reset_looks = looks}).error();
    }
    Error read(std::uint64_t sector) {
        Segment const segment{data.phys, 512};
        return driver.read(sector, segment, looks, [this] { device.step(); }).error();
    }
    /// Three requests in flight.
    void submit() {
        for (std::uintptr_t token = 1; token <= 3; ++token) {
            Segment const segments[] = {{data.phys, 512}};
            if (driver.submit_read(token, segments, Token{token})) {
                waiting[token] = true;
            }
        }
        driver.start();
    }
    Error reset() {
        return driver
            .reset([this](BlockCompletion const& done) {
                double_hand_back = double_hand_back || waiting.erase(done.token.value()) != 1;
            })
            .error();
    }

    void heal() {
        liar.at_step = nullptr;
        liar.change_read = nullptr;
        liar.loses_write = nullptr;
        device.vanish(false);
        device.unsettle_config(0);
        device.refuse_features_ok(false);
        device.refuse_queue_ready(false);
        device.reset_takes(0);
        device.set_queue_size_max(128);
        device.write(0x070, 0, 4);  // as a machine's reset button does
    }

    static constexpr Looks looks{20};

    sim::GuestMemory memory{std::size_t{1} << 20};
    sim::BlockDevice disk;
    sim::MmioDevice device;
    Liar liar;
    MmioTransport<LyingRegisters> transport;
    Driver driver;
    sim::Buffer data;
    std::map<std::uintptr_t, bool> waiting;
    bool double_hand_back = false;
};

enum class Layout { both, modern, legacy };

struct RegisterFault {
    char const* name;
    std::function<void(LyingDisk&)> inject;
    std::vector<Error> named;  ///< besides none
    /// A reset that only seems to have happened leaves memory with the device, and so with the simulated kernel.
    bool fakes_reset = false;
    Layout exists_in = Layout::both;  ///< where a call can notice it
};

constexpr std::uint16_t status_register = 0x070;
constexpr std::uint16_t config_space = 0x100;

auto change(std::uint16_t offset, std::function<std::uint32_t(std::uint32_t)> how) {
    return [=](LyingDisk& disk) {
        disk.liar.change_read = [=](std::uint16_t at, std::uint32_t value) {
            return at == offset ? how(value) : value;
        };
    };
}
/// Another value at each read.
auto alternate(std::uint16_t offset, std::uint32_t other) {
    return [=](LyingDisk& disk) {
        disk.liar.change_read = [=, odd = false](std::uint16_t at, std::uint32_t value) mutable {
            odd = at == offset ? !odd : odd;
            return at == offset && odd ? other : value;
        };
    };
}

std::vector<RegisterFault> const& faults() {
    // What any device may be refused for when nothing that it says can be relied on.
    static std::vector<Error> const whatever{Error::device_gone,
                                             Error::not_virtio,
                                             Error::version_unknown,
                                             Error::no_device,
                                             Error::reset_timed_out,
                                             Error::reset_needed,
                                             Error::feature_required_not_offered,
                                             Error::nothing_offered,
                                             Error::status_not_kept,
                                             Error::features_refused,
                                             Error::config_unstable,
                                             Error::queue_absent,
                                             Error::queue_in_use,
                                             Error::queue_not_accepted,
                                             Error::queue_size_above_maximum,
                                             Error::queue_size_above_capacity,
                                             Error::queue_size_not_taken,
                                             Error::queue_too_small,
                                             Error::wrong_device_type,
                                             Error::timed_out,
                                             Error::queue_broken,
                                             Error::beyond_capacity,
                                             Error::pfn_zero,
                                             Error::ring_packed_not_negotiated,
                                             Error::feature_prerequisite_missing,
                                             Error::length_not_block_multiple,
                                             Error::device_limits_too_small,
                                             Error::request_above_queue,
                                             Error::status_invalid,
                                             Error::feature_not_supported_by_queue,
                                             Error::io_error};
    static std::vector<RegisterFault> const all{
        {"vanishes",
         [](LyingDisk& d) { d.device.vanish(); },
         {Error::device_gone, Error::queue_absent, Error::config_unstable, Error::no_device, Error::not_virtio,
          Error::version_unknown, Error::wrong_device_type, Error::timed_out, Error::beyond_capacity},
         true},
        {"needs_a_reset",
         [](LyingDisk& d) { d.device.need_reset(); },
         {Error::reset_needed, Error::features_refused, Error::timed_out, Error::reset_timed_out}},
        {"resets_itself",
         [](LyingDisk& d) { d.device.write(status_register, 0, 4); },
         {Error::status_not_kept, Error::reset_needed, Error::features_refused, Error::timed_out,
          Error::queue_not_accepted, Error::queue_absent, Error::config_unstable, Error::status_invalid,
          Error::feature_required_not_offered, Error::nothing_offered}},
        {"status_flips_all_bits",
         change(status_register, [](std::uint32_t v) { return v ^ 0xffu; }),
         {Error::status_not_kept, Error::reset_timed_out, Error::device_gone, Error::features_refused,
          Error::reset_needed, Error::timed_out},
         true},
        {"status_is_zero",
         change(status_register, [](std::uint32_t) { return 0u; }),
         {Error::status_not_kept, Error::features_refused, Error::reset_needed, Error::timed_out},
         true},
        {"status_is_never_zero",
         change(status_register, [](std::uint32_t v) { return v | 0x0fu; }),
         {Error::reset_timed_out, Error::features_refused, Error::reset_needed, Error::timed_out}},
        {"status_alternates",
         alternate(status_register, 0x4f),
         {Error::reset_timed_out, Error::features_refused, Error::reset_needed, Error::timed_out},
         true},
        {"reset_never_ends",
         [](LyingDisk& d) { d.device.reset_takes(sim::MmioDevice::never); },
         {Error::reset_timed_out, Error::reset_needed, Error::features_refused, Error::queue_not_accepted,
          Error::timed_out, Error::queue_absent, Error::config_unstable}},
        {"features_are_refused",
         [](LyingDisk& d) { d.device.refuse_features_ok(); },
         {Error::features_refused},
         false,
         Layout::modern},
        {"features_alternate",
         alternate(0x010, 0xffffffff),
         {Error::features_refused, Error::timed_out, Error::queue_not_accepted, Error::queue_absent,
          Error::beyond_capacity, Error::queue_broken},
         false,
         Layout::modern},
        {"features_are_none",
         change(0x010, [](std::uint32_t) { return 0u; }),
         {Error::nothing_offered, Error::feature_required_not_offered, Error::features_refused},
         false,
         Layout::modern},
        {"generation_never_settles",
         [](LyingDisk& d) { d.device.unsettle_config(); },
         {Error::config_unstable},
         false,
         Layout::modern},
        {"configuration_alternates",
         [](LyingDisk& d) {
             d.liar.change_read = [random = std::mt19937{5}](std::uint16_t at, std::uint32_t value) mutable {
                 return at >= config_space ? static_cast<std::uint32_t>(random()) : value;
             };
         },
         {Error::config_unstable, Error::beyond_capacity, Error::length_not_block_multiple, Error::queue_absent,
          Error::device_limits_too_small, Error::request_above_queue},
         false,
         Layout::legacy},
        {"queue_size_is_zero", change(0x034, [](std::uint32_t) { return 0u; }), {Error::queue_absent}},
        {"queue_size_is_three",
         change(0x034, [](std::uint32_t) { return 3u; }),
         {Error::queue_too_small, Error::queue_size_not_taken}},
        {"queue_size_is_huge", change(0x034, [](std::uint32_t) { return 0xffffffffu; }), {}},
        {"queue_size_shrinks",
         [](LyingDisk& d) {
             d.liar.change_read = [left = 16u](std::uint16_t at, std::uint32_t value) mutable {
                 return at == 0x034 ? (left = left / 2) : value;
             };
         },
         {Error::queue_size_not_taken, Error::queue_absent, Error::queue_too_small}},
        {"queue_does_not_get_ready",
         [](LyingDisk& d) { d.device.refuse_queue_ready(); },
         {Error::queue_not_accepted, Error::timed_out},
         false,
         Layout::modern},
        {"queue_ready_is_two",
         change(0x044, [](std::uint32_t) { return 2u; }),
         {Error::queue_in_use, Error::queue_not_accepted},
         false,
         Layout::modern},
        {"queue_is_in_use",
         change(0x044, [](std::uint32_t) { return 1u; }),
         {Error::queue_in_use},
         false,
         Layout::modern},
        {"legacy_page_number_is_another",
         change(0x040, [](std::uint32_t v) { return v + 1; }),
         {Error::queue_in_use, Error::queue_not_accepted},
         false,
         Layout::legacy},
        {"notifications_are_lost",
         [](LyingDisk& d) { d.liar.loses_write = [](std::uint16_t at) { return at == 0x050; }; },
         {Error::timed_out}},
        {"all_writes_are_lost",
         [](LyingDisk& d) { d.liar.loses_write = [](std::uint16_t) { return true; }; },
         {Error::status_not_kept, Error::timed_out, Error::reset_timed_out, Error::features_refused,
          Error::queue_not_accepted, Error::feature_required_not_offered, Error::nothing_offered, Error::reset_needed,
          Error::queue_absent},
         true},
        {"identity_changes",
         [](LyingDisk& d) {
             d.liar.change_read = [](std::uint16_t at, std::uint32_t value) { return at < 0x010 ? ~value : value; };
         },
         {Error::not_virtio, Error::version_unknown, Error::wrong_device_type}},
        {"all_reads_are_random",
         [](LyingDisk& d) {
             d.liar.change_read = [random = std::mt19937{7}](std::uint16_t, std::uint32_t value) mutable {
                 std::uint32_t const values[] = {
                     0, 1, value, value, ~value, 0xffffffff, static_cast<std::uint32_t>(random())};
                 return values[random() % 7];
             };
         },
         whatever, true},
        {"all_reads_alternate_with_zero",
         [](LyingDisk& d) {
             d.liar.change_read = [odd = false](std::uint16_t, std::uint32_t value) mutable {
                 odd = !odd;
                 return odd ? 0u : value;
             };
         },
         whatever, true},
        {"interrupts_are_asserted_for_ever", change(0x060, [](std::uint32_t) { return 0xffffffffu; }), {}},
    };
    return all;
}

struct DriverCall {
    char const* name;
    std::function<void(LyingDisk&)> prepare;
    std::function<Error(LyingDisk&)> call;
    std::size_t least_steps;
};

std::vector<DriverCall> const& calls() {
    static auto const up = [](LyingDisk& d) { EXPECT_EQ(d.init(), Error::none); };
    static auto const busy = [](LyingDisk& d) {
        up(d);
        d.submit();
    };
    static std::vector<DriverCall> const all{
        {"probe", [](LyingDisk&) {}, [](LyingDisk& d) { return d.probe(); }, 3},
        {"probe_and_init", [](LyingDisk&) {}, [](LyingDisk& d) { return d.init(); }, 20},
        {"read", up, [](LyingDisk& d) { return d.read(3); }, 1},
        {"read_with_others_in_flight", busy, [](LyingDisk& d) { return d.read(3); }, 0},
        {"check_alive", up, [](LyingDisk& d) { return d.driver.check_alive().error(); }, 1},
        {"on_config_change", up, [](LyingDisk& d) { return d.driver.on_config_change().error(); }, 3},
        {"on_interrupt", busy,
         [](LyingDisk& d) {
             d.device.step();
             static_cast<void>(d.transport.on_interrupt());
             return Error::none;
         },
         1},
        {"reset", busy, [](LyingDisk& d) { return d.reset(); }, 20},
        {"release", busy, [](LyingDisk& d) { return d.driver.release(d.memory, LyingDisk::looks).error(); }, 2},
    };
    return all;
}

class EveryRegisterLie : public testing::TestWithParam<DiskKind> {
protected:
    /// No call may access registers more often: two resets of 20 looks, 16 attempts at a configuration of 30 fields.
    static constexpr std::size_t access_limit = 1500;

    static std::string judge(RegisterFault const& fault, LyingDisk& disk, Error result) {
        bool const named =
            result == Error::none || std::find(fault.named.begin(), fault.named.end(), result) != fault.named.end();
        std::string verdict = named ? "" : std::string{"answered: "} + describe(result);
        verdict += disk.liar.accesses > access_limit ? "too many accesses; " : "";
        verdict += disk.double_hand_back ? "a token twice; " : "";
        return verdict;
    }

    /// The device is honest again: everything comes back, and the disk works.
    static std::string recover(RegisterFault const& fault, LyingDisk& disk) {
        disk.heal();
        while (BlockCompletion const done = disk.driver.complete()) {
            disk.double_hand_back =
                disk.double_hand_back || (done.token.value() != 0 && disk.waiting.erase(done.token.value()) != 1);
        }
        if (Error const again = disk.reset(); again == Error::none && !disk.waiting.empty()) {
            return "reset() forgot a token";
        }
        if (disk.double_hand_back) {
            return "a token twice";
        }
        if (Error const error = disk.driver.release(disk.memory, LyingDisk::looks).error(); error != Error::none) {
            return std::string{"release: "} + describe(error);
        }
        if (disk.memory.pages_outstanding() != 0 && !fault.fakes_reset) {
            return "pages are lost";
        }
        if (Error const error = disk.init(); error != Error::none) {
            return std::string{"init: "} + describe(error);
        }
        std::memset(disk.data.virt, 0, 512);
        if (Error const error = disk.read(5); error != Error::none) {
            return std::string{"read: "} + describe(error);
        }
        return std::memcmp(disk.data.virt, disk.disk.current().data() + 5 * 512, 512) == 0 ? "" : "wrong data";
    }

    std::string run(RegisterFault const& fault, DriverCall const& call, std::size_t step) {
        LyingDisk disk{GetParam()};
        call.prepare(disk);
        disk.liar.accesses = 0;
        disk.liar.step = step;
        disk.liar.at_step = [&] { fault.inject(disk); };
        Error const result = call.call(disk);
        noticed_[fault.name] = noticed_[fault.name] || result != Error::none;
        std::string const verdict = judge(fault, disk, result);
        return verdict.empty() ? recover(fault, disk) : verdict;
    }

    /// A fault that no call names would be one that was not injected. Not every register is there in both versions.
    void expect_noticed() const {
        bool const legacy = GetParam().version == sim::MmioVersion::legacy;
        for (RegisterFault const& fault : faults()) {
            bool const exists = fault.exists_in == Layout::both || (fault.exists_in == Layout::legacy) == legacy;
            EXPECT_EQ(noticed_.at(fault.name), exists && !fault.named.empty()) << fault.name;
        }
    }

    static std::size_t steps_of(DriverCall const& call) {
        LyingDisk disk{GetParam()};
        call.prepare(disk);
        disk.liar.accesses = 0;
        EXPECT_EQ(call.call(disk), Error::none) << call.name;
        return disk.liar.accesses;
    }

private:
    std::map<std::string, bool> noticed_;
};

TEST_P(EveryRegisterLie, FromEveryAccessOfEveryCallOn) {
    std::size_t cells = 0;
    for (DriverCall const& call : calls()) {
        std::size_t const steps = steps_of(call);
        EXPECT_GE(steps, call.least_steps) << call.name;
        for (RegisterFault const& fault : faults()) {
            for (std::size_t step = 0; step < steps; ++step) {
                std::string const verdict = run(fault, call, step);
                ++cells;
                if (!verdict.empty()) {
                    ADD_FAILURE() << fault.name << " from access " << step << " of " << call.name
                                  << " on: " << verdict;
                    break;
                }
            }
        }
    }
    RecordProperty("cells", static_cast<int>(cells));
    std::cout << GetParam().name << ": " << cells << " cells of fault, call and access\n";
    expect_noticed();
    EXPECT_GE(cells, GetParam().version == sim::MmioVersion::legacy ? 1700u : 2200u);
}

INSTANTIATE_TEST_SUITE_P(Every, EveryRegisterLie,
                         testing::Values(DiskKind{"Modern", sim::MmioVersion::modern, false, false},
                                         DiskKind{"ModernPacked", sim::MmioVersion::modern, true, false},
                                         DiskKind{"ModernInOrder", sim::MmioVersion::modern, false, true},
                                         DiskKind{"Legacy", sim::MmioVersion::legacy, false, false}),
                         [](auto const& of) { return std::string{of.param.name}; });

}  // namespace
}  // namespace virtq::test
