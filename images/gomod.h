/* Go modules and the compiler, through the Go command and its own module cache. What is used is
 * checked by "h1:" sums (golang.org/x/mod/sumdb/dirhash: the base64 SHA-256 of the sorted list of
 * "<sha256>  <module>@<version>/<file>" lines), so a torn or changed module cache is found. */
#pragma once

#include "images/source.h"
#include "lib/strv.h"

/* The h1 sum of an unpacked module; the caller frees. `name` is "module@version". */
int gomod_dir_sum(const char *dir, const char *name, char **out, struct error *err);

/* Fetches "module@version" when it isn't there, checks it against the sum, gives the folder where
 * it is unpacked; the caller frees. A folder whose sum is wrong is removed and fetched
 * again, once. With the recipe's compiler or, where it names none, any Go of this machine. */
int gomod_fetch(const struct source_context *ctx, const char *module, const char *sum, char **out,
                struct error *err);
/* The recipe's Go compiler: path of its `go`. Needs any `go` on the machine to be fetched with. */
int gomod_toolchain(const struct source_context *ctx, char **go, struct error *err);
/* gomod_fetch with a compiler that was checked before. */
int gomod_fetch_with(const struct source_context *ctx, const char *go, const char *module,
                     const char *sum, char **out, struct error *err);
/* Environment for that `go`: nothing of the caller's but proxies and the registries to use. */
void gomod_env(const struct source_context *ctx, const char *go, struct strv *env);
