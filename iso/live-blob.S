    .section .rodata
    .balign 16
    .global iso_live_start
    .type iso_live_start, %object
iso_live_start:
    .incbin ISO_LIVE_TAR
    .global iso_live_end
    .type iso_live_end, %object
iso_live_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
