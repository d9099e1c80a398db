// SPDX-License-Identifier: MIT
#pragma once

#include <sim/device_backend.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <utility>
#include <vector>

/// Devices that misbehave in one way, and otherwise look like the device that they wrap.
namespace virtq::test {

enum class Disguise : std::uint8_t {
    none,
    other_type,  ///< another device type
    restless,    ///< each read of the configuration returns something else
    random,      ///< random configuration, answers and lengths
};

/// Looks like `model`, which only names its properties. Completes no chain.
class DisguisedDevice : public sim::DeviceBackend {
public:
    explicit DisguisedDevice(std::unique_ptr<sim::DeviceBackend> model) : model_(std::move(model)) {}

    [[nodiscard]] std::uint32_t device_id() const override { return model_->device_id(); }
    [[nodiscard]] sim::FeatureWords features() const override { return model_->features(); }
    [[nodiscard]] std::uint16_t queue_count() const override { return model_->queue_count(); }
    [[nodiscard]] std::uint16_t queue_size_max(std::uint16_t queue) const override {
        return model_->queue_size_max(queue);
    }
    [[nodiscard]] std::vector<sim::ConfigField> config_fields() const override { return model_->config_fields(); }
    [[nodiscard]] std::uint8_t read_config(std::size_t offset) override { return model_->read_config(offset); }
    void start(sim::Session const& session) override { model_->start(session); }  // has the byte order
    [[nodiscard]] sim::Completion process(std::uint16_t, sim::Chain const&) override { return {}; }

private:
    std::unique_ptr<sim::DeviceBackend> model_;
};

class OtherType final : public DisguisedDevice {
public:
    using DisguisedDevice::DisguisedDevice;
    [[nodiscard]] std::uint32_t device_id() const override {
        return 20;
    }  // for cryptography (§5), which no suite drives
};

class RestlessDevice final : public DisguisedDevice {
public:
    using DisguisedDevice::DisguisedDevice;
    [[nodiscard]] std::uint8_t read_config(std::size_t) override { return ++reads_; }

private:
    std::uint8_t reads_ = 0;
};

class RandomDevice final : public DisguisedDevice {
public:
    RandomDevice(std::unique_ptr<sim::DeviceBackend> model, unsigned seed)
        : DisguisedDevice(std::move(model)), random_(seed), feature_bits_(random_() & 0x00ffffff) {}

    [[nodiscard]] sim::FeatureWords features() const override {
        sim::FeatureWords words = DisguisedDevice::features();
        words[0] ^= feature_bits_;
        return words;
    }
    [[nodiscard]] std::uint8_t read_config(std::size_t offset) override {
        std::uint8_t const value = random_byte();
        return changes_.try_emplace(offset, random_() % 2 == 0 ? value : DisguisedDevice::read_config(offset))
            .first->second;
    }
    [[nodiscard]] sim::Completion process(std::uint16_t, sim::Chain const& chain) override {
        for (sim::Segment const& segment : chain.writable) {
            std::generate_n(segment.virt, segment.bytes, [this] { return random_byte(); });
        }
        auto const writable = static_cast<std::uint32_t>(chain.writable_bytes());
        switch (random_() % 32) {
            case 0: return {};
            case 1: return writable + 1 + static_cast<std::uint32_t>(random_() % 100);
            case 2:
            case 3: return 0;
            case 4:
            case 5:
            case 6: return static_cast<std::uint32_t>(random_() % (writable + 1));
            default: return writable;
        }
    }

private:
    /// Most numbers of the standard are small, and have bytes that are 0.
    [[nodiscard]] std::uint8_t random_byte() {
        std::uint_fast32_t const number = random_();
        return static_cast<std::uint8_t>(number % 16 < 10 ? 0 : number % 16 < 14 ? number / 16 % 8 : number / 16);
    }

    std::mt19937 random_;
    std::uint32_t feature_bits_;
    std::map<std::size_t, std::uint8_t> changes_;
};

[[nodiscard]] inline std::unique_ptr<sim::DeviceBackend> disguised(std::unique_ptr<sim::DeviceBackend> device,
                                                                   Disguise how, unsigned seed) {
    switch (how) {
        case Disguise::other_type: return std::make_unique<OtherType>(std::move(device));
        case Disguise::restless: return std::make_unique<RestlessDevice>(std::move(device));
        case Disguise::random: return std::make_unique<RandomDevice>(std::move(device), seed);
        default: return device;
    }
}

}  // namespace virtq::test
