// SPDX-License-Identifier: MIT
#pragma once

/// Stands in for `std::same_as`: a kernel's cross compiler has no `<concepts>`.
namespace virtq {

template <class A, class B>
concept SameAs = __is_same(A, B);

}  // namespace virtq
