// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/error.hpp>

/// The second of three kinds of failure: the caller did nothing wrong, but the request cannot be fulfilled. A `Result`
/// is a value or an `Error`. After an error nothing has changed. Replaces `std::expected`. `T` must be trivially
/// copyable and default constructible.
namespace virtq {

template <class T>
class [[__nodiscard__]] Result {
public:
    constexpr Result(T value) : value_(value) {}      // NOLINT: conversion is the purpose
    constexpr Result(Error error) : error_(error) {}  // NOLINT: conversion is the purpose

    [[__nodiscard__]] constexpr bool ok() const { return error_ == Error::none; }
    [[__nodiscard__]] constexpr explicit operator bool() const { return ok(); }
    /// `Error::none` if there is a value.
    [[__nodiscard__]] constexpr Error error() const { return error_; }

    [[__nodiscard__]] constexpr T value() const {
        VIRTQ_ASSERT(ok(), "Result::value() of an error: ask ok() first, or error() for the reason");
        return value_;
    }
    [[__nodiscard__]] constexpr T operator*() const { return value(); }
    [[__nodiscard__]] constexpr T const* operator->() const {
        VIRTQ_ASSERT(ok(), "Result::operator-> of an error: ask ok() first, or error() for the reason");
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
    constexpr Result(Error error) : error_(error) {}  // NOLINT: conversion is the purpose
    /// Drops the value of another result, and keeps its error.
    template <class T>
    constexpr Result(Result<T> const& other) : error_(other.error()) {}  // NOLINT: conversion is the purpose

    [[__nodiscard__]] constexpr bool ok() const { return error_ == Error::none; }
    [[__nodiscard__]] constexpr explicit operator bool() const { return ok(); }
    [[__nodiscard__]] constexpr Error error() const { return error_; }

private:
    Error error_ = Error::none;
};

/// The return type of functions that report only success or an error.
using Status = Result<void>;

}  // namespace virtq
