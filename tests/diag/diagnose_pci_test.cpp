// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>

#include <diag/queue_machine.hpp>
#include <transport/config_bytes.hpp>
#include <transport/pci_machine.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

/// What `diagnose` reports for a disk on PCI.
namespace virtq::test {

using namespace virtq::detail;

namespace {

/// A mapper that hands out the mappings of the first device again for the second one.
class ForgetfulMapper {
public:
    explicit ForgetfulMapper(sim::PciBus& bus) : bus_(bus) {}

    std::uintptr_t map_device_memory(PhysAddr address, std::uint64_t bytes) {
        if (next_ == places_.size()) {
            places_.push_back(bus_.map_device_memory(address, bytes));
        }
        return places_[next_++];
    }
    std::uintptr_t map_device_ports(std::uint32_t port, std::uint32_t bytes) {
        return bus_.map_device_ports(port, bytes);
    }
    void begin_again() { next_ = 0; }

private:
    sim::PciBus& bus_;
    std::vector<std::uintptr_t> places_;
    std::size_t next_ = 0;
};

TEST(DiagnosisOnPci, DetectsTwoDevicesAtOneAddress) {
    std::optional<sim::BlockDevice> other_disk;  // both outlive the bus of the machine
    std::optional<sim::PciDevice> other_device;
    PciDiskMachine<> machine;
    machine.hostile = true;
    other_disk.emplace(machine.memory.violations());
    other_device.emplace(machine.memory, *other_disk);
    machine.bus.add(PciAddress{0, 4, 0}, *other_device);
    machine.bus.assign();
    ForgetfulMapper mapper{machine.bus};
    ASSERT_TRUE(machine.transport.probe(machine.function, mapper).ok());
    machine.bring_up();
    machine.expect_works();
    EXPECT_TRUE(diagnose(machine.driver).is_healthy());

    Modern other_transport;
    BlockDevice<Modern, 64> other_driver;
    mapper.begin_again();
    ASSERT_TRUE(other_transport.probe(Function{machine.bus, {0, 4, 0}}, mapper).ok());
    ASSERT_TRUE(other_driver.init(other_transport, machine.pages, {.reset_limit = PollLimit{100}}).ok());
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::queue_elsewhere) << explained(found);
    EXPECT_EQ(found.first().value, other_driver.ring(0).addresses().descriptor_area.value);
    EXPECT_NE(flattened(found).find("map_device_memory()"), std::string::npos) << explained(found);
    EXPECT_TRUE(other_driver.release(machine.pages, PollLimit{100}).ok());
}

TEST(DiagnosisOnPci, ReadsNoAddressesOfDisabledQueues) {
    PciDiskMachine<> machine;
    machine.bring_up();
    Diagnosis const found = diagnose(machine.transport, 1, machine.driver.ring(0), {});
    EXPECT_FALSE(found.device.configured.has_value());
    Modern other;
    EXPECT_EQ(diagnose(other, 0, machine.driver.ring(0), {}).cause(), Cause::transport_not_probed);
}

constexpr MsiMessage messages[] = {{0xfee00000, 0x40}, {0xfee00000, 0x41}};

/// A disk whose kernel waits for an interrupt, although an answer is there.
template <class T = Modern>
struct Sleeper : PciDiskMachine<T, 256> {
    explicit Sleeper(std::uint16_t vectors = 0, std::uint8_t pin = 1)
        : PciDiskMachine<T, 256>({.layout = layout(vectors, pin)}) {
        EXPECT_TRUE(this->probe().ok());
    }
    static sim::PciLayout layout(std::uint16_t vectors, std::uint8_t pin) {
        sim::PciLayout layout = SameAs<T, Modern> ? sim::PciLayout::modern() : sim::PciLayout::legacy();
        layout.msix_vectors = vectors;
        layout.interrupt_pin = pin;
        return layout;
    }
    void use_vectors() { ASSERT_TRUE(use_msix(this->transport, this->function, this->bus, messages).ok()); }
    void submit() {
        Segment const data[] = {this->segment(this->buffer(512))};
        ASSERT_TRUE(this->driver.submit_read(0, data, Token{1}).ok());
        this->driver.kick_device();
        for (int i = 0; i < 10; ++i) {
            this->device.step();
        }
    }
    void wait() {
        this->bring_up();
        ASSERT_EQ(this->driver.enable_used_notifications(), MaySleep::yes);
        submit();
    }
    void take() {
        static_cast<void>(this->driver.for_each_completed([](BlockCompletion) {}));
    }
    /// The diagnosis for a kernel that also passes the state of the function.
    [[nodiscard]] Diagnosis look() {
        return diagnose(this->driver, {.pci = take_pci_interrupt_state(this->function)});
    }
    void poke_command(std::uint16_t set) {
        this->bus.write16(this->function.address(), wire::command, static_cast<std::uint16_t>(this->command() | set));
    }
    void poke_control(std::uint16_t set, std::uint16_t clear) {
        auto const at = static_cast<std::uint16_t>(this->device.capabilities().find_id(wire::capability_msix)->offset +
                                                   wire::msix_control);
        auto const before = this->bus.read16(this->function.address(), at);
        this->bus.write16(this->function.address(), at, static_cast<std::uint16_t>((before & ~clear) | set));
    }
};

template <class T>
class DiagnosisOfInterrupts : public testing::Test {};
using Kinds = testing::Types<Modern, LegacyPorts>;
TYPED_TEST_SUITE(DiagnosisOfInterrupts, Kinds);

TYPED_TEST(DiagnosisOfInterrupts, ReportsAnUncalledLineHandler) {
    Sleeper<TypeParam> machine;
    machine.wait();
    ASSERT_TRUE(machine.device.interrupt_line());
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::line_handler_never_called) << explained(found);
    EXPECT_NE(flattened(found).find("PCI devices share lines"), std::string::npos) << explained(found);
    EXPECT_NE(flattened(found).find("Its pin is 1, its line register reads 11."), std::string::npos)
        << explained(found);
    EXPECT_TRUE(machine.device.interrupt_line());  // the diagnosis does not acknowledge it
    // After a call of the handler the cause is another one.
    ASSERT_TRUE(machine.transport.on_interrupt().used_buffer);
    Diagnosis const then = diagnose(machine.driver);
    EXPECT_EQ(then.cause(), Cause::completions_not_taken);
    EXPECT_NE(flattened(then).find("called on_interrupt() 1 time(s)."), std::string::npos) << explained(then);
    machine.take();
}

