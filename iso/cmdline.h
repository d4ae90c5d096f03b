/* What the menu that started a machine told it: words "bigtop.KEY=VALUE" of the kernel's command
 * line (iso/live: grub.cfg). */
#pragma once

#include "iso/medium.h"
#include "lib/error.h"

#define ISO_CMDLINE "/proc/cmdline"
#define ISO_CMDLINE_MAX 4096 /* bytes that are read of it */

/* Pure. The value of the first line's word KEY=VALUE, of the last one when there are several; NULL:
 * there is none. The caller frees. */
char *cmdline_value(const char *cmdline, const char *key);
/* The number of the medium that the machine was started from. path: ISO_CMDLINE. -EBADMSG: the line
 * names none. */
int cmdline_image(const char *path, char out[ISO_NUMBER_LEN + 1], struct error *err);
