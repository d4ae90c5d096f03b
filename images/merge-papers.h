/* The papers (images/papers.h) of several bundles as those of the one that was merged of them. */
#pragma once

#include "images/bundle.h"
#include "images/layout.h"

#include <stdbool.h>
#include <stddef.h>

/* Whether an entry of index.json is of the SBOM or the licences of one bundle. */
bool merge_papers_has(const json_t *entry);
/* Puts an SBOM that contains theirs, and an archive of the licence texts with a folder for each
 * bundle, into the layout, and sets "sbom" and "licenses" in bigtop (bigtop.json, complete but for
 * these); what no bundle has is not made. work_dir is left as it was. */
int merge_papers(const struct bundle *bundles, size_t count, struct layout *l, const char *work_dir,
                 json_t *bigtop, struct error *err);
