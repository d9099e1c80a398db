// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/platform/detail/fence.hpp>

/// Replaces the library's header by include path: it behaves as on architectures where SMP order is too weak for
/// hardware.
namespace virtq::platform {

/// A test asserts this marker. Without it the library's own header was found first.
inline constexpr bool device_order_is_replaced = true;

class DeviceOrder {
public:
    enum class Kind : bool { smp, platform };
    constexpr DeviceOrder() = default;
    explicit constexpr DeviceOrder(Kind kind) : kind_(kind) {}

    void before_publish(char const* function = __builtin_FUNCTION(), char const* file = __builtin_FILE(),
                        int line = __builtin_LINE()) const {
        if (kind_ == Kind::platform) {
            order::fence(order::Fence::publish, {function, file, line});
        }
    }
    void after_poll(char const* function = __builtin_FUNCTION(), char const* file = __builtin_FILE(),
                    int line = __builtin_LINE()) const {
        if (kind_ == Kind::platform) {
            order::fence(order::Fence::look, {function, file, line});
        }
    }
    void full(char const* function = __builtin_FUNCTION(), char const* file = __builtin_FILE(),
              int line = __builtin_LINE()) const {
        order::fence(kind_ == Kind::platform ? order::Fence::hardware_full : order::Fence::full,
                     {function, file, line});
    }

private:
    Kind kind_ = Kind::smp;
};

}  // namespace virtq::platform
