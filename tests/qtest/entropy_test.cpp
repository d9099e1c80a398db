// SPDX-License-Identifier: MIT
#include <qtest/qemu_device.hpp>
#include <virtq/device/entropy.hpp>

#include <cstdint>
#include <cstring>
#include <set>
#include <string>

namespace virtq::test {
namespace {

class QemuEntropy : public QemuDevice {
protected:
    EntropyDevice<qtest::Transport, 8, OnQemu<DriverTraits>> source;
};

TEST_P(QemuEntropy, GivesBytesThatDiffer) {
    machine.add({"-object", "rng-builtin,id=source"});
    ASSERT_NO_FATAL_FAILURE(bring_up(source, "virtio-rng", ",rng=source"));
    Pages const page = machine.memory.allocate_pages(1);
    std::set<std::string> seen;
    for (int round = 0; round < 100; ++round) {
        std::memset(page.virt, 0, 64);
        Status const got = source.read({page.phys, 64}, patience, relaxing());
        ASSERT_TRUE(got.ok()) << describe(got.error());
        EXPECT_TRUE(seen.emplace(static_cast<char const*>(page.virt), 64).second) << "the same bytes came twice";
    }
    check_idle(0);
    shut_down(source);
    machine.memory.free_pages(page);
}

INSTANTIATE_TEST_SUITE_P(Qemu, QemuEntropy, ::testing::ValuesIn(every_choice), choice_name);

}  // namespace
}  // namespace virtq::test
