/* SPDX-License-Identifier: MIT */
#pragma once

/* What lwIP wants to know about compiler and kernel. There is no C library. */
#include <stdint.h>

#define LWIP_NO_LIMITS_H 1
#define LWIP_NO_INTTYPES_H 1
#define LWIP_NO_CTYPE_H 1
#define LWIP_NO_UNISTD_H 1
#define INT_MAX __INT_MAX__

#define X8_F "02x"
#define U16_F "u"
#define S16_F "d"
#define X16_F "x"
#define U32_F "u"
#define S32_F "d"
#define X32_F "x"
#define SZT_F "zu"

#ifdef __cplusplus
extern "C" {
#endif
uint32_t lwip_random(void);
#ifdef __cplusplus
[[noreturn]]
#else
_Noreturn
#endif
void lwip_assertion_failed(char const* rule, char const* file, int line);
#ifdef __cplusplus
}
#endif

#define LWIP_RAND() lwip_random()
#define LWIP_PLATFORM_DIAG(message)
#define LWIP_PLATFORM_ASSERT(rule) lwip_assertion_failed(rule, __FILE__, __LINE__)
