// SPDX-License-Identifier: MIT
#include <virtq/queue/any_format.hpp>
#include <virtq/transport/mmio.hpp>

#include <hostile/register_matrix.hpp>
#include <sim/block_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>

#include <gtest/gtest.h>

#include <cstdint>
#include <iostream>
#include <string>
#include <vector>

/// Every invalid value of the registers of virtio-mmio (§4.2).
namespace virtq::test {
namespace {

class FaultyRegisters {
public:
    FaultyRegisters() = default;
    FaultyRegisters(sim::MmioRegisters device, Interceptor& interceptor)
        : device_(device), interceptor_(&interceptor) {}

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
        interceptor_->before();
        return static_cast<Word>(interceptor_->read(offset, honest()));
    }
    template <class Write>
    void write(std::uint16_t offset, Write honest) {
        interceptor_->before();
        if (!interceptor_->loses(offset)) {
            honest();
        }
    }

    sim::MmioRegisters device_;
    Interceptor* interceptor_ = nullptr;
};
static_assert(RegisterSpace<FaultyRegisters>);

struct TraitsOfAny : BlockTraits {
    using Format = AnyFormat;
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

constexpr std::uint16_t status_register = 0x070;
constexpr std::uint16_t config_space = 0x100;

class MmioMachine {
public:
    using Device = sim::MmioDevice;
    using Kind = DiskKind;

    explicit MmioMachine(DiskKind const& kind)
        : disk(memory.violations(),
               {.sectors = 64, .event_idx = true, .packed = kind.packed, .in_order = kind.in_order}),
          device(memory, disk, kind.version) {}

    Status probe() { return transport.probe(FaultyRegisters{device.registers(), interceptor}); }
    Status init(BlockOption const& option) { return driver.init(transport, pages, option); }

    void heal() {
        interceptor.pass_on();
        device.vanish(false);
        device.unsettle_config(0);
        device.refuse_features_ok(false);
        device.refuse_queue_ready(false);
        device.reset_takes(0);
        device.set_queue_size_max(128);
        device.write(status_register, 0, 4);  // like the reset button of a machine
    }
    static std::vector<sim::Rule> watched_rules() { return {}; }