TYPED_TEST(DiagnosisOfInterrupts, ReportsAnUncalledVectorHandler) {
    Sleeper<TypeParam> machine(2);
    machine.use_vectors();
    machine.wait();
    ASSERT_EQ(machine.device.messages().size(), 1u);
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::vector_handler_never_called) << explained(found);
    EXPECT_NE(flattened(found).find("The queue's vector is 1."), std::string::npos) << explained(found);
    ASSERT_TRUE(machine.transport.on_vector(1).used_buffer);
    Diagnosis const then = machine.look();
    EXPECT_EQ(then.cause(), Cause::completions_not_taken);
    EXPECT_NE(flattened(then).find("called on_vector() 1 time(s)."), std::string::npos) << explained(then);
    machine.take();
}

TYPED_TEST(DiagnosisOfInterrupts, DetectsTheWrongHandler) {
    {
        Sleeper<TypeParam> machine(2);
        machine.use_vectors();
        machine.wait();
        ASSERT_FALSE(machine.transport.on_interrupt().used_buffer);
        EXPECT_EQ(diagnose(machine.driver).cause(), Cause::other_handler_called);
        machine.take();
    }
    Sleeper<TypeParam> machine;
    machine.wait();
    static_cast<void>(machine.transport.on_vector(1));
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::other_handler_called);
    machine.take();
}

TYPED_TEST(DiagnosisOfInterrupts, DetectsAMissingInterruptPin) {
    Sleeper<TypeParam> machine(0, 0);
    machine.wait();
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::interrupt_pin_missing) << explained(found);
    machine.take();
}

TYPED_TEST(DiagnosisOfInterrupts, DetectsADisabledLine) {
    Sleeper<TypeParam> machine;
    machine.wait();
    EXPECT_EQ(machine.look().cause(), Cause::line_handler_never_called);
    machine.poke_command(wire::command_intx_disable);
    Diagnosis const found = machine.look();
    EXPECT_EQ(found.cause(), Cause::intx_disabled) << explained(found);
    EXPECT_TRUE(names(found, Cause::line_handler_never_called)) << explained(found);
    machine.take();
}

TYPED_TEST(DiagnosisOfInterrupts, DetectsDisabledOrMaskedMsix) {
    Sleeper<TypeParam> machine(2);
    machine.use_vectors();
    machine.wait();
    machine.poke_control(spec::pci::msix::control_function_mask, 0);
    EXPECT_EQ(machine.look().cause(), Cause::msix_masked) << explained(machine.look());
    if (SameAs<TypeParam, Modern>) {  // a legacy device without MSI-X has no register for the vector
        machine.poke_control(0, spec::pci::msix::control_enable);
        EXPECT_EQ(machine.look().cause(), Cause::msix_off) << explained(machine.look());
        machine.poke_control(spec::pci::msix::control_enable, spec::pci::msix::control_function_mask);
    }
    machine.take();
}

TEST(DiagnosisOfVectors, DetectsMsixUnknownToTheTransport) {
    Sleeper<> machine(2);
    machine.wait();
    machine.poke_control(spec::pci::msix::control_enable, 0);
    EXPECT_EQ(machine.look().cause(), Cause::msix_on_untold) << explained(machine.look());
    machine.take();
}

TEST(DiagnosisOfVectors, DetectsAQueueWithoutAVector) {
    Sleeper<> machine(2);
    machine.use_vectors();
    machine.hostile = true;
    machine.wait();
    std::uint64_t const common = machine.bus.mappings()[0].address;
    sim::BarSpace const registers{machine.bus.map_device_memory(PhysAddr{common}, 0x38)};
    sim::BarSpace writable = registers;
    writable.write16(spec::pci::common::queue_select.offset, 0);
    writable.write16(spec::pci::common::queue_msix_vector.offset, spec::pci::no_vector);
    EXPECT_EQ(diagnose(machine.driver).cause(), Cause::queue_without_vector);
    machine.take();
}

TEST(DiagnosisOfVectors, SurvivesABrokenCapabilityList) {
    ConfigBytes config;
    PciFunction<ConfigBytes> const function{config, {}};
    config.put(spec::pci::status.offset, spec::pci::status_capabilities, 2);
    config.put(spec::pci::capabilities_pointer.offset, 0x40, 1);
    config.put(0x41, 0x40, 1);  // to itself
    PciInterruptState const seen = take_pci_interrupt_state(function);
    EXPECT_TRUE(seen.is_known);
    EXPECT_EQ(seen.msix_control, 0u);
    config.put(spec::pci::status.offset, 0, 2);
    EXPECT_EQ(take_pci_interrupt_state(function).msix_control, 0u);
}

}  // namespace
}  // namespace virtq::test
