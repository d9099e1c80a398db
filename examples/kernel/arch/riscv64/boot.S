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

#define SUPERVISOR_SOFTWARE (1 << 1)        // bits of mip, mie and their like
#define MACHINE_TIMER       (1 << 7)
#define SUPERVISOR_EXTERNAL (1 << 9)

#define TIME_TO_INTERRUPT 0x02004000        // mtimecmp of this CPU

// This section is at its physical address; everything else is linked at 0xffffffc000000000 + physical.
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
    li t0, SUPERVISOR_SOFTWARE | SUPERVISOR_EXTERNAL
    csrw mideleg, t0                        // and so do these interrupts
    li t0, MACHINE_TIMER
    csrw mie, t0
    la t0, machine_save
    csrw mscratch, t0
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
    mret                                    // satp takes effect here; no identity mapping is needed

// The timer is due: switches it off, and passes the interrupt on as one that S-mode itself can clear.
    .balign 4
machine_trap:
    csrrw t0, mscratch, t0
    sd t1, 0(t0)
    csrr t1, mcause
    bgez t1, machine_exception
    sd t2, 8(t0)
    li t1, TIME_TO_INTERRUPT
    li t2, -1
    sd t2, 0(t1)
    csrsi mip, SUPERVISOR_SOFTWARE
    ld t2, 8(t0)
    ld t1, 0(t0)
    csrrw t0, mscratch, t0
    mret

machine_exception:                          // something went wrong on the way: QEMU exits with 2
    li t0, 0x100000
    li t1, 0x23333
    sw t1, 0(t0)
    j machine_exception

    .balign 8
machine_save:
    .fill 2, 8, 0
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
    .quad (0x40000000 >> 2) | PAGE_DATA     // 385: the memory window of PCI
    .fill 126, 8, 0

    .text
high_entry:
    la t0, vectors
    addi t0, t0, 1                          // the vectored mode
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

    .balign 256
    .option push
    .option norvc
vectors:
    j trap                                  // 0: every exception
    .rept 9
    j interrupt                             // n: interrupt n
    .endr
    .option pop

trap:
    la sp, stack_top
    csrr a0, scause
    csrr a1, sepc
    csrr a2, stval
    call kernel_trap

// Saves what a C++ function may change. Nothing nests, so the return address and state can stay in their registers.
interrupt:
    addi sp, sp, -128
    sd ra, 0(sp)
    sd t0, 8(sp)
    sd t1, 16(sp)
    sd t2, 24(sp)
    sd t3, 32(sp)
    sd t4, 40(sp)
    sd t5, 48(sp)
    sd t6, 56(sp)
    sd a0, 64(sp)
    sd a1, 72(sp)
    sd a2, 80(sp)
    sd a3, 88(sp)
    sd a4, 96(sp)
    sd a5, 104(sp)
    sd a6, 112(sp)
    sd a7, 120(sp)
    csrr a0, scause
    call machine_interrupt
    ld ra, 0(sp)
    ld t0, 8(sp)
    ld t1, 16(sp)
    ld t2, 24(sp)
    ld t3, 32(sp)
    ld t4, 40(sp)
    ld t5, 48(sp)
    ld t6, 56(sp)
    ld a0, 64(sp)
    ld a1, 72(sp)
    ld a2, 80(sp)
    ld a3, 88(sp)
    ld a4, 96(sp)
    ld a5, 104(sp)
    ld a6, 112(sp)
    ld a7, 120(sp)
    addi sp, sp, 128
    sret

    .section .bss.stack, "aw", @nobits
    .balign 16
    .skip 65536
stack_top:

    .section .note.GNU-stack, "", @progbits
