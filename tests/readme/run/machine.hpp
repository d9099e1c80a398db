// SPDX-License-Identifier: MIT
#pragma once

#include <readme/run/address_space.hpp>
#include <virtq/diag/diag.hpp>
#include <virtq/virtq.hpp>

#include <sim/block_device.hpp>
#include <sim/guest_memory.hpp>
#include <sim/mmio_device.hpp>
#include <sim/pci_bus.hpp>
#include <sim/pci_device.hpp>

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <set>
#include <stdexcept>
#include <utility>

/// The machine on which the documentation's examples run, and what a kernel of one CPU has on it: pages, mappings,
/// interrupts that can be masked, and a sleep that only an interrupt ends. There is no tick.
///
/// The device interrupts only when the driver asked for it, also the first time (§2.7.7.2).
namespace virtq::readme {

using namespace virtq::detail;

static_assert(MmioSpace::is_simulated, "the library's own mmio_space.hpp was found first: see the include path");

/// The kernel sleeps, and the device has nothing left to do: no interrupt will ever end this.
struct SleepsForEver : std::runtime_error {
    SleepsForEver() : std::runtime_error("the kernel sleeps, and nothing will interrupt") {}
};

/// What `kernel_panic` of an example does.
struct Panic : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// When the device works.
enum class Pace : std::uint8_t {
    while_asleep,    ///< only while the kernel sleeps: a slow disk
    at_each_access,  ///< behind each access to its registers: a request is done before notify() returns, as in QEMU
    before_sleep,    ///< when the kernel goes to sleep, a moment before it does: the race that loses a wake-up
};

struct Setup {
    Pace pace = Pace::at_each_access;
    sim::BlockOptions disk{};
    sim::DeviceBackend* instead = nullptr;  ///< a device of another type
    /// Makes one that also reads memory that no chain has.
    std::function<sim::DeviceBackend&(sim::GuestMemory& memory)> make{};
    std::uint64_t memory_base = sim::GuestMemory::default_phys_base;
};

class Machine : public AddressSpace {
public:
    using Handler = std::function<void(unsigned number)>;

    [[nodiscard]] static Machine& current() { return static_cast<Machine&>(AddressSpace::current()); }

    explicit Machine(Setup const& setup)
        : pace_(setup.pace),
          memory(sim::GuestMemory::default_bytes, setup.memory_base),
          disk(memory.violations(), setup.disk) {}
    ~Machine() override {
        EXPECT_EQ(memory.pages_outstanding(), 0u);
        EXPECT_TRUE(memory.violations().empty()) << memory.violations();
    }

    // The kernel's pages and mappings.

    [[nodiscard]] std::uint64_t allocate(std::size_t pages) {
        Pages const run = memory.allocate_pages(pages);
        return run.virt == nullptr ? 0 : run.phys.value;
    }
    void free(std::uint64_t physical, std::size_t pages) {
        memory.free_pages(Pages{direct_map(physical), PhysAddr{physical}, pages});
    }
    [[nodiscard]] void* direct_map(std::uint64_t physical) const { return memory.virt(PhysAddr{physical}, 1); }
    [[nodiscard]] virtual std::uintptr_t map_uncached(std::uint64_t physical, std::uint64_t bytes) = 0;

    // The kernel's interrupts.

    /// Called with the number of the message, or 0 for the line, and with interrupts masked.
    void listen(Handler handler) { handler_ = std::move(handler); }
    [[nodiscard]] std::uint64_t mask_interrupts() { return std::exchange(masked_, std::uint64_t{1}); }
    void restore_interrupts(std::uint64_t before) {
        masked_ = before;
        deliver();
    }
    [[nodiscard]] bool are_masked() const { return masked_ != 0; }

    /// Lets interrupts in until a handler has run.
    void sleep_until_interrupt() {
        if (pace_ == Pace::before_sleep) {
            work();
        }
        ++sleeps;
        std::uint64_t const before = std::exchange(masked_, std::uint64_t{0});
        wait_for([this] { return deliver(); });
        masked_ = before;
    }
    /// Lets the device work until `has_come`; fails if it has nothing to do.
    template <class HasCome>
    void wait_for(HasCome has_come) {
        for (std::size_t i = 0; !has_come(); ++i) {
            if (i == steps_of_an_idle_device) {
                throw SleepsForEver();
            }
            static_cast<void>(step_device());
        }
    }

