// SPDX-License-Identifier: MIT
//
// Bare queues against QEMU's virtiofsd: a device for which the library has no driver. FUSE's messages are those of the
// kernel's header.

#include <support/contract.hpp>
#include <support/process.hpp>
#include <virtq/device/init.hpp>
#include <virtq/queue/virtqueue.hpp>

#include <linux/fuse.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include <vhost_user/connect.hpp>
#include <vhost_user/transport.hpp>

namespace virtq::test {
namespace {

class FileSystemDaemon : public ::testing::Test {
protected:
    static constexpr char const* program = "/usr/lib/qemu/virtiofsd";
    static constexpr std::uint16_t urgent_index = 0;
    static constexpr std::uint16_t request_index = 1;  // §5.11.2

    void SetUp() override {
        if (!std::filesystem::exists(program)) {
            GTEST_SKIP() << "virtiofsd is not installed (Debian's package qemu-system-common)";
        }
        if (::geteuid() != 0) {
            GTEST_SKIP() << "virtiofsd needs to be root";
        }
        std::filesystem::create_directory(folder.path("share"));
        process.start({program, "--socket-path=" + folder.path("socket"), "-o", "source=" + folder.path("share"), "-o",
                       "sandbox=chroot", "-f"},
                      folder.path("log"));
        ASSERT_TRUE(
            connect(transport, {folder.path("socket"), spec::DeviceId::file_system, 2, 128, 0}, memory, process).ok())
            << "virtiofsd kept no connection. Start it by hand to see why.";
        SpinRelax relax;
        DeviceInit init{transport};
        Negotiation negotiation;
        negotiation.wanted = Features::of(spec::Feature::event_idx, spec::Feature::indirect_desc);
        ASSERT_TRUE(init.negotiate(negotiation, PollLimit{1000}, relax).ok());
        ASSERT_TRUE(init.set_up_queue(urgent_index, urgent, memory, negotiation.negotiated).ok());
        ASSERT_TRUE(init.set_up_queue(request_index, requests, memory, negotiation.negotiated).ok());
        ASSERT_TRUE(init.go_live().ok());
        page = memory.allocate_pages(1);
        answer = memory.allocate_pages(answer_pages);
    }

    void TearDown() override {
        if (page.virt != nullptr) {
            transport.set_status({});
            for (auto* const queue : {&urgent, &requests}) {
                queue->detach();
                EXPECT_TRUE(queue->release(memory).ok());
            }
            memory.free_pages(page);
            memory.free_pages(answer);
            EXPECT_EQ(memory.pages_outstanding(), 0u);
        }
    }

    /// Sends a request, and returns its answer; null if the daemon reports an error.
    template <class Body>
    [[nodiscard]] void const* ask(std::uint32_t opcode, std::uint64_t node, Body const& body, std::size_t body_bytes) {
        ::fuse_in_header header{};
        header.len = static_cast<std::uint32_t>(sizeof header + body_bytes);
        header.opcode = opcode;
        header.unique = ++unique;
        header.nodeid = node;
        auto* const bytes = static_cast<std::uint8_t*>(page.virt);
        std::memcpy(bytes, &header, sizeof header);
        std::memcpy(bytes + sizeof header, &body, body_bytes);
        Segment const readable[] = {
            {page.phys, sizeof header},
            {page.phys + sizeof header, header.len - static_cast<std::uint32_t>(sizeof header)}};
        Segment const writable[] = {{answer.phys, sizeof(::fuse_out_header)},
                                    {answer.phys + sizeof(::fuse_out_header),
                                     answer_bytes - static_cast<std::uint32_t>(sizeof(::fuse_out_header))}};
        Status const added = requests.add(readable, writable, Token{unique});
        EXPECT_TRUE(added.ok()) << describe(added.error());
        if (Notification const notification = requests.publish()) {
            transport.notify(request_index, notification.next);
        }
        Completion done = requests.take_used();
        for (int poll = 0; done.state == CompletionState::none && poll < 200'000; ++poll) {
            std::this_thread::sleep_for(std::chrono::microseconds{50});
            done = requests.take_used();
        }
        EXPECT_EQ(done.state, CompletionState::ready);
        EXPECT_EQ(done.token, Token{unique});
        ::fuse_out_header out{};
        std::memcpy(&out, answer.virt, sizeof out);
        EXPECT_EQ(out.unique, unique);
        EXPECT_EQ(out.len, done.written);
        written = done.written - static_cast<std::uint32_t>(sizeof out);
        return out.error == 0 ? static_cast<std::uint8_t const*>(answer.virt) + sizeof out : nullptr;
    }

    static constexpr std::size_t answer_pages = 20;
    static constexpr std::uint32_t answer_bytes = answer_pages * page_bytes;

    TestFolder folder;
    Process process;
    vhost_user::SharedMemory memory{512};
    vhost_user::VhostUserTransport transport;
    VirtQueue<128> urgent;
    VirtQueue<128> requests;
    Pages page;
    Pages answer;
    std::uint64_t unique = 0;
    std::uint32_t written = 0;
};

TEST_F(FileSystemDaemon, ReadsAFile) {
    std::string content;
    for (int i = 0; i < 60000; ++i) {
        content += static_cast<char>(i * 7 + i / 256);
    }
    std::ofstream{folder.path("share/file"), std::ios::binary} << content;

    ::fuse_init_in init{};
    init.major = FUSE_KERNEL_VERSION;
    init.minor = FUSE_KERNEL_MINOR_VERSION;
    ASSERT_NE(ask(FUSE_INIT, 0, init, sizeof init), nullptr);

    char const name[] = "file";
    void const* const found = ask(FUSE_LOOKUP, FUSE_ROOT_ID, name, sizeof name);
    ASSERT_NE(found, nullptr);
    ::fuse_entry_out entry{};
    std::memcpy(&entry, found, sizeof entry);
    EXPECT_EQ(entry.attr.size, content.size());
    char const missing[] = "missing";
    EXPECT_EQ(ask(FUSE_LOOKUP, FUSE_ROOT_ID, missing, sizeof missing), nullptr);

    ::fuse_open_in const open{};
    void const* const opened = ask(FUSE_OPEN, entry.nodeid, open, sizeof open);
    ASSERT_NE(opened, nullptr);
    ::fuse_open_out handle{};
    std::memcpy(&handle, opened, sizeof handle);

    std::string got;
    while (got.size() < content.size()) {
        ::fuse_read_in read{};
        read.fh = handle.fh;
        read.offset = got.size();
        read.size = 9000;
        void const* const data = ask(FUSE_READ, entry.nodeid, read, sizeof read);
        ASSERT_NE(data, nullptr);
        ASSERT_NE(written, 0u);
        got.append(static_cast<char const*>(data), written);
    }
    EXPECT_EQ(got, content);
}

}  // namespace
}  // namespace virtq::test
