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
    /// Holds a copy of `value`.
    constexpr Optional(T const& value) : value_(value), has_value_(true) {}  // NOLINT: conversion is the purpose

    /// Whether there is a value.
    [[__nodiscard__]] constexpr bool has_value() const { return has_value_; }

    /// Requires `has_value()`.
    [[__nodiscard__]] constexpr T const& operator*() const {
        VIRTQ_ASSERT(has_value_, "This Optional has no value. Ask has_value() first.");
        return value_;
    }
    /// A member of the value. Requires `has_value()`.
    [[__nodiscard__]] constexpr T const* operator->() const { return &**this; }

    /// The value, or `fallback` if there is none.
    [[__nodiscard__]] constexpr T value_or(T const& fallback) const { return has_value_ ? value_ : fallback; }

private:
    T value_{};
    bool has_value_ = false;
};

}  // namespace virtq
