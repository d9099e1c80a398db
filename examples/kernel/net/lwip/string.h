/* SPDX-License-Identifier: MIT */
#pragma once

/* What lwIP uses of it: the kernel's memory.cpp and net/port.cpp have these. */
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif
void* memcpy(void* target, void const* source, size_t count);
void* memmove(void* target, void const* source, size_t count);
void* memset(void* target, int value, size_t count);
int memcmp(void const* left, void const* right, size_t count);
size_t strlen(char const* text);
int strncmp(char const* left, char const* right, size_t count);
#ifdef __cplusplus
}
#endif
