// SPDX-License-Identifier: MIT
#pragma once

#include <stdint.h>

namespace virtq {

/// Identifies a chain for the caller: given with the chain, returned with its completion. It holds a pointer or a
/// number. The library never follows the pointer, and the device never sees it.
class Token {
public:
    constexpr Token() = default;
    /// A token that holds a number, for example an index into the caller's table.
    explicit constexpr Token(uintptr_t value) : value_(value) {}
    /// A token that holds a pointer, usually to the caller's record of the request.
    template <class T>
    explicit Token(T* pointer) : value_(reinterpret_cast<uintptr_t>(pointer)) {}

    /// The number that the token was made from, or the pointer as a number.
    [[__nodiscard__]] constexpr uintptr_t value() const { return value_; }
    /// The pointer that the token was made from.
    template <class T>
    [[__nodiscard__]] T* as() const {
        return reinterpret_cast<T*>(value_);
    }

    /// Whether two tokens hold the same value, and so identify the same request.
    friend constexpr bool operator==(Token, Token) = default;

private:
    uintptr_t value_ = 0;
};

}  // namespace virtq
