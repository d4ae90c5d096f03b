/* A bundle: an OCI image layout (oci-layout, index.json, blobs/sha256/…; OCI image spec 1.1) plus
 * bigtop.json, as a folder or as one file (images/bundle-store.h). bigtop.json lists what is in it
 * and who needs it:
 *
 *   {"schema":2,"product":"bigtop","architecture":"amd64","serial":1,"kubernetes":"v1.34.4",
 *    "components":[
 *      {"name":"kubernetes","kind":"files","version":"v1.34.4","roles":["control-plane","worker"],
 *       "blob":"sha256:…"},                        a tar, unpacked into "/" of the host
 *      {"name":"kube-apiserver","kind":"image","version":"v1.34.4","roles":["control-plane"],
 *       "ref":"registry.k8s.io/kube-apiserver:v1.34.4","manifest":"sha256:…",
 *       "blobs":["sha256:…",…]},                   config and layers
 *      {"name":"flannel","kind":"addon","version":"…","roles":["control-plane"],"blob":"sha256:…",
 *       "namespaces":["…"],                        a tar of a kustomize folder, its pods' homes,
 *       "images":{VALUE:"docker.io/calico/cni",…}},   and images that it needs: whichever tag the
 *                                                   bundle has is told to it by that value
 *      {"name":"stack","kind":"stack","version":"…","roles":[],"blob":"sha256:…",
 *       "images":["bigtop.apache.org/kafka",…]}],  a tar of profiles and their components
 *                                                   (docs/STACK.md), for the coordinator alone, and
 *                                                   images that hosts get only by a profile
 *    "blobs":{"sha256:…":12345,…},                   every blob and its size, manifests too
 *    "chunks":{"sha256:…":["<64 hex>",…],…},         SHA-256 of each CHUNK_SIZE bytes of a blob
 *                                                    that has more than one (images/chunk-map.h)
 *    "deltas":{"sha256:NEW":[{"from":"sha256:OLD","blob":"sha256:…"},…],…},   optional: patches
 *                                                    that make NEW of OLD (images/delta.h)
 *    "next_keys":["RWQ…",…],                         optional: public keys, as in a NAME.pub, that
 *                                                    may sign what comes after this bundle
 *    "index":"sha256:…",                             optional: of index.json, which is no blob
 *    "licenses":"sha256:…",                          optional: a tar of licence texts
 *    "sbom":"sha256:…",                              optional: an SPDX document (images/sbom.h)
 *    "sources":{NAME:{"type":T,…},…}}                for people: where each part came from; a
 *                                                    component may name its own: "sources":[NAME,…]
 *
 * Beside it lies bigtop.json.minisig (images/signature.h) when the bundle is signed. It covers
 * every byte of bigtop.json, and so by their digests every blob that is listed there.
 *
 * Names, and images' refs, are unique. Components are in install order; what a control plane needs
 * first comes first. */
#pragma once

#include "images/signature.h"
#include "lib/digest.h"
#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdint.h>

#define BUNDLE_SCHEMA 2
#define BUNDLE_MANIFEST "bigtop.json"
#define BUNDLE_SIGNATURE BUNDLE_MANIFEST ".minisig"
#define BUNDLE_MANIFEST_MAX (4 * 1024 * 1024)
#define BUNDLE_DELTAS_MAX 16 /* of one blob */

/* Bits of component.roles; the same as enum host_role of the coordinator. */
enum { COMPONENT_CONTROL_PLANE = 1, COMPONENT_WORKER = 2 };

enum component_kind { COMPONENT_FILES, COMPONENT_IMAGE, COMPONENT_ADDON, COMPONENT_STACK };
const char *component_kind_name(enum component_kind kind); /* "files", … */

struct component {
    enum component_kind kind;
    const char *name, *version; /* borrowed from the bundle */
    unsigned roles;             /* COMPONENT_CONTROL_PLANE | COMPONENT_WORKER; stack: none; files:
                                  none where they are the coordinator's alone */
    const char *blob;           /* files, addon, stack */
    const char *ref, *manifest; /* image */
    json_t *blobs;              /* image: array of digests, borrowed */
    json_t *sources;            /* array of keys of "sources", borrowed; may be NULL */
    json_t *namespaces;         /* addon: array of strings, borrowed; may be NULL */
    json_t *images;             /* addon: object of repositories, stack: array of them; borrowed;
                                   may be NULL */
};

struct bundle_store; /* images/bundle-store.h */

