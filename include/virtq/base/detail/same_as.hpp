// SPDX-License-Identifier: MIT
#pragma once

#if __cplusplus < 202002L
#error "virtq needs C++20: compile with -std=c++20 or newer"
#endif

/// Replaces `std::same_as`: a kernel's cross compiler has no `<concepts>`.
namespace virtq::detail {

template <class A, class B>
concept SameAs = __is_same(A, B);

}  // namespace virtq::detail
