/* SPDX-License-Identifier: MIT */
/* The font that examples/run has unpacked: a file of Debian's package fonts-spleen. */
    .section .rodata.font, "a"
    .balign 4
    .global font_begin, font_end
font_begin:
    .incbin VIRTQ_FONT
font_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
