// SPDX-License-Identifier: MIT
//
// From QEMU's PVH entry (32-bit protected mode, paging off) to `kernel_main` in long mode, high in memory.

#define KERNEL_BASE 0xffffffff80000000  // + physical address, for the kernel's image (kernel.ld has it too)

#define PRESENT_WRITABLE 0x03
#define LARGE_PAGE       0x83           // 2 MiB, present, writable, cacheable
#define LARGE_DEVICE     0x9b           // 2 MiB, present, writable, uncached

#define CR4_PAE   (1 << 5)
#define EFER      0xc0000080
#define EFER_LME  (1 << 8)
#define CR0_PG_WP ((1 << 31) | (1 << 16))

// QEMU finds the entry by this note: type 18 is XEN_ELFNOTE_PHYS32_ENTRY.
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 8, 18
    .asciz "Xen"
    .quad pvh_entry

// This section is at its physical address; everything else is linked at KERNEL_BASE + physical.
    .section .boot, "ax"
    .code32
    .globl pvh_entry
pvh_entry:
    cli
    cld
    movl $page_map, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl $EFER, %ecx
    rdmsr
    orl $EFER_LME, %eax
    wrmsr
    movl %cr0, %eax
    orl $CR0_PG_WP, %eax
    movl %eax, %cr0
    lgdt gdt_pointer_low
    ljmp $8, $1f
    .code64
1:
    movabsq $high_entry, %rax
    jmp *%rax

    .balign 8
gdt:
    .quad 0
    .quad 0x00af9b000000ffff    // 8: code, 64-bit
    .quad 0x00cf93000000ffff    // 16: data
gdt_pointer_low:
    .word 23
    .long gdt
gdt_pointer_high:
    .word 23
    .quad gdt + KERNEL_BASE

    .balign 4096
page_map:                                       // each entry spans 512 GiB
    .quad low_directory + PRESENT_WRITABLE      // identity, until the jump; high_entry takes it away
    .fill 255, 8, 0
    .quad pool_directory + PRESENT_WRITABLE     // 256: 0xffff800000000000
    .fill 253, 8, 0
    .quad device_directory + PRESENT_WRITABLE   // 510: 0xffffff0000000000
    .quad kernel_directory + PRESENT_WRITABLE   // 511: 0xffffff8000000000
low_directory:                                  // each entry spans 1 GiB
    .quad kernel_pages + PRESENT_WRITABLE
    .fill 511, 8, 0
kernel_directory:
    .fill 510, 8, 0
    .quad kernel_pages + PRESENT_WRITABLE       // 510: KERNEL_BASE
    .fill 1, 8, 0
pool_directory:
    .fill 4, 8, 0
    .quad pool_pages + PRESENT_WRITABLE         // 4: 0xffff800000000000 + 4 GiB
    .fill 507, 8, 0
device_directory:
    .fill 3, 8, 0
    .quad device_pages + PRESENT_WRITABLE       // 3: 0xffffff0000000000 + 3 GiB
    .fill 508, 8, 0
kernel_pages:                                   // each entry spans 2 MiB: the first 16 MiB of RAM
    .set i, 0
    .rept 8
    .quad (i << 21) + LARGE_PAGE
    .set i, i + 1
    .endr
    .fill 504, 8, 0
pool_pages:                                     // 128 MiB of RAM above 4 GiB
    .set i, 0
    .rept 64
    .quad 0x100000000 + (i << 21) + LARGE_PAGE
    .set i, i + 1
    .endr
    .fill 448, 8, 0
device_pages:                                   // the fourth GiB: PCI, virtio-mmio, interrupt controllers
    .set i, 0
    .rept 512
    .quad 0xc0000000 + (i << 21) + LARGE_DEVICE
    .set i, i + 1
    .endr

    .text
high_entry:
    lgdt gdt_pointer_high + KERNEL_BASE
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movq $stack_top, %rsp
    movq $0, page_map + KERNEL_BASE             // from here on a physical address faults when it is used
    movq %cr3, %rax
    movq %rax, %cr3
    movq $bss_start, %rdi
    movq $bss_end, %rcx
    subq %rdi, %rcx
    xorl %eax, %eax
    rep stosb
    xorl %ebp, %ebp
    call kernel_main                            // never returns
    ud2

// One stub of 16 bytes for each vector: after it the stack holds vector, error code, instruction pointer.
    .balign 16
    .globl trap_stubs
trap_stubs:
    .set i, 0
    .rept 112
    .balign 16
    .if i >= 32 || ((0x60227d00 >> (i & 31)) & 1) == 0
    pushq $0                                    // in place of an error code, which the CPU pushes for few exceptions
    .endif
    pushq $i
    .if i >= 32
    jmp interrupt
    .else
    jmp trap
    .endif
    .set i, i + 1
    .endr
trap:
    movq (%rsp), %rdi
    movq 16(%rsp), %rsi
    movq %cr2, %rdx
    andq $-16, %rsp
    call kernel_trap
    ud2
interrupt:
    .irp register, rax, rcx, rdx, rsi, rdi, r8, r9, r10, r11
    pushq %\register
    .endr
    cld
    movl 72(%rsp), %edi
    call machine_interrupt                      // 7 + 9 words since the CPU aligned the stack: aligned again
    .irp register, r11, r10, r9, r8, rdi, rsi, rdx, rcx, rax
    popq %\register
    .endr
    addq $16, %rsp
    iretq

    .section .bss.stack, "aw", @nobits
    .balign 16
    .skip 65536
stack_top:

    .section .note.GNU-stack, "", @progbits
