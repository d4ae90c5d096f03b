/* Debian packages as parts of a bundle. Their terms are in usr/share/doc/NAME/copyright (Debian
 * policy 12.5), which names the well-known ones by files below /usr/share/common-licenses. */
#pragma once

#include "images/parts.h"

/* Adds a package that was unpacked below root ("/": one of this machine). suite and digest may be
 * NULL. A package whose terms were left out of root is added, and that is said of it. */
int deb_parts_add(struct parts *p, const char *root, const struct part *package, const char *suite,
                  struct error *err);

/* Pure. The files of common-licenses that a copyright file names, each once; and these together
 * with the short names of licences in it ("License: GPL-2+"; DEP 5), joined by ", ": the caller
 * frees. */
void deb_parts_common(const char *copyright, struct strv *names);
char *deb_parts_named(const char *copyright);
