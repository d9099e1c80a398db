// SPDX-License-Identifier: MIT
#include <virtq/device/block.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>

#include <fuzz/block_transport.hpp>
#include <fuzz/fenced_pages.hpp>
#include <fuzz/input.hpp>
#include <fuzz/queue_device.hpp>
#include <fuzz/require.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <set>
#include <vector>

/// A disk whose configuration, status register and answers come from the input. A driver uses it in every way, also
/// from within the relax hook. These properties are checked:
///
/// - each accepted request ends once, at the latest with `reset`;
/// - each mapping is unmapped once, and all pages are freed;
/// - no call takes long;
/// - each error has a name.
namespace virtq::test {

using namespace virtq::detail;

namespace {

constexpr std::uint16_t capacity = 16;
constexpr unsigned calls_most = 300;
constexpr std::uint32_t looks_most = 4;
constexpr std::size_t accesses_most = 2500;  // an unstable configuration is read 16 times, byte by byte

/// Returns other addresses, and remembers them.
class CountingMapper {
public:
    Result<PhysAddr> map(PhysAddr, std::uint32_t, DmaDirection) {
        if (failing != 0 && --failing == 0) {
            return Error::dma_map_failed;
        }
        PhysAddr const bus{next_ += 0x1'0000'0000};
        mapped.insert(bus.value);
        return bus;
    }
    void unmap(PhysAddr bus, std::uint32_t, DmaDirection) { require(mapped.erase(bus.value) == 1); }

    std::set<std::uint64_t> mapped;
    std::uint8_t failing = 0;

private:
    std::uint64_t next_ = 0x10'0000'0000;
};

struct SplitTraits : BlockTraits {
    static constexpr std::uint16_t queue_count_max = 2;
};
struct PackedTraits : BlockTraits {
    using Format = Packed;
};
struct MappedTraits : BlockTraits {
    using Format = AnyFormat;
    using Mapper = CountingMapper;
    static constexpr std::uint16_t queue_count_max = 2;
};

template <class Traits>
class Machine {
    static constexpr bool is_mapped = SameAs<typename Traits::Mapper, CountingMapper>;
    using Disk = BlockDevice<BlockTransport, capacity, Traits>;

public:
    explicit Machine(Input& input) : in_(input), transport_(input, pages_), disk_(std::make_unique<Disk>()) {}
    ~Machine() {
        transport_.be_honest();
        require(disk_->release(pages_).ok());
        require(pages_.runs().empty() && mapper_.mapped.empty());
    }

    void run() {
        if (!bring_up()) {
            return;
        }
        for (unsigned i = 0; i < calls_most && !in_.at_end(); ++i) {
            step();
            require(mapper_.mapped.empty() || is_mapped);
        }
        transport_.be_honest();
        reset();
        require(waiting_.empty());
    }

private:
    [[nodiscard]] bool bring_up() {
        BlockOption option;
        option.reset_limit = PollLimit{4};
        option.queue.over_reported =
            (in_.byte() & 1) != 0 ? OverReportedLength::clamp : OverReportedLength::break_queue;
        std::uint8_t const trouble = in_.byte();
        pages_.fail_at(trouble >= 0xf0 ? trouble & 7 : 0);
        transport_.is_restless = (trouble & 0xf0) == 0xe0;
        set_status_flips((trouble & 0xf0) == 0xd0);
        Status const up = call([&] {
            if constexpr (is_mapped) {
                return disk_->init(transport_, pages_, mapper_, option, NoRelax{});
            } else {
                return disk_->init(transport_, pages_, option, NoRelax{});
            }
        });
        pages_.fail_at(0);
        transport_.be_honest();
        require(is_named(up.error()) && up.ok() == (disk_->queue_count() != 0));
        if (up) {
            check_config();
        }
        return up.ok();
    }

    void check_config() {
        std::uint32_t const bytes = disk_->block_bytes();
        require(bytes >= 512 && (bytes & (bytes - 1)) == 0);
        require(disk_->queue_count() >= 1 && disk_->queue_count() <= Traits::queue_count_max);
        std::uint64_t sectors = 0;
        std::memcpy(&sectors, transport_.config.data(), 8);
        require(disk_->capacity_sectors() == sectors);
    }

