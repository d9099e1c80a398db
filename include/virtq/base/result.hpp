// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/error.hpp>

namespace virtq {

/// The second of three kinds of failure: the caller did nothing wrong, but the request cannot be fulfilled. A `Result`
/// is a value or an `Error`. After an error nothing has changed. Replaces `std::expected`. `T` must be trivially
/// copyable and default constructible.
template <class T>
class [[__nodiscard__]] Result {
public:
    /// Success, with a value.
    constexpr Result(T value) : value_(value) {}  // NOLINT: conversion is the purpose
    /// Failure, for this reason, which is not `Error::none`: a success needs a value.
    constexpr Result(Error error) : error_(error) {  // NOLINT: conversion is the purpose
        VIRTQ_ASSERT(error != Error::none,
                     "A Result was made of Error::none, which is a success, and has no value. Return the value.");
    }

    /// Whether there is a value.
    [[__nodiscard__]] constexpr bool ok() const { return error_ == Error::none; }
    /// As `ok()`, for a condition.
    [[__nodiscard__]] constexpr explicit operator bool() const { return ok(); }
    /// `Error::none` if there is a value.
    [[__nodiscard__]] constexpr Error error() const { return error_; }

    /// The value. Requires `ok()`.
    [[__nodiscard__]] constexpr T value() const {
        VIRTQ_ASSERT(ok(), "Result::value() was called on an error. Ask ok() first, or error() for the reason.");
        return value_;
    }
    /// The value. Requires `ok()`.
    [[__nodiscard__]] constexpr T operator*() const { return value(); }
    /// A member of the value. Requires `ok()`.
    [[__nodiscard__]] constexpr T const* operator->() const {
        VIRTQ_ASSERT(ok(), "Result::operator-> was called on an error. Ask ok() first, or error() for the reason.");
        return &value_;
    }

private:
    T value_{};
    Error error_ = Error::none;
};

/// A result without a value: success or an `Error`.
template <>
class [[__nodiscard__]] Result<void> {
public:
    constexpr Result() = default;
    /// Failure for this reason, or success if it is `Error::none`.
    constexpr Result(Error error) : error_(error) {}  // NOLINT: conversion is the purpose
    /// Drops the value of another result, and keeps its error.
    template <class T>
    constexpr Result(Result<T> const& other) : error_(other.error()) {}  // NOLINT: conversion is the purpose

    /// Whether it is a success.
    [[__nodiscard__]] constexpr bool ok() const { return error_ == Error::none; }
    /// As `ok()`, for a condition.
    [[__nodiscard__]] constexpr explicit operator bool() const { return ok(); }
    /// `Error::none` after a success, otherwise the reason.
    [[__nodiscard__]] constexpr Error error() const { return error_; }

private:
    Error error_ = Error::none;
};

/// The return type of functions that report only success or an error.
using Status = Result<void>;

}  // namespace virtq
