/* SPDX-License-Identifier: MIT
 *
 * A kernel in C, as the README describes it: a bool of its own, a panic() that takes char *, and names that are words of
 * C++ (faults C11). It calls the two functions of disk.cpp. Exits with 0 when these report that no device is here. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef int bool;

int disk_start(uintptr_t registers);
int disk_read(uint64_t sector, uint64_t buffer_physical);

void panic(char *sentence) {
    fprintf(stderr, "%s\n", sentence);
    exit(1);
}

uint64_t kernel_alloc_contiguous(size_t pages) {
    return (uintptr_t)aligned_alloc(4096, 4096 * pages);
}

void kernel_free_contiguous(uint64_t physical, size_t pages) {
    (void)pages;
    free((void *)(uintptr_t)physical);
}

int main(void) {
    static uint32_t new[1024]; /* no device: all registers read 0 */
    static unsigned char class[512];
    bool started = disk_start((uintptr_t)new) == 0;
    bool read = disk_read(0, (uintptr_t)class) == 0;
    if (started || read) {
        panic("There is no device, and a disk was found.");
    }
    return 0;
}
