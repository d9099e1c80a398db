// SPDX-License-Identifier: MIT
#include <virtq/diag/diag.hpp>

#include <diag/queue_machine.hpp>
#include <transport/pci_machine.hpp>

/// On PCI a device reports the queue addresses that it uses (§4.1.4.3).
namespace virtq::test {
namespace {

using ModernDisk = PciDiskMachine<>;

TEST(DiagnosisOnPci, FindsNothingOnAWorkingDisk) {
    ModernDisk machine;
    machine.bring_up();
    machine.expect_works();
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_TRUE(found.is_healthy()) << explained(found);
    EXPECT_TRUE(found.device.configured.has_value());
}

// Two static transports and disks for one function, or two disks whose BARs are at one address.
TEST(DiagnosisOnPci, DetectsASecondDriver) {
    PciDiskMachine<Any> machine;
    machine.bring_up();
    machine.expect_works();
    Any second_transport;
    ASSERT_TRUE(second_transport.probe_pci(machine.function, machine.bus).ok());
    BlockDevice<Any, 64> second;
    ASSERT_TRUE(second.init(second_transport, machine.pages, {.reset_limit = PollLimit{100}}).ok());
    Diagnosis const found = diagnose(machine.driver);
    EXPECT_EQ(found.cause(), Cause::queue_elsewhere) << explained(found);
    EXPECT_EQ(found.first().value, second.ring(0).addresses().descriptor_area.value);
    EXPECT_EQ(found.first().expected, machine.driver.ring(0).addresses().descriptor_area.value);
    EXPECT_NE(flattened(found).find("one PciWindow"), std::string::npos) << explained(found);
    EXPECT_TRUE(diagnose(second).is_healthy()) << explained(diagnose(second));
    ASSERT_TRUE(second.release(machine.pages).ok());
}

TEST(DiagnosisOnPci, DetectsOtherConfiguredAddressesOrSize) {
    ModernDisk machine;
    machine.bring_up();
    QueueAddresses const own = machine.driver.ring(0).addresses();
    struct {
        QueueAddresses told;
        Cause expected;
    } const cases[] = {
        {own, Cause::nothing_asked},
        {{own.size, own.descriptor_area, own.device_area, own.driver_area}, Cause::queue_elsewhere},
        {{own.size, own.descriptor_area, own.driver_area, PhysAddr{0x1000}}, Cause::queue_elsewhere},
        {{256, own.descriptor_area, own.driver_area, own.device_area}, Cause::queue_size_differs},
        {{own.size, PhysAddr{}, PhysAddr{}, PhysAddr{}}, Cause::nothing_asked},  // the device does not report them
    };
    for (auto const& each : cases) {
        struct : Modern {
            QueueAddresses told;
            [[nodiscard]] QueueAddresses configured_addresses(std::uint16_t) const { return told; }
        } transport;
        ASSERT_TRUE(transport.probe(machine.function, machine.bus).ok());  // a copied transport would be lost
        transport.told = each.told;
        Diagnosis const found =
            diagnose(transport, 0, machine.driver.ring(0), machine.driver.negotiation().negotiated);
        EXPECT_EQ(found.cause(), each.expected) << explained(found);
    }
}

}  // namespace
}  // namespace virtq::test
