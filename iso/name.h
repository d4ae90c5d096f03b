/* What a started machine is called: twenty of one image must not have one name, as nodes are known
 * by theirs. */
#pragma once

#include "iso/links.h"
#include "lib/error.h"

/* "bigtop-" and the number of the first card: another one for each machine, and the same at every
 * boot. NULL: there is no card. The caller frees. */
char *iso_name_of(const struct iso_links *links);
/* Gives this machine, in memory, the name `wanted`; NULL: that one, unless it has another than the
 * live root's already. */
int iso_name_take(const struct iso_links *links, const char *wanted, struct error *err);
