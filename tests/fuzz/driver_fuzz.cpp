// SPDX-License-Identifier: MIT
#include <device/driver_kinds.hpp>

#include <fuzz/input.hpp>
#include <fuzz/require.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <utility>
#include <vector>

/// The driver VIRTQ_FUZZ_KIND of `driver_kinds.hpp`, over a device whose features, configuration, answers and lengths
/// come from the input, and that fails at any moment. These properties are checked:
///
/// - each accepted request ends once, at the latest with `reset`;
/// - each mapping is unmapped once, and all pages are freed;
/// - no call takes long;
/// - each error has a name.
namespace virtq::test {
namespace {

constexpr unsigned calls_most = 150;
constexpr std::size_t accesses_most = 20000;  // an unstable configuration is read 16 times, field by field
constexpr PollLimit polls_most{6};

/// What the input does not change works as in a correct device, so that a driver gets far.
class FuzzedDevice final : public DisguisedDevice {
public:
    FuzzedDevice(std::unique_ptr<sim::DeviceBackend> model, Input& input)
        : DisguisedDevice(std::move(model)), in_(input), feature_bits_(input.byte()) {}

    [[nodiscard]] sim::FeatureWords features() const override {
        sim::FeatureWords words = DisguisedDevice::features();
        words[0] ^= feature_bits_;
        return words;
    }
    [[nodiscard]] std::uint8_t read_config(std::size_t offset) override {
        std::uint8_t const own = offset % 16 == changed_at_ ? changed_to_ : DisguisedDevice::read_config(offset);
        return is_restless ? ++restless_ : own;
    }
    void change_config() {
        changed_at_ = in_.byte() % 16u;
        changed_to_ = in_.byte();
    }
    [[nodiscard]] sim::Completion process(std::uint16_t, sim::Chain const& chain) override {
        auto const writable = static_cast<std::uint32_t>(chain.writable_bytes());
        std::uint8_t const how = in_.byte();
        std::uint8_t bytes[30] = {};
        std::generate_n(bytes, how / 16 * 2, [this] { return in_.byte(); });
        static_cast<void>(chain.fill(0, 0, writable));
        static_cast<void>(chain.write(0, bytes, sizeof bytes));
        switch (how % 16) {
            case 15: return {};
            case 14: return writable + 1;
            case 13: return 0;
            case 12: return in_.word();
            case 11:
            case 10:
            case 9: return std::min<std::uint32_t>(writable, in_.byte() % 32);
            default: return writable;
        }
    }

    bool is_restless = false;

private:
    Input& in_;
    std::uint32_t feature_bits_;
    std::size_t changed_at_ = 16;  ///< none
    std::uint8_t changed_to_ = 0;
    std::uint8_t restless_ = 0;
};

class DriverFuzz {
public:
    DriverFuzz(Input& input, SubjectParam const& param) : in_(input), has_tokens_(param.has_tokens) {
        subject_ = param.make([this](std::unique_ptr<sim::DeviceBackend> model) {
            auto made = std::make_unique<FuzzedDevice>(std::move(model), in_);
            device_ = made.get();
            return made;
        });
    }
    ~DriverFuzz() {
        be_honest();
        require(subject_->release().ok());
        require(subject_->pages.outstanding() == 0 && subject_->mapper.mapped.empty());
    }

    void run() {
        if (!bring_up()) {
            return;
        }
        for (unsigned i = 0; i < calls_most && !in_.at_end(); ++i) {
            step();
        }
        be_honest();
        reset();
        require(waiting_.empty());
    }

private:
    [[nodiscard]] bool bring_up() {
        std::uint8_t const trouble = in_.byte();
        device_->change_config();
        device_->is_restless = (trouble & 0xf0) == 0xe0;
        if (trouble >= 0xf0) {
            subject_->memory.fail_allocation(trouble & 15u);
        }
        require(subject_->probe().ok());
        Error const error = call([&] { return subject_->init().error(); });
        device_->is_restless = false;
        require(is_named(error) && subject_->last_error() == error);
        require(error == Error::none || subject_->pages.outstanding() == 0);
        return error == Error::none;
    }

    void step() {
        std::uint8_t const what = in_.byte();
        switch (what % 16) {
            case 0:
            case 1:
            case 2: start(); break;
            case 3:
            case 4:
            case 5: subject_->step(); break;
            case 6: call([&] { return end(subject_->take()); }); break;
            case 7: use(what); break;
            case 8: call([&] { return subject_->settle(), 0; }); break;
            case 9:
            case 10: call([&] { return subject_->call_others(what * 16u + in_.byte()), 0; }); break;
            case 11: write_used_entry(); break;
            case 12:
                static_cast<void>(call([&] { return subject_->enable_notifications(); }));
                require(is_named(call([&] { return subject_->check_alive(); })));
                subject_->disable_notifications();
                break;
            case 13: device_->change_config(); break;
            case 14: fail(what); break;
            default: reset();
        }
    }

