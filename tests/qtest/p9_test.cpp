// SPDX-License-Identifier: MIT
#include <kernel/files/client.hpp>
#include <qtest/qemu_device.hpp>
#include <virtq/device/p9.hpp>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <stdexcept>
#include <string>

namespace virtq::test {
namespace {

using Files = std::map<std::string, std::string>;

class QemuFiles : public QemuDevice {
protected:
    /// What a kernel is to the client of examples/kernel/files.
    struct Server {
        [[nodiscard]] PollLimit patience() const { return QemuDevice::patience; }
        void rest() { relaxing()(); }
        void kick() { static_cast<void>(driver.kick_device()); }
        void count_request(std::uint64_t) {}
        [[noreturn]] void fail(char const* what, char const* why, std::uint64_t number) {
            throw std::runtime_error(std::string{what} + ": " + why + ": " + std::to_string(number));
        }

        P9Device<qtest::Transport, 128, OnQemu<P9Traits>> driver;
    };
    using Client = p9::Client<Server>;

    [[nodiscard]] Files make_files() {
        std::mt19937 random{9};
        Files files;
        std::filesystem::create_directory(machine.path("share"));
        for (std::size_t const bytes : {0u, 1u, 4096u, 32769u, 1000000u}) {
            std::string const name = "file of " + std::to_string(bytes);
            std::string& content = files[name];
            for (std::size_t i = 0; i < bytes; ++i) {
                content += static_cast<char>(random());
            }
            std::ofstream{machine.path("share/" + name), std::ios::binary} << content;
        }
        return files;
    }
    [[nodiscard]] Files read_files() {
        constexpr std::uint32_t folder = 1;
        constexpr std::uint32_t file = 2;
        static Client::FolderPart part;
        static Client client;
        client = {};
        Files files;
        client.connect(server, machine.memory);
        client.walk(Client::root, folder, {});
        client.open(folder);
        client.for_each_entry(folder, part, [&](p9::Text name) {
            std::string& content = files[{name.begin(), name.end()}];
            client.walk(Client::root, file, name);
            client.open(file);
            client.read_file(file, client.attributes(file).size, [&](std::uint8_t const* bytes, std::uint32_t count) {
                content.append(reinterpret_cast<char const*>(bytes), count);
            });
            client.close(file);
        });
        client.close(folder);
        client.disconnect(machine.memory);
        return files;
    }

    Server server;
};

TEST_P(QemuFiles, ReadsAFolderOfTheHost) {
    Files const files = make_files();
    machine.add({"-fsdev", "local,id=share,security_model=none,path=" + machine.path("share")});
    ASSERT_NO_FATAL_FAILURE(bring_up(server.driver, "virtio-9p", ",fsdev=share,mount_tag=our files"));
    Span<char const> const tag = server.driver.mount_tag();
    EXPECT_EQ((std::string{tag.begin(), tag.end()}), "our files");
    EXPECT_EQ(read_files(), files);
    check_idle(0);
    EXPECT_FALSE(server.driver.driver_fault());
    shut_down(server.driver);
}

INSTANTIATE_TEST_SUITE_P(Qemu, QemuFiles, ::testing::ValuesIn(every_choice), choice_name);

}  // namespace
}  // namespace virtq::test
