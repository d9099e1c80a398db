// SPDX-License-Identifier: MIT
#pragma once

/// What the mutated copy of queue/ calls instead of a comparison or a condition, and before a statement: right, unless
/// it is the one chosen.
namespace virtq::mutation {

inline int chosen = 0;                            ///< 0: none
inline unsigned char reached[MUTANT_COUNT] = {};  ///< which ones were evaluated; MUTANT_COUNT is put in by `make`

inline bool is_chosen(int id) {
    reached[id] = 1;
    return chosen == id;
}

constexpr bool never(int id, bool value) {
    return __builtin_is_constant_evaluated() || !is_chosen(id) ? value : false;
}
constexpr bool always(int id, bool value) {
    return __builtin_is_constant_evaluated() || !is_chosen(id) ? value : true;
}

/// Whether a statement is there.
constexpr bool present(int id) {
    return __builtin_is_constant_evaluated() || !is_chosen(id);
}

constexpr bool compared(int negated, int moved, bool value, bool value_moved) {
    if (__builtin_is_constant_evaluated()) {
        return value;
    }
    if (is_chosen(negated)) {
        return !value;
    }
    return moved != 0 && is_chosen(moved) ? value_moved : value;
}

template <class A, class B>
constexpr bool less(int negated, int moved, A const& a, B const& b) {
    return compared(negated, moved, a < b, a <= b);
}
template <class A, class B>
constexpr bool less_equal(int negated, int moved, A const& a, B const& b) {
    return compared(negated, moved, a <= b, a < b);
}
template <class A, class B>
constexpr bool greater(int negated, int moved, A const& a, B const& b) {
    return compared(negated, moved, a > b, a >= b);
}
template <class A, class B>
constexpr bool greater_equal(int negated, int moved, A const& a, B const& b) {
    return compared(negated, moved, a >= b, a > b);
}
template <class A, class B>
constexpr bool equal(int negated, int, A const& a, B const& b) {
    return compared(negated, 0, a == b, false);
}
template <class A, class B>
constexpr bool unequal(int negated, int, A const& a, B const& b) {
    return compared(negated, 0, a != b, false);
}

}  // namespace virtq::mutation