    sim::GuestMemory memory{std::size_t{1} << 20};
    sim::GuestMemory& pages = memory;
    sim::BlockDevice disk;
    sim::MmioDevice device;
    Interceptor interceptor;
    MmioTransport<FaultyRegisters> transport;
    BlockDevice<MmioTransport<FaultyRegisters>, 16, TraitsOfAny> driver;
};

std::vector<RegisterFault<sim::MmioDevice>> faults(DiskKind const& kind) {
    bool const legacy = kind.version == sim::MmioVersion::legacy;
    bool const modern = !legacy;
    return {
        {"vanishes",
         [](Interceptor&, sim::MmioDevice& d) { d.vanish(); },
         {Error::device_gone, Error::queue_absent, Error::config_unstable, Error::no_device, Error::not_virtio,
          Error::version_unknown, Error::wrong_device_type, Error::timed_out, Error::beyond_capacity},
         true},
        {"needs_a_reset",
         [](Interceptor&, sim::MmioDevice& d) { d.need_reset(); },
         {Error::init_needs_reset, Error::reset_needed, Error::features_refused, Error::timed_out,
          Error::reset_timed_out}},
        {"resets_itself",
         [](Interceptor&, sim::MmioDevice& d) { d.write(status_register, 0, 4); },
         {Error::status_not_kept, Error::reset_needed, Error::features_refused, Error::timed_out,
          Error::queue_not_accepted, Error::queue_absent, Error::config_unstable, Error::status_invalid,
          Error::feature_required_not_offered, Error::nothing_offered}},
        {"status_flips_all_bits",
         change(status_register, [](std::uint32_t v) { return v ^ 0xffu; }),
         {Error::status_not_kept, Error::reset_timed_out, Error::reset_refused, Error::device_gone,
          Error::features_refused, Error::init_needs_reset, Error::reset_needed, Error::timed_out},
         true},
        {"status_is_zero",
         read_as(status_register, 0),
         {Error::status_not_kept, Error::features_refused, Error::reset_needed, Error::timed_out},
         true},
        {"status_is_never_zero",
         change(status_register, [](std::uint32_t v) { return v | 0x0fu; }),
         {Error::reset_timed_out, Error::features_refused, Error::reset_needed, Error::timed_out}},
        {"status_alternates",
         alternate(status_register, 0x4f),
         {Error::reset_timed_out, Error::init_needs_reset, Error::features_refused, Error::reset_needed,
          Error::timed_out},
         true},
        {"reset_never_ends",
         [](Interceptor&, sim::MmioDevice& d) { d.reset_takes(sim::MmioDevice::never); },
         {Error::reset_timed_out, Error::reset_needed, Error::features_refused, Error::queue_not_accepted,
          Error::timed_out, Error::queue_absent, Error::config_unstable}},
        {"features_are_refused",
         [](Interceptor&, sim::MmioDevice& d) { d.refuse_features_ok(); },
         {Error::features_refused},
         false,
         modern},
        {"features_alternate",
         alternate(0x010, 0xffffffff),
         {Error::features_refused, Error::timed_out, Error::queue_not_accepted, Error::queue_absent,
          Error::beyond_capacity, Error::queue_broken},
         false,
         modern},
        {"features_are_none",
         read_as(0x010, 0),
         {Error::nothing_offered, Error::feature_required_not_offered, Error::features_refused},
         false,
         modern},
        {"generation_never_settles",
         [](Interceptor&, sim::MmioDevice& d) { d.unsettle_config(); },
         {Error::config_unstable},
         false,
         modern},
        {"configuration_alternates",
         read_at_random([](std::uint32_t at) { return at >= config_space; }),
         {Error::config_unstable, Error::beyond_capacity, Error::length_not_block_multiple, Error::queue_absent,
          Error::device_limits_too_small, Error::request_above_queue},
         false,
         legacy},
        {"queue_size_is_zero", read_as(0x034, 0), {Error::queue_absent}},
        {"queue_size_is_three", read_as(0x034, 3), {Error::queue_too_small, Error::queue_size_not_taken}},
        {"queue_size_is_huge", read_as(0x034, 0xffffffff), {}},
        {"queue_size_shrinks",
         shrink(0x034, 16),
         {Error::queue_size_not_taken, Error::queue_absent, Error::queue_too_small}},
        {"queue_does_not_get_ready",
         [](Interceptor&, sim::MmioDevice& d) { d.refuse_queue_ready(); },
         {Error::queue_not_accepted, Error::timed_out},
         false,
         modern},
        {"queue_ready_is_two",
         read_as(0x044, 2),
         {Error::queue_in_use, Error::queue_not_accepted, Error::queue_survived_reset},
         false,
         modern},
        {"queue_is_in_use", read_as(0x044, 1), {Error::queue_in_use, Error::queue_survived_reset}, false, modern},
        {"legacy_page_number_is_another",
         change(0x040, [](std::uint32_t v) { return v + 1; }),
         {Error::queue_in_use, Error::queue_not_accepted, Error::queue_survived_reset},
         false,
         legacy},
        {"notifications_are_lost", lose_writes([](std::uint32_t at) { return at == 0x050; }), {Error::timed_out}},
        {"all_writes_are_lost",
         lose_all_writes(),
         {Error::status_not_kept, Error::timed_out, Error::reset_timed_out, Error::features_refused,
          Error::queue_not_accepted, Error::feature_required_not_offered, Error::nothing_offered, Error::reset_needed,
          Error::queue_absent},
         true},
        {"identity_changes",
         [](Interceptor& interceptor, sim::MmioDevice&) {
             interceptor.change_read = [](std::uint32_t at, std::uint32_t value) {
                 return at < 0x010 ? ~value : value;
             };
         },
         {Error::not_virtio, Error::version_unknown, Error::wrong_device_type}},
        {"all_reads_are_random", read_all_at_random(), any_reason(), true},
        {"all_reads_alternate_with_zero", alternate_all_with_zero(), any_reason(), true},
        {"interrupts_are_asserted_for_ever", read_as(0x060, 0xffffffff), {}},
    };
}

class EveryRegisterFault : public testing::TestWithParam<DiskKind> {};

TEST_P(EveryRegisterFault, FromEveryAccessOn) {
    bool const legacy = GetParam().version == sim::MmioVersion::legacy;
    EXPECT_GE((RegisterMatrix<MmioMachine>{GetParam(), faults(GetParam())}.run()), legacy ? 2400u : 3200u);
}

INSTANTIATE_TEST_SUITE_P(Every, EveryRegisterFault,
                         testing::Values(DiskKind{"Modern", sim::MmioVersion::modern, false, false},
                                         DiskKind{"ModernPacked", sim::MmioVersion::modern, true, false},
                                         DiskKind{"ModernInOrder", sim::MmioVersion::modern, false, true},
                                         DiskKind{"Legacy", sim::MmioVersion::legacy, false, false}),
                         [](auto const& of) { return std::string{of.param.name}; });

}  // namespace
}  // namespace virtq::test
