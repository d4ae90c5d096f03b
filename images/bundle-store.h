/* Where the pieces of a bundle are: in a folder, or in one file that is read in place, from a USB
 * stick or an ISO as well, without unpacking.
 *
 * The file is a plain tar of the same OCI image layout (what skopeo calls oci-archive), and there
 * is only one for a bundle, as every byte that is no content follows from bigtop.json:
 *
 *   bigtop.json
 *   bigtop.json.minisig    always BUNDLE_STORE_SIGNATURE_SIZE bytes: the signature, then newlines.
 *                          Nothing but newlines: not signed. So it can be signed in place
 *   oci-layout
 *   index.json
 *   blobs/sha256/<hex>     every blob of bigtop.json, in bytewise order
 *   two blocks of zeroes   and the file ends
 *
 * Headers are those of images/tar-header.h. Anything else, a link, another entry, a duplicate,
 * another order or a byte between the contents that is not zero, is refused. */
#pragma once

#include "images/bundle.h"
#include "lib/cleanup.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strbuf.h"

#include <stdbool.h>
#include <stdint.h>

#define BUNDLE_STORE_SIGNATURE_SIZE 2048
#define BUNDLE_STORE_LAYOUT_TEXT "{\"imageLayoutVersion\":\"1.0.0\"}"
#define BUNDLE_STORE_INDEX_MAX (4 * 1024 * 1024)

/* In the order in which the file has them. */
enum bundle_text {
    BUNDLE_TEXT_LIST,
    BUNDLE_TEXT_SIGNATURE,
    BUNDLE_TEXT_LAYOUT,
    BUNDLE_TEXT_INDEX,
    BUNDLE_TEXTS
};
/* "bigtop.json" and so on. */
const char *bundle_text_name(enum bundle_text which);

struct bundle_store;
/* Tells by itself what is at the path. Of a file only the list's and the signature's places are
 * looked at. -EBADMSG when it is neither a folder nor a file that begins like a bundle. */
int bundle_store_open(const char *path, struct bundle_store **out, struct error *err);
void bundle_store_close(struct bundle_store **s);
bool bundle_store_is_file(const struct bundle_store *s);

/* Appends a text. -ENOENT when there is none; -E2BIG past into->max. LAYOUT and INDEX of a file are
 * known after bundle_store_map. */
int bundle_store_read(const struct bundle_store *s, enum bundle_text which, struct strbuf *into,
                      struct error *err);
/* Puts the signature in its place, replacing another, and syncs it. A file is written in place:
 * cut off in the middle it has a bad signature, and is to be signed again. */
int bundle_store_write_signature(const struct bundle_store *s, const char *text, size_t len,
                                 struct error *err);
/* Finds every blob of the list, "blobs" of bigtop.json, which must outlive the store. Of a file
 * only headers are read: -EBADMSG when the whole of it is not as described above. */
int bundle_store_map(struct bundle_store *s, const json_t *blobs, struct error *err);
/* Opens a listed blob: -ENOENT when it is missing, -EBADMSG when it is not a regular file of this
 * size. */
int bundle_store_blob(const struct bundle_store *s, const char *digest, uint64_t size,
                      struct blob_source *out, struct error *err);

/* The two forms, for bundle-store.c. */
struct bundle_store_form {
    int (*read)(const void *form, enum bundle_text which, struct strbuf *into, struct error *err);
    int (*write_signature)(const void *form, const char *text, size_t len, struct error *err);
    int (*map)(void *form, const json_t *blobs, struct error *err);
    int (*blob)(const void *form, const char *digest, uint64_t size, struct blob_source *out,
                struct error *err);
    void (*close)(void *form);
};
extern const struct bundle_store_form bundle_store_folder, bundle_store_file;
/* fd becomes the form's own, on failure too. */
int bundle_store_file_open(const char *path, int fd, uint64_t size, void **out, struct error *err);
int bundle_store_folder_open(const char *path, void **out);
