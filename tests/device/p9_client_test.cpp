// SPDX-License-Identifier: MIT
#include <kernel/files/client.hpp>

#include <device/p9_file_server.hpp>
#include <device/p9_machine.hpp>

#include <cstddef>
#include <cstdint>
#include <map>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

/// The client of examples/kernel/files, with servers that answer rightly and wrongly.
namespace virtq::test {
namespace {

using Tree = std::map<std::string, std::optional<std::vector<std::uint8_t>>>;

/// Where the client ends when something fails.
struct ClientFailure : std::runtime_error {
    using runtime_error::runtime_error;
};

/// What a kernel is to the client.
struct HostServer {
    using Machine = P9Machine<>;

    [[nodiscard]] PollLimit patience() const { return Machine::patience; }
    void rest() { machine.device.step(); }
    void kick() { static_cast<void>(driver.kick_device()); }
    void count_request(std::uint64_t count) {
        if (count > 5000) {  // a server may send the client in circles for a while
            throw ClientFailure("far too many requests");
        }
    }
    [[noreturn]] void fail(char const* what, char const* why, std::uint64_t) {
        throw ClientFailure(std::string{what} + ": " + why);
    }

    Machine machine;
    decltype(Machine::driver)& driver = machine.driver;
};

class P9Client : public ::testing::Test {
protected:
    using Client = p9::Client<HostServer>;

    void SetUp() override {
        server.machine.bring_up();
        server.machine.server.set_server([this](auto const& request) { return host.answer(request); });
    }
    /// Reads the tree of the server with the client.
    [[nodiscard]] Tree read_all() {
        found.clear();
        client.connect(server, server.machine.memory);
        list(Client::root, 0, "");
        client.disconnect(server.machine.memory);
        return found;
    }
    /// Why the client gave up; empty if it did not. Then the driver and the client begin anew.
    [[nodiscard]] std::string failure() {
        try {
            static_cast<void>(read_all());
        } catch (ClientFailure const& failed) {
            fault = server.driver.driver_fault();
            EXPECT_TRUE(server.driver.reset([](RequestCompletion const&) {}).ok());
            client.give_back(server.machine.memory);
            client = {};
            return failed.what();
        }
        return "";
    }

