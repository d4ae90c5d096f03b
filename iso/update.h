/* An installed machine gets a newer image into the slot that it does not run from. */
#pragma once

#include "iso/image-file.h"
#include "iso/installed.h"
#include "iso/medium.h"
#include "lib/error.h"

#include <stdbool.h>

#define UPDATE_MOUNTED "/run/bigtop/update" /* where the image is looked at */
#define UPDATE_SUMS_MAX (64 * 1024)

/* Mounts the image, read-only, and checks every file that it lists (ISO_SUMS), and that it lists
 * what a machine is started by. -EBADMSG. Unmounted by update_close only, which may be called
 * anyway. */
int update_open(const char *image, struct error *err);
void update_close(void);
/* Pure: the text lists all that a machine is started by. */
bool update_sums_complete(const char *sums);

/* Writes the image to the other slot, and has that one come first. Until it is all there and was
 * read back, the machine starts from the slot that it runs from. *slot: which one it is now. */
int update_write(const struct installed *m, int image, const struct image_copy *how,
                 unsigned *slot, struct error *err);
