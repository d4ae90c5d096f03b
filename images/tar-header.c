#include "images/tar-header.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SIZE_AT 124
#define SIZE_LEN 12
#define SUM_AT 148
#define SUM_LEN 8
#define NAME_LEN 100
#define OCTAL_MAX 077777777777ULL
#define BASE_256 '\x80'

static void put_size(char *field, uint64_t size)
{
    if (size <= OCTAL_MAX) {
        (void) snprintf(field, SIZE_LEN, "%011llo", (unsigned long long) size);
        return;
    }
    field[0] = BASE_256;
    for (size_t i = SIZE_LEN - 1; i > 0; i--, size >>= 8)
        field[i] = (char) (size & 0xff);
}

static uint64_t get_size(const char *field)
{
    uint64_t size = 0;
    if (field[0] == BASE_256) {
        for (size_t i = 1; i < SIZE_LEN; i++)
            size = size << 8 | (unsigned char) field[i];
        return size;
    }
    for (size_t i = 0; i < SIZE_LEN - 1; i++)
        size = size << 3 | (uint64_t) (field[i] & 7);
    return size;
}

void tar_header_make(char block[TAR_BLOCK], const char *name, uint64_t size)
{
    memset(block, 0, TAR_BLOCK);
    memcpy(block, name, strnlen(name, NAME_LEN));
    memcpy(block + 100, "0000644", 7);
    memcpy(block + 108, "0000000", 7);
    memcpy(block + 116, "0000000", 7);
    put_size(block + SIZE_AT, size);
    memcpy(block + 136, "00000000000", 11);
    block[156] = '0';
    memcpy(block + 257, "ustar\00000", 8);
    memcpy(block + 329, "0000000", 7);
    memcpy(block + 337, "0000000", 7);
    memset(block + SUM_AT, ' ', SUM_LEN);
    unsigned sum = 0;
    for (size_t i = 0; i < TAR_BLOCK; i++)
        sum += (unsigned char) block[i];
    (void) snprintf(block + SUM_AT, SUM_LEN - 1, "%06o", sum);
}

int tar_header_size(const char block[TAR_BLOCK], const char *name, uint64_t *size)
{
    char expected[TAR_BLOCK];
    uint64_t announced = get_size(block + SIZE_AT);
    tar_header_make(expected, name, announced);
    if (memcmp(block, expected, TAR_BLOCK) != 0)
        return -EBADMSG;
    *size = announced;
    return 0;
}

uint64_t tar_padding(uint64_t size)
{
    return (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
}
