// SPDX-License-Identifier: MIT
//
// From QEMU's entry (EL1, MMU off, at the physical address) to `kernel_main`, high in memory.

// Tables of 1 GiB blocks: 39-bit addresses, so one table is enough. Upper half: 0xffffff8000000000 + n GiB.
#define BLOCK_NORMAL    0x701               // attribute 1, inner shareable, accessed, block
#define BLOCK_POOL      (0x701 | (3 << 53)) // the same, never executed
#define BLOCK_DEVICE    (0x401 | (3 << 53)) // attribute 0, accessed, block, never executed

#define MAIR_VALUE      0xff00              // 0: Device-nGnRnE; 1: normal, write-back
#define TCR_HALF        0x3519              // 39 bits, tables in inner shareable write-back memory
#define TCR_EPD0        (1 << 7)            // no lower half
#define SCTLR_VALUE     0x30d01805          // MMU, data and instruction caches on; alignment check off

// This section is at its physical address; everything else is linked at 0xffffff8000000000 + physical.
    .section .boot, "ax"
    .globl entry
entry:
    msr daifset, #15
    ldr x0, =MAIR_VALUE
    msr mair_el1, x0
    ldr x0, =(TCR_HALF | (TCR_HALF << 16) | (2 << 30) | (2 << 32))  // upper half: 4 KiB granule; 40-bit physical
    msr tcr_el1, x0
    adr x0, lower_map
    msr ttbr0_el1, x0
    adr x0, upper_map
    msr ttbr1_el1, x0
    dsb sy
    tlbi vmalle1
    dsb sy
    isb
    ldr x0, =SCTLR_VALUE
    msr sctlr_el1, x0
    isb
    ldr x0, =high_entry
    br x0
    .ltorg

    .balign 4096
upper_map:
    .fill 1, 8, 0
    .quad 0x40000000 | BLOCK_NORMAL         // 1: RAM with the kernel
    .fill 2, 8, 0
    .quad 0x100000000 | BLOCK_POOL          // 4: RAM above 4 GiB
    .fill 123, 8, 0
    .quad 0 | BLOCK_DEVICE                  // 128: 0xffffffa000000000, the devices of the first GiB
    .fill 255, 8, 0
    .quad 0x4000000000 | BLOCK_DEVICE       // 128 + 256: the configuration space of PCI, unless QEMU has highmem=off
    .fill 127, 8, 0
lower_map:                                  // identity, until the jump; high_entry switches it off
    .fill 1, 8, 0
    .quad 0x40000000 | BLOCK_NORMAL
    .fill 510, 8, 0

    .text
high_entry:
    mrs x0, tcr_el1
    orr x0, x0, #TCR_EPD0                   // from here on a physical address faults when it is used
    msr tcr_el1, x0
    isb
    tlbi vmalle1
    dsb sy
    isb
    ldr x0, =vectors
    msr vbar_el1, x0
    isb
    ldr x0, =stack_top
    mov sp, x0
    ldr x0, =bss_start
    ldr x1, =bss_end
1:
    cmp x0, x1
    b.hs 2f
    str xzr, [x0], #8
    b 1b
2:
    mov x29, xzr
    mov x30, xzr
    bl kernel_main                          // never returns
    .ltorg

    .balign 2048
vectors:
    .rept 5
    b trap
    .balign 128
    .endr
    b interrupt                             // 5: IRQ at the level and on the stack of the kernel
    .balign 128
    .rept 10
    b trap
    .balign 128
    .endr
trap:
    ldr x0, =stack_top
    mov sp, x0
    mrs x0, esr_el1
    mrs x1, elr_el1
    mrs x2, far_el1
    bl kernel_trap

// Saves what a C++ function may change. Nothing nests, so the return address and state can stay in their registers.
interrupt:
    stp x29, x30, [sp, #-176]!
    stp x0, x1, [sp, #16]
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    stp x6, x7, [sp, #64]
    stp x8, x9, [sp, #80]
    stp x10, x11, [sp, #96]
    stp x12, x13, [sp, #112]
    stp x14, x15, [sp, #128]
    stp x16, x17, [sp, #144]
    str x18, [sp, #160]
    bl machine_interrupt
    ldp x0, x1, [sp, #16]
    ldp x2, x3, [sp, #32]
    ldp x4, x5, [sp, #48]
    ldp x6, x7, [sp, #64]
    ldp x8, x9, [sp, #80]
    ldp x10, x11, [sp, #96]
    ldp x12, x13, [sp, #112]
    ldp x14, x15, [sp, #128]
    ldp x16, x17, [sp, #144]
    ldr x18, [sp, #160]
    ldp x29, x30, [sp], #176
    eret
    .ltorg

    .section .bss.stack, "aw", %nobits
    .balign 16
    .skip 65536
stack_top:

    .section .note.GNU-stack, "", %progbits
