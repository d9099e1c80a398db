// SPDX-License-Identifier: MIT
#pragma once

#include "machine.hpp"

#include <cstdint>
#include <memory>
#include <ostream>
#include <string>

/// Machines whose disk interrupts, for the README's two ways of sleeping.
namespace virtq::readme {

enum class Interrupts : std::uint8_t { mmio_line, pci_line, messages };

struct SleepCase {
    Interrupts interrupts;
    Pace pace;
    bool event_idx;
};

inline void PrintTo(SleepCase const& one, std::ostream* out) {
    *out << (one.interrupts == Interrupts::mmio_line  ? "mmio_line"
             : one.interrupts == Interrupts::pci_line ? "pci_line"
                                                      : "messages")
         << (one.pace == Pace::while_asleep     ? "_while_asleep"
             : one.pace == Pace::at_each_access ? "_at_each_access"
                                                : "_before_sleep")
         << (one.event_idx ? "_event_idx" : "");
}
[[nodiscard]] inline std::string name_of(::testing::TestParamInfo<SleepCase> const& info) {
    return ::testing::PrintToString(info.param);
}

[[nodiscard]] inline std::vector<SleepCase> sleep_cases() {
    std::vector<SleepCase> cases;
    for (Interrupts const interrupts : {Interrupts::mmio_line, Interrupts::pci_line, Interrupts::messages}) {
        for (Pace const pace : {Pace::while_asleep, Pace::at_each_access, Pace::before_sleep}) {
            for (bool const event_idx : {false, true}) {
                cases.push_back({interrupts, pace, event_idx});
            }
        }
    }
    return cases;
}

/// A machine, and a transport that is probed and interrupts.
class SleepMachine {
public:
    explicit SleepMachine(SleepCase const& one) : interrupts_(one.interrupts) {
        Setup const setup{one.pace, {.event_idx = one.event_idx}};
        if (one.interrupts == Interrupts::mmio_line) {
            auto made = std::make_unique<MmioMachine>(setup);
            made->device.set_schedule(sim::Schedule::delayed(one.pace == Pace::while_asleep ? 5 : 0));
            machine_ = std::move(made);
        } else {
            auto made = std::make_unique<PciMachine>(setup);
            made->device.set_schedule(sim::Schedule::delayed(one.pace == Pace::while_asleep ? 5 : 0));
            machine_ = std::move(made);
        }
    }

    void probe(AnyTransport<>& transport) {
        if (interrupts_ == Interrupts::mmio_line) {
            auto const slot =
                machine_->map_uncached(MmioMachine::slots + 7 * MmioMachine::stride, MmioMachine::stride);
            ASSERT_TRUE(transport.probe_mmio(MmioSpace{slot}).ok());
            return;
        }
        access_ = EcamAccess{PciMachine::ecam, 0, 0};
        PciFunction<EcamAccess> const function{access_, {0, 3, 0}};
        ASSERT_TRUE(transport.probe_pci(function, devices_).ok());
        if (interrupts_ == Interrupts::messages) {
            MsiMessage const messages[] = {{0xfee00000, 0x50}, {0xfee00000, 0x51}};
            ASSERT_TRUE(transport.use_msix(function, devices_, messages).ok());
        }
    }

    [[nodiscard]] bool has_messages() const { return interrupts_ == Interrupts::messages; }
    Machine& operator*() { return *machine_; }
    Machine* operator->() { return machine_.get(); }

private:
    Interrupts interrupts_;
    std::unique_ptr<Machine> machine_;
    EcamAccess access_;
    MachineDevices devices_;
};

}  // namespace virtq::readme