    // For tests.

    sim::Buffer buffer(std::size_t bytes) { return memory.allocate_buffer(bytes, 512); }
    [[nodiscard]] static Segment segment(sim::Buffer const& buffer) {
        return {buffer.phys, static_cast<std::uint32_t>(buffer.bytes)};
    }
    [[nodiscard]] bool holds(sim::Buffer const& buffer, std::uint64_t sector) {
        return std::memcmp(buffer.virt, disk.current().data() + sector * 512, buffer.bytes) == 0;
    }
    /// The device breaks down (§2.1.2), and interrupts to say so.
    virtual void break_down() = 0;

protected:
    static constexpr std::size_t steps_of_an_idle_device = 1000;
    static constexpr unsigned interrupts_of_a_storm = 1000;

    virtual std::size_t step_device() = 0;
    /// Whether the device drives its line.
    [[nodiscard]] virtual bool line() const = 0;

    void take_message(unsigned number) { messages_.insert(number); }
    void after_access() {
        if (pace_ == Pace::at_each_access && !working_) {
            work();
        }
    }

private:
    void work() {
        working_ = true;
        static_cast<void>(step_device());
        working_ = false;
        deliver();
    }

    /// Runs the handler for all that waits, unless interrupts are masked. Returns whether it ran.
    bool deliver() {
        bool ran = false;
        for (unsigned count = 0; masked_ == 0 && handler_ && (line() || !messages_.empty()); ++count) {
            if (count == interrupts_of_a_storm) {
                throw std::runtime_error("the handler does not acknowledge: an interrupt storm");
            }
            unsigned number = 0;
            if (!messages_.empty()) {
                number = *messages_.begin();
                messages_.erase(messages_.begin());
            }
            masked_ = 1;
            handler_(number);
            masked_ = 0;
            ran = true;
        }
        return ran;
    }

    Pace pace_;
    Handler handler_;
    std::uint64_t masked_ = 0;
    std::set<unsigned> messages_;  ///< a message that waits already is not sent twice, as in an APIC
    bool working_ = false;

public:
    std::size_t sleeps = 0;
    sim::GuestMemory memory;
    sim::BlockDevice disk;
};

/// QEMU's riscv64 `virt`: eight virtio-mmio slots, one of them with a device.
class MmioMachine final : public Machine {
public:
    static constexpr std::uint64_t slots = 0x10001000;
    static constexpr std::uint64_t stride = 0x1000;
    static constexpr std::uint64_t count = 8;
    static constexpr std::uint64_t mapping = 0x50000000;  ///< from a physical address to a virtual one

    explicit MmioMachine(Setup const& setup = {}, std::uint64_t slot = count - 1,
                         sim::MmioVersion version = sim::MmioVersion::modern)
        : Machine(setup), device(memory, backend(setup), version), slot_(slot) {}

    [[nodiscard]] std::uintptr_t map_uncached(std::uint64_t physical, std::uint64_t) override {
        return static_cast<std::uintptr_t>(physical + mapping);
    }
    [[nodiscard]] std::uint32_t load(std::uintptr_t address, unsigned bytes) override {
        if (slot_of(address) != slot_) {  // §4.2.3.1.1: a slot without a device has the device ID 0
            return address % stride == 0 ? 0x74726976 : address % stride == 4 ? 2 : 0;
        }
        std::uint32_t const value = device.read(static_cast<std::uint16_t>(address % stride), bytes);
        after_access();
        return value;
    }
    void store(std::uintptr_t address, std::uint32_t value, unsigned bytes) override {
        if (slot_of(address) != slot_) {
            throw std::runtime_error("a write to a slot without a device");
        }
        device.write(static_cast<std::uint16_t>(address % stride), value, bytes);
        after_access();
    }
    void break_down() override { device.need_reset(); }

private:
    [[nodiscard]] sim::DeviceBackend& backend(Setup const& setup) {
        return setup.make ? setup.make(memory) : setup.instead != nullptr ? *setup.instead : disk;
    }
    std::size_t step_device() override { return device.step(); }
    [[nodiscard]] bool line() const override { return device.interrupt_line(); }

