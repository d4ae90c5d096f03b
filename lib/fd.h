/* Descriptors and whole files. Short reads, short writes and EINTR are handled here. */
#pragma once

#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/strbuf.h"

#include <stdint.h>
#include <sys/types.h>

void fd_close(int *fd); /* ignores -1; sets -1 */
#define AUTO_FD CLEANUP(fd_close) int

int fd_write_all(int fd, const void *data, size_t len);      /* 0 or -errno */
int fd_read_full(int fd, void *data, size_t len);            /* 0, -ENODATA at clean EOF before the
                                                                first byte, -EPIPE in the middle */
/* The same at a place in a file, whose own position stays where it is. Reading: -ENODATA when the
 * file ends before. */
int fd_pwrite_all(int fd, const void *data, size_t len, uint64_t offset);
int fd_pread_full(int fd, void *data, size_t len, uint64_t offset);
int fd_read_to_end(int fd, struct strbuf *into);             /* 0, -errno, -E2BIG past into->max */
int fd_set_nonblocking(int fd);

/* Reads a whole file into `into` (appended). -E2BIG past into->max. */
int file_read(const char *path, struct strbuf *into, struct error *err);
/* Replaces the file atomically: temporary file beside it, fsync, rename, fsync of the folder.
 * The mode is exact (umask ignored). Does not follow a symlink at path: it is replaced. */
int file_write_atomic(const char *path, const void *data, size_t len, mode_t mode,
                      struct error *err);
/* Writes a file that must not be there yet, with this mode from its first moment on (as far as the
 * umask allows it), and syncs it. -EEXIST; removed again when the writing fails. */
int file_write_new(const char *path, const void *data, size_t len, mode_t mode,
                   struct error *err);
/* 1 when the file is a regular file with exactly this content and mode, 0 when not, -errno. */
int file_is(const char *path, const void *data, size_t len, mode_t mode);
/* Copies the content to a file that must not be there yet; the mode is exact. Not synced. */
int file_copy(const char *from, const char *to, mode_t mode, struct error *err);
