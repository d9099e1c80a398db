// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <cstdint>
#include <string>

/// The README's block for a disk that hangs.
namespace when_it_hangs {
#include <blocks/README/when_it_hangs.inc>

std::string printed;

void kernel_serial_put(char character) {
    printed += character;
}
}  // namespace when_it_hangs

namespace virtq::readme {
namespace {

/// What is printed of a disk with a read that was submitted and never started.
std::string printed_on_machine_with_memory_at(std::uint64_t base) {
    MmioMachine machine({.pace = Pace::while_asleep, .disk = {}, .memory_base = base});
    MachinePages pages;
    MmioTransport<> transport;
    BlockDevice<MmioTransport<>, 256> disk;
    auto const registers = machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, MmioMachine::stride);
    EXPECT_TRUE(transport.probe(MmioSpace{registers}).ok());
    EXPECT_TRUE(disk.init(transport, pages).ok());
    sim::Buffer const buffer = machine.buffer(512);
    Segment const data[] = {Machine::segment(buffer)};
    EXPECT_TRUE(disk.submit_read(0, data, Token{}).ok());
    when_it_hangs::printed.clear();
    when_it_hangs::why(disk);
    EXPECT_TRUE(disk.release(pages).ok());
    return when_it_hangs::printed;
}

TEST(WhenItHangs, SaysWhy) {
    std::string const printed = printed_on_machine_with_memory_at(0x80000000);
    EXPECT_NE(printed.find("=> Chains were added and not published since"), std::string::npos) << printed;
}

TEST(WhenItHangs, FindsAddressOutsideMemoryMap) {
    std::string const printed = printed_on_machine_with_memory_at(0x1'4000'0000);
    EXPECT_NE(printed.find("outside the given memory map"), std::string::npos) << printed;
}

TEST(HeaderExample, Diagnose) {
    MmioMachine machine;
    MachinePages pages;
    MmioTransport<> transport;
    BlockDevice<MmioTransport<>, 256> disk;
    auto const registers = machine.map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, MmioMachine::stride);
    ASSERT_TRUE(transport.probe(MmioSpace{registers}).ok());
    ASSERT_TRUE(disk.init(transport, pages).ok());
    std::string printed;
    auto const kernel_serial_put = [&](char character) { printed += character; };
#include <blocks/diag/diagnose.inc>
    EXPECT_FALSE(record.diagnosis.findings().empty());
    EXPECT_NE(printed.find("=> "), std::string::npos) << printed;
    EXPECT_TRUE(disk.release(pages).ok());
}

}  // namespace
}  // namespace virtq::readme
