/* Plain tar (POSIX ustar), regular files only, onto a pipe. Files are handed over inside the kernel
 * (sendfile), which is why this is not libarchive: layers are large, and libarchive's writer would
 * link every format it knows, with their libraries, into the agent. */
#pragma once

#include "lib/error.h"

#include <stddef.h>
#include <stdint.h>

#define TAR_BLOCK 512
#define TAR_NAME_MAX 100             /* bytes of a name; longer ones are refused */
#define TAR_FILE_MAX 077777777777ULL /* bytes; eleven octal digits */

/* All: 0 or -errno. -EPIPE: the reader went away (SIGPIPE is the caller's matter). */
int tar_stream_data(int fd, const char *name, const void *data, size_t len, struct error *err);
int tar_stream_file(int fd, const char *name, const char *source, struct error *err);
int tar_stream_end(int fd, struct error *err); /* two empty blocks */

/* The header block of a regular file, mode 0644, root's, time 0. -ENAMETOOLONG, -EFBIG. */
int tar_stream_header(const char *name, uint64_t size, unsigned char out[TAR_BLOCK]);
