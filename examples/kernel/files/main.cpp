// SPDX-License-Identifier: MIT
#include "client.hpp"
#include "device_search.hpp"
#include "driven.hpp"
#include "sha256.hpp"
#include "startup.hpp"

/// The whole kernel: find a 9P transport, list the folder that the host shares, and read every file in it. Prints each
/// file with its size and sum, so that examples/run can compare them with the host's.

namespace {

struct ServerTraits : virtq::P9Traits {
    using Format = virtq::AnyFormat;
};

/// What the client needs of its server.
struct Server : Driven<virtq::P9Device<Device::Transport, 128, ServerTraits>> {
    /// A request may take two interrupts, and no more.
    void count_request(uint64_t) { most_interrupts += 2; }
    void kick() {
        if (!is_broken_on_purpose()) {
            static_cast<void>(driver.kick_device());
        }
    }
    [[noreturn]] void fail(char const* what, char const* why, uint64_t value) {
        serial::line(what, ": ", why, " (", value, ")");
        give_up(what);
    }
};
using Client = p9::Client<Server>;

constexpr uint32_t most_levels = 4;  // of folders in folders
constexpr uint32_t most_path_bytes = most_levels * (p9::most_name_bytes + 1);

constinit Server server;
constinit Client client;
constinit Sha256 sum;
constinit Client::FolderPart parts[most_levels];  // a folder's, while those in it are read
constinit char path[most_path_bytes + 1];
constinit uint64_t file_count = 0;
constinit uint64_t byte_count = 0;

uint32_t add_name(uint32_t end, p9::Text name) {
    if (end != 0) {
        path[end++] = '/';
    }
    __builtin_memcpy(path + end, name.data(), name.size());
    end += static_cast<uint32_t>(name.size());
    path[end] = '\0';
    return end;
}

void read(uint32_t fid, uint64_t size) {
    client.open(fid);
    sum.start();
    client.read_file(fid, size, [](uint8_t const* bytes, uint32_t count) { sum.update(bytes, count); });
    serial::line("file: ", sum.finish().digits, " ", size, " ", path);
    ++file_count;
    byte_count += size;
}

/// Lists a folder, and reads what is in it. An open fid cannot be walked from, so the folder has a second one.
void list(uint32_t folder, uint32_t level, uint32_t path_end) {
    uint32_t const opened = 1 + 2 * level;
    uint32_t const fid = opened + 1;
    client.walk(folder, opened, {});
    client.open(opened);
    client.for_each_entry(opened, parts[level], [&](p9::Text name) {
        uint32_t const end = add_name(path_end, name);
        client.walk(folder, fid, name);
        p9::Attributes const attributes = client.attributes(fid);
        if (attributes.is_file()) {
            read(fid, attributes.size);
        } else if (attributes.is_folder() && level + 1 < most_levels) {
            serial::line("folder: ", path);
            list(fid, level + 1, end);
        } else {
            serial::line("not read: ", path);
        }
        client.close(fid);
    });
    client.close(opened);
}

void print_tag() {
    char text[ServerTraits::mount_tag_bytes + 1] = {};
    virtq::Span<char const> const tag = server.driver.mount_tag();
    __builtin_memcpy(text, tag.data(), tag.size());
    serial::line("mount tag: ", text);
}

}  // namespace

void run_kernel(KernelOptions const& options, PagePool& pages) {
    Device* const devices[] = {&server};
    if (find_devices(devices, virtq::spec::DeviceId::transport_9p, options.way) != 1) {
        serial::fail("this kernel wants a 9P transport, and there is none");
    }
    server.bring_up(pages);
    print_tag();
    server.expect_interrupts(0);
    client.connect(server, pages);
    list(Client::root, 0, 0);
    client.disconnect(pages);
    server.check_interrupts();
    if (virtq::DriverFault const fault = server.driver.driver_fault()) {
        serial::fail("the device broke a rule: ", virtq::describe(fault.reason));
    }
    serial::line("files: ", file_count, " with ", byte_count, " bytes");
    if (server.way != InterruptWay::none) {
        serial::line("interrupts: ", server.interrupts, " for ", client.requests(), " requests");
    }
    server.release(pages);
}
