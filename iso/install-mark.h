/* What a disk says of an installation of ours: one block between the partition table and the first
 * partition, where neither GPT, MBR nor a boot loader has anything (both of them begin the first
 * partition at 1 MiB). It is written and synced before anything else on the disk changes, and says
 * "done" only when all of it has been read back. */
#pragma once

#include "iso/medium.h"
#include "lib/error.h"

#include <stdbool.h>

#define INSTALL_MARK_OFFSET (512 * 1024) /* bytes */
#define INSTALL_MARK_SIZE 4096           /* bytes: a sector of any disk */
#define INSTALL_DISK_LEN 35              /* of a UUID; its last digit is the partition's number */
#define INSTALL_IDENTITY_MAX 256

enum install_phase {
    INSTALL_BEGUN,  /* whatever is on the disk is of this installation, and nobody starts it */
    INSTALL_COPIED, /* all is there but what starts it */
    INSTALL_DONE,
};

struct install_mark {
    enum install_phase phase;
    char image[ISO_NUMBER_LEN + 1];
    char disk[INSTALL_DISK_LEN + 1];     /* what its partitions' UUIDs begin with */
    char identity[INSTALL_IDENTITY_MAX]; /* disk_identity: a copy of the disk is not this disk */
};

/* Pure. Parsing takes nothing but what formatting gives, its checksum included. */
void install_mark_format(const struct install_mark *m, char out[INSTALL_MARK_SIZE]);
bool install_mark_parse(const char block[INSTALL_MARK_SIZE], struct install_mark *out);

/* 1: there is one; 0: none; -errno. */
int install_mark_read(int fd, struct install_mark *out, struct error *err);
/* On the disk when this returns 0. */
int install_mark_write(int fd, const struct install_mark *m, struct error *err);
