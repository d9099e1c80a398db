// SPDX-License-Identifier: MIT
#pragma once

#include "message.hpp"

#include <virtq/device/p9.hpp>

/// A client of 9P2000.L that reads. A *fid* is the client's number of a file, an *open* one is being read.
namespace p9 {

/// What Rgetattr tells about a file.
struct Attributes {
    uint32_t mode = 0;
    uint64_t size = 0;

    [[nodiscard]] bool is_folder() const { return (mode & 0170000) == 0040000; }
    [[nodiscard]] bool is_file() const { return (mode & 0170000) == 0100000; }
};

/// `Server` has the driver, how to wait for it, and `fail(what, why, number)`, which does not return: whatever fails ends
/// there. All zero at first, for a global object.
template <class Server>
class Client {
public:
    static constexpr uint32_t root = 0;  ///< the fid of the folder that the server shares
    static constexpr uint32_t folder_bytes = 4096;
    using FolderPart = uint8_t[folder_bytes];

    template <class Pages>
    void connect(Server& server, Pages& pages) {
        server_ = &server;
        for (Part& part : parts_) {
            part.pages = pages.allocate_pages(buffer_pages);
            check("buffers", part.pages.virt != nullptr ? virtq::Error::none : virtq::Error::no_pages);
        }
        Request version{Type::tversion, no_tag};
        version.put(most_header_bytes + most_part_bytes, 4).put(protocol);
        Reader answer = call("Tversion", version);
        auto const most = static_cast<uint32_t>(answer.take(4));
        if (!equal(answer.take_text(), protocol) || most <= most_header_bytes + folder_bytes) {
            server.fail("Tversion", "the server does not speak 9P2000.L, or has only short messages", most);
        }
        part_bytes_ = most - most_header_bytes < most_part_bytes ? most - most_header_bytes : most_part_bytes;
        Request attach{Type::tattach, call_tag};
        attach.put(root, 4).put(no_fid, 4).put(user).put(Text{}).put(0, 4);
        call("Tattach", attach);
    }
    template <class Pages>
    void disconnect(Pages& pages) {
        close(root);
        give_back(pages);
    }
    /// Does not close the session. No request may be in flight.
    template <class Pages>
    void give_back(Pages& pages) {
        for (Part& part : parts_) {
            if (part.pages.virt != nullptr) {
                pages.free_pages(part.pages);
            }
            part.pages = {};
        }
    }

    /// Makes `fid` the file `name` of a folder; without a name, the folder itself.
    void walk(uint32_t folder, uint32_t fid, Text name) {
        Request request{Type::twalk, call_tag};
        request.put(folder, 4).put(fid, 4).put(name.empty() ? 0 : 1, 2);
        if (!name.empty()) {
            request.put(name);
        }
        Reader answer = call("Twalk", request);
        if (answer.take(2) != (name.empty() ? 0u : 1u) || !answer.is_sound()) {
            server_->fail("Twalk", "the server did not find the file", 0);
        }
    }
    [[nodiscard]] Attributes attributes(uint32_t fid) {
        Request request{Type::tgetattr, call_tag};
        request.put(fid, 4).put(basic_attributes, 8);
        Reader answer = call("Tgetattr", request);
        Attributes found;
        uint64_t const valid = answer.take(8);
        answer.skip(qid_bytes);
        found.mode = static_cast<uint32_t>(answer.take(4));
        answer.skip(4 + 4 + 8 + 8);  // its owner and group, how many links it has, and its device
        found.size = answer.take(8);
        if (!answer.is_sound()) {
            server_->fail("Tgetattr", "the answer ends too early", 0);
        }
        if ((valid & needed_attributes) != needed_attributes) {
            server_->fail("Tgetattr", "the server does not know the mode or the size", valid);
        }
        return found;
    }
    void open(uint32_t fid) {
        Request request{Type::tlopen, call_tag};
        request.put(fid, 4).put(0, 4);  // O_RDONLY
        call("Tlopen", request);
    }
    void close(uint32_t fid) {
        Request request{Type::tclunk, call_tag};
        request.put(fid, 4);
        call("Tclunk", request);
    }

