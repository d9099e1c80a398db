// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/driver_core.hpp>
#include <virtq/queue/any_format.hpp>

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <ostream>
#include <string>
#include <thread>
#include <vector>

#include <qtest/machine.hpp>

/// A device of QEMU on one of its transports, with split or packed rings, and what QEMU thinks of its driver.
namespace virtq::test {

using qtest::Way;

struct QemuChoice {
    Way way = Way::mmio;
    bool is_packed = false;

    friend std::ostream& operator<<(std::ostream& out, QemuChoice const& choice) { return out << name_of(choice); }
    [[nodiscard]] static std::string name_of(QemuChoice const& choice) {
        static constexpr char const* names[] = {"mmio", "mmio_legacy", "pci", "pci_legacy"};
        return names[static_cast<unsigned>(choice.way)] + std::string{choice.is_packed ? "_packed" : ""};
    }
};

class QemuDevice : public ::testing::TestWithParam<QemuChoice> {
protected:
    /// What a wait may take, in polls that sleep.
    static constexpr PollLimit patience{200'000};
    [[nodiscard]] static auto relaxing() {
        return [] { std::this_thread::sleep_for(std::chrono::microseconds{50}); };
    }
    /// Until `done()`, for some seconds.
    template <class Done>
    [[nodiscard]] static bool wait_until(Done done) {
        for (std::uint32_t poll = 0; poll < patience.count; ++poll) {
            if (done()) {
                return true;
            }
            relaxing()();
        }
        return false;
    }

    void SetUp() override {
        if (!qtest::Machine::is_installed()) {
            GTEST_SKIP() << "qemu-system-aarch64 is not installed (Debian's package qemu-system-arm)";
        }
    }
    void TearDown() override { EXPECT_EQ(machine.memory.pages_outstanding(), 0u); }

    /// Starts the machine with one device more, and its driver. `options` are those of QEMU that come behind the device.
    template <class Driver>
    void bring_up(Driver& driver, std::string const& name, std::string const& properties = {},
                  std::vector<std::string> const& options = {}) {
        QemuChoice const choice = GetParam();
        machine.add_device(name, choice.way, properties + (choice.is_packed ? ",packed=on" : ""));
        machine.add(options);
        machine.start();
        Status const found = machine.probe(transport);
        ASSERT_TRUE(found.ok()) << describe(found.error());
        ASSERT_EQ(transport.is_legacy(), qtest::is_legacy(choice.way));
        ASSERT_NO_FATAL_FAILURE(start(driver));
    }
    template <class Driver>
    void start(Driver& driver) {
        Status const up = driver.init(transport, machine.memory);
        ASSERT_TRUE(up.ok()) << describe(up.error());
        check_features(driver);
    }
    /// QEMU knows the features that were negotiated, and that the driver is there.
    template <class Driver>
    void check_features(Driver& driver) {
        std::string const status = machine.status();
        std::string const features = status.substr(status.find("\"guest-features\""));
        std::string const guest = features.substr(0, features.find('}'));
        Features const negotiated = driver.negotiation().negotiated;
        auto const agrees = [&](spec::Feature feature, char const* name) {
            EXPECT_EQ(negotiated.has(feature), guest.find(name) != std::string::npos) << name << " in " << guest;
        };
        agrees(spec::Feature::version_1, "VIRTIO_F_VERSION_1");
        agrees(spec::Feature::ring_packed, "VIRTIO_F_RING_PACKED");
        agrees(spec::Feature::event_idx, "VIRTIO_RING_F_EVENT_IDX");
        agrees(spec::Feature::indirect_desc, "VIRTIO_RING_F_INDIRECT_DESC");
        EXPECT_EQ(negotiated.has(spec::Feature::ring_packed), GetParam().is_packed);
        EXPECT_NE(status.find("VIRTIO_CONFIG_S_DRIVER_OK"), std::string::npos) << status;
        check_unbroken();
    }
    void check_unbroken() {
        std::string const status = machine.status();
        EXPECT_NE(status.find("\"broken\": false"), std::string::npos) << status;
    }
    /// QEMU has ended every request that it took from this queue, and took every one.
    void check_idle(unsigned queue) {
        EXPECT_EQ(machine.of_queue(queue, "inuse"), 0u);
        EXPECT_EQ(machine.of_queue(queue, "last-avail-idx"), machine.of_queue(queue, "used-idx"));
        check_unbroken();
    }
    /// Resets, after which the device works again, and releases.
    template <class Driver>
    void shut_down(Driver& driver) {
        Status const reset = driver.reset([](auto const&) { ADD_FAILURE() << "nothing is in flight"; });
        EXPECT_TRUE(reset.ok()) << describe(reset.error());
        check_features(driver);
        Status const released = driver.release(machine.memory);
        EXPECT_TRUE(released.ok()) << describe(released.error());
        EXPECT_EQ(machine.status().find("VIRTIO_CONFIG_S_DRIVER_OK"), std::string::npos);
    }

    qtest::Machine machine;
    qtest::Transport transport;
};

/// With the ring that was chosen.
template <class Traits>
struct OnQemu : Traits {
    using Format = AnyFormat;
};

inline constexpr QemuChoice every_choice[] = {{Way::mmio, false}, {Way::mmio, true}, {Way::mmio_legacy, false},
                                              {Way::pci, false},  {Way::pci, true},  {Way::pci_legacy, false}};
/// Of devices that have no legacy interface on PCI.
inline constexpr QemuChoice modern_on_pci[] = {
    {Way::mmio, false}, {Way::mmio, true}, {Way::mmio_legacy, false}, {Way::pci, false}, {Way::pci, true}};

[[nodiscard]] inline std::string choice_name(::testing::TestParamInfo<QemuChoice> const& info) {
    return QemuChoice::name_of(info.param);
}

}  // namespace virtq::test
