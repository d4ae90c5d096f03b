/* Modules that Go programs are made of, as the compiler writes them into each program. */
#pragma once

#include "images/parts.h"
#include "images/source.h"
#include "lib/strv.h"

/* Of each "module@version sum" line in the output of `go version -m`: adds "module@version sum",
 * each once, replacements in the place of what they replace. Pure. */
void go_parts_read(const char *text, struct strv *modules);

/* Adds a part for a module, whose folder has the texts. */
int go_parts_add(struct parts *p, const char *module, const char *dir, const char *sum,
                 struct error *err);
/* Adds the parts of all programs in a folder, the standard library among them. */
int go_parts_of_programs(const struct source_context *ctx, const char *dir, struct parts *p,
                         struct error *err);
