// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/device/driver_core.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/spec/feature_name.hpp>

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
    /// How long a wait lasts at most: so many polls, with `relaxing()` between them, are more than 10 seconds.
    static constexpr PollLimit patience{200'000};
    [[nodiscard]] static auto relaxing() {
        return [] { std::this_thread::sleep_for(std::chrono::microseconds{50}); };
    }
    /// Polls until `done()` returns true. Returns false if it does not within `patience`.
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
    /// The driver and QEMU agree on every feature that QEMU offers, and QEMU knows that the driver is there.
    template <class Driver>
    void check_features(Driver& driver) {
        std::string const status = machine.status();
        std::string const features = status.substr(status.find("\"guest-features\""));
        std::string const guest = features.substr(0, features.find('}'));
        // A mask of bits for which QEMU has no name.
        bool const has_others = guest.find("unknown-dev-features") != std::string::npos;
        std::uint64_t const others = has_others ? qtest::Monitor::number(guest, "unknown-dev-features") : 0;
        Negotiation const& negotiation = driver.negotiation();
        for (unsigned bit = 0; bit < Features::bit_count; ++bit) {
            auto const feature = static_cast<spec::Feature>(bit);
            char const* const name = feature_name(transport.device_id(), bit);
            if (negotiation.offered.has(feature) && name != nullptr) {
                bool const is_other = bit < 64 && (others >> bit & 1) != 0;
                EXPECT_EQ(negotiation.negotiated.has(feature),
                          is_other || guest.find(in_qemu(name)) != std::string::npos)
                    << name << " in " << guest;
            }
        }
        EXPECT_EQ(negotiation.negotiated.has(spec::Feature::ring_packed), GetParam().is_packed);
        EXPECT_NE(status.find("VIRTIO_CONFIG_S_DRIVER_OK"), std::string::npos) << status;
        check_unbroken();
    }
    void check_unbroken() {
        std::string const status = machine.status();
        EXPECT_NE(status.find("\"broken\": false"), std::string::npos) << status;
    }
    /// The driver has published nothing that QEMU has not taken, and QEMU has ended each request that it took. Only of a queue
    /// into which QEMU's device takes all at once: not of one with receive buffers.
    void check_idle(unsigned queue) {
        EXPECT_EQ(machine.of_queue(queue, "inuse"), 0u);
        EXPECT_EQ(machine.of_queue(queue, "last-avail-idx"), machine.of_queue(queue, "used-idx"));
        if (!GetParam().is_packed) {
            auto const* const available = static_cast<std::uint16_t const volatile*>(
                machine.memory.virt_of(PhysAddr{machine.of_queue(queue, "vring-avail")}));
            EXPECT_EQ(machine.of_queue(queue, "last-avail-idx"), available[1]) << "QEMU has not taken a chain";
        }
        check_unbroken();
    }
    /// Resets, after which the device is up again, and releases.
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

private:
    /// The part of a feature's name that QEMU has, too: it calls VIRTIO_F_EVENT_IDX `VIRTIO_RING_F_EVENT_IDX: …`.
    [[nodiscard]] static std::string in_qemu(std::string const& name) {
        auto const prefix = name.find("_F_");
        return (prefix == std::string::npos ? name : name.substr(prefix)) + ":";
    }
};

/// The traits of a driver, with the format of ring that the test has chosen.
template <class Traits>
struct OnQemu : Traits {
    using Format = AnyFormat;
};

inline constexpr QemuChoice every_choice[] = {{Way::mmio, false}, {Way::mmio, true}, {Way::mmio_legacy, false},
                                              {Way::pci, false},  {Way::pci, true},  {Way::pci_legacy, false}};
/// For devices that have no legacy interface on PCI.
inline constexpr QemuChoice modern_on_pci[] = {
    {Way::mmio, false}, {Way::mmio, true}, {Way::mmio_legacy, false}, {Way::pci, false}, {Way::pci, true}};

[[nodiscard]] inline std::string choice_name(::testing::TestParamInfo<QemuChoice> const& info) {
    return QemuChoice::name_of(info.param);
}

}  // namespace virtq::test
