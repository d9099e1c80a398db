// SPDX-License-Identifier: MIT
#include <virtq/device/block.hpp>
#include <virtq/queue/any_format.hpp>
#include <virtq/queue/packed.hpp>

#include <fuzz/queue_device.hpp>
#include <support/contract.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <memory>
#include <random>
#include <set>
#include <vector>

/// Most reads and writes go straight to the ring, past the code that splits, maps and names errors. With a mapper, none
/// does. So two disks get the same random requests and the same hostile device, one with a mapper that changes no
/// address. All answers must be equal, and all bytes that the device sees.
///
///   VIRTQ_REQUESTS=1000000  requests of each format; the deep tier has a million
namespace virtq::test {

namespace {

struct SameAddress {
    Result<PhysAddr> map(PhysAddr address, std::uint32_t, DmaDirection) { return address; }
    void unmap(PhysAddr, std::uint32_t, DmaDirection) {}
};

template <class Ring>
struct StraightTraits : BlockTraits {
    using Format = Ring;
};
template <class Ring>
struct UsualTraits : BlockTraits {
    using Format = Ring;
    using Mapper = SameAddress;
};

/// Pages whose device addresses are the same in both machines.
class TwinPages {
public:
    Pages allocate_pages(std::size_t count) {
        std::size_t const first = next_;
        next_ += count;
        EXPECT_LE(next_, page_count);
        return {bytes_.data() + first * page_bytes, PhysAddr{base + first * page_bytes}, count};
    }
    void free_pages(Pages) {}

    [[nodiscard]] bool has(PhysAddr address, std::size_t bytes) const {
        std::uint64_t const offset = address.value - base;
        return address.value >= base && offset < bytes_.size() && bytes_.size() - offset >= bytes;
    }
    [[nodiscard]] std::uint8_t* virt(PhysAddr address) { return bytes_.data() + (address.value - base); }
    [[nodiscard]] std::size_t used() const { return next_ * page_bytes; }
    [[nodiscard]] std::uint8_t& operator[](std::size_t at) { return bytes_[at]; }
    [[nodiscard]] bool equals(TwinPages const& other) const {
        return std::memcmp(bytes_.data(), other.bytes_.data(), used()) == 0;
    }

private:
    static constexpr std::size_t page_count = 12;
    static constexpr std::uint64_t base = 0x1234'0000;

    alignas(page_bytes) std::array<std::uint8_t, page_count * page_bytes> bytes_{};
    std::size_t next_ = 0;
};

/// A disk's registers. The test changes what the device reports.
class TwinRegisters : public TransportDefaults {
public:
    explicit TwinRegisters(TwinPages& pages) : pages_(pages) {}

    bool legacy = false;
    Features offered;
    std::array<std::uint32_t, 24> config{};
    bool needs_reset = false;
    QueueDevice device;
    std::deque<QueueDevice::Fetched> fetched;
    unsigned notified = 0;
    Features accepted;