    HostServer server;
    P9FileServer host;
    Client client{};
    Tree found;
    DriverFault fault;

private:
    void list(std::uint32_t folder, std::uint32_t level, std::string const& path) {
        std::uint32_t const opened = 1 + 2 * level;
        Client::FolderPart part;
        client.walk(folder, opened, {});
        client.open(opened);
        client.for_each_entry(opened, part, [&](p9::Text name) { visit(folder, opened + 1, level, path, name); });
        client.close(opened);
    }
    void visit(std::uint32_t folder, std::uint32_t fid, std::uint32_t level, std::string const& path, p9::Text name) {
        client.walk(folder, fid, name);
        p9::Attributes const attributes = client.attributes(fid);
        std::string const full = path + std::string{name.begin(), name.end()};
        found[full];
        if (attributes.is_file()) {
            std::vector<std::uint8_t>& content = found[full].emplace();
            client.open(fid);
            client.read_file(fid, attributes.size, [&](std::uint8_t const* bytes, std::uint32_t count) {
                content.insert(content.end(), bytes, bytes + count);
            });
        } else if (attributes.is_folder() && level < 3) {
            list(fid, level + 1, full + "/");
        }
        client.close(fid);
    }
};

[[nodiscard]] std::vector<std::uint8_t> content(std::size_t bytes) {
    std::vector<std::uint8_t> made(bytes);
    for (std::size_t i = 0; i < bytes; ++i) {
        made[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
    }
    return made;
}

TEST_F(P9Client, ReadsAWholeTree) {
    for (std::size_t const bytes : {0u, 1u, 4095u, 4096u, 32768u, 32769u, 300000u}) {
        host.files["file of " + std::to_string(bytes)] = content(bytes);
    }
    host.files["folder"] = std::nullopt;
    host.files["folder/\xc3\xbc \xe6\x9d\xb1"] = content(10);
    host.files["folder/in it"] = std::nullopt;
    host.files["folder/in it/" + std::string(255, 'n')] = content(20);
    host.files["empty"] = std::nullopt;
    EXPECT_EQ(read_all(), host.files);
}

TEST_F(P9Client, ReadsLongFolders) {
    for (int i = 0; i < 300; ++i) {
        host.files["a name that takes some room in a list, number " + std::to_string(i)] = content(1);
    }
    EXPECT_EQ(read_all(), host.files);
}

TEST_F(P9Client, GoesOnAfterShortReads) {
    host.files["file"] = content(100000);
    host.most_read = 777;
    EXPECT_EQ(read_all(), host.files);
}

TEST_F(P9Client, TakesPartsInAnyOrder) {
    host.files["file"] = content(1000000);
    server.machine.server.answer_newest_first();
    EXPECT_EQ(read_all(), host.files);
}

TEST_F(P9Client, RejectsNamesThatNoFileHas) {
    for (std::string const& name :
         {std::string{}, std::string{"../escape"}, std::string{"nul\0in it", 9}, std::string(256, 'x')}) {
        host.more_entries = {name};
        EXPECT_EQ(failure(), "Treaddir: no file has such a name");
    }
    host.more_entries.clear();
    EXPECT_EQ(failure(), "");
}

TEST_F(P9Client, RejectsEntriesThatAreCutOff) {
    host.files["file"] = content(1);
    for (std::size_t const cut : {1u, 5u, 15u, 25u}) {
        host.change = [&](std::uint8_t type, auto& body) {
            if (type == 41) {
                body.resize(body.size() - cut);
                sim::encode(body.data(), 4, body.size() - 4, sim::ByteOrder::little);
            }
        };
        EXPECT_EQ(failure(), "Treaddir: an entry is cut off");
    }
}

TEST_F(P9Client, RejectsFoldersWithoutAnEnd) {
    host.change = [&](std::uint8_t type, auto& body) {
        if (type == 41) {  // the folder itself, for ever
            body.resize(4);
            for (int i = 0; i < 100; ++i) {
                std::vector<std::uint8_t> entry(25, 0);
                entry[22] = 1;
                entry[24] = '.';
                body.insert(body.end(), entry.begin(), entry.end());
            }
            sim::encode(body.data(), 4, body.size() - 4, sim::ByteOrder::little);
        }
    };
    EXPECT_EQ(failure(), "Treaddir: the folder does not go on");
}

TEST_F(P9Client, RejectsCountsAboveTheAnswer) {
    host.files["file"] = content(100);
    for (std::uint8_t const wrong : {std::uint8_t{41}, std::uint8_t{117}}) {
        for (std::uint64_t const count : {std::uint64_t{101}, std::uint64_t{0xffffffff}, std::uint64_t{4000}}) {
            host.change = [&](std::uint8_t type, auto& body) {
                if (type == wrong) {
                    sim::encode(body.data(), 4, count, sim::ByteOrder::little);
                }
            };
            EXPECT_NE(failure(), "") << count;
        }
    }
}

// There is as much room as the count says, and old bytes in it.
TEST_F(P9Client, RejectsCountsAboveWhatCame) {
    host.files["file"] = content(100);
    auto const shorten = [&](std::uint8_t wrong, std::size_t bytes, std::uint64_t count) {
        host.change = [=](std::uint8_t type, auto& body) {
            if (type == wrong) {
                body.resize(bytes);
                sim::encode(body.data(), 4, count, sim::ByteOrder::little);
            }
        };
    };
    shorten(117, 4 + 20, 21);
    EXPECT_EQ(failure(), "Tread: the server did not answer with bytes of the file");
    shorten(41, 4 + 25, 26);
    EXPECT_EQ(failure(), "Treaddir: the server did not answer with entries");
}

TEST_F(P9Client, RejectsHeadsThatAreCutOff) {
    host.files["file"] = content(100);
    for (std::uint8_t const wrong : {std::uint8_t{101}, std::uint8_t{25}, std::uint8_t{41}, std::uint8_t{117}}) {
        for (std::size_t bytes = 0; bytes < 4; ++bytes) {
            host.change = [&](std::uint8_t type, auto& body) { body.resize(type == wrong ? bytes : body.size()); };
            EXPECT_NE(failure(), "") << unsigned{wrong} << ' ' << bytes;
        }
    }
}

// The number of an error is where the count of Rread and Rreaddir is, and 0 would be the end.
TEST_F(P9Client, TakesNoErrorForAnEnd) {
    host.refused = 40;
    EXPECT_EQ(failure(), "Treaddir: the server did not answer with entries");
}

TEST_F(P9Client, ReportsWhatTheServerRefuses) {
    host.more_entries = {"gone"};
    EXPECT_EQ(failure(), "Twalk: the server refused it, with the error");
}

TEST_F(P9Client, ReportsAnswersLongerThanAskedFor) {
    host.files["file"] = content(100);
    host.change = [](std::uint8_t type, auto& body) { body.resize(type == 117 ? 200000 : body.size()); };
    std::string const why = failure();
    EXPECT_EQ(why, std::string{"Tread: "} + describe(Error::answer_invalid));
    EXPECT_EQ(fault.reason, DriverReason::p9_size_above_room);
}

TEST_F(P9Client, SurvivesRandomAnswers) {
    host.files["file"] = content(100);
    host.files["folder"] = std::nullopt;
    host.files["folder/file"] = content(40000);
    unsigned failures = 0;
    for (unsigned seed = 0; seed < 500; ++seed) {
        std::mt19937 random(seed);
        host.change = [&](std::uint8_t, auto& body) {
            if (random() % 8 != 0 || body.empty()) {
                return;
            }
            switch (random() % 4) {
                case 0: body.resize(random() % (body.size() + 1)); break;
                case 1: body.resize(body.size() + random() % 5000); break;
                default:
                    body[random() % body.size() % 64] = static_cast<std::uint8_t>(random() % 4 == 0 ? 255 : random());
            }
        };
        failures += failure() != "" ? 1 : 0;
    }
    EXPECT_GT(failures, 100u);
    EXPECT_LT(failures, 500u);
}

TEST(P9Messages, AreNeverLongerThanTheirRoom) {
    std::string const name(600, 'x');
    p9::Request request{p9::Type::twalk, 1};
    request.put(p9::Text{name.data(), name.size()});
    EXPECT_TRUE(request.finish().empty());
    p9::Request fits{p9::Type::twalk, 1};
    fits.put(p9::Text{name.data(), 503});
    EXPECT_EQ(fits.finish().size(), 512u);
}

TEST(P9Messages, EndAtTheirEnd) {
    std::uint8_t const bytes[] = {3, 0, 'a', 'b', 'c', 9};
    p9::Reader reader{bytes, 6};
    p9::Text const text = reader.take_text();
    EXPECT_EQ((std::string{text.begin(), text.end()}), "abc");
    EXPECT_EQ(reader.take(1), 9u);
    EXPECT_TRUE(reader.is_sound());
    EXPECT_EQ(reader.left(), 0u);
    EXPECT_EQ(reader.take(1), 0u);
    EXPECT_FALSE(reader.is_sound());
    p9::Reader cut{bytes, 4};
    EXPECT_TRUE(cut.take_text().empty());
    EXPECT_FALSE(cut.is_sound());
}

}  // namespace
}  // namespace virtq::test
