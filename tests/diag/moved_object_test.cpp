// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>

#include <device/disk_machine.hpp>
#include <diag/queue_machine.hpp>
#include <transport/pci_machine.hpp>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

/// Objects that a kernel moves although others have stored their address.
namespace virtq::test {

using namespace virtq::detail;

namespace {

using Disk = BlockDevice<Transport, 64>;

/// The bytes of an object at another address.
template <class T>
struct Copy {
    explicit Copy(T const& original) { std::memcpy(bytes, static_cast<void const*>(&original), sizeof(T)); }
    [[nodiscard]] T& object() { return *reinterpret_cast<T*>(bytes); }

    alignas(T) std::byte bytes[sizeof(T)];
};

template <class T>
void clear(T& object) {
    std::memset(static_cast<void*>(&object), 0, sizeof(T));
}

TEST(MovedObject, IsNamedByDiagnose) {
    DiskMachine<> machine;
    machine.bring_up();
    EXPECT_TRUE(diagnose(machine.driver).is_healthy());
    Copy<Disk> copy{machine.driver};
    Diagnosis const found = diagnose(copy.object());
    EXPECT_EQ(found.cause(), Cause::driver_moved) << explained(found);
    EXPECT_EQ(found.first().value, reinterpret_cast<std::uintptr_t>(&copy.object()));
    EXPECT_EQ(found.first().expected, reinterpret_cast<std::uintptr_t>(&machine.driver));
    EXPECT_NE(explained(found).find("Found 0x"), std::string::npos) << explained(found);
}

TEST(MovedObject, AssertsInItsFirstCall) {
    DiskMachine<> machine;
    machine.bring_up();
    Copy<Disk> copy{machine.driver};
    Disk& disk = copy.object();
    Segment const data[] = {DiskMachine<>::segment(machine.buffer(512))};
    constexpr char const* rule = "not where init() left it";
    EXPECT_BREACH(disk.submit_read(0, data, Token{1}), rule);
    EXPECT_BREACH(disk.kick_device(), rule);
    EXPECT_BREACH(disk.take_completed(), rule);
    EXPECT_BREACH(disk.check_alive(), rule);
    EXPECT_BREACH(disk.read(0, data[0], patience), rule);
    EXPECT_BREACH(disk.release(machine.memory), rule);
    EXPECT_BREACH(disk.reset([](BlockCompletion) {}), rule);
}

// A copy of a disk before init() or after release() is as good as the original.
TEST(MovedObject, MayBeAnUninitialisedDisk) {
    DiskMachine<> machine;
    machine.bring_up();
    ASSERT_TRUE(machine.driver.release(machine.memory).ok());
    Copy<Disk> copy{machine.driver};
    EXPECT_EQ(copy.object().take_completed().error, Error::not_initialised);
    ASSERT_TRUE(copy.object().init(machine.transport, machine.memory, {.reset_limit = PollLimit{100}}).ok());
    EXPECT_TRUE(diagnose(copy.object()).is_healthy());
    EXPECT_TRUE(copy.object().release(machine.memory).ok());
}

template <class Machine>
void expect_lost(Machine& machine, std::uint16_t token) {
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::transport_lost) << explained(found);
    Segment const data[] = {machine.segment(machine.buffer(512))};
    ASSERT_TRUE(machine.driver.submit_read(0, data, Token{token}).ok());
    EXPECT_BREACH(machine.driver.kick_device(), "leave it where it is");
    EXPECT_BREACH(machine.driver.check_alive(), "leave it where it is");
}

/// Each call of a driver is a breach, and none reaches a register.
template <class T>
void expect_useless(T& transport) {
    constexpr char const* rule = "leave it where it is";
    EXPECT_FALSE(transport.is_probed());
    EXPECT_EQ(diagnose(transport).cause(), Cause::transport_not_probed);
    EXPECT_BREACH(transport.status(), rule);
    EXPECT_BREACH(transport.set_status(DeviceStatus{}), rule);
    EXPECT_BREACH(transport.offered_features(0), rule);
    EXPECT_BREACH(transport.accept_features(0, 0), rule);
    EXPECT_BREACH(transport.queue_size_max(0), rule);
    EXPECT_BREACH(transport.is_queue_in_use(0), rule);
    EXPECT_BREACH(transport.notify(0), rule);
    EXPECT_BREACH(transport.notify(0, 0), rule);
    EXPECT_BREACH(transport.on_interrupt(), rule);
    EXPECT_BREACH(transport.read_config8(0), rule);
    EXPECT_BREACH(transport.read_config16(0), rule);
    EXPECT_BREACH(transport.read_config32(0), rule);
    EXPECT_BREACH(transport.write_config8(0, 0), rule);
    EXPECT_BREACH(transport.write_config16(0, 0), rule);
    EXPECT_BREACH(transport.write_config32(0, 0), rule);
    if constexpr (!SameAs<T, LegacyPorts>) {  // it has no such register
        EXPECT_BREACH(transport.config_generation(), rule);
    }
}

/// A transport on the stack of a function that has returned: its memory is cleared, or overwritten.
template <class Machine>
void expect_named(Machine& machine) {
    Copy<decltype(machine.transport)> before{machine.transport};
    clear(machine.transport);
    expect_lost(machine, 1);
    expect_useless(machine.transport);
    for (int const byte : {0x01, 0x03, 0x5a, 0xff}) {
        std::memset(static_cast<void*>(&machine.transport), byte, sizeof machine.transport);
        expect_lost(machine, static_cast<std::uint16_t>(1 + byte));
        expect_useless(machine.transport);
    }
    expect_useless(before.object());  // moved: the driver has another address
    std::memcpy(static_cast<void*>(&machine.transport), before.bytes, sizeof before.bytes);
    EXPECT_TRUE(machine.driver.check_alive().ok());
    clear(machine.transport);
    EXPECT_BREACH(machine.driver.release(machine.memory), "leave it where it is");
    std::memcpy(static_cast<void*>(&machine.transport), before.bytes, sizeof before.bytes);
}

TEST(LostTransport, IsNamed) {
    DiskMachine<> mmio;
    mmio.bring_up();
    expect_named(mmio);
}

TEST(LostTransport, IsNamedOnPci) {
    {
        PciDiskMachine<> modern;
        modern.bring_up();
        expect_named(modern);
    }
    {
        PciDiskMachine<LegacyPorts, 256> legacy{{.layout = sim::PciLayout::legacy()}};
        legacy.bring_up();
        expect_named(legacy);
    }
    PciDiskMachine<Any> any;
    any.bring_up();
    expect_named(any);
}

TEST(LostTransport, SentenceNamesTheStack) {
    std::string_view const sentence = describe(Cause::transport_lost);
    EXPECT_NE(sentence.find("local variable"), std::string_view::npos) << sentence;
    EXPECT_NE(sentence.find("make it static"), std::string_view::npos) << sentence;
}

}  // namespace
}  // namespace virtq::test
