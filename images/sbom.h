/* The software bill of materials: an SPDX 2.3 document as JSON (spdx.github.io/spdx-spec/v2.3).
 * Packages are the bundle, its components, the recipe's sources and what those are made of:
 *   document DESCRIBES bundle CONTAINS component GENERATED_FROM source CONTAINS part
 * The same input gives the same bytes. */
#pragma once

#include "lib/json.h"
#include "lib/strbuf.h"

#define SBOM_MAX (64 * 1024 * 1024)

/* bigtop: bigtop.json without the SBOM itself, which names the document.
 * sources: {NAME: {"type": T, "parts": [PART, …]}}, a PART as in images/parts.h.
 * origins: {COMPONENT: [NAME, …]}, the sources that a component is of. */
void sbom_write(const json_t *bigtop, const json_t *sources, const json_t *origins,
                struct strbuf *out);

/* The one of a bundle that was merged of others: it CONTAINS their bundles, and those what their
 * documents say. documents: an array of what sbom_write made. */
void sbom_merge(const json_t *bigtop, const json_t *documents, struct strbuf *out);
