// SPDX-License-Identifier: MIT
#include <qtest/qemu_device.hpp>
#include <virtq/device/console.hpp>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace virtq::test {
namespace {

class QemuConsole : public QemuDevice {
protected:
    /// What comes at the driver, until it ends with `end`.
    [[nodiscard]] std::string read_until(std::string const& end) {
        std::string all;
        static_cast<void>(wait_until([&] {
            std::vector<std::uint8_t> bytes(100);
            Result<std::uint32_t> const have = console.read(bytes);
            EXPECT_TRUE(have.ok()) << describe(have.error());
            all.append(bytes.begin(), bytes.begin() + (have ? *have : 0));
            return !have || all.ends_with(end);
        }));
        return all;
    }
    void write_all(std::string const& text) {
        std::string rest = text;
        ASSERT_TRUE(wait_until([&] {
            Result<std::uint32_t> const taken =
                console.write({reinterpret_cast<std::uint8_t const*>(rest.data()), rest.size()});
            EXPECT_TRUE(taken.ok()) << describe(taken.error());
            rest.erase(0, taken ? *taken : rest.size());
            return rest.empty();
        }));
    }

    ConsoleDevice<qtest::Transport, 128, OnQemu<ConsoleTraits>> console;
};

TEST_P(QemuConsole, CarriesLinesBothWays) {
    machine.add({"-chardev", "socket,id=terminal,server=on,wait=off,path=" + machine.path("terminal")});
    ASSERT_NO_FATAL_FAILURE(
        bring_up(console, "virtio-serial", ",max_ports=1", {"-device", "virtconsole,chardev=terminal"}));
    qtest::LineSocket terminal;
    machine.connect(terminal, "terminal");
    // Until QEMU has accepted it, what the console says is lost.
    ASSERT_TRUE(
        wait_until([&] { return machine.monitor.run("query-chardev").find("disconnected") == std::string::npos; }));
    for (int round = 0; round < 50; ++round) {
        std::string const line = std::string(static_cast<std::size_t>(round) * 37 % 3000, 'a') + std::to_string(round);
        ASSERT_NO_FATAL_FAILURE(write_all(line + "\n"));
        ASSERT_EQ(terminal.receive(), line);
        terminal.send(line + "\n");
        ASSERT_EQ(read_until("\n"), line + "\n");
    }
    ASSERT_TRUE(wait_until([&] { return console.is_drained(); }));
    check_idle(1);
    check_unbroken();
    shut_down(console);
}

INSTANTIATE_TEST_SUITE_P(Qemu, QemuConsole, ::testing::ValuesIn(every_choice), choice_name);

}  // namespace
}  // namespace virtq::test
