// SPDX-License-Identifier: MIT
#pragma once

namespace virtq::test {

/// The number of an enumerator, to compare it with the standard's.
template <class Enum>
[[nodiscard]] constexpr unsigned number_of(Enum value) {
    return static_cast<unsigned>(value);
}

}  // namespace virtq::test
