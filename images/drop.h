/* Leaving out what of a fetched package is not wanted. */
#pragma once

#include "lib/error.h"
#include "lib/strv.h"

/* Removes each file and folder below dir whose path there matches one of the patterns (fnmatch(3),
 * where "*" matches "/" too). One that matches nothing is fine: packages differ by version. */
int drop_matching(const char *dir, const struct strv *patterns, struct error *err);
