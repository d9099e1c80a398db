// SPDX-License-Identifier: MIT
//
// From QEMU's entry without firmware (M-mode, at the physical address) to `kernel_main` in S-mode under Sv39,
// high in memory.

// One table of 1 GiB pages: 0xffffffc000000000 + n GiB is entry 256 + n. An entry is (physical >> 2) | flags.
#define PAGE_KERNEL 0xcf                    // valid, read, write, execute, accessed, dirty
#define PAGE_DATA   0xc7                    // the same without execute

#define SV39          (8 << 60)
#define MSTATUS_MPP   (3 << 11)
#define MSTATUS_MPP_S (1 << 11)

// This section lies at its physical address; everything else is linked at 0xffffffc000000000 + physical.
    .section .boot, "ax"
    .globl entry
entry:
    la t0, machine_trap
    csrw mtvec, t0
    li t0, -1
    csrw pmpaddr0, t0                       // S-mode may use all of memory
    li t0, 0x1f
    csrw pmpcfg0, t0
    li t0, 0xffff
    csrw medeleg, t0                        // exceptions go to S-mode
    li t0, 7
    csrw mcounteren, t0                     // S-mode may read the time
    la t0, page_map
    srli t0, t0, 12
    li t1, SV39
    or t0, t0, t1
    csrw satp, t0
    sfence.vma
    li t0, MSTATUS_MPP
    csrc mstatus, t0
    li t0, MSTATUS_MPP_S
    csrs mstatus, t0
    la t0, high_entry_address
    ld t0, 0(t0)
    csrw mepc, t0
    mret                                    // satp counts from here on; no identity mapping is needed

    .balign 4
machine_trap:                               // something went wrong on the way: QEMU exits with 2
    li t0, 0x100000
    li t1, 0x23333
    sw t1, 0(t0)
    j machine_trap

    .balign 8
high_entry_address:
    .quad high_entry

    .balign 4096
page_map:
    .fill 258, 8, 0
    .quad (0x80000000 >> 2) | PAGE_KERNEL   // 256 + 2: RAM with the kernel
    .fill 1, 8, 0
    .quad (0x100000000 >> 2) | PAGE_DATA    // 256 + 4: RAM above 4 GiB
    .fill 123, 8, 0
    .quad 0 | PAGE_DATA                     // 384: 0xffffffe000000000, the devices of the first GiB
    .fill 127, 8, 0

    .text
high_entry:
    la t0, trap
    csrw stvec, t0
    la sp, stack_top
    la t0, bss_start
    la t1, bss_end
1:
    bgeu t0, t1, 2f
    sd zero, 0(t0)
    addi t0, t0, 8
    j 1b
2:
    li s0, 0
    call kernel_main                        // never returns

    .balign 4
trap:
    la sp, stack_top
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    call kernel_trap

    .section .bss.stack, "aw", @nobits
    .balign 16
    .skip 65536
stack_top:

    .section .note.GNU-stack, "", @progbits