    void step() {
        std::uint8_t const what = in_.byte();
        std::uint16_t const queue = (what & 0x80) != 0 ? disk_->queue_count() - 1u & 0xffff : 0;
        switch (what % 16) {
            case 0:
            case 1:
            case 2: submit(queue); break;
            case 3:
            case 4: call([&] { disk_->kick_device(queue); }); break;
            case 5: complete(queue); break;
            case 6: call([&] { disk_->for_each_completed([&](BlockCompletion done) { end(done); }, queue); }); break;
            case 7: perform(queue); break;
            case 8:
            case 9:
            case 10: answer(queue); break;
            case 11: write_anywhere(); break;
            case 12: change_config(); break;
            case 13: look(queue, what); break;
            case 14: set_status_flips(true); break;
            default:
                transport_.keeps_running = (what & 0x40) != 0;
                reset();
                transport_.keeps_running = false;
        }
    }

    // --- the driver ---

    [[nodiscard]] BlockRequest choose_request(std::array<Segment, 12>& segments) {
        constexpr std::uint32_t lengths[] = {512, 4096, 20, 1024, 511, 0, 0x8000'0000, 0xffff'fe00};
        std::uint8_t const shape = in_.byte();
        BlockRequest request;
        request.operation = static_cast<BlockOperation>(shape % 7);
        std::size_t const count = shape >= 0xf0 ? 12 : shape / 7 % 4;
        std::uint8_t const length = in_.byte();
        for (std::size_t i = 0; i < count; ++i) {
            std::uint32_t const bytes = lengths[(i + 1 == count ? length : length >> 4) % 8];
            segments[i] = Segment{PhysAddr{0x9'8765'0000 + 0x1'0000'0000 * i}, bytes};
        }
        request.data = {segments.data(), count};
        request.sector = in_.byte();
        request.sector_count = length;
        mapper_.failing = (length & 0x88) == 0x88 ? 2 : 0;
        return request;
    }
    void submit(std::uint16_t queue) {
        std::array<Segment, 12> segments;
        BlockRequest request = choose_request(segments);
        request.token = Token{next_token_};
        Status const taken = call([&] { return disk_->submit(request, queue); });
        require(is_named(taken.error()));
        if (taken) {
            require(request.operation != BlockOperation::write || !disk_->is_read_only());
            waiting_.insert(next_token_);
        }
        ++next_token_;
    }
    void complete(std::uint16_t queue) {
        BlockCompletion const done = call([&] { return disk_->take_completed(queue); });
        if (done.state == CompletionState::ready) {
            end(done);
        }
        require(!is_honest_ || done.error != Error::queue_broken);
    }
    /// A request ends that was accepted and has not ended before. One without token is a blocking call that was given
    /// up.
    void end(BlockCompletion done) {
        require(is_named(done.error));
        require(done.token.value() == 0 || waiting_.erase(done.token.value()) == 1);
        require(!is_honest_ || done.error == Error::none || done.error == Error::request_cancelled);
    }
    void perform(std::uint16_t queue) {
        std::array<Segment, 12> segments;
        BlockRequest const request = choose_request(segments);
        unsigned relaxed = 0;
        bool const goes_deep = !is_inside_;
        is_inside_ = true;
        Status const done = call([&] {
            return disk_->perform(
                request, PollLimit{looks_most},
                [&] {
                    ++relaxed;
                    if (goes_deep && relaxed <= looks_most) {
                        step();  // a relax hook may use the disk
                    }
                },
                queue);
        });
        is_inside_ = !goes_deep;
        require(is_named(done.error()) && relaxed <= looks_most);
    }
    void reset() {
        Status const up = call([&] {
            return disk_->reset(
                [&](BlockCompletion done) {
                    require(done.state == CompletionState::ready);
                    end(done);
                },
                NoRelax{});
        });
        require(is_named(up.error()));
        require(waiting_.empty() || is_reset_incomplete(up.error()));
        is_honest_ = is_honest_ && up.ok();
        if (up) {
            check_config();
        }
    }
    void look(std::uint16_t queue, std::uint8_t what) {
        require(is_named(call([&] { return disk_->check_alive(queue); }).error()));
        static_cast<void>(call([&] { return disk_->enable_used_notifications(queue); }));
        call([&] { disk_->disable_used_notifications(queue); });
        require(disk_->in_flight(queue) <= disk_->queue_size(queue));
        if ((what & 0x40) != 0) {
            static_cast<void>(call([&] { return disk_->set_cache_mode(static_cast<BlockCacheMode>(what >> 5 & 1)); }));
        }
    }