    // --- the driver ---

    void start() {
        Status const started = call([&] { return subject_->start(Token{next_}); });
        require(is_named(started.error()));
        if (started && has_tokens_) {
            waiting_.insert(next_);
        }
        ++next_;
    }
    /// A request ends that was accepted and has not ended before.
    int end(Ended const& ended) {
        require(is_named(ended.error));
        require(!has_tokens_ || ended.state != CompletionState::ready || waiting_.erase(ended.token.value()) == 1);
        return 0;
    }
    void use(std::uint8_t what) {
        unsigned relaxed = 0;
        bool const goes_deep = what >= 0x80 && !std::exchange(is_inside_, true);
        Status const done = call([&] {
            return subject_->use(polls_most, [&] {
                require(++relaxed <= polls_most.count);
                goes_deep ? step() : subject_->step();  // a relax hook may use the driver
            });
        });
        is_inside_ = is_inside_ && !goes_deep;
        require(is_named(done.error()));
    }
    void reset() {
        Error const error = call([&] { return subject_->reset([this](Ended const& ended) { end(ended); }).error(); });
        require(is_named(error));
        require(waiting_.empty() || is_reset_incomplete(error));
    }

    // --- the device ---

    void fail(std::uint8_t what) {
        subject_->on_device([&](auto& device) {
            switch (what / 16 % 8) {
                case 0: device.need_reset(); break;
                case 1: device.vanish(); break;
                case 2: device.vanish(false); break;
                case 3: device.reset_takes(sim::MmioDevice::never); break;
                case 4: device.reset_takes(in_.byte() % 8u); break;
                case 5: device.set_device_reset(sim::DeviceReset::keeps_queues); break;
                case 6: device.set_device_reset(sim::DeviceReset::honest); break;
                default: device_->is_restless = !device_->is_restless;
            }
        });
    }
    void write_used_entry() {
        auto const queue = static_cast<std::uint16_t>(in_.byte() % device_->queue_count());
        std::uint32_t const id = in_.byte();
        std::uint32_t const length = in_.byte();
        subject_->on_device([&](auto& device) {
            if (sim::SplitQueue* const ring = device.ring(queue)) {
                ring->put_used_raw(id, length);
                ring->flush_used();
            }
        });
    }
    void be_honest() {
        device_->is_restless = false;
        subject_->on_device([](auto& device) {
            device.vanish(false);
            device.set_device_reset(sim::DeviceReset::honest);
            device.reset_takes(0);
        });
    }

    [[nodiscard]] std::size_t accesses() {
        std::size_t count = 0;
        subject_->on_device([&](auto& device) {
            if constexpr (requires { device.accesses(); }) {
                count = device.accesses();
            } else {
                count = device.bar_accesses();
            }
        });
        return count;
    }
    /// Checks that a call, including those of its relax hook, makes a bounded number of accesses.
    template <class Call>
    auto call(Call const& run) -> decltype(run()) {
        std::size_t const most = accesses() + accesses_most;
        auto const result = run();
        require(accesses() <= most);
        return result;
    }

    Input& in_;
    std::unique_ptr<Subject> subject_;
    FuzzedDevice* device_ = nullptr;
    bool has_tokens_;
    std::set<std::uintptr_t> waiting_;
    std::uintptr_t next_ = 1;
    bool is_inside_ = false;
};

[[nodiscard]] std::vector<SubjectParam> const& fuzzed_subjects() {
    static std::vector<SubjectParam> const all = [] {
        std::vector<SubjectParam> made;
        add_subjects<VIRTQ_FUZZ_KIND, MmioPlace, PlainRings, SplitRings, PackedRings, AnyRings>(made);
        add_subjects<VIRTQ_FUZZ_KIND, LegacyMmioPlace, PlainRings>(made);
        add_subjects<VIRTQ_FUZZ_KIND, PciPlace, AnyRings>(made);
        return made;
    }();
    return all;
}

}  // namespace
}  // namespace virtq::test

extern "C" int LLVMFuzzerInitialize(int*, char***) {
    GTEST_FLAG_SET(break_on_failure, true);  // of what the subjects expect
    return 0;
}

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
    using namespace virtq::test;
    Input input{data, size};
    auto const& all = fuzzed_subjects();
    DriverFuzz{input, all[input.byte() % all.size()]}.run();
    return 0;
}
