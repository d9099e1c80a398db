// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <sim/console_device.hpp>
#include <sim/entropy_device.hpp>

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

/// The README's console and random bytes.
namespace bytes {
#include <blocks/README/a_console_and_random_bytes.inc>

std::function<void()> yield;
void kernel_yield() {
    yield();
}
}  // namespace bytes

/// The example of `ConsoleDevice`.
namespace virtq::readme {
namespace {

TEST(HeaderExampleConsole, ConsoleDevice) {
    sim::ViolationLog log;
    sim::ConsoleDevice host{log};
    MmioMachine machine({.instead = &host});
    MachinePages pages;
    MmioTransport<> transport;
    auto const registers = machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, 0);
    ASSERT_TRUE(transport.probe(MmioSpace{registers}).ok());
    uint8_t const text[] = {'h', 'e', 'l', 'l', 'o'};
#include <blocks/device/console.inc>
    EXPECT_TRUE(up.ok()) << describe(up.error());
    EXPECT_EQ(*taken, 5u);
    machine.device.step();
    EXPECT_EQ(host.printed(0), "hello");
    EXPECT_TRUE(console.release(pages).ok());
    EXPECT_TRUE(log.empty()) << log;
}

void probe(AnyTransport<>& transport) {
    ASSERT_TRUE(
        transport.probe_mmio(MmioSpace{MmioMachine::slots + MmioMachine::mapping + 7 * MmioMachine::stride}).ok());
}

TEST(ReadmeConsole, PrintsAllAndReads) {
    sim::ViolationLog log;
    sim::ConsoleDevice host{log};
    MmioMachine machine({.pace = Pace::while_asleep, .disk = {}, .instead = &host});
    MachinePages pages;
    AnyTransport<> transport;
    probe(transport);
    Status const up = bytes::console.init(transport, pages);
    ASSERT_TRUE(up.ok()) << describe(up.error());

    unsigned yields = 0;
    bytes::yield = [&] {
        ++yields;
        machine.device.step();
    };
    std::vector<std::uint8_t> text(100'000);  // more than there is room for
    std::generate(text.begin(), text.end(), [i = 0]() mutable { return static_cast<std::uint8_t>('a' + i++ % 26); });
    Status const printed = bytes::print({text.data(), text.size()});
    EXPECT_TRUE(printed.ok()) << describe(printed.error());
    EXPECT_GT(yields, 0u);
    machine.device.step();
    EXPECT_EQ(host.printed(0), std::string(text.begin(), text.end()));

    std::uint8_t keys[8] = {};
    EXPECT_EQ(bytes::read_keys(keys).value(), 0u);
    host.type(0, "ls");
    machine.device.step();
    EXPECT_EQ(bytes::read_keys(keys).value(), 2u);
    EXPECT_EQ(std::string(keys, keys + 2), "ls");

    bytes::yield = [] {};
    host.hold(0);  // the host does not read
    EXPECT_EQ(bytes::print({text.data(), text.size()}).error(), Error::timed_out);
    EXPECT_TRUE(bytes::console.release(pages).ok());
    EXPECT_TRUE(log.empty()) << log;
}

TEST(ReadmeConsole, FillsPool) {
    sim::ViolationLog log;
    sim::EntropyDevice source{log};
    MmioMachine machine({.pace = Pace::while_asleep, .disk = {}, .instead = &source});
    MachinePages pages;
    AnyTransport<> transport;
    probe(transport);
    Status const up = bytes::entropy.init(transport, pages);
    ASSERT_TRUE(up.ok()) << describe(up.error());
    bytes::yield = [&] { machine.device.step(); };
    source.answer_at_most(5);
    sim::Buffer const pool = machine.buffer(64);
    Status const filled = bytes::fill_pool(Machine::segment(pool));
    EXPECT_TRUE(filled.ok()) << describe(filled.error());
    EXPECT_EQ(std::vector<std::uint8_t>(pool.virt, pool.virt + 64), source.given());
    EXPECT_TRUE(bytes::entropy.release(pages).ok());
    EXPECT_TRUE(log.empty()) << log;
}

}  // namespace
}  // namespace virtq::readme
