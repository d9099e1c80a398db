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

    static constexpr char const* wrong_version =
        "Tversion: the server does not speak 9P2000.L, or has only short messages";
    static constexpr char const* no_entries = "Treaddir: the server did not answer with entries";
    static constexpr char const* no_bytes = "Tread: the server did not answer with bytes of the file";

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
    /// Each answer of this type gets a number of `size` bytes at `offset` of its body.
    void put_in(std::uint8_t wrong, std::size_t offset, std::size_t size, std::uint64_t number) {
        host.change = [=](std::uint8_t type, auto& body) {
            if (type == wrong) {
                sim::encode(body.data() + offset, size, number, sim::ByteOrder::little);
            }
        };
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

/// Turns each Rreaddir into one with 100 entries for the folder itself. `next` is the place behind each entry.
template <class Next>
[[nodiscard]] auto list_without_end(Next next) {
    return [=](std::uint8_t type, auto& body) mutable {
        if (type == 41) {
            body.resize(4);
            for (int i = 0; i < 100; ++i) {
                std::vector<std::uint8_t> entry(25, 0);
                sim::encode(entry.data() + 13, 8, next(), sim::ByteOrder::little);
                entry[22] = 1;
                entry[24] = '.';
                body.insert(body.end(), entry.begin(), entry.end());
            }
            sim::encode(body.data(), 4, body.size() - 4, sim::ByteOrder::little);
        }
    };
}

TEST_F(P9Client, RejectsFoldersThatDoNotGoOn) {
    host.change = list_without_end([] { return 0; });
    EXPECT_EQ(failure(), "Treaddir: the folder does not go on");
}

TEST_F(P9Client, RejectsFoldersWithoutAnEnd) {
    host.change = list_without_end([n = std::uint64_t{0}]() mutable { return ++n; });
    EXPECT_EQ(failure(), "Treaddir: there are far too many entries");
}

TEST_F(P9Client, RejectsCountsAboveTheAnswer) {
    host.files["file"] = content(100);
    for (std::uint64_t const count : {std::uint64_t{101}, std::uint64_t{0xffffffff}, std::uint64_t{4000}}) {
        put_in(41, 0, 4, count);
        EXPECT_EQ(failure(), no_entries) << count;
        put_in(117, 0, 4, count);
        EXPECT_EQ(failure(), no_bytes) << count;
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
    EXPECT_EQ(failure(), no_bytes);
    shorten(41, 4 + 25, 26);
    EXPECT_EQ(failure(), no_entries);
}

TEST_F(P9Client, RejectsHeadsThatAreCutOff) {
    auto const rejects = [&](std::uint8_t wrong, std::size_t bytes, char const* why) {
        host.change = [=](std::uint8_t type, auto& body) { body.resize(type == wrong ? bytes : body.size()); };
        EXPECT_EQ(failure(), why) << unsigned{wrong} << ' ' << bytes;
    };
    for (std::size_t bytes = 0; bytes < 2; ++bytes) {  // Rwalk has the number 0 here, and a missing number reads as 0
        rejects(111, bytes, "Twalk: the server did not find the file");
    }
    host.files["file"] = content(100);
    for (std::size_t bytes = 0; bytes < 4; ++bytes) {
        rejects(101, bytes, wrong_version);
        rejects(25, bytes, "Tgetattr: the answer ends too early");
        rejects(41, bytes, no_entries);
        rejects(117, bytes, no_bytes);
    }
    rejects(25, 56, "Tgetattr: the answer ends too early");
    host.change = [](std::uint8_t type, auto& body) { body.resize(type == 25 ? 57 : body.size()); };
    EXPECT_EQ(failure(), "");
}

// The number of an error is where the count of Rread and Rreaddir is, and 0 would be the end.
TEST_F(P9Client, TakesNoErrorForAnEnd) {
    host.refused = 40;
    EXPECT_EQ(failure(), no_entries);
}

// The driver brings Rerror, the error of other versions of 9P, as it brings Rlerror.
TEST_F(P9Client, TakesNoRerrorForASuccess) {
    host.files["file"] = content(100);
    auto const ends_with = [&](std::uint8_t wrong, std::string const& why) {
        host.change = [=](std::uint8_t& type, auto&) { type = type == wrong ? std::uint8_t{107} : type; };
        EXPECT_EQ(failure(), why);
        EXPECT_FALSE(fault);
    };
    for (auto const& [type, what] : std::map<std::uint8_t, std::string>{{std::uint8_t{13}, "Tlopen"},
                                                                        {std::uint8_t{25}, "Tgetattr"},
                                                                        {std::uint8_t{101}, "Tversion"},
                                                                        {std::uint8_t{105}, "Tattach"},
                                                                        {std::uint8_t{111}, "Twalk"},
                                                                        {std::uint8_t{121}, "Tclunk"}}) {
        ends_with(type, what + ": the server refused it, with the error");
    }
    ends_with(41, no_entries);
    ends_with(117, no_bytes);
}

TEST_F(P9Client, RejectsOtherVersions) {
    for (std::string const& version : {std::string{"9P2000"}, std::string{"9P2000.u"}, std::string{"unknown"}}) {
        host.change = [&](std::uint8_t type, auto& body) {
            if (type == 101) {
                body.resize(4);
                body.push_back(static_cast<std::uint8_t>(version.size()));
                body.push_back(0);
                body.insert(body.end(), version.begin(), version.end());
            }
        };
        EXPECT_EQ(failure(), wrong_version) << version;
    }
}

// A message has room for 24 bytes before its data, and a folder is read in parts of 4096 bytes.
TEST_F(P9Client, RejectsShortMessages) {
    host.files["file"] = content(100);
    for (std::uint64_t const most : {0u, 24u, 4096u, 4120u}) {
        put_in(101, 0, 4, most);
        EXPECT_EQ(failure(), wrong_version) << most;
    }
    put_in(101, 0, 4, 4121);
    EXPECT_EQ(failure(), "");
}

TEST_F(P9Client, KeepsToTheMsizeOfTheServer) {
    host.files["file"] = content(100000);
    for (auto const& [most, asked] : std::map<std::uint64_t, std::uint64_t>{
             {4121, 4097}, {8192, 8168}, {32768 + 24, 32768}, {32768 + 25, 32768}, {0xffffffff, 32768}}) {
        host.most_asked = 0;
        put_in(101, 0, 4, most);
        EXPECT_EQ(failure(), "");
        EXPECT_EQ(host.most_asked, asked) << most;
        EXPECT_EQ(found, host.files);
    }
}

TEST_F(P9Client, RejectsWalksElsewhere) {
    host.files["file"] = content(100);
    auto const rejects = [&](std::uint16_t names, std::uint16_t answered) {
        host.change = [=](std::uint8_t type, auto& body) {
            if (type == 111 && body[0] == names) {
                sim::encode(body.data(), 2, answered, sim::ByteOrder::little);
            }
        };
        EXPECT_EQ(failure(), "Twalk: the server did not find the file") << names << ' ' << answered;
    };
    rejects(0, 1);
    rejects(0, 0x100);
    rejects(1, 0);
    rejects(1, 2);
}

TEST_F(P9Client, NeedsTheModeAndTheSize) {
    host.files["file"] = content(100);
    for (std::uint64_t const valid : {0u, 0x200u, 0x1u, 0x7feu, 0x5ffu}) {
        put_in(25, 0, 8, valid);
        EXPECT_EQ(failure(), "Tgetattr: the server does not know the mode or the size") << valid;
    }
    put_in(25, 0, 8, 0x201);
    EXPECT_EQ(failure(), "");
    EXPECT_EQ(found, host.files);
}

// The size of a file is only what the server says. The client believes up to 1 GiB, and then finds only 100 bytes.
TEST_F(P9Client, RejectsFilesThatAreFarTooLarge) {
    host.files["file"] = content(100);
    constexpr std::uint64_t most = 1u << 30;
    for (std::uint64_t const size : {most + 1, ~std::uint64_t{0}}) {
        put_in(25, 49, 8, size);
        EXPECT_EQ(failure(), "Tread: the server says that the file is far too large") << size;
    }
    put_in(25, 49, 8, most);
    EXPECT_EQ(failure(), no_bytes);
}

TEST_F(P9Client, RejectsReadsOfNoBytes) {
    host.files["file"] = content(100);
    host.most_read = 0;
    EXPECT_EQ(failure(), no_bytes);
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

// Wrong bytes in an attribute, an entry or a file are what the client must believe. Any other change either makes it give
// up, or changes nothing.
TEST_F(P9Client, SurvivesRandomAnswers) {
    host.files["file"] = content(100);
    host.files["folder"] = std::nullopt;
    host.files["folder/file"] = content(40000);
    unsigned failures = 0;
    unsigned compared = 0;
    for (unsigned seed = 0; seed < 500; ++seed) {
        std::mt19937 random(seed);
        bool is_believed = false;
        host.change = [&](std::uint8_t type, auto& body) {
            if (random() % 8 != 0 || body.empty()) {
                return;
            }
            switch (random() % 4) {
                case 0: body.resize(random() % (body.size() + 1)); break;
                case 1: body.resize(body.size() + random() % 5000); break;
                default:
                    body[random() % body.size() % 64] = static_cast<std::uint8_t>(random() % 4 == 0 ? 255 : random());
                    is_believed = is_believed || type == 25 || type == 41 || type == 117;
            }
        };
        if (failure() != "") {
            ++failures;
        } else if (!is_believed) {
            EXPECT_EQ(found, host.files) << seed;
            ++compared;
        }
    }
    EXPECT_GT(failures, 100u);
    EXPECT_GT(compared, 20u);
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
