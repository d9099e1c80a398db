// SPDX-License-Identifier: MIT
#pragma once

#include <stddef.h>

/// A view of consecutive objects. Stands in for `std::span`, which a kernel's cross compiler does not have.
namespace virtq {

template <class T>
class Span {
public:
    constexpr Span() = default;
    constexpr Span(T* first, size_t count) : data_(first), size_(count) {}

    template <size_t Extent>
    constexpr Span(T (&array)[Extent]) : data_(array), size_(Extent) {}  // NOLINT: conversion is the purpose

    [[nodiscard]] constexpr T* data() const { return data_; }
    [[nodiscard]] constexpr size_t size() const { return size_; }
    [[nodiscard]] constexpr bool empty() const { return size_ == 0; }
    [[nodiscard]] constexpr T* begin() const { return data_; }
    [[nodiscard]] constexpr T* end() const { return data_ + size_; }
    [[nodiscard]] constexpr T& operator[](size_t index) const { return data_[index]; }

private:
    T* data_ = nullptr;
    size_t size_ = 0;
};

}  // namespace virtq
