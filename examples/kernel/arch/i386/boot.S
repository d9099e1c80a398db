// SPDX-License-Identifier: MIT
//
// From QEMU's PVH entry (32-bit protected mode, paging off) to `kernel_main`, with PAE and high in memory: so the RAM
// above 4 GiB can be mapped, whose physical addresses no pointer holds.

#define KERNEL_BASE 0xa0000000          // + physical address, for the kernel's image (kernel.ld has it too)

#define PRESENT          0x01
#define LARGE_PAGE       0x83           // 2 MiB, present, writable, cacheable
#define LARGE_DEVICE     0x9b           // 2 MiB, present, writable, uncached

#define CR4_PAE   (1 << 5)
#define CR0_PG_WP 0x80010000

// QEMU finds the entry by this note: type 18 is XEN_ELFNOTE_PHYS32_ENTRY.
    .section .note.pvh, "a", @note
    .balign 4
    .long 4, 4, 18
    .asciz "Xen"
    .long pvh_entry

// This section is at its physical address; everything else is linked at KERNEL_BASE + physical.
    .section .boot, "ax"
    .globl pvh_entry
pvh_entry:
    cli
    cld
    movl $page_map, %eax
    movl %eax, %cr3
    movl %cr4, %eax
    orl $CR4_PAE, %eax
    movl %eax, %cr4
    movl %cr0, %eax
    orl $CR0_PG_WP, %eax
    movl %eax, %cr0
    movl $high_entry, %eax
    jmp *%eax

    .balign 8
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    // 8: code, 32-bit
    .quad 0x00cf93000000ffff    // 16: data
gdt_pointer:
    .word 23
    .long gdt + KERNEL_BASE

    .balign 4096
page_map:                                       // each entry spans 1 GiB
    .long low_pages + PRESENT, 0                   // identity, until the jump; high_entry takes it away
    .long device_pages + PRESENT, 0                // 0x40000000
    .long high_pages + PRESENT, 0                  // 0x80000000
    .quad 0
    .balign 4096
low_pages:                                      // each entry spans 2 MiB: the first 16 MiB of RAM
    .set i, 0
    .rept 8
    .quad (i << 21) + LARGE_PAGE
    .set i, i + 1
    .endr
    .fill 504, 8, 0
device_pages:                                   // the fourth GiB: PCI, virtio-mmio, interrupt controllers
    .set i, 0
    .rept 512
    .quad 0xc0000000 + (i << 21) + LARGE_DEVICE
    .set i, i + 1
    .endr
high_pages:
    .set i, 0
    .rept 64                                    // 0: 128 MiB of RAM above 4 GiB
    .quad 0x100000000 + (i << 21) + LARGE_PAGE
    .set i, i + 1
    .endr
    .fill 192, 8, 0
    .set i, 0
    .rept 8                                     // 256: KERNEL_BASE
    .quad (i << 21) + LARGE_PAGE
    .set i, i + 1
    .endr
    .fill 248, 8, 0

    .text
high_entry:
    lgdt gdt_pointer + KERNEL_BASE
    ljmp $8, $1f
1:
    movl $16, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl $stack_top, %esp
    movl $0, page_map + KERNEL_BASE             // from here on a physical address faults when it is used
    movl %cr3, %eax
    movl %eax, %cr3
    movl $bss_start, %edi
    movl $bss_end, %ecx
    subl %edi, %ecx
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
    pushl $0                                    // in place of an error code, which the CPU pushes for few exceptions
    .endif
    pushl $i
    .if i >= 32
    jmp interrupt
    .else
    jmp trap
    .endif
    .set i, i + 1
    .endr
trap:
    movl (%esp), %eax
    movl 8(%esp), %ecx
    movl %cr2, %edx
    andl $-16, %esp
    subl $8, %esp
    .irp register, edx, ecx, eax                // three arguments of 64 bits
    pushl $0
    pushl %\register
    .endr
    call kernel_trap
    ud2
interrupt:
    pushal
    cld
    movl 32(%esp), %eax
    movl %esp, %ebp
    andl $-16, %esp
    subl $12, %esp
    pushl %eax
    call machine_interrupt
    movl %ebp, %esp
    popal
    addl $8, %esp
    iretl

    .section .bss.stack, "aw", @nobits
    .balign 16
    .skip 65536
stack_top:

    .section .note.GNU-stack, "", @progbits
