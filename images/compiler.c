#include "images/compiler.h"

#include "images/deb-parts.h"
#include "lib/digest.h"
#include "lib/process.h"

#include <errno.h>
#include <string.h>

#define REPLY_MAX 4096
#define TIMEOUT_MS 30000

/* The first line of what the compiler says; the caller frees. */
static int ask(const char *option, char **out, struct error *err)
{
    const char *const argv[] = {COMPILER, option, NULL};
    STRBUF(reply, REPLY_MAX);
    const struct process_options opts = {.out = &reply, .timeout_ms = TIMEOUT_MS};
    int r = process_run(argv, &opts, NULL, err);
    if (r < 0)
        return error_remedy(err, "apt-get install gcc libc6-dev");
    *out = xstrndup(reply.data, strcspn(reply.data, "\n"));
    return 0;
}

static int find_library(const char *name, char **out, struct error *err)
{
    AUTO_FREE char *option = xasprintf("-print-file-name=%s", name);
    AUTO_FREE char *path = NULL;
    int r = ask(option, &path, err);
    if (r < 0)
        return r;
    *out = path && path[0] == '/' ? realpath(path, NULL) : NULL;
    if (*out)
        return 0;
    error_set(err, -ENOENT, "the C compiler does not find the static library %s", name);
    return error_remedy(err, "install the -dev package that holds %s", name);
}

static int add_library(const char *name, json_t *inputs, struct error *err)
{
    AUTO_FREE char *path = NULL;
    char digest[DIGEST_SIZE];
    int r = find_library(name, &path, err);
    if (r < 0 || (r = digest_file(path, digest, NULL, err)) < 0)
        return r;
    AUTO_FREE char *key = xasprintf("library %s", name);
    json_object_set_new(inputs, key, json_string(digest));
    return 0;
}

int compiler_inputs(const struct strv *libraries, json_t *inputs, struct error *err)
{
    AUTO_FREE char *version = NULL;
    int r = ask("--version", &version, err);
    if (r < 0)
        return r;
    json_object_set_new(inputs, "compiler", json_string(version));
    for (size_t i = 0; r == 0 && i < libraries->count; i++)
        r = add_library(libraries->items[i], inputs, err);
    return r;
}

/* What dpkg-query answers, up to its first newline; NULL when it knows nothing. The caller frees.
 */
static char *ask_dpkg(const char *option, const char *argument)
{
    const char *const argv[] = {"dpkg-query", option, "--", argument, NULL};
    STRBUF(reply, REPLY_MAX);
    const struct process_options opts = {.out = &reply, .timeout_ms = TIMEOUT_MS};
    if (process_run(argv, &opts, NULL, NULL) < 0)
        return NULL;
    return xstrndup(reply.data, strcspn(reply.data, "\n"));
}

static int library_part(const char *name, struct strv *seen, struct parts *p, struct error *err)
{
    AUTO_FREE char *path = NULL;
    int r = find_library(name, &path, err);
    if (r < 0)
        return r;
    AUTO_FREE char *owner = ask_dpkg("--search", path); /* "libc6-dev:amd64: /usr/lib/…" */
    if (!owner) {
        parts_add(p, &(struct part){.name = name,
                                    .version = "unknown",
                                    .comment = "a static library of the build machine"});
        return 0;
    }
    owner[strcspn(owner, ":, ")] = '\0';
    if (strv_contains(seen, owner))
        return 0;
    strv_add(seen, owner);
    AUTO_FREE char *version = ask_dpkg("-Wf${Version}\\n", owner);
    const struct part part = {.name = owner, .version = version ? version : "unknown"};
    return deb_parts_add(p, "/", &part, NULL, err);
}

int compiler_parts(const struct strv *libraries, struct parts *p, struct error *err)
{
    STRV(seen);
    int r = 0;
    for (size_t i = 0; r == 0 && i < libraries->count; i++)
        r = library_part(libraries->items[i], &seen, p, err);
    return r;
}
