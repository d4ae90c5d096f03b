/* Writing an OCI image layout (image spec 1.1) with bigtop.json beside it. At any moment the blobs
 * that the folder's bigtop.json names are there and whole: blobs come first, then index.json, then
 * bigtop.json, and only then what nobody names any more is removed. */
#pragma once

#include "images/bundle.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/json.h"

#include <stdint.h>

#define LAYOUT_REF "org.opencontainers.image.ref.name"

struct layout;
/* Creates the folder, or takes one that holds a layout or nothing: -ENOTEMPTY for any other. */
int layout_open(const char *dir, struct layout **out, struct error *err);
void layout_close(struct layout **l);
/* Puts a blob: copied, hashed on the way, fsynced, renamed. A whole one that is there is kept. */
int layout_put_file(struct layout *l, const char *source, const char *digest, int64_t size,
                    struct error *err);
/* The same from another bundle; its size is that of the source. */
int layout_put_blob(struct layout *l, const struct blob_source *source, const char *digest,
                    struct error *err);
/* The same from memory; digest is the result. */
int layout_put_data(struct layout *l, const void *data, size_t len, char digest[DIGEST_SIZE],
                    struct error *err);
/* Opens a blob that was put. */
int layout_blob_open(const struct layout *l, const char *digest, struct blob_source *out,
                     struct error *err);
/* Adds a manifest to index.json, NULL where there is nothing to say. */
struct layout_manifest {
    const char *media_type, *digest, *ref;
    int64_t size;
    const char *architecture;  /* of an image */
    const char *artifact_type; /* of anything else */
};
void layout_add_manifest(struct layout *l, const struct layout_manifest *manifest);
/* Every blob that was put, and its size; borrowed. */
json_t *layout_blobs(struct layout *l);
/* The hashes of their chunks, as in bigtop.json; borrowed. */
json_t *layout_chunks(struct layout *l);
/* Adds an entry of another layout's index.json as it is. */
void layout_add_entry(struct layout *l, json_t *entry);
/* Writes index.json and bigtop.json (with the former's hash as its "index"), and removes blobs that
 * were not put, and the signature of another bigtop.json. */
int layout_finish(struct layout *l, const json_t *bigtop_json, struct error *err);
/* Writes index.json alone: an image layout that is no bundle. */
int layout_finish_images(struct layout *l, struct error *err);
/* Writes the texts of a bundle whose blobs were put, its signature too: the same bytes. */
int layout_finish_copy(struct layout *l, const struct bundle *b, struct error *err);