    /// Calls `each(Text name)` for each file in an open folder. `part` has the names. `each` may use the client, and list
    /// another folder with another `part`.
    template <class Each>
    void for_each_entry(uint32_t fid, FolderPart& part, Each each) {
        uint64_t offset = 0;
        while (uint32_t const bytes = read_folder(fid, offset, part)) {
            uint64_t const asked = offset;
            Reader reader{part, bytes};
            while (reader.left() != 0) {
                Entry entry;
                if (!Entry::take(reader, entry)) {
                    server_->fail("Treaddir", "an entry is cut off", entries_);
                }
                if (++entries_ > most_entries) {
                    server_->fail("Treaddir", "there are far too many entries", entries_);
                }
                offset = entry.next;
                if (is_dots(entry.name)) {
                    continue;
                }
                if (!is_name(entry.name)) {
                    server_->fail("Treaddir", "no file has such a name", entry.name.size());
                }
                each(entry.name);
            }
            if (offset == asked) {
                server_->fail("Treaddir", "the folder does not go on", offset);
            }
        }
    }

    /// Calls `each(bytes, count)` for all of an open file, in order, with many requests in flight. `each` must not use the
    /// client, which has one set of buffers.
    template <class Each>
    void read_file(uint32_t fid, uint64_t size, Each each) {
        if (size > most_file_bytes) {
            server_->fail("Tread", "the server says that the file is far too large", size);
        }
        uint64_t asked = 0;  // how much of the file was asked for
        uint32_t first = 0;  // the part that comes next
        uint32_t count = 0;  // how many parts there are from it on
        for (uint64_t taken = 0; taken != size;) {
            for (; count != buffer_count && asked != size; ++count) {
                uint32_t const number = (first + count) % buffer_count;
                uint64_t const rest = size - asked;
                uint32_t const wanted = rest < part_bytes_ ? static_cast<uint32_t>(rest) : part_bytes_;
                parts_[number].begin(asked, wanted);
                if (submit(fid, number) == virtq::Error::queue_full) {
                    break;  // until a part was taken: the device has a short queue
                }
                asked += wanted;
            }
            server_->kick();
            take_one(fid);
            for (; count != 0 && parts_[first].got == parts_[first].wanted; --count) {
                each(static_cast<uint8_t const*>(parts_[first].pages.virt), parts_[first].wanted);
                taken += parts_[first].wanted;
                first = (first + 1) % buffer_count;
            }
        }
    }

    [[nodiscard]] uint64_t requests() const { return requests_; }

private:
    static constexpr uint32_t buffer_count = 8;
    static constexpr uint32_t buffer_pages = 8;
    static constexpr uint32_t most_part_bytes = buffer_pages * 4096;
    static constexpr uint32_t most_header_bytes = 24;  // of a message with data, as Linux counts it
    static constexpr uint32_t header_bytes = virtq::spec::p9::header::bytes;
    static constexpr uint32_t head_bytes = 11;                      // of Rread and Rreaddir, before their data
    static constexpr uint64_t most_entries = 65536;                 // a server could list the same ones for ever
    static constexpr uint64_t most_file_bytes = uint64_t{1} << 30;  // the size is only what the server says
    static constexpr uint64_t basic_attributes = 0x7ff;
    static constexpr uint64_t needed_attributes = 0x201;  // mode and size
    static constexpr uint16_t no_tag = 0xffff;            // of Tversion
    static constexpr uint16_t call_tag = 100;             // of requests that wait for their answer; parts have 0 to 7
    static constexpr uint32_t no_fid = UINT32_MAX;
    static constexpr Text protocol{"9P2000.L", 8};
    static constexpr Text user{"root", 4};

    /// A part of a file that is being read.
    struct Part {
        virtq::Pages pages{};
        uint8_t head[head_bytes] = {};
        uint64_t offset = 0;  ///< in the file
        uint32_t wanted = 0;
        uint32_t got = 0;

        void begin(uint64_t at, uint32_t bytes) {
            offset = at;
            wanted = bytes;
            got = 0;
        }
    };

    [[nodiscard]] auto waiting() {
        return [this] { server_->rest(); };
    }
    void check(char const* what, virtq::Error error) {
        if (error != virtq::Error::none) {
            server_->fail(what, virtq::describe(error), 0);
        }
    }
    /// Whether a request of this type succeeded. The driver also passes errors on: Rlerror, and Rerror (107).
    [[nodiscard]] static bool answers(Type type, uint8_t const* answer) {
        return answer[virtq::spec::p9::header::type] == static_cast<uint8_t>(type) + 1;
    }