    [[nodiscard]] spec::DeviceId device_id() const { return spec::DeviceId::block; }
    [[nodiscard]] bool is_legacy() const { return legacy; }
    [[nodiscard]] DeviceStatus status() const {
        return needs_reset ? status_.with(spec::StatusBit::device_needs_reset) : status_;
    }
    void set_status(DeviceStatus status) {
        status_ = status;
        if (status.is_reset()) {
            needs_reset = false;
            fetched.clear();
            live_ = false;
        }
    }
    [[nodiscard]] std::uint32_t offered_features(unsigned word) const { return offered.word(word); }
    void accept_features(unsigned word, std::uint32_t bits) { accepted.set_word(word, bits); }
    [[nodiscard]] std::uint32_t queue_size_max(std::uint16_t queue) const { return queue == 0 ? 16u : 0u; }
    [[nodiscard]] bool is_queue_in_use(std::uint16_t) const { return live_; }
    [[nodiscard]] Status enable_queue(std::uint16_t, QueueAddresses const& at) {
        device = QueueDevice{pages_.virt(at.descriptor_area), at, accepted.has(spec::Feature::ring_packed),
                             std::uint16_t{0}};
        live_ = true;
        return {};
    }
    [[nodiscard]] bool is_live() const { return live_; }
    void notify(std::uint16_t, std::uint16_t) { ++notified; }
    [[nodiscard]] InterruptCause on_interrupt() { return {}; }
    [[nodiscard]] std::uint8_t read_config8(std::uint16_t at) const {
        return static_cast<std::uint8_t>(config[at / 4u] >> at % 4u * 8);
    }
    [[nodiscard]] std::uint16_t read_config16(std::uint16_t at) const {
        return static_cast<std::uint16_t>(config[at / 4u] >> at % 4u * 8);
    }
    [[nodiscard]] std::uint32_t read_config32(std::uint16_t at) const { return config[at / 4u]; }
    void write_config8(std::uint16_t, std::uint8_t) {}
    void write_config16(std::uint16_t, std::uint16_t) {}
    void write_config32(std::uint16_t, std::uint32_t) {}
    [[nodiscard]] std::uint32_t config_generation() const { return 0; }

private:
    TwinPages& pages_;
    DeviceStatus status_{};
    bool live_ = false;
};

enum class Act { submit, kick, answer, corrupt, take, for_each, perform, status, config, reset };

/// One step, the same for both machines. What the numbers mean depends on the act.
struct TwinStep {
    Act act = Act::submit;
    BlockRequest request;
    std::uint16_t queue = 0;
    unsigned how = 0;
    std::array<std::uint32_t, 4> number{};
};

using Answers = std::vector<std::uint64_t>;

template <class Traits>
class Twin {
public:
    explicit Twin(TwinStep const& setup) : registers_(pages_) {
        registers_.legacy = setup.how / 4 % 8 == 0 && std::endian::native == std::endian::little && !is_packed;
        registers_.offered.set_word(0, setup.number[0]);
        registers_.offered.clear(spec::block::Feature::mq);
        registers_.offered.clear(spec::block::Feature::zoned);
        registers_.offered.set_word(1, registers_.legacy ? 0 : (setup.number[1] & 0xf) | (is_packed ? 5 : 1));
        if (setup.how % 4 != 0) {
            registers_.offered.clear(spec::block::Feature::ro);
        }
        set_config(setup);
    }

    [[nodiscard]] Answers bring_up() {
        BlockOption const option{.reset_limit = PollLimit{4}};
        if constexpr (detail::SameAs<typename Traits::Mapper, NoMapper>) {
            return {number_of(disk_.init(registers_, pages_, option).error())};
        } else {
            return {number_of(disk_.init(registers_, pages_, mapper_, option).error())};
        }
    }

    [[nodiscard]] Answers run(TwinStep const& step) {
        Answers answers;
        do_step(step, answers);
        answers.push_back(number_of(disk_.last_error()));
        answers.push_back(disk_.in_flight());
        answers.push_back(disk_.ring(0).num_free());
        answers.push_back(number_of(disk_.fault().reason));
        answers.push_back(registers_.notified);
        return answers;
    }

    [[nodiscard]] TwinPages const& pages() const { return pages_; }

private:
    static constexpr bool is_packed = detail::SameAs<typename Traits::Format, Packed>;

    template <class Enumerator>
    [[nodiscard]] static std::uint64_t number_of(Enumerator value) {
        return static_cast<std::uint64_t>(value);
    }
    static void add_to(Answers& answers, BlockCompletion const& done) {
        answers.insert(answers.end(), {done.token.value(), number_of(done.error), number_of(done.state)});
    }

    void do_step(TwinStep const& step, Answers& answers) {
        switch (step.act) {
            case Act::submit: answers.push_back(number_of(submit(step).error())); break;
            case Act::kick: answers.push_back(disk_.kick_device() ? 1 : 0); break;
            case Act::answer: answer(step); break;
            case Act::corrupt:
                if (pages_.used() != 0) {
                    pages_[step.number[0] % pages_.used()] = static_cast<std::uint8_t>(step.number[1]);
                }
                break;
            case Act::take: add_to(answers, disk_.take_completed()); break;
            case Act::for_each:
                answers.push_back(
                    number_of(disk_.for_each_completed([&](BlockCompletion const& done) { add_to(answers, done); })));
                break;
            case Act::perform:
                answers.push_back(number_of(disk_.perform(step.request, PollLimit{3}, [&] { answer(step); }).error()));
                break;
            case Act::status:
                registers_.needs_reset = step.how % 2 == 0;
                answers.push_back(number_of(disk_.check_alive().error()));
                break;
            case Act::config:
                set_config(step);
                answers.push_back(number_of(disk_.on_config_change().error()));
                break;
            case Act::reset:
                answers.push_back(
                    number_of(disk_.reset([&](BlockCompletion const& done) { add_to(answers, done); }).error()));
        }
    }

