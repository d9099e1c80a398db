// SPDX-License-Identifier: MIT
#include <qtest/qemu_device.hpp>
#include <support/disk_traffic.hpp>
#include <virtq/device/block.hpp>

#include <cstdint>
#include <fstream>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace virtq::test {
namespace {

class QemuDisk : public QemuDevice {
protected:
    using Disk = BlockDevice<qtest::Transport, 256, OnQemu<BlockTraits>>;
    using Traffic = DiskTraffic<Disk, qtest::SharedMemory>;

    void bring_up_disk() {
        traffic = std::make_unique<Traffic>(disk, machine.memory);
        std::ofstream file{machine.path("image"), std::ios::binary};
        file.write(reinterpret_cast<char const*>(traffic->first_image.data()),
                   static_cast<std::streamsize>(traffic->first_image.size()));
        file.close();
        machine.add({"-object", "throttle-group,id=speed"});
        machine.add({"-blockdev", "file,node-name=file,filename=" + machine.path("image")});
        machine.add({"-blockdev", "throttle,node-name=disk,throttle-group=speed,file=file"});
        ASSERT_NO_FATAL_FAILURE(bring_up(disk, "virtio-blk", ",drive=disk"));
        ASSERT_EQ(disk.capacity_sectors(), Traffic::sectors);
    }
    /// How many requests a second the disk takes: 0 for as many as it can.
    void limit_speed(unsigned requests) {
        machine.monitor.run("qom-set",
                            "{\"path\": \"/objects/speed\", \"property\": \"limits\", \"value\": {\"iops-total\": " +
                                std::to_string(requests) + "}}");
    }
    void TearDown() override {
        traffic.reset();
        QemuDevice::TearDown();
    }
    [[nodiscard]] std::vector<std::uint8_t> image() const {
        std::ifstream file{machine.path("image"), std::ios::binary};
        return {std::istreambuf_iterator<char>{file}, {}};
    }

    Disk disk;
    std::unique_ptr<Traffic> traffic;
};

TEST_P(QemuDisk, AgreesOnTheWholeImage) {
    ASSERT_NO_FATAL_FAILURE(bring_up_disk());
    traffic->run(1500, relaxing());
    traffic->drain(relaxing());
    ASSERT_TRUE(disk.flush(patience, relaxing()).ok());
    check_idle(0);
    traffic->expect_on(image());
    shut_down(disk);
}

TEST_P(QemuDisk, HandsEachTokenBackAtAReset) {
    ASSERT_NO_FATAL_FAILURE(bring_up_disk());
    limit_speed(10);
    for (int life = 0; life < 3; ++life) {
        traffic->submit_all();
        ASSERT_TRUE(wait_until([&] { return machine.of_queue(0, "inuse") > 0; }));
        std::set<std::uintptr_t> busy = traffic->busy();
        ASSERT_GT(busy.size(), 0u);
        Status const reset = disk.reset([&](BlockCompletion const& done) {
            EXPECT_EQ(busy.erase(done.token.value()), 1u);
            traffic->forget(done.token);
        });
        ASSERT_TRUE(reset.ok()) << describe(reset.error());
        EXPECT_TRUE(busy.empty());
        check_features(disk);
    }
    limit_speed(0);
    shut_down(disk);
}

using QemuDiskInSlot = QemuDisk;

TEST_P(QemuDiskInSlot, HandsEachTokenBackWhenUnplugged) {
    machine.add_slot();
    ASSERT_NO_FATAL_FAILURE(bring_up_disk());
    limit_speed(10);
    traffic->submit_all();
    ASSERT_TRUE(wait_until([&] { return machine.of_queue(0, "inuse") > 0; }));
    std::set<std::uintptr_t> busy = traffic->busy();
    ASSERT_GT(busy.size(), 0u);
    machine.unplug();
    ASSERT_TRUE(wait_until([&] { return machine.is_unplugged(); }));
    EXPECT_EQ(disk.check_alive().error(), Error::device_gone);
    Status const reset = disk.reset([&](BlockCompletion const& done) {
        EXPECT_EQ(done.error, Error::device_gone) << describe(done.error);
        EXPECT_EQ(busy.erase(done.token.value()), 1u);
        traffic->forget(done.token);
    });
    EXPECT_EQ(reset.error(), Error::device_gone);
    EXPECT_TRUE(busy.empty());
    EXPECT_TRUE(disk.release(machine.memory).ok());

    limit_speed(0);
    machine.plug("\"driver\": \"virtio-blk-pci\", \"drive\": \"disk\"" +
                 std::string{GetParam().is_packed ? ", \"packed\": true" : ""});
    ASSERT_TRUE(machine.probe(transport).ok());
    ASSERT_NO_FATAL_FAILURE(start(disk));
    traffic->expect_on(image());
    traffic->run(100, relaxing());
    traffic->drain(relaxing());
    check_idle(0);
    shut_down(disk);
}

INSTANTIATE_TEST_SUITE_P(Qemu, QemuDiskInSlot,
                         ::testing::Values(QemuChoice{Way::pci, false}, QemuChoice{Way::pci, true}), choice_name);
INSTANTIATE_TEST_SUITE_P(Qemu, QemuDisk, ::testing::ValuesIn(every_choice), choice_name);

}  // namespace
}  // namespace virtq::test
