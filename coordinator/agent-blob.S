    .section .rodata
    .balign 16
    .global agent_blob_start
    .type agent_blob_start, %object
agent_blob_start:
    .incbin AGENT_TARBALL
    .global agent_blob_end
    .type agent_blob_end, %object
agent_blob_end:
    .byte 0
    .global agent_blob_sha256
    .type agent_blob_sha256, %object
agent_blob_sha256:
    .asciz AGENT_SHA256
    .section .note.GNU-stack, "", %progbits
