/* The blob store, AGENT_BLOB_DIR: one file per sha256, complete and verified, or not there. A blob
 * that is being sent is a ".part" file beside them that survives a lost link. */
#pragma once

#include "lib/error.h"

#include <stddef.h>
#include <stdint.h>

#define BLOB_SIZE_MAX (8ULL << 30)    /* bytes; a cap against a peer's nonsense */
#define BLOB_SPACE_MARGIN (64u << 20) /* bytes that stay free on the file system */

/* Where a blob is, or will be; digest must be digest_is_valid. The caller frees. */
char *blob_path(const char *digest);
/* 1 there and its content verified (hashed once per agent and file, told by inode, size and times);
 * 0 not there (a damaged one is removed); -errno. */
int blob_have(const char *digest, struct error *err);

/* A descriptor for reading a blob that is there and verified as blob_have does it: the caller's.
 * -ENOENT, with the remedy. */
int blob_open(const char *digest, struct error *err);

/* 0 when so many bytes fit and BLOB_SPACE_MARGIN stays free; -ENOSPC says how much is missing. */
int blob_room(uint64_t bytes, struct error *err);
/* A file of the same file system whose content was verified becomes the blob. */
int blob_adopt(const char *digest, const char *from, struct error *err);

struct blob_put;
/* Starts or resumes. *offset: bytes that are there already. -EEXIST is never returned: a blob that
 * is there gives offset == size and the put ends at once. -EBUSY: another put of it is under way.
 * -ENOSPC: says how much is missing. */
int blob_put_begin(const char *digest, uint64_t size, struct blob_put **out, uint64_t *offset,
                   struct error *err);
/* -EMSGSIZE: more bytes than announced. */
int blob_put_data(struct blob_put *put, const void *data, size_t len, struct error *err);
uint64_t blob_put_missing(const struct blob_put *put); /* bytes still to come */
/* Flushes, verifies and names the blob, frees put. -EBADMSG: another digest; the part is removed.
 */
int blob_put_end(struct blob_put **put, struct error *err);
/* Keeps the part for a later resume, frees put. */
void blob_put_abort(struct blob_put **put);
