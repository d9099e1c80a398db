// SPDX-License-Identifier: MIT
#include <qtest/qemu_device.hpp>
#include <virtq/device/net.hpp>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <stdexcept>
#include <string>
#include <vector>

namespace virtq::test {
namespace {

using Frame = std::vector<std::uint8_t>;

/// The other end of the card's cable: each datagram is a frame.
class Cable {
public:
    void open(std::string const& path, std::string const& peer) {
        file_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        ::sockaddr_un const self = address_of(path);
        peer_ = address_of(peer);
        if (::bind(file_, reinterpret_cast<::sockaddr const*>(&self), sizeof self) != 0) {
            throw std::runtime_error("cannot bind a socket to " + path);
        }
    }
    ~Cable() { ::close(file_); }

    void send(Frame const& frame) {
        auto const sent =
            ::sendto(file_, frame.data(), frame.size(), 0, reinterpret_cast<::sockaddr const*>(&peer_), sizeof peer_);
        ASSERT_EQ(sent, static_cast<::ssize_t>(frame.size()));
    }
    /// Empty if there is none.
    [[nodiscard]] Frame receive() {
        Frame frame(2000);
        auto const got = ::recv(file_, frame.data(), frame.size(), MSG_DONTWAIT);
        frame.resize(got < 0 ? 0 : static_cast<std::size_t>(got));
        return frame;
    }

private:
    [[nodiscard]] static ::sockaddr_un address_of(std::string const& path) {
        ::sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
        return address;
    }

    int file_ = -1;
    ::sockaddr_un peer_{};
};

class QemuCard : public QemuDevice {
protected:
    static constexpr std::size_t shortest = 60;  // QEMU pads what is shorter
    static constexpr std::size_t longest = 1514;

    /// For everyone, so that a card which filters takes it.
    [[nodiscard]] static Frame frame_of(std::size_t bytes) {
        Frame frame(bytes, static_cast<std::uint8_t>(bytes));
        std::memset(frame.data(), 0xff, 6);
        std::memcpy(frame.data() + 6, "\x52\x54\x00\x00\x00\x01\x88\xb5", 8);
        return frame;
    }

    Cable cable;
    NetDevice<qtest::Transport, 256, OnQemu<NetTraits>> card;
};

TEST_P(QemuCard, CarriesFramesOfEverySizeBothWays) {
    std::string const here = machine.path("here");
    std::string const there = machine.path("there");
    cable.open(here, there);
    machine.add(
        {"-netdev", "dgram,id=net,local.type=unix,local.path=" + there + ",remote.type=unix,remote.path=" + here});
    ASSERT_NO_FATAL_FAILURE(bring_up(card, "virtio-net", ",netdev=net"));
    Pages const page = machine.memory.allocate_pages(1);
    for (std::size_t bytes = shortest; bytes <= longest; bytes += 7) {
        Frame const frame = frame_of(bytes);
        std::memcpy(page.virt, frame.data(), bytes);
        Segment const data{page.phys, static_cast<std::uint32_t>(bytes)};
        ASSERT_TRUE(card.submit({&data, 1}, Token{bytes}).ok());
        card.kick_device();
        Frame arrived;
        ASSERT_TRUE(wait_until([&] { return !(arrived = cable.receive()).empty(); }));
        EXPECT_EQ(arrived, frame);
        std::size_t sent = 0;
        ASSERT_TRUE(wait_until([&] {
            card.for_each_sent([&](Token token) { sent = token.value(); });
            return sent != 0;
        }));
        EXPECT_EQ(sent, bytes);

        ASSERT_NO_FATAL_FAILURE(cable.send(frame));
        Frame received;
        ASSERT_TRUE(wait_until([&] {
            card.receive_each([&](NetPacket const& packet) {
                for (NetPart const& part : packet.parts) {
                    received.insert(received.end(), part.data, part.data + part.bytes);
                }
            });
            return !received.empty();
        }));
        EXPECT_EQ(received, frame);
    }
    EXPECT_EQ(card.dropped(), 0u);
    check_idle(1);
    shut_down(card);
    machine.memory.free_pages(page);
}

INSTANTIATE_TEST_SUITE_P(Qemu, QemuCard, ::testing::ValuesIn(every_choice), choice_name);

}  // namespace
}  // namespace virtq::test