    /// Sends a request, and returns the answer behind its header.
    Reader call(char const* what, Request& request) {
        server_->count_request(++requests_);
        virtq::Result<uint32_t> const size =
            server_->driver.call({request.finish(), answer_}, server_->patience(), waiting());
        check(what, size.error());
        Reader answer{answer_ + header_bytes, *size - header_bytes};
        if (!answers(request.type(), answer_)) {
            server_->fail(what, "the server refused it, with the error", answer.take(4));
        }
        return answer;
    }

    /// Returns how much data follows the head of an answer. For an error or a wrong count that is UINT32_MAX, which is
    /// more than anybody asks for.
    [[nodiscard]] static uint32_t data_bytes(Type type, uint8_t const* head, uint32_t size) {
        Reader count{head + header_bytes, head_bytes - header_bytes};
        auto const bytes = static_cast<uint32_t>(count.take(4));
        return answers(type, head) && size >= head_bytes && bytes <= size - head_bytes ? bytes : UINT32_MAX;
    }

    /// Copies entries of an open folder from `offset` on. Returns how many bytes there are, and 0 at its end.
    [[nodiscard]] uint32_t read_folder(uint32_t fid, uint64_t offset, FolderPart& to) {
        Request request{Type::treaddir, call_tag};
        request.put(fid, 4).put(offset, 8).put(folder_bytes, 4);
        virtq::Segment const data{parts_[0].pages.phys, folder_bytes};
        server_->count_request(++requests_);
        virtq::Result<uint32_t> const size =
            server_->driver.call({request.finish(), parts_[0].head, data, virtq::DmaDirection::device_writes},
                                 server_->patience(), waiting());
        check("Treaddir", size.error());
        uint32_t const bytes = data_bytes(Type::treaddir, parts_[0].head, *size);
        if (bytes > folder_bytes) {
            server_->fail("Treaddir", "the server did not answer with entries", bytes);
        }
        __builtin_memcpy(to, parts_[0].pages.virt, bytes);  // the device could change what is in the buffer
        return bytes;
    }

    /// Asks for what is missing of a part. Returns `queue_full` if there is no room while other parts are read.
    virtq::Error submit(uint32_t fid, uint32_t number) {
        Part& part = parts_[number];
        uint32_t const missing = part.wanted - part.got;
        Request request{Type::tread, static_cast<uint16_t>(number)};
        request.put(fid, 4).put(part.offset + part.got, 8).put(missing, 4);
        virtq::Segment const data{part.pages.phys + part.got, missing};
        server_->count_request(++requests_);
        virtq::P9Request const read{request.finish(), part.head, data, virtq::DmaDirection::device_writes};
        virtq::Error const error = server_->driver.submit(read, virtq::Token{uintptr_t{number}}).error();
        bool const is_full = error == virtq::Error::queue_full && server_->driver.in_flight() != 0;
        check("Tread", is_full ? virtq::Error::none : error);
        return error;
    }

    /// Waits for one part. A server may return less than it was asked for: then the rest of the part is next.
    void take_one(uint32_t fid) {
        virtq::RequestCompletion done = server_->driver.take_completed();
        for (uint32_t rests = 0; done.state == virtq::CompletionState::none; done = server_->driver.take_completed()) {
            if (++rests == server_->patience().count) {
                server_->fail("Tread", "the server does not answer", 0);
            }
            server_->rest();
        }
        check("Tread", done.error);
        auto const number = static_cast<uint32_t>(done.token.value());
        Part& part = parts_[number];
        uint32_t const bytes = data_bytes(Type::tread, part.head, done.bytes);
        if (bytes == 0 || bytes > part.wanted - part.got) {
            server_->fail("Tread", "the server did not answer with bytes of the file", bytes);
        }
        part.got += bytes;
        if (part.got != part.wanted) {
            check("Tread", submit(fid, number));  // there is the room that this part had
        }
    }

    Server* server_ = nullptr;
    uint32_t part_bytes_ = 0;  ///< most bytes of a Tread
    uint64_t requests_ = 0;
    uint64_t entries_ = 0;
    uint8_t answer_[virtq::P9Traits::answer_bytes] = {};
    Part parts_[buffer_count] = {};
};

}  // namespace p9