    [[nodiscard]] Status submit(TwinStep const& step) {
        BlockRequest const& request = step.request;
        if (step.how % 2 == 0 && request.operation == BlockOperation::read) {
            return disk_.submit_read(request.sector, request.data, request.token);
        }
        if (step.how % 2 == 0 && request.operation == BlockOperation::write) {
            return disk_.submit_write(request.sector, request.data, request.token);
        }
        return disk_.submit(request, step.queue);
    }

    /// The device uses one chain, four times of five as the standard says.
    void answer(TwinStep const& step) {
        auto& fetched = registers_.fetched;
        while (registers_.is_live() && fetched.size() < 16) {
            auto const chain = registers_.device.fetch(pages_);
            if (!chain) {
                break;
            }
            fetched.push_back(*chain);
        }
        if (fetched.empty()) {
            return;
        }
        std::size_t const which =
            registers_.accepted.has(spec::Feature::in_order) ? 0 : step.number[0] % fetched.size();
        QueueDevice::Fetched const chain = fetched[which];
        fetched.erase(fetched.begin() + static_cast<std::ptrdiff_t>(which));
        std::uint8_t const status =
            step.how % 16 == 0 ? static_cast<std::uint8_t>(step.number[1] % 5) : std::uint8_t{0};
        std::uint64_t const length =
            step.how % 16 == 1 ? step.number[1] % (std::uint64_t{chain.writable} + 2) : chain.writable;
        std::uint32_t const id = step.how % 64 == 2 ? step.number[1] % 20 : chain.id;
        if (pages_.has(chain.last, 1)) {
            *pages_.virt(chain.last) = status;
        }
        registers_.device.use(id, static_cast<std::uint32_t>(length), 1, chain.descriptors);
    }

    void set_config(TwinStep const& step) {
        constexpr std::array<std::uint32_t, 8> size_max{0, 512, 4096, 4095, 1u << 20, 1u << 30, (1u << 30) + 512, ~0u};
        constexpr std::array<std::uint32_t, 4> seg_max{0, 1, 2, 8};
        constexpr std::array<std::uint32_t, 4> blk_size{512, 4096, 1024, 513};
        registers_.config[0] = step.number[2] % 4 == 0 ? ~0u : 64 + step.number[2] % 4096;
        registers_.config[1] = step.number[2] % 4 == 0 ? ~0u >> step.number[2] % 32 : 0;
        registers_.config[2] = size_max[step.number[3] % 8];
        registers_.config[3] = seg_max[step.number[3] / 8 % 4];
        registers_.config[5] = blk_size[step.number[3] / 32 % 4];
        registers_.config[9] = step.number[3] / 128 % 64;   // max_discard_sectors
        registers_.config[11] = step.number[3] / 256 % 16;  // discard_sector_alignment
        registers_.config[12] = step.number[3] / 512 % 64;  // max_write_zeroes_sectors
        registers_.config[14] = step.number[3] / 1024 % 2;  // write_zeroes_may_unmap
    }

    TwinPages pages_;
    TwinRegisters registers_;
    SameAddress mapper_;
    BlockDevice<TwinRegisters, 16, Traits> disk_;
};

/// Makes steps. What most disks and requests are comes most often.
class StepMaker {
public:
    explicit StepMaker(std::uint64_t seed) : random_(seed) {}

    [[nodiscard]] TwinStep next() {
        constexpr std::array<Act, 20> acts{Act::submit, Act::submit, Act::submit,   Act::submit,   Act::submit,
                                           Act::submit, Act::kick,   Act::kick,     Act::kick,     Act::answer,
                                           Act::answer, Act::answer, Act::answer,   Act::answer,   Act::answer,
                                           Act::take,   Act::take,   Act::for_each, Act::for_each, Act::for_each};
        constexpr std::array<Act, 5> rare{Act::corrupt, Act::perform, Act::status, Act::config, Act::reset};
        TwinStep step = numbers();
        step.act = draw(24) == 0 ? rare[draw(5)] : acts[draw(20)];
        step.request = request();
        step.queue = draw(50) == 0 ? static_cast<std::uint16_t>(draw(3)) : std::uint16_t{0};
        return step;
    }

