// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <random>
#include <utility>

/// Intercepts a driver's accesses to its device's registers, and changes them from some access on. A register is only
/// a number here; the user of this class gives it a meaning.
namespace virtq::test {

/// Thrown if a driver exceeds its limit of accesses.
struct Endless {};

struct Interceptor {
    std::function<void()> at_step;                                           ///< called before access number `step`
    std::function<std::uint32_t(std::uint32_t, std::uint32_t)> change_read;  ///< returns what the driver reads instead
    std::function<bool(std::uint32_t)> loses_write;
    std::size_t step = SIZE_MAX;
    std::size_t accesses = 0;
    std::size_t limit = SIZE_MAX;  ///< number of accesses allowed; the next one throws `Endless`

    /// Called before each access to any register.
    void before() {
        if (accesses >= limit) {
            throw Endless{};
        }
        if (accesses++ == step && at_step) {
            std::function<void()> const act = std::move(at_step);
            at_step = nullptr;
            act();
        }
    }
    [[nodiscard]] std::uint32_t read(std::uint32_t place, std::uint32_t value) const {
        return change_read ? change_read(place, value) : value;
    }
    [[nodiscard]] bool loses(std::uint32_t place) const { return loses_write && loses_write(place); }

    /// From now on no access is changed.
    void pass_on() {
        at_step = nullptr;
        change_read = nullptr;
        loses_write = nullptr;
        limit = SIZE_MAX;
    }
};

// Faults. Each is called with the `Interceptor` that injects it, and with the device, which is not changed.

inline auto change(std::uint32_t place, std::function<std::uint32_t(std::uint32_t)> how) {
    return [=](Interceptor& interceptor, auto&) {
        interceptor.change_read = [=](std::uint32_t at, std::uint32_t value) {
            return at == place ? how(value) : value;
        };
    };
}
inline auto read_as(std::uint32_t place, std::uint32_t other) {
    return change(place, [=](std::uint32_t) { return other; });
}
/// Every second read returns `other`.
inline auto alternate(std::uint32_t place, std::uint32_t other) {
    return [=](Interceptor& interceptor, auto&) {
        interceptor.change_read = [=, odd = false](std::uint32_t at, std::uint32_t value) mutable {
            odd = at == place ? !odd : odd;
            return at == place && odd ? other : value;
        };
    };
}
/// Each read returns half of the value before.
inline auto shrink(std::uint32_t place, std::uint32_t from) {
    return [=](Interceptor& interceptor, auto&) {
        interceptor.change_read = [=, left = from](std::uint32_t at, std::uint32_t value) mutable {
            return at == place ? (left = left / 2) : value;
        };
    };
}
/// Random values, where `is_meant(place)`.
template <class Where>
auto read_at_random(Where is_meant) {
    return [=](Interceptor& interceptor, auto&) {
        interceptor.change_read = [=, random = std::mt19937{5}](std::uint32_t at, std::uint32_t value) mutable {
            return is_meant(at) ? static_cast<std::uint32_t>(random()) : value;
        };
    };
}
/// Random values everywhere, many of them plausible to a driver.
inline auto read_all_at_random() {
    return [](Interceptor& interceptor, auto&) {
        interceptor.change_read = [random = std::mt19937{7}](std::uint32_t, std::uint32_t value) mutable {
            std::uint32_t const values[] = {
                0, 1, value, value, ~value, 0xffffffff, static_cast<std::uint32_t>(random())};
            return values[random() % 7];
        };
    };
}
inline auto alternate_all_with_zero() {
    return [](Interceptor& interceptor, auto&) {
        interceptor.change_read = [odd = false](std::uint32_t, std::uint32_t value) mutable {
            odd = !odd;
            return odd ? 0u : value;
        };
    };
}
/// Loses writes, where `is_meant(place)`.
template <class Where>
auto lose_writes(Where is_meant) {
    return [=](Interceptor& interceptor, auto&) { interceptor.loses_write = is_meant; };
}
inline auto lose_all_writes() {
    return lose_writes([](std::uint32_t) { return true; });
}

}  // namespace virtq::test
