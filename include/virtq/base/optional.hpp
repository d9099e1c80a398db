// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>

namespace virtq {

/// A value, or none if it was not asked for or cannot be known. Replaces `std::optional`, which a kernel's cross
/// compiler does not have. `T` must be default constructible and copyable.
template <class T>
class Optional {
public:
    constexpr Optional() = default;
    constexpr Optional(T const& value) : value_(value), has_value_(true) {}  // NOLINT: conversion is the purpose

    [[__nodiscard__]] constexpr bool has_value() const { return has_value_; }

    /// Requires `has_value()`.
    [[__nodiscard__]] constexpr T const& operator*() const {
        VIRTQ_ASSERT(has_value_, "an Optional has a value only if has_value() is true: ask that first");
        return value_;
    }
    [[__nodiscard__]] constexpr T const* operator->() const { return &**this; }

    [[__nodiscard__]] constexpr T value_or(T const& fallback) const { return has_value_ ? value_ : fallback; }

private:
    T value_{};
    bool has_value_ = false;
};

}  // namespace virtq
