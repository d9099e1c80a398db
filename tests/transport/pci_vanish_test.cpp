// SPDX-License-Identifier: MIT
#include <transport/pci_machine.hpp>

#include <cstddef>
#include <cstdint>

/// At some access the device is unplugged, or its memory space is disabled: it reads as all ones from then on. Each
/// step must end in bounded time, with a named error and without a leak.
namespace virtq::test {

using namespace virtq::detail;

namespace {

template <class T>
class PciVanish : public testing::Test {
protected:
    static sim::PciLayout layout() {
        if constexpr (SameAs<T, LegacyMemory>) {
            return legacy_in_memory();
        } else if constexpr (SameAs<T, LegacyPorts>) {
            return sim::PciLayout::legacy();
        } else {
            return sim::PciLayout::transitional();
        }
    }

    /// Runs all steps from the probe to the release. Returns the first error.
    static Error run(PciDiskMachine<T, 256>& machine, bool with_msix) {
        MsiMessage const messages[] = {{0xfee0'0000, 0x30}, {0xfee0'1000, 0x31}};
        if (Status const found = machine.probe(); !found) {
            EXPECT_EQ(machine.transport.device_id(), spec::DeviceId::none);
            EXPECT_EQ(machine.init().error(), Error::transport_not_probed);
            return found.error();
        }
        if constexpr (!SameAs<T, Window>) {
            if (with_msix) {
                if (auto const count = use_msix(machine.transport, machine.function, machine.bus, messages); !count) {
                    return count.error();
                }
            }
        }
        if (Status const up = machine.init({.reset_limit = PollLimit{20}}); !up) {
            return up.error();
        }
        sim::Buffer const data = machine.buffer(512);
        if (Status const read = machine.driver.read(0, machine.segment(data), PollLimit{20}, machine.stepping());
            !read) {
            EXPECT_EQ(machine.driver.reset([](BlockCompletion const&) {}).error(), Error::device_gone);
            return read.error();
        }
        machine.transport.on_interrupt();  // the result may be ignored (faults C8)
        static_cast<void>(machine.driver.on_config_change());
        if (Status const alive = machine.driver.check_alive(); !alive) {
            return alive.error();
        }
        return Error::none;
    }

    static void vanish_at_each_access(bool with_msix) {
        std::size_t total = 0;
        {
            PciDiskMachine<T, 256> machine({.layout = layout()});
            std::size_t const before = machine.device.config_accesses() + machine.device.bar_accesses();
            ASSERT_EQ(run(machine, with_msix), Error::none);
            total = machine.device.config_accesses() + machine.device.bar_accesses() - before;
        }
        ASSERT_GT(total, 50u);
        std::size_t by_name[256] = {};
        for (std::size_t n = 0; n < total; ++n) {
            PciDiskMachine<T, 256> machine({.layout = layout()});
            machine.hostile = true;  // the simulated device still owns the memory
            std::size_t const before = machine.device.config_accesses() + machine.device.bar_accesses();
            machine.device.vanish_at(n);
            Error const error = run(machine, with_msix);
            ++by_name[static_cast<std::size_t>(error)];
            EXPECT_NE(error, Error::none) << "at access " << n;
            EXPECT_STRNE(describe(error), "Unknown.");
            // Before the driver reaches the registers, any named error is right.
            EXPECT_LT(machine.device.config_accesses() + machine.device.bar_accesses() - before, total + 200)
                << "at access " << n;
            EXPECT_TRUE(machine.driver.release(machine.pages, PollLimit{10}).ok());
            EXPECT_EQ(machine.pages.outstanding(), 0u) << "at access " << n << ": " << describe(error);
            EXPECT_FALSE(machine.memory.violations().contains("S-4.1.1-mapping"));
        }
        // Once it has reached the registers, the error is device_gone, even in the middle of the initialisation.
        EXPECT_GT(by_name[static_cast<std::size_t>(Error::device_gone)], 20u);
        EXPECT_EQ(by_name[static_cast<std::size_t>(Error::queue_in_use)], 0u);
        EXPECT_EQ(by_name[static_cast<std::size_t>(Error::features_refused)], 0u);
        EXPECT_EQ(by_name[static_cast<std::size_t>(Error::feature_required_not_offered)], 0u);
        EXPECT_EQ(by_name[static_cast<std::size_t>(Error::timed_out)], 0u);
        EXPECT_EQ(by_name[static_cast<std::size_t>(Error::vector_refused)], 0u);
    }
};

using VanishingKinds = testing::Types<Modern, LegacyPorts, LegacyMemory, Window, Any>;
TYPED_TEST_SUITE(PciVanish, VanishingKinds);

TYPED_TEST(PciVanish, EndsAtEachAccess) {
    this->vanish_at_each_access(false);
}

TYPED_TEST(PciVanish, EndsAtEachAccessWithMsix) {
    if constexpr (!SameAs<TypeParam, Window>) {  // its table cannot be mapped
        this->vanish_at_each_access(true);
    }
}

TYPED_TEST(PciVanish, RecoversAfterwards) {
    PciDiskMachine<TypeParam, 256> machine({.layout = this->layout()});
    machine.bring_up();
    machine.device.vanish();
    sim::Buffer const data = machine.buffer(512);
    EXPECT_EQ(machine.driver.read(0, machine.segment(data), PollLimit{10}).error(), Error::device_gone);
    machine.device.vanish(false);
    ASSERT_TRUE(machine.driver.reset([](BlockCompletion const&) {}).ok());
    machine.expect_works();
}

}  // namespace
}  // namespace virtq::test
