/* Tar archives through libarchive (archive.c reads, archive-write.c writes: the only users of its
 * headers). Reading: our own allow-list, as libarchive's SECURE flags still create outside-pointing
 * symlinks, device nodes, FIFOs and setuid files, and leave a full-size file for a truncated tar.
 * Writing: reproducible bytes. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct archive_limits {
    uint64_t max_total;   /* bytes of all files together, unpacked */
    uint64_t max_file;    /* bytes of one file */
    uint64_t max_entries;
};
#define ARCHIVE_LIMITS_DEFAULT \
    ((struct archive_limits){ \
        .max_total = 8ULL << 30, .max_file = 2ULL << 30, .max_entries = 200000})

/* What one entry became; path is relative to the destination. */
struct archive_entry_info {
    const char *path;
    mode_t mode;      /* type and permission bits */
    uint64_t size;
    const char *link; /* symlink target, or NULL */
};
/* Called after an entry was checked and before it is written; a non-zero return (-errno, err set)
 * stops the unpacking. */
typedef int (*archive_entry_fn)(void *userdata, const struct archive_entry_info *entry,
                                struct error *err);

/* Unpacks a tar (plain, gzip or zstd, told by content) from fd beneath dir_fd.
 * Allowed: regular files, folders, relative symlinks that stay inside. Refused, with the entry
 * named: absolute or "..", through a symlink, hard links, devices, FIFOs, sockets, setuid, setgid
 * and sticky bits, control characters in names, duplicate entries, more or fewer bytes than
 * announced, limits passed, a truncated archive. Files are written to a temporary name and renamed.
 * Owner is the caller; mode is the archive's & 0777; mtime the archive's. A folder that is there
 * already keeps its mode; another file in the way is replaced. limits NULL: the default. Nothing is
 * synced: syncfs(2) when it must survive a power cut. On failure what was written so far stays:
 * unpack into a staging folder. */
int archive_unpack(int fd, int dir_fd, const struct archive_limits *limits,
                   archive_entry_fn on_entry, void *userdata, struct error *err);
/* The same checks, nothing written. */
int archive_check(int fd, const struct archive_limits *limits, archive_entry_fn on_entry,
                  void *userdata, struct error *err);

enum archive_compression { ARCHIVE_PLAIN, ARCHIVE_GZIP, ARCHIVE_ZSTD };
#define ARCHIVE_ZSTD_LEVEL 9 /* images/delta.h compresses again what was compressed with it */

/* A reproducible tar: pax where needed, uid and gid 0, no names, fixed mtime. */
struct archive_writer;
int archive_writer_open(int fd, enum archive_compression compression, int64_t mtime,
                        struct archive_writer **out, struct error *err);
int archive_writer_dir(struct archive_writer *w, const char *path, mode_t mode, struct error *err);
int archive_writer_symlink(struct archive_writer *w, const char *path, const char *target,
                           struct error *err);
/* Another name for what the archive has as `target`. mode: that one's; containerd gives the file
 * that of its last name. Not for hosts: archive_unpack refuses it. */
int archive_writer_hardlink(struct archive_writer *w, const char *path, mode_t mode,
                            const char *target, struct error *err);
int archive_writer_data(struct archive_writer *w, const char *path, mode_t mode, const void *data,
                        size_t len, struct error *err);
int archive_writer_file(struct archive_writer *w, const char *path, mode_t mode,
                        const char *source, struct error *err);
/* What is in a folder, sorted bytewise within each folder, below prefix ("" for none; no entry is
 * written for the prefix itself). Modes are those of the files. */
int archive_writer_tree(struct archive_writer *w, const char *prefix, const char *source_dir,
                        struct error *err);
int archive_writer_close(struct archive_writer **w, struct error *err); /* also frees */
void archive_writer_abort(struct archive_writer **w);                   /* frees, output invalid */