    [[nodiscard]] static std::uint64_t slot_of(std::uintptr_t address) {
        std::uint64_t const offset = address - (slots + mapping);
        if (offset >= stride * count) {
            throw std::runtime_error("an access outside of the slots: this machine traps");
        }
        return offset / stride;
    }

public:
    sim::MmioDevice device;

private:
    std::uint64_t slot_;
};

/// A PC with a disk at 0:3.0, whose configuration space is mapped at `ecam`.
class PciMachine final : public Machine {
public:
    static constexpr std::uintptr_t ecam = 0x60000000;
    static constexpr std::uintptr_t ecam_bytes = std::uintptr_t{1} << 20;  ///< bus 0

    explicit PciMachine(Setup const& setup = {}, sim::PciLayout const& layout = sim::PciLayout::modern(),
                        bool is_plugged = true)
        : Machine(setup), bus(memory.violations()), device(memory, disk, layout) {
        if (is_plugged) {
            bus.add(sim::PciSlot{0, 3, 0}, device);
        }
        bus.assign();
        device.on_message([this](sim::MsixMessage const& message) { take_message(message.vector); });
    }

    [[nodiscard]] std::uintptr_t map_uncached(std::uint64_t physical, std::uint64_t bytes) override {
        return bus.map_device_memory(PhysAddr{physical}, bytes);
    }
    [[nodiscard]] std::uint32_t load(std::uintptr_t address, unsigned bytes) override {
        if (address - ecam >= ecam_bytes) {
            std::uint32_t const value = bus.load(address, bytes);
            after_access();
            return value;
        }
        sim::PciSlot const where = function_of(address);
        auto const offset = static_cast<std::uint16_t>(address % 4096);
        return bytes == 1   ? bus.read8(where, offset)
               : bytes == 2 ? bus.read16(where, offset)
                            : bus.read32(where, offset);
    }
    void store(std::uintptr_t address, std::uint32_t value, unsigned bytes) override {
        if (address - ecam >= ecam_bytes) {
            bus.store(address, value, bytes);
            return after_access();
        }
        sim::PciSlot const where = function_of(address);
        auto const offset = static_cast<std::uint16_t>(address % 4096);
        switch (bytes) {
            case 1: return bus.write8(where, offset, static_cast<std::uint8_t>(value));
            case 2: return bus.write16(where, offset, static_cast<std::uint16_t>(value));
            default: return bus.write32(where, offset, value);
        }
    }
    void break_down() override { device.need_reset(); }

private:
    std::size_t step_device() override { return device.step(); }
    [[nodiscard]] bool line() const override { return device.interrupt_line(); }

    [[nodiscard]] static sim::PciSlot function_of(std::uintptr_t address) {
        auto const frame = static_cast<unsigned>((address - ecam) >> 12);
        return {static_cast<std::uint8_t>(frame >> 8), static_cast<std::uint8_t>(frame >> 3 & 31),
                static_cast<std::uint8_t>(frame & 7)};
    }

public:
    sim::PciBus bus;
    sim::PciDevice device;
};

/// A kernel's page allocator over the machine that exists.
struct MachinePages {
    [[nodiscard]] Pages allocate_pages(std::size_t count) { return Machine::current().memory.allocate_pages(count); }
    void free_pages(Pages pages) { Machine::current().memory.free_pages(pages); }
    [[nodiscard]] PhysAddr phys_addr(void const* virt) { return Machine::current().memory.phys_addr(virt); }
};

/// Maps the BARs of the machine that exists.
struct MachineDevices {
    [[nodiscard]] std::uintptr_t map_device_memory(PhysAddr address, std::uint64_t bytes) {
        return Machine::current().map_uncached(address.value, bytes);
    }
    [[nodiscard]] std::uintptr_t map_device_ports(std::uint32_t, std::uint32_t) { return 0; }
};

}  // namespace virtq::readme
