/* The drive that the coordinator gets its hosts.yaml from: any file system of some kinds with the
 * label BIGTOP-CFG. It is read once, read-only; after that it can be pulled out. */
#pragma once

#include "lib/error.h"
#include "lib/strv.h"

#define ISO_CONFIG_LABEL "BIGTOP-CFG"
#define ISO_CONFIG_FILES_MAX 64
#define ISO_CONFIG_FILE_MAX (1024 * 1024) /* bytes */

/* The devices that carry the label now, sorted: none, one, or several. */
int iso_config_find(struct strv *devices, struct error *err);
/* Pure: out of what `lsblk --json --list --paths --output NAME,PKNAME,LABEL,FSTYPE` says. A disk
 * whose partition carries it as well counts once. -EBADMSG. */
int iso_config_parse(const char *text, size_t len, struct strv *devices, struct error *err);
/* Copies the files in the drive's uppermost folder to an empty folder, mode 0600: file systems of
 * sticks know no modes. -EINVAL: of a kind that is not read without being changed, or too much. */
int iso_config_read(const char *device, const char *to, struct error *err);
