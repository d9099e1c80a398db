// SPDX-License-Identifier: MIT
#include <virtq/device/config.hpp>

#include <device/disk_machine.hpp>

namespace virtq::test {

using namespace virtq::detail;

namespace {

TEST(Config, Reads64BitFieldsInHalves) {
    for (auto const version : {sim::MmioVersion::modern, sim::MmioVersion::legacy}) {
        DiskMachine<> machine({.disk = {.sectors = 777}, .version = version});
        machine.bring_up();
        EXPECT_EQ(machine.driver.capacity_sectors(), 777u);
    }
}

TEST(Config, JoinsHalvesInTheirOrder) {
    EXPECT_EQ(join_halves(ByteOrder::little, 0x11, 0x22), 0x22'0000'0011u);
    EXPECT_EQ(join_halves(ByteOrder::big, 0x11, 0x22), 0x11'0000'0022u);  // a legacy device on a big-endian machine
}

// rcore-os/virtio-drivers#169: a driver did not check the generation.
TEST(Config, ReadsAgainWhenTheGenerationChanges) {
    DiskMachine<> machine;
    machine.bring_up();
    unsigned reads = 0;
    machine.device.unsettle_config(3);
    unsigned value = 0;
    ASSERT_EQ(read_config(machine.transport, value, [&](unsigned& read) { read = ++reads; }), Error::none);
    EXPECT_GT(value, 1u);
    EXPECT_EQ(value, reads);
}

TEST(Config, GivesUpOnAnUnstableGeneration) {
    DiskMachine<> machine;
    machine.device.unsettle_config();
    EXPECT_EQ(machine.init().error(), Error::config_unstable);
    machine.device.unsettle_config(0);
    machine.bring_up();
}

TEST(Config, ComparesTwoLegacyReads) {
    DiskMachine<> machine({.version = sim::MmioVersion::legacy});
    machine.bring_up();
    unsigned reads = 0;
    unsigned value = 0;
    auto const settles = [&](unsigned& read) { read = ++reads > 4 ? 9u : reads; };
    ASSERT_EQ(read_config(machine.transport, value, settles), Error::none);
    EXPECT_EQ(value, 9u);
    reads = 0;
    auto const never_settles = [&](unsigned& read) { read = ++reads; };
    EXPECT_EQ(read_config(machine.transport, value, never_settles), Error::config_unstable);
    EXPECT_EQ(reads, 2 * config_attempts);
}

}  // namespace
}  // namespace virtq::test
