#include "images/compiler.h"

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

static int add_library(const char *name, json_t *inputs, struct error *err)
{
    AUTO_FREE char *option = xasprintf("-print-file-name=%s", name);
    AUTO_FREE char *path = NULL;
    int r = ask(option, &path, err);
    if (r < 0)
        return r;
    char digest[DIGEST_SIZE];
    if (!path || path[0] != '/' || digest_file(path, digest, NULL, NULL) < 0) {
        error_set(err, -ENOENT, "the C compiler does not find the static library %s", name);
        return error_remedy(err, "install the -dev package that holds %s", name);
    }
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