    [[nodiscard]] TwinStep numbers() {
        TwinStep step;
        step.how = random_() & 0xffff;
        for (std::uint32_t& number : step.number) {
            number = static_cast<std::uint32_t>(random_());
        }
        return step;
    }

private:
    [[nodiscard]] unsigned draw(unsigned below) { return static_cast<unsigned>(random_() % below); }

    [[nodiscard]] std::uint64_t sector() {
        switch (draw(16)) {
            case 0: return 64 + draw(4096);
            case 1: return ~std::uint64_t{0} - draw(16);
            case 2: return std::uint64_t{1} << draw(64);
            case 3: return draw(64);
            default: return draw(8) * 8;
        }
    }
    [[nodiscard]] Segment segment() {
        constexpr std::array<std::uint32_t, 8> odd{0, 511, 20, 513, 1u << 30, (1u << 30) + 512, 1u << 31, 0xffff'fe00};
        std::uint32_t const bytes = draw(12) == 0 ? odd[draw(8)] : draw(3) != 0 ? 4096 : 512 * (1 + draw(16));
        std::uint64_t const high = draw(40) == 0 ? std::uint64_t{1} << 63 : std::uint64_t{0};
        return {PhysAddr{high | 0x7'0000'0000u | draw(1u << 20) * 16}, bytes};
    }
    [[nodiscard]] BlockRequest request() {
        std::size_t const count = draw(6) != 0 ? 1 : draw(6);
        for (std::size_t i = 0; i < count; ++i) {
            segments_[i] = segment();
        }
        auto const operation =
            draw(5) != 0 ? static_cast<BlockOperation>(draw(2)) : static_cast<BlockOperation>(draw(8));
        return {operation, sector(), draw(100), {segments_.data(), count}, Token{std::uintptr_t{++tokens_}}};
    }

    std::mt19937_64 random_;
    std::array<Segment, 6> segments_{};
    std::uintptr_t tokens_ = 0;
};

std::uint64_t request_count() {
    char const* const text = std::getenv("VIRTQ_REQUESTS");
    return text == nullptr ? 10'000 : std::strtoull(text, nullptr, 0);
}

/// Compares the two ways for one disk. Returns how many requests were submitted.
template <class Ring>
std::uint64_t compare(std::uint64_t seed, std::set<std::uint64_t>& errors) {
    StepMaker make{seed};
    TwinStep const setup = make.numbers();
    auto const straight = std::make_unique<Twin<StraightTraits<Ring>>>(setup);
    auto const usual = std::make_unique<Twin<UsualTraits<Ring>>>(setup);
    EXPECT_EQ(straight->bring_up(), usual->bring_up());
    std::uint64_t requests = 0;
    bool needs_reset = false;
    for (unsigned i = 0; i < 500 && !::testing::Test::HasFailure(); ++i) {
        TwinStep step = make.next();
        step.act = needs_reset ? Act::reset : step.act;
        Answers const answers = straight->run(step);
        EXPECT_EQ(answers, usual->run(step)) << "seed " << seed << ", step " << i;
        EXPECT_TRUE(straight->pages().equals(usual->pages())) << "seed " << seed << ", step " << i;
        needs_reset = false;
        if (step.act == Act::submit) {
            ++requests;
            errors.insert(answers[0]);
            needs_reset = answers[0] == static_cast<std::uint64_t>(Error::reset_needed);
        }
    }
    return requests;
}

template <class Ring>
void compare_all() {
    std::set<std::uint64_t> errors;
    std::uint64_t requests = 0;
    for (std::uint64_t seed = 1; requests < request_count() && !::testing::Test::HasFailure(); ++seed) {
        requests += compare<Ring>(seed, errors);
    }
    for (Error const error :
         {Error::none, Error::beyond_capacity, Error::length_not_block_multiple, Error::read_only,
          Error::not_supported, Error::queue_full, Error::request_above_queue, Error::device_limits_too_small,
          Error::segment_empty, Error::segment_address_virtual, Error::reset_needed, Error::no_such_queue}) {
        EXPECT_EQ(errors.count(static_cast<std::uint64_t>(error)), 1u) << describe(error);
    }
}

TEST(BlockStraight, AnswersAsUsualOnSplit) {
    compare_all<Split>();
}

TEST(BlockStraight, AnswersAsUsualOnPacked) {
    compare_all<Packed>();
}

TEST(BlockStraight, AnswersAsUsualOnAnyFormat) {
    compare_all<AnyFormat>();
}

}  // namespace
}  // namespace virtq::test
