/* What the result of a source is made of, and under which licences: collected when a bundle is
 * built, for its SBOM and its licence texts. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

struct parts {
    json_t *list;    /* array of the objects that parts_add makes */
    const char *dir; /* a folder for the texts */
};

/* One part; all but the name may be NULL. Goes into JSON under these names. */
struct part {
    const char *name, *version;
    const char *purl;    /* images/purl.h */
    const char *digest;  /* "sha256:…" of the file that was fetched */
    const char *licence; /* an SPDX expression, found by us in its texts */
    const char *comment; /* what else is known */
};
void parts_add(struct parts *p, const struct part *part);

/* Copies the licence texts (images/licence.h) that lie anywhere below `from` to below `to`, a path
 * in p->dir. Of those with at most `depth` folders above them the uppermost ones say under which
 * licences the part itself is (added to ids): others are of what it holds copies of. Symlinks are
 * left out. */
int parts_take_texts(struct parts *p, const char *from, const char *to, size_t depth,
                     struct strv *ids, struct error *err);
/* The same for the files in a zip. */
int parts_take_zip(struct parts *p, const char *zip, const char *to, struct strv *ids,
                   struct error *err);
/* One text, as to/name. */
int parts_take_text(struct parts *p, const char *to, const char *name, const void *data,
                    size_t len, struct error *err);
