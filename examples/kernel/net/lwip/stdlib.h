/* SPDX-License-Identifier: MIT */
#pragma once

/* What lwIP uses of it, to find an interface by its name: net/port.cpp has it. */
#ifdef __cplusplus
extern "C"
#endif
int atoi(char const* text);