struct bundle {
    char *path;          /* of the folder or file; NULL when it was only parsed */
    struct bundle_store *store; /* NULL as well */
    char *text;      /* bigtop.json, the bytes that were verified and parsed; NUL-terminated */
    size_t text_len;
    char digest[DIGEST_SIZE]; /* of text */
    char *signature_text; /* of bigtop.json.minisig; NULL: there is none */
    json_t *json;
    const char *product, *architecture; /* borrowed from json */
    const char *kubernetes;             /* the same; NULL: there is none in it */
    const char *licenses, *sbom;        /* digests, the same */
    int64_t serial;
    struct component *components;
    size_t component_count;
    struct trusted_keys next_keys;
    struct signature signature; /* key_id is empty: none was checked */
};

/* Opens a folder or a file. Reads and checks bigtop.json: schema, digests, that every named blob is
 * listed; of a file also that it holds exactly what is listed. Blob contents are not read. Leaves
 * *out untouched on failure.
 *
 * With trusted keys its signature is verified over the bytes of the file before anything is made of
 * them: -ENOKEY when there is none, -EKEYREJECTED when it is by another key, or when bigtop.json or
 * the signature were altered. With NULL no signature is checked. */
int bundle_open(const char *path, const struct trusted_keys *trusted, struct bundle *out,
                struct error *err);
/* Checks all of the bundle, blobs too, and writes bigtop.json.minisig (replacing another, in place
 * when the bundle is one file). Its trusted comment says product, architecture, serial, time and
 * file. */
int bundle_sign(const char *path, const struct secret_key *key, struct error *err);
/* Adds the keys that may sign what comes after this bundle, whose signature was checked: its own
 * and those that it announces. Whoever accepts it trusts these from then on, and no others: so a
 * key is replaced by announcing the next one in a bundle, and signing a later bundle with that. */
void bundle_successors(const struct bundle *b, struct trusted_keys *out);
void bundle_release(struct bundle *b);
#define BUNDLE_INIT ((struct bundle){0})
const struct component *bundle_find(const struct bundle *b, const char *name);
/* By repository ("registry.k8s.io/pause"), whichever tag the bundle has. */
const struct component *bundle_find_image(const struct bundle *b, const char *repository);
bool component_is_image_of(const struct component *c, const char *repository);
/* Where the bytes of a blob are. BLOB_SOURCE_INIT is not open. */
struct blob_source {
    int fd;
    uint64_t offset, size; /* bytes: where it begins in the file, and its size in bigtop.json */
};
/* Opens a blob for reading. -ENOENT when bigtop.json does not list it or it is missing, -EBADMSG
 * when the file is not a regular one of the listed size. Content is not looked at. */
int bundle_blob_open(const struct bundle *b, const char *digest, struct blob_source *out,
                     struct error *err);
void blob_source_close(struct blob_source *s);
#define BLOB_SOURCE_INIT ((struct blob_source){.fd = -1})
#define AUTO_BLOB_SOURCE CLEANUP(blob_source_close) struct blob_source
/* Exactly len bytes from `at` in the blob on; from any thread. -ENODATA past its end. */
int blob_source_read(const struct blob_source *s, uint64_t at, void *buffer, size_t len,
                     struct error *err);
/* Writes all of it to out_fd (-1: nowhere); digest is that of what was written. */
int blob_source_copy(const struct blob_source *s, int out_fd, char digest[DIGEST_SIZE],
                     struct error *err);
/* The whole of a small blob, whose content is looked at: -EBADMSG when it is not the digest's,
 * -E2BIG when it has more than max bytes. *out is NUL-terminated and the caller's. */
int bundle_blob_text(const struct bundle *b, const char *digest, size_t max, char **out,
                     size_t *size, struct error *err);
/* Size from bigtop.json; -ENOENT when it is not listed. */
int64_t bundle_blob_size(const struct bundle *b, const char *digest);
/* The patches that make this blob: an array of {"from":DIGEST,"blob":DIGEST}, the patches listed;
 * NULL when there is none. Borrowed. */
json_t *bundle_deltas(const struct bundle *b, const char *digest);
/* Parses the text of a bigtop.json, as bundle_open does, without a folder: for a host, which has
 * the blobs elsewhere. `name` is for errors. Leaves *out untouched on failure. */
int bundle_parse(const char *text, size_t len, const char *name, struct bundle *out,
                 struct error *err);
/* index.json, whose hash was compared with bigtop.json's. The caller owns *out. */
int bundle_index(const struct bundle *b, json_t **out, struct error *err);
/* Hashes every blob and its chunks, and compares each image's manifest, and index.json, with
 * bigtop.json. */
int bundle_verify(const struct bundle *b, struct error *err);
