// SPDX-License-Identifier: MIT
#pragma once

#include <virtq/base/detail/same_as.hpp>

#include <stddef.h>

namespace virtq {

namespace detail {

template <class T>
struct WithoutReference {
    using Type = T;
};
template <class T>
struct WithoutReference<T&> {
    using Type = T;
};

/// Whether a `Span<To>` may view objects of type `From`: the same type, or const added. A base class does not qualify,
/// because its size may differ.
template <class From, class To>
concept ViewableAs = SameAs<From, To> || SameAs<From const, To>;

/// A container or view of consecutive objects of exactly this type, with `data()` and `size()`.
template <class Range, class T>
concept RangeOf = requires(Range& range) {
    static_cast<size_t>(range.size());
    requires ViewableAs<typename WithoutReference<decltype(*range.data())>::Type, T>;
};

}  // namespace detail

/// A view of consecutive objects. Replaces `std::span`, which a kernel's cross compiler does not have. It converts
/// from an array, a single object, and anything with `data()` and `size()`: `std::array`, `std::vector`, a kernel's
/// own container. The objects must outlive the view; a temporary lives until the end of the call that it is passed to.
template <class T>
class Span {
public:
    constexpr Span() = default;
    /// Views `count` objects from `first` on.
    constexpr Span(T* first, size_t count) : data_(first), size_(count) {}

    /// Views a whole array.
    template <size_t Extent>
    constexpr Span(T (&array)[Extent]) : data_(array), size_(Extent) {}  // NOLINT: conversion is the purpose

    /// Views a single object.
    template <class One>
        requires detail::ViewableAs<One, T>
    constexpr Span(One& one) : data_(&one), size_(1) {}  // NOLINT: conversion is the purpose

    /// Views the objects of a container or of another view.
    template <class Range>
        requires detail::RangeOf<Range, T>
    constexpr Span(Range&& range) : data_(range.data()), size_(range.size()) {}  // NOLINT: conversion is the purpose

    /// The first object; null for `Span{}`.
    [[__nodiscard__]] constexpr T* data() const { return data_; }
    /// How many objects there are.
    [[__nodiscard__]] constexpr size_t size() const { return size_; }
    /// Whether there are no objects.
    [[__nodiscard__]] constexpr bool empty() const { return size_ == 0; }
    /// The first object, for a range `for`.
    [[__nodiscard__]] constexpr T* begin() const { return data_; }
    /// One behind the last object, for a range `for`.
    [[__nodiscard__]] constexpr T* end() const { return data_ + size_; }
    /// The object at `index`, which must be below `size()`: nothing checks that.
    [[__nodiscard__]] constexpr T& operator[](size_t index) const { return data_[index]; }

private:
    T* data_ = nullptr;
    size_t size_ = 0;
};

}  // namespace virtq