    // --- the device ---

    void answer(std::uint16_t queue) {
        auto& chosen = transport_.queues[queue];
        if (!chosen.is_live || !pages_.has(chosen.device.run(), 1)) {
            return;
        }
        while (chosen.fetched.size() < capacity) {
            auto const chain = chosen.device.fetch(pages_);
            if (!chain) {
                break;
            }
            chosen.fetched.push_back(*chain);
        }
        std::uint8_t const how = in_.byte();
        if (chosen.fetched.empty()) {
            return;
        }
        std::size_t const which =
            transport_.has_accepted(spec::Feature::in_order) ? 0 : how / 16 % chosen.fetched.size();
        QueueDevice::Fetched const chain = chosen.fetched[which];
        chosen.fetched.erase(chosen.fetched.begin() + static_cast<std::ptrdiff_t>(which));
        std::uint8_t const status = how % 16 < 12 ? 0 : in_.byte();
        std::uint32_t const length = how % 4 != 3 ? chain.writable : in_.byte() * 16u;
        std::uint32_t const id = how % 16 == 15 ? in_.byte() : chain.id;
        is_honest_ = is_honest_ && status == 0 && length == chain.writable && id == chain.id;
        if (pages_.has(chain.last, 1)) {
            *pages_.virt(chain.last) = status;
        }
        chosen.device.use(id, length, 1, chain.descriptors);
    }
    void write_anywhere() {
        is_honest_ = false;
        if (pages_.runs().empty()) {
            return;
        }
        Pages const run = pages_.runs()[in_.byte() % pages_.runs().size()];
        std::size_t const at = in_.half() % (run.count * page_bytes);
        static_cast<std::uint8_t*>(run.virt)[at] = in_.byte();
    }
    void change_config() {
        std::uint8_t const at = in_.byte();
        transport_.config[at % 64] = in_.byte();
        transport_.is_restless = at >= 0xc0;
        Result<bool> const read = call([&] { return disk_->on_config_change(); });
        require(is_named(read.error()));
        transport_.is_restless = false;
        // Without a successful read the driver keeps its old values.
        if (read) {
            check_config();
        }
    }
    void set_status_flips(bool flips) {
        if (flips) {
            is_honest_ = false;
            transport_.status_flips = in_.byte();
            transport_.status_flips_in = in_.byte() % 16;
        }
    }

    struct NoRelax {
        void operator()() const {}
    };

    /// Checks that a call, including those of its relax hook, makes a bounded number of accesses.
    template <class Call>
    auto call(Call const& run) -> decltype(run()) {
        std::size_t const before = transport_.accesses;
        struct Check {
            BlockTransport& transport;
            std::size_t most;
            ~Check() { require(transport.accesses <= most); }
        } const check{transport_, before + accesses_most * (1 + looks_most)};
        return run();
    }

    Input& in_;
    FencedPages pages_;
    BlockTransport transport_;
    CountingMapper mapper_;
    std::unique_ptr<Disk> disk_;  // separate, so that the sanitizer detects accesses past it
    std::set<std::uintptr_t> waiting_;
    std::uintptr_t next_token_ = 1;
    bool is_honest_ = true;
    bool is_inside_ = false;
};

template <class Traits>
void run(Input& input) {
    Machine<Traits> machine{input};
    machine.run();
}

}  // namespace
}  // namespace virtq::test

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace virtq::test;
    Input input{data, size};
    switch (input.byte() % 3) {
        case 0: run<SplitTraits>(input); break;
        case 1: run<PackedTraits>(input); break;
        default: run<MappedTraits>(input);
    }
    return 0;
}
