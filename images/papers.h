/* The papers of a bundle: its SBOM (images/sbom.h) and the licence texts of all that it is made of.
 * What a source is made of is kept in the cache apart from its result, so that collecting it never
 * builds anything again. */
#pragma once

#include "images/cache.h"
#include "images/layout.h"
#include "images/source.h"

/* What the two are called as files. */
#define PAPERS_SBOM_FILE "bigtop.spdx.json"
#define PAPERS_LICENCES_FILE "licenses.tar.zst"

struct papers {
    struct cache *cache;
    const struct source_context *ctx;
    const struct cache_entry *sources; /* one per source of ctx->recipe; dir NULL: not used */
    struct layout *layout;
};

/* Puts both into the layout, as blobs and as artifacts, and sets "licenses" and "sbom" in bigtop
 * (bigtop.json, complete but for these). The licence texts are a tar: a NOTICE with the parts whose
 * licences demand more than their text, and a folder for each kind of part. */
int papers_add(const struct papers *p, json_t *bigtop, struct error *err);

/* The NOTICE: sources as sbom_write takes them. Pure. */
void papers_notice(const char *product, const json_t *sources, struct strbuf *out);
