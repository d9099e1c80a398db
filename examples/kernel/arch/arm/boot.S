// SPDX-License-Identifier: MIT
//
// From QEMU's entry (SVC mode, MMU off, at the physical address) to `kernel_main`, with LPAE and high in memory: so the
// RAM above 4 GiB can be mapped, whose physical addresses no pointer holds.

// Each half of the 4 GiB has a table of two entries of 1 GiB. The upper half begins at 0x80000000.
#define BLOCK_NORMAL    0x701               // attribute 1, inner shareable, accessed, block
#define BLOCK_POOL      (0x701 | (1 << 54)) // the same, never executed
#define BLOCK_DEVICE    (0x401 | (1 << 54)) // attribute 0, accessed, block, never executed
#define TABLE           3

#define MAIR_VALUE      0xff00              // 0: strongly ordered; 1: normal, write-back
#define TTBCR_HALF      0x3501              // 31 bits, tables in inner shareable write-back memory
#define TTBCR_EPD0      (1 << 7)            // no lower half
#define TTBCR_EAE       (1 << 31)           // LPAE
#define SCTLR_VALUE     0x00c5187d          // MMU, data and instruction caches on; alignment check off

#define SVC_MODE        0x13

// This section is at its physical address; everything else is linked at 0xa0000000 + physical.
    .syntax unified
    .arm
    .section .boot, "ax"
    .globl entry
entry:
    cpsid aif
    ldr r0, =MAIR_VALUE
    mcr p15, 0, r0, c10, c2, 0              // MAIR0
    ldr r0, =(TTBCR_HALF | (TTBCR_HALF << 16) | TTBCR_EAE)
    mcr p15, 0, r0, c2, c0, 2               // TTBCR
    mov r1, #0
    ldr r0, =lower_map
    mcrr p15, 0, r0, r1, c2                 // TTBR0
    ldr r0, =upper_map
    mcrr p15, 1, r0, r1, c2                 // TTBR1
    dsb
    mcr p15, 0, r1, c8, c7, 0               // TLBIALL
    dsb
    isb
    ldr r0, =SCTLR_VALUE
    mcr p15, 0, r0, c1, c0, 0               // SCTLR
    isb
    ldr pc, =high_entry
    .ltorg

    .balign 4096
high_blocks:                                // each entry spans 2 MiB, from 0xc0000000 on
    .set i, 0
    .rept 64                                // 0: 128 MiB of RAM above 4 GiB
    .quad 0x100000000 + (i << 21) + BLOCK_POOL
    .set i, i + 1
    .endr
    .fill 64, 8, 0
    .set i, 0
    .rept 128                               // 128: 0xd0000000, the configuration space of PCI
    .quad 0x4010000000 + (i << 21) + BLOCK_DEVICE
    .set i, i + 1
    .endr
    .set i, 0
    .rept 9                                 // 256: 0xe0000000, the RAM with the kernel, which has up to 16 MiB
    .quad 0x40000000 + (i << 21) + BLOCK_NORMAL
    .set i, i + 1
    .endr
    .fill 247, 8, 0
upper_map:
    .quad 0 | BLOCK_DEVICE                  // 0x80000000: the devices of the first GiB
    .long high_blocks + TABLE, 0
lower_map:                                  // identity, until the jump; high_entry switches it off
    .quad 0
    .quad 0x40000000 | BLOCK_NORMAL

    .text
high_entry:
    mrc p15, 0, r0, c2, c0, 2               // TTBCR
    orr r0, r0, #TTBCR_EPD0                 // from here on a physical address faults when it is used
    mcr p15, 0, r0, c2, c0, 2
    isb
    mcr p15, 0, r0, c8, c7, 0               // TLBIALL
    dsb
    isb
    ldr r0, =vectors
    mcr p15, 0, r0, c12, c0, 0              // VBAR
    isb
    ldr sp, =stack_top
    ldr r0, =bss_start
    ldr r1, =bss_end
    mov r2, #0
1:
    cmp r0, r1
    strlo r2, [r0], #4
    blo 1b
    mov fp, #0
    mov lr, #0
    bl kernel_main                          // never returns
    .ltorg

    .balign 32
vectors:
    .irp number, 0, 1, 2, 3, 4, 5
    b trap_\number
    .endr
    b interrupt                             // 6: IRQ
    b trap_7

// The cause of an exception is its number, and below that what the CPU reports of a fault: of fetching an instruction (3),
// or of data (4).
    .irp number, 0, 1, 2, 3, 4, 5, 7
trap_\number:
    mov r6, #\number
    b trap
    .endr
trap:
    cmp r6, #4
    mrceq p15, 0, r0, c5, c0, 0             // DFSR
    mrceq p15, 0, r4, c6, c0, 0             // DFAR
    subeq r2, lr, #8
    mrcne p15, 0, r0, c5, c0, 1             // IFSR
    mrcne p15, 0, r4, c6, c0, 2             // IFAR
    subne r2, lr, #4
    orr r0, r0, r6, lsl #16
    mov r1, #0                              // three arguments of 64 bits, the last one on the stack
    mov r3, #0
    mov r5, #0
    ldr sp, =stack_top
    push {r4, r5}
    bl kernel_trap
    .ltorg

// Saves what a C++ function may change, on the stack of the kernel: the one of IRQ mode is not used.
interrupt:
    sub lr, lr, #4
    srsdb sp!, #SVC_MODE                    // the return address, and its state
    cps #SVC_MODE
    push {r0-r3, ip, lr}
    and r0, sp, #4
    sub sp, sp, r0                          // C++ wants a multiple of 8
    push {r0, r1}
    bl machine_interrupt
    pop {r0, r1}
    add sp, sp, r0
    pop {r0-r3, ip, lr}
    rfeia sp!

    .section .bss.stack, "aw", %nobits
    .balign 16
    .skip 65536
stack_top:

    .section .note.GNU-stack, "", %progbits
