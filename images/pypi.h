/* Python's package index (pure): names and requirements, what pip reports, and the index itself.
 * Sources: PEP 503 (names), PEP 508 (requirements), PEP 691 (the index as JSON), pip's own
 * documentation of its installation report. */
#pragma once

#include "lib/error.h"
#include "lib/json.h"
#include "lib/strv.h"

#include <stdbool.h>

/* NAME[EXTRA,…] and version specifiers joined by commas: "jupyterlab>=4,<5". No URL, no marker, no
 * option. */
bool pypi_is_requirement(const char *text);
/* Exactly NAME==VERSION, without a wildcard. */
bool pypi_is_pin(const char *text);
/* Lower case, and "-" for every run of "-", "_" and "."; the caller frees. */
char *pypi_normal_name(const char *name);

/* From pip's report: {"name==version": "sha256:…"} for each distribution that it would install. */
int pypi_read_report(const json_t *report, json_t **out, struct error *err);

/* The file of the index (its answer for one project) that is the source distribution of a pin, as
 * .tar.gz: its URL, perhaps relative (borrowed), and digest. -ENOENT when there is none. */
int pypi_find_sdist(const json_t *index, const char *pin, const char **url, const char **hex,
                    struct error *err);
/* True for the folder that a pin's files are described in: NAME-VERSION.dist-info, or NAME-VERSION
 * of an unpacked source distribution. */
bool pypi_is_folder_of(const char *folder, const char *pin, bool sdist);
/* url as seen from the page that it stood on; the caller frees. */
char *pypi_resolve_url(const char *page, const char *url);
/* The index that `pip config list` tells of; NULL when it names none. The caller frees. */
char *pypi_configured_index(const char *list);
