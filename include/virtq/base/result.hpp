// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/assert.hpp>
#include <virtq/base/error.hpp>

/// The second bin of failure: the world said no. A `Result` is a value or an `Error`, and nothing has changed
/// when it is an error. Stands in for `std::expected`. `T` is trivially copyable and default constructible.
namespace virtq {

template <class T>
class [[__nodiscard__]] Result {
public:
    constexpr Result(T value) : value_(value) {}      // NOLINT: conversion is the purpose
    constexpr Result(Error error) : error_(error) {}  // NOLINT: conversion is the purpose

    [[__nodiscard__]] constexpr bool ok() const { return error_ == Error::none; }
    [[__nodiscard__]] constexpr explicit operator bool() const { return ok(); }
    /// `Error::none` when there is a value.
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

/// Success, or the reason why not.
template <>
class [[__nodiscard__]] Result<void> {
public:
    constexpr Result() = default;
    constexpr Result(Error error) : error_(error) {}  // NOLINT: conversion is the purpose
    /// Whether a call succeeded, without its value.
    template <class T>
    constexpr Result(Result<T> const& other) : error_(other.error()) {}  // NOLINT: conversion is the purpose

    [[__nodiscard__]] constexpr bool ok() const { return error_ == Error::none; }
    [[__nodiscard__]] constexpr explicit operator bool() const { return ok(); }
    [[__nodiscard__]] constexpr Error error() const { return error_; }

private:
    Error error_ = Error::none;
};

/// What a function returns that succeeds without a value.
using Status = Result<void>;

}  // namespace virtq
