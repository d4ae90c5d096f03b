/* Patches: what makes one blob out of another that a host already has, in bounded memory. Both
 * blobs are taken for what they hold: of one that is zstd (RFC 8878) the plain stream counts, and
 * applying compresses again. That gives the very bytes only with the same version of libzstd and
 * the same parameters, so both are in the patch, and delta_make proves it before it writes one.
 * delta.c is the only user of <zstd.h>.
 *
 * A patch, all numbers little-endian:
 *   "BIGTOPD1"                     magic and format
 *   u32 zstd     ZSTD_versionNumber() that compresses the new blob again; 0: it is not compressed
 *   u32 level    of that; 0: not compressed
 *   u64 size     of the new blob, bytes
 *   u64 plain    size of its plain stream
 *   segments, until they made `plain` bytes:
 *     u64 from   where in the old plain stream its window begins; never before the last one's
 *     u32 window bytes of the window, at most DELTA_WINDOW
 *     u32 made   bytes of the new plain stream, 1 to DELTA_SEGMENT
 *     u32 packed bytes that follow: one zstd frame with the window as prefix, at most
 *                DELTA_PACKED
 * A window of 8 MiB found as much in Kubernetes v1.34.3 for v1.34.4 as one of 16 and as the whole
 * file; level 16 takes half of the time of level 19 for 8 % more. */
#pragma once

#include "images/bundle.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stdint.h>

#define DELTA_WINDOW (8u << 20)
#define DELTA_SEGMENT (4u << 20)
#define DELTA_PACKED (DELTA_SEGMENT + (64u << 10))
#define MEDIA_DELTA "application/vnd.bigtop.delta.v1" /* artifactType */

/* Called now and then with bytes of the new plain stream. */
typedef void (*delta_progress_fn)(void *userdata, uint64_t done, uint64_t total);

/* Writes a patch to out_fd that makes `to` of `from`. Slow (best compression). Needs room for both
 * plain streams in work_dir, which is left as it was. -EOPNOTSUPP: `to` is zstd that libzstd does
 * not make again byte by byte. -ECANCELED. cancel and progress may be NULL. */
int delta_make(const struct blob_source *from, const struct blob_source *to, const char *work_dir,
               int out_fd, const bool *cancel, delta_progress_fn progress, void *userdata,
               struct error *err);

/* Writes to out_fd what the patch makes of `from`. The caller compares its digest: a patch can be
 * wrong, and is only refused here when it contradicts itself. Never writes more than the patch's
 * `size`, nor more than max_size. From any thread; some 40 MiB of memory, all freed at the end.
 * -EOPNOTSUPP: needs another libzstd (take the whole blob); -EBADMSG: not a patch, damaged, or not
 * for this blob; -EFBIG: makes more than max_size; -ECANCELED; -EIO and others: from reading and
 * writing. cancel may be NULL. */
int delta_apply(const struct blob_source *from, const struct blob_source *patch, uint64_t max_size,
                int out_fd, const bool *cancel, struct error *err);
