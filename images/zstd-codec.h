/* zstd (RFC 8878) for deltas: a blob's plain stream, compressing one again, and pieces compressed
 * against a prefix. zstd-codec.c is the only user of <zstd.h>; tars go through lib/archive.h. */
#pragma once

#include "images/bundle.h"
#include "lib/cleanup.h"
#include "lib/error.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

uint32_t zstd_version(void); /* MAJOR * 10000 + MINOR * 100 + PATCH */

/* Reads what a blob holds: what its zstd frames decompress to, or, when it does not begin with one,
 * its own bytes. Windows of more than 8 MiB are refused: memory is bounded. The blob must outlive
 * the reader. */
struct plain_reader;
int plain_open(const struct blob_source *blob, struct plain_reader **out, struct error *err);
void plain_close(struct plain_reader **r);
#define AUTO_PLAIN CLEANUP(plain_close) struct plain_reader
bool plain_is_zstd(const struct plain_reader *r);
/* Up to len bytes; *got is less only at the end. -EBADMSG when the stream is damaged or cut. */
int plain_read(struct plain_reader *r, void *buffer, size_t len, size_t *got, struct error *err);

/* A plain stream made into a blob: one frame as libarchive's filter writes it (one thread, no size
 * and no checksum in its header), or with level 0 the bytes as they are. */
typedef int (*packer_sink_fn)(void *userdata, const void *data, size_t len, struct error *err);
struct packer;
struct packer *packer_new(int level, packer_sink_fn sink, void *userdata);
void packer_free(struct packer **p);
#define AUTO_PACKER CLEANUP(packer_free) struct packer
/* What the sink returned when that is not 0. */
int packer_write(struct packer *p, const void *data, size_t len, struct error *err);
int packer_finish(struct packer *p, struct error *err);

/* A piece that follows `prefix`, compressed as far as it goes, with a checksum. *out_len is the
 * room in and the size out; -ENOBUFS when it is too small. */
int piece_pack(const void *prefix, size_t prefix_len, const void *data, size_t len, void *out,
               size_t *out_len, struct error *err);
/* Makes exactly len bytes of one whole frame. -EBADMSG. */
int piece_unpack(const void *prefix, size_t prefix_len, const void *packed, size_t packed_len,
                 void *out, size_t len, struct error *err);
