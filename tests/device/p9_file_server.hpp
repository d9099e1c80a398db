// SPDX-License-Identifier: MIT
#pragma once

#include <sim/chain.hpp>
#include <sim/p9_device.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

/// A server of 9P2000.L for `sim::P9Device`, with a file tree in memory. It knows the requests that a client needs to read.
namespace virtq::test {

class P9FileServer {
public:
    using Message = sim::P9Device::Message;

    std::map<std::string, std::optional<Message>> files;                  ///< by path; a folder has no content
    std::uint32_t most_read = std::numeric_limits<std::uint32_t>::max();  ///< an answer to Tread has no more
    std::uint64_t most_asked = 0;                                         ///< the largest count of all Treads
    /// What it gets wrong.
    std::function<void(std::uint8_t& type, Message& body)> change = [](std::uint8_t&, Message&) {};
    std::uint8_t refused = 0;  ///< the type of request that it refuses, with an error of 0
    /// Entries that each folder has besides.
    std::vector<std::string> more_entries;

    [[nodiscard]] Message answer(Message const& request) {
        at_ = request.begin();
        end_ = request.end();
        take(4);
        auto const asked = static_cast<std::uint8_t>(take(1));
        auto const tag = static_cast<std::uint16_t>(take(2));
        body_.clear();
        bool const is_done = execute(asked) && asked != refused;
        if (!is_done) {
            body_.clear();
            put(asked == refused ? 0 : 2, 4);  // ENOENT
        }
        auto type = static_cast<std::uint8_t>(is_done ? asked + 1 : 7);
        change(type, body_);
        return sim::P9Device::message(type, tag, body_);
    }

private:
    [[nodiscard]] bool execute(std::uint8_t type) {
        auto const number = static_cast<std::uint32_t>(take(4));  // of a fid, except in Tversion
        switch (type) {
            case 100: return put(number, 4), put_text(take_text()), true;
            case 104: return open_[number] = "", put_qid(), true;
            case 110: return walk(number);
            case 12: return put_qid(), put(0, 4), true;
            case 24: return attributes(open_.at(number));
            case 40: return list(open_.at(number));
            case 116: return read(open_.at(number));
            case 120: return open_.erase(number) == 1;
            default: return false;
        }
    }
    [[nodiscard]] bool walk(std::uint32_t from) {
        auto const to = static_cast<std::uint32_t>(take(4));
        std::string path = open_.at(from);
        auto const names = take(2);
        if (names != 0) {
            path += (path.empty() ? "" : "/") + take_text();
        }
        put(names, 2);
        names != 0 ? put_qid() : void();
        bool const is_there = path.empty() || files.count(path) != 0;
        if (is_there) {
            open_[to] = path;
        }
        return is_there;
    }
    [[nodiscard]] bool attributes(std::string const& path) {
        std::optional<Message> const content = path.empty() ? std::nullopt : files.at(path);
        put(0x7ff, 8);
        put_qid();
        put(content ? 0100644 : 0040755, 4);
        put(0, 4);
        put(0, 4);
        put(1, 8);
        put(0, 8);
        put(content ? content->size() : 0, 8);
        body_.resize(153);
        return true;
    }
    [[nodiscard]] bool list(std::string const& folder) {
        std::uint64_t number = 0;
        std::uint64_t const first = take(8);
        std::uint64_t const most = take(4);
        std::vector<std::string> names{".", ".."};
        std::string const prefix = folder.empty() ? "" : folder + "/";
        for (auto const& [path, content] : files) {
            bool const is_below = path.size() > prefix.size() && path.compare(0, prefix.size(), prefix) == 0;
            if (is_below && path.find('/', prefix.size()) == std::string::npos) {
                names.push_back(path.substr(prefix.size()));
            }
        }
        names.insert(names.end(), more_entries.begin(), more_entries.end());
        put(0, 4);
        for (std::string const& name : names) {
            if (++number > first && body_.size() + 13 + 8 + 1 + 2 + name.size() <= most + 4) {
                put_qid();
                put(number, 8);
                put(0, 1);
                put_text(name);
            }
        }
        sim::encode(body_.data(), 4, body_.size() - 4, sim::ByteOrder::little);
        return true;
    }
    [[nodiscard]] bool read(std::string const& path) {
        Message const& content = files.at(path).value();
        std::uint64_t const first = std::min<std::uint64_t>(take(8), content.size());
        std::uint64_t const asked = take(4);
        most_asked = std::max(most_asked, asked);
        std::uint64_t const bytes = std::min({asked, content.size() - first, std::uint64_t{most_read}});
        put(bytes, 4);
        auto const begin = content.begin() + static_cast<std::ptrdiff_t>(first);
        body_.insert(body_.end(), begin, begin + static_cast<std::ptrdiff_t>(bytes));
        return true;
    }

    std::uint64_t take(std::size_t bytes) {
        std::uint64_t const number = sim::decode(&*at_, bytes, sim::ByteOrder::little);
        at_ += static_cast<std::ptrdiff_t>(bytes);
        return number;
    }
    std::string take_text() {
        auto const bytes = static_cast<std::ptrdiff_t>(take(2));
        std::string text{at_, at_ + bytes};
        at_ += bytes;
        return text;
    }
    void put(std::uint64_t number, std::size_t bytes) {
        body_.resize(body_.size() + bytes);
        sim::encode(body_.data() + body_.size() - bytes, bytes, number, sim::ByteOrder::little);
    }
    void put_text(std::string const& text) {
        put(text.size(), 2);
        body_.insert(body_.end(), text.begin(), text.end());
    }
    void put_qid() { put(0, 8), put(0, 5); }

    std::map<std::uint32_t, std::string> open_;  ///< the path of each fid
    Message::const_iterator at_;
    Message::const_iterator end_;
    Message body_;
};

}  // namespace virtq::test
