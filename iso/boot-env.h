/* Which slot an installed machine starts: GRUB's environment block (grub-editenv(1); 1024 bytes
 * that GRUB can write to as well), with the variables of iso/live/site/usr/lib/bigtop/grub.cfg. */
#pragma once

#include "lib/error.h"

#include <stdbool.h>

#define BOOT_ENV_SIZE 1024
#define BOOT_TRIES 3 /* starts of a slot without a good one, before the other slot's turn */

enum { SLOT_A, SLOT_B, SLOT_COUNT };

struct boot_slot {
    bool filled;    /* there is an image in it */
    bool good;      /* it has been good once */
    unsigned tries; /* starts since it was good; GRUB counts them */
};
struct boot_env {
    struct boot_slot slots[SLOT_COUNT];
    unsigned first; /* the slot that is tried first */
};

/* Pure. -EBADMSG: not what GRUB or we write. */
void boot_env_format(const struct boot_env *e, char out[BOOT_ENV_SIZE]);
int boot_env_parse(const char text[BOOT_ENV_SIZE], struct boot_env *out, struct error *err);
/* What happens to a slot: it is being written and not started; it has a new image, which comes
 * first; the machine has started well from it. */
void boot_env_begin(struct boot_env *e, unsigned slot);
void boot_env_filled(struct boot_env *e, unsigned slot);
void boot_env_good(struct boot_env *e, unsigned slot);

/* Of a file. Writing keeps its place on the disk, as GRUB wants it, and changes one sector of what
 * matters; it is on the disk when this returns. */
int boot_env_read(const char *path, struct boot_env *out, struct error *err);
int boot_env_write(const char *path, const struct boot_env *e, struct error *err);
