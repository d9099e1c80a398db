// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>

#include <diag/queue_machine.hpp>
#include <transport/pci_machine.hpp>

#include <cstddef>
#include <cstdint>
#include <vector>

/// What `diagnose` says of a disk on PCI.
namespace virtq::test {
namespace {

/// A kernel that gives the mappings of the first device again for those of the next.
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

TEST(DiagnosisOnPci, SeesTwoDevicesMappedAtOneAddress) {
    PciDiskMachine<> machine;
    machine.hostile = true;
    sim::BlockDevice other_disk{machine.memory.violations(), {}};
    sim::PciDevice other_device{machine.memory, other_disk};
    machine.bus.add(PciAddress{0, 4, 0}, other_device);
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
    ASSERT_TRUE(other_driver.init(other_transport, machine.pages, {.reset_looks = Looks{100}}).ok());
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::queue_elsewhere) << explained(found);
    EXPECT_EQ(found.first().value, other_driver.ring(0).addresses().descriptor_area.value);
    EXPECT_NE(flattened(found).find("map_device_memory()"), std::string::npos) << explained(found);
    EXPECT_TRUE(other_driver.release(machine.pages, Looks{100}).ok());
}

}  // namespace
}  // namespace virtq::test
