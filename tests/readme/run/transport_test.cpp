// SPDX-License-Identifier: MIT
#include "machine.hpp"

#include <cstdint>

/// The example of transport/README.md: a register space of one's own.
namespace virtq::readme {
namespace {

#include <blocks/transport/README/add_a_transport.inc>

/// Two registers in place of a slot: the offset, and the register that is there.
class MailboxMachine final : public Machine {
public:
    MailboxMachine() : Machine({}), device(memory, disk) {}

    [[nodiscard]] std::uintptr_t map_uncached(std::uint64_t physical, std::uint64_t) override {
        return static_cast<std::uintptr_t>(physical);
    }
    [[nodiscard]] std::uint32_t load(std::uintptr_t address, unsigned bytes) override {
        EXPECT_EQ(address, base + 4);
        std::uint32_t const value = device.read(offset_, bytes);
        after_access();
        return value;
    }
    void store(std::uintptr_t address, std::uint32_t value, unsigned bytes) override {
        if (address == base) {
            offset_ = static_cast<std::uint16_t>(value);
            return;
        }
        device.write(offset_, value, bytes);
        after_access();
    }
    void break_down() override { device.need_reset(); }

    static constexpr std::uintptr_t base = 0x10000000;

private:
    std::size_t step_device() override { return device.step(); }
    [[nodiscard]] bool line() const override { return device.interrupt_line(); }

    std::uint16_t offset_ = 0;

public:
    sim::MmioDevice device;
};

TEST(TransportGuide, MailboxReachesDisk) {
    MailboxMachine machine;
    MachinePages pages;
    MmioTransport<MailboxSpace> transport;
    BlockDevice<MmioTransport<MailboxSpace>, 64> disk;
    ASSERT_TRUE(transport.probe(MailboxSpace{MmioSpace{MailboxMachine::base}}).ok());
    ASSERT_TRUE(disk.init(transport, pages).ok());
    sim::Buffer const data = machine.buffer(512);
    EXPECT_TRUE(disk.read(1, Machine::segment(data), PollLimit{1000}).ok());
    EXPECT_TRUE(machine.holds(data, 1));
    EXPECT_TRUE(disk.release(pages).ok());
}

}  // namespace
}  // namespace virtq::readme
