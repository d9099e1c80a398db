// SPDX-License-Identifier: MIT
#include <stddef.h>
#include <stdint.h>

/// The four functions that a compiler may call without being asked to. This file is compiled with
/// -fno-tree-loop-distribute-patterns, or the compiler would turn each loop into a call of itself.
extern "C" {

void* memcpy(void* target, void const* source, size_t count);
void* memmove(void* target, void const* source, size_t count);
void* memset(void* target, int value, size_t count);
int memcmp(void const* left, void const* right, size_t count);

void* memcpy(void* target, void const* source, size_t count) {
    auto* to = static_cast<uint8_t*>(target);
    auto const* from = static_cast<uint8_t const*>(source);
    for (size_t i = 0; i < count; ++i) {
        to[i] = from[i];
    }
    return target;
}

void* memmove(void* target, void const* source, size_t count) {
    auto* to = static_cast<uint8_t*>(target);
    auto const* from = static_cast<uint8_t const*>(source);
    if (reinterpret_cast<uintptr_t>(to) <= reinterpret_cast<uintptr_t>(from)) {
        return memcpy(target, source, count);
    }
    for (size_t i = count; i != 0; --i) {
        to[i - 1] = from[i - 1];
    }
    return target;
}

void* memset(void* target, int value, size_t count) {
    auto* to = static_cast<uint8_t*>(target);
    for (size_t i = 0; i < count; ++i) {
        to[i] = static_cast<uint8_t>(value);
    }
    return target;
}

int memcmp(void const* left, void const* right, size_t count) {
    auto const* a = static_cast<uint8_t const*>(left);
    auto const* b = static_cast<uint8_t const*>(right);
    for (size_t i = 0; i < count; ++i) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}
}
