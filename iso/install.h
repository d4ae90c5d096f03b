/* A machine that started from a medium installs itself to the one disk that it was told of
 * (docs/iso.md). A power cut leaves either the disk as it was, or one that the next start from the
 * medium goes on with. */
#pragma once

#include "lib/error.h"
#include "lib/strbuf.h"

#include <stdbool.h>

#define INSTALL_STATUS "/run/bigtop/install" /* what is to be seen of it on the consoles: a text */

struct install {
    const char *disk; /* serial or WWN */
    const char *wipe; /* as `wipe` of lib/disk-choice.h; or NULL */
    const bool *cancel;
    void (*progress)(void *userdata, const char *text); /* one line, for people */
    void *userdata;
};

enum install_outcome { INSTALL_WAS_THERE, INSTALL_NOW };

/* The medium that this machine was started from goes to the disk. *disk (a strbuf) gets what the
 * disk is. INSTALL_NOW: the next start is from there. INSTALL_WAS_THERE: nothing was changed. Else
 * a negative errno: of disk_choose, or what went wrong on the way. */
int install_run(const struct install *how, struct strbuf *disk, struct error *err);
